"""What a ledger says of its photos, in one pass and few bytes each: enough for charts, studies and lots of any size."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from seewhy.agent.ledger.chain import Stored
from seewhy.agent.ledger.reading import standing
from seewhy.agent.ledger.store import AnyEntry, Ledger, Pictured, Row
from seewhy.errors import BadData
from seewhy.people import MissedDefect, Person, PersonsEntry, Review, Withdrawal, decided_by, outcome
from seewhy.record import Confirmation, Drift, LaterWords
from seewhy.studies import MasterRun, StudyDone

MACHINE = ("inspection", "refusal")


@dataclass(slots=True)
class Spot:
    """One finding.

    Attributes:
        type: by its words; "unknown" where they have none.
        at: centroid in shares of the photo's width and height.
        size: maximum Feret diameter, mm where the card has a scale, else px; None where it wasn't measured.
        also_unusual: whether it lies in an unusual photo and would not be unusual by itself.
        confirmed: whether a person said what it is.
    """

    number: int
    type: str
    severity: str
    zone: str
    at: tuple[float, float]
    size: float | None
    unit: str
    also_unusual: bool = False
    confirmed: bool = False


@dataclass(slots=True)
class Seen:
    """One photo's entry that stands, and what people entered about it."""

    seq: int
    hash: str
    at: str  # ISO 8601
    lot: str
    product: str
    photo: str
    sha256: str | None
    serial: str
    station: str
    shift: str
    machine: str  # pass, fail, review or refused
    score: float | None = None
    threshold: float | None = None
    p_value: float | None = None
    calibration: int = 0  # good photos; 0 where the rate isn't calibrated
    model: str = ""
    drift: Drift | None = None  # the alarm under which it was judged
    size_px: tuple[int, int] = (1, 1)
    spots: tuple[Spot, ...] = ()
    people: list[Person] = field(default_factory=list)

    @property
    def counted(self) -> tuple[Spot, ...]:
        """The findings that tables and charts count: those that are unusual by themselves, and what a person named."""
        return tuple(spot for spot in self.spots if spot.confirmed or not spot.also_unusual)

    @property
    def refused(self) -> bool:
        """As `standing` asks."""
        return self.machine == "refused"

    @property
    def verdict(self) -> str:
        """As it stands: people's, else the machine's."""
        return outcome(self.machine, tuple(self.people))

    @property
    def reviewed(self) -> Review | MissedDefect | None:
        """The person's entry that decided; None while nobody did."""
        return decided_by(tuple(self.people))

    @property
    def part(self) -> str:
        """The part's serial number, else the photo's name."""
        return self.serial or self.photo


@dataclass(frozen=True, slots=True)
class Book:
    """What was read of a ledger.

    Attributes:
        photos: that stand, in the order of their entries.
        others: (seq, hash, at, entry) of people's entries that were not withdrawn, in order; those about photos are with these too.
    """

    photos: tuple[Seen, ...]
    others: tuple[tuple[int, str, str, PersonsEntry], ...]

    def of(self, *, lot: str = "", product: str = "", month: str = "") -> tuple[Seen, ...]:
        """The photos of a lot, a product, a month (YYYY-MM)."""
        return tuple(s for s in self.photos if lot in ("", s.lot) and product in ("", s.product) and s.at.startswith(month))

    def production(self, *, lot: str = "", product: str = "", month: str = "") -> tuple[Seen, ...]:
        """The same without master parts and the lots of agreement studies, whose parts were chosen."""
        chosen = {entry.lot for *_, entry in self.entries(MasterRun)}
        chosen |= {entry.lot for *_, entry in self.entries(StudyDone) if entry.study == "agreement"}
        return tuple(s for s in self.of(lot=lot, product=product, month=month) if s.lot not in chosen)

    def entries(self, *kinds: type[PersonsEntry]) -> Iterator[tuple[int, str, str, Any]]:
        """People's entries of some kinds."""
        return (one for one in self.others if isinstance(one[3], kinds))


def read(ledger: Ledger) -> Book:
    """One pass over the whole ledger; its chain is checked on the way.

    Raises:
        LedgerDamaged: an entry is not as it was written.
    """
    photos, people = dict[tuple[str, str], list[Seen]](), dict[str, tuple[int, str, str, PersonsEntry]]()
    by_hash = dict[str, Seen]()
    for stored in ledger.stored():
        if stored.kind in MACHINE:
            seen = _seen(stored)
            by_hash[seen.hash] = seen
            photos[seen.lot, seen.photo] = standing(photos.get((seen.lot, seen.photo), ()), seen)
            continue
        entry = ledger.parsed(stored).entry
        if isinstance(entry, LaterWords) and entry.refers_to in by_hash:
            _reword(by_hash[entry.refers_to], entry)
        elif isinstance(entry, Confirmation) and entry.refers_to in by_hash:
            _name(by_hash[entry.refers_to], entry)
        elif isinstance(entry, PersonsEntry):
            people[stored.hash] = stored.seq, stored.hash, stored.at, entry
    stand = _standing(people.values())
    for *_, said in stand:
        if said.refers_to in by_hash and isinstance(said, Person):
            by_hash[said.refers_to].people.append(said)
    listed = sorted((s for judged in photos.values() for s in judged), key=lambda s: s.seq)
    return Book(tuple(listed), tuple(stand))


def append_reading(ledger: Ledger, look: Callable[[Book], tuple[AnyEntry, Pictured]]) -> Row:
    """Write what `look` makes of the whole ledger, if nobody wrote in between.

    Raises:
        BadData: another program wrote meanwhile.
        LedgerError: as for `Ledger.append`.
    """
    head = ledger.head
    book = read(ledger)

    def unchanged() -> tuple[AnyEntry, Pictured]:
        if ledger.head != head:
            raise BadData(f"another program wrote to {ledger.path} meanwhile; run this again")
        return look(book)

    return ledger.append_after(unchanged)


def _standing(people: Iterable[tuple[int, str, str, PersonsEntry]]) -> list[tuple[int, str, str, PersonsEntry]]:
    listed = list(people)
    gone = {entry.refers_to for *_, entry in listed if isinstance(entry, Withdrawal)}
    return [one for one in listed if one[1] not in gone and not isinstance(one[3], Withdrawal)]


def _seen(stored: Stored) -> Seen:
    body = json.loads(stored.body)
    part = body.get("part") or {}
    common = (stored.seq, stored.hash, body["inspected_at"], stored.lot, body["product"], stored.photo, stored.photo_sha256)
    who = part.get("serial", ""), part.get("station", ""), part.get("shift", "")
    if stored.kind == "refusal":
        return Seen(*common, *who, "refused")
    decision, photo = body["decision"], body["photo"]
    size = photo["width_px"], photo["height_px"]
    return Seen(
        *common,
        *who,
        body["verdict"]["value"] or "review",
        score=decision["score"]["value"],
        threshold=decision["threshold"]["value"],
        p_value=decision["p_value"]["value"],
        calibration=decision["calibration_photos"] if decision["calibration"] == "calibrated" else 0,
        model=body["provenance"]["model_sha256"],
        drift=Drift.model_validate(decision["drift"]) if "drift" in decision else None,
        size_px=size,
        spots=tuple(_spot(finding, size) for finding in body["findings"]),
    )


def _spot(finding: dict[str, Any], size: tuple[int, int]) -> Spot:
    measured, words = finding["measured"], finding["explanation"]
    place, sizes = measured["location"], measured["size"]
    x, y = place["centroid_px"]["value"] or (0.0, 0.0)
    length = sizes["feret_mm"] if sizes["feret_mm"]["value"] is not None else sizes["feret"]
    return Spot(
        finding["number"],
        (words.get("type") or {}).get("value") or "unknown",
        finding["ruling"]["severity"]["value"] or "",
        place["part"]["value"] or place["cell"]["value"] or "",
        (x / size[0], y / size[1]),
        length["value"],
        length["unit"],
        (finding.get("p_value") or {}).get("status") == "unverified",
    )


def _reword(seen: Seen, words: LaterWords) -> None:
    seen.machine = words.verdict.value or "review"
    new = {one.number: one for one in words.findings}
    for spot in seen.spots:
        if spot.number in new:
            said = getattr(new[spot.number].explanation, "type", None)
            spot.type = (said.value if said is not None else None) or spot.type
            spot.severity = new[spot.number].ruling.severity.value or ""


def _name(seen: Seen, said: Confirmation) -> None:
    for spot in seen.spots:
        if spot.number == said.finding:
            spot.type, spot.confirmed = said.type, True
