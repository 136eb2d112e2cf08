"""One inspected photo on a page: pictures, reasons, findings, what made the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seewhy.agent.documents.asked import TONES, Asked
from seewhy.agent.people.parts import PartPhoto
from seewhy.prompts.entries import reasons, refusal
from seewhy.prompts.legible import legible
from seewhy.record import Explanation, Finding, InspectionRecord
from seewhy.reports.documents.blocks import Block, figures, heading, paragraph, rows, table
from seewhy.reports.facts import give_or_take, ruled, sourced, type_of
from seewhy.reports.figures import Figures
from seewhy.reports.part import provenance

CROPS = 4  # findings shown close up


def pictured(asked: Asked, photo: PartPhoto) -> list[Block]:
    """The photo with its findings, the score map beside it; where retention deleted them, a told gap."""
    if not isinstance(photo.entry, InspectionRecord):
        return [paragraph(refusal(photo.entry, asked.language))]
    own = Figures(photo.entry, asked.ledger.evidence)
    gone = any(asked.ledger.erased(e.sha256) for e in photo.entry.evidence)
    lost = asked.say("document.erased" if gone else "document.not_kept")
    items = [_picture(asked, own.marked(), "document.marked", lost, legible(photo.name))]
    if any(e.name == "map" for e in photo.entry.evidence):  # of a photo without findings none is kept
        items.append(_picture(asked, own.heat(), "document.heat", lost, legible(photo.name)))
    return [figures(items, height_mm=54)]


def _picture(asked: Asked, data: bytes | None, key: str, lost: str, name: str) -> dict[str, Any]:
    caption = asked.say(key)
    return {"picture": data, "alt": f"{caption}: {name}", "caption": caption if data else f"{caption}: {lost}"}


def reasoned(asked: Asked, photo: PartPhoto) -> list[Block]:
    """The verdict's reasons and the figures behind them."""
    record = photo.entry
    if not isinstance(record, InspectionRecord):
        return []
    d = record.decision
    told = [
        (asked.say("document.machine_verdict"), asked.word("outcome", photo.machine)),
        (asked.say("document.score"), asked.number(d.score.value)),
        (asked.say("document.threshold"), asked.number(d.threshold.value)),
        (asked.say("document.p_value"), asked.number(d.p_value.value) if d.p_value.value is not None else ""),
        (asked.say("document.calibration"), asked.say(f"document.calibration_{d.calibration}", photos=d.calibration_photos)),
        (asked.say("document.alpha"), asked.percent(d.alpha, 2) if d.alpha is not None else ""),
    ]
    return [paragraph("\n".join(f"• {legible(reason)}" for reason in reasons(record, asked.language))), rows(told)]


def findings(asked: Asked, photo: PartPhoto) -> list[Block]:
    """The findings as a table, the first of them close up beside the nearest good photo."""
    record = photo.entry
    if not isinstance(record, InspectionRecord) or not record.findings:
        return []
    own = Figures(record, asked.ledger.evidence)
    columns = [asked.say(f"document.{name}") for name in ("no", "type", "location", "size", "severity", "ruling")]
    lines = [_line(asked, finding) for finding in record.findings]
    close = list(_crops(asked, record.findings[:CROPS], own))
    return [table(columns, lines, align="clllll", widths=(0, 1.1, 1.2, 1.4, 0.8, 2.2)), *([figures(close, height_mm=29)] if close else [])]


def _line(asked: Asked, finding: Finding) -> list[Any]:
    measured = finding.measured
    place = measured.location.part.value or asked.word("cell", measured.location.cell.value or "")
    length = measured.size.feret_mm if measured.size.feret_mm.value is not None else measured.size.feret
    severity = finding.ruling.severity.value
    words = finding.explanation
    said = sourced(words.type.source, words.type.status, asked.language)["source"] if isinstance(words, Explanation) else ""
    return [
        str(finding.number),
        f"{type_of(finding, asked.language)} ({said})" if said else type_of(finding, asked.language),
        place,
        asked.say("document.feret", value=f"{asked.number(length.value)}{give_or_take(length.uncertainty)} {length.unit}"),
        asked.word("severity", severity) if severity else "–",
        (ruled(finding.ruling, asked.language), TONES.get(finding.ruling.verdict.value or "review", "")),
    ]


def _crops(asked: Asked, shown: tuple[Finding, ...], own: Figures) -> Iterator[dict[str, Any]]:
    for finding in shown:
        crop, good = own.crop(finding.number), own.plain(f"reference-{finding.number}")
        if crop is not None:
            caption = asked.say("document.crop", number=finding.number)
            yield {"picture": crop, "alt": caption, "caption": caption}
        if good is not None and len(shown) <= CROPS // 2:
            caption = asked.say("document.good_crop", number=finding.number)
            yield {"picture": good, "alt": caption, "caption": caption}


def conditions(asked: Asked, record: InspectionRecord) -> Block:
    """What made the record, by hash."""
    return rows(provenance(record, asked.language), mono=True)


def identity(asked: Asked, record: InspectionRecord) -> list[tuple[str, str]]:
    """Which part it is, as far as somebody said."""
    known = {} if record.part is None else record.part.model_dump()
    return [(asked.say(f"part.{name}"), legible(value)) for name, value in known.items() if value]


def why_section(asked: Asked, photo: PartPhoto) -> list[Block]:
    """A photo's section: pictures, reasons, findings."""
    return [
        *pictured(asked, photo),
        heading(asked.say("document.why")),
        *reasoned(asked, photo),
        *([heading(asked.say("document.findings"))] if getattr(photo.entry, "findings", ()) else []),
        *findings(asked, photo),
    ]
