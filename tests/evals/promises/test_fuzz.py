"""Accidents of each kind cost one entry or one clear error; `python -m seewhy.evals fuzz` tries thousands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.helpers import ROOT

from seewhy.evals.promises import fuzz_lots, fuzz_read
from seewhy.evals.promises.fuzz import small_inspector

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # decoders warn of what they find damaged
LEAST = {"photos": 2000, "models": 500, "cards, policies, lists": 500, "ledgers": 300}


def test_a_few_accidents_of_each_kind_are_foreseen(tmp_path: Path) -> None:
    inspector = small_inspector(tmp_path)
    for figures in (
        fuzz_lots.photos(tmp_path / "photos", inspector, 40),
        fuzz_read.models(tmp_path / "models", tmp_path / "model", tmp_path / "lot" / "scratch.png", 24),
        fuzz_read.texts(tmp_path / "texts", 60),
        fuzz_lots.ledgers(tmp_path / "ledgers", inspector, tmp_path / "lot", 24),
    ):
        assert figures["unforeseen"] == []
        assert sum(figures["became"].values()) >= figures["tried"]
        assert len(figures["became"]) >= 2


def test_the_figures_keep_the_promise() -> None:
    table = json.loads((ROOT / "evals" / "results" / "fuzz.json").read_text(encoding="utf-8"))
    for kind, least in LEAST.items():
        figures = table[kind]
        assert figures["tried"] >= least
        assert figures["unforeseen"] == []
        assert figures["slowest_s"] < 20
        assert figures["peak_memory_mib"] < 2048
    megapixels = table["large photos"].pop("megapixels")
    assert megapixels > 60
    for name, figures in table["large photos"].items():
        assert figures["core_seconds"] < 0.5 * megapixels, name
        assert figures["peak_memory_mib"] < 2048, name
