"""What people enter in a ledger, and what it says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from seewhy.cli.options import Json
from seewhy.cli.terminal import out, plain, print_entered, print_history, print_json, print_table
from seewhy.people import Action, Cause, Decided, Meaning
from seewhy.record import Severity

LedgerFile = Annotated[Path, typer.Argument(help="Ledger file.")]
Part = Annotated[str, typer.Argument(help="A photo's name as in the record, or a part's serial number.")]
By = Annotated[str, typer.Option(help="Who enters it.")]
Why = Annotated[str, typer.Option(help="The reason; it is kept and never read as an instruction.")]
Role = Annotated[str, typer.Option(help="In which role; may be left out where the ledger's roles give one that allows it.")]
Lot = Annotated[str, typer.Option(help="Which lot, where several have the part.")]


def review(
    ledger: LedgerFile,
    part: Part,
    verdict: Annotated[Decided, typer.Argument(help="The person's verdict: pass or fail.")],
    by: By,
    why: Why,
    role: Role = "",
    lot: Lot = "",
    json_: Json = False,
) -> None:
    """Agree with the machine's verdict, overrule it, or decide what it left to a person; the machine's entry stays as it was."""
    from seewhy.agent.people import acts

    with opened(ledger) as book:
        print_entered(acts.review(book, part, verdict, who(by, why, role), lot=lot or None), json_)


def dispose(
    ledger: LedgerFile,
    part: Part,
    action: Annotated[Action, typer.Argument(help="rework, repair, use_as_is, scrap, return or sort.")],
    by: By,
    why: Why,
    concession: Annotated[str, typer.Option(help="With use_as_is: the concession's number, or who granted it.")] = "",
    role: Role = "",
    lot: Lot = "",
    json_: Json = False,
) -> None:
    """Say what becomes of a part that doesn't conform (ISO 9001, 8.7)."""
    from seewhy.agent.people import acts

    with opened(ledger) as book:
        print_entered(acts.dispose(book, part, action, who(by, why, role), concession=concession, lot=lot or None), json_)


def sign(
    ledger: LedgerFile,
    part: Part,
    meaning: Annotated[Meaning, typer.Argument(help="review, approval, responsibility or authorship.")],
    by: By,
    why: Why,
    role: Role = "",
    lot: Lot = "",
    json_: Json = False,
) -> None:
    """Sign off a part: its inspection and what people entered about it (21 CFR Part 11, 11.50 and 11.70)."""
    from seewhy.agent.people import acts

    with opened(ledger) as book:
        print_entered(acts.sign(book, part, meaning, who(by, why, role), lot=lot or None), json_)


def confirm(
    ledger: LedgerFile,
    photo: Annotated[str, typer.Argument(help="Name of the photo, as in the record.")],
    finding: Annotated[int, typer.Argument(help="Number of the finding.")],
    type_: Annotated[str, typer.Option("--type", help="What it is.")],
    by: Annotated[str, typer.Option(help="Who says so.")],
    comment: Annotated[str, typer.Option(help="Anything else; it is kept and never read as an instruction.")] = "",
    role: Role = "",
    lot: Annotated[str, typer.Option(help="Which lot, where several have the photo.")] = "",
    json_: Json = False,
) -> None:
    """Note what a person says a finding is, as a new entry. It changes no verdict."""
    from seewhy.agent.people import acts

    with opened(ledger) as book:
        entered = acts.confirm(book, photo, finding, type_, who(by, comment, role), lot=lot or None).entry
    print_json(entered.model_dump(mode="json")) if json_ else out.print(
        f"{plain(photo)}, finding {finding}: {plain(type_)}, says {plain(by)}", highlight=False
    )


def mark(
    ledger: LedgerFile,
    part: Part,
    by: By,
    why: Why,
    finding: Annotated[int, typer.Option(help="A finding: with --false-alarm, or with the region that it should have had.")] = 0,
    false_alarm: Annotated[bool, typer.Option("--false-alarm", help="The finding is no defect.")] = False,
    missed: Annotated[str, typer.Option(help="Type of a defect that was not found; with its region.")] = "",
    severity: Annotated[Severity | None, typer.Option(help="With --missed: minor, major or critical.")] = None,
    box: Annotated[str, typer.Option(help="Region: x0,y0,x1,y1 in the photo's pixels.")] = "",
    mask: Annotated[Path | None, typer.Option(help="Region: a picture of the photo's size, marked where the defect is.")] = None,
    role: Role = "",
    lot: Lot = "",
    json_: Json = False,
) -> None:
    """Mark a false alarm, a finding's right region, or a defect that was missed."""
    from seewhy.agent.people import acts
    from seewhy.errors import BadData

    if bool(finding) == bool(missed) or (false_alarm and not finding):
        raise BadData("mark takes --finding NUMBER with --false-alarm or a region, or --missed TYPE with a region")
    if (bool(box) + (mask is not None)) != (not false_alarm):
        raise BadData("give one region, --box or --mask; a false alarm has none")
    person, where = who(by, why, role), lot or None
    with opened(ledger) as book:
        if false_alarm:
            return print_entered(acts.false_alarm(book, part, finding, person, lot=where), json_)
        region: Any = _box(box) if mask is None else acts.mask_in(mask, book, part, where)
        if finding:
            return print_entered(acts.correct(book, part, finding, region, person, lot=where), json_)
        return print_entered(acts.missed_defect(book, part, missed, region, person, severity=severity, lot=where), json_)


def comment(ledger: LedgerFile, part: Part, by: By, why: Why, role: Role = "", lot: Lot = "", json_: Json = False) -> None:
    """Leave a remark about a part: --why is its text."""
    from seewhy.agent.people import acts

    with opened(ledger) as book:
        print_entered(acts.comment(book, part, who(by, why, role), lot=lot or None), json_)


def withdraw(
    ledger: LedgerFile,
    entry: Annotated[str, typer.Argument(help="Number of a person's entry, or the first digits of its hash.")],
    by: By,
    why: Why,
    role: Role = "",
    json_: Json = False,
) -> None:
    """Take back a person's entry: it stays in the ledger and no longer counts."""
    from seewhy.agent.people import acts

    with opened(ledger) as book:
        print_entered(acts.withdraw(book, entry, who(by, why, role)), json_)


def good(
    ledger: LedgerFile,
    model: Annotated[Path, typer.Argument(help="Model folder that learned the photo.")],
    photo: Annotated[str, typer.Argument(help="Name of the photo, as `seewhy oddest` has it.")],
    decision: Annotated[Literal["keep", "drop"], typer.Argument(help="keep, or drop: the next fit --without LEDGER leaves it out.")],
    by: By,
    why: Annotated[str, typer.Option(help="What was seen on the photo; a high score is no reason.")] = "",
    cause: Annotated[
        Cause | None, typer.Option(help="With drop: defective, other_product, blurred, exposure or process (none will be made or shot so).")
    ] = None,
    product: Annotated[str, typer.Option(help="With a model of several products: which one.")] = "",
    role: Role = "",
    json_: Json = False,
) -> None:
    """Keep a good photo that holds the line, or drop it for what is wrong with it; the ledger is made when it isn't there."""
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.models.product import ProductModel
    from seewhy.agent.people.good import judge

    known = ProductModel.load(model, product=product)
    with Ledger(ledger) as book:
        print_entered(judge(book, known, photo, decision, who(by, why, role), cause), json_)


def release(
    ledger: LedgerFile,
    by: By,
    why: Why,
    model: Annotated[Path | None, typer.Option("--model", "-m", help="Release a model folder.")] = None,
    card: Annotated[Path | None, typer.Option(help="Release a product card.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Release a policy.")] = None,
    roles: Annotated[Path | None, typer.Option(help="Release a file of roles: who may enter what from now on.")] = None,
    product: Annotated[str, typer.Option(help="For which product.")] = "",
    approved_by: Annotated[str, typer.Option(help="Who else has looked at it.")] = "",
    role: Role = "",
    json_: Json = False,
) -> None:
    """Release a model, card or policy for a product, or who has which role; the ledger is made when it isn't there."""
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.people import releases
    from seewhy.errors import BadData

    given: list[Any] = [(what, place) for what, place in (("model", model), ("card", card), ("policy", policy), ("roles", roles)) if place]
    if len(given) != 1:
        raise BadData("release takes one of --model, --card, --policy and --roles")
    with Ledger(ledger) as book:
        ((what, place),) = given
        row = releases.release(book, what, place, who(by, why, role), product=product, approved_by=approved_by)
        print_entered(row, json_)


def complain(
    ledger: LedgerFile,
    reference: Annotated[str, typer.Argument(help="The complaint's number.")],
    parts: Annotated[list[str], typer.Argument(help="Photos or serial numbers that it is about.")],
    by: By,
    why: Annotated[str, typer.Option(help="What the customer says.")],
    customer: Annotated[str, typer.Option(help="Who complains.")] = "",
    role: Role = "",
    lot: Lot = "",
    json_: Json = False,
) -> None:
    """Note a customer's complaint and the inspections that it is about."""
    from seewhy.agent.people import releases

    with opened(ledger) as book:
        print_entered(releases.complain(book, reference, parts, who(by, why, role), customer=customer, lot=lot or None), json_)


def history(
    ledger: LedgerFile,
    part: Annotated[str, typer.Argument(help="A photo's name or a part's serial number; leave it out with the options below.")] = "",
    changes: Annotated[bool, typer.Option("--changes", help="Who changed what, and who approved it.")] = False,
    reviewers: Annotated[bool, typer.Option("--reviewers", help="Who reviewed, and how often they overrule.")] = False,
    complaints: Annotated[bool, typer.Option("--complaints", help="Customers' complaints, and what was said of their parts.")] = False,
    lot: Lot = "",
    json_: Json = False,
) -> None:
    """Everything about one part in order, machine and people; or changes, reviewers, complaints."""
    from seewhy.agent.ledger.store import Ledger
    from seewhy.agent.people import history as told
    from seewhy.agent.people.parts import find_part
    from seewhy.errors import BadData

    if bool(part) + changes + reviewers + complaints != 1:
        raise BadData("history takes a part, or one of --changes, --reviewers and --complaints")
    with Ledger(ledger, read_only=True) as book:
        if part:
            found = find_part(book, part, lot or None)
            return print_history(told.state(found), found.history, json_)
        if changes:
            return print_history({}, told.changes(book), json_)
        if reviewers:
            columns = ("name", "reviews", "agreed", "overruled", "decided", "fail_to_pass", "overrule_rate")
            return print_table(columns, [{name: getattr(one, name) for name in columns} for one in told.reviewers(book)], json_)
        for row, parts in told.complaints(book):
            print_history({"complaint": row.entry.reference, "parts": [told.state(one) for one in parts]}, [row], json_)  # type: ignore[union-attr]
    return None


def opened(ledger: Path) -> Any:
    """A ledger that is there, open to write."""
    from seewhy.agent.ledger.store import Ledger

    return Ledger(ledger, create=False)


def who(by: str, why: str, role: str) -> Any:
    """Who enters something."""
    from seewhy.agent.people.roles import Who

    return Who(by, why, role)


def _box(text: str) -> tuple[int, int, int, int]:
    from seewhy.errors import BadData

    try:
        x0, y0, x1, y1 = (int(word) for word in text.split(","))
    except ValueError as error:
        raise BadData(f"--box is x0,y0,x1,y1 in whole pixels, not {text!r}") from error
    return x0, y0, x1, y1
