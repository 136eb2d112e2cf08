"""An inspection as other projects' objects."""

from __future__ import annotations

import re

import numpy as np
import pytest

import seewhy
from seewhy.agent.photos.marks import rle_mask
from seewhy.evals.synthetic.surfaces import Drawn, defective
from seewhy.reports.exports.tables import NUMBERS
from seewhy.reports.tables import COLUMNS


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return defective("plate", "stain", 1)


@pytest.fixture(scope="module")
def found(drawn: Drawn) -> seewhy.Inspection:
    return seewhy.explain(drawn.pixels, [drawn.mask, np.roll(drawn.mask, 9, 0)], detector="mine")


def test_supervision_gets_the_masks_themselves(found: seewhy.Inspection, drawn: Drawn) -> None:
    pytest.importorskip("supervision")
    there = found.to_supervision()
    assert len(there) == 2
    assert np.array_equal(there.mask[0], drawn.mask)
    assert list(there.data["number"]) == [1, 2]
    assert there.confidence is None
    assert len(seewhy.explain(drawn.pixels, []).to_supervision()) == 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools' own code
def test_coco_is_read_by_its_own_code(found: seewhy.Inspection, drawn: Drawn) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    data, api = found.to_coco(), coco.COCO()
    api.dataset = data
    api.createIndex()
    assert np.array_equal(api.annToMask(data["annotations"][0]) > 0, drawn.mask)
    assert np.array_equal(rle_mask(**{k: data["annotations"][0]["segmentation"][k] for k in ("counts", "size")}), drawn.mask)


def test_tables_have_a_row_per_finding(found: seewhy.Inspection) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame, table = found.to_pandas(), found.to_arrow()
    assert list(frame.columns) == table.column_names == COLUMNS
    assert (len(frame), table.num_rows) == (2, 2)
    assert frame["area_px"].tolist() == table["area_px"].to_pylist()
    assert table["score"].to_pylist() == [None, None]
    assert {str(frame[name].dtype) for name in NUMBERS} == {"float64"}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_notebook_shows_photo_facts_and_sources(drawn: Drawn, language: str) -> None:
    html = seewhy.explain(drawn.pixels, drawn.mask, detector="<mine>", language=language)._repr_html_()
    assert html.count("data:image/jpeg") == 2  # the photo, the crop
    assert ("측정" if language == "ko" else "measured") in html
    assert "<script" not in html
    assert "<mine>" not in html
    assert re.search(r"https?://", html) is None


def test_a_figure_draws(drawn: Drawn) -> None:
    pytest.importorskip("matplotlib")
    drawing = seewhy.explain(drawn.pixels, drawn.mask, language="ko").figure()
    drawing.canvas.draw()
    assert drawing.axes[0].get_images()
