"""A memory bank: a coreset of good patch features, searched with faiss."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from seewhy.errors import BadModel
from seewhy.nearest import faiss
from seewhy.types import Features

EXACT_LIMIT = 100_000  # rows; larger banks are searched by inverted lists
LISTS_PER_ROOT, PROBED = 2, 16  # lists per square root of the rows, and how many of them are looked into
COMPONENTS = 128  # principal components by which lists are made and their rows ranked
SHORTLIST = 128  # rows whose distances are computed in all dimensions, of a search for the nearest one
TAUGHT_PER_LIST = 40  # rows from which a list's middle is learned
AT_ONCE = 256  # farthest rows among which a coreset's next ones are looked for
BLOCK = 1024  # rows whose distances are in the processor's cache at a time
APART_BYTES = 12 << 20  # of distances to all rows of an exact bank that are held at a time, where some rows are passed over

Found: TypeAlias = tuple[Features, npt.NDArray[np.int64]]  # distances and numbers of the nearest rows, as many of each


def greedy_k_centre(features: Features, count: int, seed: int, projected: int = 64) -> npt.NDArray[np.int64]:
    """Row numbers of a greedy k-centre coreset (Sener & Savarese, ICLR 2018; Roth et al., CVPR 2022, alg. 1).

    Each step takes the row farthest from those already taken. Distances are measured after a random projection to
    `projected` dimensions (Johnson & Lindenstrauss), as in the paper.

    Args:
        features: (N, D).
        count: how many rows to take; all where N is not larger.
        seed: of the projection and of the first row.
        projected: dimensions of the projection.

    Returns:
        (min(count, N),) row numbers, in the order taken.
    """
    rows, dims = features.shape
    if rows <= count:
        return np.arange(rows)
    rng = np.random.default_rng(seed)
    points = features
    if dims > projected:
        points = features @ (rng.standard_normal((dims, projected)).astype(np.float32) / np.float32(projected**0.5))  # (N, P)
    squares = np.einsum("nd,nd->n", points, points)  # (N,)
    nearest = np.full(rows, np.inf, np.float32)  # squared distance to the rows taken
    taken = [int(rng.integers(rows))]
    _note(nearest, points, squares, np.array(taken))
    while len(taken) < count:
        following = _following(nearest, points)[: count - len(taken)]
        _note(nearest, points, squares, following)
        taken += following.tolist()
    return np.array(taken, np.int64)


def _following(nearest: npt.NDArray[np.float32], points: Features) -> npt.NDArray[np.int64]:
    """The rows that are taken next, found without looking at all others after each: as no distance grows, a row among the `AT_ONCE`
    farthest is the farthest of all as long as it is farther than the rest were."""
    far = np.argpartition(nearest, -min(AT_ONCE, len(nearest)))[-AT_ONCE:]
    own, least = nearest[far].copy(), float(nearest[far].min())
    shown = points[far]
    squares = np.einsum("nd,nd->n", shown, shown)
    apart = squares[:, None] + squares - 2 * (shown @ shown.T)  # (AT_ONCE, AT_ONCE) squared
    order = [int(own.argmax())]
    while True:
        np.minimum(own, apart[order[-1]], out=own)
        own[order[-1]] = -np.inf
        latest = int(own.argmax())
        if own[latest] <= least:
            return far[order]
        order.append(latest)


def _note(nearest: npt.NDArray[np.float32], points: Features, squares: Features, taken: npt.NDArray[np.int64]) -> None:
    """Bring the squared distances to the rows taken (N,) up to date with some more, in place."""
    for at in range(0, len(points), BLOCK):
        part = slice(at, at + BLOCK)
        apart = points[part] @ (-2 * points[taken]).T  # (BLOCK, M)
        apart += squares[taken]
        np.minimum(nearest[part], apart.min(1) + squares[part], out=nearest[part])
    nearest[taken] = -np.inf


class MemoryBank:
    """Rows of good patch features and their nearest-neighbour index.

    Exact (flat L2) up to `EXACT_LIMIT` rows, on the GPU where faiss has one and `device` asks for it. Larger ones are searched on the CPU,
    see `approximate`.
    """

    def __init__(self, index: faiss.Index, device: str = "cpu") -> None:
        self._cpu = index
        self._index = _on_device(index, device)
        self._selector: Any = None  # of the rows that are not passed over, in a bank that is searched approximately
        self._passed_over: npt.NDArray[np.bool_] | None = None  # (rows,) likewise, in an exact one

    @classmethod
    def build(cls, features: Features, device: str = "cpu", exact_limit: int = EXACT_LIMIT) -> Self:
        """Index `features` (N, D)."""
        rows, dims = features.shape
        if rows <= exact_limit:
            index: Any = faiss.IndexFlatL2(dims)
        else:
            some = np.random.default_rng(0).choice(rows, min(rows, TAUGHT_PER_LIST * lists_for(rows)), replace=False)
            index = approximate(features[some], rows)
        index.add(features)
        return cls(index, device)

    @classmethod
    def from_bytes(cls, data: bytes, device: str = "cpu") -> Self:
        """The bank that `to_bytes` wrote."""
        index = faiss.deserialize_index(np.frombuffer(data, np.uint8))
        return cls(index, device)

    def excluding(self, rows: npt.NDArray[np.int64]) -> Self:
        """The same bank whose searches pass over `rows`: nothing is copied or trained anew."""
        other = copy(self)
        if not self._is_exact():
            other._selector = faiss.IDSelectorNot(faiss.IDSelectorBatch(rows))
            return other
        other._passed_over = np.zeros(self.rows, bool)
        other._passed_over[rows] = True
        return other

    def vectors(self) -> Features:
        """All features of an exact bank, (N, D).

        Raises:
            BadModel: the bank is so large that it is searched approximately.
        """
        if not self._is_exact():
            raise BadModel(f"a bank of {self.rows} rows is searched approximately; fit with at most {EXACT_LIMIT} (--option bank_rows=…)")
        index: Any = faiss.downcast_index(self._cpu)
        vectors: Features = faiss.rev_swig_ptr(index.get_xb(), self.rows * self.dims).reshape(self.rows, self.dims)
        return vectors

    def to_bytes(self) -> bytes:
        """The index in faiss's own format."""
        return bytes(faiss.serialize_index(self._cpu).tobytes())

    @property
    def rows(self) -> int:
        """How many features are in the bank."""
        return int(self._cpu.ntotal)

    @property
    def dims(self) -> int:
        """Length of a feature."""
        return int(self._cpu.d)

    @property
    def kind(self) -> str:
        """The index's faiss name."""
        return type(faiss.downcast_index(self._cpu)).__name__

    def search(self, features: Features, count: int) -> tuple[Features, npt.NDArray[np.int64]]:
        """Euclidean distances and row numbers of the `count` nearest rows: (N, count) each.

        Raises:
            BadModel: the features are of another length than the bank's.
        """
        if features.shape[1] != self.dims:
            raise BadModel(f"the bank holds features of length {self.dims}, these have {features.shape[1]}; fit the model again")
        wanted = min(count, self.rows)
        if self._passed_over is not None:
            return self._search_left(features, wanted, self._passed_over)
        squared, rows = self._index.search(np.ascontiguousarray(features), wanted, params=self._params(wanted))
        return np.sqrt(np.maximum(squared, 0.0, dtype=np.float32)), rows

    def nearest(self, features: Features, owners: npt.NDArray[np.int64], of_rows: npt.NDArray[np.int64]) -> tuple[Found, Found]:
        """Of each patch the nearest row, and the nearest one of another photo, which is infinitely far where there is none; (N,) each.

        Args:
            features: (N, D).
            owners: (N,) number of the photo that each is of.
            of_rows: (rows,) and that each row is of.
        """
        if not self._is_exact():
            return self._nearest_approximately(features, owners, of_rows)
        found = [(np.empty(len(features), np.float32), np.empty(len(features), np.int64)) for _ in range(2)]
        for part, apart, squares in self._apart(features, self._halves()):
            distances, rows = _least(apart, squares, 1)
            found[0][0][part], found[0][1][part] = distances[:, 0], rows[:, 0]
            own = np.flatnonzero(of_rows[rows[:, 0]] == owners[part])
            left = np.where(of_rows == owners[part][own, None], np.float32(np.inf), apart[own])  # (n, rows)
            distances[own], rows[own] = _least(left, squares[own], 1)
            found[1][0][part], found[1][1][part] = distances[:, 0], rows[:, 0]
        return found[0], found[1]

    def _nearest_approximately(
        self, features: Features, owners: npt.NDArray[np.int64], of_rows: npt.NDArray[np.int64]
    ) -> tuple[Found, Found]:
        found, numbers = self.search(features, 1)
        distances, rows = found[:, 0], numbers[:, 0]
        others = distances.copy(), rows.copy()
        for photo in np.unique(owners):
            own = np.flatnonzero((owners == photo) & (of_rows[rows] == photo))
            if len(own) and not (of_rows == photo).all():
                bank = self.excluding(np.flatnonzero(of_rows == photo))
                found, numbers = bank.search(features[own], 1)
                others[0][own], others[1][own] = found[:, 0], numbers[:, 0]
        return (distances, rows), others

    def _search_left(self, features: Features, count: int, passed_over: npt.NDArray[np.bool_]) -> Found:
        """`search` of an exact bank but for some rows (rows,); with a selector faiss compares row by row, in four times as long."""
        wanted = min(count, int((~passed_over).sum()))
        distances, rows = np.empty((len(features), wanted), np.float32), np.empty((len(features), wanted), np.int64)
        for part, apart, squares in self._apart(features, np.where(passed_over, np.float32(np.inf), self._halves())):
            distances[part], rows[part] = _least(apart, squares, wanted)
        return distances, rows

    def _halves(self) -> Features:
        """Half of each row's squared length, (rows,)."""
        vectors = self.vectors()
        halves: Features = np.einsum("md,md->m", vectors, vectors) / 2
        return halves

    def _apart(self, features: Features, halves: Features) -> Iterator[tuple[slice, Features, Features]]:
        """Some patches at a time: which, half of their squared distances to all rows less half of their squares (n, rows), those (n,)."""
        vectors, at_once = self.vectors(), max(128, APART_BYTES // (4 * self.rows))
        for at in range(0, len(features), at_once):
            some = features[at : at + at_once]
            apart = some @ vectors.T
            yield slice(at, at + at_once), np.subtract(halves, apart, out=apart), np.einsum("nd,nd->n", some, some)

    def _is_exact(self) -> bool:
        return isinstance(faiss.downcast_index(self._cpu), faiss.IndexFlat)

    def _params(self, count: int) -> Any:
        """Of a search for so many rows; None of an exact bank, for which faiss's own do."""
        made: Any = faiss
        index, passed_over = faiss.downcast_index(self._cpu), {} if self._selector is None else {"sel": self._selector}
        if isinstance(index, faiss.IndexIVF):  # of models from before `approximate`
            return made.SearchParametersIVF(nprobe=index.nprobe, **passed_over)
        if not isinstance(index, faiss.IndexRefine):
            return None
        in_lists = made.SearchParametersIVF(nprobe=PROBED, **passed_over)
        first = made.SearchParametersPreTransform(index_params=in_lists)
        return made.IndexRefineSearchParameters(k_factor=max(2.0, SHORTLIST / max(1, count)), base_index_params=first)

    def row(self, number: int) -> Features:
        """One feature of the bank, (D,); approximate where the index is."""
        return np.asarray(self._cpu.reconstruct(int(number)), np.float32)


def _least(apart: Features, squares: Features, count: int) -> Found:
    """Distances and numbers of the `count` nearest rows, (n, count) each, from what `_apart` gives."""
    rows = apart.argmin(1)[:, None] if count == 1 else np.argpartition(apart, count - 1, 1)[:, :count]
    found = np.take_along_axis(apart, rows, 1)
    order = np.argsort(found, 1, kind="stable")
    squared = 2 * np.take_along_axis(found, order, 1) + squares[:, None]
    return np.sqrt(np.maximum(squared, 0.0, dtype=np.float32)), np.take_along_axis(rows, order, 1)


def lists_for(rows: int) -> int:
    """Into how many lists a bank of so many rows is divided: a power of two, so that both lists and their lengths grow as its root.

    >>> [lists_for(rows) for rows in (10**5, 10**6, 10**7)]
    [512, 2048, 8192]
    """
    return int(2 ** np.round(np.log2(LISTS_PER_ROOT * rows**0.5)))


def approximate(sample: Features, rows: int) -> faiss.Index:
    """An empty index for a bank of so many rows, trained on some of them.

    Rows lie in inverted lists (Sivic & Zisserman, ICCV 2003) by their first principal components, which rank those of the lists nearest to
    what is asked; the distances of the best ranked are then computed in all dimensions, from rows in half precision. Product quantisation
    finds the nearest row too seldom (evals/results).

    Args:
        sample: (N, D), at least `TAUGHT_PER_LIST` for each list where there are as many.
        rows: of the whole bank.
    """
    dims = sample.shape[1]
    index = faiss.index_factory(dims, f"PCA{min(COMPONENTS, dims)},IVF{lists_for(rows)},SQ8,Refine(SQfp16)")
    index.train(sample)
    return index


def _on_device(index: faiss.Index, device: str) -> Any:
    exact = isinstance(faiss.downcast_index(index), faiss.IndexFlat)
    if not exact or not device.startswith("cuda") or not hasattr(faiss, "StandardGpuResources"):
        return index
    number = int(device.partition(":")[2] or 0)
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), number, index)
