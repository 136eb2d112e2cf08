"""What learning computed of good photos and calibrating wants again: their patches' features, and which of them were drawn."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from seewhy.canonical import sha256_bytes
from seewhy.detectors.parts.bank import Found
from seewhy.detectors.parts.memory import Memory
from seewhy.threads import cores, side_by_side
from seewhy.types import Features, Pixels

ROOM_BYTES = 512 << 20  # however many photos there are: those beyond it are looked at again


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Which patches of a tile are among the candidates of a bank."""

    patches: npt.NDArray[np.int64]  # (n,) their numbers in the tile
    candidates: npt.NDArray[np.int64]  # (n,) and among the candidates


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The patches of a tile."""

    shapes: tuple[tuple[int, int], ...]  # (rows, cols) of each look
    looks: tuple[Features, ...]  # (N, D) of each look: of all patches, or of those that aren't among the candidates
    middle: Features  # (D,) the mean of all patches of the first look
    learned: Learned | None = None  # which are

    @classmethod
    def of(cls, looks: Sequence[Features]) -> Self:
        """From (rows, cols, D) of each look."""
        flat = tuple(cells.reshape(-1, cells.shape[-1]) for cells in looks)
        return cls(tuple((cells.shape[0], cells.shape[1]) for cells in looks), flat, flat[0].mean(0))

    def rest(self, learned: Learned) -> Cells:
        """The same with the features of those patches alone that aren't among the candidates."""
        left = [np.delete(rows, learned.patches, 0) for rows in self.looks]
        return replace(self, looks=tuple(left), learned=learned)


class Candidates:
    """Patches drawn at random from good photos, the same of each look, from which coresets are taken.

    Args:
        photos: how many there are.
        most: patches that are drawn from all of them; the same number from each, as far as it has so many.
        seed: of the draw.
    """

    def __init__(self, photos: int, most: int, seed: int) -> None:
        self._photos, self._each = photos, -(-most // photos)
        self._rng = np.random.default_rng(seed)
        self._looks, self._owners = list[Features](), list[int]()

    def draw(self, photo: int, tiles: Sequence[Cells]) -> list[Learned]:
        """Draw from a photo, by its number; what was drawn of each tile."""
        ends = np.cumsum([0, *(len(tile.looks[0]) for tile in tiles)])
        chosen = np.sort(self._rng.choice(int(ends[-1]), min(self._each, int(ends[-1])), replace=False))
        if not self._looks:
            self._looks = [np.empty((self._photos * self._each, rows.shape[1]), np.float32) for rows in tiles[0].looks]
        learned, at = list[Learned](), len(self._owners)
        for tile, first, end in zip(tiles, ends, ends[1:], strict=False):
            own = chosen[(chosen >= first) & (chosen < end)] - first
            for into, rows in zip(self._looks, tile.looks, strict=True):
                into[at : at + len(own)] = rows[own]
            learned.append(Learned(own, np.arange(at, at + len(own))))
            at += len(own)
        self._owners += [photo] * len(chosen)
        return learned

    @property
    def owners(self) -> npt.NDArray[np.int64]:
        """The photo of each patch, (N,)."""
        return np.array(self._owners, np.int64)

    def taken(self, look: int) -> Features:
        """Features of all of them, (N, D), which are not kept any longer."""
        rows, self._looks[look] = self._looks[look], np.zeros((0, 1), np.float32)
        return rows[: len(self._owners)]


class Kept:
    """Patches that are wanted twice, by learning and by calibrating: by the photo and what the network saw, each handed out once.

    The features of those that were drawn aren't kept: the bank knows how far its candidates are from it.
    """

    def __init__(self, room_bytes: int = ROOM_BYTES) -> None:
        self._whole, self._room, self._kept = room_bytes, room_bytes, dict[tuple[int, str], Cells]()

    def add(self, photo: int, seen: Pixels, cells: Cells, learned: Learned) -> None:
        """Keep what a tile (h, w, 3) of a photo showed beside what was drawn, where there is room for it."""
        rest = cells.rest(learned)
        if _bytes(rest) <= self._room:
            self._room -= _bytes(rest)
            self._kept[photo, _name(seen)] = rest

    def taken(self, photo: int | None, seen: Pixels) -> Cells | None:
        """What was kept of a tile, which isn't any longer; None where nothing was."""
        cells = self._kept.pop((photo, _name(seen)), None) if photo is not None and self._kept else None
        self._room += 0 if cells is None else _bytes(cells)
        return cells

    def clear(self) -> None:
        """Keep nothing any longer."""
        self._room = self._whole
        self._kept.clear()


def fill(memories: Sequence[Memory], candidates: Candidates, seed: int) -> None:
    """The bank of each look, and where there are several how far distances spread; side by side, each with its share of the cores."""

    def one(look: int) -> None:
        rows, owners = candidates.taken(look), candidates.owners
        memories[look].fill(rows, owners, seed)
        if len(memories) > 1:
            memories[look].measure_spread(rows, owners)

    deque(side_by_side(one, range(len(memories)), min(cores(), len(memories))), 0)


def distances(memories: Sequence[Memory], cells: Cells) -> list[Found]:
    """How far a tile's patches are from each look's bank, (N,), and their nearest rows, (N,)."""
    if cells.learned is None:
        return [memory.distances(rows) for memory, rows in zip(memories, cells.looks, strict=True)]
    found = list[Found]()
    for memory, rows in zip(memories, cells.looks, strict=True):
        asked = np.ones(len(rows) + len(cells.learned.patches), bool)
        asked[cells.learned.patches] = False
        far, nearest = np.empty(len(asked), np.float32), np.empty(len(asked), np.int64)
        far[asked], nearest[asked] = memory.distances(rows)
        far[~asked], nearest[~asked] = memory.distances_of(cells.learned.candidates)
        found.append((far, nearest))
    return found


def _bytes(cells: Cells) -> int:
    return sum(one.nbytes for one in cells.looks)


def _name(seen: Pixels) -> str:
    return f"{seen.shape}{sha256_bytes(seen.tobytes())}"
