"""Photos as large as are read: seconds of one core and memory of `inspect`, whatever they show and however they are stored."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
import torch
from PIL import Image

from seewhy.agent.api.learn import fit
from seewhy.agent.api.load import load
from seewhy.evals.run import alone, peak_mib
from seewhy.evals.synthetic.surfaces import defective, write_dataset
from seewhy.types import Pixels

WIDTH_PX, HEIGHT_PX = 9_000, 7_000
GOOD_PHOTOS = 12
KINDS = ("part.jpg", "noise.jpg", "part.png", "alpha.png", "deep.tif", "rings.tif")


def large(folder: Path) -> dict[str, Any]:
    """Each of `KINDS` in a process of its own, with a PatchCore as it comes."""
    fit(write_dataset(folder / "data", "plate", good_train=GOOD_PHOTOS, good_test=0, per_kind=0), save=folder / "model")
    return {"megapixels": WIDTH_PX * HEIGHT_PX / 1e6} | {name: alone(_inspected, folder, name) for name in KINDS}


def _inspected(folder: Path, name: str) -> dict[str, Any]:
    _draw(folder / name)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    inspector = load(folder / "model")
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on (Linux)
    began = time.process_time()
    record = inspector.inspect(folder / name).record
    seconds = time.process_time() - began
    return {
        "verdict": record.verdict.value,
        "findings": len(record.findings),
        "core_seconds": round(seconds, 1),
        "peak_memory_mib": peak_mib(),
    }


def _draw(path: Path) -> None:
    """A large photo, by its name: a part with a stain, noise, or rings that are strange everywhere."""
    drawn = _drawn(path.stem)
    match path.stem, path.suffix:
        case "alpha", _:
            Image.fromarray(np.dstack([drawn, np.full(drawn.shape[:2], 200, np.uint8)])).save(path, compress_level=1)
        case "deep", _:
            tifffile.imwrite(path, drawn.astype(np.uint16) * 257, photometric="rgb", compression="zlib", compressionargs={"level": 1})
        case _, ".tif":
            tifffile.imwrite(path, drawn, photometric="rgb")
        case _, ".png":
            Image.fromarray(drawn).save(path, compress_level=1)
        case _:
            Image.fromarray(drawn).save(path, quality=90)


def _drawn(what: str) -> Pixels:
    if what == "noise":
        return np.random.default_rng(0).integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    pixels: Pixels = cv2.resize(defective("plate", "stain", 1).pixels, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    if what == "rings":
        for radius in range(100, HEIGHT_PX // 2, 200):
            cv2.circle(pixels, (WIDTH_PX // 2, HEIGHT_PX // 2), radius, (255, 0, 255), 40)
    return pixels
