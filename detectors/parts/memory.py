"""What a memory bank holds of good photos, and how far a patch is from it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from seewhy.detectors.parts.bank import MemoryBank, greedy_k_centre
from seewhy.detectors.parts.whitening import Moments, Whitening
from seewhy.errors import BadData, BadModel
from seewhy.types import Features

DENSEST = 0.1  # of the median: doubled patches must not make a distance infinite
LEAST_SAVED = 1e-6  # that models of 0.1.0 have
LEAST_DENSITY = 0.01  # distances of features of length 1: where all patches are doubled, nothing is divided by nothing
AROUND = 32  # neighbours kept per row of the bank, so that photos can be left out of its density
SPREAD_ROWS, SPREAD_PHOTOS = 2000, 16  # good patches, and of how many photos, whose distances say how far those of good photos spread
FEW = 16  # photos up to which one that is left out is also taken back from what whitens: it would make its own patches less strange
LEAST_SPREAD = 0.05  # of the median distance

Spares: TypeAlias = tuple[MemoryBank, npt.NDArray[np.int64]]  # patches, and the rows of a bank that they stand for


@dataclass(frozen=True, slots=True)
class Look:
    """How patches are described and kept in one bank."""

    layers: tuple[int, ...]
    pool: int  # side of the neighbourhood that is averaged
    unit_length: bool  # bring each layer's features to length 1
    whitened: bool
    rows: int  # of the coreset
    density: int = 0  # divide a distance by that of the nearest row to this many neighbours in the bank; 0: don't
    weight: float = 1.0  # of its distances beside those of other looks


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """All that a distance to good patches is computed from."""

    rows: Features  # (M, D)
    density: npt.NDArray[np.float32] | None  # (M,) by which the distance to a row is divided; None: it isn't
    whitening: Whitening | None  # of a patch, before it is compared
    share: float  # by which distances are multiplied before they are added to other looks'


class Memory:
    """Good patches of one look, of which a coreset is kept.

    Args:
        look: how they are described.
        device: where the search runs.
    """

    def __init__(self, look: Look, device: str = "cpu") -> None:
        self.look = look
        self.spread = 1.0  # how far distances of good patches spread; what is added to another bank's is divided by it
        self.owner = np.zeros(0, np.int64)  # (rows of the bank,) which photo each came from; only between fit and save
        self._device = device
        self._bank: MemoryBank | None = None
        self._whitening: Whitening | None = None
        self._density = np.ones(1, np.float32)  # (rows of the bank,) mean distance to neighbours
        self._mean = np.ones(1, np.float32)  # (rows of the bank,) likewise, before the least density is set
        self._around = (np.zeros((0, 1), np.float32), np.zeros((0, 1), np.int64))  # distances and rows of their neighbours
        self._learned = np.zeros((0, 1), np.float32)  # (N, D) candidates, and …
        self._owners = np.zeros(0, np.int64)  # … the photo of each; only where there are `FEW` photos, between fit and save
        self._chosen = np.zeros(0, np.int64)  # (rows of the bank,) numbers of the candidates in it, and …
        self._spare = np.zeros(0, np.int64)  # … of those of other photos that would stand for them; -1: none would
        self._spare_rows = np.zeros((0, 1), np.float32)  # (rows of the bank, K) as the bank holds them
        self._moments: Moments | None = None  # of the candidates, where the look is whitened
        self._spares: Spares | None = None  # of the photo that was left out
        self._whitened_anew = False  # without the photo that was left out
        self._far = np.zeros(0, np.float32)  # (N,) of each candidate: how far it is from the bank without its photo, and …
        self._nearest = np.zeros(0, np.int64)  # … from which row
        self._whitened_without = dict[int, tuple[Whitening, MemoryBank]]()  # by the photo that was left out, so that each is done once

    @property
    def bank(self) -> MemoryBank:
        """The coreset.

        Raises:
            BadModel: it was not filled.
        """
        if self._bank is None:
            raise BadModel("patchcore was not fitted; call fit first or load a model")
        return self._bank

    def fill(self, candidates: Features, owners: npt.NDArray[np.int64], seed: int) -> None:
        """Keep a coreset of good patches.

        Args:
            candidates: (N, D), as an encoder describes them.
            owners: (N,) number of the photo that each is of.
            seed: of the coreset.
        """
        self._moments = Moments.of(candidates) if self.look.whitened else None
        self._whitening = None if self._moments is None else Whitening.of(self._moments)
        if len(np.unique(owners)) <= FEW:
            self._learned, self._owners = candidates, owners
        rows = self.seen(candidates)
        chosen = greedy_k_centre(rows, self.look.rows, seed)
        self._chosen, self.owner = chosen, owners[chosen]
        self._bank = MemoryBank.build(rows[chosen], self._device)
        distances, near = self._bank.search(rows[chosen], AROUND + 1)
        self._around = distances[:, 1:], near[:, 1:]  # the nearest row to a row is itself
        self._mean = self._mean_of(self._around[0], np.ones(self._around[0].shape, bool))
        self._density = self._density_of(self._mean)
        self._keep_spares(rows, owners)
        self._whitened_without = {}

    def measure_spread(self, candidates: Features, owners: npt.NDArray[np.int64]) -> None:
        """How far the distances of good patches to those of other photos spread: from their median to their 99th percentile.

        Args:
            candidates: (N, D), as for `fill`; some of them are looked at.
            owners: (N,) likewise.
        """
        photos = np.unique(owners)
        some = photos[np.unique(np.linspace(0, len(photos) - 1, min(len(photos), SPREAD_PHOTOS)).round().astype(int))]
        far = list[npt.NDArray[np.float32]]()
        for photo in some:
            own = np.flatnonzero(owners == photo)
            own = own[:: max(1, len(own) * len(some) // SPREAD_ROWS)]
            alone = bool((self.owner == photo).all())
            found = self.bank.search(self.seen(candidates[own]), 2)[0][:, -1] if alone else self.without(int(photo)).distances_of(own)[0]
            far.append(found)
        median, high = np.quantile(np.concatenate(far), (0.5, 0.99))
        self.spread = float(max(high - median, LEAST_SPREAD * median, LEAST_DENSITY))

    def without(self, photo: int) -> Self:
        """The same bank without the rows that a photo gave, in their places the nearest patches of other photos; nothing is chosen anew.

        A coreset that had never seen the photo would have covered those places too, as far as other photos reach there: without them a
        photo that is left out would score more than a new one.

        Raises:
            BadModel: it was loaded, not filled.
            BadData: no other photo has a row in the bank.
        """
        if not len(self.owner):
            raise BadModel("photos can only be held out from a detector that was just fitted")
        own = self.owner == photo
        if own.all():
            raise BadData("all photos were held out; one at least must stay in the bank")
        other = copy(self)
        other.owner = np.zeros(0, np.int64)
        if self._moments is not None and len(self._learned):
            if photo not in self._whitened_without:
                whitening = Whitening.of(self._moments - Moments.of(self._learned[self._owners == photo]))
                left = np.concatenate([self._chosen[~own], self._spare[own & (self._spare >= 0)]])
                self._whitened_without[photo] = whitening, MemoryBank.build(whitening(self._learned[left]), self._device)
            other._whitening, other._bank = self._whitened_without[photo]
            other._whitened_anew = True
            return other
        other._bank = self.bank.excluding(np.flatnonzero(own))
        other._density = self._density_without(own)
        other._spares = self._spares_for(own)
        return other

    def seen(self, features: Features) -> Features:
        """Features (N, D) as the bank holds them."""
        return features if self._whitening is None else self._whitening(features)

    def distances(self, features: Features) -> tuple[Features, npt.NDArray[np.int64]]:
        """How far patches (N, D) are from the bank, (N,), and which of its rows is the nearest, (N,)."""
        rows = self.seen(features)
        distances, numbers = self.bank.search(rows, 1)  # (N, 1) each
        return self._divided(*_nearer(distances[:, 0], numbers[:, 0], rows, self._spares))

    def distances_of(self, candidates: npt.NDArray[np.int64]) -> tuple[Features, npt.NDArray[np.int64]]:
        """Likewise of candidates of the photo that is left out, by their numbers (n,): `fill` has seen them."""
        if self._whitened_anew:
            return self.distances(self._learned[candidates])
        return self._divided(self._far[candidates], self._nearest[candidates])

    def _divided(self, far: Features, nearest: npt.NDArray[np.int64]) -> tuple[Features, npt.NDArray[np.int64]]:
        return (far / self._density[nearest] if self.look.density else far), nearest

    def support(self, feature: Features, nearest: int, neighbours: int) -> float:
        """Weight of a distance by how well the nearest row is itself supported (Roth et al., CVPR 2022, eq. 7).

        Args:
            feature: (D,), of the patch.
            nearest: row of the bank.
            neighbours: b of eq. 7.
        """
        patch, star = self.seen(feature[None])[0], self.bank.row(nearest)
        _, around = self.bank.search(star[None], neighbours)  # N_b(m*), m* among them
        distances = np.linalg.norm(patch - np.stack([self.bank.row(int(i)) for i in around[0]]), axis=1)
        return 1.0 - 1.0 / float(np.exp(distances - float(np.linalg.norm(patch - star))).sum())

    def searched(self) -> Searched:
        """What `distances` rests on.

        Raises:
            BadModel: the bank was not filled, or is searched approximately.
        """
        density = self._density if self.look.density else None
        return Searched(self.bank.vectors(), density, self._whitening, self.look.weight / self.spread)

    def to_bytes(self) -> tuple[bytes, bytes]:
        """The bank's index, and the arrays beside it."""
        arrays = {"density": self._density}
        if self._whitening is not None:
            arrays |= {"middle": self._whitening.middle, "matrix": self._whitening.matrix}
        return self.bank.to_bytes(), save_arrays(arrays)

    @classmethod
    def from_bytes(cls, look: Look, spread: float, index: bytes, beside: bytes, device: str) -> Self:
        """The memory that gave `to_bytes`, and had that `spread`.

        Raises:
            BadModel: the files don't belong together.
        """
        memory, arrays = cls(look, device), load_arrays(beside)
        memory.spread, memory._density = float(spread), arrays["density"]
        memory._whitening = Whitening(arrays["middle"], arrays["matrix"]) if look.whitened else None
        memory._bank = MemoryBank.from_bytes(index, device)
        if len(memory._density) != memory._bank.rows or not (memory._density >= LEAST_SAVED).all():
            raise BadModel("the bank has no density around each of its rows; fit the model again")
        return memory

    def _keep_spares(self, rows: Features, owners: npt.NDArray[np.int64]) -> None:
        """For each row of the bank, of the patches that lie nearest to it, the nearest one of another photo; and for each patch, how far it
        is from the bank without its own photo."""
        (distances, at), (self._far, self._nearest) = self.bank.nearest(rows, owners, self.owner)
        order = np.argsort(distances, kind="stable")
        order = order[owners[order] != self.owner[at[order]]]
        stood_for, first = np.unique(at[order], return_index=True)
        self._spare = np.full(self.bank.rows, -1)
        self._spare[stood_for] = order[first]
        self._spare_rows = rows[np.maximum(self._spare, 0)]
        for photo in np.unique(owners):
            own = np.flatnonzero(owners == photo)
            spares = self._spares_for(self.owner == photo)
            self._far[own], self._nearest[own] = _nearer(self._far[own], self._nearest[own], rows[own], spares)

    def _spares_for(self, own: npt.NDArray[np.bool_]) -> Spares | None:
        """What stands for some rows (rows of the bank,); None where nothing does."""
        replaced = np.flatnonzero(own & (self._spare >= 0))
        return (MemoryBank.build(self._spare_rows[replaced]), replaced) if len(replaced) else None

    def _density_without(self, own: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """The density where some rows (rows of the bank,) are left out: that of their neighbours is another."""
        distances, rows = self._around
        touched = own[rows[:, : self.look.density]].any(1)
        mean = self._mean.copy()
        mean[touched] = self._mean_of(distances[touched], ~own[rows[touched]])
        return self._density_of(mean)

    def _mean_of(self, distances: Features, allowed: npt.NDArray[np.bool_]) -> Features:
        """Mean distance of each row to its nearest allowed neighbours, as many as the look says; (rows,), ones where it says 0."""
        if not self.look.density or distances.shape[1] == 0:
            return np.ones(len(distances), np.float32)
        used = allowed & (allowed.cumsum(1) <= self.look.density)
        used[~used.any(1), -1] = True  # all of its neighbours are left out: the farthest one known stands for those beyond
        mean: Features = (distances * used).sum(1) / used.sum(1)
        return mean

    def _density_of(self, mean: Features) -> npt.NDArray[np.float32]:
        """What distances to the rows (rows of the bank,) are divided by."""
        if not self.look.density or self._around[0].shape[1] == 0:
            return np.ones(len(mean), np.float32)
        density: npt.NDArray[np.float32] = np.maximum(mean, max(DENSEST * float(np.median(mean)) + 1e-6, LEAST_DENSITY)).astype(np.float32)
        return density


def _nearer(far: Features, nearest: npt.NDArray[np.int64], rows: Features, spares: Spares | None) -> tuple[Features, npt.NDArray[np.int64]]:
    """Distances (N,) and nearest rows of a bank (N,), after what stands for some of its rows is looked at too, by patches (N, D)."""
    if spares is None:
        return far, nearest
    bank, replaced = spares
    others, numbers = (found[:, 0] for found in bank.search(rows, 1))
    return np.minimum(far, others), np.where(others < far, replaced[numbers], nearest)
