"""One part as a report shows it: verdict, reasons, pictures, findings, what made the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seewhy.people import Person, people_of, place_of, verdict_by
from seewhy.prompts import number, say, text, word
from seewhy.prompts.entries import reasons, refusal
from seewhy.prompts.legible import legible
from seewhy.prompts.people import told
from seewhy.record import Decision, DetectorNote, Entry, External, InspectionRecord, Param, RefusedPhoto
from seewhy.reports import PictureBytes
from seewhy.reports.facts import finding_view, type_of
from seewhy.reports.figures import HEAT_TIMES, Figures

ORDER = {"fail": 0, "review": 1, "refused": 2, "pass": 3}
LOT = "lot"  # the calibration of a lot of which no photo is known to be good


def part_view(place: int, total: int, entry: Entry, pictures: PictureBytes, language: str) -> dict[str, Any]:
    """The part at `place` of `total`; in full where there is something to say, which a good part has not."""
    counted = {"number": place, "counted": text("report.photo_of", language, number=place, total=total)}
    seen = _inspected(entry, Figures(entry, pictures), language) if isinstance(entry, InspectionRecord) else _refused(entry, language)
    verdict = seen["verdict"]
    beside = _people(verdict, people_of(entry), language)
    if verdict == "refused":
        seen["reasons"] += [one["text"] for one in beside["people"]]
    return counted | seen | {"verdict_word": word("outcome", verdict, language), "order": ORDER[verdict]} | beside


def _people(machine: str, people: Sequence[Person], language: str) -> dict[str, Any]:
    """What people entered about a part, and their verdict beside the machine's."""
    decided = verdict_by(tuple(people))
    shown = "" if decided is None else word("outcome", decided, language)
    return {
        "people": [
            {"text": legible(told(one, language)), "at": text("report.instant", language, at=moment(one.entered_at))} for one in people
        ],
        "people_verdict": decided or "",
        "machine_said": text("people.machine", language, verdict=word("outcome", machine, language)),
        "people_said": text("people.person", language, verdict=shown) if decided else "",
    }


def _refused(entry: RefusedPhoto, language: str) -> dict[str, Any]:
    return {
        "name": legible(entry.name),
        "verdict": "refused",
        "reasons": [legible(refusal(entry, language))],
        "score": 0.0,
        "score_word": "",
        "types": [],
        "thumbnail": None,
        "full": False,
    }


def _inspected(record: InspectionRecord, figures: Figures, language: str) -> dict[str, Any]:
    name, verdict, severity = legible(record.photo.name), record.verdict.value or "review", record.severity.value
    score = record.decision.score.value or 0.0
    full = bool(record.findings) or record.decision.anomalous or verdict != "pass" or bool(people_of(record))
    view = {
        "name": name,
        "verdict": verdict,
        "reasons": [legible(reason) for reason in reasons(record, language)],
        "score": score,
        "score_word": number(score),
        "severity": word("severity", severity, language) if severity else "",
        "types": sorted({type_of(f, language) for f in record.findings}),
        "thumbnail": figures.thumbnail(),
        "full": full,
    }
    return view | _whole(name, record, figures, language) if full else view


def _whole(name: str, record: InspectionRecord, figures: Figures, language: str) -> dict[str, Any]:
    scaled = "map" if figures.times_threshold is not None else "map_relative"
    return {
        "decision": _decision(record.decision, language),
        "marked": figures.marked(),
        "marked_alt": text("report.marked_alt", language, name=name, count=len(record.findings)),
        "heat": figures.heat(),
        "heat_alt": text("report.map_alt", language, name=name),
        "heat_caption": text(f"report.{scaled}", language),
        "heat_ticks": _ticks(figures, language),
        "findings": [finding_view(f, figures, language) for f in record.findings],
        "detectors": [say(d.because, language) for d in record.detectors if not _not_asked(d)],
        "missing": [say(m.because, language) for m in record.missing] + [say(n, language) for n in record.photo.notes],
        "photo": _photo_rows(name, record, language),
        "provenance": provenance(record, language),
    }


def _ticks(figures: Figures, language: str) -> list[dict[str, Any]]:
    """What the legend of the score map says, at which share of its length (%)."""
    if figures.times_threshold is None:
        return [{"at": at, "text": text(f"report.{end}", language)} for at, end in ((0, "weakest"), (100, "strongest"))]
    middle = {1: f"1 ({text('report.threshold', language)})", HEAT_TIMES: f"≥ {HEAT_TIMES}"}
    return [{"at": round(100 * times / HEAT_TIMES, 1), "text": middle.get(times, str(times))} for times in range(HEAT_TIMES + 1)]


def _decision(d: Decision, language: str) -> dict[str, Any]:
    score, threshold = d.score.value or 0.0, d.threshold.value
    if d.calibration == "external":
        return _external(d, language)
    title = "no_threshold" if threshold is None else "score"
    way = "lot" if d.calibration_method == LOT else d.calibration
    ratio = score / threshold if threshold else 0.0
    passes = d.review_threshold.value if d.review_threshold else None
    rate = number(round((d.alpha or 0.0) + (d.review_rate or 0.0), 6))
    return {
        "title": text(f"report.{title}", language, score=number(score), threshold=number(threshold or 0.0)),
        "line": text(
            f"report.decided_{way}",
            language,
            p=number(d.p_value.value or 0.0),
            alpha=number(d.alpha or 0.0),
            photos=d.calibration_photos,
            method=word("method", d.calibration_method, language),
        )
        + ("" if passes is None else " · " + text("report.review_line", language, line=number(passes), rate=rate)),
        "position": 100.0 if d.anomalous and not threshold else min(100.0, 50.0 * ratio),
    }


def _external(d: Decision, language: str) -> dict[str, Any]:
    """What was given with the photo: no needle stands where nothing was."""
    score, threshold = d.score.value, d.threshold.value
    key = "external_none" if score is None else "external_score" if threshold is None else "external_threshold"
    title = text(f"report.{key}", language, score=number(score or 0.0), threshold=number(threshold or 0.0))
    position = None if score is None or not threshold else min(100.0, 50.0 * score / threshold)
    return {"title": title, "line": text("report.decided_external", language), "position": position}


def _photo_rows(name: str, record: InspectionRecord, language: str) -> list[tuple[str, str]]:
    p = record.photo
    size: dict[str, Param] = {"width": p.width_px, "height": p.height_px, "format": p.format, "mode": p.mode, "bytes": f"{p.file_bytes:,}"}
    part = _named(language, "part", **({} if record.part is None else record.part.model_dump()))
    place = place_of(record)
    return part + _named(
        language,
        file=name,
        sha256=p.sha256,
        size=text("provenance.size_value", language, **size),
        inspected=text("report.instant", language, at=moment(record.inspected_at)),
        entry="" if place is None else f"{place.seq}, SHA-256 {place.sha256}",
    )


def provenance(record: InspectionRecord, language: str) -> list[tuple[str, str]]:
    """What made a record, as rows of name and value."""
    p = record.provenance
    absent = text("provenance.not_installed", language)
    versions = ", ".join(f"{name} {absent if version == 'not installed' else version}" for name, version in p.versions.items())
    return _named(
        language,
        detector=p.detector,
        external="" if p.external is None else _given(p.external, language),
        not_asked=" ".join(say(d.because, language) for d in record.detectors if _not_asked(d)),
        model=p.model_sha256,
        weights="; ".join(f"{w['name']} ({w['revision']}, SHA-256 {w['sha256'][:16]}…, {w['licence']})" for w in p.weights),
        policy=f"{p.policy_name} {p.policy_version}, SHA-256 {p.policy_sha256}",
        card=p.card_sha256,
        reference=p.reference_sha256 or text("report.none", language),
        overrides=" ".join(say(told, language) for told in p.overrides),
        engine="" if p.engine is None else say(p.engine, language),
        software=versions,
    )


def _given(by: External, language: str) -> str:
    """Who detected and how the regions came."""
    kinds = ", ".join(word("given", kind, language) for kind in by.kinds) or text("report.none", language)
    said = text("provenance.external_value", language, name=by.name, version=by.version, kinds=kinds)
    return f"{' '.join(said.split())}: {by.meaning}" if by.meaning else " ".join(said.split())


def moment(iso: str) -> str:
    """An ISO 8601 time in UTC as people read it (KS X ISO 8601).

    >>> moment("2026-11-25T20:21:33.044+00:00")
    '2026-11-25 20:21:33'
    """
    return iso[:19].replace("T", " ")


def _named(language: str, group: str = "provenance", **rows: str) -> list[tuple[str, str]]:
    return [(text(f"{group}.{name}", language), legible(value) if group == "part" else value) for name, value in rows.items() if value]


def _not_asked(note: DetectorNote) -> bool:
    """Whether it was left aside when the model was fitted, for a reason that is the same for every photo."""
    return note.because.key.startswith("choose.") or note.because.key == "detector.not_asked"
