"""The tiny VLM's pieces, and the figures of a served VLM, against the real library and a real HTTP server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tests.helpers.photos import noise
from tests.helpers.servers import GOOD, kind_of, obedient, speaking
from transformers import Qwen2VLImageProcessor, Qwen3VLForConditionalGeneration

from seewhy.evals.promises.explain import measure
from seewhy.evals.tiny.vlm import GRID, PATCH, architecture, look, patches, tokenizer, train
from seewhy.evals.tiny.vlm_data import SIDE


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


def test_figures_of_a_served_model() -> None:
    pit = GOOD | {"type": "pit", "form": "spot", "confidence": "low", "appearance": "a dark dot"}
    with speaking(lambda r, s: pit if kind_of(r) == "describe" else obedient(r, s)) as (url, _):
        found = measure(url, per_kind=1)
    assert found["detected"]["found"] >= 12
    assert found["weights"] == "scripted"
    assert found["types"]["accuracy"] == 0.25  # it calls everything a pit
    assert found["types_embedded"]["accuracy"] > 0.5
    assert found["hallucination"]["not_called_no"] == 1.0
    assert found["contradicted"]["shown"] == 0
    assert found["contradicted"]["parts_with_a_contradiction"] >= 0.25  # of four kinds, at least the scratches are no spots
    assert found["faithfulness"]["faithfulness"] == 0.0
    assert found["languages"]["enums_equal"] == 1.0
    assert found["json"]["at_first"] == 1.0
