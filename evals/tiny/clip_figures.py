"""What the small CLIP tells zero-shot from words, on products that it never saw; the same with shuffled prompts, as control."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seewhy.agent.machine.importing import import_weights
from seewhy.detectors.winclip.detector import WinClip, likeness
from seewhy.detectors.winclip.settings import WinClipSettings
from seewhy.evals.metrics import auroc
from seewhy.evals.run import measuring
from seewhy.evals.synthetic.surfaces import KINDS, defective, good
from seewhy.evals.tiny.clip import ARCHITECTURE, BATCH, LABEL, PHOTOS, STEPS
from seewhy.prompts.winclip import PromptSet

PRODUCTS = {"brushed": "metal sheet", "cast": "cast part", "woven": "fabric", "plate": "metal plate"}  # never trained on
TESTED = 40  # good photos per product, and photos per kind of defect


def main(weights: Path, out: Path) -> None:
    """The small CLIP whose WEIGHTS `train_tiny_clip` wrote, zero-shot from words on four synthetic products."""
    facts = {"synthetic": True, "weights": LABEL, "trained_on": f"{PHOTOS} random surfaces, {STEPS} steps of {BATCH}"}
    with measuring(out, facts, "open_clip_torch") as table, tempfile.TemporaryDirectory() as folder:
        os.environ["SEEWHY_WEIGHTS"], os.environ["XDG_CACHE_HOME"] = f"{folder}/weights", f"{folder}/cache"
        import_weights(f"clip-{ARCHITECTURE}", weights)
        rows: list[dict[str, float]] = [table.row(("products", product), _product, product, noun) for product, noun in PRODUCTS.items()]
        table.figures["mean"] = {name: round(float(np.mean([r[name] for r in rows])), 4) for name in rows[0]}


def _product(product: str, noun: str) -> dict[str, float]:
    detector = WinClip(WinClipSettings(prompt=noun, defects=KINDS, model=ARCHITECTURE))
    detector.fit([])
    photos = [(good(product, 90_000 + i), "good") for i in range(TESTED)]
    photos += [(defective(product, kind, 90_000 + i), kind) for kind in KINDS for i in range(TESTED)]
    scored = [detector.score(p.pixels) for p, _ in photos]
    defect = np.array([kind != "good" for _, kind in photos])
    maps = np.concatenate([s.values[::4, ::4].ravel() for s in scored])
    truth = np.concatenate([p.mask[::4, ::4].ravel() for p, _ in photos])
    looks = torch.from_numpy(np.stack([s.descriptor for s in scored if s.descriptor is not None]))
    shares = likeness(looks[torch.from_numpy(defect)], detector._fitted().defects, 0.07)
    named = [kind for _, kind in photos if kind != "good"]
    right = [KINDS[i] == kind for i, kind in zip(shares.argmax(1).tolist(), named, strict=True)]
    exact, coarse = np.array([s.score for s in scored]), dict[str, float]()
    for short, dtype in (("bf16", "bfloat16"), ("int8", "int8")):
        other = WinClip(WinClipSettings(prompt=noun, defects=KINDS, model=ARCHITECTURE, dtype=dtype))
        other.fit([])
        found = np.array([other.score(p.pixels).score for p, _ in photos])
        ranks = np.corrcoef(exact.argsort().argsort(), found.argsort().argsort())
        coarse |= {f"{short}_rank_correlation": round(float(ranks[0, 1]), 5)}
        coarse |= {f"{short}_largest_change": round(float(np.abs(exact - found).max()), 5)}
    control = [_shuffled(detector, looks, defect, seed) for seed in range(20)]
    return {
        "image_auroc": round(auroc(defect, exact) or 0.0, 4),
        "pixel_auroc": round(auroc(truth, maps) or 0.0, 4),
        "type_accuracy": round(float(np.mean(right)), 4),
        "image_auroc_shuffled_prompts": round(float(np.mean(control)), 4),
        "spread_of_shuffled": round(float(np.std(control)), 4),
        **coarse,
    }


def _shuffled(detector: WinClip, looks: Tensor, defect: npt.NDArray[np.bool_], seed: int) -> float:
    """Image AUROC when each prompt is dealt to the good or the defective side by chance."""
    prompts = detector.prompts
    pool = [*prompts.normal, *prompts.anomalous]
    order = np.random.default_rng(seed).permutation(len(pool))
    half = len(prompts.normal)
    dealt = PromptSet(tuple(pool[i] for i in order[:half]), tuple(pool[i] for i in order[half:]))
    words = detector.clip.read(dealt)
    scores = likeness(looks, torch.stack([words.normal, words.anomalous]), 0.07)[:, 1]
    return auroc(defect, scores.numpy()) or 0.0
