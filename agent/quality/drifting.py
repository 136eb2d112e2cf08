"""The watch over a ledger: each photo that its records say was compared, in their order; a run that goes on knows what was seen."""

from __future__ import annotations

import json
from collections.abc import Mapping

from seewhy.agent.inspection.verdict import unwatched, with_drift
from seewhy.agent.ledger.chain import Stored
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.quality.martingale import Key, Passed, Watch, watched
from seewhy.record import Decision, Drift, InspectionRecord


class Watches:
    """Each model's watch, as the ledger's entries leave it.

    Args:
        ledger: whose entries are looked at.
        learned: by the hash of each model that is watched, the good photos that it learned: they are no new parts.
        before: number of the entry before which nothing more is looked at; None for all that there are.

    Raises:
        LedgerDamaged: an entry is not as it was written.
    """

    def __init__(self, ledger: Ledger, learned: Mapping[str, frozenset[str]], before: int | None = None) -> None:
        self._ledger, self._learned = ledger, learned
        self._watches, self._last = dict[Key, Watch](), 0
        for stored in ledger.stored():
            if before is not None and stored.seq >= before:
                break
            self._look(stored)

    def catch_up(self) -> None:
        """Look at the entries that were written since, those of other runs too."""
        for stored in self._ledger.found_stored("seq > ?", (self._last,)):
            self._look(stored)

    def after(self, record: InspectionRecord) -> InspectionRecord:
        """A record as it reads once its photo was compared: with the alarm, from the photo on at which there is one."""
        if record.provenance.external is not None:
            return record
        of = record.provenance.model_sha256, record.product
        return with_drift(record, self._seen(of, record.decision, record.photo.sha256, record.photo.name, record.lot))

    def _look(self, stored: Stored) -> None:
        self._last = stored.seq
        if stored.kind != "inspection" or not any(model in stored.body for model in self._learned):
            return
        body = json.loads(stored.body)
        of = body["provenance"]["model_sha256"], body["product"]
        if "external" not in body["provenance"]:
            self._seen(of, Decision.model_validate(body["decision"]), stored.photo_sha256 or "", stored.photo, stored.lot)

    def _seen(self, of: tuple[str, str], decision: Decision, sha256: str, name: str, lot: str) -> Drift | None:
        """The alarm of a model and product once a photo was compared, where it was one to be compared."""
        model, product = of
        found = watched(decision)
        if model not in self._learned:
            return None
        if found is None or sha256 in self._learned[model]:
            return next((w.drift for key, w in self._watches.items() if (key.model, key.product) == of and w.drift), None)
        photos, at_line, above = found
        key = Key(model, product, photos, at_line)
        watch = self._watches.setdefault(key, Watch(key))
        return watch.see(Passed(decision.score.value or 0.0, above, sha256, name, lot))


def watched_again(
    now: InspectionRecord, then: InspectionRecord, seq: int, ledger: Ledger, learned: Mapping[str, frozenset[str]]
) -> InspectionRecord:
    """A record that was made again, with what the watch over the ledger said when it was made first.

    Args:
        now: as it was made again.
        then: as it was made first.
        seq: number of that entry.
        ledger: that holds it.
        learned: see `Watches`.
    """
    if any(missing.what == "drift" for missing in then.missing):
        return unwatched(now)
    return Watches(ledger, learned, before=seq).after(now)
