"""How good a detector is, on your photos or on drawn ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from seewhy.agent.photos.samples import NAMES
from seewhy.cli.options import (
    Device,
    Json,
)
from seewhy.cli.terminal import out, print_recommendation, progress, tell_of_photos


def evaluate(
    data: Annotated[Path, typer.Option("--data", help=f"Data set with good and defective photos: {'; '.join(NAMES)}.")],
    detector: Annotated[str, typer.Option(help="Which detector.")] = "patchcore",
    json_file: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    shots: Annotated[int | None, typer.Option(help="winclip: good photos to compare with; 0 for words alone.")] = None,
    alpha: Annotated[float, typer.Option(help="False-reject rate asked for on good parts.")] = 0.01,
    device: Device = "cpu",
) -> None:
    """Measure a detector: AUROC, AUPRO, false rejects, escapes, seconds, memory."""
    from seewhy.agent.inspection.terms import check_device
    from seewhy.evals.detect import evaluate as evaluate_

    check_device(device)
    settings = None
    if shots is not None:
        from seewhy.errors import BadData

        if detector != "winclip":
            raise BadData(f"--shots is for winclip; {detector} learns from all good photos")
        from seewhy.detectors.winclip.settings import WinClipSettings

        settings = WinClipSettings(shots=shots)
    tell_of_photos()
    results = evaluate_(data, detector=detector, alpha=alpha, device=device, settings=settings, progress=progress)
    if json_file:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(results, indent=1), encoding="utf-8")
    table = Table("product", "image AUROC", "pixel AUROC", "AUPRO", "false rejects", "escapes", "s/photo", "MiB")
    for row in results["products"]:
        cells = [row[k] for k in ("image_auroc", "pixel_auroc", "aupro", "false_reject_rate", "escape_rate", "seconds_per_photo")]
        table.add_row(row["product"], *("none" if c is None else f"{c:.3f}" for c in cells), f"{row['peak_memory_mib']:.0f}")
    out.print(table)
    out.print(f"weights: {results['weights']}", highlight=False)


def recommend(
    data: Annotated[Path, typer.Option("--data", help="Good photos of one product, or its data set.")],
    golden: Annotated[bool, typer.Option("--golden", help="Each photo is the golden one of a place that is photographed again.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Try this detector alone; may be given several times.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Where a picture goes: a drawn defect, and what each detector sees.")] = None,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Compare the detectors that can run here on your good photos, by defects that are drawn on some of them."""
    from seewhy.agent.inspection.terms import check_device
    from seewhy.evals.recommend import chosen_from
    from seewhy.evals.recommend import recommend as recommend_

    check_device(device)
    found = recommend_(data, golden=golden, candidates=chosen_from(only), device=device, progress=progress)
    print_recommendation(found, picture, json_)


def demo(out_: Annotated[Path, typer.Option("--out", "-o", help="Folder for everything that it makes.")] = Path("demo-out")) -> None:
    """Make two small lots, inspect them, write every report (needs the extra `demo`)."""
    from seewhy.evals.synthetic.demo import run_demo

    out_.mkdir(parents=True, exist_ok=True)
    for title, tally in run_demo(out_, progress=progress).items():
        out.print(f"{title}: {tally.passed} passed, {tally.failed} failed, {tally.review} for review")
    pages = sorted(out_.glob("*.html")) + sorted(out_.glob("*.pdf"))
    out.print("Open " + ", ".join(str(p) for p in pages), soft_wrap=True)
