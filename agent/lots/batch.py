"""A lot, photo by photo, into a ledger: resumable at any moment, in the order of the list, whatever the workers do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import torch

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.recording import Examined
from seewhy.agent.ledger.claims import claimed
from seewhy.agent.ledger.reading import latest, standing
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.faults import unforeseen
from seewhy.agent.photos.images import read_bytes
from seewhy.agent.photos.layouts import Sample
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData, BadImage
from seewhy.record import Entry, RefusedPhoto
from seewhy.threads import in_order
from seewhy.types import Progress, silent

Pictured: TypeAlias = dict[str, tuple[str, bytes]]  # (media type, bytes) by SHA-256

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a lot's photos: each counts once, as the last entry about it says."""

    passed: int = 0
    failed: int = 0
    review: int = 0
    refused: int = 0
    skipped: int = 0  # photos of the list about which this run had nothing new to write

    def plus(self, entry: Entry) -> Tally:
        """The tally with one more entry."""
        return replace(self, **{(word := _word(entry)): getattr(self, word) + 1})

    @property
    def exit_code(self) -> int:
        """0 all passed; 1 something failed, needs a person, or was refused."""
        return int(bool(self.failed or self.review or self.refused))


def run_batch(
    inspector: Inspector,
    samples: Sequence[Sample],
    ledger: Ledger,
    *,
    lot: str,
    workers: int = 1,
    words_for_s: float | None = None,
    again: bool = False,
    progress: Progress[Any] = silent,
) -> Tally:
    """Inspect a lot. Photos that were inspected already are skipped, so the same call resumes a broken run; refused ones are tried again.

    Args:
        inspector: shared by all workers.
        samples: the photos, as `read_layout` lists them.
        ledger: where entries go, one transaction per photo, in the order of `samples`.
        lot: its name; a ledger can hold many.
        workers: threads; the machine's cores are shared out among them.
        words_for_s: seconds from the start after which nobody waits for an explainer's words any more; what is not described by then
            is `Unexplained`, and `explain_missing` fills it later. None: as long as they take.
        again: inspect anew what another model, card, policy or false-reject rate judged; the new entries supersede the old.
        progress: wraps the loop.

    Returns:
        The tally of the whole lot, entries of earlier runs included.

    Raises:
        LotClaimed: another run is inspecting the lot.
        BadData: the lot holds entries that another model, card, policy or rate made, and `again` wasn't asked for.
        LedgerError: the ledger, its log or the disk can't be written, or an earlier entry was changed.
    """
    if workers < 1:
        raise BadData(f"workers is a number of threads, 1 or more, not {workers}")
    with claimed(ledger, lot) as claim:
        stands = dict[str, list[_Standing]]()
        for _, entry in latest(ledger, lot):
            _note(stands, entry, inspector)
        if not again:
            _same_maker(stands, lot)
        left = [s for s in samples if not _inspected(s, stands.get(s.name, ()))]
        log = ledger.path.with_name(f"{ledger.path.name}.log")
        examined = _shared_out(lambda sample: _examined(inspector, sample, lot, log), left, workers)
        until, written = None if words_for_s is None else time.monotonic() + words_for_s, 0
        for entry, pictures in progress(_concluded(inspector, examined, until, log), f"lot {lot}", len(left)):
            if not _said_already(entry, stands):
                ledger.append(entry, pictures, claim=claim)
                _note(stands, entry, inspector)
                written += 1
    words = Counter(one.word for photo in stands.values() for one in photo)
    return Tally(**words, skipped=len(samples) - written)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a run needs to know of an entry that stands."""

    word: str  # as the tally calls it
    sha256: str | None
    content: str  # a refusal's content hash
    others: tuple[str, ...]  # what made it that this run hasn't: "model", "card", …

    @property
    def refused(self) -> bool:
        return self.word == "refused"


def _word(entry: Entry) -> str:
    return "refused" if isinstance(entry, RefusedPhoto) else {"pass": "passed", "fail": "failed"}.get(entry.verdict.value or "", "review")


def _note(stands: dict[str, list[_Standing]], entry: Entry, inspector: Inspector) -> None:
    if isinstance(entry, RefusedPhoto):
        name, new = entry.name, _Standing("refused", entry.sha256, entry.content_sha256, ())
    else:
        name, new = entry.photo.name, _Standing(_word(entry), entry.photo.sha256, "", inspector.others(entry))
    stands[name] = standing(stands.get(name, ()), new)


def _same_maker(stands: Mapping[str, Sequence[_Standing]], lot: str) -> None:
    others = Counter(what for photo in stands.values() for one in photo for what in one.others)
    if others:
        what = ", ".join(f"another {word} ({count})" for word, count in others.items())
        raise BadData(
            f"the lot {lot!r} holds photos that were judged by {what}; give the lot another name, or --again to inspect them anew: "
            "the new entries supersede the old ones, which stay in the ledger"
        )


def _inspected(sample: Sample, stand: Sequence[_Standing]) -> bool:
    """Whether this very file was inspected as this run would; one that can't be read now was, if its name was. A changed one wasn't."""
    own = [one.sha256 for one in stand if not one.refused and not one.others]
    return bool(own) and _digest(sample) in (None, *own)


def _digest(sample: Sample) -> str | None:
    try:
        return sha256_bytes(read_bytes(sample.path, sample.root))
    except BadImage as error:
        return error.sha256


def _said_already(entry: Entry, stands: Mapping[str, Sequence[_Standing]]) -> bool:
    """Whether it is a refusal that stands word for word."""
    return isinstance(entry, RefusedPhoto) and entry.content_sha256 in {one.content for one in stands.get(entry.name, ())}


def _examined(inspector: Inspector, sample: Sample, lot: str, log: Path) -> Examined | RefusedPhoto:
    try:
        return inspector.examine(sample.path, lot=lot, name=sample.name, root=sample.root)
    except BadImage as error:
        return refused(sample, error, lot, inspector.card.name)
    except Exception as error:
        return refused(sample, unforeseen(error, sample.name, log), lot, inspector.card.name)


def _concluded(
    inspector: Inspector, examined: Iterable[Examined | RefusedPhoto], until: float | None, log: Path
) -> Iterator[tuple[Entry, Pictured]]:
    """Entries in order; while an explainer waits for its server, further photos are examined."""

    def entry_of(one: Examined | RefusedPhoto) -> tuple[Entry, Pictured]:
        if isinstance(one, RefusedPhoto):
            return one, {}
        try:
            inspection = inspector.conclude(one, until)
        except Exception as error:
            fault = unforeseen(error, one.photo.name, log, one.photo.sha256)
            return _refusal(one.photo.name, fault, one.lot, inspector.card.name), {}
        return inspection.record, inspection.pictures | inspection.documents

    return in_order(entry_of, examined, inspector.explainer.in_flight)


def refused(sample: Sample, error: BadImage, lot: str, product: str) -> RefusedPhoto:
    """The ledger's entry for a file that could not be inspected."""
    return _refusal(sample.name, error, lot, product)


def _refusal(name: str, error: BadImage, lot: str, product: str) -> RefusedPhoto:
    return RefusedPhoto(
        lot=lot,
        product=product,
        name=name,
        sha256=error.sha256,
        code=error.code,
        message=error.message,
        remedy=error.remedy,
        inspected_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def _shared_out(work: Callable[[T], R], items: Sequence[T], workers: int) -> Iterator[R]:
    """`in_order` for work that fills the machine's cores: they are shared out among the workers."""
    if workers == 1:
        yield from map(work, items)
        return
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // workers))
    try:
        yield from in_order(work, items, workers)
    finally:
        torch.set_num_threads(before)
