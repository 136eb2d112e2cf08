"""Parts that people looked at and let pass, as good photos for the next model: of the light and the product as they are now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.good import FromLedger, Reviewed
from seewhy.agent.photos.folders import files_below
from seewhy.agent.photos.names import on_disk
from seewhy.agent.photos.samples import Sample
from seewhy.agent.quality.seen import Seen, read
from seewhy.canonical import sha256_file
from seewhy.errors import BadData
from seewhy.people import Review
from seewhy.prompts.legible import legible

NAMED = 5  # products in a message


@dataclass(frozen=True, slots=True)
class JudgedGood:
    """What a ledger and a folder of photos give for a fit.

    Attributes:
        samples: the photos, named by lot and photo.
        known: what the model keeps of them.
        lost: names of reviewed parts whose photos aren't there any more, or are others by now.
    """

    samples: tuple[Sample, ...]
    known: FromLedger
    lost: tuple[str, ...]


def judged_good(ledger: Path, photos: Path, product: str = "", since: str = "") -> JudgedGood:
    """The photos of a product that people reviewed and let pass, and how they came to be reviewed.

    A part counts as it stands: whoever agrees with a pass, overrules a fail, or decides for a pass has looked at it; a missed defect
    that was noted on it since makes it no good part. Master parts and parts of agreement studies were chosen, and don't count.

    Args:
        ledger: a ledger; it is only read.
        photos: folder in or below which the photos lie; each is known by the SHA-256 in its record.
        product: its name in the records; may be left out where the ledger is of one.
        since: number of the first entry, or ISO date or time, from which on parts count; "" takes those from the photo on from which an
            alarm says that good parts score otherwise, where the last photo was judged under one, else all.

    Raises:
        BadData: the ledger is of several products, or not of this one; nobody let a part pass; none of the photos is there.
        LedgerError: there is no such ledger, or it was damaged.
    """
    with Ledger(ledger, read_only=True) as book:
        made = read(book).production()
    wanted = _product(product, sorted({one.product for one in made}), ledger.name)
    counted = since_when([one for one in made if one.product == wanted], since)
    good = [one for one in counted if isinstance(one.reviewed, Review) and one.verdict == "pass" and one.machine != "refused"]
    if not good:
        after = f" since {since}" if since else ""
        raise BadData(f"nobody has reviewed a part of {legible(wanted)!r} and let it pass in {ledger.name}{after}; see `seewhy review`")
    found = _found(photos, good)
    if not found:
        raise BadData(f"{photos} holds none of the {len(good)} photos that people let pass; give the folder that holds those of the lots")
    samples = tuple(
        Sample(path, photos, f"{one.lot}/{one.photo}", wanted, kind="good") for one in good if (path := found.get(one.hash)) is not None
    )
    taken = tuple(
        Reviewed(f"{one.lot}/{one.photo}", one.sha256 or "", one.reviewed.by if one.reviewed else "", one.hash)
        for one in good
        if one.hash in found
    )
    return JudgedGood(samples, FromLedger(taken, _looked_at(counted)), tuple(one.photo for one in good if one.hash not in found))


def _product(asked: str, there: Sequence[str], ledger: str) -> str:
    named = ", ".join(map(legible, there[:NAMED])) or "no inspection"
    if asked and asked not in there:
        raise BadData(f"{ledger} holds nothing of {legible(asked)!r}; it holds {named}")
    if not asked and len(there) != 1:
        raise BadData(f"{ledger} holds {named}: give the card of the one product that is learned")
    return asked or there[0]


def since_when(made: Sequence[Seen], since: str) -> list[Seen]:
    """Those from an entry or a time on.

    Args:
        made: photos of a product, in the order of their entries.
        since: see `judged_good`.

    Raises:
        BadData: it is neither.
    """
    if since.isdecimal():
        return [one for one in made if one.seq >= int(since)]
    if since:
        try:
            first = _moment(since)
        except ValueError:
            raise BadData(f"--since {since!r} is neither an entry's number nor a date such as 2026-11-26") from None
        return [one for one in made if _moment(one.at) >= first]
    alarm = made[-1].drift if made else None
    if alarm is None:
        return list(made)
    raised = next((at for at, one in enumerate(made) if (one.photo, one.lot) == (alarm.alarm, alarm.alarm_lot)), len(made) - 1)
    first_at = next((at for at in range(raised, -1, -1) if made[at].photo == alarm.since), 0)  # other lots may have photos of its name
    return list(made[first_at:])


def _moment(told: str) -> datetime:
    """A date or time; of UTC where it doesn't say otherwise."""
    moment = datetime.fromisoformat(told)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _found(photos: Path, good: Sequence[Seen]) -> dict[str, Path]:
    """Where each photo lies, by the hash of its entry: a file of its name with its content."""
    if not photos.is_dir():
        raise BadData(f"{photos} is no folder; give the one that holds the photos of the lots")
    wanted, places = {Path(on_disk(one.photo)).name for one in good}, dict[str, Path]()
    for path in files_below(photos):
        if path.name in wanted:
            places.setdefault(sha256_file(path), path)
    return {one.hash: places[one.sha256] for one in good if one.sha256 in places}


def _looked_at(counted: Sequence[Seen]) -> dict[str, tuple[int, int]]:
    """By the machine's verdict, how many parts people looked at, and of how many."""
    all_, looked = Counter(one.machine for one in counted), Counter(one.machine for one in counted if one.reviewed is not None)
    return {verdict: (looked[verdict], all_[verdict]) for verdict in sorted(all_)}
