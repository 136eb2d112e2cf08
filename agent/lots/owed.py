"""Words that a VLM owes: asked for again, written as new entries that refer to the old ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from seewhy.agent.inspection.policy import Policy
from seewhy.agent.inspection.terms import terms_of
from seewhy.agent.inspection.views import region_view_again
from seewhy.agent.inspection.words import all_words
from seewhy.agent.ledger.reading import latest
from seewhy.agent.ledger.store import Ledger, Row
from seewhy.agent.lots.later import words_for
from seewhy.card import ProductCard
from seewhy.explainers import Explainer, RegionView
from seewhy.record import Finding, InspectionRecord, LaterWords
from seewhy.threads import in_order
from seewhy.types import Progress, silent


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of the gaps."""

    records: int = 0  # that had gaps
    findings: int = 0  # without words of the VLM
    explained: int = 0
    reviews: int = 0  # parts that the new words moved from pass to review


def explain_missing(
    ledger: Ledger,
    explainer: Explainer,
    *,
    card: ProductCard | None = None,
    policy: Policy | None = None,
    lot: str | None = None,
    progress: Progress[Any] = silent,
) -> Filled:
    """Ask again where a VLM was asked and did not answer; each record's new words are one new entry.

    Run it as often as need be: what is explained stays so, what still isn't is tried again.

    Args:
        ledger: with the records.
        explainer: who is asked now.
        card: that the records were made with, for ledgers that don't keep it.
        policy: likewise.
        lot: only this one.
        progress: wraps the loop.

    Raises:
        BadData: the card or the policy is another one than the record's.
        LedgerError: a picture that is needed was not kept.
    """
    open_ = [(row, entry) for row, entry in latest(ledger, lot) if isinstance(entry, InspectionRecord) and _unsaid(entry)]
    terms = [terms_of(record, ledger.evidence, card, policy) for _, record in open_]

    def asked() -> Iterator[tuple[Row, InspectionRecord, list[RegionView]]]:
        for (row, record), (known, _) in zip(open_, terms, strict=True):
            yield row, record, [region_view_again(record, f, known, ledger.evidence) for f in _unsaid(record)]

    policies = {row.hash: known for (row, _), (_, known) in zip(open_, terms, strict=True)}

    def answered(one: tuple[Row, InspectionRecord, list[RegionView]]) -> tuple[InspectionRecord, LaterWords | None]:
        row, record, views = one
        said = dict(zip((v.number for v in views), all_words(explainer, views), strict=True))
        return record, words_for(record, row.hash, said, policies[row.hash])

    filled = Filled(len(open_), sum(len(_unsaid(record)) for _, record in open_))
    for record, words in progress(in_order(answered, asked(), explainer.in_flight), "explain", len(open_)):
        if words is not None:
            ledger.append(words)
            filled = replace(
                filled,
                explained=filled.explained + sum(w.unexplained is None for w in words.findings),
                reviews=filled.reviews + (words.verdict.value != record.verdict.value),
            )
    return filled


def _unsaid(record: InspectionRecord) -> list[Finding]:
    return [f for f in record.findings if f.unexplained is not None]
