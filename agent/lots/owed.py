"""Words that a VLM owes: asked for again, written as new entries that refer to the old ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from seewhy.agent.inspection.policy import WORST, Policy, rule_on
from seewhy.agent.inspection.terms import terms_of
from seewhy.agent.inspection.verdict import gaps, stated_verdict, verdict_of
from seewhy.agent.inspection.views import region_view_again
from seewhy.agent.inspection.words import all_words
from seewhy.agent.ledger.reading import about, latest
from seewhy.agent.ledger.store import Ledger, Row
from seewhy.card import ProductCard
from seewhy.explainers import Explainer, RegionView
from seewhy.packages import installed
from seewhy.record import Explanation, Finding, FindingWords, InspectionRecord, LaterWords, Ruling, Unexplained
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
        return record, _explained(row, record, said, policies[row.hash])

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


def _explained(row: Row, record: InspectionRecord, said: Mapping[int, Explanation | Unexplained], policy: Policy) -> LaterWords | None:
    """New words for a record's gaps, or None where none came."""
    if not any(isinstance(words, Explanation) for words in said.values()):
        return None
    diagonal = float(np.hypot(record.photo.width_px, record.photo.height_px))
    findings = []
    for finding in record.findings:
        words = said.get(finding.number)
        if isinstance(words, Explanation):
            ruling = rule_on(policy, finding.measured, words, count=len(record.findings), diagonal_px=diagonal)
            ruling = _not_softer(finding.ruling, ruling)
            finding = finding.model_copy(update={"explanation": words, "unexplained": None, "ruling": ruling})
        elif isinstance(words, Unexplained):
            finding = finding.model_copy(update={"unexplained": words})
        findings.append(finding)
    verdict, severity, reasons = verdict_of(record.decision, findings, record.photo.notes)
    stated, graded = stated_verdict(verdict, severity)
    kept = [m for m in record.missing if m.what != "vlm"]
    return LaterWords(
        **about(row, record),
        findings=tuple(
            FindingWords(number=f.number, explanation=f.explanation, unexplained=f.unexplained, ruling=f.ruling)
            for f in findings
            if f.number in said
        ),
        verdict=stated,
        severity=graded,
        reasons=reasons,
        missing=(*kept, *gaps(findings)),
        versions={"seewhy": installed("seewhy")},
        explained_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def _not_softer(old: Ruling, new: Ruling) -> Ruling:
    """The new ruling unless it is milder: words never turn a fail or a review into something better."""
    return old if WORST[new.verdict.value or "review"] < WORST[old.verdict.value or "review"] else new
