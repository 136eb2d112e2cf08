"""What the ledger says of people: one part's history, who changed what, who reviewed and how often they overrule, complaints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from seewhy.agent.ledger.store import Ledger, Row
from seewhy.agent.people.parts import Part, find_part, not_withdrawn, photo_name
from seewhy.people import Complaint, Review


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One person's reviews that stand."""

    name: str
    reviews: int
    agreed: int
    overruled: int
    decided: int  # where the machine had left it to a person
    fail_to_pass: int  # of the overruled

    @property
    def overrule_rate(self) -> float | None:
        """Of the reviews in which there was a verdict to overrule; None where there was none."""
        told = self.agreed + self.overruled
        return self.overruled / told if told else None


def changes(ledger: Ledger) -> list[Row]:
    """Who changed what, and who approved it: releases and changed settings, in order.

    Raises:
        LedgerDamaged: one of them is not as it was written.
    """
    return ledger.found("kind IN ('release', 'settings_change')")


def reviewers(ledger: Ledger) -> list[Reviewer]:
    """Who reviewed, and how often they overrule, most reviews first; withdrawn reviews don't count.

    Raises:
        LedgerDamaged: an entry is not as it was written.
    """
    rows = ledger.found("kind IN ('review', 'withdrawal')")
    said = [entry for _, entry in not_withdrawn(rows) if isinstance(entry, Review)]
    people = Counter(review.by for review in said)
    return [_reviewer(name, [r for r in said if r.by == name]) for name, _ in people.most_common()]


def _reviewer(name: str, reviews: list[Review]) -> Reviewer:
    opinions = Counter(review.opinion for review in reviews)
    to_pass = sum(r.opinion == "overrule" and r.verdict == "pass" for r in reviews)
    return Reviewer(name, len(reviews), opinions["agree"], opinions["overrule"], opinions["decide"], to_pass)


def complaints(ledger: Ledger, reference: str = "") -> Iterator[tuple[Row, list[Part]]]:
    """Customers' complaints with the parts that each is about, as they stand now.

    Args:
        ledger: that holds them.
        reference: only this one.

    Raises:
        LedgerDamaged: an entry is not as it was written.
    """
    for row in ledger.found("kind = 'complaint'"):
        if isinstance(row.entry, Complaint) and reference in ("", row.entry.reference):
            named = dict[str, Part]()
            for digest in row.entry.points_to:
                for one in ledger.found("hash = ?", (digest,)):
                    part = find_part(ledger, photo_name(one.entry), one.entry.lot)
                    named[part.name] = part
            yield row, list(named.values())


def state(part: Part) -> dict[str, object]:
    """A part in a few words: the machine's verdict, the one that stands, disposition and approval."""
    said = {entry.kind: entry for _, entry in part.people}
    disposition, signed = said.get("disposition"), [e for _, e in part.people if e.kind == "sign_off" and e.meaning == "approval"]
    return {
        "part": part.name,
        "lot": part.lot,
        "photos": [photo.name for photo in part.photos],
        "machine": part.machine,
        "verdict": part.verdict,
        "disposition": getattr(disposition, "action", None),
        "approved_by": signed[0].by if signed else None,
    }
