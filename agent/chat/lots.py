"""A product's lots: photos of a folder into its ledger, and what a new model makes of them before it is adopted."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from seewhy.agent.chat.gallery import Item
from seewhy.agent.chat.jobs import Job
from seewhy.agent.chat.workspace import ProductFolder, photos_in
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.photos.samples import sample
from seewhy.disk import write_file
from seewhy.record import InspectionRecord

COMPARED = 40  # photos of the latest lot that a new model judges before it is adopted


def inspect_lot(product: ProductFolder, lot: str, inspector: Inspector, job: Job) -> None:
    """Inspect what of a lot was not inspected yet, photos that came while it ran among them."""
    folder, seen = product.lot(lot), -1
    with Ledger(product.ledger) as ledger:
        while (count := len(photos_in(folder))) != seen:
            seen = count
            run_batch(inspector, [sample(path, folder, folder) for path in photos_in(folder)], ledger, lot=lot, progress=job.progress())


def lot_for_now(product: ProductFolder, inspector: Inspector | None) -> str:
    """The lot that photos go into: today's, or its next part where another model, card or line judged that one."""
    today, number = date.today().isoformat(), 1
    while True:
        lot = today if number == 1 else f"{today}-{number}"
        if lot not in product.lots() or inspector is None or not _judged_otherwise(product, lot, inspector):
            return lot
        number += 1


def _judged_otherwise(product: ProductFolder, lot: str, inspector: Inspector) -> bool:
    if not product.ledger.is_file():
        return False
    with Ledger(product.ledger, read_only=True) as ledger:
        last = ledger.found("seq = (SELECT max(seq) FROM entries WHERE kind = 'inspection' AND lot = ?)", (lot,))
    return any(isinstance(row.entry, InspectionRecord) and bool(inspector.others(row.entry)) for row in last)


def compare(folder: Path, product: ProductFolder, items: list[Item], new: Inspector, job: Job) -> None:
    """Write what a new model makes of the latest lot, beside what stands.

    Args:
        folder: of the model.
        product: whose latest lot.
        items: of that lot.
        new: of the model.
        job: that it is part of.
    """
    lot, before = product.lots()[0], {item.name: item for item in items}
    photos = [path for path in photos_in(product.lot(lot)) if path.name in before][:COMPARED]
    rows = [
        {"name": path.name, "before": before[path.name].machine, "people": before[path.name].stands}
        | {"after": new.inspect(path, name=path.name).record.verdict.value or "review"}
        for path in job.progress()(photos, "comparing", len(photos))
    ]
    write_file(_place(folder), json.dumps({"lot": lot, "rows": rows}, ensure_ascii=False).encode())


def compared(product: ProductFolder, model: str) -> dict[str, Any]:
    """What `compare` wrote of a model; nothing where it wasn't compared."""
    path = _place(product.folder / "models" / model)
    return dict(json.loads(path.read_bytes())) if model in product.models() and path.is_file() else {}


def _place(model: Path) -> Path:
    return model.with_name(f"{model.name}-compared.json")
