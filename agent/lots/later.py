"""New words for an earlier record, as an entry that refers to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from seewhy.agent.inspection.policy import Policy
from seewhy.agent.inspection.ruling import WORST, rule_on
from seewhy.agent.inspection.verdict import gaps, stated_verdict, verdict_of
from seewhy.agent.ledger.reading import about
from seewhy.packages import installed
from seewhy.record import Explanation, FindingWords, InspectionRecord, LaterWords, Ruling, Unexplained


def words_for(record: InspectionRecord, entry: str, said: Mapping[int, Explanation | Unexplained], policy: Policy) -> LaterWords | None:
    """New words for a record's gaps, or None where none came.

    Args:
        record: as it reads now.
        entry: hash of its entry.
        said: by number of the finding.
        policy: that it was ruled by.
    """
    if not any(isinstance(words, Explanation) for words in said.values()):
        return None
    judged = record.decision.threshold.value is not None
    diagonal = float(np.hypot(record.photo.width_px, record.photo.height_px))
    findings = []
    for finding in record.findings:
        words = said.get(finding.number)
        if isinstance(words, Explanation):
            ruled = rule_on(policy, finding.measured, words, count=record.counted, diagonal_px=diagonal)
            ruling = _not_softer(finding.ruling, ruled) if judged and not finding.also_unusual else finding.ruling
            finding = finding.model_copy(update={"explanation": words, "unexplained": None, "ruling": ruling})
        elif isinstance(words, Unexplained):
            finding = finding.model_copy(update={"unexplained": words})
        findings.append(finding)
    verdict, severity, reasons = verdict_of(record.decision, findings, record.photo.notes)
    stated, graded = stated_verdict(verdict, severity, record.decision)
    kept = [m for m in record.missing if m.what != "vlm"]
    return LaterWords(
        **about(record, entry),
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
