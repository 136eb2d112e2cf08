"""What a report shows of a lot, as plain data in the reader's language: the same for every format, so that HTML and PDF can't disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import Formatter
from typing import Any

from seewhy.drawing import heat_colours
from seewhy.people import WORST, outcome, people_of, place_of
from seewhy.prompts import catalogue, say, text, word
from seewhy.prompts.legible import legible
from seewhy.record import Entry, Explanation, Finding, InspectionRecord, Unexplained
from seewhy.reports import PictureBytes
from seewhy.reports.facts import type_of
from seewhy.reports.part import moment, part_view, provenance
from seewhy.reports.seal import marks, qr

VERDICTS = ("pass", "fail", "review", "refused")
SEVERITIES = ("critical", "major", "minor")
UNCALIBRATED = (
    "reason.lot",
    "reason.unfamiliar",
    "reason.uncalibrated",
    "reason.drift",
)  # what a record gives as the reason why nothing passes
WAITING = 40  # parts that wait for a person, listed by name
NAMED = 6  # photos named beside a note


def lot_view(entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str = "en") -> dict[str, Any]:
    """The whole lot: counts, Pareto of types, parts in full where there is something to say, thumbnails for all.

    Pictures are bytes; a format turns them into what it needs. Everything that people read comes from the message catalogue.
    """
    records = [e for e in entries if isinstance(e, InspectionRecord)]
    findings = [f for r in records for f in r.findings]
    counts = Counter[str](r.verdict.value or "review" for r in records) + Counter(refused=len(entries) - len(records))
    parts = [part_view(place, len(entries), entry, pictures, language) for place, entry in enumerate(entries, start=1)]
    waiting = [p for p in parts if p["verdict"] in ("review", "refused") and not p["people_verdict"]]
    return {
        "words": _words(language),
        "language": language,
        "lot": legible(entries[0].lot) or text("report.single", language),
        "subtitle": _subtitle(entries, language),
        "last_at": moment(max(e.inspected_at for e in entries)),
        "total": len(entries),
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "shares_alt": text("report.shares", language, shares=", ".join(f"{word('tally', v, language)} {counts[v]}" for v in VERDICTS)),
        "figures": _figures(counts, len(entries), language),
        "callouts": _uncalibrated(records, language) + _callouts(findings, language),
        "pareto": _pareto(Counter(type_of(f, language) for f in findings if not f.also_unusual)),
        "severities": [
            {"name": word("severity", s, language), "count": sum(f.ruling.severity.value == s for f in findings)} for s in SEVERITIES
        ],
        "waiting": [{name: p[name] for name in ("number", "name", "full")} | {"why": p["reasons"][-1]} for p in waiting[:WAITING]],
        "more_waiting": text("report.more", language, count=len(waiting) - WAITING) if len(waiting) > WAITING else "",
        "notes": _notes(records, len(entries), language),
        "parts": parts,
        "heat_colours": heat_colours(),
        "marks": marks(head),
        "qr": qr(head),
        "provenance": _provenance(records, head, language),
        "entries": _entries(entries),
    }


def _entries(entries: Sequence[Entry]) -> list[tuple[str, str, str]]:
    """(number, photo, hash) of each entry of a ledger: what a receipt or a bundle proves is found here by its hash."""
    places = [(place_of(e), e.photo.name if isinstance(e, InspectionRecord) else e.name) for e in entries]
    return [(str(place.seq), legible(name), place.sha256) for place, name in places if place is not None]


def _words(language: str) -> dict[str, str]:
    """The headings and labels, those without values."""
    own = {key.removeprefix("report."): message for key, message in catalogue(language).items() if key.startswith("report.")}
    plain = {
        key: text(f"report.{key}", language) for key, message in own.items() if not any(n for _, n, _, _ in Formatter().parse(message))
    }
    return plain | {"page": own["page"]} | {f"tally_{v}": word("tally", v, language) for v in VERDICTS}


def _subtitle(entries: Sequence[Entry], language: str) -> str:
    first, last = (moment(end(e.inspected_at for e in entries)) for end in (min, max))
    photos = text("report.photos_one" if len(entries) == 1 else "report.photos_many", language, count=len(entries))
    period = text("report.instant", language, at=last) if first == last else text("report.period", language, first=first, last=last)
    return " · ".join((legible(entries[0].product), photos, *_parts(entries, language), period))


def _parts(entries: Sequence[Entry], language: str) -> list[str]:
    """How many parts the photos show, and of one its verdict: the worst of its photos', people's word before the machine's."""
    worst = dict[str, str]()
    for entry in entries:
        serial = "" if entry.part is None else entry.part.serial
        machine = (entry.verdict.value or "review") if isinstance(entry, InspectionRecord) else "refused"
        stands = outcome(machine, people_of(entry))
        if serial:
            worst[serial] = min(stands, worst.get(serial, "pass"), key=WORST.index)
    if len(worst) == 1:
        ((serial, verdict),) = worst.items()
        return [text("report.part_verdict", language, serial=legible(serial), verdict=word("outcome", verdict, language))]
    if not worst:
        return []
    counts = Counter(worst.values())
    told = ", ".join(f"{word('tally', verdict, language)} {counts[verdict]}" for verdict in VERDICTS if counts[verdict])
    return [text("report.parts", language, count=len(worst), told=told)]


def _figures(counts: Counter[str], total: int, language: str) -> list[dict[str, str]]:
    """The numbers at the top: yield, and parts by verdict."""
    share = {"kind": "yield", "value": f"{100 * counts['pass'] / total:.1f} %", "label": text("report.yield", language)}
    return [share, *({"kind": v, "value": str(counts[v]), "label": word("tally", v, language)} for v in VERDICTS)]


def _uncalibrated(records: Sequence[InspectionRecord], language: str) -> list[dict[str, str]]:
    """Why no pass was given, in the records' own words, and to how many."""
    why = Counter(say(reason, language) for r in records for reason in r.reasons if reason.key in UNCALIBRATED)
    return [{"title": text("report.of_photos", language, count=count, total=len(records)), "text": reason} for reason, count in why.items()]


def _callouts(findings: Sequence[Finding], language: str) -> list[dict[str, str]]:
    """What people must know of the words before they read them."""
    counts = {
        "unexplained": sum(f.unexplained is not None or isinstance(f.explanation, Unexplained) for f in findings),
        "contradicted": sum(isinstance(f.explanation, Explanation) and f.explanation.contradicted for f in findings),
    }
    return [
        {"title": text(f"report.{what}", language), "text": text(f"report.{what}_text", language, count=count, findings=len(findings))}
        for what, count in counts.items()
        if count
    ]


def _pareto(types: Counter[str]) -> list[dict[str, Any]]:
    total, running, rows = sum(types.values()), 0, []
    for name, count in sorted(types.items(), key=lambda item: (-item[1], item[0])):
        running += count
        rows.append({"name": name, "count": count, "share": round(100 * count / total, 1), "cumulative": round(100 * running / total, 1)})
    return rows


def _notes(records: Sequence[InspectionRecord], total: int, language: str) -> list[dict[str, str]]:
    """What was noted about photos, those of passing parts too, and which they are."""
    noted: dict[str, list[str]] = {}
    for record in records:
        for note in record.photo.notes:
            noted.setdefault(say(note, language), []).append(legible(record.photo.name))
    return [{"note": note, "photos": _some(names, total, language)} for note, names in noted.items()]


def _some(names: Sequence[str], total: int, language: str) -> str:
    if len(names) == total > 1:
        return text("report.every_photo", language, count=total)
    listed = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        listed = text("report.and_more", language, names=listed, count=len(names) - NAMED)
    return listed if len(names) == 1 else text("report.some_photos", language, count=len(names), names=listed)


def _provenance(records: Sequence[InspectionRecord], head: str, language: str) -> list[tuple[str, str]]:
    """What made the lot: the first record's rows, the ledger's head, and whether others differ."""
    rows = [(text("provenance.head", language), head)] if head else []
    rows += provenance(records[0], language) if records else []
    models = len({r.provenance.model_sha256 for r in records})
    return [*rows, (text("provenance.models", language), text("provenance.models_value", language, count=models))] if models > 1 else rows
