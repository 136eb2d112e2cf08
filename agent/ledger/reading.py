"""How a ledger reads now: one entry for each photo, after those that refer to it; what was written stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from seewhy.agent.ledger.store import Ledger, Row
from seewhy.people import Complaint, LedgerPlace, Person, PersonsEntry, ReviewedRecord, ReviewedRefusal, Withdrawal
from seewhy.prompts import sentence
from seewhy.prompts.entries import confirmed
from seewhy.record import (
    Confirmation,
    Entry,
    Finding,
    FindingWords,
    InspectionRecord,
    Later,
    LaterWords,
    RefusedPhoto,
    Stated,
    Unexplained,
)


class Judged(Protocol):
    """What decides whether an entry about a photo still stands after a later one about it."""

    @property
    def refused(self) -> bool:
        """Whether it says that the photo could not be inspected."""

    @property
    def sha256(self) -> str | None:
        """Of the photo's bytes, where they could be read."""


J = TypeVar("J", bound=Judged)


def standing(before: Iterable[J], new: J) -> list[J]:
    """Which entries about one photo (the same lot and name) stand once `new` is written, `new` among them.

    A refusal gives way to any later entry. An inspection gives way to a later entry about the same bytes, and to a refusal that
    could read none. Another file of the same name is another photo: what was found on the first stands beside it.
    """
    return [old for old in before if not (old.refused or new.sha256 in (None, old.sha256))] + [new]


def entries(ledger: Ledger, lot: str | None = None) -> Iterator[Entry]:
    """Records and refusals that stand, in order, one for each photo, each as it reads after the entries that refer to it.

    Raises:
        LedgerDamaged: an entry is not as it was written.
    """
    for _, entry in latest(ledger, lot):
        yield entry


def latest(ledger: Ledger, lot: str | None = None, *, superseded: bool = False) -> Iterator[tuple[Row, Entry]]:
    """(the row as written, how it reads now) of what stands; with `superseded` of all that was ever written.

    Raises:
        LedgerDamaged: an entry is not as it was written.
    """
    later, last, people = dict[str, list[Later]](), dict[tuple[str, str], list[_Judged]](), dict[str, PersonsEntry]()
    for stored in ledger.stored(lot):
        if stored.kind in ("inspection", "refusal"):
            photo = stored.lot, stored.photo
            last[photo] = standing(last.get(photo, ()), _Judged(stored.seq, stored.kind == "refusal", stored.photo_sha256))
        elif isinstance(words := ledger.parsed(stored).entry, LaterWords | Confirmation):
            later.setdefault(words.refers_to, []).append(words)
        elif isinstance(words, PersonsEntry):
            people[stored.hash] = words
    said = _by_entry(people)
    stand = {one.seq for judged in last.values() for one in judged}
    for row in ledger.rows(lot, kinds=("inspection", "refusal")):
        entry = row.entry
        if isinstance(entry, InspectionRecord):
            for one in sorted(
                later.get(row.hash, ()), key=lambda one: isinstance(one, Confirmation)
            ):  # a person's word wins over any other
                entry = with_later(entry, one)
        if isinstance(entry, InspectionRecord | RefusedPhoto) and (superseded or row.seq in stand):
            yield row, as_it_stands(row, entry, said.get(row.hash, ()))


def as_it_stands(row: Row, entry: Entry, people: Sequence[Person]) -> Entry:
    """An entry with its place in the ledger, and what people entered about it, beside it."""
    kind = ReviewedRecord if isinstance(entry, InspectionRecord) else ReviewedRefusal
    return kind.model_construct(**dict(entry), people=tuple(people), entry=LedgerPlace(seq=row.seq, sha256=row.hash))


def _by_entry(people: Mapping[str, PersonsEntry]) -> dict[str, list[Person]]:
    """What people entered and didn't withdraw, by the hash of the entry that it is about."""
    withdrawn, found = {e.refers_to for e in people.values() if isinstance(e, Withdrawal)}, dict[str, list[Person]]()
    for digest, entry in people.items():
        if digest not in withdrawn and isinstance(entry, Person) and not isinstance(entry, Withdrawal):
            for about in entry.points_to if isinstance(entry, Complaint) else (entry.refers_to,):
                found.setdefault(about or "", []).append(entry)
    return found


@dataclass(frozen=True, slots=True)
class _Judged:
    seq: int
    refused: bool
    sha256: str | None


def with_later(record: InspectionRecord, later: Later) -> InspectionRecord:
    """The record as it reads after one later entry."""
    if isinstance(later, Confirmation):
        return record.model_copy(update={"findings": tuple(_confirmed(f, later) for f in record.findings)})
    new = {words.number: words for words in later.findings}
    findings = tuple(_with_words(f, new.get(f.number)) for f in record.findings)
    fields = {"verdict": later.verdict, "severity": later.severity, "reasons": later.reasons, "missing": later.missing}
    return record.model_copy(update={"findings": findings} | fields)


def about(record: InspectionRecord, entry: str) -> dict[str, str]:
    """What every entry about a record says of it, whose own entry has this hash."""
    photo = record.photo
    return {"lot": record.lot, "product": record.product, "name": photo.name, "sha256": photo.sha256, "refers_to": entry}


def _with_words(finding: Finding, words: FindingWords | None) -> Finding:
    if words is None:
        return finding
    return finding.model_copy(update={name: getattr(words, name) for name in ("explanation", "unexplained", "ruling")})


def _confirmed(finding: Finding, said: Confirmation) -> Finding:
    words = finding.explanation
    if finding.number != said.finding or isinstance(words, Unexplained):
        return finding
    type_ = Stated[str](value=said.type, source="human", status="supported", evidence=finding.evidence)
    summary = sentence(words.sentence.key, **(words.sentence.params | {"type": said.type}))
    appearance = (*words.appearance, *confirmed(said, finding.evidence))
    return finding.model_copy(
        update={"explanation": words.model_copy(update={"type": type_, "sentence": summary, "appearance": appearance})}
    )
