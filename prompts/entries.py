"""What an entry of the ledger says to people, in their language: reasons, refusals, silences."""

from __future__ import annotations

from seewhy.prompts import catalogue, say, sentence, text, word
from seewhy.record import Confirmation, Finding, InspectionRecord, RefusedPhoto, Sentence, Stated, Unexplained

ABOUT_A_FINDING = ("reason.finding", "reason.finding_unrated")


def reasons(record: InspectionRecord, language: str = "en") -> list[str]:
    """Why the verdict is what it is, without the verdict itself.

    A reason about a finding is said from the finding: a record keeps its English words alone, and people may have named it since.
    """
    findings = iter(record.findings)
    said = list[str]()
    for reason in record.reasons[1:]:
        finding = next(findings, None) if reason.key in ABOUT_A_FINDING else None
        said.append(say(reason, language) if finding is None else _about(finding, language))
    return said


def _about(finding: Finding, language: str) -> str:
    words, ruling = finding.explanation, finding.ruling
    if isinstance(words, Unexplained):
        summary = text("finding.nameless", language, number=finding.number)
    else:
        summary = say(words.sentence, language)
    verdict = word("outcome", ruling.verdict.value or "review", language)
    if ruling.severity.value is None:
        return text("reason.finding_unrated", language, summary=summary, verdict=verdict, because=say(ruling.because, language))
    severity = word("severity", ruling.severity.value, language)
    return text("reason.finding", language, summary=summary, severity=severity, verdict=verdict, rule=ruling.rule)


def refusal(entry: RefusedPhoto, language: str = "en") -> str:
    """Why a file was not inspected and what to do; as it was recorded in English, and where the catalogue doesn't know the code."""
    if language == "en" or f"refusal.{entry.code}" not in catalogue(language):
        return f"{entry.message}; {entry.remedy}."
    return text(f"refusal.{entry.code}", language, name=entry.name)


def silence(words: Unexplained, language: str = "en") -> str:
    """Why an explainer did not speak; the detail is the program's or the server's own."""
    why = text("report.unexplained_because", language, why=word("silence", words.reason, language))
    return f"{why}: {words.detail}" if words.detail else why


def confirmed(said: Confirmation, evidence: tuple[str, ...]) -> tuple[Stated[Sentence], ...]:
    """Who named a finding and what they remarked, as sentences of the finding."""
    told = [sentence("said.confirmed", by=said.by, type=said.type, at=said.confirmed_at[:10])]
    if said.comment:
        told.append(sentence("said.comment", by=said.by, text=said.comment))
    return tuple(Stated[Sentence](value=s, source="human", evidence=evidence) for s in told)
