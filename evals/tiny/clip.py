"""A CLIP that really sees, small enough for two cores: trained on captions of synthetic surfaces, measured on products it never saw.

`python -m seewhy.evals.tiny.clip train WEIGHTS.safetensors` draws the photos and trains (about 20 minutes);
`python -m seewhy.evals.tiny.clip measure WEIGHTS.safetensors OUT.json` measures zero-shot from words, and the same with
shuffled prompts. Everything is synthetic; the weights are called `seewhy-tiny-clip, synthetic` and stand for no published
model.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import open_clip
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from seewhy.agent.machine.importing import import_weights
from seewhy.detectors.winclip.clip import build, window_patches
from seewhy.detectors.winclip.detector import WinClip, likeness
from seewhy.detectors.winclip.settings import WinClipSettings
from seewhy.evals.detect import hardware
from seewhy.evals.metrics import auroc
from seewhy.evals.synthetic.surfaces import DEFECTS, KINDS, change_of, defective, good
from seewhy.prompts.winclip import PromptSet
from seewhy.types import Map, Pixels

ARCHITECTURE = "seewhy-tiny"
LABEL = "seewhy-tiny-clip, synthetic"
SIDE, PATCH = 96, 8
PHOTOS, BATCH, STEPS, WINDOWS = 12_000, 64, 2000, 6
NOUNS = ("metal", "plastic", "fabric", "stone", "leather", "part", "sheet", "plate", "surface", "casting", "metal plate", "cast part")
GOOD_STATES = ("{}", "flawless {}", "perfect {}", "unblemished {}", "{} without flaw", "{} without defect", "{} without damage")
ANY_DEFECT = ("damaged {}", "{} with flaw", "{} with defect", "{} with damage")
ONE_DEFECT = ("{} with a [d]", "{} with [d]", "[d] on {}")
FRAMES = (
    "a photo of a {}.",
    "a photo of the {}.",
    "a close-up photo of a {}.",
    "a cropped photo of the {}.",
    "a dark photo of a {}.",
    "{}",
)
PRODUCTS = {"brushed": "metal sheet", "cast": "cast part", "woven": "fabric", "plate": "metal plate"}  # never trained on
TESTED = 40  # good photos per product, and photos per kind of defect


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """What is trained on."""

    pixels: npt.NDArray[np.uint8]  # (N, SIDE, SIDE, 3)
    cover: npt.NDArray[np.uint8]  # (N, P) how much of each patch is defect, 0..255
    state: npt.NDArray[np.int64]  # (N,) 0 good, then KINDS


def train(out: Path, steps: int = STEPS, photos: int = PHOTOS, seed: int = 0) -> None:
    """Train and write the weights."""
    torch.manual_seed(seed)
    data = drawn(photos, seed)
    net = build(ARCHITECTURE).train()
    tokenizer = open_clip.get_tokenizer(ARCHITECTURE)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=steps, pct_start=0.1)
    rng, began = np.random.default_rng(seed), time.perf_counter()
    index = [window_patches(net.visual.grid_size, side) for side in (2, 3)]
    for step in range(steps):
        rows = rng.integers(0, len(data.state), BATCH)
        images, cover = _turned(data.pixels[rows], data.cover[rows], rng)
        captions, meant = _captions(data.state[rows], rng)
        words = functional.normalize(net.encode_text(tokenizer(captions)), dim=-1)
        loss = _step(net, images, data.state[rows], cover, words, meant, index[step % 2], rng)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            net.logit_scale.clamp_(0, np.log(50))
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step} of {steps}: loss {loss.item():.3f}, {time.perf_counter() - began:.0f} s", flush=True)
    save_file({name: t.detach().contiguous() for name, t in net.state_dict().items()}, out)


def _step(
    net: Any, images: Tensor, state: npt.NDArray[np.int64], cover: Tensor, words: Tensor, meant: Tensor, index: Tensor, rng: Any
) -> Tensor:
    """Whole photos, and a few windows of each, against all captions of the batch."""
    visual, scale = net.visual, net.logit_scale.exp()
    tokens = visual._embeds(images)
    whole = functional.normalize(visual.ln_post(visual.transformer(tokens)[:, 0]) @ visual.proj, dim=-1)
    loss = _contrast(scale * whole @ words.T, meant[:, torch.from_numpy(state)].T)
    covered = cover[:, index].amax(-1)  # (B, W)
    chance = torch.where(covered > 0.5, 1.0, torch.where(covered > 0, 0.0, 0.02))
    picked = torch.multinomial(chance + 1e-9, WINDOWS, generator=torch.Generator().manual_seed(int(rng.integers(2**31))))
    inside = torch.stack([tokens[b, 1:][index[picked[b]]] for b in range(len(tokens))])  # (B, K, n, width)
    with_class = torch.cat([tokens[:, :1, None].expand(-1, WINDOWS, 1, -1), inside], 2).flatten(0, 1)
    seen = functional.normalize(visual.ln_post(visual.transformer(with_class)[:, 0]) @ visual.proj, dim=-1)
    there = covered.gather(1, picked).flatten() > 0.5
    states = torch.where(there, torch.from_numpy(state).repeat_interleave(WINDOWS), 0)
    return loss + _contrast(scale * seen @ words.T, meant[:, states].T)


def _contrast(logits: Tensor, positive: Tensor) -> Tensor:
    """InfoNCE with several right captions per photo and several right photos per caption; (N, C) each."""
    low = torch.finfo(logits.dtype).min
    right = logits.masked_fill(~positive, low)
    has = positive.any(1)
    across = (logits.logsumexp(1) - right.logsumexp(1))[has].mean()
    used = positive.any(0)
    return across + (logits.logsumexp(0) - right.logsumexp(0))[used].mean()


def _captions(state: npt.NDArray[np.int64], rng: Any) -> tuple[list[str], Tensor]:
    """A caption per photo, and which states each is right for: (C, 1 + kinds)."""
    texts, meant = [], torch.zeros(len(state), 1 + len(KINDS), dtype=torch.bool)
    for row, number in enumerate(state):
        noun = NOUNS[rng.integers(len(NOUNS))]
        if number == 0:
            said, meant[row, 0] = GOOD_STATES[rng.integers(len(GOOD_STATES))], True
        elif rng.random() < 0.5:
            said = ANY_DEFECT[rng.integers(len(ANY_DEFECT))]
            meant[row, 1:] = True
        else:
            said, meant[row, number] = ONE_DEFECT[rng.integers(len(ONE_DEFECT))].replace("[d]", KINDS[number - 1]), True
        texts.append(FRAMES[rng.integers(len(FRAMES))].format(said.format(noun)))
    return texts, meant


def _turned(pixels: npt.NDArray[np.uint8], cover: npt.NDArray[np.uint8], rng: Any) -> tuple[Tensor, Tensor]:
    """Photos turned, mirrored and lit anew, with their patches' cover."""
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))
    grid = SIDE // PATCH
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    covers = torch.from_numpy(cover).float().view(-1, grid, grid) / 255
    images, covers = torch.rot90(images, turns, (2, 3)), torch.rot90(covers, turns, (1, 2))
    if flip:
        images, covers = images.flip(3), covers.flip(2)
    light = torch.from_numpy(rng.uniform(0.8, 1.2, (len(images), 3, 1, 1)).astype(np.float32))
    mean, std = torch.tensor(OPENAI_DATASET_MEAN).view(1, 3, 1, 1), torch.tensor(OPENAI_DATASET_STD).view(1, 3, 1, 1)
    return ((images * light).clamp(0, 1) - mean) / std, covers.flatten(1)


def drawn(count: int, seed: int) -> Photos:
    """Random surfaces, 40 % of them good."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        rows = list(pool.map(_one, ((seed, i) for i in range(count)), chunksize=100))
    return Photos(np.stack([r[0] for r in rows]), np.stack([r[1] for r in rows]), np.array([r[2] for r in rows], np.int64))


def _one(which: tuple[int, int]) -> tuple[Pixels, npt.NDArray[np.uint8], int]:
    rng = np.random.default_rng([23, *which])
    size = (320, 320)
    surface: Map = surface_of(rng)
    state = 0 if rng.random() < 0.4 else 1 + int(rng.integers(len(KINDS)))
    cover = np.zeros(size, np.float32)
    if state:
        kind = KINDS[state - 1]
        while cover.max() < 0.5:
            cover = DEFECTS[kind](rng, size)
        surface += change_of(kind, cover, rng, rng.uniform(0.7, 1.2))
    photo = np.clip(surface + rng.normal(0, 2, surface.shape), 0, 255).astype(np.uint8)
    small = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    grid = SIDE // PATCH
    fine = cv2.resize((cover >= 0.5).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    patches = fine.reshape(grid, PATCH, grid, PATCH).mean((1, 3))
    marked = np.where(patches > 0.04, 255, np.where(patches > 0, 64, 0))  # a tenth of a line's width across a patch counts
    return small, marked.astype(np.uint8).ravel(), state


def surface_of(rng: Any) -> Map:
    """A random surface: noise of random grain and direction, perhaps stripes, a grid, bores or bars, in a random colour."""
    size = (320, 320)
    level, colour = rng.uniform(70, 200), rng.uniform(0.85, 1.15, 3)
    values = np.full(size, level, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        sx, sy = np.exp(rng.uniform(np.log(0.5), np.log(30), 2))
        raw = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), sigmaX=sx, sigmaY=sy)
        values += rng.uniform(2, 10) * raw / (raw.std() + 1e-6)
    x, y = np.meshgrid(np.arange(320), np.arange(320))
    kind = rng.random()
    if kind < 0.3:
        period, angle = rng.uniform(5, 30), rng.uniform(0, np.pi)
        wave = np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / period)
        cross = np.sin(2 * np.pi * (np.cos(angle) * y - np.sin(angle) * x) / period) if rng.random() < 0.5 else 1.0
        values += rng.uniform(4, 25) * wave * cross
    elif kind < 0.6:
        for _ in range(int(rng.integers(1, 5))):  # bores and bars are of the product: regular, rimmed, large
            at, radius = rng.integers(30, 290, 2), int(rng.integers(12, 26))
            rim, dark = level + rng.uniform(20, 50), rng.uniform(25, 70)
            if rng.random() < 0.6:
                cv2.circle(values, (int(at[0]), int(at[1])), radius + 2, rim, 3, cv2.LINE_AA)
                cv2.circle(values, (int(at[0]), int(at[1])), radius, dark, -1, cv2.LINE_AA)
            else:
                end = (int(np.clip(at[0] + rng.integers(-90, 90), 20, 300)), int(at[1]))
                cv2.line(values, (int(at[0]), int(at[1])), end, rim, radius + 5, cv2.LINE_AA)
                cv2.line(values, (int(at[0]), int(at[1])), end, dark, radius, cv2.LINE_AA)
    ramp = 1 + 0.08 * (np.cos(t := rng.uniform(0, 2 * np.pi)) * x + np.sin(t) * y) / 320
    made: Map = (values * ramp)[..., None].astype(np.float32) * colour.astype(np.float32)
    return made


def measure(file: Path, out: Path) -> None:
    """Zero-shot from words on four products that training never drew; shuffled prompts as control."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEEWHY_WEIGHTS"], os.environ["XDG_CACHE_HOME"] = f"{folder}/weights", f"{folder}/cache"
        import_weights(f"clip-{ARCHITECTURE}", file)
        rows = {product: _product(product, noun) for product, noun in PRODUCTS.items()}
    figures = {
        "synthetic": True,
        "weights": LABEL,
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "trained_on": f"{PHOTOS} random surfaces, {STEPS} steps of {BATCH}",
        "products": rows,
        "mean": {name: round(float(np.mean([r[name] for r in rows.values()])), 4) for name in next(iter(rows.values()))},
    }
    out.write_text(json.dumps(figures, indent=1), encoding="utf-8")


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


if __name__ == "__main__":
    if sys.argv[1] == "train":
        train(Path(sys.argv[2]))
    else:
        measure(Path(sys.argv[2]), Path(sys.argv[3]))
