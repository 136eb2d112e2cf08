"""Findings of the past that people named."""

from __future__ import annotations

from pathlib import Path

from seewhy.agent.inspection.evidence import picture_of
from seewhy.agent.ledger.reading import latest
from seewhy.agent.ledger.store import Ledger
from seewhy.explainers import PastDefect
from seewhy.record import Explanation, InspectionRecord


def past_defects(ledger: Path) -> list[PastDefect]:
    """Crops of a ledger that a person confirmed, the latest word for each; also of photos that were inspected anew since.

    Raises:
        LedgerError: there is no such ledger, or an entry or picture is not as it was written.
    """
    found = []
    with Ledger(ledger, read_only=True) as book:
        for row, entry in latest(book, superseded=True):
            if not isinstance(entry, InspectionRecord):
                continue
            for finding in entry.findings:
                words = finding.explanation
                if isinstance(words, Explanation) and words.type.source == "human" and words.type.value:
                    crop = picture_of(entry, f"crop-{finding.number}", book.evidence)
                    found.append(PastDefect(crop, words.type.value, f"entry {row.seq}"))
    return found
