"""Past findings that look like one: by the looks of their crops (faiss), from an index beside the ledger that can be lost."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from seewhy.agent.inspection.evidence import picture_of
from seewhy.agent.ledger.store import Ledger, Row
from seewhy.disk import write_file
from seewhy.errors import BadData, LedgerError, NotWritten
from seewhy.explainers.knowledge import DESCRIPTOR, crop_descriptor
from seewhy.nearest import faiss
from seewhy.record import Confirmation, Explanation, InspectionRecord, LaterWords, Unexplained
from seewhy.types import Pixels

ENDING = ".regions.npz"


@dataclass(frozen=True, slots=True)
class Past:
    """One finding of the past."""

    entry: int  # its record's number in the ledger
    hash: str  # of that entry
    at: str  # when it was inspected, ISO 8601, UTC
    lot: str
    product: str
    photo: str
    photo_sha256: str
    finding: int
    type: str
    verdict: str
    confirmed_by: str = ""  # who named the type; empty: nobody
    likeness: float = 0.0  # cosine of the two crops' gradients, 1 for equal ones


@dataclass(frozen=True, slots=True)
class Among:
    """Which findings of the past are asked for; what is empty doesn't matter."""

    product: str = ""
    type: str = ""
    since: str = ""  # ISO 8601: "2026-11-01"
    until: str = ""  # up to and without
    confirmed: bool = False  # only those that a person named
    other_than: str = ""  # SHA-256 of a photo that is left out: the finding's own

    def holds(self, past: Past) -> bool:
        """Whether a finding is one of them."""
        wanted = ((self.product, past.product), (self.type, past.type))
        when = past.at >= self.since and (not self.until or past.at < self.until)
        named = bool(past.confirmed_by) or not self.confirmed
        return all(value in ("", own) for value, own in wanted) and when and named and past.photo_sha256 != self.other_than


def similar_to(crop: Pixels, ledger: Path, k: int, among: Among, *, keep: bool = True) -> list[Past]:
    """The `k` past findings whose crops look most like one, best first.

    The index lies beside the ledger (`LEDGER.regions.npz`); it is made anew from the ledger's pictures where it is lost, damaged or of
    another ledger, and grows with it. Where it can't be written, the answer is the same and takes longer.

    Args:
        crop: (H, W, 3) the finding with its surroundings, as records keep it.
        ledger: where the past is.
        k: how many.
        among: which of them.
        keep: write the index beside the ledger.

    Raises:
        BadData: `k` is none.
        LedgerError: there is no such ledger, or an entry or picture is not as it was written.
    """
    if k < 1:
        raise BadData(f"k is how many findings are wanted, 1 or more, not {k}")
    with Ledger(ledger, read_only=True) as book:
        index = _Index.beside(book, keep=keep)
    rows = [row for row, past in enumerate(index.past) if among.holds(past)]
    if not rows:
        return []
    search = faiss.IndexFlatIP(DESCRIPTOR)
    search.add(np.ascontiguousarray(index.vectors[rows]))
    likeness, found = search.search(crop_descriptor(crop)[None], min(k, len(rows)))
    pairs = zip(found[0], likeness[0], strict=True)
    return [replace(index.past[rows[at]], likeness=round(float(cosine), 4)) for at, cosine in pairs]


@dataclass(slots=True)
class _Index:
    """Looks and facts of all findings up to an entry of the ledger."""

    entries: int
    head: str  # hash of that entry
    past: list[Past]
    vectors: npt.NDArray[np.float32]  # (N, DESCRIPTOR)

    @classmethod
    def beside(cls, ledger: Ledger, *, keep: bool) -> _Index:
        """What lies beside the ledger, with what was written since."""
        path = ledger.path.with_name(f"{ledger.path.name}{ENDING}")
        index = cls._read(path, ledger) or cls(0, "", [], np.zeros((0, DESCRIPTOR), np.float32))
        if index._grow(ledger) and keep:
            with suppress(NotWritten):
                write_file(path, index._bytes())
        return index

    @classmethod
    def _read(cls, path: Path, ledger: Ledger) -> _Index | None:
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as data:
                facts = json.loads(str(data["facts"]))
                index = cls(facts["entries"], facts["head"], [Past(**one) for one in facts["past"]], data["vectors"])
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
            return None
        there = [stored.hash for stored in ledger.found_stored("seq = ?", (index.entries,))]
        fits = there == [index.head] and index.vectors.shape == (len(index.past), DESCRIPTOR)
        return index if fits else None

    def _grow(self, ledger: Ledger) -> bool:
        """Take in what was written since; whether there was anything."""
        before, new = self.entries, list[npt.NDArray[np.float32]]()
        for stored in ledger.found_stored("seq > ?", (before,)) if before else ledger.stored():
            row = ledger.parsed(stored)
            if isinstance(row.entry, InspectionRecord):
                for past, crop in _findings(row, row.entry, ledger):
                    self.past.append(past)
                    new.append(crop_descriptor(crop))
            elif isinstance(row.entry, LaterWords | Confirmation):
                self._renamed(row.entry)
            self.entries, self.head = row.seq, row.hash
        if new:
            self.vectors = np.concatenate([self.vectors, np.stack(new)])
        return self.entries != before

    def _renamed(self, later: LaterWords | Confirmation) -> None:
        """A person's word wins over any other, whenever it came."""
        said = {later.finding: later.type} if isinstance(later, Confirmation) else _types(later)
        by = later.by if isinstance(later, Confirmation) else ""
        for at, past in enumerate(self.past):
            if past.hash == later.refers_to and past.finding in said and (by or not past.confirmed_by):
                self.past[at] = replace(past, type=said[past.finding], confirmed_by=by or past.confirmed_by)

    def _bytes(self) -> bytes:
        out = io.BytesIO()
        facts = {"entries": self.entries, "head": self.head, "past": [asdict(past) for past in self.past]}
        np.savez(out, facts=np.array(json.dumps(facts)), vectors=self.vectors)
        return out.getvalue()


def _findings(row: Row, record: InspectionRecord, ledger: Ledger) -> Iterator[tuple[Past, Pixels]]:
    """Each finding of a record whose picture was kept."""
    kept = {e.name for e in record.evidence}
    for finding in record.findings:
        if f"crop-{finding.number}" not in kept:
            continue
        words = finding.explanation
        past = Past(
            entry=row.seq,
            hash=row.hash,
            at=record.inspected_at,
            lot=record.lot,
            product=record.product,
            photo=record.photo.name,
            photo_sha256=record.photo.sha256,
            finding=finding.number,
            type=(words.type.value or "") if isinstance(words, Explanation) else "",
            verdict=finding.ruling.verdict.value or "review",
        )
        yield past, picture_of(record, f"crop-{finding.number}", ledger.evidence)


def _types(later: LaterWords) -> dict[int, str]:
    words: Sequence[tuple[int, Explanation | Unexplained]] = [(f.number, f.explanation) for f in later.findings]
    return {number: one.type.value or "" for number, one in words if isinstance(one, Explanation)}


def crop_of_entry(ledger: Path, entry: int, finding: int) -> tuple[Pixels, InspectionRecord]:
    """A finding's kept crop, and its record, by the entry's number.

    Raises:
        LedgerError: there is no such entry or finding, or its picture was not kept.
    """
    with Ledger(ledger, read_only=True) as book:
        row = next(iter(book.found("seq = ?", (entry,))), None)
        if row is None or not isinstance(row.entry, InspectionRecord):
            raise LedgerError(f"entry {entry} of {ledger} is no inspection; look one up with `record`")
        return picture_of(row.entry, f"crop-{finding}", book.evidence), row.entry
