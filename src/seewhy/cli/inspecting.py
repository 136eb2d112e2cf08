"""Photos and lots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seewhy.cli.options import (
    Alpha,
    Card,
    Device,
    Json,
    Language,
    Model,
    PolicyFile,
    Product,
    Review,
    Then,
    Vlm,
    VlmModel,
    VlmTimeout,
    explainer_at,
    models_of,
    part_of,
    workers_of,
)
from seewhy.cli.stopping import NOW
from seewhy.cli.terminal import out, plain, print_entry, print_json, progress, tell_of_photos

if TYPE_CHECKING:
    from seewhy.agent.inspection.terms import Given


def inspect(
    photos: Annotated[list[Path], typer.Argument(help="Photos.")],
    model: Annotated[Path | None, typer.Option("--model", "-m", help="Model folder; or give --prompt.")] = None,
    product: Product = "",
    then: Then = None,
    prompt: Annotated[str, typer.Option(help="What the photos show: inspect from words alone (WinCLIP).")] = "",
    defect: Annotated[list[str] | None, typer.Option(help="A defect that matters; may be given several times.")] = None,
    good: Annotated[Path | None, typer.Option(help="With --prompt: folder of one or more good photos.")] = None,
    clip_model: Annotated[str, typer.Option(help="With --prompt: an open_clip model with a plain ViT.")] = "ViT-B-16-plus-240",
    dtype: Annotated[str, typer.Option(help="With --prompt: float32, bfloat16, float16, or int8 (CPU).")] = "float32",
    card: Card = None,
    policy: PolicyFile = None,
    alpha: Alpha = None,
    review: Review = None,
    device: Device = "cpu",
    vlm: Vlm = "",
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
    report_: Annotated[
        Path | None, typer.Option("--report", help="Write a report of these photos (.html, .pdf, .json, .csv, .qif).")
    ] = None,
    language: Language = "en",
    json_: Json = False,
) -> None:
    """Inspect a few photos and say what was found."""
    from seewhy.agent.api.load import load
    from seewhy.agent.lots.faults import refused
    from seewhy.agent.lots.tally import Tally
    from seewhy.agent.photos.names import recorded
    from seewhy.errors import BadData, BadImage

    if (model is None) == (not prompt):
        raise BadData("inspect needs either --model FOLDER (made by seewhy fit) or --prompt WORDS that say what the photos show")
    given: Given = {"card": card, "policy": policy, "alpha": alpha, "review": review, "device": device}
    given["explainer"] = explainer_at(vlm, vlm_model, vlm_timeout, language)
    if model is None:
        from seewhy.agent.api.words import from_words

        inspector = from_words(prompt, defects=defect or (), good=good, model=clip_model, dtype=dtype, progress=progress, **given)
    else:
        inspector = load(model, product=product, then=models_of(then), **given)
    entries, pictures, tally = list[Any](), dict[str, tuple[str, bytes]](), Tally()
    for path in photos:
        try:
            inspection = inspector.inspect(path)
            entry: Any = inspection.record
            pictures |= inspection.pictures
        except BadImage as error:
            entry = refused(recorded(path), error, "", inspector.card.name)
        entries.append(entry)
        tally = tally.plus(entry)
        if not json_:
            print_entry(entry, language)
    if report_:
        from seewhy.reports import write_report

        write_report(entries, lambda digest: pictures[digest][1] if digest in pictures else None, report_, language=language)
    if json_:
        print_json([entry.model_dump(mode="json") for entry in entries])
    raise typer.Exit(tally.exit_code)


def batch(
    data: Annotated[Path, typer.Argument(help="Folder, MVTec AD or VisA data set, or CSV of paths.")],
    model: Model,
    ledger: Annotated[Path, typer.Option("--ledger", "-l", help="Ledger file; made when it isn't there.")],
    lot: Annotated[str, typer.Option(help="Name of the lot; default: the folder's name.")] = "",
    product: Product = "",
    then: Then = None,
    card: Card = None,
    policy: PolicyFile = None,
    alpha: Alpha = None,
    review: Review = None,
    device: Device = "cpu",
    workers: Annotated[
        int, typer.Option(parser=workers_of, metavar="N|auto", help="Photos at a time; auto: as many as there are processor cores.")
    ] = 1,
    vlm: Vlm = "",
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
    words_for: Annotated[
        float | None, typer.Option(min=0, help="With --vlm: seconds after which the lot no longer waits for words; see explain --missing.")
    ] = None,
    name_pattern: Annotated[
        str, typer.Option(help="How photos' names say which part they show: '{serial}_{view}'; the fields are those of --part.")
    ] = "",
    parts: Annotated[
        Path | None, typer.Option(help="CSV that says which part each photo shows: paths and columns called as the fields of --part.")
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(help="What holds for all photos, FIELD=VALUE: serial, batch, station, camera, view, shot_at, order or shift."),
    ] = None,
    exif: Annotated[bool, typer.Option("--exif", help="Take camera and time of the shot from the photos' EXIF data.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Inspect anew what another model, card, policy or alpha judged; the new entries supersede.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Compare good parts with the calibration; after an alarm nothing passes by itself.")
    ] = True,
    language: Annotated[str, typer.Option(help="With --vlm: language that its texts are also said in: en or ko.")] = "en",
    json_: Json = False,
) -> None:
    """Inspect a lot into a ledger; run it again to go on after a break."""
    from seewhy.agent.api.load import load
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.lots.batch import run_batch
    from seewhy.agent.photos.identity import identified
    from seewhy.agent.photos.layouts import surveyed
    from seewhy.agent.photos.names import recorded

    found = surveyed(data)
    tell_of_photos(found.told())
    samples = identified(found.samples, pattern=name_pattern, table=parts, exif=exif, given=part_of(part or []))
    name = lot or recorded(data.resolve().name)
    NOW.then = f"what was inspected stands in {ledger}; the same command goes on from there, seewhy explain --missing fills in words"
    with Ledger(ledger) as book:
        given: Given = {"card": card, "policy": policy, "alpha": alpha, "review": review, "device": device}
        given["explainer"] = explainer_at(vlm, vlm_model, vlm_timeout, language)
        inspector = load(model, product=product, then=models_of(then), **given)
        tally = run_batch(
            inspector, samples, book, lot=name, workers=workers, words_for_s=words_for, again=again, watch=watch, progress=progress
        )
        head = book.head[1]
    words = {word: getattr(tally, word) for word in tally.__slots__}
    if json_:
        print_json({"lot": name, "ledger": str(ledger), "head": head, **words})
    else:
        said = ", ".join(f"{count} {word}" for word, count in words.items() if count)
        out.print(f"[bold]{plain(name)}[/]: {said or 'nothing to do'}\nledger head {head}", highlight=False, soft_wrap=True)
        if tally.unexplained:
            out.print("for words that a VLM was asked for and did not say: seewhy explain --missing", highlight=False, soft_wrap=True)
    raise typer.Exit(tally.exit_code)
