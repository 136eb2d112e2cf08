"""One finding as a report shows it: its words, its measured facts, what a model claimed, how it was asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seewhy.prompts import number, say, text, word
from seewhy.prompts.entries import silence
from seewhy.prompts.knowledge import cause_in
from seewhy.prompts.legible import legible
from seewhy.record import Cause, Claim, Explanation, Finding, Quantity, Ruling, Source, Stated, Status, Unexplained
from seewhy.reports.figures import Figures

CLAIMED = {"visible": "visible", "form": "form", "tone": "seen", "type": "named"}  # which words a claim's value is one of


def finding_view(finding: Finding, figures: Figures, language: str) -> dict[str, Any]:
    """The finding, its pictures as bytes."""
    crop, nearest = figures.crop(finding.number), figures.plain(f"reference-{finding.number}")
    return {
        "number": finding.number,
        "type": type_of(finding, language),
        "ruled": ruled(finding.ruling, language),
        **_words(finding.explanation, language),
        "silence": "" if finding.unexplained is None else silence(finding.unexplained, language),
        "facts": _facts(finding, language),
        "pictures": [_picture(data, what, finding.number, language) for data, what in ((crop, "crop"), (nearest, "nearest"))],
    }


def type_of(finding: Finding, language: str) -> str:
    """The finding's type: the card's or a person's word, or one of the measured forms."""
    words = finding.explanation
    value = words.type.value if isinstance(words, Explanation) else None
    return text("report.unexplained_type", language) if value is None else legible(word("type", value, language))


def sourced(source: Source, status: Status, language: str) -> dict[str, str]:
    """Who says so, with its status where it isn't simply so."""
    said = word("source", source, language)
    return {"source": said if status == "supported" else f"{said}, {word('status', status, language)}", "status": status}


def _picture(data: bytes | None, what: str, number_: int, language: str) -> dict[str, Any]:
    caption = text(f"report.{what}", language)
    alt = text("report.picture_alt", language, caption=caption, number=number_)
    return {"data": data, "alt": alt, "caption": caption if data else text("report.not_kept", language, caption=caption)}


def ruled(ruling: Ruling, language: str) -> str:
    """Severity and verdict of a finding, by which rule."""
    verdict, because = word("outcome", ruling.verdict.value or "review", language), say(ruling.because, language)
    if ruling.severity.value is None:
        return text("report.unruled", language, verdict=verdict, because=because)
    severity = word("severity", ruling.severity.value, language)
    if ruling.could_be is not None:
        severity = text("report.could_be", language, severity=severity, could=word("severity", ruling.could_be, language))
    return text("report.ruled", language, severity=severity, verdict=verdict, rule=ruling.rule, because=because)


def _words(words: Explanation | Unexplained, language: str) -> dict[str, Any]:
    if isinstance(words, Unexplained):
        missing = {"type_source": word("status", "missing", language), "type_status": "missing"}
        return missing | {"sentence": silence(words, language), "appearance": [], "causes": [], "claims": [], "asked": ""}
    shown = sourced(words.type.source, words.type.status, language)
    return {
        "type_source": shown["source"],
        "type_status": shown["status"],
        "sentence": say(words.sentence, language),
        "appearance": [{"text": say(a.value, language)} | sourced(a.source, a.status, language) for a in words.appearance if a.value],
        "causes": [_cause(c, language) for c in words.causes],
        "claims": [_claim(c, language) for c in words.claims],
        "asked": _asked(words, language),
    }


def _cause(cause: Cause, language: str) -> dict[str, str]:
    why, check, source = cause_in(language, cause)
    return {"id": cause.id, "text": why, "check": text("report.check", language, check=check) if check else "", "stated_by": source}


def _claim(claim: Claim, language: str) -> dict[str, str]:
    value = word(CLAIMED[claim.name], claim.value, language) if claim.name in CLAIMED else claim.value
    return {
        "name": word("claim", claim.name, language),
        "value": value or text("report.nothing", language),
        "status": claim.status,
        "checked": word("status", claim.status, language),
        "because": say(claim.because, language),
    }


def _asked(words: Explanation, language: str) -> str:
    """How the model was asked, in a line."""
    asked = words.asked
    if asked is None:
        return ""
    said = [
        text("asked.model", language, model=asked.model, server=asked.server),
        text("asked.requests", language, requests=asked.requests),
        text("asked.tokens", language, prompt=asked.prompt_tokens, completion=asked.completion_tokens),
    ]
    if words.confidence is not None and words.confidence.value is not None:
        said.append(text("asked.confidence", language, word=word("confidence", words.confidence.value, language)))
    if asked.repaired:
        said.append(text("asked.repaired", language))
    if asked.agreement is not None:
        said.append(text("asked.agreement", language, share=round(100 * asked.agreement), samples=asked.samples))
    if asked.when_erased is not None:
        said.append(text(f"asked.{asked.when_erased}", language))
    if asked.untranslated:
        said.append(text("asked.untranslated", language, names=", ".join(word("claim", name, language) for name in asked.untranslated)))
    if asked.past:
        said.append(text("asked.past", language, entries=", ".join(where.removeprefix("entry ") for where in asked.past)))
    return "; ".join(said)


def _facts(finding: Finding, language: str) -> list[dict[str, str]]:
    m = finding.measured
    place, size = m.location, m.size
    x, y = place.centroid_px.value or (0.0, 0.0)
    x0, y0, x1, y1 = place.box_px.value or (0, 0, 0, 0)
    where = ", ".join(w for w in (place.part.value, word("cell", place.cell.value or "", language)) if w)
    centroid = text("fact.centroid_value", language, x=f"{x:,.1f}", y=f"{y:,.1f}")
    peak = text("fact.peak_value", language, peak=_said(m.strength.peak.value), threshold=_said(m.strength.threshold.value))
    share = text("fact.share", language, of=text(f"of.{size.area_share_of}", language))

    def row(name: str, value: str, stated: Stated[Any]) -> dict[str, str]:
        return {"name": text(f"fact.{name}", language), "value": value} | sourced(stated.source, stated.status, language)

    def quantity(name: str, *measured: Quantity) -> dict[str, str]:
        return {"name": name, "value": _equal(measured)} | sourced(measured[-1].source, measured[-1].status, language)

    return [
        row("location", where, place.cell),
        row("centroid", centroid, place.centroid_px),
        row("box", text("fact.box_value", language, x0=x0, x1=x1, y0=y0, y1=y1), place.box_px),
        quantity(text("fact.feret", language), size.feret_mm, size.feret),
        quantity(text("fact.length", language), size.length_mm, size.length),
        quantity(text("fact.width", language), size.width_mm, size.width),
        quantity(text("fact.area", language), size.area_mm, size.area),
        quantity(share, size.area_share),
        quantity(text("fact.orientation", language), size.orientation),
        row("touches_border", text("fact.yes" if place.touches_border.value else "fact.no", language), place.touches_border),
        *([] if m.material is None else [row("material", text(f"fact.material_{m.material.value or 'unknown'}", language), m.material)]),
        *_by_words(finding, language),
        row("peak", peak, m.strength.peak),
        *([] if finding.p_value is None else [row("own_p", _said(finding.p_value.value), finding.p_value)]),
        row("outline", text(f"fact.outline_{m.outline.value}", language), m.outline),
    ]


def _by_words(finding: Finding, language: str) -> list[dict[str, str]]:
    """The likeliest types by a detector's text side, as the hypotheses that they are."""
    if not finding.hypotheses:
        return []
    first = finding.hypotheses[0]
    key = "fact.by_words" if first.probability is not None else "fact.by_external"
    said = ", ".join(f"{h.type.value}" + ("" if h.probability is None else f" {100 * h.probability:.0f} %") for h in finding.hypotheses[:3])
    return [{"name": text(key, language, by=first.by), "value": said} | sourced(first.type.source, first.type.status, language)]


def _equal(quantities: Iterable[Quantity]) -> str:
    """One length in the units that it is known in."""
    return " = ".join(f"{_said(q.value)}{give_or_take(q.uncertainty)} {q.unit}" for q in quantities if q.value is not None)


def give_or_take(uncertainty: float | None) -> str:
    """An uncertainty as it stands behind its value."""
    return "" if uncertainty is None else f" ± {uncertainty:.2g}" if uncertainty < 100 else f" ± {uncertainty:,.0f}"


def _said(value: float | None) -> str:
    return "–" if value is None else number(value)
