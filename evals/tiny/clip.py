"""A CLIP that really sees, small enough for two cores: trained on captions of synthetic surfaces (about 20 minutes).

Everything is synthetic; the weights are called `seewhy-tiny-clip, synthetic` and stand for no published model.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
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

from seewhy.detectors.winclip.clip import build, window_patches
from seewhy.evals.synthetic.surfaces import DEFECTS, KINDS, change_of, random_surface
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


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """What is trained on."""

    pixels: npt.NDArray[np.uint8]  # (N, SIDE, SIDE, 3)
    cover: npt.NDArray[np.uint8]  # (N, P) how much of each patch is defect, 0..255
    state: npt.NDArray[np.int64]  # (N,) 0 good, then KINDS


def train(out: Path, steps: int = STEPS, photos: int = PHOTOS, seed: int = 0) -> None:
    """Draw the photos, train the small CLIP and write its weights to OUT."""
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
    surface: Map = random_surface(rng)
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
