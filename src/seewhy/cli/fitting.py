"""Learning a product, and which of its good photos hold the line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from seewhy.cli.options import (
    Device,
    Json,
    Language,
    PolicyFile,
    Product,
    Way,
    cards_of,
)
from seewhy.cli.stopping import NOW
from seewhy.cli.terminal import print_fitted, print_lines, print_oddest, progress, tell_losses, tell_of_photos


def fit(
    out_: Annotated[Path, typer.Option("--out", "-o", help="Where the model folder goes.")],
    good: Annotated[Path | None, typer.Argument(help="Folder of good photos, or a data set; or give it with --data.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data set; dinomaly learns every product in it.")] = None,
    lot: Annotated[
        Path | None, typer.Option(help="In their place, a lot of which nobody knows what is good: its photos judge one another.")
    ] = None,
    detector: Annotated[
        str, typer.Option(help="auto, a name (seewhy doctor lists them), several with commas (the first that can) or + (merged p-values).")
    ] = "auto",
    merge: Annotated[Literal["bonferroni", "fisher"], typer.Option(help="With +: how p-values are merged.")] = "bonferroni",
    encoder: Annotated[str, typer.Option(help="dinomaly: dinov2-with-registers-base (the paper's), …; anomalib: efficientnet-lite0.")] = "",
    steps: Annotated[int, typer.Option(min=0, help="dinomaly: training steps; 0: the paper's 10,000.")] = 0,
    dtype: Annotated[str, typer.Option(help="dinomaly: float32 or bfloat16.")] = "float32",
    precision: Annotated[
        str,
        typer.Option(
            metavar="f32|bf16|auto",
            help="patchcore, dinomaly, mutual on OpenVINO: f32 (default), bf16 or auto: the fastest that judges good photos as f32 does.",
        ),
    ] = "",
    at_once: Annotated[int, typer.Option(min=1, help="dinomaly: photos in memory at a time, of a batch of 16.")] = 16,
    add_to: Annotated[Path | None, typer.Option(help="dinomaly: a model that the products are added to.")] = None,
    epochs: Annotated[int, typer.Option(min=0, help="anomalib: training epochs; 0: the paper's.")] = 0,
    input_px: Annotated[int, typer.Option(min=0, help="Side that photos are brought to; 0: the detector's own.")] = 0,
    option: Annotated[
        list[str] | None, typer.Option(help="name=value for any setting of the detector; may be given several times.")
    ] = None,
    stand_ins: Annotated[bool, typer.Option(help="anomalib: random numbers for weights that are not here; records say so.")] = False,
    card: Annotated[
        list[str] | None, typer.Option(help="Product card (YAML), kept with the model; of several products PRODUCT=FILE, several times.")
    ] = None,
    policy: PolicyFile = None,
    without: Annotated[Path | None, typer.Option(help="Ledger: leave out the good photos that people dropped there (seewhy good).")] = None,
    from_ledger: Annotated[
        Path | None, typer.Option(help="Ledger: parts that people reviewed there and let pass are good photos too; with --reviewed-photos.")
    ] = None,
    reviewed_photos: Annotated[Path | None, typer.Option(help="Folder in or below which the photos of these parts lie.")] = None,
    since: Annotated[
        str,
        typer.Option(
            help="With --from-ledger: its first entry or date; default: from the drift on, where the last part was judged under one."
        ),
    ] = "",
    alpha: Annotated[float, typer.Option(help="False-reject rate asked for on good parts, kept with the model.")] = 0.01,
    review: Annotated[float, typer.Option(help="How many more good parts a person may be asked about, kept with the model.")] = 0.05,
    calibration_: Annotated[Way, typer.Option("--calibration", help="Set photos aside (split), or score each one left out.")] = "auto",
    good_in: Annotated[
        list[str] | None,
        typer.Option("--good", help="Sub-folder that holds good photos, where no layout says so; several times; . for all."),
    ] = None,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Learn a product from its good photos; with dinomaly, many products in one model."""
    from seewhy.agent.api.learn import fit as fit_
    from seewhy.agent.models.options import settings_for
    from seewhy.agent.photos.layouts import surveyed
    from seewhy.errors import BadData

    source = data or good
    if source is None and lot is None and from_ledger is None:
        raise BadData("fit needs a folder of good photos, a data set with --data, a lot with --lot, or good parts with --from-ledger")
    options: Any = {"encoder": encoder, "steps": steps, "dtype": dtype, "at_once": at_once, "epochs": epochs, "input_px": input_px}
    chosen = [*(option or ()), *([f"precision={precision}"] if precision else ())]
    NOW.then = "no model was saved; the same command begins anew (a training of dinomaly goes on from its last checkpoint)"
    tell_losses()
    place = source or lot
    found = None if place is None else surveyed(place, good_in or ())
    tell_of_photos(found.told() if found else ())
    inspector = fit_(
        None if lot else found,
        save=out_,
        lot=found if lot else None,
        detector=detector,
        merge=merge,
        card=cards_of(card or []),
        policy=policy,
        alpha=alpha,
        review=review,
        calibration=calibration_,
        add_to=add_to,
        without=without,
        from_ledger=from_ledger,
        reviewed_photos=reviewed_photos,
        since=since,
        device=device,
        settings=settings_for(detector, **options, options=chosen, stand_ins=stand_ins),
        progress=progress,
    )
    print_fitted([one.model for one in inspector.products.values()], out_, alpha, review, json_)


def oddest(
    model: Annotated[Path, typer.Argument(help="Model folder made by `seewhy fit`.")],
    good: Annotated[
        Path | None, typer.Option(help="The good photos that it was fitted on: defects are drawn on them, and counted where they pass.")
    ] = None,
    out_: Annotated[Path | None, typer.Option("--out", "-o", help="HTML page with the photos and their score maps.")] = None,
    product: Product = "",
    language: Language = "en",
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Which few good photos hold the line, what each costs, and in what they differ from the others."""
    from seewhy.agent.api.oddest import oddest as oddest_
    from seewhy.agent.inspection.terms import check_device

    check_device(device)
    found = oddest_(model, good, product=product, device=device, progress=progress)
    if out_ is not None:
        found.report(out_, language)
    print_oddest(found.to_json(), language, json_)


def lines(
    model: Annotated[Path, typer.Argument(help="Model folder made by `seewhy fit`.")],
    defects: Annotated[Path, typer.Option(help="Photos of defective parts: a folder, or a data set.")],
    escapes: Annotated[float, typer.Option(help="Share of defective parts that may pass: the highest line that keeps it is named.")] = 0.05,
    product: Product = "",
    language: Language = "en",
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """What passes of known defects at each line, with its bound, and which line keeps a promise about it."""
    from seewhy.agent.api.lines import lines as lines_
    from seewhy.agent.inspection.terms import check_device

    check_device(device)
    found = lines_(model, defects, escapes=escapes, product=product, device=device, progress=progress)
    print_lines(found, language, json_)
