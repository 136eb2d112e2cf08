"""Which entry a changed file of a bundle belongs to, read from what is left of the bundle."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from seewhy.agent.ledger.chain import Stored, hash_of
from seewhy.agent.ledger.nodes import leaf_of
from seewhy.agent.ledger.tree import included
from seewhy.agent.proof.bundle import Head, named_in
from seewhy.errors import LedgerError
from seewhy.prompts.legible import legible
from seewhy.reports.places import Place
from seewhy.reports.seal import where_changed

ROW = b'{"at":"'  # how an entry begins in canonical JSON; within a body the quotes are escaped
SEQ = re.compile(rb'"seq":(\d{1,15})[,}]')


def concerned(name: str, files: Mapping[str, bytes]) -> tuple[int | None, str]:
    """(entry, place in the document) that a changed file belongs to; None and empty where that can't be said.

    A picture or photo belongs to the first entry that names it, a report's photo to the last inspection of it, `bundle.json` to the
    first entry in it that is not as it was written.

    Args:
        name: of the file.
        files: the bundle's, as they are now.
    """
    data = files.get("bundle.json", b"")
    if name == "bundle.json":
        return _first_bad(data), ""
    folder, _, file = name.rpartition("/")
    rows = [row for _, row, _ in _entries(data) if row is not None]
    if folder in ("evidence", "photos"):
        digest = file.partition(".")[0]
        return next((row.seq for row in rows if digest == row.photo_sha256 or digest in _named(row)), None), ""
    place = where_changed(files[name]) if name.startswith("report.") and name in files else None
    return entry_about(rows, place), str(place or "")


def entry_about(rows: Iterable[Stored], place: Place | None, lot: str | None = None) -> int | None:
    """Number of the machine's last entry about a photo; None where it isn't a photo's place, or several lots have such a photo.

    Args:
        rows: entries, in order.
        place: where in a document; HTML has a photo's name as it can be read, JSON as it was recorded.
        lot: the document's, where that is known.
    """
    if place is None or not place.photo:
        return None
    machine = (row for row in rows if row.kind in ("inspection", "refusal") and lot in (None, row.lot))
    about = [row for row in machine if place.photo in (row.photo, legible(row.photo))]
    return about[-1].seq if len({row.lot for row in about}) == 1 else None


def unproved(row: Stored, proof: list[bytes], head: Head) -> str:
    """Why an entry is not as it was written, or not in the ledger of this head; empty where it is."""
    try:
        leaf = leaf_of(row.hash)
        if hash_of(row) != row.hash or not isinstance(json.loads(row.body), dict):
            return "it was changed after it was written"
        if not included(leaf, row.seq - 1, head.entries, proof, bytes.fromhex(head.root)):
            return "its proof doesn't lead to the ledger's root"
    except (LedgerError, TypeError, ValueError):
        return "it is no entry of a ledger"
    return ""


def _named(row: Stored) -> set[str]:
    """What an entry rests on, by SHA-256; nothing where its body isn't that of an entry."""
    try:
        return {digest for digest, _ in named_in(row)}
    except (AttributeError, KeyError, TypeError, ValueError):
        return set()


def _first_bad(data: bytes) -> int | None:
    """Number of the first entry in a changed `bundle.json` that isn't as it was written."""
    try:
        head = Head(**json.loads(data[data.rindex(b'"ledger":') + len(b'"ledger":') : data.rindex(b',"lot":')]))
    except (TypeError, ValueError):
        return None
    return next((seq for seq, row, proof in _entries(data) if row is None or unproved(row, proof, head)), None)


def _entries(data: bytes) -> Iterator[tuple[int | None, Stored | None, list[bytes]]]:
    """(number, columns, proof) of each entry in a `bundle.json`, be the rest of it broken; no columns where they can't be read."""
    for piece in data.split(ROW)[1:]:
        found = SEQ.search(piece)
        seq = int(found[1]) if found else None
        try:
            row, _ = json.JSONDecoder().raw_decode((ROW + piece).decode())
            yield seq, Stored(**{name: row[name] for name in Stored._fields}), [bytes.fromhex(step) for step in row["proof"]]
        except (KeyError, TypeError, ValueError):
            yield seq, None, []
