"""What shows that the station finds what it should: criteria, studies, master parts, samples; and forms that people fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from seewhy.cli.options import Device, Json, Model, Product
from seewhy.cli.people import By, LedgerFile, Role, Why, opened, who
from seewhy.cli.terminal import out, print_entered, print_json, progress
from seewhy.studies import Form, StudyName

Lot = Annotated[str, typer.Option(help="Only this lot.")]
Of = Annotated[str, typer.Option(help="Which product.")]
Protocol = Annotated[str, typer.Option(help="Name of the test whose criteria hold.")]
Training = Annotated[Path | None, typer.Option(help="Folder of the training photos: shows by hash that the test photos are others.")]
Known = Annotated[Path, typer.Option(help="CSV of parts: columns part, truth (pass or fail), and size of the defect where there is one.")]


def criterion(
    ledger: LedgerFile,
    study: Annotated[StudyName, typer.Argument(help="agreement, detection or escapes.")],
    measure: Annotated[str, typer.Argument(help="Which figure of the study, as in miss_rate, a90_95, escape_share_upper.")],
    by: By,
    why: Annotated[str, typer.Option(help="Where the limit comes from.")],
    protocol: Annotated[str, typer.Option(help="Name of the test; its first study closes it for criteria.")],
    product: Of,
    at_most: Annotated[float | None, typer.Option(help="The limit.")] = None,
    at_least: Annotated[float | None, typer.Option(help="The limit, from below.")] = None,
    role: Role = "",
    json_: Json = False,
) -> None:
    """Enter an acceptance criterion before its test; afterwards it is refused."""
    from seewhy.agent.quality.entering import set_criterion
    from seewhy.errors import BadData

    if (at_most is None) == (at_least is None):
        raise BadData("a criterion takes one limit, --at-most or --at-least")
    relation, limit = ("at_most", at_most) if at_most is not None else ("at_least", at_least or 0.0)
    with opened(ledger) as book:
        print_entered(set_criterion(book, study, measure, relation, limit, who(by, why, role), protocol=protocol, product=product), json_)


def agreement(
    ledger: LedgerFile,
    reference: Known,
    lot: Annotated[str, typer.Option(help="Lot that holds several photos of each part: its trials.")],
    by: By,
    why: Why,
    ratings: Annotated[Path | None, typer.Option(help="CSV of calls away from the ledger: part, appraiser, trial, verdict.")] = None,
    training: Training = None,
    protocol: Protocol = "",
    role: Role = "",
    json_: Json = False,
) -> None:
    """Attribute agreement of the machine and people (AIAG MSA): parts by appraisers by trials."""
    from seewhy.agent.quality.studies import agreement_of
    from seewhy.agent.quality.tables import reference_of

    made = agreement_of(reference_of(reference), lot=lot, ratings=ratings)
    _enter(ledger, "agreement", made, who(by, why, role), protocol, lot, "", training, json_)


def pod(
    ledger: LedgerFile,
    by: By,
    why: Why,
    reference: Annotated[
        Path | None, typer.Option(help="CSV of parts with sizes; without it confirmed findings are hits and missed defects are misses.")
    ] = None,
    unit: Annotated[str, typer.Option(help="Of the sizes in it.")] = "mm",
    drawn: Annotated[bool, typer.Option("--drawn", help="The defects were drawn on real good photos.")] = False,
    by_signal: Annotated[
        bool, typer.Option("--by-signal", help="Also from how far each score lies from its line (â versus a, ASTM E3023).")
    ] = False,
    lot: Lot = "",
    product: Of = "",
    training: Training = None,
    protocol: Protocol = "",
    role: Role = "",
    json_: Json = False,
) -> None:
    """Probability of detection by defect size (MIL-HDBK-1823A, ASTM E2862): a50, a90, a90/95."""
    from seewhy.agent.quality.studies import detection_of
    from seewhy.agent.quality.tables import reference_of

    known = reference_of(reference) if reference else None
    made = detection_of(lot=lot, product=product, reference=known, unit=unit, drawn=drawn, by_signal=by_signal)
    _enter(ledger, "detection", made, who(by, why, role), protocol, lot, product, training, json_)


def escapes(
    ledger: LedgerFile,
    by: By,
    why: Why,
    lot: Lot = "",
    product: Of = "",
    defect_share: Annotated[
        float | None, typer.Option(help="At most this share of the lot is defective: then a bound follows without looking.")
    ] = None,
    protocol: Protocol = "",
    role: Role = "",
    json_: Json = False,
) -> None:
    """How many defective parts passed and how many good ones failed, with upper bounds, from people's reviews."""
    from seewhy.agent.quality.studies import escapes_of

    made = escapes_of(lot=lot, product=product, defect_share=defect_share)
    _enter(ledger, "escapes", made, who(by, why, role), protocol, lot, product, None, json_)


def masters(
    ledger: LedgerFile,
    model: Model,
    list_: Annotated[Path, typer.Option("--list", help="Master parts (YAML): name, photo, must (stop or pass), defect, box.")],
    photos: Annotated[Path, typer.Option(help="Folder of their photos, taken now.")],
    by: By,
    why: Annotated[str, typer.Option(help="When: which shift, after what.")],
    product: Product = "",
    role: Role = "",
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Run master parts ("red rabbits") through the station; exit 1 when one isn't judged as it must be, which blocks lots."""
    from seewhy.agent.api.load import load
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.quality.masters import load_masters, run_masters

    listed = load_masters(list_)
    inspector = load(model, product=product, device=device)
    with Ledger(ledger) as book:
        row: Any = run_masters(book, inspector, listed, photos, who(by, why, role), progress=progress)
    print_entered(row, json_)
    raise typer.Exit(int(bool(row.entry.missed)))


def rule(
    ledger: LedgerFile,
    run: Annotated[str, typer.Argument(help="Number or hash of the run of master parts.")],
    ruling: Annotated[Literal["continue", "stop"], typer.Argument(help="continue or stop.")],
    by: By,
    why: Why,
    role: Role = "",
    json_: Json = False,
) -> None:
    """Rule on a run with a missed master part."""
    from seewhy.agent.quality.masters import rule_on_masters

    with opened(ledger) as book:
        print_entered(rule_on_masters(book, run, ruling, who(by, why, role)), json_)


def sample(
    ledger: LedgerFile,
    lot: Annotated[str, typer.Option(help="The lot.")],
    by: By,
    why: Why,
    aql: Annotated[float | None, typer.Option(help="Acceptance quality limit (ISO 2859-1:1999).")] = None,
    level: Annotated[Literal["S-1", "S-2", "S-3", "S-4", "I", "II", "III"], typer.Option(help="Inspection level.")] = "II",
    severity: Annotated[
        Literal["normal", "tightened", "reduced"] | None, typer.Option(help="Default: by the switching rules from earlier lots.")
    ] = None,
    zero: Annotated[float | None, typer.Option(help="Instead: at most this share, by a sample without any (c = 0, 95 %).")] = None,
    role: Role = "",
    json_: Json = False,
) -> None:
    """Draw parts that passed, for people to look at again; their reviews decide on the lot."""
    from seewhy.agent.quality.samples import draw

    with opened(ledger) as book:
        row: Any = draw(book, lot, who(by, why, role), aql=aql, level=level, severity=severity, zero=zero)
    print_entered(row, json_)
    if not json_:
        out.print("\n".join(row.entry.photos), highlight=False, soft_wrap=True)


def fill(
    ledger: LedgerFile,
    form: Annotated[Form, typer.Argument(help="8d, ncr or dossier.")],
    subject: Annotated[str, typer.Argument(help="Which one: the complaint's number, the part, the protocol.")],
    field: Annotated[str, typer.Argument(help="D0 to D8; containment, correction, cause, corrective_action; control_plan, ….")],
    by: By,
    why: Annotated[str, typer.Option(help="Why it is filled in or revised.")],
    text: Annotated[str, typer.Option(help="What stands there from now on.")] = "",
    file: Annotated[Path | None, typer.Option(help="Or the file that holds it.")] = None,
    role: Role = "",
    json_: Json = False,
) -> None:
    """Fill in or revise a field of a form; earlier texts stay as its revision history."""
    from seewhy.agent.documents.forms import fill as fill_
    from seewhy.errors import BadData

    if bool(text) == (file is not None):
        raise BadData("a field is filled in by --text or by --file")
    try:
        written = file.read_text(encoding="utf-8") if file is not None else text
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{file} can't be read ({getattr(error, 'strerror', None) or error})") from error
    with opened(ledger) as book:
        print_entered(fill_(book, form, subject, field, written, who(by, why, role)), json_)


def _enter(
    ledger: Path, study: StudyName, make: Any, person: Any, protocol: str, lot: str, product: str, training: Path | None, json_: bool
) -> None:
    from seewhy.agent.quality.entering import apart_from, enter_study

    with opened(ledger) as book:
        row: Any = enter_study(
            book, study, apart_from(make, training) if training else make, person, product=product, protocol=protocol, lot=lot
        )
    if json_:
        print_json({"seq": row.seq, "hash": row.hash, **row.entry.model_dump(mode="json")})
    else:
        print_entered(row, json_)
        for name, value in row.entry.measures.items():
            out.print(f"  {name}: {'none' if value is None else f'{value:.4g}'}", highlight=False)
        for one in row.entry.criteria:
            out.print(f"  {'[green]met[/]' if one.held else '[bold red]not met[/]'}: criterion {one.criterion[:12]}", highlight=False)
    raise typer.Exit(int(any(not one.held for one in row.entry.criteria)))
