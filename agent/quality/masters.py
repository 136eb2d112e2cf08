"""Master parts ("red rabbits"): known parts run through the station; a missed one blocks certificates of lots until a person rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.people.acts import entry_of, find_entry, said_by
from seewhy.agent.people.roles import Who
from seewhy.agent.quality.seen import Book
from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.errors import BadData
from seewhy.handwritten import read_yaml, validated
from seewhy.people import Document
from seewhy.record import InspectionRecord, Saved
from seewhy.studies import MasterPart, MasterResult, MasterRuling, MasterRun
from seewhy.types import Progress, silent

LOT = "master parts {at}"


class MasterList(Saved):
    """A file of master parts that a person writes; `parts` with name, photo, must (stop or pass), and defect and box where known."""

    schema_version: str = "1"
    parts: tuple[MasterPart, ...]


def load_masters(path: Path) -> MasterList:
    """Read a list of master parts.

    Raises:
        BadData: it can't be read, doesn't fit, or names none.
    """
    found = validated(MasterList, read_yaml(path), path)
    if not found.parts:
        raise BadData(f"{path} names no master part")
    names = [one.name for one in found.parts]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadData(f"{path} names the master part {twice!r} twice")
    return found


def run_masters(
    ledger: Ledger, inspector: Inspector, listed: MasterList, photos: Path, who: Who, *, progress: Progress[Any] = silent
) -> Row:
    """Run all master parts and enter each inspection and the run.

    Args:
        ledger: open to write.
        inspector: the station's.
        listed: the parts.
        photos: folder of their photos, taken now.
        who: runs them, and when in the shift.
        progress: wraps the loop.

    Raises:
        BadData: a photo is missing or can't be inspected: then there is no run.
    """
    if lost := [one.photo for one in listed.parts if not (photos / one.photo).is_file()]:
        raise BadData(f"{photos} holds no photo {lost[0]!r} of a master part ({len(lost)} missing); take all of them, then run again")
    said = said_by(ledger, who, MasterRun)
    lot = LOT.format(at=said["entered_at"][:19].replace("T", " "))
    results = []
    for master in progress(listed.parts, "master parts", len(listed.parts)):
        found = inspector.inspect(photos / master.photo, lot=lot)
        digest = ledger.append(found.record, found.pictures)
        results.append(_judged(master, found.record, digest))
    data = canonical_json(listed.model_dump(mode="json"))
    kept = sha256_bytes(data)

    def look() -> tuple[MasterRun, Pictured]:
        own = said_by(ledger, who, MasterRun)
        fields = {"lot": lot, "product": inspector.card.name, "model_sha256": inspector.model.sha256, "results": tuple(results)}
        return entry_of(MasterRun, own | fields | {"evidence": (Document(name="master parts", sha256=kept),)}), {
            kept: ("application/json", data)
        }

    return ledger.append_after(look)


def _judged(master: MasterPart, record: InspectionRecord, digest: str) -> MasterResult:
    verdict = record.verdict.value or "review"
    boxes = [f.measured.location.box_px.value for f in record.findings]
    there = master.box is None or any(box is not None and _overlap(box, master.box) for box in boxes)
    held = verdict == "pass" if master.must == "pass" else verdict != "pass" and there
    return MasterResult(
        master=master,
        photo_sha256=record.photo.sha256,
        verdict=verdict,
        held=held,
        score=record.decision.score.value,
        threshold=record.decision.threshold.value,
        refers_to=digest,
    )


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def rule_on_masters(ledger: Ledger, run: str, ruling: str, who: Who) -> Row:
    """Decide on a run with a missed master part: go on, or stop.

    Args:
        ledger: open to write.
        run: its entry's number or hash.
        ruling: "continue" or "stop".
        who: decides, in which role, and why.

    Raises:
        BadData: it is no run of master parts, nothing was missed, or somebody has ruled already.
    """

    def look() -> tuple[MasterRuling, Pictured]:
        said, row = said_by(ledger, who, MasterRuling), find_entry(ledger, run)
        if not isinstance(row.entry, MasterRun):
            raise BadData(f"entry {row.seq} is no run of master parts")
        if not row.entry.missed:
            raise BadData(f"in the run of entry {row.seq} every master part was judged as it must be; there is nothing to rule on")
        if any(r.entry.refers_to == row.hash for r in ledger.found("kind = 'master_ruling'") if isinstance(r.entry, MasterRuling)):
            raise BadData(f"somebody has ruled on entry {row.seq} already; run the master parts again")
        fields = {"lot": row.entry.lot, "product": row.entry.product, "refers_to": row.hash, "ruling": ruling}
        return entry_of(MasterRuling, said | fields), {}

    return ledger.append_after(look)


def runs_of(book: Book, product: str) -> list[tuple[int, str, str, MasterRun, tuple[int, str, MasterRuling] | None]]:
    """(seq, hash, at, run, (seq, at, ruling) or None) of a product's runs of master parts, in order."""
    rulings = {entry.refers_to: (seq, at, entry) for seq, _, at, entry in book.entries(MasterRuling)}
    return [
        (seq, digest, at, entry, rulings.get(digest))
        for seq, digest, at, entry in book.entries(MasterRun)
        if product in ("", entry.product)
    ]


def blocking(book: Book, product: str, lot_seqs: Sequence[int]) -> tuple[int, MasterRun] | None:
    """The run of master parts that blocks a lot's certificate: the last one before the lot's end or the next one after it.

    A miss puts in doubt what was inspected on either side of it, until a person lets it pass.

    Args:
        book: the ledger.
        product: the lot's.
        lot_seqs: numbers of the lot's entries.
    """
    runs, end = runs_of(book, product), max(lot_seqs, default=0)
    beside = [one for one in runs if one[0] < end][-1:] + [one for one in runs if one[0] > end][:1]
    for seq, _, _, run, ruling in beside:
        if run.missed and (ruling is None or ruling[2].ruling != "continue"):
            return seq, run
    return None
