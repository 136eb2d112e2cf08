"""What quality documents cost, and whether the bounds on them hold.

Coverage of the upper bounds in 1,000 simulated lots; seconds, memory and size of a month's review of 100,000 entries and of a lot of
1,000 parts, 120 of them failed.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.documents.kinds import make
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.quality.bounds import Share, escapes_unseen
from seewhy.evals.promises.many import MONTH, filled, inspected
from seewhy.evals.run import alone, measuring
from seewhy.reports import document

LOTS, SAMPLE, PHOTOS = 1_000, 125, 2_000
MONTH_ENTRIES, LOT_PARTS, LOT_FAILED = 100_000, 1_000, 120


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
    """Seconds that passed, seconds that this process had of a processor (imports among them), size, and the most memory it held (Linux)."""
    seconds, computed = time.perf_counter() - began, time.process_time()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) >> 10
    return {"seconds": round(seconds, 1), "cpu_seconds": round(computed, 1), "mib": round(len(data) / 2**20, 1), "peak_memory_mib": peak}
