"""The tiny VLM's pieces against the real library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.helpers.photos import noise
from transformers import Qwen2VLImageProcessor, Qwen3VLForConditionalGeneration

from seewhy.evals.synthetic.stand_in import SIDE
from seewhy.evals.tiny.eye import GRID, PATCH, look, patches
from seewhy.evals.tiny.vlm import architecture, tokenizer, train

pytestmark = pytest.mark.slow


def test_patches_are_the_processors() -> None:
    pictures = np.stack([noise(SIDE, SIDE, seed) for seed in range(2)])
    processor = Qwen2VLImageProcessor(
        size={"shortest_edge": 4096, "longest_edge": SIDE * SIDE * 4}, patch_size=PATCH, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    theirs = processor(images=list(pictures), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(patches(pictures), theirs, atol=1e-5, rtol=0)


def test_the_eye_looks_as_the_librarys_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    eye = Qwen3VLForConditionalGeneration(architecture(tokenizer([], tmp_path))).float().eval().model.visual
    pictures = np.stack([noise(SIDE, SIDE, seed) for seed in range(3)])
    with torch.no_grad():
        theirs = eye(patches(pictures), grid_thw=torch.tensor([[1, GRID, GRID]] * 3))
        ours = look(eye, pictures)
    for mine, other in zip(ours, [theirs.pooler_output, *theirs.deepstack_features], strict=True):
        torch.testing.assert_close(mine.flatten(0, 1), other, atol=1e-5, rtol=0)


def test_training_writes_what_the_library_loads(tmp_path: Path) -> None:
    train(tmp_path, surfaces=4, looking=12, talking=12)
    loaded = Qwen3VLForConditionalGeneration.from_pretrained(tmp_path)
    assert sum(p.numel() for p in loaded.parameters()) < 2.5e6
    assert (tmp_path / "model.safetensors").stat().st_size < 5e6
