"""Studies from a ledger's entries, entered beside them with their criteria: agreement, detection by size, escapes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.people.acts import entry_of, said_by
from seewhy.agent.people.roles import Who
from seewhy.agent.quality.agreement import agreement
from seewhy.agent.quality.bounds import Share, escapes_unseen
from seewhy.agent.quality.detection import hit_miss
from seewhy.agent.quality.seen import Book, Seen, append_reading
from seewhy.canonical import canonical_json, sha256_bytes, sha256_file
from seewhy.errors import BadData
from seewhy.people import Document, MissedDefect, Review
from seewhy.studies import Criterion, Held, SampleDrawn, StudyDone, StudyName

MACHINE = "machine"
MEASURES: Mapping[StudyName, tuple[str, ...]] = {  # what a criterion may be set on; AIAG's usual limits are 0.9, 0.02, 0.05, 0.75
    "agreement": ("effectiveness", "miss_rate", "false_alarm_rate", "kappa"),
    "detection": ("a50", "a90", "a90_95", "from_counts"),
    "escapes": ("escape_share_upper", "false_reject_share_upper", "escapes_unseen_upper"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a study came to, before it is entered."""

    measures: dict[str, float | None]
    results: dict[str, Any]
    rests_on: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)  # canonical JSON by name


def set_criterion(
    ledger: Ledger, study: StudyName, measure: str, relation: str, limit: float, who: Who, *, protocol: str, product: str
) -> Row:
    """Enter what a study's result has to be, before its test.

    Args:
        ledger: open to write.
        study: of which kind.
        measure: one of `MEASURES`.
        relation: "at_most" or "at_least".
        limit: the number.
        who: sets it, and where it comes from.
        protocol: name of the test; its studies close it.
        product: which one.

    Raises:
        BadData: the test was done already, or there is no such measure.
    """
    if measure not in MEASURES.get(study, ()):
        raise BadData(f"a criterion of {study} is set on {', '.join(MEASURES.get(study, ()))}, not on {measure!r}")

    def look() -> tuple[Criterion, Pictured]:
        said = said_by(ledger, who, Criterion)
        done = [r for r in ledger.found("kind = 'study'") if isinstance(r.entry, StudyDone) and r.entry.protocol == protocol]
        if done:
            raise BadData(
                f"the test {protocol!r} was done on {done[0].at[:10]} (entry {done[0].seq}): a criterion is entered before its test; "
                "give a new test another protocol"
            )
        fields = {"product": product, "protocol": protocol, "study": study, "measure": measure, "relation": relation, "limit": limit}
        return entry_of(Criterion, said | fields), {}

    if not protocol.strip():
        raise BadData("a criterion belongs to a test; give its --protocol")
    return ledger.append_after(look)


def enter_study(
    ledger: Ledger,
    study: StudyName,
    make: Callable[[Book], Found],
    who: Who,
    *,
    product: str,
    protocol: str = "",
    lot: str = "",
    inputs: Mapping[str, Any] | None = None,
) -> Row:
    """Make a study of the ledger as it is and enter it, judged by the criteria that stood before.

    Args:
        ledger: open to write.
        study: of which kind.
        make: makes it, see `agreement_of`, `detection_of`, `escapes_of`.
        who: did it, and why.
        product: which one.
        protocol: name of the test whose criteria hold.
        lot: that it is of.
        inputs: the options that it was made with.
    """

    def look(book: Book) -> tuple[StudyDone, Pictured]:
        said = said_by(ledger, who, StudyDone)
        found = make(book)
        rests_on = set(found.rests_on)
        of = product or next((s.product for s in book.photos if s.hash in rests_on), "")
        criteria = [
            (digest, entry)
            for _, digest, _, entry in book.entries(Criterion)
            if protocol and entry.protocol == protocol and entry.study == study
        ]
        kept = {sha256_bytes(data): ("application/json", data) for data in found.files.values()}
        fields = {
            "lot": lot,
            "product": of,
            "protocol": protocol,
            "study": study,
            "inputs": dict(inputs or {}),
            "measures": found.measures,
            "results": found.results,
            "criteria": tuple(_held(digest, one, found.measures.get(one.measure)) for digest, one in criteria),
            "rests_on": found.rests_on,
            "evidence": tuple(Document(name=name, sha256=sha256_bytes(data)) for name, data in found.files.items()),
        }
        return entry_of(StudyDone, said | fields), kept

    return append_reading(ledger, look)


def _held(digest: str, criterion: Criterion, value: float | None) -> Held:
    good = value is not None and (value <= criterion.limit if criterion.relation == "at_most" else value >= criterion.limit)
    return Held(criterion=digest, value=value, held=good)


def apart_from(make: Callable[[Book], Found], training: Path) -> Callable[[Book], Found]:
    """The same study, that also says by hash whether its photos are among the training photos.

    Args:
        make: the study.
        training: folder of the training photos.

    Raises:
        BadData: the folder holds no file.
    """
    learned = sorted(sha256_file(path) for path in training.rglob("*") if path.is_file())
    if not learned:
        raise BadData(f"{training} holds no training photo")

    def made(book: Book) -> Found:
        found = make(book)
        rests_on = set(found.rests_on)
        tested = {s.sha256 for s in book.photos if s.hash in rests_on}
        told = {"training": len(learned), "tested": len(tested), "common": len(tested & set(learned))}
        files = found.files | {"training": canonical_json(learned)}
        return replace(found, results=found.results | {"independence": told}, files=files)

    return made


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of parts: a table that somebody gave.

    Attributes:
        truth: "pass" or "fail" by part.
        sizes: of the defect, by part; in the table's unit.
        data: canonical JSON of it, kept as evidence.
    """

    truth: dict[str, str]
    sizes: dict[str, float]
    data: bytes


def reference_of(path: Path) -> Reference:
    """Read a CSV of parts: columns `part`, `truth` (pass or fail), and `size` where defects have one.

    Raises:
        BadData: it can't be read, a column is missing, or a value is none.
    """
    lines = table_of(path, ("part", "truth"))
    for line in lines:
        if line["truth"] not in ("pass", "fail"):
            raise BadData(f"{path}: the truth of {line['part']!r} is pass or fail, not {line['truth']!r}")
    try:
        sizes = {line["part"]: float(line["size"]) for line in lines if line.get("size", "").strip()}
    except ValueError as error:
        raise BadData(f"{path}: a size is a number ({error})") from error
    return Reference({line["part"]: line["truth"] for line in lines}, sizes, canonical_json(lines))


def ratings_of(path: Path) -> dict[tuple[str, str], list[str]]:
    """Read a CSV of people's calls away from the ledger: columns `part`, `appraiser`, `trial`, `verdict`.

    Raises:
        BadData: as for `reference_of`.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for line in sorted(table_of(path, ("part", "appraiser", "trial", "verdict")), key=lambda one: one["trial"].zfill(6)):
        if line["verdict"] not in ("pass", "fail"):
            raise BadData(f"{path}: a call is pass or fail, not {line['verdict']!r}")
        found.setdefault((line["appraiser"], line["part"]), []).append(line["verdict"])
    return found


def table_of(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """A CSV as rows of text.

    Raises:
        BadData: it can't be read, or lacks a column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path} can't be read ({getattr(error, 'strerror', None) or 'it is not text in UTF-8'})") from error
    reader = csv.DictReader(io.StringIO(text))
    if lost := [name for name in needed if name not in (reader.fieldnames or ())]:
        raise BadData(f"{path} has no column {lost[0]!r}; it needs {', '.join(needed)}")
    lines = [{name: (value or "").strip() for name, value in line.items() if name} for line in reader]
    if not lines:
        raise BadData(f"{path} has no rows")
    return lines


def agreement_of(reference: Reference, *, lot: str, ratings: Path | None = None) -> Callable[[Book], Found]:
    """The machine and people on the same parts: a part's photos in the lot are its trials, and each person's reviews of them too.

    The machine calls a part good where it passes it; whatever it stops or asks about is a call of "fail".

    Args:
        reference: what the parts are.
        lot: that holds the photos, several of each part (re-shot, or disturbed copies that say so in their names).
        ratings: people's calls away from the ledger, see `ratings_of`.
    """

    def make(book: Book) -> Found:
        photos = [s for s in book.of(lot=lot) if s.part in reference.truth and s.machine != "refused"]
        if not photos:
            raise BadData(f"the lot {lot!r} holds no inspected photo of a part that the reference names")
        calls: dict[tuple[str, str], list[str]] = {}
        for seen in photos:
            calls.setdefault((MACHINE, seen.part), []).append("pass" if seen.machine == "pass" else "fail")
            for one in seen.people:
                if isinstance(one, Review):
                    calls.setdefault((one.by, seen.part), []).append(one.verdict)
        given = ratings_of(ratings) if ratings else {}
        calls |= {key: verdicts for key, verdicts in given.items() if key[1] in reference.truth}
        names = {name for name, _ in calls}
        parts = {p for n, p in calls if n == MACHINE}
        whole = {n for n in names if all((n, p) in calls for p in parts)} | {MACHINE}
        study = agreement({key: v for key, v in calls.items() if key[0] in whole and key[1] in parts}, reference.truth)
        machine = next(one for one in study.appraisers if one.name == MACHINE)
        measures = {
            "effectiveness": machine.effective.value,
            "miss_rate": machine.missed.value,
            "false_alarm_rate": machine.alarmed.value,
            "kappa": machine.kappa.value,
        }
        files = {"reference": reference.data}
        if ratings:
            files["ratings"] = canonical_json([{"appraiser": a, "part": p, "calls": v} for (a, p), v in given.items()])
        left = sorted(names - whole)
        return Found(measures, study.to_json() | {"left_out": left}, tuple(s.hash for s in photos), files)

    return make


def detection_of(
    *, lot: str, product: str, reference: Reference | None = None, unit: str = "mm", drawn: bool = False
) -> Callable[[Book], Found]:
    """Probability of detection by size: of known defects, or of those that people confirmed and found missed.

    Args:
        lot: only this one; empty for all.
        product: only this one.
        reference: parts with the sizes of their defects; without it confirmed findings are hits and missed defects are misses.
        unit: of its sizes.
        drawn: the defects were drawn on real good photos; the report says so.
    """

    def make(book: Book) -> Found:
        photos = [s for s in book.of(lot=lot, product=product) if s.machine != "refused"]
        tried = _known(photos, reference) if reference else _confirmed(photos)
        if not tried:
            raise BadData(
                "no defect of known size was inspected; give a --reference with sizes, or confirm findings and mark missed defects"
            )
        study = hit_miss([size for size, _, _ in tried], [hit for _, hit, _ in tried])
        told = study.to_json()
        measures = {name: told[name] for name in MEASURES["detection"]}
        own = "px" if reference is None and any(spot.unit == "px" for s in photos for spot in s.spots) else unit
        source = "drawn" if drawn else "reference" if reference else "found_by_system"
        files = {"reference": reference.data} if reference else {}
        return Found(measures, told | {"unit": own, "source": source}, tuple(dict.fromkeys(d for _, _, d in tried)), files)

    return make


def _known(photos: Sequence[Seen], reference: Reference) -> list[tuple[float, bool, str]]:
    """(size, whether its part was stopped, entry) of each photo of a defective part."""
    return [(reference.sizes[s.part], s.machine != "pass", s.hash) for s in photos if s.part in reference.sizes]


def _confirmed(photos: Sequence[Seen]) -> list[tuple[float, bool, str]]:
    found = [(spot.size, True, s.hash) for s in photos for spot in s.spots if spot.confirmed and spot.size]
    missed = [(_across(one.region.box_px), False, s.hash) for s in photos for one in s.people if isinstance(one, MissedDefect)]
    return [*found, *missed]


def _across(box: tuple[int, int, int, int]) -> float:
    x0, y0, x1, y1 = box
    return float(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)


def escapes_of(*, lot: str = "", product: str = "", defect_share: float | None = None) -> Callable[[Book], Found]:
    """How many defective parts passed, with its upper bound; and how many good ones were stopped.

    Of parts that passed, those that people looked at again are counted: those of drawn samples where there are any.

    Args:
        lot: only this one; empty for all.
        product: only this one.
        defect_share: upper bound on the share of defective parts; then a bound follows without anybody looking (Liu et al. 2018).
    """

    def make(book: Book) -> Found:
        photos = [s for s in book.production(lot=lot, product=product) if s.machine != "refused"]
        if not photos:
            raise BadData("no inspected photo to count")
        drawn = {(entry.lot, name) for *_, entry in book.entries(SampleDrawn) for name in entry.photos}
        passed = [s for s in photos if s.machine == "pass"]
        looked = [s for s in passed if s.reviewed is not None and (not drawn or (s.lot, s.photo) in drawn)]
        stopped = [s for s in photos if s.machine == "fail" and s.reviewed is not None]
        escaped = Share(sum(s.verdict == "fail" for s in looked), len(looked))
        rejected = Share(sum(s.verdict == "pass" for s in stopped), len(stopped))
        unseen = _unseen(photos, defect_share) if defect_share else None
        results = {
            "photos": len(photos),
            "passed": len(passed),
            "random": bool(drawn),
            "escaped": escaped.to_json(),
            "false_rejects": rejected.to_json(),
            "unseen": unseen,
            "defect_share": defect_share,
        }
        measures = {
            "escape_share_upper": escaped.upper,
            "false_reject_share_upper": rejected.upper,
            "escapes_unseen_upper": None if unseen is None else unseen["upper"],
        }
        return Found(measures, results, tuple(s.hash for s in (*looked, *stopped)))

    return make


def _unseen(photos: Sequence[Seen], defect_share: float) -> dict[str, Any] | None:
    """The bound from the calibration's photos and the lot alone; None where the records aren't of one calibration."""
    calibrated = [s for s in photos if s.calibration and s.p_value is not None]
    if not calibrated or len({s.model for s in calibrated}) > 1:
        return None
    count = calibrated[0].calibration
    passed = [s for s in calibrated if s.machine == "pass"]
    above = min((round((s.p_value or 0) * (count + 1)) - 1 for s in passed), default=count)
    good, lot = Share(count - above, count), Share(len(passed), len(calibrated))
    return {"good": good.to_json(), "lot": lot.to_json(), "upper": escapes_unseen(good, lot, defect_share)}
