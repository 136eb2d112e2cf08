"""What every detector offers to the flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from seewhy.card import ProductCard
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.threads import side_by_side, workers_for
from seewhy.types import Pixels, Progress, ScoreMap, silent

T = TypeVar("T")
Calibrates: TypeAlias = Literal["left_out", "held_out", "disturbed_copies", "lot"]


class Detector(Protocol):
    """Learns what good photos look like, and scores how far another photo is from that."""

    @property
    def kind(self) -> str:
        """The registry's key, by which a model finds it again."""

    @property
    def name(self) -> str:
        """What records call it, for people; may say more than the kind: another encoder, stand-ins."""

    @property
    def many_products(self) -> bool:
        """Whether one fit can learn several products, see `fit_products`."""

    @property
    def calibrates(self) -> Calibrates:
        """How it scores good photos that it has not learned from.

        left_out: `without` takes one photo back. held_out: photos are set aside before it is fitted. disturbed_copies: it may know
        each good photo as the only one of its place, and `copy_of` stands for another one. lot: it is fitted on a lot, good and bad
        alike, and nobody knows which is which.
        """

    @classmethod
    def from_card(cls, card: ProductCard | None, settings: Any = None, /, *, device: str) -> Self:
        """Unfitted, with the settings (None: its own) and what it takes from the product card."""

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """Why it spoke, for the record: what it knows of the product, which has so many good photos."""

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """The pretrained weights behind the scores."""

    @property
    def settings(self) -> Any:
        """What was asked: a frozen dataclass, the one that its row in the catalogue names. Fitting doesn't change it."""

    @property
    def learned(self) -> Mapping[str, Any]:
        """What became of it, beside its files: sizes, measured resolution, facts of training, as plain JSON data."""

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any]) -> None:
        """Learn from good photos only."""

    def fit_products(
        self,
        products: Mapping[str, Sequence[Pixels]],
        *,
        cache: Path | None = None,
        checkpoint: Path | None = None,
        start: Any = None,
        progress: Progress[Any] = silent,
    ) -> None:
        """Learn the good photos of several products at once, where `many_products`.

        Args:
            products: good photos by product.
            cache: folder for what is computed of each photo once.
            checkpoint: file from which training continues.
            start: a fitted detector of the same kind that is trained on.
            progress: wraps the loops.
        """

    def without(self, held_out: int) -> Self:
        """The same detector as if it had not seen that photo, where it calibrates by photos left out; after `fit` alone, and cheap."""

    def copy_of(self, pixels: Pixels, number: int) -> Pixels:
        """Good photo `number` as another photo of the same good part might look, where it calibrates by disturbed copies."""

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo; the map has the photo's size."""

    def files(self) -> dict[str, bytes]:
        """What must be kept to score again, by file name."""

    @classmethod
    def from_files(cls, settings: Any, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str) -> Self:
        """The detector that was saved: what `settings`, `learned` and `files` gave."""


@runtime_checkable
class Patched(Protocol):
    """A detector that compares patches, so that the good patch nearest to a strange one can be shown."""

    def patches(self, pixels: Pixels) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Boxes (N, 4) x0, y0, x1, y1 in the photo's pixels, and features (N, D), of one photo's patches."""


@runtime_checkable
class Precise(Protocol):
    """A detector whose network may run in several precisions, of which one is to be chosen by what good photos score."""

    def rivals(self) -> Mapping[str, Detector] | None:
        """The same detector in each other precision that may be faster here; None where nothing is to be chosen.

        Unfitted; where `many_products`, as it was trained, so that only its lines are to be found again.
        """

    def decided(self, facts: Mapping[str, Any]) -> None:
        """Keep, as plain JSON data, how its precision was chosen."""


@runtime_checkable
class Drawable(Protocol):
    """A detector that can be written as one graph."""

    def graph(self, width: int, height: int) -> Any:
        """An openvino.Model from a photo of that size to its map and score; see `seewhy.detectors.parts.whole`.

        Raises:
            BadData: photos of that size, or the settings, can't be one graph.
            BadModel: what was fitted can't.
        """


class Single:
    """For detectors that learn one product at a time, take nothing from its card and need no copies of its good photos."""

    many_products = False

    def introduce(self: Detector, product: str, good_photos: int) -> Sentence:
        """What it knows of the product."""
        return sentence("detector.spoke", name=self.name, photos=good_photos, product=product)

    @classmethod
    def from_card(cls, _card: ProductCard | None, settings: Any = None, /, *, device: str = "cpu") -> Self:
        """Unfitted; the card has nothing for it."""
        kind: Any = cls
        detector: Self = kind(settings, device=device)
        return detector

    def fit_products(
        self,
        products: Mapping[str, Sequence[Pixels]],
        *,
        cache: Path | None = None,
        checkpoint: Path | None = None,
        start: Any = None,
        progress: Progress[Any] = silent,
    ) -> None:
        """Refused.

        Raises:
            BadData: always.
        """
        del cache, checkpoint, start, progress
        raise BadData(f"one product can be learned at a time, not {len(products)}")

    def copy_of(self, pixels: Pixels, number: int) -> Pixels:
        """Refused.

        Raises:
            BadModel: always.
        """
        raise BadModel(f"no copy of photo {number} ({pixels.shape[1]} x {pixels.shape[0]} px) is wanted: other good photos calibrate")


def scored_good(
    detector: Detector,
    photos: Sequence[Pixels],
    numbers: Sequence[int],
    progress: Progress[Any],
    title: str = "calibrating",
    beside: Callable[[int, ScoreMap], object] = lambda _number, _scored: None,
) -> Iterator[tuple[int, ScoreMap]]:
    """Some good photos, each with its number and its map by a fitted detector as if it had not learned from it.

    Args:
        detector: fitted; where it calibrates by photos held out, on others than these.
        photos: (H, W, 3) each, read one at a time.
        numbers: which of them.
        progress: wraps the loop.
        title: of the loop.
        beside: looks at each map too, several at a time, where it is made.
    """

    def scored(number: int) -> ScoreMap:
        match detector.calibrates:
            case "left_out":
                return detector.without(number).score(photos[number])
            case "disturbed_copies":
                return detector.score(detector.copy_of(photos[number], number))
            case "held_out" | "lot":
                return detector.score(photos[number])

    def looked_at(number: int) -> tuple[int, ScoreMap]:
        found = scored(number)
        beside(number, found)
        return number, found

    yield from progress(over_photos(looked_at, photos, numbers), title, len(numbers))


def over_photos(work: Callable[[int], T], photos: Sequence[Pixels], numbers: Sequence[int]) -> Iterator[T]:
    """What `work` gives for each of some photos, by their numbers and in their order; several at a time where they are small."""
    if len(numbers):
        yield from side_by_side(work, numbers, workers_for(len(numbers), photos[numbers[0]].nbytes))
