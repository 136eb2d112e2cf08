"""What every detector offers to the flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self, runtime_checkable

from seewhy.card import ProductCard
from seewhy.detectors.weights.store import WeightsFile
from seewhy.record import Sentence
from seewhy.types import Pixels, Progress, ScoreMap


class Detector(Protocol):
    """Learns what good photos look like, and scores how far another photo is from that."""

    @property
    def name(self) -> str:
        """What records call it."""

    @property
    def can_leave_out(self) -> bool:
        """Whether `without` works; else photos are set aside for calibration."""

    @classmethod
    def from_card(cls, card: ProductCard | None, settings: Any = None, /, *, device: str) -> Self:
        """Unfitted, with the settings (None: its own) and what it takes from the product card."""

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """Why it spoke, for the record: what it knows of the product, which has so many good photos."""

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """The pretrained weights behind the scores."""

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that made this detector what it is, as plain JSON data."""

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any]) -> None:
        """Learn from good photos only."""

    def without(self, held_out: int) -> Self:
        """The same detector as if it had not seen that photo; only between `fit` and `save`, and cheap."""

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo; the map has the photo's size."""

    def files(self) -> dict[str, bytes]:
        """What must be kept to score again, by file name."""

    @classmethod
    def from_files(cls, settings: Mapping[str, Any], files: Mapping[str, bytes], device: str) -> Self:
        """The detector that `settings` and `files` describe."""


@runtime_checkable
class CopiesGood(Protocol):
    """A detector that may know each good photo as the only one of its place, so that none can be left out or set aside."""

    def copy_of(self, pixels: Pixels, number: int) -> Pixels:
        """Good photo `number` as another photo of the same good part might look."""


@runtime_checkable
class LearnsFromLot(Protocol):
    """A detector that is fitted on the photos of a lot, good and bad alike."""

    learns_from_lot: bool
