"""What else was tried to make a fit and other detectors faster, and what there is to win: processor time, one thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import open_clip
import simplejpeg
import torch
from PIL import Image
from torch import Tensor, nn

from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.net import Restorer
from seewhy.detectors.dinomaly.settings import DinomalySettings
from seewhy.detectors.parts.network import Network, exported
from seewhy.detectors.parts.patches import patches
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.evals.run import LITE, measuring, processor_ms
from seewhy.evals.synthetic.surfaces import good
from seewhy.nearest import faiss
from seewhy.pictures import jpeg
from seewhy.types import Features, Pixels

TURNS = 8  # of each, of which the fastest counts: other work only makes a turn slower
NAME = "efficientnet-lite0"
JPEG_MEGAPIXELS, QUALITY = (12, 40), 90
CLIP, SIDE = "ViT-B-16-plus-240", 15  # and patches along a side of its input


def main(out: Path) -> None:
    """Milliseconds of search, of shared passes of the encoder, of encoders by torch and by OpenVINO, and of decoding a JPEG."""
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    with measuring(out, {"weights": f"{LITE}; {CLIP} random", "turns": TURNS}, "openvino", "faiss-cpu") as table:
        table.row("search_of_5000_rows_ms", _search)
        table.row("passes_ms", _passes)
        table.row("dinomaly_lite0_ms", _dinomaly)
        table.row("clip_block_ms", _clip_block)
        for megapixels in JPEG_MEGAPIXELS:
            table.row(("jpeg", f"{megapixels}_megapixels"), _decoders, megapixels)


def _fastest(actions: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Milliseconds of processor time of each, taking turns."""
    spent = processor_ms({name: lambda _, action=action: action() for name, action in actions.items()}, TURNS)  # type: ignore[misc]
    return {name: round(min(values), 1) for name, values in spent.items()}


def _search() -> dict[str, float]:
    """A photo's patches against a bank: faiss, and a product of matrices by numpy."""
    rng = np.random.default_rng(0)
    cells, rows = (rng.standard_normal((count, 304)).astype(np.float32) for count in (572, 5000))
    index, squares, turned = faiss.IndexFlatL2(304), np.einsum("md,md->m", rows, rows), np.ascontiguousarray(-2 * rows.T)
    index.add(rows)
    return _fastest({"faiss": lambda: index.search(cells, 1), "numpy": lambda: _nearest(cells, turned, squares)})


def _nearest(cells: Features, turned: Features, squares: Features) -> None:
    for at in range(0, len(cells), 256):
        apart = cells[at : at + 256] @ turned
        apart += squares
        apart.argmin(1)


def _passes() -> dict[str, float]:
    """PatchCore's looks, the fine evidence, and both from one pass."""
    looks = tuple(Way(look.layers, look.pool, look.unit_length) for look in PatchCoreSettings().looks())
    fine, photo = (Way((1, 2)),), _noise(352, 416)
    described = {name: patches(Spec(NAME, ways)) for name, ways in {"patchcore": looks, "fine": fine, "both": (*looks, *fine)}.items()}
    return _fastest({name: lambda own=own: own(photo) for name, own in described.items()})  # type: ignore[misc]


def _dinomaly() -> dict[str, float]:
    """Its encoder by torch and by OpenVINO, and its decoder, which isn't trained here."""
    detector, photo = Dinomaly(DinomalySettings(encoder=NAME)), _noise(256, 256)
    decoder, own = Restorer(detector.trained.shape()).eval(), patches(Spec(NAME, (Way((3, 4, 5)),)))
    with torch.inference_mode():
        maps = detector.trained.encode([photo]).maps
        return _fastest(
            {
                "encoder_torch": lambda: detector.trained.encode([photo]),
                "encoder_openvino": lambda: own(photo),
                "decoder": lambda: decoder(maps),
            }
        )


def _clip_block() -> dict[str, float]:
    """One of a ViT's twelve blocks on a photo's tokens, and how far the two are apart."""
    module, photo = _Block(), _noise(SIDE, SIDE * 896 // 3)
    network, tensor = Network(exported(module, *photo.shape[:2])), torch.from_numpy(photo[None])
    with torch.inference_mode():
        apart = float(np.abs(network(photo)[0] - module(tensor)[0].numpy()).max())
        return _fastest({"torch": lambda: module(tensor), "openvino": lambda: network(photo)}) | {"largest_difference": apart}


def _decoders(megapixels: int) -> dict[str, Any]:
    """A JPEG by Pillow, OpenCV and simplejpeg: milliseconds, and how many values differ from Pillow's, by how much at most."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5 / 16) * 16
    drawn = cv2.resize(good("brick", 0).pixels, (round(1.5 * height), height), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).integers(-6, 7, drawn.shape, np.int16)
    data = jpeg(np.clip(drawn + noise, 0, 255).astype(np.uint8), QUALITY)
    readers: dict[str, Callable[[], Any]] = {
        "pillow": lambda: np.asarray(Image.open(BytesIO(data)).convert("RGB")),
        "opencv": lambda: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB),
        "simplejpeg": lambda: simplejpeg.decode_jpeg(data),
    }
    reference = readers["pillow"]().astype(np.int16)
    apart = {name: np.abs(read() - reference) for name, read in readers.items()}
    differ = {name: {"differing": round(float((a > 0).mean()), 6), "by_at_most": int(a.max())} for name, a in apart.items()}
    return {"ms": _fastest(readers)} | differ


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block: Any = open_clip.create_model(CLIP).visual.transformer.resblocks[0].eval()

    def forward(self, photo: Tensor) -> tuple[Tensor]:
        tokens = photo.permute(0, 3, 1, 2).float().reshape(1, -1, 896) / 255
        return (self.block(tokens)[0].reshape(SIDE, SIDE, 896),)


def _noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
