"""Which few good photos hold a product's line, and what each costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seewhy.agent.inspection.terms import rates_of
from seewhy.agent.models.calibration import LOT, Calibration
from seewhy.agent.models.distinct import distinct
from seewhy.agent.models.good import LeftOut, OddPhoto
from seewhy.agent.models.pasted import pasted
from seewhy.agent.models.product import ProductModel, learned_and_aside
from seewhy.agent.photos.lazy import LazyPhotos, pixels_of, samples_by_product
from seewhy.card import ProductCard
from seewhy.detectors.protocol import Detector
from seewhy.errors import BadData
from seewhy.reports.oddest import write_oddest
from seewhy.types import Pixels, Place, Progress, silent

DRAWN = 24  # defects, on as many good photos or on fewer of them several times


@dataclass(frozen=True, slots=True, eq=False)
class Odd:
    """One of the photos that score highest.

    Attributes:
        photo: with its score, signs and pictures.
        copies: names of its copies among the good photos; they count once.
        holds: whether a line would be another one without it.
        line: the upper line without it.
        review_line: the lower line without it.
        escaped: drawn defects that would pass without it; None where none were drawn.
    """

    photo: OddPhoto
    copies: tuple[str, ...]
    holds: bool
    line: float | None
    review_line: float | None
    escaped: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Oddest:
    """The photos that hold a product's line.

    Attributes:
        product: its name.
        alpha: false-reject rate of the upper line.
        review: further share of good parts about which a person is asked.
        line: the upper line.
        review_line: the lower line, up to which parts pass.
        calibrated: whether there are photos enough for the upper line.
        photos: how many good photos say where the lines are.
        method: how they were scored, see `Calibration`.
        rows: the photos, the highest score first.
        left_out: photos that people had left out.
        drawn: how many defects were drawn; 0 where the good photos weren't given.
        escaped: how many of them pass.
    """

    product: str
    alpha: float
    review: float
    line: float | None
    review_line: float | None
    calibrated: bool
    photos: int
    method: str
    rows: tuple[Odd, ...]
    left_out: tuple[LeftOut, ...]
    drawn: int
    escaped: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain data, without pictures."""
        names = ("product", "alpha", "review", "line", "review_line", "calibrated", "photos", "method", "drawn", "escaped")
        rows = [
            {"name": row.photo.name, "sha256": row.photo.sha256, "score": row.photo.score, "signs": list(row.photo.signs)}
            | {name: getattr(row, name) for name in ("copies", "holds", "line", "review_line", "escaped")}
            for row in self.rows
        ]
        out = [{name: getattr(one, name) for name in LeftOut.__slots__} for one in self.left_out]
        return {name: getattr(self, name) for name in names} | {"rows": rows, "left_out": out}

    def report(self, path: Place, language: str = "en") -> Path:
        """Write it as one self-contained HTML page with the photos and their score maps.

        Raises:
            NotWritten: the disk is full or the place can't be written.
        """
        pictures = [(row.photo.picture, row.photo.map) for row in self.rows]
        return write_oddest(self.to_json(), pictures, Path(path), language)


def oddest(
    model: Place | ProductModel, good: Place | None = None, *, product: str = "", device: str = "cpu", progress: Progress[Any] = silent
) -> Oddest:
    """Which few good photos hold the line, what each costs, and in what they differ from the others.

    A photo's cost is where the lines would be without its score, and, on defects that are drawn on good photos, how many would pass.

    Args:
        model: a model's folder, or a model.
        good: the photos that it was fitted on, to draw defects on; the detector learns them once more for that, so that each drawn
            defect is scored as its photo was. None: no defects are drawn.
        product: which one, where the model is of several.
        device: where the detector runs.
        progress: wraps the loops over photos.

    Raises:
        BadData: the model keeps no scores of photos (it is of a lot, or older than they are), or `good` are other photos.
        BadModel: it was changed, or was made with other weights than are here.
    """
    known = model if isinstance(model, ProductModel) else ProductModel.load(Path(model), product=product, device=device)
    if not known.good.odd:
        raise BadData(f"the model of {known.product!r} keeps no scores of single good photos; fit it again on good photos")
    drawn = None if good is None else np.array(list(_drawn_scores(known, Path(good), device, progress)))
    alpha, review = rates_of(known)
    calibration = known.calibration
    line, passing = calibration.threshold(alpha), calibration.threshold(alpha + review)
    return Oddest(
        known.product,
        alpha,
        review,
        line,
        passing,
        calibration.supports(alpha),
        len(calibration),
        calibration.method,
        tuple(_row(known, photo, alpha, review, drawn) for photo in known.good.odd),
        known.good.left_out,
        0 if drawn is None else len(drawn),
        _escaped(drawn, passing),
    )


def _row(model: ProductModel, photo: OddPhoto, alpha: float, review: float, drawn: npt.NDArray[np.float64] | None) -> Odd:
    others = without(model.calibration, photo.score)
    line, passing = others.threshold(alpha), others.threshold(alpha + review)
    before = model.calibration.threshold(alpha), model.calibration.threshold(alpha + review)
    copies = tuple(copy for copy, of in model.copies if of == photo.name)
    shown = replace(photo, signs=(*photo.signs, *(["copied"] if copies else [])))
    return Odd(shown, copies, (line, passing) != before, line, passing, _escaped(drawn, passing))


def without(calibration: Calibration, score: float) -> Calibration:
    """The calibration without one photo of that score."""
    at = int(np.searchsorted(calibration.scores, score))
    return replace(calibration, scores=np.delete(calibration.scores, min(at, len(calibration) - 1)))


def _escaped(drawn: npt.NDArray[np.float64] | None, line: float | None) -> int | None:
    return None if drawn is None or line is None else int((drawn <= line).sum())


def _drawn_scores(model: ProductModel, good: Path, device: str, progress: Progress[Any]) -> Iterator[float]:
    """Scores of defects drawn on good photos, each as its photo was scored for the calibration."""
    photos = _learned_photos(model, good)
    detector, numbers = _detector_for(model, photos, device, progress)
    chosen = [numbers[round(float(at))] for at in np.linspace(0, len(numbers) - 1, DRAWN)]
    for defect, number in progress(enumerate(chosen), "drawing defects", len(chosen)):
        pixels = photos[number]
        match model.calibration.method:
            case "left_out":
                yield detector.without(number).score(pasted(pixels, defect)[0]).score
            case "disturbed_copies":
                yield detector.score(pasted(detector.copy_of(pixels, number), defect)[0]).score
            case _:
                yield detector.score(pasted(pixels, defect)[0]).score


def _learned_photos(model: ProductModel, good: Path) -> Sequence[Pixels]:
    """The photos that the model was fitted on, in the same order, copies and what people left out aside.

    Raises:
        BadData: they are others.
    """
    found = samples_by_product(good)
    samples = found.get(model.product) or (next(iter(found.values())) if len(found) == 1 else [])
    photos = LazyPhotos(samples, (model.card or ProductCard()).white_level)
    scenes = distinct(photos, {one.sha256 for one in model.good.left_out})
    if [digest for _, digest in scenes.listed] != [digest for _, digest in model.good.listed]:
        raise BadData(
            f"{good} holds other good photos than the model of {model.product!r} was fitted on ({len(scenes.listed)}, not "
            f"{len(model.good.listed)}, or changed ones); give those, or fit it again"
        )
    return pixels_of(scenes.of(photos))


def _detector_for(model: ProductModel, photos: Sequence[Pixels], device: str, progress: Progress[Any]) -> tuple[Detector, Sequence[int]]:
    """The detector, able to score each photo as for the calibration, and the numbers of the photos that calibrate it."""
    detector, method = model.detector, model.calibration.method
    if method == LOT:
        raise BadData("a lot has no photo that is known to be good; there is none to draw defects on")
    if method == "held_out":
        return detector, learned_and_aside(len(photos), rates_of(model)[0])[1]
    again = type(detector).from_card(model.card, detector.settings, device=device)
    again.fit(photos, progress)
    return again, range(len(photos))
