"""What a GPU brings: detectors on a device, run by torch and by ONNX Runtime, beside the CPU and beside anomalib's, taking turns.

Milliseconds are by the clock, for one photo at a time, from its pixels to its map and score in the computer's memory. PatchCore is fitted
on the CPU and opened on the device, so that what differs is arithmetic alone; how far scores are apart is in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch

from seewhy.agent.models.product import ProductModel
from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.settings import PAPERS, DinomalySettings
from seewhy.detectors.parts.inputs import as_batch
from seewhy.detectors.patchcore import PatchCore
from seewhy.evals.peers.dinomaly import ours, random_weights, theirs
from seewhy.evals.peers.parity import made, network_input, noise_photo, peer
from seewhy.evals.run import LITE, measuring
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.evals.synthetic.views import as_photo
from seewhy.threads import calm
from seewhy.types import Pixels, ScoreMap

CLIP, SMALL = "ViT-B-16-plus-240", "efficientnet-lite0"
PRODUCT, ALPHA = "brick", 0.05
Look = Callable[[Pixels], ScoreMap]


def main(out: Path, device: str = "cuda", turns: int = 30, photos: int = 60, steps: int = 100) -> None:
    """PatchCore, Dinomaly and WinCLIP on DEVICE by torch and by ONNX Runtime, beside the CPU and anomalib's; milliseconds by the clock."""
    weights = f"{LITE}; {PAPERS} and CLIP {CLIP} random; decoders random"
    given = {"weights": weights, "turns": turns, "photos": photos, "device": device}
    with measuring(out, given, "anomalib", "openvino", "onnxruntime-gpu", "transformers", "open_clip_torch", device=device) as table:
        table.row("patchcore", patchcore, device, turns, photos)
        table.row("dinomaly", dinomaly, SMALL, device, turns)
        table.row("dinomaly_papers", dinomaly, PAPERS, device, turns)
        table.row("dinomaly_training", training, device, steps)
        table.row("winclip", winclip, device, turns)


def patchcore(device: str, turns: int, photos: int) -> dict[str, Any]:
    """Of one bank: by OpenVINO on the CPU, by ONNX Runtime and by torch on the device."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        known = [as_photo(good(PRODUCT, i).pixels, f"{i}.png") for i in range(photos)]
        cpu = ProductModel.fit(known, PatchCore(), product=PRODUCT, alpha=ALPHA).save(folder / "model")
        threshold = cpu.calibration.threshold(ALPHA)
        there = {"openvino, CPU": cpu.detector, f"onnxruntime, {device}": ProductModel.load(folder / "model", device=device).detector}
    mine = there["openvino, CPU"]
    assert isinstance(mine, PatchCore)
    by_torch = {name: value for name, value in mine.learned.items() if name != "network"}
    there[f"torch, {device}"] = PatchCore.from_files(mine.settings, by_torch, mine.files(), device)
    asked = [good(PRODUCT, 900 + i).pixels for i in range(photos // 2)] + [
        defective(PRODUCT, "stain", i).pixels for i in range(photos // 2)
    ]
    scores = {name: np.array([detector.score(pixels).score for pixels in asked]) for name, detector in there.items()}
    base = scores["openvino, CPU"]
    patches: dict[str, Callable[[Pixels], Any]] = {f"patches alone, {name}": _patches(detector) for name, detector in there.items()}
    return {
        "ms_per_photo": in_turns({name: detector.score for name, detector in there.items()} | patches, asked, turns),
        "largest_relative_difference_of_a_score": {name: float(np.max(np.abs(one / base - 1))) for name, one in scores.items()},
        "verdicts_changed_of": [{name: int(((one > threshold) != (base > threshold)).sum()) for name, one in scores.items()}, len(asked)],
    }


def _patches(detector: Any) -> Callable[[Pixels], Any]:
    return lambda pixels: detector._encode(pixels)


def dinomaly(encoder: str, device: str, turns: int) -> dict[str, Any]:
    """In f32 by torch and ONNX Runtime, in bf16 by torch; of the paper's encoder anomalib's beside it."""
    with random_weights(PAPERS) as state:
        base = ours(encoder)
        saved, learned = base.trained.to_bytes(), {"training": {}, "resolution_cells": 1.0}
        base.settle()
        cpu = base.learned | learned
        there = {f"torch, {device}": _restored(base.settings, learned, saved, device)}
        there[f"torch, bf16, {device}"] = _restored(replace(base.settings, dtype="bfloat16"), learned, saved, device)
        there[f"onnxruntime, {device}"] = Dinomaly.from_files(base.settings, cpu, base.files(), device)
        side = base.settings.input_px
        photos = [np.random.default_rng(i).integers(0, 256, (side, side, 3)).astype(np.uint8) for i in range(turns + 1)]
        looks: dict[str, Callable[[Any], Any]] = {name: one.score for name, one in there.items()}
        wanted = [base.score(p) for p in photos[:5]]
        far = {name: [_apart(one.score(p), w) for p, w in zip(photos, wanted, strict=False)] for name, one in there.items()}
        if encoder == PAPERS:
            other, normed = theirs(base, state).to(device), _normed(base, device)
            looks[f"anomalib, {device}"] = torch.inference_mode()(lambda p: other(normed(p)).anomaly_map.cpu())
        return {
            "input_px": side,
            "decoder_blocks": base.settings.depth,
            "ms_per_photo": in_turns(looks, photos, turns),
            "largest_difference_of_a_score_and_a_map": {
                name: [max(one) for one in zip(*values, strict=True)] for name, values in far.items()
            },
        }


def _normed(detector: Dinomaly, device: str) -> Callable[[Pixels], torch.Tensor]:
    """A photo as the encoder takes it."""
    encoder: Any = detector.trained.encoder
    mean, std = encoder._mean.to(device), encoder._std.to(device)
    return lambda pixels: (as_batch([pixels]).to(device) - mean) / std


def _restored(settings: DinomalySettings, learned: Mapping[str, Any], saved: bytes, device: str) -> Dinomaly:
    return Dinomaly.from_files(settings, learned, {"restorer.safetensors": saved}, device)


def _apart(one: ScoreMap, other: ScoreMap) -> tuple[float, float]:
    return abs(one.score - other.score), float(np.abs(one.values - other.values).max())


def training(device: str, steps: int) -> dict[str, Any]:
    """Of the encoder that comes with seewhy: seconds, the loss at the beginning and at the end, and what runs the trained network."""
    photos = [good(PRODUCT, i).pixels for i in range(16)]
    detector = Dinomaly(DinomalySettings(SMALL, steps=steps), device=device)
    began = perf_counter()
    detector.fit(photos)
    spent = perf_counter() - began
    losses, learned = detector.learned["training"]["losses"], detector.learned
    again = Dinomaly.from_files(detector.settings, learned, detector.files(), device)
    same = _apart(detector.score(photos[0]), again.score(photos[0]))
    return {
        "steps": steps,
        "seconds": round(spent, 2),
        "loss": [round(losses[0], 4), round(losses[-1], 4)],
        "runs": learned["network"].get("runs", "OpenVINO") if "network" in learned else learned["engine"],
        "difference_after_saving": same,
    }


def winclip(device: str, turns: int) -> dict[str, Any]:
    """Zero-shot in f32, bf16 and f16 on the device, and anomalib's in f32; scores beside those of f32 on the CPU."""
    base = made(CLIP)
    there = {name: made(CLIP, dtype=dtype, device=device) for name, dtype in (("f32", "float32"), ("bf16", "bfloat16"), ("f16", "float16"))}
    for detector in (base, *there.values()):
        detector.fit([])
    other = peer(base, [], corrected=False).to(device)
    photos = [noise_photo(base, i) for i in range(turns + 1)]
    wanted = [base.score(p) for p in photos[:5]]
    looks: dict[str, Callable[[Any], Any]] = {f"{name}, {device}": detector.score for name, detector in there.items()}
    looks[f"anomalib, f32, {device}"] = torch.inference_mode()(lambda p: other(network_input(base, p).to(device)).anomaly_map.cpu())
    return {
        "ms_per_photo": in_turns(looks, photos, turns),
        "largest_difference_of_a_score_and_a_map": {
            name: [max(one) for one in zip(*(_apart(d.score(p), w) for p, w in zip(photos, wanted, strict=False)), strict=True)]
            for name, d in there.items()
        },
    }


def in_turns(looks: Mapping[str, Callable[[Any], Any]], photos: list[Pixels], turns: int) -> dict[str, float]:
    """Median milliseconds by the clock of each, taking turns; two turns before, which compile and choose."""
    spent: dict[str, list[float]] = {name: [] for name in looks}
    with calm():  # as in an inspection
        for turn in range(turns + 2):
            for name, look in looks.items():
                began = perf_counter()
                look(photos[turn % len(photos)])
                spent[name].append(1000 * (perf_counter() - began))
    return {name: round(float(np.median(values[2:])), 2) for name, values in spent.items()}
