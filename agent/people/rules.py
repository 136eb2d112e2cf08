"""What may follow what: all rules about people's entries, in one place.

1. Nothing is entered about a part, finding or entry that isn't there, without a reason, or dated before the last entry.
2. Who enters something has a role that allows it (`seewhy.agent.people.roles`).
3. One person has one review of a photo, and a finding is called a false alarm once; who thinks otherwise withdraws the earlier entry.
4. A part has one disposition, and only a part that doesn't conform has one.
5. While a disposition or a sign-off stands, what it rests on stands too: it is withdrawn first.
6. A part is approved once its verdict is decided and, where it doesn't conform, its disposition is made. After that, until the
   approval is withdrawn, only remarks, complaints and further signatures are added.
7. Nobody signs a part twice with one meaning. With four eyes, who approves has neither reviewed nor disposed of it.
8. What is withdrawn is an entry of a person about this part that wasn't withdrawn before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from seewhy.agent.ledger.store import Ledger
from seewhy.agent.people.parts import Part, PartPhoto
from seewhy.agent.people.roles import Roles
from seewhy.people import (
    AboutPart,
    Comment,
    Correction,
    Disposition,
    FalseAlarm,
    MissedDefect,
    PersonsEntry,
    Region,
    Review,
    SignOff,
    Withdrawal,
)
from seewhy.prompts import sentence
from seewhy.prompts.legible import legible
from seewhy.prompts.telling import Told
from seewhy.record import InspectionRecord, RefusedPhoto, Sentence

CLOCK_S = 1.0  # that a clock may be set back by (NTP) without anybody minding


def check(entry: AboutPart, part: Part, photo: PartPhoto, roles: Roles | None) -> None:
    """Refuse what the rules forbid.

    Args:
        entry: to be entered.
        part: as the ledger has it.
        photo: which of its photos the entry is about.
        roles: of the ledger.

    Raises:
        BadData: says which rule, and what to do first.
    """
    problem = _while_approved(entry, part) or CHECKS[type(entry)](entry, part, photo)
    if not problem and isinstance(entry, SignOff) and roles is not None and roles.four_eyes:
        problem = _four_eyes(entry, part)
    if problem:
        raise Told.of(problem)


def time_of_entry(ledger: Ledger) -> str:
    """Now, as entries are dated.

    Raises:
        BadData: the last entry is of a later time.
    """
    now = datetime.now(UTC)
    last = ledger.found("seq = (SELECT entries FROM head)")
    if last and (behind := (_moment(last[0].at) - now).total_seconds()) > CLOCK_S:
        raise Told("entering.clock", behind=behind, at=last[0].at)
    return max(now.isoformat(timespec="milliseconds"), last[0].at if last else "")


def _moment(at: str) -> datetime:
    found = datetime.fromisoformat(at)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _standing(part: Part, *kinds: type[PersonsEntry]) -> list[PersonsEntry]:
    return [entry for _, entry in part.people if isinstance(entry, kinds)]


def _approval(part: Part) -> SignOff | None:
    return next((e for e in _standing(part, SignOff) if isinstance(e, SignOff) and e.meaning == "approval"), None)


def _told(key: str, of: Part | PartPhoto, **values: str | int) -> Sentence:
    return sentence(f"entering.{key}", name=legible(of.name), **values)


def _while_approved(entry: AboutPart, part: Part) -> Sentence | None:
    approval = _approval(part)
    if approval is None or isinstance(entry, Comment | SignOff | Withdrawal):
        return None
    return _told("while_approved", part, by=approval.by)


def _review(entry: Review, part: Part, photo: PartPhoto) -> Sentence | None:
    if any(isinstance(e, Review) and e.by == entry.by for _, e in photo.people):
        return _told("reviewed", photo, by=entry.by)
    return _rested_on(part)


def _rested_on(part: Part) -> Sentence | None:
    """What forbids to change a verdict."""
    disposed = _standing(part, Disposition)
    return _told("rested_on", part, by=disposed[0].by) if disposed else None


def _disposition(entry: Disposition, part: Part, photo: PartPhoto) -> Sentence | None:  # noqa: ARG001
    if disposed := _standing(part, Disposition):
        return _told("disposed", part, by=disposed[0].by)
    if part.verdict == "pass":
        return _told("conforms", part)
    if part.verdict in ("review", "refused"):
        return _told("undecided", part)
    return None


def _correction(entry: Correction, part: Part, photo: PartPhoto) -> Sentence | None:  # noqa: ARG001
    return lacks_finding(entry.finding, photo) or _inside(entry.region, photo)


def _false_alarm(entry: FalseAlarm, part: Part, photo: PartPhoto) -> Sentence | None:  # noqa: ARG001
    if any(isinstance(e, FalseAlarm) and e.finding == entry.finding for _, e in photo.people):
        return _told("false_alarm", photo, finding=entry.finding)
    return lacks_finding(entry.finding, photo)


def _missed(entry: MissedDefect, part: Part, photo: PartPhoto) -> Sentence | None:
    return _inside(entry.region, photo) or _rested_on(part)


def lacks_finding(number: int, photo: PartPhoto) -> Sentence | None:
    """What is wrong with a finding's number, where the photo has none of it."""
    findings = photo.entry.findings if isinstance(photo.entry, InspectionRecord) else ()
    if number in {f.number for f in findings}:
        return None
    return _told("no_finding", photo, count=len(findings), number=number)


def _inside(region: Region, photo: PartPhoto) -> Sentence | None:
    if isinstance(photo.entry, RefusedPhoto):
        return _told("not_inspected", photo)
    x0, y0, x1, y1 = region.box_px
    width, height = photo.entry.photo.width_px, photo.entry.photo.height_px
    if 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height:
        return None
    return _told("outside", photo, box=str(region.box_px), width=width, height=height)


def _comment(entry: Comment, part: Part, photo: PartPhoto) -> Sentence | None:  # noqa: ARG001
    return None


def _withdrawal(entry: Withdrawal, part: Part, photo: PartPhoto) -> Sentence | None:  # noqa: ARG001
    order = [digest for digest, _ in part.people]
    if entry.refers_to not in order:
        return _told("no_entry", part, hash=str(entry.refers_to)[:12])
    later = [e for _, e in part.people[order.index(entry.refers_to) + 1 :] if e.rests_on_all]
    taken = dict(part.people)[entry.refers_to]
    if later and not isinstance(taken, Comment):
        return _told("rests", part, kind=f"@entry_kind.{later[-1].kind}", by=later[-1].by)
    return None


def _sign_off(entry: SignOff, part: Part, photo: PartPhoto) -> Sentence | None:  # noqa: ARG001
    if any(isinstance(e, SignOff) and (e.by, e.meaning) == (entry.by, entry.meaning) for _, e in part.people):
        return _told("signed", part, by=entry.by, meaning=f"@meaning.{entry.meaning}")
    if entry.meaning != "approval":
        return None
    if approval := _approval(part):
        return _told("approved", part, by=approval.by)
    if part.verdict in ("review", "refused"):
        return _told("unreviewed", part)
    if part.verdict == "fail" and not _standing(part, Disposition):
        return _told("no_disposition", part)
    return None


def _four_eyes(entry: SignOff, part: Part) -> Sentence | None:
    own = [e for e in _standing(part, Review, Disposition, MissedDefect) if e.by == entry.by]
    if entry.meaning != "approval" or not own:
        return None
    return _told("four_eyes", part, by=entry.by, kind=f"@entry_kind.{own[0].kind}")  # type: ignore[attr-defined]


CHECKS: dict[type[PersonsEntry], Callable[..., Sentence | None]] = {
    Review: _review,
    Disposition: _disposition,
    Correction: _correction,
    FalseAlarm: _false_alarm,
    MissedDefect: _missed,
    Comment: _comment,
    Withdrawal: _withdrawal,
    SignOff: _sign_off,
}
