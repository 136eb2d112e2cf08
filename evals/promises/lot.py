"""One synthetic lot that is inspected again and again, each time with other words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.photos.layouts import read_layout
from seewhy.evals.run import timed
from seewhy.evals.synthetic.surfaces import write_dataset
from seewhy.evals.synthetic.views import CARD
from seewhy.explainers.vlm import VlmWords
from seewhy.record import InspectionRecord

PRODUCT, GOOD_PHOTOS, GOOD_IN_LOT = "cast", 40, 16
ALPHA = 0.05


@dataclass(frozen=True)
class Lot:
    """Photos of one product, some of them defective, and the model that inspects them; all in `folder`."""

    folder: Path
    per_kind: int  # defective photos of each kind

    @cached_property
    def inspector(self) -> Inspector:
        """Fitted on good photos of the product, without words."""
        return fit(self._data, save=self.folder / "model", card=CARD, alpha=ALPHA)

    @cached_property
    def truth(self) -> dict[str, Any]:
        """What was ruled without a VLM, by photo."""
        with self.inspected(None, "truth")[0] as ledger:
            return {r.photo.name: ruled(r) for r in records(ledger)}

    def inspected(self, words: VlmWords | None, name: str, words_for_s: float | None = None) -> tuple[Ledger, float]:
        """The open ledger of the lot, called `name`, and the seconds that it took."""
        inspector, ledger = Inspector(self.inspector.model, card=CARD, alpha=ALPHA, explainer=words), Ledger(self.folder / f"{name}.sqlite")
        lot = [s for s in read_layout(self._data) if s.split == "test"]
        return ledger, timed(run_batch, inspector, lot, ledger, lot="A", words_for_s=words_for_s)[1]

    @cached_property
    def _data(self) -> Path:
        return write_dataset(self.folder / "data", PRODUCT, good_train=GOOD_PHOTOS, good_test=GOOD_IN_LOT, per_kind=self.per_kind, seed=5)


def records(ledger: Ledger) -> list[InspectionRecord]:
    """What was inspected, refusals left out."""
    return [e for e in entries(ledger) if isinstance(e, InspectionRecord)]


def ruled(record: InspectionRecord) -> tuple[Any, ...]:
    """Verdicts and severities of a photo and of its findings: what words must not change."""
    return record.verdict.value, record.severity.value, *((f.ruling.verdict.value, f.ruling.severity.value) for f in record.findings)
