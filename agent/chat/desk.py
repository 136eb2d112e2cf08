"""What the page works with: the loaded models, jobs and indexes of a workspace."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from seewhy.agent.api.learn import fit
from seewhy.agent.chat.gallery import LotIndex
from seewhy.agent.chat.good import to_learn
from seewhy.agent.chat.jobs import Job, Jobs
from seewhy.agent.chat.lots import compare, inspect_lot, lot_for_now
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.workspace import Home, ProductFolder, Settings
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.policy import load_policy
from seewhy.agent.models.product import ProductModel
from seewhy.agent.tools.workspace import Workspace
from seewhy.card import ProductCard

ASSISTANT = "assistant"  # the role under which tools write


class Desk:
    """A workspace at work.

    Args:
        home: the workspace.
        explainer: who puts words to regions; the embedded one where None.
        cameras: of the server, by name; see `seewhy.agent.chat.cameras`.
    """

    def __init__(self, home: Home, explainer: Any = None, cameras: Mapping[str, Any] | None = None) -> None:
        self.home, self.explainer, self.jobs, self.cameras = home, explainer, Jobs(), dict(cameras or {})
        self._lock = threading.RLock()
        self._inspectors, self._indexes = dict[str, tuple[object, Inspector]](), dict[str, LotIndex]()

    def index(self, product: ProductFolder) -> LotIndex:
        """The product's lots at a glance."""
        with self._lock:
            return self._indexes.setdefault(product.key, LotIndex(product.ledger))

    def inspector(self, product: ProductFolder, settings: Settings | None = None, card: ProductCard | None = None) -> Inspector:
        """Of the model that speaks, under the product's card, policy and lines, or those that are given; loaded once.

        Raises:
            BadData: the product has no model yet.
        """
        settings, card = settings or product.settings, card or product.card
        if not settings.model:
            raise Told("no_model")
        policy = load_policy(product.policy) if product.policy else None
        given: dict[str, Any] = {"card": card, "policy": policy, "alpha": settings.alpha, "review": settings.review}
        mark = settings, card.sha256, policy and policy.sha256
        with self._lock:
            known = self._inspectors.get(product.key)
            if known is None or known[0] != mark:
                folder = product.folder / "models" / settings.model
                same = known is not None and known[0][0].model == settings.model  # type: ignore[index]
                model = known[1].model if same and known is not None else ProductModel.load(folder)
                known = mark, Inspector(model, explainer=self.explainer, **given)
                self._inspectors[product.key] = known
            return known[1]

    def tools(self, product: ProductFolder, *, writes: bool) -> Workspace:
        """The typed tools' workspace: the product's folder, which they can't leave.

        Args:
            product: whose.
            writes: whether they may write findings and reports, for somebody who may inspect.
        """
        inspector = self.inspector(product) if product.model else None
        ledger = product.ledger if product.ledger.is_file() else None
        role = ASSISTANT if writes and ledger is not None else ""
        return Workspace(product.folder, model=product.model, ledger=ledger, role=role, explainer=self.explainer, inspector=inspector)

    def learn(self, product: ProductFolder) -> Job:
        """Learn the good photos in the background. The first model speaks at once; a later one is compared and waits to be adopted.

        Raises:
            BadData: there is no good photo, or something runs.
        """
        if not product.good_photos():
            raise Told("no_good")
        folder = product.next_model()
        return self.jobs.start(product.key, "learn", folder.name, partial(self._learn, product, folder))

    def _learn(self, product: ProductFolder, folder: Path, job: Job) -> None:
        settings = product.settings
        terms: dict[str, Any] = {"card": product.card, "policy": product.policy, "alpha": settings.alpha, "review": settings.review}
        without = product.ledger if product.ledger.is_file() else None
        fit(to_learn(product), save=folder, without=without, progress=job.progress(), **terms)
        if not settings.model:
            product.save_settings(settings.model_copy(update={"model": folder.name}))
            self.inspector(product)
        elif product.lots():
            new = Inspector(ProductModel.load(folder), **terms)
            compare(folder, product, self.index(product).items(product.lots()[0]), new, job)

    def inspect(self, product: ProductFolder, lot: str) -> Job:
        """Inspect what of a lot was not inspected yet, in the background.

        Raises:
            BadData: nothing was learned yet, the lot is empty, or something runs.
        """
        if lot not in product.lots():
            raise Told("no_lot", lot=lot[:60])
        self.inspector(product)
        return self.jobs.start(product.key, "inspect", lot, lambda job: inspect_lot(product, lot, self.inspector(product), job))

    def lot_for_now(self, product: ProductFolder) -> str:
        """The lot that photos go into now."""
        return lot_for_now(product, self.inspector(product) if product.model else None)

    def close(self) -> None:
        """Stop what runs, and let go of the cameras."""
        self.jobs.close()
        for camera in self.cameras.values():
            camera.close()
