"""The demo: two products, a lot each, every report. Everything drawn in it is synthetic and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seewhy.agent.api.learn import fit
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.lots.tally import Tally
from seewhy.agent.photos.layouts import read_layout
from seewhy.card import DefectType, Knowledge, Part, ProductCard, Scale
from seewhy.evals.synthetic.surfaces import MM_PER_PX, write_dataset
from seewhy.reports import write_report
from seewhy.types import Progress

GOOD_PHOTOS = 110  # enough for a false-reject rate of 1 %
LOTS = {
    "brick": "Brick surface (real CC0 picture; defects drawn, synthetic)",
    "plate": "Machined plate (synthetic product and defects)",
}


def card_for(product: str) -> ProductCard:
    """The demo's product cards."""
    defects = (
        DefectType(name="scratch", shape=("line",), description="a narrow line across the surface"),
        DefectType(name="pit", shape=("spot",), tone=("darker",), description="a small dark hollow"),
        DefectType(name="stain", shape=("patch",), description="a discoloured area"),
        DefectType(name="chipped edge", shape=("edge",), description="material missing at the border"),
    )
    source = "seewhy demo, written for illustration"
    knowledge = (
        Knowledge(
            id="K-01",
            applies_to=("scratch",),
            cause="contact with a hard edge in handling",
            check="Look at trays and grippers.",
            source=source,
        ),
        Knowledge(
            id="K-02", applies_to=("stain",), cause="coolant or dirt left before drying", check="Look at washing and drying.", source=source
        ),
        Knowledge(id="K-03", applies_to=("chipped edge",), cause="impact at a corner", check="Look at stops and packing.", source=source),
    )
    parts = (
        (Part(name="slot area", box=(0.34, 0.4, 0.66, 0.6)), Part(name="upper flange", box=(0, 0, 1, 0.3))) if product == "plate" else ()
    )
    scale = Scale(mm_per_px=MM_PER_PX, uncertainty=0.001) if product == "plate" else None
    return ProductCard(name=LOTS[product], defects=defects, knowledge=knowledge, parts=parts, scale=scale)


def run_demo(out: Path, *, progress: Progress[Any]) -> dict[str, Tally]:
    """Make photos, fit, inspect, report; everything goes below `out`."""
    tallies = {}
    with Ledger(out / "ledger.sqlite") as ledger:
        for product, title in LOTS.items():
            data = out / "data" / product
            if not (data / "synthetic.json").is_file():
                write_dataset(data, product, good_train=GOOD_PHOTOS, good_test=12, per_kind=2, seed=1)
            samples = [s for s in read_layout(data) if s.split == "test"]
            inspector = fit(data, save=out / "models" / product, card=card_for(product), progress=progress)
            tallies[title] = run_batch(inspector, samples, ledger, lot=f"Demo lot: {product}", again=True, progress=progress)
            made = list(entries(ledger, f"Demo lot: {product}"))
            for ending in ("html", "pdf", "json", "csv"):
                write_report(made, ledger.evidence, out / f"{product}.{ending}", head=ledger.head[1])
    return tallies
