"""How long pictures stay: deleted by an entry that says so, unless somebody holds them; records and hashes stay, and stay provable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from seewhy.agent.ledger.chain import Stored
from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.people.acts import entry_of, find_entry, said_by
from seewhy.agent.people.parts import find_part
from seewhy.agent.people.roles import Who
from seewhy.errors import BadData
from seewhy.people import Erasure, Hold, Withdrawal

RESTING = ("inspection", "correction", "missed_defect")  # kinds of entries that rest on pictures
KEPT = "application/json"  # cards, policies and manifests are no pictures, and stay


def hold(ledger: Ledger, who: Who, *, lot: str, part: str = "") -> Row:
    """Keep all pictures of a lot, or of one part, until the hold is lifted.

    Args:
        ledger: open to write.
        who: asks for it, in which role and why.
        lot: its name.
        part: a photo's name or a part's serial number; empty for the whole lot.

    Raises:
        BadData: there is no such lot or part, or the person may not.
    """

    def look() -> tuple[Hold, Pictured]:
        said = said_by(ledger, who, Hold)
        if not part:
            if lot not in ledger.lots():
                raise BadData(f"{ledger.path} holds no lot {lot!r}; it holds {', '.join(ledger.lots()) or 'none'}")
            return entry_of(Hold, said | {"lot": lot}), {}
        photo = find_part(ledger, part, lot).photo(part)
        return entry_of(Hold, said | {"lot": lot, "product": photo.entry.product, "name": part, "refers_to": photo.row.hash}), {}

    return ledger.append_after(look)


def lift(ledger: Ledger, entry: str, who: Who) -> Row:
    """Lift a hold.

    Args:
        ledger: open to write.
        entry: the hold's number or hash.
        who: lifts it, in which role and why.

    Raises:
        BadData: it is no hold, or was lifted already, or the person may not.
    """

    def look() -> tuple[Withdrawal, Pictured]:
        said, row = said_by(ledger, who, Hold), find_entry(ledger, entry)
        if not isinstance(row.entry, Hold) or row.hash not in {digest for digest, _ in holds(ledger)}:
            raise BadData(f"entry {entry} is no hold that stands")
        return entry_of(Withdrawal, said | {"lot": row.entry.lot, "name": row.entry.name, "refers_to": row.hash}), {}

    return ledger.append_after(look)


def holds(ledger: Ledger) -> list[tuple[str, Hold]]:
    """(hash, hold) of those that stand."""
    rows = ledger.found("kind IN ('hold', 'withdrawal')")
    lifted = {row.entry.refers_to for row in rows if isinstance(row.entry, Withdrawal)}
    return [(row.hash, row.entry) for row in rows if isinstance(row.entry, Hold) and row.hash not in lifted]


def erase(ledger: Ledger, who: Who, *, older_than_days: float, lot: str = "") -> Row | None:
    """Delete the pictures of entries older than so many days; None where there is nothing to delete.

    A picture that a younger entry or one on hold rests on too stays.

    Args:
        ledger: open to write.
        who: deletes, in which role, and by which policy.
        older_than_days: 0 or more.
        lot: only this one.

    Raises:
        BadData: the person may not.
        LedgerError: the ledger can't be written, or an entry is not as it was written.
    """
    if older_than_days < 0:
        raise BadData(f"an age is 0 days or more, not {older_than_days}")
    before = (datetime.now(UTC) - timedelta(days=older_than_days)).isoformat(timespec="milliseconds")
    head = ledger.head
    digests = _to_erase(ledger, before, lot)
    if not digests:
        return None

    def look() -> tuple[Erasure, Pictured]:
        if ledger.head != head:
            raise BadData(f"another program wrote to {ledger.path} meanwhile; run this again")
        said = said_by(ledger, who, Erasure)
        return entry_of(Erasure, said | {"lot": lot, "before": before, "erased": tuple(sorted(digests))}), {}

    return ledger.append_after(look)


def _to_erase(ledger: Ledger, before: str, lot: str) -> set[str]:
    held = [(one.lot, _photos_of(ledger, one)) for _, one in holds(ledger)]
    old, kept = set[str](), set[str]()
    for row in (row for row in ledger.stored() if row.kind in RESTING):
        on_hold = any(row.lot == name and (photos is None or row.photo in photos) for name, photos in held)
        goes = row.at < before and lot in ("", row.lot) and not on_hold
        (old if goes else kept).update(_pictures(row))
    return {digest for digest in old - kept if ledger.media(digest) is not None}


def _photos_of(ledger: Ledger, one: Hold) -> set[str] | None:
    """The names of the photos that a hold is about; None for all of its lot."""
    return {photo.name for photo in find_part(ledger, one.name, one.lot).photos} if one.name else None


def _pictures(row: Stored) -> Iterator[str]:
    for item in json.loads(row.body).get("evidence", ()):
        if item["media_type"] != KEPT:
            yield item["sha256"]
