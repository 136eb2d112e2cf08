"""Past findings that look like one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import seewhy
from seewhy.agent.ledger.similar import ENDING
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.people.acts import confirm
from seewhy.agent.people.roles import Who
from seewhy.card import ProductCard
from seewhy.errors import BadData, LedgerError
from seewhy.evals.synthetic.surfaces import defective

KINDS = ("scratch", "stain", "pit")


def seen(kind: str, seed: int, product: str = "plate") -> seewhy.Inspection:
    drawn = defective("plate", kind, seed)
    return seewhy.explain(drawn.pixels, drawn.mask, card=ProductCard(name=product))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("similar") / "book.sqlite"
    with Ledger(path) as ledger:
        for seed in (1, 2, 3):
            for kind in KINDS:
                found = seen(kind, seed, "plate" if seed < 3 else "other")
                record = found.record.model_copy(update={"photo": found.record.photo.model_copy(update={"name": f"{kind}-{seed}.png"})})
                ledger.append(record, found.pictures)
        confirm(ledger, "scratch-1.png", 1, "groove", Who("Kim", "seen under the microscope"))
    return path


def names(found: list[seewhy.agent.ledger.similar.Past]) -> list[str]:
    return [past.photo for past in found]


def test_the_same_looks_come_first_and_the_photo_itself_not_at_all(book: Path) -> None:
    one = seen("scratch", 1).findings[0]
    found = seewhy.similar(one, book, 3)
    assert len(found) == 3
    assert "scratch-1.png" not in names(found)
    assert found[0].likeness >= found[-1].likeness
    itself = seewhy.similar(one.crop, book, 1)[0]
    assert (itself.photo, itself.type, itself.confirmed_by) == ("scratch-1.png", "groove", "Kim")
    assert itself.likeness > 0.98


def test_filters(book: Path) -> None:
    one = seen("pit", 9).findings[0]
    assert set(names(seewhy.similar(one, book, 9, product="other"))) == {f"{kind}-3.png" for kind in KINDS}
    assert names(seewhy.similar(one, book, 9, confirmed=True)) == names(seewhy.similar(one, book, 9, type_="groove")) == ["scratch-1.png"]
    assert seewhy.similar(one, book, 9, since="2999-01-01") == seewhy.similar(one, book, 9, until="2000-01-01") == []
    assert len(seewhy.similar(one, book, 99)) == 9
    with pytest.raises(BadData, match="1 or more, not 0"):
        seewhy.similar(one, book, 0)
    with pytest.raises(LedgerError, match="there is no ledger"):
        seewhy.similar(one, book.with_name("none.sqlite"))


def test_the_index_is_made_anew_where_it_is_lost_or_of_another_ledger_and_grows(book: Path, tmp_path: Path) -> None:
    one, index = seen("stain", 9).findings[0], book.with_name(f"{book.name}{ENDING}")
    first = seewhy.similar(one, book, 5)
    for damage in (b"", b"PK\x03\x04", index.read_bytes()[:-100]):
        index.write_bytes(damage)
        assert seewhy.similar(one, book, 5) == first
    other = tmp_path / "other.sqlite"
    with Ledger(other) as ledger:
        found = seen("scratch", 5)
        ledger.append(found.record, found.pictures)
    other.with_name(f"{other.name}{ENDING}").write_bytes(index.read_bytes())
    assert len(seewhy.similar(one, other, 5)) == 1
    with Ledger(other) as ledger:
        found = seen("stain", 6)
        ledger.append(found.record, found.pictures)
    assert len(seewhy.similar(one, other, 5)) == 2
    again = [replace(past, likeness=0.0) for past in seewhy.similar(one, other, 5)]
    other.with_name(f"{other.name}{ENDING}").unlink()
    assert [replace(past, likeness=0.0) for past in seewhy.similar(one, other, 5)] == again
    assert np.isclose(seewhy.similar(found.findings[0].crop, other, 1)[0].likeness, 1, atol=0.02)
