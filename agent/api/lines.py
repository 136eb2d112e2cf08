"""What passes of known defects at each line, and the highest line that keeps a promise about what passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, comb, log
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.inspection.terms import rates_of
from seewhy.agent.models.calibration import LOT, Calibration
from seewhy.agent.models.distinct import distinct
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.layouts import surveyed
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.agent.quality.bounds import LEVEL, Share
from seewhy.errors import BadData
from seewhy.types import Place, Progress, silent

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)  # of good parts above a line


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        rate: share of good parts that lie above it, as the calibration promises.
        value: a score.
        passed: of the known defects, those that lie at or below it, with bounds.
    """

    rate: float
    value: float
    passed: Share

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"rate": self.rate, "line": self.value, "passed": self.passed.to_json()}


@dataclass(frozen=True, slots=True)
class Lines:
    """A model's lines beside known defects.

    Attributes:
        product: its name.
        good: good photos that say where the lines are.
        defects: known defects, copies counted once.
        alpha: of the model: above that line a part may fail.
        review: of the model: further share of good parts that a person is asked about.
        rows: lines that the good photos support, the highest first.
        escapes: share of defects that may pass, as asked.
        level: confidence of bounds and choice.
        chosen: the highest line of which it is shown, at that confidence, that no more than `escapes` of defects like these pass.
        needed: known defects without a single escape that could show it.
    """

    product: str
    good: int
    defects: int
    alpha: float
    review: float
    rows: tuple[Line, ...]
    escapes: float
    level: float
    chosen: Line | None
    needed: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        names = ("product", "good", "defects", "alpha", "review", "escapes", "level", "needed")
        chosen = None if self.chosen is None else self.chosen.to_json()
        return {name: getattr(self, name) for name in names} | {"rows": [row.to_json() for row in self.rows], "chosen": chosen}


def lines(
    model: Place | ProductModel,
    defects: Place,
    *,
    escapes: float = 0.05,
    level: float = LEVEL,
    product: str = "",
    device: str = "cpu",
    progress: Progress[Any] = silent,
) -> Lines:
    """What passes of known defects at each line, and which line keeps a promise about it.

    Args:
        model: a model's folder, or a model.
        defects: photos of defective parts, a folder or a data set (its good photos are not looked at); none that the model learned.
        escapes: share of defective parts that may pass.
        level: confidence of the bounds, and of the choice.
        product: which one, where the model is of several.
        device: where the detector runs.
        progress: wraps the loop over photos.

    Raises:
        BadData: no photo of a defect is there, or one was learned as good; the model is of a lot; a share is none.
        BadImage: a photo can't be read.
        BadModel: it was changed, or was made with other weights than are here.
    """
    if not 0 < escapes < 1 or not 0 < level < 1:
        raise BadData(f"the share that may pass and the confidence lie between 0 and 1, not at {escapes} and {level}")
    known = model if isinstance(model, ProductModel) else ProductModel.load(Path(model), product=product, device=device)
    if known.calibration.method == LOT:
        raise BadData(f"the model of {known.product!r} is of a lot of which nobody knows what is good; there is no line to choose")
    scores = np.array(list(_scores(known, Path(defects), progress)))
    alpha, review = rates_of(known)
    rates = sorted({*RATES, alpha, round(alpha + review, 6)})
    rows = tuple(_line(known.calibration, rate, scores, level) for rate in rates if known.calibration.supports(rate))
    steps = [_line(known.calibration, k / (len(known.calibration) + 1), scores, level) for k in range(len(known.calibration), 0, -1)]
    fewest = ceil(log(1 - level) / log(1 - escapes))
    return Lines(
        known.product, len(known.calibration), len(scores), alpha, review, rows, escapes, level, highest(steps, escapes, level), fewest
    )


def highest(steps: Sequence[Line], escapes: float, level: float) -> Line | None:
    """The highest line whose escapes are shown to be at most `escapes`; None where that can be shown of none.

    Each line is a hypothesis "more than that share passes", tested by the binomial count; from the lowest line upwards, until one can't be
    rejected. In such a fixed sequence all tests may spend the whole error (Learn then Test: Angelopoulos, Bates, Candès, Jordan, Lei,
    arXiv 2110.01052, sec. 2.2), so that the promise holds though the line is chosen on these very photos.

    Args:
        steps: lines, the lowest first.
        escapes: share that may pass.
        level: confidence.

    >>> of_60 = [Line(0.5, 1.0, Share(0, 60)), Line(0.2, 1.1, Share(0, 60)), Line(0.1, 1.2, Share(1, 60)), Line(0.05, 1.3, Share(0, 60))]
    >>> highest(of_60, 0.05, 0.95).rate, highest(of_60, 0.04, 0.95)
    (0.2, None)
    """
    found = None
    for line in steps:
        if _at_most(line.passed.count, line.passed.of, escapes) > 1 - level:
            break
        found = line
    return found


def _at_most(count: int, of: int, rate: float) -> float:
    """How probable so few are, where each of them has the probability `rate`."""
    return sum(comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(count + 1))


def _line(calibration: Calibration, rate: float, scores: Any, level: float) -> Line:
    value = calibration.threshold(rate)
    assert value is not None  # a model that was fitted on good photos has one
    return Line(rate, value, Share(int((scores <= value).sum()), len(scores), level))


def _scores(model: ProductModel, defects: Path, progress: Progress[Any]) -> Iterator[float]:
    samples = [sample for sample in surveyed(defects).samples if not sample.good]
    if not samples:
        raise BadData(f"{defects} holds no photo of a defective part")
    photos = LazyPhotos(samples, model.card.white_level) if model.card is not None else LazyPhotos(samples)
    scenes = distinct(photos)
    learned = {digest for _, digest in model.good.listed}
    for name, digest in scenes.listed:
        if digest in learned:
            raise BadData(f"{name!r} is among the good photos that the model learned; a line can't be judged by it")
    for number in progress(scenes.kept, "scoring defects", len(scenes.kept)):
        yield model.detector.score(photos[number].pixels).score
