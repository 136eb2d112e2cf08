"""An inspection run again: equal, or what differs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.helpers import TESTS
from tests.helpers.ledgers import refusal

from seewhy.agent.inspection.inspector import Inspection, Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.product import ProductModel
from seewhy.agent.proof.bundle import Contents, bundle
from seewhy.agent.proof.replay import compared, replay
from seewhy.card import ProductCard, Scale
from seewhy.errors import BadData, BadModel
from seewhy.record import InspectionRecord, PartIdentity

GOLDEN = TESTS / "golden" / "schema1"
MODEL, PHOTOS = GOLDEN / "models" / "patchcore", GOLDEN / "photos" / "plate"


@pytest.fixture(scope="module")
def inspection() -> Inspection:
    inspector = Inspector(ProductModel.load(MODEL), card=ProductCard(name="plate", scale=Scale(mm_per_px=0.05)), alpha=0.1)
    return inspector.inspect(PHOTOS / "stain.png", lot="A", name="stain.png", part=PartIdentity(serial="S-1"))


@pytest.fixture
def ledger(inspection: Inspection, tmp_path: Path) -> Path:
    with Ledger(tmp_path / "book.sqlite") as book:
        book.append(inspection.record, inspection.pictures | inspection.documents)
        book.append(refusal("torn.png"))
    return tmp_path / "book.sqlite"


@pytest.mark.slow
def test_an_inspection_is_equal_when_it_is_run_again(ledger: Path, tmp_path: Path) -> None:
    with Ledger(ledger, read_only=True) as book:
        assert replay(book, "1", MODEL, PHOTOS).result == "equal"  # with the card and rate of then, which no option names
        bundle(book, tmp_path / "b.zip", lot="A", contents=Contents(photos=PHOTOS))
        assert replay(book, "1", MODEL, tmp_path / "b.zip").result == "equal"
        threads = torch.get_num_threads()
        torch.set_num_threads(1 if threads > 1 else 2)
        try:
            assert replay(book, "1", MODEL, PHOTOS / "stain.png").holds
        finally:
            torch.set_num_threads(threads)


def test_nothing_of_a_files_exif_data_is_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA430: "Kim", 0xA431: "12345"})  # owner and serial number of the camera
    exif.get_ifd(0x8825).update({1: "N", 2: (37.0, 33.0, 0.0)})  # place
    Image.open(PHOTOS / "stain.png").save(tmp_path / "stain.jpg", exif=exif, quality=95)
    assert b"12345" in (tmp_path / "stain.jpg").read_bytes()
    made = Inspector(ProductModel.load(MODEL), alpha=0.1).inspect(tmp_path / "stain.jpg")
    assert made.pictures
    assert not [name for name, (_, data) in made.pictures.items() if b"Exif" in data or b"12345" in data]


def test_what_differs_is_named(inspection: Inspection) -> None:
    then = inspection.record
    score = then.decision.score.model_copy(update={"value": (then.decision.score.value or 0) * (1 + 1e-5)})
    near = then.model_copy(update={"decision": then.decision.model_copy(update={"score": score}), "inspected_at": "2027"})
    found = compared(then, near)
    assert (found.result, found.holds) == ("within tolerance", True)
    assert found.differences[0].startswith("decision.score.value: ")
    assert compared(then, near, tolerance=1e-9).result == "different"
    other = then.model_copy(update={"verdict": then.verdict.model_copy(update={"value": "pass"}), "findings": ()})
    found = compared(then, other)
    assert "verdict.value: 'pass' instead of 'fail'" in found.differences
    newer = then.provenance.model_copy(update={"versions": then.provenance.versions | {"torch": "99"}})
    found = compared(then, then.model_copy(update={"provenance": newer}))
    assert (found.result, found.versions[0][:9]) == ("equal", "torch: 99")


def test_one_clear_error_where_it_can_not_be_run_again(ledger: Path, tmp_path: Path, inspection: Inspection) -> None:
    other = Path(shutil.copy(PHOTOS / "scratch.png", tmp_path / "stain.png"))
    with Ledger(ledger) as book:
        for error, said, entry, model, place in (
            (BadData, "is no inspection", "2", MODEL, PHOTOS),
            (BadData, "holds no entry", "9", MODEL, PHOTOS),
            (BadData, "holds no photo 'stain.png'", "1", MODEL, GOLDEN),
            (BadData, "is another one than was inspected", "1", MODEL, other),
            (BadModel, "is another model than made this record", "1", GOLDEN / "models" / "template", PHOTOS),
            (BadModel, "is not a model", "1", tmp_path, PHOTOS),
        ):
            with pytest.raises(error, match=said):
                replay(book, entry, model, place)
        assert isinstance(inspection.record, InspectionRecord)
        book.append(
            inspection.record.model_copy(update={"provenance": inspection.record.provenance.model_copy(update={"card_sha256": "0" * 64})})
        )
        with pytest.raises(BadData, match="inspected with another card"):
            replay(book, "3", MODEL, PHOTOS)
