"""Ledgers of many inspections: two real ones, written again and again under other names."""

from __future__ import annotations

from pathlib import Path

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.result import Inspection
from seewhy.agent.ledger.chain import Stored, hash_of
from seewhy.agent.ledger.nodes import plant
from seewhy.agent.ledger.schema import GENESIS, empty_ledger
from seewhy.agent.ledger.store import Ledger
from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.evals.synthetic.surfaces import write_dataset

MONTH = "2026-01"
PRODUCT, GOOD_PHOTOS, ALPHA = "plate", 20, 0.1
LOT, AT, NAME, DIGEST = (f"@{name}@" for name in ("lot", "at", "name", "digest"))  # what differs from one entry to the next


def inspected(folder: Path) -> tuple[Inspection, Inspection]:
    """A real inspection of a stained plate, and one of a good one."""
    data = write_dataset(folder / "data", PRODUCT, good_train=GOOD_PHOTOS, good_test=4, per_kind=4)
    inspector = fit(data, save=folder / "model", alpha=ALPHA)
    found = [inspector.inspect(path) for path in sorted((data / "test").rglob("*.png"))]
    failed = next(one for one in found if one.record.findings and one.record.verdict.value == "fail")
    return failed, next(one for one in found if one.record.verdict.value == "pass")


def filled(path: Path, failed: Inspection, passed: Inspection, count: int, *, failed_in: int, days: int) -> Path:
    """A ledger of so many inspections, every nth of them failed, a lot each day of `MONTH`; their pictures are kept once."""
    path.write_bytes(empty_ledger())
    bad, good = _body(failed), _body(passed)
    prev = GENESIS
    with Ledger(path) as ledger, ledger.writing() as db:
        for one in (failed, passed):
            for digest, (media, data) in one.pictures.items():
                db.execute("INSERT OR IGNORE INTO evidence VALUES (?, ?, ?)", (digest, media, data))
        for seq in range(1, count + 1):
            day = 1 + (seq - 1) * days // count
            lot, at, name, digest = (
                f"L-{day:02d}",
                f"{MONTH}-{day:02d}T12:00:00.000+00:00",
                f"{seq:06d}.png",
                sha256_bytes(str(seq).encode()),
            )
            body = bad if seq % failed_in == 0 else good
            for token, value in ((LOT, lot), (AT, at), (NAME, name), (DIGEST, digest)):
                body = body.replace(token, value)
            row = Stored(seq, "inspection", at, lot, name, digest, body, prev, "")
            prev = hash_of(row)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row._replace(hash=prev))
            db.execute("UPDATE head SET entries = ?, hash = ?", (seq, prev))
        plant(db)
    return path


def _body(one: Inspection) -> str:
    """An inspection's canonical JSON, with tokens where entries differ."""
    record = one.record.model_dump(mode="json")
    record |= {"lot": LOT, "inspected_at": AT, "photo": record["photo"] | {"name": NAME, "sha256": DIGEST}}
    return canonical_json(record).decode()
