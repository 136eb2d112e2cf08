"""Lets the CPU build of vLLM import torchvision's PyPI build beside torch's CPU build: two operator schemas that it looks for."""

import torch

if torch.version.cuda is None:
    _library = torch.library.Library("torchvision", "DEF")
    _library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
