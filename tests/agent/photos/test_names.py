from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.photos.layouts import read_layout
from seewhy.agent.photos.names import on_disk, recorded


@given(st.binary(min_size=1, max_size=12))
def test_any_name_is_recorded_as_utf8_and_comes_back(name: bytes) -> None:
    text = os.fsdecode(name)
    assert recorded(text).encode("utf-8")
    assert os.fsencode(on_disk(recorded(text))) == name


def test_names_that_are_utf8_stay_as_they_are() -> None:
    for name in ("부품 1.png", "a\\b.png", "x%41.png", "é.png", "a\\n.png"):
        assert recorded(name) == name


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX")
def test_a_lot_with_names_that_are_no_utf8_is_inspected_to_its_end(inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    (photos / "scratch.png").rename(Path(os.fsdecode(os.fsencode(photos) + b"/" + "긁힘.png".encode("cp949"))))
    Path(os.fsdecode(os.fsencode(photos) + b"/\xff.png")).write_bytes(b"no photo")
    with Ledger(tmp_path / "book.sqlite") as ledger:
        tally = run_batch(inspector, read_layout(photos), ledger, lot="A")
        names = [entry.name if entry.kind == "refusal" else entry.photo.name for entry in entries(ledger, "A")]
    assert (tally.refused, len(names)) == (1, 7)
    assert {os.fsencode(on_disk(name)) for name in names} == {os.fsencode(path.name) for path in photos.iterdir()}
