"""One part as the ledger has it: its photos, what the machine says of each, what people entered since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from seewhy.agent.ledger.reading import standing, with_later
from seewhy.agent.ledger.schema import SERIAL
from seewhy.agent.ledger.store import AnyEntry, Ledger, Row
from seewhy.people import WORST, AboutPart, PersonsEntry, Withdrawal, outcome
from seewhy.prompts.legible import legible
from seewhy.prompts.telling import Told
from seewhy.record import Confirmation, Entry, InspectionRecord, LaterWords, RefusedPhoto

# The entries of a photo, found by the index on (lot, photo) in every lot; the lots themselves by leaps along the same index.
IN_ALL_LOTS = """seq IN (WITH RECURSIVE lots(lot) AS (SELECT min(lot) FROM entries UNION ALL
    SELECT (SELECT min(lot) FROM entries WHERE lot > lots.lot) FROM lots WHERE lots.lot IS NOT NULL)
    SELECT seq FROM lots JOIN entries USING (lot) WHERE photo = ?)"""

Standing: TypeAlias = tuple[str, AboutPart]  # (hash, entry)


@dataclass(frozen=True, slots=True)
class PartPhoto:
    """One photo of a part: the machine's entry that stands, and what people entered about it that wasn't withdrawn."""

    row: Row
    entry: Entry  # as it reads after later words, a model's and a person's name for a finding
    people: tuple[Standing, ...]

    @property
    def name(self) -> str:
        """Of the photo."""
        return self.entry.photo.name if isinstance(self.entry, InspectionRecord) else self.entry.name

    @property
    def sha256(self) -> str | None:
        """Of the photo."""
        return self.entry.photo.sha256 if isinstance(self.entry, InspectionRecord) else self.entry.sha256

    @property
    def machine(self) -> str:
        """What the machine says: pass, fail, review or refused."""
        return (self.entry.verdict.value or "review") if isinstance(self.entry, InspectionRecord) else "refused"

    @property
    def verdict(self) -> str:
        """As it stands: people's, else the machine's."""
        return outcome(self.machine, tuple(entry for _, entry in self.people))


@dataclass(frozen=True, slots=True)
class Part:
    """A part: one photo, or all photos of a lot that bear its serial number."""

    lot: str
    name: str  # the serial number, else the photo's name
    photos: tuple[PartPhoto, ...]
    history: tuple[Row, ...]  # every entry about it, in order

    @property
    def deciding(self) -> PartPhoto:
        """The photo with the worst verdict: the part's is the same."""
        return min(self.photos, key=lambda photo: WORST.index(photo.verdict))

    @property
    def machine(self) -> str:
        """The machine's verdict: the worst of its photos'."""
        return min((photo.machine for photo in self.photos), key=WORST.index)

    @property
    def verdict(self) -> str:
        """As it stands: the worst of its photos', people's word before the machine's."""
        return self.deciding.verdict

    @property
    def people(self) -> tuple[Standing, ...]:
        """What people entered about any of its photos and didn't withdraw, in order."""
        order = {row.hash: row.seq for row in self.history}
        return tuple(sorted((one for photo in self.photos for one in photo.people), key=lambda one: order[one[0]]))

    def photo(self, name: str) -> PartPhoto:
        """One of its photos; the deciding one where none is named."""
        return next((photo for photo in self.photos if photo.name == name), self.deciding)


def find_part(ledger: Ledger, part: str, lot: str | None = None) -> Part:
    """A part by the name of one of its photos or by its serial number.

    Args:
        ledger: that holds it.
        part: photo's name or serial number.
        lot: where several lots have it.

    Raises:
        BadData: there is none, or several lots have one.
        LedgerDamaged: one of its entries is not as it was written.
    """
    rows = _machine(ledger.found(f"{SERIAL} = ?", (part,))) or _machine(ledger.found(IN_ALL_LOTS, (part,)))
    lots = sorted({row.entry.lot for row in rows})
    if lot is not None:
        rows = [row for row in rows if row.entry.lot == lot]
    if not rows:
        if lot is not None and lots:
            raise Told("entering.other_lot", part=legible(part), ledger=ledger.path.name, lot=legible(lot), lots=", ".join(lots))
        raise Told("entering.no_part", part=legible(part), ledger=ledger.path.name)
    if len({row.entry.lot for row in rows}) > 1:
        raise Told("entering.several_lots", part=legible(part), lots=", ".join(lots))
    name, found = serial_of(rows[-1].entry), rows[-1].entry.lot
    if name:
        rows = [row for row in _machine(ledger.found(f"{SERIAL} = ?", (name,))) if row.entry.lot == found]
    photos = sorted({photo_name(row.entry) for row in rows})
    marks = ", ".join("?" * len(photos))
    history = ledger.found(f"lot = ? AND photo IN ({marks})", (found, *photos))
    pointing = ledger.found("kind = 'complaint'")
    known = {row.hash for row in history}
    history += [row for row in pointing if known & set(getattr(row.entry, "points_to", ()))]
    return Part(found, name or photos[0], part_photos(history), tuple(sorted(history, key=lambda row: row.seq)))


def part_photos(history: Iterable[Row]) -> tuple[PartPhoto, ...]:
    """The photos of a part's entries, those that stand."""
    rows = list(history)
    last = dict[str, list[_Judged]]()
    for row in _machine(rows):
        name = photo_name(row.entry)
        last[name] = standing(last.get(name, ()), _Judged(row))
    people = not_withdrawn(rows)
    return tuple(_photo(judged.row, rows, people) for judged_rows in last.values() for judged in judged_rows)


def not_withdrawn(rows: Iterable[Row]) -> list[tuple[str, PersonsEntry]]:
    """(hash, entry) of what people entered and didn't take back, without the withdrawals."""
    listed = [(row.hash, row.entry) for row in rows if isinstance(row.entry, PersonsEntry)]
    gone = {entry.refers_to for _, entry in listed if isinstance(entry, Withdrawal)}
    return [(digest, entry) for digest, entry in listed if digest not in gone and not isinstance(entry, Withdrawal)]


def photo_name(entry: AnyEntry) -> str:
    """The photo that an entry is about."""
    return entry.photo.name if isinstance(entry, InspectionRecord) else entry.name


def serial_of(entry: object) -> str:
    """The serial number of a machine's entry; empty where it has none."""
    part = entry.part if isinstance(entry, InspectionRecord | RefusedPhoto) else None
    return part.serial if part is not None else ""


class _Judged:
    """A machine's entry as `standing` asks for it."""

    def __init__(self, row: Row) -> None:
        self.row, entry = row, row.entry
        self.refused = isinstance(entry, RefusedPhoto)
        self.sha256 = entry.photo.sha256 if isinstance(entry, InspectionRecord) else getattr(entry, "sha256", None)


def _photo(row: Row, rows: list[Row], people: list[tuple[str, PersonsEntry]]) -> PartPhoto:
    entry = row.entry
    later = [r.entry for r in rows if isinstance(r.entry, LaterWords | Confirmation) and r.entry.refers_to == row.hash]
    for one in sorted(later, key=lambda one: isinstance(one, Confirmation)):  # a person's word wins over any other
        entry = with_later(entry, one) if isinstance(entry, InspectionRecord) else entry
    assert isinstance(entry, InspectionRecord | RefusedPhoto)
    own = tuple((digest, one) for digest, one in people if one.refers_to == row.hash and not isinstance(one, Withdrawal))
    return PartPhoto(row, entry, own)  # type: ignore[arg-type]


def _machine(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if isinstance(row.entry, InspectionRecord | RefusedPhoto)]
