"""PatchCore (Roth et al., CVPR 2022): how far is each patch from the nearest patch of a good photo?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from torch import Tensor

from seewhy.detectors.parts.bank import Features, MemoryBank, greedy_k_centre
from seewhy.detectors.parts.encoder import Encoder
from seewhy.detectors.parts.features import joined
from seewhy.detectors.parts.inputs import as_batch, resized
from seewhy.detectors.parts.resolution import answer_to_a_dot
from seewhy.detectors.parts.tiles import Tile, blend, tiles_for
from seewhy.detectors.protocol import Calibrates, Single
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Map, Pixels, Progress, ScoreMap, silent

DENSEST = 0.1  # of the median: doubled patches must not make a distance infinite
LEAST_DENSITY = 0.01  # distances of features of length 1: where all patches are doubled, nothing is divided by nothing
AROUND = 32  # neighbours kept per row of the bank, so that photos can be left out of its density
TURNS = (1, 2, 3)  # quarter turns
TURN_PHOTOS, TURN_ROWS = 24, 2000  # good photos, and rows of the bank, with which turning is tried
TURN_GAIN = 0.95  # turned copies are learned where they lower the scores of good photos to this share


@dataclass(frozen=True, slots=True)
class PatchCoreSettings:
    """What can be chosen; the defaults were chosen on synthetic defects and by leaving one product out (evals/results)."""

    backbone: str = "efficientnet-lite0"
    layers: tuple[int, ...] = ()  # the backbone's own where empty
    input_px: int = 384  # the model's input has about input_px² pixels, at the photo's aspect ratio
    max_shrink: float = 4.0  # photos that would be shrunk more than this are cut into tiles
    pool: int = 3  # side of the neighbourhood that is averaged, in cells of each layer (paper: p = 3)
    grid_px: int = 0  # interpolate coarser layers to cells of about this many input pixels; 0: the finest layer as it is
    unit_length: bool = True  # bring each layer's features to length 1: compare directions, not strengths
    density: int = 5  # divide a distance by that of the nearest good patch to this many neighbours in the bank; 0: don't
    top_share: float = 0.01  # the photo's score is the mean of this share of its strangest cells; 0: the strangest one
    bank_rows: int = 10_000  # size of the coreset
    candidate_rows: int = 60_000  # patches drawn at random from all good photos, from which the coreset is taken
    turns: Literal["auto", "yes", "no"] = "auto"  # also learn each good photo turned by 90, 180 and 270 degrees; auto: measured
    neighbours: int = 3  # b of eq. 7, the re-weighting of the photo's score; 1 turns it off
    smoothing: float = 1.0  # sigma of the Gaussian over the map, in cells
    seed: int = 0
    dtype: str = "float32"


class PatchCore(Single):
    """A memory bank of good patches.

    Args:
        settings: see `PatchCoreSettings`.
        device: where the encoder and, with faiss-gpu, the search run.

    Raises:
        MissingWeights: the backbone's weights aren't on this machine.
    """

    kind = name = "patchcore"
    calibrates: Calibrates = "left_out"

    def __init__(self, settings: PatchCoreSettings | None = None, *, device: str = "cpu") -> None:
        wanted = settings or PatchCoreSettings()
        self._encoder = Encoder(wanted.backbone, layers=wanted.layers or None, device=device, dtype=getattr(torch, wanted.dtype))
        self._settings = replace(wanted, layers=self._encoder.layers)
        self._device = device
        self._bank: MemoryBank | None = None
        self._density = np.ones(1, np.float32)  # (rows of the bank,) mean distance to neighbours
        self._owner = np.zeros(0, np.int64)  # (rows of the bank,) which photo each came from; only between fit and save
        self._around = (np.zeros((0, 1), np.float32), np.zeros((0, 1), np.int64))  # distances and rows of their neighbours
        self._turns = wanted.turns == "yes"  # as fit decides where the settings say "auto"
        self._turn_ratio: float | None = None  # measured by fit where turns is "auto"
        self._resolution_cells = 1.0  # measured by fit

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """What it knows of the product."""
        return sentence("detector.spoke", name=self.name, photos=good_photos, product=product)

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """The backbone's."""
        return (self._encoder.weights,)

    @property
    def settings(self) -> PatchCoreSettings:
        """As asked, with the backbone's own layers where none were named."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """What became of the bank, and whether turned copies are in it."""
        bank = self._fitted()
        return {
            "bank": bank.rows,
            "index": bank.kind,
            "resolution_cells": self._resolution_cells,
            "turns": "yes" if self._turns else "no",
            "turn_ratio": self._turn_ratio,
        }

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """Fill the bank from good photos.

        Args:
            photos: (H, W, 3) each, of any sizes; read one at a time, so a lazy sequence stays lazy.
            progress: wraps the loop over photos.

        Raises:
            BadData: there is no photo.
        """
        if not len(photos):
            raise BadData("patchcore needs at least one good photo to fit on; give more photos")
        if self._settings.turns == "auto":
            self._turn_ratio = self._try_turns(photos)
            self._turns = self._turn_ratio is not None and self._turn_ratio <= TURN_GAIN
        self._learn(photos, progress)
        self._resolution_cells = self._probe(photos[len(photos) // 2])

    def without(self, held_out: int) -> Self:
        """The same detector whose bank lacks the rows that photo `held_out` gave; encodes and chooses nothing anew.

        Raises:
            BadModel: it was loaded, not fitted.
            BadData: no other photo has a row in the bank.
        """
        if not len(self._owner):
            raise BadModel("photos can only be held out from a detector that was just fitted")
        own = self._owner == held_out
        if own.all():
            raise BadData("all photos were held out; one at least must stay in the bank")
        other = copy(self)
        other._bank = self._fitted().excluding(np.flatnonzero(own))
        distances, rows = self._around
        other._density = self._density_of(distances, ~own[rows])
        other._owner = np.zeros(0, np.int64)
        return other

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3): map by nearest-patch distance, photo by the largest one re-weighted as in eq. 7."""
        height, width = pixels.shape[:2]
        parts: list[tuple[Tile, Map]] = []
        best, descriptors, resolution = 0.0, [], 1.0
        for tile, cells in self._encode(pixels):
            rows, cols, dims = cells.shape
            flat = cells.reshape(-1, dims)
            distances, nearest = self._fitted().search(flat, 1)  # (rows * cols, 1)
            if self._settings.density:
                distances = distances / self._density[nearest]
            grid = distances.reshape(rows, cols)
            smooth = cv2.GaussianBlur(grid, (0, 0), self._settings.smoothing) if self._settings.smoothing > 0 else grid
            best = max(best, self._photo_score(flat, smooth, nearest[:, 0]))
            descriptors.append(flat.mean(0))
            resolution = self._resolution_cells * tile.box.width / cols
            parts.append((tile, smooth.astype(np.float32)))
        return ScoreMap(blend(parts, width, height), best, resolution, self.name, np.mean(descriptors, 0, dtype=np.float32))

    def patches(self, pixels: Pixels) -> tuple[npt.NDArray[np.int64], Features]:
        """See `seewhy.detectors.protocol.Patched`."""
        boxes, features = list[npt.NDArray[np.int64]](), list[Features]()
        for tile, cells in self._encode(pixels):
            rows, cols, dims = cells.shape
            y, x = (np.rint(np.linspace(0, side, n + 1)).astype(int) for side, n in ((tile.box.height, rows), (tile.box.width, cols)))
            y0, x0 = np.meshgrid(y[:-1], x[:-1], indexing="ij")
            y1, x1 = np.meshgrid(y[1:], x[1:], indexing="ij")
            corner = np.array([tile.box.x0, tile.box.y0, tile.box.x0, tile.box.y0])
            boxes.append(np.stack([x0, y0, x1, y1], -1).reshape(-1, 4) + corner)
            features.append(cells.reshape(-1, dims))
        return np.concatenate(boxes), np.concatenate(features)

    def files(self) -> dict[str, bytes]:
        """The bank's index and the density around each of its rows."""
        return {"bank.faiss": self._fitted().to_bytes(), "density.safetensors": save_arrays({"density": self._density})}

    @classmethod
    def from_files(cls, settings: PatchCoreSettings, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved."""
        detector = cls(settings, device=device)
        detector._density = load_arrays(files["density.safetensors"])["density"]
        detector._resolution_cells = learned["resolution_cells"]
        detector._turns, detector._turn_ratio = learned["turns"] == "yes", learned["turn_ratio"]
        detector._bank = MemoryBank.from_bytes(files["bank.faiss"], device)
        return detector

    def _fitted(self) -> MemoryBank:
        if self._bank is None:
            raise BadModel("patchcore was not fitted; call fit first or load a model")
        return self._bank

    def _fill(self, candidates: Features, owners: npt.NDArray[np.int64]) -> None:
        chosen = greedy_k_centre(candidates, self._settings.bank_rows, self._settings.seed)
        self._owner = owners[chosen]
        self._bank = MemoryBank.build(candidates[chosen], self._device)
        distances, rows = self._bank.search(candidates[chosen], AROUND + 1)
        self._around = distances[:, 1:], rows[:, 1:]  # the nearest row to a row is itself
        self._density = self._density_of(self._around[0], np.ones(self._around[0].shape, bool))

    def _density_of(self, distances: Features, allowed: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """Mean distance of each row to its nearest allowed neighbours, as many as `density` says; (rows,), ones where it says 0."""
        if not self._settings.density or distances.shape[1] == 0:
            return np.ones(len(distances), np.float32)
        used = allowed & (allowed.cumsum(1) <= self._settings.density)
        used[~used.any(1), -1] = True  # all of its neighbours are left out: the farthest one known stands for those beyond
        mean = (distances * used).sum(1) / used.sum(1)
        density: npt.NDArray[np.float32] = np.maximum(mean, max(DENSEST * float(np.median(mean)) + 1e-6, LEAST_DENSITY)).astype(np.float32)
        return density

    def _try_turns(self, photos: Sequence[Pixels]) -> float | None:
        """What good photos score with turned copies of the others in the bank, to what they score without; None with too few.

        Both with a bank of the same size, on a sample of the photos, each left out while it is scored. Below 1 where parts
        lie in any direction; about 1 or above where all lie the same way and turned copies only take up room.
        """
        if len(photos) < 4:
            return None
        chosen = np.unique(np.linspace(0, len(photos) - 1, min(len(photos), TURN_PHOTOS)).round().astype(int))
        sample = [photos[int(i)] for i in chosen]
        rows = min(self._settings.bank_rows, TURN_ROWS)
        medians = list[float]()
        for turns in (False, True):
            trial = copy(self)
            trial._turns = turns
            trial._settings = replace(self._settings, bank_rows=rows, candidate_rows=6 * rows, density=0)
            trial._learn(sample, silent)
            medians.append(float(np.median([trial.without(i).score(pixels).score for i, pixels in enumerate(sample)])))
        return round(medians[1] / medians[0], 4) if medians[0] > 0 else None

    def _learn(self, photos: Sequence[Pixels], progress: Progress[Any]) -> None:
        """Draw patches from every photo and fill the bank."""
        turns = (0, *TURNS) if self._turns else (0,)
        rng = np.random.default_rng(self._settings.seed)
        per_photo = -(-self._settings.candidate_rows // len(photos))
        samples = [
            _some(np.concatenate([self._rows(np.rot90(pixels, turn)) for turn in turns]), per_photo, rng)
            for pixels in progress((photos[i] for i in range(len(photos))), "learning good photos", len(photos))
        ]
        self._fill(np.concatenate(samples), np.repeat(np.arange(len(samples)), [len(rows) for rows in samples]))

    def _rows(self, pixels: Pixels) -> Features:
        """All patch features of a photo, (N, D)."""
        return np.concatenate([cells.reshape(-1, cells.shape[-1]) for _, cells in self._encode(np.ascontiguousarray(pixels))])

    def _encode(self, pixels: Pixels) -> list[tuple[Tile, Features]]:
        """Patch features of each tile, (rows, cols, D) float32."""
        out = []
        for tile in self._tiles(pixels):
            cut = pixels[tile.box.slices]
            small = resized(cut, tile.input_width, tile.input_height, shrinks=tile.input_width < tile.box.width)
            out.append((tile, self._join(self._encoder(as_batch([small])), tile.input_height)))
        return out

    def _tiles(self, pixels: Pixels) -> list[Tile]:
        s = self._settings
        return tiles_for(pixels.shape[1], pixels.shape[0], s.input_px, self._encoder.row.multiple_px, s.max_shrink)

    def _join(self, maps: list[Tensor], input_rows: int) -> Features:
        s = self._settings
        return joined(maps, input_rows, pool=s.pool, grid_px=s.grid_px, unit_length=s.unit_length).cpu().numpy()

    def _photo_score(self, features: Features, grid: Map, nearest: npt.NDArray[np.int64]) -> float:
        """Mean of the strangest cells, weighted by how well the nearest good patch is itself supported (eq. 7)."""
        ordered = np.sort(grid.ravel())
        count = max(1, round(self._settings.top_share * len(ordered)))
        strangest = float(ordered[-count:].mean())
        if self._settings.neighbours <= 1:
            return strangest
        bank, at = self._fitted(), int(grid.argmax())
        _, around = bank.search(bank.row(int(nearest[at]))[None], self._settings.neighbours)  # N_b(m*), m* among them
        distances = np.linalg.norm(features[at] - np.stack([bank.row(int(i)) for i in around[0]]), axis=1)
        own = float(np.linalg.norm(features[at] - bank.row(int(nearest[at]))))
        return strangest * (1.0 - 1.0 / float(np.exp(distances - own).sum()))

    def _probe(self, pixels: Pixels) -> float:
        """The map's answer to a dot, in cells."""
        tile, cells = self._encode(pixels)[0]
        return answer_to_a_dot(lambda p: self.score(p).values, pixels, tile.box.width / cells.shape[1])


def _some(rows: Features, count: int, rng: np.random.Generator) -> Features:
    """At most `count` of the rows, drawn at random."""
    return rows[np.sort(rng.choice(len(rows), min(count, len(rows)), replace=False))]
