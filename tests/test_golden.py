"""Ledgers, models and records that earlier versions wrote still open, verify, report and come to the same records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.machine.importing import import_weights
from seewhy.agent.models.product import ProductModel
from seewhy.detectors.dinomaly.encoders import VITS, VitRow, _dinov2
from seewhy.detectors.weights import store
from seewhy.record import Confirmation, InspectionRecord, LaterWords, RefusedPhoto
from seewhy.reports import write_report
from tests.helpers import TESTS

SCHEMA1 = TESTS / "golden" / "schema1"
RECORDS: dict[str, list[Any]] = json.loads((SCHEMA1 / "records.json").read_text(encoding="utf-8"))
ALPHA, CLOSE = 0.1, 1e-3
TINY_VIT = VitRow("dinov2-with-registers-small", "dinov2", (0, 1), _dinov2(48, 2, 4) | {"image_size": 56})


@pytest.fixture(scope="module")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The random weights that the golden models were made with."""
    from seewhy.evals.peers.parity import random_clip

    folder = tmp_path_factory.mktemp("golden")
    save_file(random_clip("seewhy-tiny").net.state_dict(), folder / "clip.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEWHY_WEIGHTS", str(folder / "weights"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setitem(VITS, "tiny-vit", TINY_VIT)  # type: ignore[arg-type]
        store.forget()
        import_weights("clip-seewhy-tiny", folder / "clip.safetensors")
        import_weights("dinov2-with-registers-small", SCHEMA1 / "weights" / "tiny_vit.safetensors")
        yield
    store.forget()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return Path(shutil.copy(SCHEMA1 / "ledger.sqlite", tmp_path))


def differences(here: Any, there: Any, at: str = "") -> list[str]:
    """Where two records differ by more than arithmetic does between processors; pictures may differ in their bytes."""
    if isinstance(here, dict) and isinstance(there, dict):
        names = {n for n in (*here, *there) if n not in ("versions", "inspected_at", "timings_ms", "text")}
        picture = "media_type" in here
        return [d for n in sorted(names) if not (picture and n == "sha256") for d in differences(here.get(n), there.get(n), f"{at}.{n}")]
    if isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        return [d for i, (a, b) in enumerate(zip(here, there, strict=True)) for d in differences(a, b, f"{at}.{i}")]
    if isinstance(here, float | int) and isinstance(there, float | int) and not isinstance(here, bool):
        same = abs(here - there) <= CLOSE * max(abs(there), 1.0) or (at.split(".")[-2:-1] == ["box_px"] and abs(here - there) <= 1)
        return [] if same else [f"{at}: {here} instead of {there}"]
    return [] if here == there else [f"{at}: {here!r} instead of {there!r}"]


def content_hash_of(record: InspectionRecord, golden: dict[str, Any]) -> str:
    """The record's, as if it had been made by the versions that made the golden one."""
    versions = golden["provenance"]["versions"]
    return record.model_copy(update={"provenance": record.provenance.model_copy(update={"versions": versions})}).content_sha256


@pytest.mark.usefixtures("tiny_weights")
@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_model_of_schema_1_inspects_as_it_did(name: str) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        product = RECORDS[name][0]["record"]["product"]
        inspector = Inspector(ProductModel.load(SCHEMA1 / "models" / name, product=product if name == "dinomaly" else ""), alpha=ALPHA)
        for golden in RECORDS[name]:
            photo = golden["record"]["photo"]["name"]
            record = inspector.inspect(SCHEMA1 / "photos" / product / photo, name=photo).record
            found = (
                []
                if content_hash_of(record, golden["record"]) == golden["content_sha256"]
                else differences(record.model_dump(mode="json"), golden["record"])
            )
            assert found == [], photo
    finally:
        torch.set_num_threads(threads)


def test_a_ledger_of_schema_1_verifies_and_reads_as_it_was_written(ledger: Path) -> None:
    golden = json.loads((SCHEMA1 / "ledger.json").read_text(encoding="utf-8"))
    with Ledger(ledger, create=False) as book:
        assert book.verify().intact
        assert list(book.head) == golden["head"]
        rows = list(book.rows())
        assert [(r.seq, r.hash, r.entry.kind) for r in rows] == [(g["seq"], g["hash"], g["kind"]) for g in golden["rows"]]
        for row, wanted in zip(rows, golden["rows"], strict=True):
            if isinstance(row.entry, InspectionRecord | RefusedPhoto):
                assert row.entry.content_sha256 == wanted["content_sha256"]
        kinds = [type(r.entry) for r in rows]
        assert (kinds.count(InspectionRecord), kinds.count(RefusedPhoto), kinds.count(LaterWords), kinds.count(Confirmation)) == (
            6,
            1,
            2,
            1,
        )


@pytest.mark.parametrize("ending", ["html", "pdf", "json", "csv"])
def test_a_ledger_of_schema_1_reports(ledger: Path, ending: str, tmp_path: Path) -> None:
    with Ledger(ledger, create=False) as book:
        for lot in ("A", "B"):
            made = write_report(list(entries(book, lot)), book.evidence, tmp_path / f"{lot}.{ending}", head=book.head[1])
            assert made.stat().st_size > 1000


def test_a_ledger_of_schema_1_goes_on(ledger: Path) -> None:
    with Ledger(ledger, create=False) as book:
        last = list(book.rows(kinds=("refusal",)))[-1].entry
        assert isinstance(last, RefusedPhoto)
        book.append(last.model_copy(update={"name": "another.png"}))
        assert book.verify().intact
        assert book.head[0] == 11
