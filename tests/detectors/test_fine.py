"""Fine evidence points at what is there, looks where it is told to, and is the same once it was kept."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.detectors.fine import Fine, FineSettings
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.types import Pixels

SMALL = FineSettings(photos=6, rows_per_photo=200, input_px=256)


@pytest.fixture(scope="module")
def plates() -> list[Pixels]:
    return [good("plate", i).pixels for i in range(8)]


@pytest.fixture(scope="module")
def fine(plates: list[Pixels]) -> Fine:
    learned = Fine(SMALL)
    learned.fit(plates, range(8))
    return learned


@pytest.mark.parametrize("kind", ["pit", "scratch", "stain"])
def test_it_is_strongest_on_the_defect(kind: str, fine: Fine) -> None:
    drawn = defective("plate", kind, 3)  # type: ignore[arg-type]
    values = fine.map(drawn.pixels)
    assert values.shape == drawn.mask.shape
    assert drawn.mask[np.unravel_index(values.argmax(), values.shape)]
    assert np.median(values[drawn.mask]) > 2 * np.quantile(values[~drawn.mask], 0.9)


def test_it_looks_only_where_it_is_told_to_and_sees_the_same_there(fine: Fine) -> None:
    drawn = defective("plate", "stain", 3)
    where = np.zeros(drawn.mask.shape, bool)
    ys, xs = np.nonzero(drawn.mask)
    where[ys.min() - 40 : ys.max() + 40, xs.min() - 40 : xs.max() + 40] = True
    some, whole = fine.map(drawn.pixels, where), fine.map(drawn.pixels)
    assert np.allclose(some[drawn.mask], whole[drawn.mask], atol=1e-4)
    assert not fine.map(drawn.pixels, np.zeros_like(where)).any()
    far = np.ones_like(where)
    far[ys.min() - 60 : ys.max() + 60, xs.min() - 60 : xs.max() + 60] = False
    assert not some[far].any()


def test_what_was_kept_sees_the_same(fine: Fine) -> None:
    again = Fine.from_files(fine.facts(), fine.files())
    pixels = defective("plate", "pit", 5).pixels
    assert np.array_equal(again.map(pixels), fine.map(pixels))
    assert again.weights == fine.weights


def test_a_photo_that_is_left_out_is_no_less_strange(fine: Fine, plates: list[Pixels]) -> None:
    assert fine.without(2).map(plates[2]).mean() >= fine.map(plates[2]).mean()
    assert fine.without(99) is fine


def test_it_learns_the_photos_that_it_is_told_to_and_needs_one(plates: list[Pixels]) -> None:
    learned = Fine(SMALL)
    learned.fit(plates, [4])
    assert learned.without(4) is learned  # nothing would be left
    with pytest.raises(BadData, match="at least one"):
        Fine(SMALL).fit(plates, [])
