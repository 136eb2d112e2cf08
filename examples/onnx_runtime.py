"""Judge photos with an exported detector, by onnxruntime, numpy and Pillow alone: python onnx_runtime.py EXPORT PHOTO ..."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

folder, photos = Path(sys.argv[1]), sys.argv[2:]
manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
passes_up_to, anomalous_above = (manifest["lines"][name] for name in ("passes_up_to", "anomalous_above"))  # None: too few good photos say
height, width, _ = manifest["input"]["shape"]
detector = onnxruntime.InferenceSession(folder / "detector.onnx", providers=["CPUExecutionProvider"])

for name in photos:
    with Image.open(name) as file:
        pixels = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))  # (H, W, 3) uint8
    if pixels.shape != (height, width, 3):
        sys.exit(f"{name} has {pixels.shape[1]} x {pixels.shape[0]} px; this detector was exported for {width} x {height}")
    strange, score = detector.run(["map", "score"], {"photo": pixels})  # (H, W) and a number, float32
    y, x = np.unravel_index(strange.argmax(), strange.shape)
    if anomalous_above is not None and score > anomalous_above:
        verdict = "anomalous"
    else:
        verdict = "passes" if passes_up_to is not None and score <= passes_up_to else "asked"
    print(f"{name}: {verdict}, score {score:.4f}, strangest at x {x}, y {y}")
