"""What quality documents cost, and whether the bounds on them hold.

Coverage of the upper bounds in 1,000 simulated lots; seconds, memory and size of a month's review of 100,000 entries and of a lot of
1,000 parts, 120 of them failed.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.api.learn import fit
from seewhy.agent.documents.kinds import make
from seewhy.agent.inspection.inspector import Inspection
from seewhy.agent.ledger.chain import Stored, hash_of
from seewhy.agent.ledger.nodes import plant
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.schema import GENESIS, empty_ledger
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.quality.bounds import Share, escapes_unseen
from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.evals.run import alone, measuring
from seewhy.evals.synthetic.surfaces import write_dataset
from seewhy.reports import document

LOTS, SAMPLE, PHOTOS = 1_000, 125, 2_000
MONTH, MONTH_ENTRIES, LOT_PARTS, LOT_FAILED = "2026-01", 100_000, 1_000, 120
PRODUCT, GOOD_PHOTOS, ALPHA = "plate", 20, 0.1


def main(out: Path) -> None:
    """Whether the bounds on escapes hold in 1,000 simulated lots; what a month and a lot cost."""
    with measuring(out, {"lots": LOTS}) as table, tempfile.TemporaryDirectory(dir=out.absolute().parent) as name:
        table.row("reviewed_sample", coverage_of_a_sample)
        table.row("without_looking", coverage_without_looking)
        folder = Path(name)
        failed, passed = inspected(folder)
        month = filled(folder / "month.sqlite", failed, passed, MONTH_ENTRIES, failed_in=20, days=31)
        for kind in ("monthly", "lot-certificate"):
            options = {"month": MONTH} if kind == "monthly" else {"lot": "L-07"}
            for format_ in ("html", "pdf"):
                table.row(("ledger_of_100000", kind, format_), alone, _made, month, kind, format_, options)
        lot = filled(folder / "lot.sqlite", failed, passed, LOT_PARTS, failed_in=LOT_PARTS // LOT_FAILED, days=1)
        for format_ in ("html", "pdf"):
            table.row(("lot_of_1000", "report", format_), alone, _reported, lot, format_)
            table.row(("lot_of_1000", "lot-certificate", format_), alone, _made, lot, "lot-certificate", format_, {})


def coverage_of_a_sample(seed: int = 0) -> dict[str, Any]:
    """Lots of any quality, a reviewed sample of each: how often the 95 % limit lies at or above the truth."""
    rng = np.random.default_rng(seed)
    shares = rng.beta(0.5, 10, LOTS)  # from none to a few tenths
    held = [Share(int(rng.binomial(SAMPLE, share)), SAMPLE).upper >= share for share in shares]
    return {"lots": LOTS, "sample": SAMPLE, "held": int(np.sum(held)), "stated": 0.95}


def coverage_without_looking(seed: int = 1) -> dict[str, Any]:
    """Lots with another share of defective parts each, the line at the 5 % of good parts: how often the bound holds, and its median."""
    rng = np.random.default_rng(seed)
    held, bounds, truths = 0, [], []
    for _ in range(LOTS):
        share, shift = rng.uniform(0.05, 0.4), rng.uniform(1.0, 4.0)
        clean, bad = rng.normal(size=PHOTOS), rng.random(PHOTOS) < share
        lot = rng.normal(size=PHOTOS) + shift * bad
        line = float(np.quantile(clean, 0.95))
        truth = float((lot[bad] <= line).mean())
        bound = escapes_unseen(Share(int((clean <= line).sum()), PHOTOS), Share(int((lot <= line).sum()), PHOTOS), min(1.0, 1.1 * share))
        held += bound >= truth
        bounds.append(bound)
        truths.append(truth)
    medians = {"median_bound": round(float(np.median(bounds)), 3), "median_truth": round(float(np.median(truths)), 3)}
    return {"lots": LOTS, "photos": PHOTOS, "held": int(held), "stated": 0.95, **medians}


def inspected(folder: Path) -> tuple[Inspection, Inspection]:
    """A real inspection of a stained plate, and one of a good one."""
    data = write_dataset(folder / "data", PRODUCT, good_train=GOOD_PHOTOS, good_test=4, per_kind=4)
    inspector = fit(data, save=folder / "model", alpha=ALPHA)
    found = [inspector.inspect(path) for path in sorted((data / "test").rglob("*.png"))]
    failed = next(one for one in found if one.record.findings and one.record.verdict.value == "fail")
    return failed, next(one for one in found if one.record.verdict.value == "pass")


def filled(path: Path, failed: Inspection, passed: Inspection, count: int, *, failed_in: int, days: int) -> Path:
    """A ledger of so many inspections, every nth of them failed; their pictures are kept once."""
    path.write_bytes(empty_ledger())
    bad, good = (one.record.model_dump(mode="json") for one in (failed, passed))
    prev = GENESIS
    with Ledger(path) as ledger, ledger.writing() as db:
        for one in (failed, passed):
            for digest, (media, data) in one.pictures.items():
                db.execute("INSERT OR IGNORE INTO evidence VALUES (?, ?, ?)", (digest, media, data))
        for seq in range(1, count + 1):
            record = bad if seq % failed_in == 0 else good
            day = 1 + (seq - 1) * days // count
            at = f"{MONTH}-{day:02d}T12:00:00.000+00:00"
            lot = f"L-{day:02d}"
            name, digest = f"{seq:06d}.png", sha256_bytes(str(seq).encode())
            body = record | {"lot": lot, "inspected_at": at, "photo": record["photo"] | {"name": name, "sha256": digest}}
            row = Stored(seq, "inspection", at, lot, name, digest, canonical_json(body).decode(), prev, "")
            prev = hash_of(row)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row._replace(hash=prev))
            db.execute("UPDATE head SET entries = ?, hash = ?", (seq, prev))
        plant(db)
    return path


def _made(path: Path, kind: str, format_: str, options: dict[str, str]) -> dict[str, Any]:
    began = time.perf_counter()
    with Ledger(path, read_only=True) as ledger:
        data = make(ledger, kind, format_, **options)
    return _figures(data, began)


def _reported(path: Path, format_: str) -> dict[str, Any]:
    began = time.perf_counter()
    with Ledger(path, read_only=True) as ledger:
        data = document(list(entries(ledger)), ledger.evidence, format_, head=ledger.head[1])
    return _figures(data, began)


def _figures(data: bytes, began: float) -> dict[str, Any]:
    seconds, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return {"seconds": round(seconds, 1), "mib": round(len(data) / 2**20, 1), "peak_memory_mib": peak}
