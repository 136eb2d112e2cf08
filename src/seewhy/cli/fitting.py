"""Learning a product."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from seewhy.cli.options import (
    Alpha,
    Card,
    Device,
    Json,
    Way,
)
from seewhy.cli.terminal import err, print_fitted, progress


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
    at_once: Annotated[int, typer.Option(min=1, help="dinomaly: photos in memory at a time, of a batch of 16.")] = 16,
    add_to: Annotated[Path | None, typer.Option(help="dinomaly: a model that the products are added to.")] = None,
    epochs: Annotated[int, typer.Option(min=0, help="anomalib: training epochs; 0: the paper's.")] = 0,
    input_px: Annotated[int, typer.Option(min=0, help="anomalib: side that photos are brought to; 0: the model's own.")] = 0,
    option: Annotated[list[str] | None, typer.Option(help="anomalib: name=value for the model; may be given several times.")] = None,
    stand_ins: Annotated[bool, typer.Option(help="anomalib: random numbers for weights that are not here; records say so.")] = False,
    card: Card = None,
    alpha: Alpha = 0.01,
    calibration_: Annotated[Way, typer.Option("--calibration", help="Set photos aside (split), or score each one left out.")] = "auto",
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Learn a product from its good photos; with dinomaly, many products in one model."""
    from seewhy.agent.api import fit as fit_
    from seewhy.agent.models.options import settings_for
    from seewhy.card import load_card
    from seewhy.errors import BadData

    source = data or good
    if source is None and lot is None:
        raise BadData("fit needs a folder of good photos, a data set with --data, or a lot with --lot")
    settings = settings_for(
        detector,
        encoder=encoder,
        steps=steps,
        dtype=dtype,
        at_once=at_once,
        epochs=epochs,
        input_px=input_px,
        options=option or (),
        stand_ins=stand_ins,
    )
    if detector == "dinomaly" and source is not None:
        from seewhy.agent.models.family import fit_family

        family = fit_family(
            source,
            out_,
            settings=settings[detector],
            alpha=alpha,
            add_to=add_to,
            white_level=load_card(card).white_level if card else 65535,
            device=device,
            progress=progress,
            told=_loss_told,
        )
        return print_fitted(list(family.members.values()), out_, alpha, json_)
    inspector = fit_(
        source,
        save=out_,
        lot=lot,
        detector=detector,
        merge=merge,
        card=card,
        alpha=alpha,
        calibration=calibration_,
        device=device,
        settings=settings,
        progress=progress,
    )
    return print_fitted([inspector.model], out_, alpha, json_)


def _loss_told(step: int, loss: float) -> None:
    """Now and then; the bar beside it says how long it will take."""
    if step % 50 == 0:
        err.print(f"step {step}: loss {loss:.4f}", highlight=False)
