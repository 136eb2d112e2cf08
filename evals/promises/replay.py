"""Past inspections of real photos, run again on the same machine: equal, with other thread counts within the tolerance, or different."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from threadpoolctl import threadpool_limits

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo, decode, read_photo
from seewhy.agent.photos.layouts import Sample, learned_and_tested, read_layout
from seewhy.agent.proof.replay import TOLERANCE, compared
from seewhy.agent.quality.drifting import watched_again
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.evals.run import LITE, measuring
from seewhy.record import InspectionRecord
from seewhy.threads import cores

FITTED = 40  # good photos, which is enough for a replay
SETTINGS = PatchCoreSettings(input_px=192, bank_rows=1000, candidate_rows=6000)


def main(
    out: Path,
    data: Annotated[Path, typer.Option(help="Folder of products in MVTec AD layout.")],
    products: Annotated[list[str], typer.Option(help="Which of them.")],
    photos: Annotated[int, typer.Option(help="Photos, over all products.")] = 500,
) -> None:
    """Past inspections of real photos, run again: equal, within the tolerance, or different."""
    facts = {"weights": LITE, "fitted_on": FITTED, "tolerance": TOLERANCE, "threads": cores()}
    with measuring(out, facts) as table:
        for product in products:
            table.row(product, _replayed, data / product, photos // len(products))


def _replayed(folder: Path, count: int) -> dict[str, Any]:
    good, tested = learned_and_tested(read_layout(folder))
    with tempfile.TemporaryDirectory() as name:
        model, path = Path(name) / "model", Path(name) / "book.sqlite"
        read = [read_photo(sample.path, name=sample.name, root=sample.root) for sample in good[:FITTED]]
        ProductModel.fit(read, PatchCore(SETTINGS), product=folder.name, alpha=0.05).save(model)
        with Ledger(path) as book:
            run_batch(Inspector(ProductModel.load(model), alpha=0.05), tested[:count], book, lot="R")
        own = _again(model, path, tested[:count])
        with _threads(cores() + 1):
            other = _again(model, path, tested[:count])
    return {"photos": len(tested[:count]), "same_threads": own, "one_thread_more": other}


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many threads for whatever computes: OpenVINO, faiss and torch."""
    before, torch_before = os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()
    os.environ["OMP_NUM_THREADS"] = str(count)
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count, "openmp"):  # which faiss counts on
            yield
    finally:
        torch.set_num_threads(torch_before)
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _again(model: Path, ledger: Path, samples: Sequence[Sample]) -> Counter[str]:
    """What became of each inspection of a ledger, by a model that was read anew."""
    inspector, files = Inspector(ProductModel.load(model), alpha=0.05), {sample.name: sample for sample in samples}
    found = Counter[str](equal=0)
    with Ledger(ledger, read_only=True) as book:
        for row in book.rows("R", kinds=("inspection",)):
            if isinstance(row.entry, InspectionRecord):
                now = _now(row.entry, inspector, files[row.entry.photo.name])
                found[compared(row.entry, watched_again(now, row.entry, row.seq, book, inspector.learned)).result] += 1
    return found


def _now(then: InspectionRecord, inspector: Inspector, sample: Sample) -> InspectionRecord:
    photo: Photo = decode(sample.path.read_bytes(), then.photo.name)
    return inspector.inspect(photo, lot=then.lot, part=then.part).record
