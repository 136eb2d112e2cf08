"""The small VLM's eye: what it makes of pictures, and how it learns to see before there are words."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.qwen3_vl.modeling_qwen3_vl import (
    get_vision_interpolation_indices_and_weights,
    get_vision_position_ids,
    rotate_half,
)

from seewhy.evals.synthetic.stand_in import SIDE
from seewhy.evals.synthetic.surfaces import KINDS
from seewhy.evals.tiny.vlm_data import CELLS, TONE_WORDS, Example
from seewhy.types import Map

PATCH, MERGE = 16, 2
GRID = SIDE // PATCH
TOKENS = CELLS**2  # of one picture
WIDTH, EYE_WIDTH = 128, 128
LOOKS = 64  # pictures in a step
COVERED, CLEAR = 6.0, 0.5  # pixels of defect from which a cell shows it, and below which it doesn't
LUMA, BLUE, RED = (0.299, 0.587, 0.114), (-0.5, 0.0, 0.5), (0.5, -0.5, 0.0)


def learn_to_look(eye: Any, pool: Sequence[Example], steps: int, rng: Any, began: float) -> None:
    """The eye alone: what each cell of the close-up shows, and the whole of it; by heads that are thrown away."""
    _frequencies(eye, np.stack([e.pictures[-1] for e in pool[:300]]))
    kinds = 1 + len(KINDS)
    cell, whole = nn.ModuleList([nn.Linear(WIDTH, kinds) for _ in range(2)]), nn.Linear(WIDTH, kinds + len(TONE_WORDS))
    weights = [*eye.parameters(), *cell.parameters(), *whole.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1.5e-3, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1.5e-3, total_steps=steps, pct_start=0.1)
    right = 0.0
    for step in range(steps):
        rows = [pool[i] for i in rng.integers(0, len(pool), LOOKS)]
        pictures, cover = _augmented([r.pictures[-1] for r in rows], [r.cover for r in rows], rng)
        label, tone = torch.tensor([r.label for r in rows]), torch.tensor([r.tone for r in rows])
        told = torch.from_numpy((cover > COVERED) | (cover < CLEAR)).flatten(1)
        truth = torch.where(torch.from_numpy(cover > COVERED).flatten(1), label[:, None], 0)
        seen = look(eye, pictures)  # each (B, TOKENS, WIDTH)
        loss = sum((functional.cross_entropy(head(s)[told], truth[told]) for head, s in zip(cell, seen, strict=True)), torch.zeros(()))
        said = whole(seen[0].mean(1))
        loss = loss + functional.cross_entropy(said[:, :kinds], label) + 0.5 * functional.cross_entropy(said[:, kinds:], tone)
        stepped(optimiser, schedule, loss, weights)
        right = 0.98 * right + 0.02 * float((said[:, :kinds].argmax(1) == label).float().mean())
        if step % 100 == 0 or step == steps - 1:
            print(f"looking {step} of {steps}: loss {loss.item():.3f}, right {right:.3f}, {time.perf_counter() - began:.0f} s", flush=True)


def _frequencies(eye: Any, pictures: npt.NDArray[np.uint8]) -> None:
    """Let the first layer see a patch's frequencies (DCT-II), lowest first, each as strong as the others over `pictures`.

    Lines a pixel wide are lost in random projections of 768 values to 128; four fifths are for lightness, the rest for colour.
    """
    at = np.arange(PATCH)
    waves = np.stack([np.cos(np.pi * (at + 0.5) * k / PATCH) * np.sqrt((1 if k == 0 else 2) / PATCH) for k in range(PATCH)])
    order = sorted(((v, u) for v in range(PATCH) for u in range(PATCH)), key=lambda vu: vu[0] ** 2 + vu[1] ** 2)
    luma = round(0.8 * EYE_WIDTH)
    wanted = [(LUMA, luma), (BLUE, (EYE_WIDTH - luma + 1) // 2), (RED, (EYE_WIDTH - luma) // 2)]
    made = [np.multiply.outer(colour, np.outer(waves[v], waves[u])) for colour, count in wanted for v, u in order[:count]]
    basis = torch.from_numpy(np.stack(made)).float()  # (EYE_WIDTH, 3, PATCH, PATCH)
    found = _single(patches(pictures)) @ basis.flatten(1).T
    spread = found.std(0)
    spread = spread.maximum(0.3 * spread.median())
    with torch.no_grad():
        eye.patch_embed.proj.weight.copy_((0.25 * basis / spread[:, None, None, None])[:, :, None].expand(-1, -1, 2, -1, -1))
        eye.patch_embed.proj.bias.copy_(-0.5 * found.mean(0) / spread)


def look(eye: Any, pictures: npt.NDArray[np.uint8]) -> list[Tensor]:
    """(N, SIDE, SIDE, 3) to the eye's outputs, (N, TOKENS, WIDTH) each: the last, then those for the first layers of the words.

    The same as the library's, which takes one picture after the other; a test holds that.
    """
    n, grid = len(pictures), torch.tensor([[1, GRID, GRID]])
    at, share = get_vision_interpolation_indices_and_weights(
        grid,
        num_grid_per_side=eye.num_grid_per_side,
        mode=eye.interpolation_mode,
        align_corners=eye.interpolation_align_corners,
        spatial_merge_size=MERGE,
        kwargs={},
    )
    place = (eye.pos_embed(at) * share[:, :, None]).sum(1)  # (P, EYE_WIDTH)
    weight = eye.patch_embed.proj.weight.sum(2).flatten(1)  # a still picture is two equal frames
    x = functional.linear(_single(patches(pictures)), weight, eye.patch_embed.proj.bias).view(n, GRID**2, -1) + place
    cos, sin = eye.rotary_pos_emb(x, get_vision_position_ids(grid, MERGE, kwargs={}))
    deep: list[Tensor] = []
    for number, block in enumerate(eye.blocks):
        qkv = block.attn.qkv(block.norm1(x)).view(n, GRID**2, 3, block.attn.num_heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (N, heads, P, width) each
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, GRID**2, -1)
        x = x + block.attn.proj(mixed)
        x = x + block.mlp(block.norm2(x))
        if number in eye.deepstack_visual_indexes:
            deep.append(eye.deepstack_merger_list[len(deep)](x).view(n, TOKENS, -1))
    return [eye.merger(x).view(n, TOKENS, -1), *deep]


def stepped(optimiser: Any, schedule: Any, loss: Tensor, weights: list[Any]) -> None:
    """One step of training."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimiser.step()
    schedule.step()


def patches(pictures: npt.NDArray[np.uint8]) -> Tensor:
    """(N, SIDE, SIDE, 3) to Qwen's flat patches, (N * patches, 3 * 2 * PATCH * PATCH): a test holds that they are its processor's."""
    made = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    n, grid = len(made), SIDE // PATCH // MERGE
    made = made.reshape(n, 3, grid, MERGE, PATCH, grid, MERGE, PATCH).permute(0, 2, 5, 3, 6, 1, 4, 7)
    return made.reshape(n * (SIDE // PATCH) ** 2, 3, 1, PATCH, PATCH).expand(-1, -1, 2, -1, -1).flatten(1)


def _single(flat: Tensor) -> Tensor:
    """Flat patches of still pictures, (N * patches, 3 * PATCH * PATCH): one frame of the two equal ones."""
    return flat.view(len(flat), 3, 2, -1)[:, :, 0].flatten(1)


def _augmented(
    pictures: Sequence[npt.NDArray[np.uint8]], covers: Sequence[Map], rng: Any
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """(B, SIDE, SIDE, 3) and (B, CELLS, CELLS), turned and mirrored together, each row its own way, and lit anew."""
    made, cells = [], []
    for picture, cover in zip(pictures, covers, strict=True):
        turns, flip = int(rng.integers(4)), bool(rng.integers(2))
        turned, cell = (np.rot90(a, turns)[:, :: -1 if flip else 1] for a in (picture, cover))
        made.append(np.clip(turned * rng.uniform(0.85, 1.15, (1, 1, 3)), 0, 255).astype(np.uint8))
        cells.append(cell)
    return np.stack(made), np.stack(cells)
