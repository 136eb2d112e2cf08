"""A lot, photo by photo, into a ledger: resumable at any moment, in the order of the list, whatever the workers do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

import torch

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.recording import Examined
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
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
    """What became of a lot's photos in one run."""

    passed: int = 0
    failed: int = 0
    review: int = 0
    refused: int = 0
    skipped: int = 0  # had an entry already

    def plus(self, entry: Entry) -> Tally:
        """The tally with one more entry."""
        word = (
            "refused" if isinstance(entry, RefusedPhoto) else {"pass": "passed", "fail": "failed"}.get(entry.verdict.value or "", "review")
        )
        return Tally(**{name: getattr(self, name) + (name == word) for name in self.__slots__})

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
    progress: Progress[Any] = silent,
) -> Tally:
    """Inspect a lot. Photos that have an entry in it already are skipped, so the same call resumes a broken run.

    Args:
        inspector: shared by all workers.
        samples: the photos, as `read_layout` lists them.
        ledger: where entries go, one transaction per photo, in the order of `samples`.
        lot: its name; a ledger can hold many.
        workers: threads; the machine's cores are shared out among them.
        words_for_s: seconds from the start after which nobody waits for an explainer's words any more; what is not described by then
            is `Unexplained`, and `explain_missing` fills it later. None: as long as they take.
        progress: wraps the loop.

    Returns:
        The tally of the whole lot, entries of earlier runs included.
    """
    if workers < 1:
        raise BadData(f"workers is a number of threads, 1 or more, not {workers}")
    done = ledger.done(lot)
    left = [s for s in samples if not _has_entry(s, done)]
    tally = Tally(skipped=len(samples) - len(left))
    for entry in entries(ledger, lot) if done else ():
        tally = tally.plus(entry)
    examined = _shared_out(lambda sample: _examined(inspector, sample, lot), left, workers)
    made = _concluded(inspector, examined, None if words_for_s is None else time.monotonic() + words_for_s)
    for entry, pictures in progress(made, f"lot {lot}", len(left)):
        ledger.append(entry, pictures)
        tally = tally.plus(entry)
    return tally


def _has_entry(sample: Sample, done: set[tuple[str, str | None]]) -> bool:
    """Whether this very file, by name and content, is in the ledger; a changed file is another photo."""
    return bool(done) and ((sample.name, None) in done or (sample.name, _digest(sample)) in done)


def _digest(sample: Sample) -> str | None:
    try:
        return sha256_bytes(read_bytes(sample.path, sample.root))
    except BadImage as error:
        return sha256_bytes(b"") if error.code == "empty" else None


def _examined(inspector: Inspector, sample: Sample, lot: str) -> Examined | RefusedPhoto:
    try:
        return inspector.examine(sample.path, lot=lot, name=sample.name, root=sample.root)
    except BadImage as error:
        return refused(sample, error, lot, inspector.card.name)


def _concluded(inspector: Inspector, examined: Iterable[Examined | RefusedPhoto], until: float | None) -> Iterator[tuple[Entry, Pictured]]:
    """Entries in order; while an explainer waits for its server, further photos are examined."""

    def entry_of(one: Examined | RefusedPhoto) -> tuple[Entry, Pictured]:
        if isinstance(one, RefusedPhoto):
            return one, {}
        inspection = inspector.conclude(one, until)
        return inspection.record, inspection.pictures | inspection.documents

    return in_order(entry_of, examined, inspector.explainer.in_flight)


def refused(sample: Sample, error: BadImage, lot: str, product: str) -> RefusedPhoto:
    """The ledger's entry for a file that could not be inspected."""
    return RefusedPhoto(
        lot=lot,
        product=product,
        name=sample.name,
        sha256=_digest(sample),
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
