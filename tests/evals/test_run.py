"""Measurements are found by name, and a run that was broken off goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers import ROOT

from seewhy.errors import BadData, UnknownName
from seewhy.evals.__main__ import MEASUREMENTS, described, loaded
from seewhy.evals.run import facts, measuring

PRODUCTS = ("plate", "brick", "cast")


def measured(out: Path, *, breaks_at: str = "", weights: str = "none") -> list[str]:
    """A measurement of three rows, and which of them it measured."""
    asked = []

    def row(product: str) -> dict[str, object]:
        if product == breaks_at:
            raise KeyboardInterrupt
        asked.append(product)
        return {"letters": len(product), "both": (1, 2)}

    try:
        with measuring(out, {"weights": weights}) as table:
            for product in PRODUCTS:
                assert table.row(("products", product), row, product) == {"letters": len(product), "both": [1, 2]}
    except KeyboardInterrupt:
        return asked
    return asked


def test_a_run_that_was_broken_off_goes_on(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.json", tmp_path / "new" / "broken.json"
    assert measured(whole) == list(PRODUCTS)
    assert measured(broken, breaks_at="cast") == ["plate", "brick"]
    assert not broken.exists()
    assert measured(broken) == ["cast"]
    assert broken.read_text() == whole.read_text()
    assert [p.name for p in broken.parent.iterdir()] == ["broken.json"]  # nothing half-done lies beside it
    assert measured(broken) == list(PRODUCTS)  # a finished run is no reason not to measure again


def test_figures_of_different_runs_are_not_mixed(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    measured(out, breaks_at="brick")
    with pytest.raises(BadData, match="another weights; delete it"):
        measured(out, weights="others")
    part = tmp_path / "out.json.part"
    part.write_text(json.dumps(json.loads(part.read_text()) | {"date": "2020-01-01"}))
    assert measured(out) == ["brick", "cast"]
    assert json.loads(out.read_text())["date"] == facts({})["date"]


@pytest.mark.parametrize("name", sorted(MEASUREMENTS))
def test_every_measurement_is_there_and_described(name: str) -> None:
    text = described(name)
    assert text is not None
    assert text.endswith(".")


def test_every_table_has_its_measurement() -> None:
    tables = {path.stem for path in (ROOT / "evals" / "results").glob("*.json")}
    others = {"patchcore", "findings_drawn", "speed_two_threads"}  # `seewhy eval`, and `findings` and `speed` once more
    assert tables - set(MEASUREMENTS) == others


def test_the_list_is_light() -> None:
    code = "import sys; from seewhy.evals.__main__ import main; main([]); print('torch' in sys.modules)"
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(MEASUREMENTS)
    assert lines[-1] == "False"


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(UnknownName, match="did you mean 'spine'"):
        loaded("spin")
    run = subprocess.run([sys.executable, "-m", "seewhy.evals", "spin"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "error: no measurement is called 'spin'; did you mean 'spine'?\n")
