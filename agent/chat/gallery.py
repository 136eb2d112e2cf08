"""A lot at a glance: one line for each photo, as the ledger reads now, kept up to date by what was written since the last look."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seewhy.agent.chat.problems import Told
from seewhy.agent.ledger.reading import as_it_stands, with_later
from seewhy.agent.ledger.store import Ledger, Row
from seewhy.agent.people.parts import PartPhoto, part_photos, photo_name
from seewhy.record import Confirmation, Entry, Explanation, InspectionRecord, RefusedPhoto

PAGE = 60  # photos of a page
ORDER = {"fail": 0, "review": 1, "refused": 2, "pass": 3}


@dataclass(frozen=True, slots=True)
class Item:
    """One photo of a lot, in a line."""

    name: str
    entry: str  # hash of the machine's entry that stands
    seq: int
    machine: str  # pass, fail, review, refused
    stands: str  # people's word before the machine's
    severity: str
    score: float | None
    types: tuple[str, ...]
    people: bool  # whether somebody entered anything about it


class LotIndex:
    """The lots of one ledger, read entry by entry as they come.

    Args:
        ledger: its file; it may not be there yet.
    """

    def __init__(self, ledger: Path) -> None:
        self._path, self._lock = ledger, threading.Lock()
        self._seen, self._lots = 0, dict[str, dict[str, Item]]()

    def items(self, lot: str) -> list[Item]:
        """The photos of a lot, in the order in which they were inspected first."""
        with self._lock:
            self._catch_up()
            return list(self._lots.get(lot, {}).values())

    def _catch_up(self) -> None:
        if not self._path.is_file():
            return
        with Ledger(self._path, read_only=True) as ledger:
            if ledger.head[0] == self._seen:
                return
            new = ledger.found("seq > ?", (self._seen,))
            for lot, name in dict.fromkeys((row.entry.lot, photo_name(row.entry)) for row in new):
                if lot and name:
                    photos = part_photos(ledger.found("lot = ? AND photo = ?", (lot, name)))
                    if photos:
                        self._lots.setdefault(lot, {})[name] = _item(photos[-1])
            self._seen = max((row.seq for row in new), default=self._seen)


def entry_now(ledger: Ledger, lot: str, name: str) -> tuple[Row, Entry]:
    """The entry about a photo that stands, as it reads after what a model said later and people entered.

    Raises:
        BadData: the lot has no such photo.
    """
    history = ledger.found("lot = ? AND photo = ?", (lot, name))
    photos = part_photos(history)
    if not photos:
        raise Told("no_photo", name=name[:60])
    photo = photos[-1]
    entry = photo.entry
    for row in history:
        if isinstance(row.entry, Confirmation) and row.entry.refers_to == photo.row.hash and isinstance(entry, InspectionRecord):
            entry = with_later(entry, row.entry)
    return photo.row, as_it_stands(photo.row, entry, [one for _, one in photo.people])


def page_of(items: list[Item], *, number: int, only: str = "", worst_first: bool = False) -> dict[str, Any]:
    """A page of a lot, and how many photos there are of each verdict.

    Args:
        items: of the lot.
        number: of the page, from 0; too large a one is the last.
        only: a verdict; empty for all.
        worst_first: by verdict and then by score, else as inspected.
    """
    wanted = [item for item in items if only in ("", item.stands)]
    if worst_first:
        wanted.sort(key=lambda item: (ORDER[item.stands], -(item.score or 0.0)))
    pages = max(1, -(-len(wanted) // PAGE))
    at = min(max(0, number), pages - 1)
    counts = Counter(item.stands for item in items)
    return {
        "items": wanted[at * PAGE : (at + 1) * PAGE],
        "names": [item.name for item in wanted],
        "page": at,
        "pages": pages,
        "counts": {verdict: counts[verdict] for verdict in ORDER},
        "total": len(items),
        "open": sum(not item.people and item.score is not None for item in items),
    }


def _item(photo: PartPhoto) -> Item:
    entry = photo.entry
    if isinstance(entry, RefusedPhoto):
        return Item(photo.name, photo.row.hash, photo.row.seq, "refused", photo.verdict, "", None, (), bool(photo.people))
    types = _types(f.explanation.type.value for f in entry.findings if isinstance(f.explanation, Explanation))
    return Item(
        photo.name,
        photo.row.hash,
        photo.row.seq,
        photo.machine,
        photo.verdict,
        entry.severity.value or "",
        entry.decision.score.value,
        types,
        bool(photo.people),
    )


def _types(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))
