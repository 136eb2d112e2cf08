"""A lot, photo by photo, into a ledger: resumable at any moment, in the order of the list, whatever the workers do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import torch

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.recording import Examined
from seewhy.agent.ledger.claims import claimed
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.faults import unforeseen
from seewhy.agent.lots.known import Known, word_of
from seewhy.agent.people.settings import note_settings
from seewhy.agent.photos.layouts import Sample
from seewhy.errors import BadData, BadImage
from seewhy.record import Entry, PartIdentity, RefusedPhoto
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
        return replace(self, **{(word := word_of(entry)): getattr(self, word) + 1})

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
        known = Known(inspector)
        for entry in entries(ledger, lot):
            known.add(entry)
        if not again:
            known.refuse_others(lot)
        note_settings(ledger, inspector, lot)
        left = [sample for sample in samples if not known.inspected(sample)]
        log = ledger.path.with_name(f"{ledger.path.name}.log")
        examined = _shared_out(lambda sample: _examined(inspector, sample, lot, log), left, workers)
        until, written = None if words_for_s is None else time.monotonic() + words_for_s, 0
        for entry, pictures in progress(_concluded(inspector, examined, until, log), f"lot {lot}", len(left)):
            if not known.says(entry):
                ledger.append(entry, pictures, claim=claim)
                known.add(entry)
                written += 1
    return Tally(**known.words(), skipped=len(samples) - written)


def _examined(inspector: Inspector, sample: Sample, lot: str, log: Path) -> Examined | RefusedPhoto:
    try:
        return inspector.examine(sample.path, lot=lot, name=sample.name, root=sample.root, part=sample.part)
    except BadImage as error:
        return refused(sample.name, error, lot, inspector.card.name, sample.part)
    except Exception as error:
        return refused(sample.name, unforeseen(error, sample.name, log), lot, inspector.card.name, sample.part)


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
            return refused(one.photo.name, fault, one.lot, inspector.card.name, one.part), {}
        return inspection.record, inspection.pictures | inspection.documents

    return in_order(entry_of, examined, inspector.explainer.in_flight)


def refused(name: str, error: BadImage, lot: str, product: str, part: PartIdentity | None = None) -> RefusedPhoto:
    """The ledger's entry for a photo that could not be inspected."""
    return RefusedPhoto(
        lot=lot,
        product=product,
        name=name,
        sha256=error.sha256,
        code=error.code,
        message=error.message,
        remedy=error.remedy,
        inspected_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        part=part,
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
