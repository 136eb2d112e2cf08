"""Verdicts that don't wait for words: a lot's entries are written in the order of its list, slow words follow in entries of their own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.recording import Examined, Said
from seewhy.agent.inspection.result import Inspection
from seewhy.agent.inspection.words import not_yet
from seewhy.agent.lots.faults import refused, unforeseen
from seewhy.agent.lots.known import Known
from seewhy.agent.lots.later import words_for
from seewhy.record import Entry, InspectionRecord, RefusedPhoto
from seewhy.threads import AHEAD, Crew

GRACE_S = 5.0  # after the explainer's last words in which a verdict still waits to be written together with its own


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A photo whose words were asked for."""

    photo: Examined | RefusedPhoto
    words: Future[list[Said]]
    since: float  # of `time.monotonic()`


@dataclass(frozen=True, slots=True, eq=False)
class _Owed:
    """A record that was written without its words."""

    photo: Examined
    words: Future[list[Said]]
    record: InspectionRecord
    entry: str  # its hash


class Awaited:
    """The photos of a lot that were examined and are not done with.

    A record and its words are one entry where the words come in time. Where the explainer has said nothing for `GRACE_S`, the record is
    written without them, as if there had been no answer, and the words follow in an entry that refers to it; so that neither a silent
    server nor the end of this program can keep a verdict from the ledger.

    Args:
        inspector: of the run.
        known: where entries are written.
        until: `time.monotonic()` after which words are not waited for; None for ever.
        log: where tracebacks go.
    """

    def __init__(self, inspector: Inspector, known: Known, until: float | None, log: Path) -> None:
        self._inspector, self._known, self._until, self._log = inspector, known, until, log
        self._line, self._owed = deque[_Asked](), list[_Owed]()
        self._heard = 0.0  # when words last came

    def written(self, photos: Iterable[Examined | RefusedPhoto]) -> Iterator[Entry]:
        """Each photo's entry, in order, once it is in the ledger; a bounded number is in flight."""
        explainer = self._inspector.explainer
        with Crew(self._said, explainer.in_flight) as crew:
            for photo in photos:
                self._line.append(_Asked(photo, self._begun(photo, crew), time.monotonic()))
                yield from self._due(explainer.in_flight * AHEAD)
            yield from self._due(1)

    def _begun(self, photo: Examined | RefusedPhoto, crew: Crew[Examined, list[Said]]) -> Future[list[Said]]:
        if isinstance(photo, Examined) and photo.views and self._inspector.explainer.source != "measured":
            return crew.begin(photo)
        ready = Future[list[Said]]()
        ready.set_result([] if isinstance(photo, RefusedPhoto) else self._inspector.said(photo))
        return ready

    def _said(self, photo: Examined) -> list[Said]:
        said = self._inspector.said(photo, self._until)
        if any(why is None for _, why in said):
            self._heard = time.monotonic()
        return said

    def _due(self, room: int) -> Iterator[Entry]:
        """Write what is ready; wait until fewer than `room` photos are not done with."""
        while True:
            for one in [one for one in self._owed if one.words.done()]:
                self._owed.remove(one)
                self._follow(one)
            while self._line and (self._line[0].words.done() or self._left_s() <= 0):
                yield self._recorded(self._line.popleft())
            if len(self._line) + len(self._owed) < room:
                return
            first = [one.words for one in self._line][:1]
            wait([*first, *(one.words for one in self._owed)], self._left_s() if first else None, FIRST_COMPLETED)

    def _left_s(self) -> float:
        """Seconds that the first in line still waits."""
        return max(self._line[0].since, self._heard) + GRACE_S - time.monotonic()

    def _recorded(self, one: _Asked) -> Entry:
        """Write a photo's entry, with its words where they are there."""
        if isinstance(one.photo, RefusedPhoto):
            self._known.write(one.photo, {})
            return one.photo
        late = not one.words.done()
        try:
            said = [not_yet(self._inspector.explainer, view) for view in one.photo.views] if late else one.words.result()
            inspection: Inspection = self._inspector.recorded(one.photo, said)
        except Exception as error:
            photo, lot = one.photo.photo, one.photo.lot
            fault = unforeseen(error, photo.name, self._log, photo.sha256)
            refusal = refused(photo.name, fault, lot, self._inspector.card.name, one.photo.part)
            self._known.write(refusal, {})
            return refusal
        entry, record = self._known.write(inspection.record, inspection.pictures | inspection.documents)
        if late and isinstance(record, InspectionRecord):
            self._owed.append(_Owed(one.photo, one.words, record, entry))
        return record

    def _follow(self, one: _Owed) -> None:
        """Write words that came after their record, if any came."""
        said = {view.number: why or words for view, (words, why) in zip(one.photo.views, one.words.result(), strict=True)}
        words = words_for(one.record, one.entry, said, one.photo.basis.agreed.policy)
        if words is not None:
            self._known.follow(one.record, words)
