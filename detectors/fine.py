"""What the first stages of an encoder see of a place: finer than any map that finds defects, and blind to what makes them defects.

A map that finds defects rests on deep features, whose cells are wide and whose neighbourhoods wider; it answers to a dot with a blot. The
first stages see little but lightness, edges and texture, at four pixels of the input, and know how these look on good photos. Alone they
find nothing worth finding; where a map says that something is there, they say what it is (`seewhy.agent.inspection.locating`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from seewhy.detectors.parts.backbones import backbone
from seewhy.detectors.parts.bank import greedy_k_centre
from seewhy.detectors.parts.patches import Patches, kept_patches, patches
from seewhy.detectors.parts.tiles import Tile, blend, tiles_for
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.detectors.protocol import over_photos
from seewhy.detectors.settings import plain, read
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel
from seewhy.types import Box, Features, Map, Mask, Pixels, Progress, silent

GOOD = "good.safetensors"  # patches and the scale of their features
STRIDE_PX = 4  # of the finest layer, in pixels of the input
LEAST_SCALE = 1e-6
ASKED = 64  # good patches of each photo whose distances to those of other photos say what is usual
RARE = 0.99  # a good patch is this rarely farther than 1
SEES_CELLS = 10  # so far the stages' answer to a cell reaches: 67 px of the input, and those that resizing the coarser one adds
AT_ONCE = 2048  # patches whose distances are computed together: 12 MiB with 1,500 rows
WINDOWS_CELLS = (40, 64, 96)  # sides of what is looked at around a place; few sizes, as the network is compiled for each


@dataclass(frozen=True, slots=True)
class FineSettings:
    """What it is made of; chosen on real photos (evals/results)."""

    backbone: str = "efficientnet-lite0"
    layers: tuple[int, ...] = (1, 2)  # of strides 4 and 8
    input_px: int = 384
    max_shrink: float = 4.0
    photos: int = 40  # good photos that are looked at, evenly chosen
    rows_per_photo: int = 150  # patches of each, drawn at random, from which …
    rows: int = 1_500  # … a coreset is kept
    seed: int = 0


class Fine:
    """Good patches at the first stages of an encoder, each feature in units of its own spread.

    Args:
        settings: see `FineSettings`.
        described: patches' features as they were kept with a model; None: by the settings.

    Raises:
        MissingWeights: the encoder's weights aren't on this machine.
    """

    def __init__(self, settings: FineSettings | None = None, described: Patches | None = None) -> None:
        self.settings = settings or FineSettings()
        self._patches = described or patches(Spec(self.settings.backbone, (Way(self.settings.layers),)))
        self._scale = np.ones(1, np.float32)  # (D,)
        self._owner = np.zeros(0, np.int64)  # (rows of the bank,) which photo each came from; only after `fit`
        self._usual, self._rare = 0.0, 1.0  # distances of good patches: their median, and what they rarely exceed
        self._rows = np.zeros((0, 1), np.float32)  # (rows, D) good patches, in units of the scale

    @property
    def rows(self) -> Features:
        """Good patches, (rows, D), each feature in units of its spread.

        Raises:
            BadModel: there are none yet.
        """
        if not len(self._rows):
            raise BadModel("the fine evidence was not fitted; call fit first or load a model")
        return self._rows

    @property
    def weights(self) -> WeightsFile:
        """The encoder's."""
        return self._patches.weights

    def fit(self, photos: Sequence[Pixels], numbers: Sequence[int], progress: Progress[Any] = silent) -> None:
        """Learn good patches.

        Args:
            photos: good ones, (H, W, 3) each.
            numbers: those of them that may be looked at; some are, evenly chosen.
            progress: wraps the loop.

        Raises:
            BadData: there is no photo.
        """
        if not len(numbers):
            raise BadData("fine evidence needs at least one good photo; give more photos")
        s, rng = self.settings, np.random.default_rng(self.settings.seed)
        chosen = np.unique(np.linspace(0, len(numbers) - 1, min(len(numbers), s.photos)).round().astype(int))
        drawn, owners = list[Features](), list[int]()
        looked_at = [numbers[int(i)] for i in chosen]
        described = over_photos(lambda number: self._features(photos[number]), photos, looked_at)
        for number, rows in zip(looked_at, progress(described, "learning fine patches", len(chosen)), strict=True):
            drawn.append(rows[rng.choice(len(rows), min(s.rows_per_photo, len(rows)), replace=False)])
            owners += [number] * len(drawn[-1])
        rows, origin = np.concatenate(drawn), np.array(owners)
        self._scale = (1 / np.maximum(rows.std(0), LEAST_SCALE)).astype(np.float32)
        kept = greedy_k_centre(rows * self._scale, s.rows, s.seed)
        self._rows, self._owner = rows[kept] * self._scale, origin[kept]
        self._usual, self._rare = self._spread_of(rows, origin)

    def without(self, photo: int) -> Self:
        """The same without what a good photo taught; itself where that is nothing or all. After `fit` alone."""
        own = self._owner == photo
        if not own.any() or own.all():
            return self
        other = copy(self)
        other._rows = self.rows[~own]
        return other

    def map(self, pixels: Pixels, where: Mask | None = None) -> Map:
        """How far places are from good ones, (H, W): 0 is usual, 1 what good patches rarely reach.

        Args:
            pixels: (H, W, 3) the photo.
            where: (H, W) where to look; 0 elsewhere. None: everywhere.
        """
        height, width = pixels.shape[:2]
        parts = [(tile, self._excess(pixels, tile, where)) for tile in self._tiles(pixels)]
        return blend(parts, width, height)

    def cell_px(self, pixels: Pixels) -> float:
        """Side of a cell, in the photo's pixels."""
        tile = self._tiles(pixels)[0]
        return STRIDE_PX * max(tile.box.width / tile.input_width, tile.box.height / tile.input_height)

    def files(self) -> dict[str, bytes]:
        """What must be kept, by file name."""
        return self._patches.files() | {GOOD: save_arrays({"patches": self.rows, "scale": self._scale})}

    def facts(self) -> dict[str, Any]:
        """Likewise, as plain JSON data."""
        facts = {"settings": plain(self.settings), "usual": self._usual, "rare": self._rare}
        network = self._patches.learned()
        return facts | ({"network": network} if network else {})

    @classmethod
    def from_files(cls, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """What gave `facts` and `files`.

        Raises:
            BadModel: the files can't be read here, or don't belong together.
        """
        described = kept_patches(facts["network"], files) if "network" in facts else None
        fine = cls(read(FineSettings, facts["settings"]), described)
        good = load_arrays(files[GOOD])
        fine._rows, fine._scale = good["patches"], good["scale"]
        fine._usual, fine._rare = float(facts["usual"]), float(facts["rare"])
        if not len(fine._rows) or fine._scale.shape != fine._rows.shape[1:] or not 0 <= fine._usual < fine._rare:
            raise BadModel("the fine evidence's files don't belong together; fit the model again")
        return fine

    def _features(self, pixels: Pixels) -> Features:
        """All patch features of a photo, (N, D)."""
        cells = [self._patches(tile.seen(pixels))[0] for tile in self._tiles(pixels)]
        return np.concatenate([one.reshape(-1, one.shape[-1]) for one in cells])

    def _spread_of(self, rows: Features, origin: npt.NDArray[np.int64]) -> tuple[float, float]:
        """Median distance of good patches to those of other photos, and the one that they rarely exceed; `origin` is each row's photo."""
        far = list[npt.NDArray[np.float32]]()
        for photo in np.unique(origin):
            own = rows[origin == photo][:ASKED] * self._scale
            others = self.without(int(photo))
            far.append(_distances(others.rows, own, 1 if others is self else 0))  # of a single photo, the nearest is itself
        usual, rare = (float(v) for v in np.quantile(np.concatenate(far), (0.5, RARE)))
        return usual, max(rare, usual + LEAST_SCALE)

    def _excess(self, pixels: Pixels, tile: Tile, where: Mask | None) -> Map:
        """Of a tile's cells, (rows, cols)."""
        rows, cols = tile.input_height // STRIDE_PX, tile.input_width // STRIDE_PX
        here = np.ones((rows, cols), np.float32) if where is None else where[tile.box.slices].astype(np.float32)
        wanted = cv2.resize(here, (cols, rows), interpolation=cv2.INTER_AREA) > 0
        grid = np.zeros((rows, cols), np.float32)
        seen = tile.seen(pixels) if wanted.any() else pixels
        for window, own in _windows(wanted):
            y, x = (slice(STRIDE_PX * side.start, STRIDE_PX * side.stop) for side in window.slices)
            (cells,) = self._patches(seen[y, x])  # (window.height, window.width, D)
            far = _distances(self.rows, cells[own] * self._scale)
            grid[window.slices][own] = np.maximum(far - self._usual, 0) / (self._rare - self._usual)
        return grid

    def _tiles(self, pixels: Pixels) -> list[Tile]:
        s = self.settings
        return tiles_for(pixels.shape[1], pixels.shape[0], s.input_px, backbone(s.backbone).multiple_px, s.max_shrink)


def _distances(rows: Features, asked: Features, nearer: int = 0) -> npt.NDArray[np.float32]:
    """From each patch asked (N, D) to its nearest one of (R, D), or to the one that so many are nearer than; (N,).

    Of 1,500 rows, a plain product of matrices takes a third of the time that faiss takes.
    """
    own, at = (rows * rows).sum(1), min(nearer, len(rows) - 1)
    far = np.empty(len(asked), np.float32)
    for first in range(0, len(asked), AT_ONCE):
        some = asked[first : first + AT_ONCE]
        squared = own - 2 * some @ rows.T  # (n, R), less the patch's own square
        nearest = np.partition(squared, at, axis=1)[:, at] if at else squared.min(1)
        far[first : first + AT_ONCE] = np.sqrt(np.maximum(nearest + (some * some).sum(1), 0))
    return far


def _windows(wanted: Mask) -> list[tuple[Box, Mask]]:
    """What of a tile's cells (rows, cols) is looked at for the wanted ones: a window around each place, or the whole tile.

    Each with those of its own cells that are wanted, (height, width). A window holds all that its cells see, so that they see the same
    as in the whole. The whole is looked at where windows would cost as much.
    """
    rows, cols = wanted.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats(wanted.astype(np.uint8), connectivity=8)
    if count == 1:
        return []
    boxes = [Box(x, y, x + width, y + height) for x, y, width, height, _ in stats[1:].tolist()]
    windows = [_window(box, rows, cols) for box in boxes]
    if sum(window.width * window.height for window in windows) >= rows * cols:
        return [(Box(0, 0, cols, rows), wanted)]
    return [(window, labels[window.slices] == number) for number, window in enumerate(windows, start=1)]


def _window(box: Box, rows: int, cols: int) -> Box:
    """Around a few cells, inside of the tile."""
    (x0, x1), (y0, y1) = (_span(low, high, side) for low, high, side in ((box.x0, box.x1, cols), (box.y0, box.y1, rows)))
    return Box(x0, y0, x1, y1)


def _span(low: int, high: int, side: int) -> tuple[int, int]:
    """From where to where a window goes that holds all that the cells from `low` to `high` see, of a side of so many cells."""
    room = high - low + 2 * SEES_CELLS + 2  # two for beginning at even cells, as the coarser stage has half as many
    wide = next((wide for wide in WINDOWS_CELLS if wide >= room), side)
    if wide >= side:
        return 0, side
    first = min(max(0, (low + high - wide) // 2), side - wide) // 2 * 2
    return first, first + wide
