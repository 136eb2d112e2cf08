"""PatchCore (Roth et al., CVPR 2022): how far is each patch from the nearest patch of a good photo?

Each patch is looked at in three ways, in one pass of the encoder: the directions of its features, averaged over a neighbourhood; its
features and their strengths, averaged likewise and whitened (Mahalanobis PatchCore, arXiv 2605.27748); and the same without the
averaging, for what is small. Each look has a bank of its own, and the distances are added, each in units of its spread among good
patches: what is odd in several ways is a defect more often than what is odd in one (evals/results).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Self

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.detectors.parts.backbones import backbone
from seewhy.detectors.parts.kept import Candidates, Cells, Kept, distances, fill
from seewhy.detectors.parts.memory import Look, Memory
from seewhy.detectors.parts.patches import Patches, exported_of, faster, kept_patches, patches
from seewhy.detectors.parts.resolution import answer_to_a_dot
from seewhy.detectors.parts.tiles import Tile, blend, tiles_for
from seewhy.detectors.parts.ways import Asked, Engine, Spec, Way, first_precision
from seewhy.detectors.parts.whole import AtOnce, Steps, on_device, whole_graph
from seewhy.detectors.protocol import Calibrates, Single, over_photos
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData
from seewhy.types import Features, Map, Pixels, Progress, ScoreMap, silent

TURNS = (1, 2, 3)  # quarter turns
TURN_PHOTOS, TURN_ROWS = 24, 2000  # good photos, and rows of the bank, with which turning is tried
TURN_GAIN = 0.95  # turned copies are learned where they lower the scores of good photos to this share
FINE = 0.5  # weight of the look without averaging
FILES = (  # of each look
    ("bank.faiss", "density.safetensors"),
    ("coarse.faiss", "coarse.safetensors"),
    ("fine.faiss", "fine.safetensors"),
)


@dataclass(frozen=True, slots=True)
class PatchCoreSettings:
    """What can be chosen; the defaults were chosen by what escapes, leaving one product out (evals/results)."""

    backbone: str = "efficientnet-lite0"
    layers: tuple[int, ...] = ()  # the backbone's own where empty
    input_px: int = 384  # the model's input has about input_px² pixels, at the photo's aspect ratio
    max_shrink: float = 4.0  # photos that would be shrunk more than this are cut into tiles
    pool: int = 3  # side of the neighbourhood that is averaged, in cells of each layer (paper: p = 3)
    grid_px: int = 0  # interpolate coarser layers to cells of about this many input pixels; 0: the finest layer as it is
    unit_length: bool = True  # bring each layer's features to length 1: compare directions, not strengths
    density: int = 5  # divide a distance by that of the nearest good patch to this many neighbours in the bank; 0: don't
    top_share: float = 0.03  # the photo's score is the mean of this share of its strangest cells; 0: the strangest one
    bank_rows: int = 5_000  # size of the coreset
    candidate_rows: int = 40_000  # patches drawn at random from all good photos, from which the coreset is taken
    whitened_rows: int = 1_000  # size of the coresets of whitened features, averaged and not; 0: there are none
    turns: Literal["auto", "yes", "no"] = "no"  # also learn each good photo turned by 90, 180 and 270 degrees; auto: measured
    neighbours: int = 1  # b of eq. 7, the re-weighting of the photo's score; 1 turns it off
    smoothing: float = 1.0  # sigma of the Gaussian over the map, in cells
    seed: int = 0
    dtype: str = "float32"  # of torch's arithmetic
    engine: Engine = "auto"  # who runs the backbone; auto: OpenVINO on a CPU, ONNX Runtime on other devices where it can, else torch
    precision: Asked = "f32"  # of OpenVINO's arithmetic

    def looks(self) -> tuple[Look, ...]:
        """How patches are described for each bank."""
        row = backbone(self.backbone)
        directions = Look(self.layers or row.layers, self.pool, self.unit_length, False, self.bank_rows, self.density)
        if not self.whitened_rows:
            return (directions,)
        coarse = Look(row.coarse, self.pool, False, True, self.whitened_rows)
        return directions, coarse, Look(row.fine, 1, False, True, self.whitened_rows, weight=FINE)


class PatchCore(Single):
    """A memory bank of good patches.

    Args:
        settings: see `PatchCoreSettings`.
        device: where the encoder and, with faiss-gpu, the search run.
        described: patches' features as they were kept with a model; None: by the settings.

    Raises:
        MissingWeights: the backbone's weights aren't on this machine.
    """

    kind = name = "patchcore"
    calibrates: Calibrates = "left_out"

    def __init__(self, settings: PatchCoreSettings | None = None, *, device: str = "cpu", described: Patches | None = None) -> None:
        wanted = settings or PatchCoreSettings()
        looks = wanted.looks()
        self._patches = described or _patches_for(wanted, looks, device)
        self._settings = replace(wanted, layers=looks[0].layers)
        self._device = device
        self._memories = tuple(Memory(look, device) for look in looks)
        self._kept = Kept()  # features of the photos that were learned, for those that calibrate; only between fit and save
        self._left_out: int | None = None  # number of the photo that is scored as if it hadn't been learned
        self._turns = wanted.turns == "yes"  # as fit decides where the settings say "auto"
        self._turn_ratio: float | None = None  # measured by fit where turns is "auto"
        self._resolution_cells = 1.0  # measured by fit
        self._at_once: AtOnce | None = None  # of a loaded model on an accelerator: encoder and search as one graph there
        self._decided: Mapping[str, Any] = {}  # how the precision was chosen, where that was left open

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """The backbone's."""
        return (self._patches.weights,)

    @property
    def settings(self) -> PatchCoreSettings:
        """As asked, with the backbone's own layers where none were named."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """What became of the bank, and whether turned copies are in it."""
        first, *whitened = self._memories
        facts = {
            "bank": first.bank.rows,
            "index": first.bank.kind,
            "resolution_cells": self._resolution_cells,
            "turns": "yes" if self._turns else "no",
            "turn_ratio": self._turn_ratio,
        }
        if whitened:
            facts["whitened"] = [{"bank": m.bank.rows, "dims": m.bank.dims} for m in whitened]
            facts["spreads"] = [m.spread for m in self._memories]
        network = self._patches.learned()
        facts |= {"precision": dict(self._decided)} if self._decided else {}
        return facts | {"network": network} if network else facts

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
        other = copy(self)
        other._left_out = held_out
        other._memories = tuple(memory.without(held_out) for memory in self._memories)
        return other

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3): map by nearest-patch distance, photo by the largest one re-weighted as in eq. 7."""
        height, width = pixels.shape[:2]
        parts: list[tuple[Tile, Map]] = []
        best, descriptors, resolution = 0.0, [], 1.0
        for tile in self._tiles(pixels):
            grid, whole, supported = self._looked_at(tile.seen(pixels))
            smooth = cv2.GaussianBlur(grid, (0, 0), self._settings.smoothing) if self._settings.smoothing > 0 else grid
            best = max(best, self._strangest(smooth) * supported(int(smooth.argmax())))
            descriptors.append(whole)
            resolution = self._resolution_cells * tile.box.width / grid.shape[1]
            parts.append((tile, smooth.astype(np.float32)))
        return ScoreMap(blend(parts, width, height), best, resolution, self.name, np.mean(descriptors, 0, dtype=np.float32))

    def patches(self, pixels: Pixels) -> tuple[npt.NDArray[np.int64], Features]:
        """See `seewhy.detectors.protocol.Patched`."""
        boxes, features = list[npt.NDArray[np.int64]](), list[Features]()
        for tile, cells in self._encode(pixels):
            rows, cols = cells.shapes[0]
            y, x = (np.rint(np.linspace(0, side, n + 1)).astype(int) for side, n in ((tile.box.height, rows), (tile.box.width, cols)))
            y0, x0 = np.meshgrid(y[:-1], x[:-1], indexing="ij")
            y1, x1 = np.meshgrid(y[1:], x[1:], indexing="ij")
            corner = np.array([tile.box.x0, tile.box.y0, tile.box.x0, tile.box.y0])
            boxes.append(np.stack([x0, y0, x1, y1], -1).reshape(-1, 4) + corner)
            features.append(cells.looks[0])
        return np.concatenate(boxes), np.concatenate(features)

    def rivals(self) -> dict[str, PatchCore] | None:
        """See `seewhy.detectors.protocol.Precise`."""
        s = self._settings
        if s.precision != "auto":
            return None
        return {name: PatchCore(s, device=self._device, described=there) for name, there in faster(self._patches).items()}

    def decided(self, facts: Mapping[str, Any]) -> None:
        """See `seewhy.detectors.protocol.Precise`."""
        self._decided = facts

    def graph(self, width: int, height: int) -> Any:
        """What `score` does with a photo of one size, as one graph; see `seewhy.detectors.parts.whole`.

        Raises:
            BadData: photos of that size are cut into tiles, or a setting asks for what no graph does.
            BadModel: torch runs the encoder, or a bank is searched approximately.
        """
        s, tiles = self._settings, self._tiles(np.empty((height, width, 0), np.uint8))
        if len(tiles) > 1:
            side = round(s.input_px * s.max_shrink)
            raise BadData(
                f"photos of {width} x {height} px are cut into {len(tiles)} tiles, which can't be one graph; "
                f"fit on photos of at most about {side} x {side} px, or with a larger --option max_shrink"
            )
        if s.neighbours > 1:
            raise BadData("the score's re-weighting by neighbours can't be exported; fit with --option neighbours=1")
        looks = [memory.searched() for memory in self._memories]
        return whole_graph(Steps(tiles[0], exported_of(self._patches), looks, s.smoothing, s.top_share))

    def files(self) -> dict[str, bytes]:
        """Each bank's index, and beside it the density around its rows and what whitens; the network where it was exported."""
        self._kept.clear()
        banks = [memory.to_bytes() for memory in self._memories]
        return self._patches.files() | {
            name: data for names, both in zip(FILES, banks, strict=False) for name, data in zip(names, both, strict=True)
        }

    @classmethod
    def from_files(cls, settings: PatchCoreSettings, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved; those of version 0.1 have one bank, and torch ran their backbones."""
        settings = settings if "whitened" in learned else replace(settings, whitened_rows=0)
        looks = settings.looks()
        described = (
            kept_patches(learned["network"], files, device=device, engine=settings.engine)
            if "network" in learned
            else _patches_for(replace(settings, engine="torch", precision="f32"), looks, device)
        )
        detector = cls(settings, device=device, described=described)
        detector._resolution_cells = float(learned["resolution_cells"])
        detector._decided = learned.get("precision", {})
        detector._turns, detector._turn_ratio = learned["turns"] == "yes", learned["turn_ratio"]
        detector._memories = tuple(
            Memory.from_bytes(memory.look, spread, files[index], files[beside], device)
            for memory, spread, (index, beside) in zip(detector._memories, learned.get("spreads", (1.0,)), FILES, strict=False)
        )
        detector._at_once = on_device(described, detector._memories) if settings.neighbours <= 1 else None
        return detector

    def _distances(self, cells: Cells) -> tuple[Map, npt.NDArray[np.int64]]:
        """Of a tile's cells: how far each is from the good ones, (rows, cols); in the first look's bank the nearest rows, (N,)."""
        found = distances(self._memories, cells)
        size = cells.shapes[0][::-1]
        grids = [
            cv2.resize((memory.look.weight * far / memory.spread).reshape(shape), size, interpolation=cv2.INTER_LINEAR)
            for memory, shape, (far, _) in zip(self._memories, cells.shapes, found, strict=True)
        ]
        return np.sum(grids, 0, dtype=np.float32), found[0][1]

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
            small = replace(self._settings, bank_rows=rows, candidate_rows=6 * rows, density=0, whitened_rows=0)
            trial = copy(self)
            trial._turns, trial._settings = turns, small
            trial._memories = tuple(Memory(look, self._device) for look in small.looks())
            trial._learn(sample, silent)
            medians.append(float(np.median([trial.without(i).score(pixels).score for i, pixels in enumerate(sample)])))
        return round(medians[1] / medians[0], 4) if medians[0] > 0 else None

    def _learn(self, photos: Sequence[Pixels], progress: Progress[Any]) -> None:
        """Draw patches from every photo and fill the bank."""
        turns = (0, *TURNS) if self._turns else (0,)
        candidates = Candidates(len(photos), self._settings.candidate_rows, self._settings.seed)
        described = over_photos(lambda i: self._described(photos[i], turns), photos, range(len(photos)))
        for number, tiles in enumerate(progress(described, "learning good photos", len(photos))):
            drawn = candidates.draw(number, [cells for _, cells in tiles])
            if self._settings.neighbours > 1:
                continue  # the score wants the features of the strangest patch, whichever it is
            for (seen, cells), learned in zip(tiles[: len(tiles) // len(turns)], drawn, strict=False):  # turned copies don't calibrate
                self._kept.add(number, seen, cells, learned)
        fill(self._memories, candidates, self._settings.seed)

    def _described(self, pixels: Pixels, turns: Sequence[int]) -> list[tuple[Pixels, Cells]]:
        """What the model sees of a photo and of its turned copies, tile by tile, and its patches."""
        turned = [np.ascontiguousarray(np.rot90(pixels, turn)) for turn in turns]
        return [(seen, self._cells(seen)) for one in turned for seen in (tile.seen(one) for tile in self._tiles(one))]

    def _encode(self, pixels: Pixels) -> list[tuple[Tile, Cells]]:
        """The patches of each tile."""
        return [(tile, self._cells(tile.seen(pixels))) for tile in self._tiles(pixels)]

    def _cells(self, seen: Pixels) -> Cells:
        """The patches of a tile; where it was kept of the photo that is left out, that is used up."""
        return self._kept.taken(self._left_out, seen) or Cells.of(self._patches(seen)[: len(self._memories)])

    def _tiles(self, pixels: Pixels) -> list[Tile]:
        s = self._settings
        return tiles_for(pixels.shape[1], pixels.shape[0], s.input_px, backbone(s.backbone).multiple_px, s.max_shrink)

    def _looked_at(self, seen: Pixels) -> tuple[Map, Features, Callable[[int], float]]:
        """Of a tile: how far its cells are from the good ones, (rows, cols), the first look's mean features, (D,), and eq. 7's weights."""
        if self._at_once is not None:
            grid, whole = self._at_once(seen)
            return grid, whole, lambda _: 1.0
        cells = self._cells(seen)
        grid, nearest = self._distances(cells)
        return grid, cells.middle, partial(self._support, cells.looks[0], nearest)

    def _support(self, features: Features, nearest: npt.NDArray[np.int64], at: int) -> float:
        """How well the good patch that is nearest to a cell is itself supported (eq. 7)."""
        if self._settings.neighbours <= 1:
            return 1.0
        return self._memories[0].support(features[at], int(nearest[at]), self._settings.neighbours)

    def _strangest(self, grid: Map) -> float:
        """Mean of the strangest cells."""
        ordered = np.sort(grid.ravel())
        count = max(1, round(self._settings.top_share * len(ordered)))
        return float(ordered[-count:].mean())

    def _probe(self, pixels: Pixels) -> float:
        """The map's answer to a dot, in cells."""
        tile, cells = self._encode(pixels)[0]
        cell_px = tile.box.width / cells.shapes[0][1]
        return answer_to_a_dot(lambda p: self.score(p).values, pixels, cell_px, at_once=True)


def _patches_for(settings: PatchCoreSettings, looks: Sequence[Look], device: str) -> Patches:
    spec = Spec(settings.backbone, tuple(Way(look.layers, look.pool, look.unit_length) for look in looks), settings.grid_px)
    precision = first_precision(settings.precision)
    return patches(spec, engine=settings.engine, precision=precision, device=device, dtype=settings.dtype)
