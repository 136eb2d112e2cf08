"""Studies from a ledger's entries: agreement, detection by size, escapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seewhy.agent.quality.agreement import agreement
from seewhy.agent.quality.bounds import Share, escapes_unseen
from seewhy.agent.quality.detection import hit_miss, signal
from seewhy.agent.quality.entering import MEASURES, Found
from seewhy.agent.quality.seen import Book, Seen
from seewhy.agent.quality.tables import Reference, ratings_of
from seewhy.canonical import canonical_json
from seewhy.errors import BadData
from seewhy.people import MissedDefect, Review
from seewhy.studies import SampleDrawn

MACHINE = "machine"


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
    *, lot: str, product: str, reference: Reference | None = None, unit: str = "mm", drawn: bool = False, by_signal: bool = False
) -> Callable[[Book], Found]:
    """Probability of detection by size: of known defects, or of those that people confirmed and found missed.

    Args:
        lot: only this one; empty for all.
        product: only this one.
        reference: parts with the sizes of their defects; without it confirmed findings are hits and missed defects are misses.
        unit: of its sizes.
        drawn: the defects were drawn on real good photos; the report says so.
        by_signal: also from how far each score lies from its line (â versus a, ASTM E3023), which needs fewer defects. With a reference.
    """
    if by_signal and reference is None:
        raise BadData("a study by signal takes a --reference: of a defect that nobody found there is no score of its own")

    def make(book: Book) -> Found:
        photos = [s for s in book.of(lot=lot, product=product) if s.machine != "refused"]
        tried = _known(photos, reference) if reference else _confirmed(photos)
        if not tried:
            raise BadData(
                "no defect of known size was inspected; give a --reference with sizes, or confirm findings and mark missed defects"
            )
        study = hit_miss([size for size, _, _ in tried], [hit for _, hit, _ in tried])
        told = study.to_json() | ({"signal": _signal(photos, reference)} if by_signal and reference else {})
        measures = {name: told[name] for name in MEASURES["detection"]}
        own = "px" if reference is None and any(spot.unit == "px" for s in photos for spot in s.spots) else unit
        source = "drawn" if drawn else "reference" if reference else "found_by_system"
        files = {"reference": reference.data} if reference else {}
        return Found(
            measures,
            told | {"unit": own, "source": source},
            tuple(dict.fromkeys(d for _, _, d in tried)),
            files,
            {"unit": own, "drawn": drawn, "by_signal": by_signal},
        )

    return make


def _known(photos: Sequence[Seen], reference: Reference) -> list[tuple[float, bool, str]]:
    """(size, whether its part was stopped, entry) of each photo of a defective part."""
    return [(reference.sizes[s.part], s.machine != "pass", s.hash) for s in photos if s.part in reference.sizes]


def _signal(photos: Sequence[Seen], reference: Reference) -> dict[str, Any]:
    """Signal over size: the score in multiples of the line above which a part may fail."""
    known = [(reference.sizes[s.part], s.score / s.threshold) for s in photos if s.part in reference.sizes and s.score and s.threshold]
    return asdict(signal([size for size, _ in known], [score for _, score in known], 1.0)) | {"signals": [score for _, score in known]}


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
        lots = {s.lot for s in photos}
        drawn = {(entry.lot, name) for *_, entry in book.entries(SampleDrawn) if entry.lot in lots for name in entry.photos}
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
        return Found(measures, results, tuple(s.hash for s in (*looked, *stopped)), inputs={"defect_share": defect_share})

    return make


def _unseen(photos: Sequence[Seen], defect_share: float) -> dict[str, Any] | None:
    """The bound from the calibration's photos and the lot alone.

    None where the records aren't of one calibration, or where a part passed by its policy and not by its score.
    """
    calibrated = [s for s in photos if s.calibration and s.p_value is not None]
    passed = [s for s in calibrated if s.machine == "pass"]
    if not calibrated or len({s.model for s in calibrated}) > 1 or any(s.spots for s in passed):
        return None
    count = calibrated[0].calibration
    above = min((round((s.p_value or 0) * (count + 1)) - 1 for s in passed), default=count)
    good, lot = Share(count - above, count), Share(len(passed), len(calibrated))
    return {"good": good.to_json(), "lot": lot.to_json(), "upper": escapes_unseen(good, lot, defect_share)}
