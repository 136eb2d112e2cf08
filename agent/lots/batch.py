"""A lot, photo by photo, into a ledger: resumable at any moment, in the order of the list, whatever the workers do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.claims import claimed
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.awaited import Awaited
from seewhy.agent.lots.faults import examined_or_refused
from seewhy.agent.lots.known import Known
from seewhy.agent.lots.tally import Tally
from seewhy.agent.people.settings import note_settings
from seewhy.agent.photos.layouts import Sample
from seewhy.errors import BadData
from seewhy.threads import side_by_side
from seewhy.types import Progress, silent


def run_batch(
    inspector: Inspector,
    samples: Sequence[Sample],
    ledger: Ledger,
    *,
    lot: str,
    workers: int = 1,
    words_for_s: float | None = None,
    again: bool = False,
    watch: bool = True,
    progress: Progress[Any] = silent,
) -> Tally:
    """Inspect a lot. Photos that were inspected already are skipped, so the same call resumes a broken run; refused ones are tried again.

    A verdict doesn't wait for an explainer that is silent, see `Awaited`; what it still owes in the end, `explain_missing` fills in.

    Args:
        inspector: shared by all workers.
        samples: the photos, as `read_layout` lists them.
        ledger: where entries go, one transaction per photo, in the order of `samples`.
        lot: its name; a ledger can hold many.
        workers: threads; the machine's cores are shared out among them.
        words_for_s: seconds from the start after which nobody waits for an explainer's words any more; what is not described by then
            is `Unexplained`, and `explain_missing` fills it later. None: as long as they take.
        again: inspect anew what another model, card, policy or false-reject rate judged; the new entries supersede the old.
        watch: compare good parts with the calibration as they come (`seewhy.agent.quality.martingale`); after an alarm nothing passes by
            itself. Where this is turned off the records say so.
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
        known = Known(inspector, ledger, lot, claim, watch=watch)
        if not again:
            known.refuse_others(lot)
        note_settings(ledger, inspector, lot)
        left = [sample for sample in samples if not known.inspected(sample)]
        log = ledger.path.with_name(f"{ledger.path.name}.log")
        examined = side_by_side(lambda sample: examined_or_refused(inspector, sample, lot, log), left, workers)
        until = None if words_for_s is None else time.monotonic() + words_for_s
        written = Awaited(inspector, known, until, log).written(examined)
        for _ in progress(written, f"lot {lot}", len(left)):
            pass
    return Tally(**known.words(), skipped=len(samples) - known.written)
