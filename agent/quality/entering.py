"""How a study becomes an entry: its criteria stand before it, its figures are judged by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.people.acts import entry_of, said_by
from seewhy.agent.people.roles import Who
from seewhy.agent.quality.seen import Book, append_reading
from seewhy.canonical import canonical_json, sha256_bytes, sha256_file
from seewhy.errors import BadData
from seewhy.people import Document
from seewhy.studies import Criterion, Held, StudyDone, StudyName

MEASURES: Mapping[StudyName, tuple[str, ...]] = {  # what a criterion may be set on; AIAG's usual limits are 0.9, 0.02, 0.05, 0.75
    "agreement": ("effectiveness", "miss_rate", "false_alarm_rate", "kappa"),
    "detection": ("a50", "a90", "a90_95", "from_counts"),
    "escapes": ("escape_share_upper", "false_reject_share_upper", "escapes_unseen_upper"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a study came to, before it is entered."""

    measures: dict[str, float | None]
    results: dict[str, Any]
    rests_on: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)  # canonical JSON by name
    inputs: dict[str, Any] = field(default_factory=dict)  # the options that it was made with


def set_criterion(
    ledger: Ledger, study: StudyName, measure: str, relation: str, limit: float, who: Who, *, protocol: str, product: str
) -> Row:
    """Enter what a study's result has to be, before its test.

    Args:
        ledger: open to write.
        study: of which kind.
        measure: one of `MEASURES`.
        relation: "at_most" or "at_least".
        limit: the number.
        who: sets it, and where it comes from.
        protocol: name of the test; its studies close it.
        product: which one.

    Raises:
        BadData: the test was done already, or there is no such measure.
    """
    if measure not in MEASURES.get(study, ()):
        raise BadData(f"a criterion of {study} is set on {', '.join(MEASURES.get(study, ()))}, not on {measure!r}")

    def look() -> tuple[Criterion, Pictured]:
        said = said_by(ledger, who, Criterion)
        done = [r for r in ledger.found("kind = 'study'") if isinstance(r.entry, StudyDone) and r.entry.protocol == protocol]
        if done:
            raise BadData(
                f"the test {protocol!r} was done on {done[0].at[:10]} (entry {done[0].seq}): a criterion is entered before its test; "
                "give a new test another protocol"
            )
        fields = {"product": product, "protocol": protocol, "study": study, "measure": measure, "relation": relation, "limit": limit}
        return entry_of(Criterion, said | fields), {}

    if not protocol.strip():
        raise BadData("a criterion belongs to a test; give its --protocol")
    return ledger.append_after(look)


def enter_study(
    ledger: Ledger,
    study: StudyName,
    make: Callable[[Book], Found],
    who: Who,
    *,
    product: str,
    protocol: str = "",
    lot: str = "",
) -> Row:
    """Make a study of the ledger as it is and enter it, judged by the criteria that stood before.

    Args:
        ledger: open to write.
        study: of which kind.
        make: makes it, see `agreement_of`, `detection_of`, `escapes_of`.
        who: did it, and why.
        product: which one.
        protocol: name of the test whose criteria hold.
        lot: that it is of.
    """

    def look(book: Book) -> tuple[StudyDone, Pictured]:
        said = said_by(ledger, who, StudyDone)
        found = make(book)
        rests_on = set(found.rests_on)
        of = product or next((s.product for s in book.photos if s.hash in rests_on), "")
        criteria = [
            (digest, entry)
            for _, digest, _, entry in book.entries(Criterion)
            if protocol and entry.protocol == protocol and entry.study == study
        ]
        kept = {sha256_bytes(data): ("application/json", data) for data in found.files.values()}
        fields = {
            "lot": lot,
            "product": of,
            "protocol": protocol,
            "study": study,
            "inputs": found.inputs,
            "measures": found.measures,
            "results": found.results,
            "criteria": tuple(_held(digest, one, found.measures.get(one.measure)) for digest, one in criteria),
            "rests_on": found.rests_on,
            "evidence": tuple(Document(name=name, sha256=sha256_bytes(data)) for name, data in found.files.items()),
        }
        return entry_of(StudyDone, said | fields), kept

    return append_reading(ledger, look)


def _held(digest: str, criterion: Criterion, value: float | None) -> Held:
    good = value is not None and (value <= criterion.limit if criterion.relation == "at_most" else value >= criterion.limit)
    return Held(criterion=digest, value=value, held=good)


def apart_from(make: Callable[[Book], Found], training: Path) -> Callable[[Book], Found]:
    """The same study, that also says by hash whether its photos are among the training photos.

    Args:
        make: the study.
        training: folder of the training photos.

    Raises:
        BadData: the folder holds no file.
    """
    learned = sorted(sha256_file(path) for path in training.rglob("*") if path.is_file())
    if not learned:
        raise BadData(f"{training} holds no training photo")

    def made(book: Book) -> Found:
        found = make(book)
        rests_on = set(found.rests_on)
        tested = {s.sha256 for s in book.photos if s.hash in rests_on}
        told = {"training": len(learned), "tested": len(tested), "common": len(tested & set(learned))}
        files = found.files | {"training": canonical_json(learned)}
        return replace(found, results=found.results | {"independence": told}, files=files)

    return made
