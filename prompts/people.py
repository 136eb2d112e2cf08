"""What an entry of the ledger says, in one line for people: the machine's and people's alike."""

from __future__ import annotations

from seewhy.people import (
    Complaint,
    Correction,
    Disposition,
    Erasure,
    FalseAlarm,
    GoodPhoto,
    Hold,
    MissedDefect,
    Person,
    PersonsEntry,
    Region,
    Release,
    Review,
    SettingsChange,
    SignOff,
    Withdrawal,
)
from seewhy.prompts import text, word
from seewhy.record import Confirmation, Entry, InspectionRecord, Later, Param
from seewhy.studies import Criterion, FormField, MasterRuling, MasterRun, QualityEntry, SampleDrawn, StudyDone

SHORT = 12  # digits of a hash, enough to find it


def told(entry: Entry | Later | Person | QualityEntry, language: str = "en") -> str:
    """Who did what, and why."""
    said = act(entry, language)
    why = entry.comment if isinstance(entry, Confirmation) else entry.why if isinstance(entry, PersonsEntry) else ""
    return text("people.because", language, what=said, why=why) if why else said


def act(entry: Entry | Later | Person | QualityEntry, language: str = "en") -> str:
    """Who did what, without the reason."""
    if isinstance(entry, InspectionRecord):
        return text("people.inspection", language, verdict=word("outcome", entry.verdict.value or "review", language))
    if not isinstance(entry, PersonsEntry | Confirmation):
        return text(f"people.{entry.kind}", language)
    if (quality := _quality(entry, language)) is not None:
        return text(f"quality.{entry.kind}", language, who=who(entry, language), **quality)
    key, values = _said(entry, language)
    return text(f"people.{key}", language, who=who(entry, language), **values)


def who(entry: PersonsEntry | Confirmation, language: str = "en") -> str:
    """Who made it, with the role where one was given."""
    return text("people.who", language, by=entry.by, role=entry.role) if entry.role else entry.by


def _said(entry: PersonsEntry | Confirmation, language: str) -> tuple[str, dict[str, Param]]:
    """The message's key and values."""
    match entry:
        case Confirmation():
            return "confirmation", {"finding": entry.finding, "type": entry.type}
        case Review():
            verdict, machine = (word("outcome", value, language) for value in (entry.verdict, entry.machine))
            values: dict[str, Param] = {"verdict": verdict, "machine": machine}
            return f"review_{entry.opinion}", values
        case Disposition():
            action = word("action", entry.action, language)
            conceded: dict[str, Param] = {"action": action, "concession": entry.concession}
            return ("disposition_conceded", conceded) if entry.concession else ("disposition", {"action": action})
        case Correction():
            return "correction", {"finding": entry.finding, "place": _place(entry.region, language)}
        case FalseAlarm():
            return "false_alarm", {"finding": entry.finding}
        case MissedDefect():
            return "missed_defect", {"type": entry.type, "place": _place(entry.region, language)}
        case Withdrawal():
            return "withdrawal", {"entry": (entry.refers_to or "")[:SHORT]}
        case SignOff():
            return "sign_off", {"meaning": word("meaning", entry.meaning, language)}
        case Release():
            return _release(entry, language)
        case SettingsChange():
            changed = [word("released", name, language) for name, value in entry.after.items() if entry.before.get(name) != value]
            key = "settings_change" if entry.lot else "settings_adopted"
            return key, {"product": entry.product, "changed": ", ".join(changed)}
        case GoodPhoto():
            named: dict[str, Param] = {"name": entry.name, "product": entry.product}
            return ("good_photo_keep", named) if entry.cause is None else ("good_photo_drop", named | {"cause": f"@cause.{entry.cause}"})
        case Hold():
            return ("hold", {"what": entry.name}) if entry.name else ("hold_lot", {"what": entry.lot})
        case Erasure():
            return "erasure", {"count": len(entry.erased), "before": entry.before[:10]}
        case Complaint():
            return "complaint", {"reference": entry.reference, "customer": entry.customer or "-"}
    return "comment", {}


def _quality(entry: PersonsEntry | Confirmation, language: str) -> dict[str, Param] | None:
    """The values of an entry of quality work; None for any other."""
    match entry:
        case Criterion():
            wanted = text(f"study.{entry.relation}", language, limit=entry.limit)
            return {"protocol": entry.protocol, "measure": text(f"measure.{entry.measure}", language), "wanted": wanted}
        case StudyDone():
            held = sum(one.held for one in entry.criteria)
            return {"study": text(f"study.{entry.study}", language), "held": held, "criteria": len(entry.criteria)}
        case MasterRun():
            return {"parts": len(entry.results), "missed": len(entry.missed)}
        case MasterRuling():
            return {"entry": (entry.refers_to or "")[:SHORT], "ruling": text(f"masters.{entry.ruling}", language)}
        case SampleDrawn():
            return {"size": len(entry.photos), "of": entry.of, "source": str(entry.plan["source"])}
        case FormField():
            return {"field": entry.field, "subject": entry.subject}
    return None


def _release(entry: Release, language: str) -> tuple[str, dict[str, Param]]:
    values: dict[str, Param] = {"digest": entry.content_sha256[:SHORT]}
    if entry.what != "roles":
        values |= {"product": entry.product, "what": word("released", entry.what, language)}
    key = "release_roles" if entry.what == "roles" else "release"
    return (f"{key}_approved", values | {"second": entry.approved_by}) if entry.approved_by else (key, values)


def _place(region: Region, language: str) -> str:
    x0, y0, x1, y1 = region.box_px
    return text("people.place", language, x0=x0, x1=x1, y0=y0, y1=y1)
