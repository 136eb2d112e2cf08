"""The command line: a door without logic of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from seewhy.cli.terminal import err, out, plain, print_entry, print_fitted, print_json, progress
from seewhy.errors import SeewhyError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="See the defect, know why.")
weights_app = typer.Typer(no_args_is_help=True, help="Pretrained weights on this machine.")
app.add_typer(weights_app, name="weights")

Model = Annotated[Path, typer.Option("--model", "-m", help="Model folder made by `seewhy fit`.")]
Product = Annotated[str, typer.Option(help="With a model of several products: which one.")]
Then = Annotated[list[Path] | None, typer.Option(help="Another model, that speaks where the one before can't; may be given several times.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Alpha = Annotated[float, typer.Option(help="False-reject rate asked for on good parts.")]
Card = Annotated[Path | None, typer.Option(help="Product card (YAML).")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Policy (YAML); default: the one that serves any product.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Vlm = Annotated[str, typer.Option("--vlm", help="Address of a VLM server, http://127.0.0.1:8000/v1; its key comes from SEEWHY_VLM_KEY.")]
VlmModel = Annotated[str, typer.Option(help="With --vlm: the model's name; default: the first that the server lists.")]
VlmTimeout = Annotated[float, typer.Option(help="With --vlm: seconds to wait for an answer.")]
Way = Literal["auto", "split", "leave-one-out"]
Language = Annotated[str, typer.Option(help="Language of sentences: en or ko.")]


def main() -> None:
    """Run the command line; errors that we know are shown without a traceback and exit with 2."""
    try:
        app()
    except SeewhyError as error:
        err.print(f"[bold red]error:[/] {plain(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("stopped; the same command goes on from here")
        sys.exit(130)


@app.command()
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


@app.command()
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
    alpha: Alpha = 0.01,
    device: Device = "cpu",
    vlm: Vlm = "",
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
    report_: Annotated[Path | None, typer.Option("--report", help="Write a report of these photos (.html, .pdf, .json, .csv).")] = None,
    language: Language = "en",
    json_: Json = False,
) -> None:
    """Inspect a few photos and say what was found."""
    from seewhy.agent.api import from_words, load
    from seewhy.agent.lots.batch import Tally, refused
    from seewhy.agent.photos.layouts import Sample
    from seewhy.errors import BadData, BadImage
    from seewhy.reports import write_report

    if (model is None) == (not prompt):
        raise BadData("inspect needs either --model FOLDER (made by seewhy fit) or --prompt WORDS that say what the photos show")
    if model is None:
        inspector = from_words(
            prompt,
            defects=defect or (),
            good=good,
            model=clip_model,
            dtype=dtype,
            card=card,
            policy=policy,
            alpha=alpha,
            device=device,
            explainer=_explainer(vlm, vlm_model, vlm_timeout, language),
            progress=progress,
        )
    else:
        explainer = _explainer(vlm, vlm_model, vlm_timeout, language)
        inspector = load(model, product=product, then=then or (), card=card, policy=policy, alpha=alpha, device=device, explainer=explainer)
    entries, pictures, tally = list[Any](), dict[str, tuple[str, bytes]](), Tally()
    for path in photos:
        try:
            inspection = inspector.inspect(path)
            entry: Any = inspection.record
            pictures |= inspection.pictures
        except BadImage as error:
            entry = refused(Sample(path, path.parent, path.as_posix(), inspector.card.name), error, "", inspector.card.name)
        entries.append(entry)
        tally = tally.plus(entry)
        if not json_:
            print_entry(entry, language)
    if report_:
        write_report(entries, lambda digest: pictures[digest][1] if digest in pictures else None, report_, language=language)
    if json_:
        print_json([entry.model_dump(mode="json") for entry in entries])
    raise typer.Exit(tally.exit_code)


@app.command()
def batch(
    data: Annotated[Path, typer.Argument(help="Folder, MVTec AD or VisA data set, or CSV of paths.")],
    model: Model,
    ledger: Annotated[Path, typer.Option("--ledger", "-l", help="Ledger file; made when it isn't there.")],
    lot: Annotated[str, typer.Option(help="Name of the lot; default: the folder's name.")] = "",
    product: Product = "",
    then: Then = None,
    card: Card = None,
    policy: PolicyFile = None,
    alpha: Alpha = 0.01,
    device: Device = "cpu",
    workers: Annotated[int, typer.Option(min=1, help="Threads.")] = 1,
    vlm: Vlm = "",
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
    words_for: Annotated[
        float | None, typer.Option(min=0, help="With --vlm: seconds after which the lot no longer waits for words; see explain --missing.")
    ] = None,
    language: Annotated[str, typer.Option(help="With --vlm: language that its texts are also said in: en or ko.")] = "en",
    json_: Json = False,
) -> None:
    """Inspect a lot into a ledger; run it again to go on after a break."""
    from seewhy.agent.api import load
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.lots.batch import run_batch
    from seewhy.agent.photos.layouts import read_layout

    samples = read_layout(data)
    name = lot or data.resolve().name
    with Ledger(ledger) as book:
        explainer = _explainer(vlm, vlm_model, vlm_timeout, language)
        inspector = load(model, product=product, then=then or (), card=card, policy=policy, alpha=alpha, device=device, explainer=explainer)
        tally = run_batch(inspector, samples, book, lot=name, workers=workers, words_for_s=words_for, progress=progress)
        head = book.head[1]
    words = {word: getattr(tally, word) for word in tally.__slots__}
    if json_:
        print_json({"lot": name, "ledger": str(ledger), "head": head, **words})
    else:
        said = ", ".join(f"{count} {word}" for word, count in words.items() if count)
        out.print(f"[bold]{plain(name)}[/]: {said or 'nothing to do'}\nledger head {head}", highlight=False, soft_wrap=True)
    raise typer.Exit(tally.exit_code)


@app.command()
def report(
    ledger: Annotated[Path, typer.Argument(help="Ledger file.")],
    out_: Annotated[Path, typer.Option("--out", "-o", help="Report file: .html, .pdf, .json or .csv.")],
    lot: Annotated[str, typer.Option(help="Which lot; may be left out when there is one.")] = "",
    language: Language = "en",
    json_: Json = False,
) -> None:
    """Make a report from the ledger alone."""
    from seewhy.agent.ledger.reading import entries as entries_
    from seewhy.agent.ledger.store import Ledger
    from seewhy.errors import BadData
    from seewhy.reports import write_report

    with Ledger(ledger, create=False) as book:
        lots = book.lots()
        if not lot and len(lots) > 1:
            raise BadData(f"{ledger} holds several lots; give one with --lot: {', '.join(lots)}")
        if lot and lot not in lots:
            raise BadData(f"{ledger} holds no lot {lot!r}; it holds {', '.join(lots) or 'none'}")
        entries = list(entries_(book, lot or None))
        write_report(entries, book.evidence, out_, head=book.head[1], language=language)
    facts = {"report": str(out_), "lot": lot or (lots[0] if lots else ""), "entries": len(entries)}
    print_json(facts) if json_ else out.print(f"{len(entries)} entries written to {out_}")


@app.command()
def explain(
    ledger: Annotated[Path, typer.Argument(help="Ledger file.")],
    vlm: Vlm,
    missing: Annotated[bool, typer.Option("--missing", help="Ask again where a VLM was asked and gave no words.")] = False,
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
    lot: Annotated[str, typer.Option(help="Only this lot.")] = "",
    card: Card = None,
    policy: PolicyFile = None,
    language: Language = "en",
    json_: Json = False,
) -> None:
    """Fill in words that a VLM owes, as new entries that refer to the old ones; exit 1 while some are still missing."""
    from dataclasses import asdict

    from seewhy.agent.inspection.policy import load_policy
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.lots.owed import explain_missing
    from seewhy.card import load_card
    from seewhy.errors import BadData

    if not missing:
        raise BadData("explain fills in what is missing and nothing else; say so with --missing")
    with Ledger(ledger, create=False) as book:
        filled = explain_missing(
            book,
            _explainer(vlm, vlm_model, vlm_timeout, language),
            card=load_card(card) if card else None,
            policy=load_policy(policy) if policy else None,
            lot=lot or None,
            progress=progress,
        )
        head = book.head[1]
    if json_:
        print_json(asdict(filled) | {"head": head})
    else:
        out.print(f"{filled.explained} of {filled.findings} findings in {filled.records} records got their words", highlight=False)
        if filled.reviews:
            out.print(f"[yellow]{filled.reviews} parts[/] moved from pass to review", highlight=False)
        out.print(f"ledger head {head}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if filled.explained == filled.findings else 1)


@app.command()
def confirm(
    ledger: Annotated[Path, typer.Argument(help="Ledger file.")],
    photo: Annotated[str, typer.Argument(help="Name of the photo, as in the record.")],
    finding: Annotated[int, typer.Argument(help="Number of the finding.")],
    type_: Annotated[str, typer.Option("--type", help="What it is.")],
    by: Annotated[str, typer.Option(help="Who says so.")],
    comment: Annotated[str, typer.Option(help="Anything else; it is kept and never read as an instruction.")] = "",
    lot: Annotated[str, typer.Option(help="Which lot, where several have the photo.")] = "",
    json_: Json = False,
) -> None:
    """Note what a person says a finding is, as a new entry. It changes no verdict."""
    from seewhy.agent.ledger.decisions import confirm as confirm_
    from seewhy.agent.ledger.store import Ledger

    with Ledger(ledger, create=False) as book:
        made = confirm_(book, photo, finding, type_, by=by, comment=comment, lot=lot or None)
    print_json(made.model_dump(mode="json")) if json_ else out.print(
        f"{plain(photo)}, finding {finding}: {plain(made.type)}, says {plain(made.by)}"
    )


@app.command()
def verify(
    ledger: Annotated[Path, typer.Argument(help="Ledger file.")],
    head: Annotated[str | None, typer.Option(help="A head noted elsewhere, for instance in a report.")] = None,
    json_: Json = False,
) -> None:
    """Check that no entry was changed, deleted, inserted or moved; exit 1 when one was."""
    from seewhy.agent.ledger.store import Ledger, Verification
    from seewhy.errors import LedgerError

    if not ledger.is_file():
        raise LedgerError(f"there is no ledger at {ledger}")
    try:
        with Ledger(ledger, create=False) as book:
            found = book.verify(head)
    except LedgerError as error:
        found = Verification(0, "", None, str(error))
    if json_:
        print_json(
            {"intact": found.intact, "entries": found.entries, "head": found.head, "bad_entry": found.bad_seq, "problem": found.problem}
        )
    elif found.intact:
        out.print(f"[green]intact[/]: {found.entries} entries, head {found.head}", highlight=False, soft_wrap=True)
    else:
        where = f"entry {found.bad_seq}: " if found.bad_seq else ""
        out.print(f"[bold red]not intact[/]: {where}{plain(found.problem)}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if found.intact else 1)


@app.command(name="eval")
def evaluate(
    data: Annotated[Path, typer.Option("--data", help="Data set with good and defective photos (MVTec AD, VisA).")],
    detector: Annotated[str, typer.Option(help="Which detector.")] = "patchcore",
    json_file: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    shots: Annotated[int | None, typer.Option(help="winclip: good photos to compare with; 0 for words alone.")] = None,
    alpha: Alpha = 0.01,
    device: Device = "cpu",
) -> None:
    """Measure a detector: AUROC, AUPRO, false rejects, escapes, seconds, memory."""
    from seewhy.evals.detect import evaluate as evaluate_

    settings = None
    if shots is not None:
        from seewhy.errors import BadData

        if detector != "winclip":
            raise BadData(f"--shots is for winclip; {detector} learns from all good photos")
        from seewhy.detectors.winclip.settings import WinClipSettings

        settings = WinClipSettings(shots=shots)
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


@app.command()
def recommend(
    data: Annotated[Path, typer.Option("--data", help="Good photos of one product, or its data set.")],
    golden: Annotated[bool, typer.Option("--golden", help="Each photo is the golden one of a place that is photographed again.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Try this detector alone; may be given several times.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Where a picture goes: a drawn defect, and what each detector sees.")] = None,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Compare the detectors that can run here on your good photos, by defects that are drawn on some of them."""
    from seewhy.cli.terminal import print_recommendation
    from seewhy.evals.recommend import chosen_from
    from seewhy.evals.recommend import recommend as recommend_

    found = recommend_(data, golden=golden, candidates=chosen_from(only), device=device, progress=progress)
    print_recommendation(found, picture, json_)


@app.command()
def schema(what: Annotated[str, typer.Argument(help="record, refusal, card or policy.")] = "record") -> None:
    """Print the JSON Schema of what is written to disk."""
    from seewhy.agent.inspection.policy import Policy
    from seewhy.card import ProductCard
    from seewhy.errors import UnknownName
    from seewhy.record import InspectionRecord, RefusedPhoto

    models: dict[str, Any] = {"record": InspectionRecord, "refusal": RefusedPhoto, "card": ProductCard, "policy": Policy}
    if what not in models:
        raise UnknownName("schema", what, models)
    print_json(models[what].model_json_schema())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A profile (seewhy serve --list), or any model that vLLM knows.")] = "",
    host: Annotated[str, typer.Option(help="Where to listen; nothing protects a server that others can reach.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 8000,
    served_name: Annotated[str, typer.Option(help="Name in requests and records; default: the model's.")] = "",
    revision: Annotated[str, typer.Option(help="Commit of the model on its hub.")] = "",
    python: Annotated[str, typer.Option(help="Python that has vLLM, where it isn't this one.")] = "",
    log: Annotated[Path, typer.Option(help="Where vLLM's output goes.")] = Path("vllm.log"),
    ready_s: Annotated[float, typer.Option(help="Seconds to become ready in; the first start downloads the weights.")] = 1800.0,
    show: Annotated[bool, typer.Option("--show", help="Print the command and do nothing.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the profiles.")] = False,
) -> None:
    """Serve a VLM with vLLM (extra `serve`, a GPU); what follows `--` goes to vLLM."""
    import shlex
    import signal
    from contextlib import ExitStack

    from seewhy.agent.machine.serve import serving, watch
    from seewhy.explainers.profiles import DEFAULT, PROFILES, command, profile_of

    if list_:
        table = Table("profile", "model", "weights", "licence", box=None)
        for name, profile in PROFILES.items():
            table.add_row(name + (" (default)" if name == DEFAULT else ""), profile.model, f"{profile.weights_gib} GiB", profile.licence)
        return out.print(table)
    profile = profile_of(model or DEFAULT)
    said = command(
        profile, python=python or sys.executable, host=host, port=port, served_name=served_name, revision=revision, more=context.args
    )
    if show:
        return print(shlex.join(said))
    url = f"http://{host}:{port}/v1"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        with err.status(f"starting {plain(profile.model)}, log in {log}"):
            process = stack.enter_context(serving(said, url, log, ready_s=ready_s))
        out.print(f"ready: --vlm {url} (log in {log}; Ctrl-C stops it)", highlight=False, soft_wrap=True)
        watch(process, log)
    return None


@app.command()
def doctor(
    vlm: Vlm = "",
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
    json_: Json = False,
) -> None:
    """Say what is installed, what is missing, and how to get it; with --vlm, examine a server (exit 1 where something is amiss)."""
    from seewhy.agent.machine.doctor import as_json, examine

    checks = examine()
    if vlm:
        from seewhy.agent.machine.probe import probe

        checks = probe(vlm, model=vlm_model, timeout_s=vlm_timeout)
    if json_:
        print_json(as_json(checks))
        raise typer.Exit(int(bool(vlm) and any(c.remedy for c in checks)))
    table = Table("what", "found", "if you want it", box=None)
    table.columns[0].no_wrap = True
    for check in checks:
        table.add_row(check.what, f"[green]{check.found}[/]" if check.found else "[yellow]missing[/]", plain(check.remedy))
    out.print(table)
    raise typer.Exit(int(bool(vlm) and any(c.remedy for c in checks)))


@app.command()
def demo(out_: Annotated[Path, typer.Option("--out", "-o", help="Folder for everything that it makes.")] = Path("demo-out")) -> None:
    """Make two small lots, inspect them, write every report (needs the extra `demo`)."""
    from seewhy.evals.synthetic.demo import run_demo

    out_.mkdir(parents=True, exist_ok=True)
    for title, tally in run_demo(out_, progress=progress).items():
        out.print(f"{title}: {tally.passed} passed, {tally.failed} failed, {tally.review} for review")
    pages = sorted(out_.glob("*.html")) + sorted(out_.glob("*.pdf"))
    out.print("Open " + ", ".join(str(p) for p in pages), soft_wrap=True)


@weights_app.command("list")
def weights_list(json_: Json = False) -> None:
    """Known weights, and which of them are here."""
    from dataclasses import asdict

    from seewhy.detectors.weights.store import listed, present

    if json_:
        return print_json([asdict(row) | {"here": present(name)} for name, row in listed().items()])
    table = Table("name", "here", "licence", "source", box=None)
    for name, row in listed().items():
        table.add_row(name, "[green]yes[/]" if present(name) else "[yellow]no[/]", row.licence, row.source)
    out.print(table)
    return None


@weights_app.command("import")
def weights_import(name: str, file: Path, json_: Json = False) -> None:
    """Check a downloaded file and keep it where seewhy finds it; of a folder with a data set, note its pictures."""
    from dataclasses import asdict

    from seewhy.agent.machine.importing import import_weights
    from seewhy.detectors.weights.datasets import import_dataset

    kept = import_dataset(name, file) if file.is_dir() else import_weights(name, file)
    print_json(asdict(kept)) if json_ else out.print(f"{kept.name}: SHA-256 {kept.sha256}", soft_wrap=True)


def _explainer(url: str, model: str, timeout_s: float, language: str) -> Any:
    """The VLM at an address, or None for the embedded explainer."""
    from seewhy.agent.api import vlm

    return vlm(url, model=model, timeout_s=timeout_s, language=language) if url else None
