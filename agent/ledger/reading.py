"""How a ledger reads now: each record after the entries that refer to it; what was written stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

from seewhy.agent.ledger.store import Ledger, Row
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


def entries(ledger: Ledger, lot: str | None = None) -> Iterator[Entry]:
    """Records and refusals in order, each as it reads after the entries that refer to it."""
    for _, entry in latest(ledger, lot):
        yield entry


def latest(ledger: Ledger, lot: str | None = None) -> Iterator[tuple[Row, Entry]]:
    """(the row as written, how it reads now)."""
    later: dict[str, list[Later]] = {}
    for row in ledger.rows(lot, kinds=("explanation", "confirmation")):
        if isinstance(row.entry, LaterWords | Confirmation):
            later.setdefault(row.entry.refers_to, []).append(row.entry)
    for row in ledger.rows(lot, kinds=("inspection", "refusal")):
        entry = row.entry
        if isinstance(entry, InspectionRecord):
            for one in later.get(row.hash, ()):
                entry = with_later(entry, one)
        if isinstance(entry, InspectionRecord | RefusedPhoto):
            yield row, entry


def with_later(record: InspectionRecord, later: Later) -> InspectionRecord:
    """The record as it reads after one later entry."""
    if isinstance(later, Confirmation):
        return record.model_copy(update={"findings": tuple(_confirmed(f, later) for f in record.findings)})
    new = {words.number: words for words in later.findings}
    findings = tuple(_with_words(f, new.get(f.number)) for f in record.findings)
    fields = {"verdict": later.verdict, "severity": later.severity, "reasons": later.reasons, "missing": later.missing}
    return record.model_copy(update={"findings": findings} | fields)


def about(row: Row, record: InspectionRecord) -> dict[str, str]:
    """What every entry about a record says of it."""
    photo = record.photo
    return {"lot": record.lot, "product": record.product, "name": photo.name, "sha256": photo.sha256, "refers_to": row.hash}


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
