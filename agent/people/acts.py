"""What people do, as functions: the same for Python, the command line and whatever else asks. Each writes one entry, or nothing.

All raise `BadData` where the rules (`seewhy.agent.people.rules`) forbid an entry, and `LedgerError` where the ledger can't be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from pydantic import ValidationError

from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.people.parts import Part, PartPhoto, find_part
from seewhy.agent.people.roles import Who, role_for, roles_of
from seewhy.agent.people.rules import check, lacks_finding, time_of_entry
from seewhy.agent.photos.masks import drawn_mask
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData
from seewhy.people import (
    AboutPart,
    Action,
    Comment,
    Correction,
    Decided,
    Disposition,
    FalseAlarm,
    Meaning,
    MissedDefect,
    PersonsEntry,
    Region,
    Review,
    SignOff,
    Withdrawal,
    opinion_of,
)
from seewhy.prompts.legible import legible
from seewhy.prompts.telling import Misfit, Told
from seewhy.record import Confirmation, Evidence, InspectionRecord, Severity
from seewhy.types import Mask

E = TypeVar("E", bound=PersonsEntry)
Marked = tuple[int, int, int, int] | Mask  # a box in the photo's upright pixels (x0, y0, x1, y1, half-open), or (H, W) booleans


def review(ledger: Ledger, part: str, verdict: Decided, who: Who, *, lot: str | None = None) -> Row:
    """Agree with the machine's verdict, overrule it, or decide what it left to a person.

    Args:
        ledger: open to write.
        part: a photo's name, or a part's serial number: its worst photo then.
        verdict: the person's.
        who: reviews, and why.
        lot: where several lots have the part.
    """

    return _enter(
        ledger,
        (part, lot),
        who,
        Review,
        lambda _, photo: {"verdict": verdict, "machine": photo.machine, "opinion": opinion_of(photo.machine, verdict)},
    )


def dispose(ledger: Ledger, part: str, action: Action, who: Who, *, concession: str = "", lot: str | None = None) -> Row:
    """Say what becomes of a part that doesn't conform (ISO 9001:2015, 8.7).

    Args:
        ledger: open to write.
        part: see `review`.
        action: rework, repair, use_as_is, scrap, return or sort.
        who: decides, and why.
        concession: what allows a part to be used as it is: a number, or who granted it.
        lot: see `review`.
    """
    return _enter(ledger, (part, lot), who, Disposition, lambda *_: {"action": action, "concession": concession.strip()})


def correct(ledger: Ledger, part: str, finding: int, region: Marked, who: Who, *, lot: str | None = None) -> Row:
    """Mark where a finding really is. Arguments as for `review`; `region` is a box or a mask."""
    marked, pictures = _region(region)
    return _enter(ledger, (part, lot), who, Correction, lambda *_: {"finding": finding, **marked}, pictures)


def false_alarm(ledger: Ledger, part: str, finding: int, who: Who, *, lot: str | None = None) -> Row:
    """Say that a finding is no defect; the part's verdict is a `review`. Arguments as there."""
    return _enter(ledger, (part, lot), who, FalseAlarm, lambda *_: {"finding": finding})


def missed_defect(
    ledger: Ledger, part: str, type_: str, region: Marked, who: Who, *, severity: Severity | None = None, lot: str | None = None
) -> Row:
    """Mark a defect that the machine didn't find; the part doesn't conform from now on.

    Args:
        ledger: open to write.
        part: see `review`.
        type_: what it is.
        region: a box or a mask.
        who: found it, and how.
        severity: where it is known.
        lot: see `review`.
    """
    marked, pictures = _region(region)
    return _enter(ledger, (part, lot), who, MissedDefect, lambda *_: {"type": type_.strip(), "severity": severity, **marked}, pictures)


def confirm(ledger: Ledger, part: str, finding: int, type_: str, who: Who, *, lot: str | None = None) -> Row:
    """Note what a person says a finding is. It passes and fails nothing; later inspections learn from it what such a crop is.

    Args:
        ledger: open to write.
        part: see `review`.
        finding: its number.
        type_: what it is.
        who: says so; `why` may be empty here.
        lot: see `review`.
    """

    def look() -> tuple[Confirmation, Pictured]:
        said = said_by(ledger, Who(who.name, who.why or type_, who.role), Confirmation)
        photo = find_part(ledger, part, lot).photo(part)
        if problem := lacks_finding(finding, photo):
            raise Told.of(problem)
        fields = _about(photo) | {"finding": finding, "type": type_.strip(), "by": said["by"], "role": said["role"]}
        return Confirmation(**fields, comment=who.why.strip(), confirmed_at=said["entered_at"]), {}

    if not type_.strip():
        raise Told("entering.no_type")
    return ledger.append_after(look)


def comment(ledger: Ledger, part: str, who: Who, *, lot: str | None = None) -> Row:
    """Leave a remark: `who.why` is its text."""
    return _enter(ledger, (part, lot), who, Comment, lambda *_: {})


def sign(ledger: Ledger, part: str, meaning: Meaning, who: Who, *, lot: str | None = None) -> Row:
    """Sign a part: the machine's entries about its photos that stand, and people's about them, by their hashes.

    Args:
        ledger: open to write.
        part: see `review`.
        meaning: review, approval, responsibility or authorship (21 CFR Part 11, §11.50 a 3).
        who: signs, in a role, and why.
        lot: see `review`.
    """

    def signed(whole: Part, _: PartPhoto) -> dict[str, Any]:
        return {"meaning": meaning, "points_to": (*(one.row.hash for one in whole.photos), *(digest for digest, _ in whole.people))}

    return _enter(ledger, (part, lot), who, SignOff, signed)


def withdraw(ledger: Ledger, entry: str, who: Who) -> Row:
    """Take back an earlier entry of a person; it stays in the ledger and no longer counts.

    Args:
        ledger: open to write.
        entry: its hash, the first digits of it, or its number.
        who: takes it back, and why.
    """

    def look() -> tuple[AboutPart, Pictured]:
        row = find_entry(ledger, entry)
        if not isinstance(row.entry, AboutPart):
            raise Told("entering.machines", seq=row.seq)
        part = find_part(ledger, row.entry.name, row.entry.lot)
        photo = part.photo(row.entry.name)
        taken = entry_of(Withdrawal, said_by(ledger, who, Withdrawal) | _about(photo) | {"refers_to": row.hash})
        check(taken, part, photo, roles_of(ledger))
        return taken, {}

    return ledger.append_after(look)


def find_entry(ledger: Ledger, entry: str) -> Row:
    """An entry by its number, its hash or the hash's first digits (six or more).

    A hash may begin with decimal digits alone: such a text is looked for as both.

    Raises:
        BadData: there is none, or several begin so.
    """
    rows: list[Row] = []
    if is_number := entry.isdecimal() and len(entry) < 12:
        rows += ledger.found("seq = ?", (int(entry),))
    if is_hash := len(entry) >= 6 and set(entry) <= set("0123456789abcdef"):
        rows += ledger.found("hash >= ? AND hash < ?", (entry, f"{entry}g"))
    if not (is_number or is_hash):
        raise BadData(f"{entry!r} is neither an entry's number nor six or more digits of its hash")
    if len(rows) != 1:
        found = f"{len(rows)} entries {entry!r}: give more digits of the hash" if rows else f"no entry {entry!r}"
        raise BadData(f"{ledger.path} holds {found}")
    return rows[0]


def _enter(
    ledger: Ledger,
    where: tuple[str, str | None],  # part and lot
    who: Who,
    kind: type[AboutPart],
    fields: Callable[[Part, PartPhoto], Mapping[str, Any]],
    pictures: Pictured | None = None,
) -> Row:
    """Look, check, write: nobody writes in between."""

    def look() -> tuple[AboutPart, Pictured]:
        said = said_by(ledger, who, kind)
        part = find_part(ledger, *where)
        photo = part.photo(where[0])
        entry = entry_of(kind, {**said, **_about(photo), **fields(part, photo)})
        check(entry, part, photo, roles_of(ledger))
        return entry, pictures or {}

    return ledger.append_after(look)


def said_by(ledger: Ledger, who: Who, kind: type[PersonsEntry] | type[Confirmation]) -> dict[str, Any]:
    """Who makes an entry, in which role, when and why.

    Raises:
        BadData: one of them is missing, they may not, or the clock runs behind.
    """
    if not who.name.strip():
        raise Told("entering.nobody")
    if not who.why.strip():
        raise Told("entering.no_reason")
    role = role_for(roles_of(ledger), who, kind.model_fields["kind"].default)
    return {"by": who.name.strip(), "role": role, "why": who.why.strip(), "entered_at": time_of_entry(ledger)}


def _about(photo: PartPhoto) -> dict[str, Any]:
    return {
        "lot": photo.entry.lot,
        "product": photo.entry.product,
        "name": photo.name,
        "sha256": photo.sha256,
        "refers_to": photo.row.hash,
    }


def entry_of(kind: type[E], fields: Mapping[str, Any]) -> E:
    """An entry of a kind.

    Raises:
        BadData: the fields don't fit it; says which.
    """
    try:
        return kind(**fields)
    except ValidationError as error:
        raise Misfit(error) from error


def _region(marked: Marked) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    """A region as an entry's fields, and the picture of its mask."""
    if isinstance(marked, tuple):
        return {"region": Region(box_px=marked)}, {}
    if not marked.any():
        raise Told("entering.empty_mask")
    rows, columns = np.flatnonzero(marked.any(1)), np.flatnonzero(marked.any(0))
    height, width = marked.shape
    _, encoded = cv2.imencode(".png", marked.astype(np.uint8) * 255)
    data = encoded.tobytes()
    digest = sha256_bytes(data)
    picture = Evidence(name="mask", sha256=digest, media_type="image/png", width_px=width, height_px=height, box_px=(0, 0, width, height))
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    return {"region": Region(box_px=box, mask=picture), "evidence": (picture,)}, {digest: ("image/png", data)}


def mask_in(path: Path, ledger: Ledger, part: str, lot: str | None = None) -> Mask:
    """A mask that a person drew over a photo of the ledger.

    Args:
        path: a picture as `seewhy.agent.photos.masks` reads it, of the photo's size.
        ledger: that holds the photo.
        part: see `review`.
        lot: likewise.

    Raises:
        BadData: it can't be read, has another size, or marks nothing.
    """
    photo = find_part(ledger, part, lot).photo(part)
    if not isinstance(photo.entry, InspectionRecord):
        raise Told("entering.not_inspected", name=legible(photo.name))
    facts = photo.entry.photo
    return drawn_mask(path, path, (facts.height_px, facts.width_px), facts.orientation)
