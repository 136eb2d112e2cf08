"""Where an agent's tools work: one folder that they can't leave, and what they may write there."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.result import Inspection
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.product import ProductModel
from seewhy.errors import BadData
from seewhy.explainers import Explainer
from seewhy.types import Place

MOST_KEPT = 512  # pictures of the last inspections that can still be asked for


class Workspace:
    """A folder, and what of it the tools use.

    Tools read photos, labels, models and the ledger below the folder and nowhere else, whatever a link or a path says. They write
    nothing, unless there are a ledger and a role: then findings go into the ledger under that role, and reports into `reports/`.
    No tool names a type, passes a part or signs.

    Args:
        folder: that nothing leads out of.
        model: of a product, below it; without one photos can only be explained.
        product: which, where the model is of several.
        ledger: below it; without one nothing is looked up.
        role: under which entries are written; empty: nothing is written.
        explainer: who puts words to regions; the embedded one where None.
        inspector: of the model, where whoever starts the tools has loaded it already.

    Raises:
        BadData: the folder isn't there, or model or ledger lie outside it; a role without a ledger.
    """

    def __init__(
        self,
        folder: Place,
        *,
        model: Place | None = None,
        product: str = "",
        ledger: Place | None = None,
        role: str = "",
        explainer: Explainer | None = None,
        inspector: Inspector | None = None,
    ) -> None:
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise BadData(f"{folder} is no folder; give the one that the tools may read")
        if role and ledger is None:
            raise BadData("a role is what entries are written under; give the ledger that they go into")
        self.model = None if model is None else self.inside(model)
        self.ledger = None if ledger is None else self.inside(ledger)
        self.product, self.role, self.explainer = product, role, explainer
        self._inspector = inspector
        self._lock, self._pictures = threading.Lock(), OrderedDict[str, tuple[str, bytes]]()

    def inside(self, place: Place) -> Path:
        """A path below the folder, links followed.

        Raises:
            BadData: it leads out of the folder.
        """
        try:
            path = (self.folder / place).resolve()
        except (OSError, ValueError) as error:
            raise BadData(f"{str(place)[:80]!r} can't be a path; give one below the workspace") from error
        if not path.is_relative_to(self.folder):
            raise BadData(f"{str(place)[:80]!r} leads out of the workspace; give a path below it")
        return path

    @cached_property
    def inspector(self) -> Inspector:
        """Of the workspace's model.

        Raises:
            BadData: it has none.
        """
        if self._inspector is not None:
            return self._inspector
        if self.model is None:
            raise BadData("this workspace has no model to inspect with; explain regions instead, or start the tools with a model")
        return Inspector(ProductModel.load(self.model, product=self.product), explainer=self.explainer)

    def book(self) -> Path:
        """The ledger.

        Raises:
            BadData: there is none.
        """
        if self.ledger is None:
            raise BadData("this workspace has no ledger; start the tools with one")
        return self.ledger

    def keep(self, found: Inspection) -> str:
        """Hold an inspection's pictures to be asked for, and write its record where there is a role; its entry's hash, or nothing.

        A record that passes its part is not written: whoever passes a part is no tool. It would also stand in the place of an earlier
        entry about the photo.
        """
        self.hold(found.pictures)
        if not self.role or found.record.verdict.value == "pass":
            return ""
        record = found.record.model_copy(update={"lot": f"tools: {self.role}"})
        with Ledger(self.book()) as ledger:
            return ledger.append(record, found.pictures | found.documents)

    def hold(self, pictures: dict[str, tuple[str, bytes]]) -> None:
        """Keep pictures, the latest `MOST_KEPT` of them."""
        with self._lock:
            self._pictures |= pictures
            while len(self._pictures) > MOST_KEPT:
                self._pictures.popitem(last=False)

    def picture(self, sha256: str) -> tuple[str, bytes]:
        """A picture (media type, bytes) of an inspection of late, or of the ledger.

        Raises:
            BadData: neither has it.
        """
        with self._lock:
            held = self._pictures.get(sha256)
        if held is not None:
            return held
        if self.ledger is not None:
            with Ledger(self.ledger, read_only=True) as book:
                data = book.evidence(sha256)
            if data is not None:
                return ("image/png" if data.startswith(b"\x89PNG") else "image/jpeg"), data
        raise BadData(f"no picture {sha256[:12]}… is kept here; inspect the photo again")
