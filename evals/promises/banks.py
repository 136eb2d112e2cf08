"""Large memory banks: what a search takes and finds in one of 10,000 rows or many more, beside the exact search; one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np

from seewhy.detectors.parts.bank import EXACT_LIMIT, TAUGHT_PER_LIST, MemoryBank, approximate, lists_for
from seewhy.detectors.parts.memory import Look
from seewhy.detectors.parts.patches import patches
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.detectors.parts.whitening import Moments, Whitening
from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.evals.run import LITE, alone, measuring, resident_mib
from seewhy.evals.synthetic.surfaces import DEFECTS, defective, good
from seewhy.nearest import faiss
from seewhy.types import Features

PRODUCT, SIZE, LEARNED = "brick", (416, 352), 176  # and how many good photos' patches make a bank
GOOD, DEFECTIVE, ASKED = 4, 32, 500  # other photos: good ones, those of each defect; and how many patches of good ones and of defects ask
HALF = 0.5  # of a patch, and more, is covered by a defect
BLOCK = 100_000  # rows that are made at a time, so that no bank lies in memory as it was made
SAME = 1e-5  # relative difference of two distances that are one, rounded differently
Kind: TypeAlias = Literal["directions", "whitened"]  # of features: those of the first look, and of a whitened one
SIZES: tuple[tuple[Kind, int], ...] = (
    *(("directions", 10**power) for power in (4, 5, 6)),
    *(("whitened", 10**power) for power in (5, 6)),
    ("directions", 10**7),
)
LARGEST = 10**6  # that is measured where nothing else is asked: ten million rows take 8 GiB
ROUNDED = (10**6, 10**7)  # rows among which rounding is measured alone


@dataclass(frozen=True, slots=True)
class Tried:
    """Another index than `approximate`'s."""

    kind: Kind
    rows: int
    factory: str  # as faiss spells indexes
    probed: int  # lists that are looked into
    shortlist: int = 0  # rows whose distances are computed in all dimensions; 0: the index ranks none again


TRIED = {
    "IVF-PQ": Tried("directions", 10**5, "IVF1024,PQ38", 32),  # as it was in 0.1.0
    "IVF-SQ8": Tried("directions", 10**5, "IVF512,SQ8", 16),
    "64 components": Tried("whitened", 10**6, "PCA64,IVF2048,SQ8,Refine(SQfp16)", 32, 64),
    "64 components, longer shortlist": Tried("whitened", 10**6, "PCA64,IVF2048,SQ8,Refine(SQfp16)", 32, 256),
    "96 components": Tried("whitened", 10**6, "PCA96,IVF2048,SQ8,Refine(SQfp16)", 16, 128),
}


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Real patches of good photos, and rows between neighbouring ones for banks that want more."""

    base: Features  # (N, D), photo by photo and row by row
    asked: Features  # (2 * ASKED, D), of photos that none of them is of: good patches, then those of drawn defects
    cols: int  # cells side by side in a photo

    def blocks(self, rows: int) -> Iterator[Features]:
        """A bank's rows, `BLOCK` at a time, the same each time: real ones; where they don't suffice, each at a random place between a
        real one and one beside it on the photo."""
        for at in range(0, rows, BLOCK):
            rng, count = np.random.default_rng(at), min(BLOCK, rows - at)
            if rows <= len(self.base):
                yield self.base[np.random.default_rng(0).permutation(len(self.base))[at : at + count]]
                continue
            one = rng.integers(0, len(self.base), count)
            beside = (one + rng.choice([-1, 1, -self.cols, self.cols], count)) % len(self.base)
            share = rng.random((count, 1), np.float32)
            yield self.base[one] * (1 - share) + self.base[beside] * share


def main(out: Path, largest: int = LARGEST) -> None:
    """Milliseconds of a search in banks of up to LARGEST rows (10,000,000 at most), how often it finds the nearest, and memory."""
    facts = {"weights": LITE, "asked_good": ASKED, "asked_defects": ASKED, "threads": 1}
    with TemporaryDirectory() as folder, measuring(out, facts, "faiss-cpu") as table:
        for kind, rows in [(kind, rows) for kind, rows in SIZES if rows <= largest]:
            table.row((kind, str(rows)), alone, _searched, Path(folder), kind, rows)
        for name in [name for name, tried in TRIED.items() if tried.rows <= largest]:
            table.row(("tried", name), alone, _tried, Path(folder), TRIED[name])
        for rows in [rows for rows in ROUNDED if rows <= largest]:
            table.row(("rounded", str(rows)), alone, _rounded, Path(folder), rows)


def source(kind: Kind, folder: Path) -> Source:
    """Patches of synthetic good photos as PatchCore describes them, drawn and described once; whitened by those of the bank."""
    settings = PatchCoreSettings()
    look = settings.looks()[0 if kind == "directions" else 2]
    file = folder / f"{kind}.npz"
    if not file.exists():
        np.savez(file, **_described(look, settings.backbone))
    with np.load(file) as both:
        base, asked, cols = both["base"], both["asked"], int(both["cols"])
    if look.whitened:
        whitening = Whitening.of(Moments.of(base))
        base, asked = whitening(base), whitening(asked)
    return Source(base, asked, cols)


def _described(look: Look, backbone: str) -> dict[str, Any]:
    describes = patches(Spec(backbone, (Way(look.layers, look.pool, look.unit_length),)))
    cells = [describes(good(PRODUCT, seed, SIZE).pixels)[0] for seed in range(LEARNED + GOOD)]  # (rows, cols, D) each
    flat = [one.reshape(-1, one.shape[-1]) for one in cells]
    defects = list[Features]()
    for drawn in [defective(PRODUCT, kind, seed, SIZE) for kind in DEFECTS for seed in range(LEARNED, LEARNED + DEFECTIVE)]:
        (seen,) = describes(drawn.pixels)
        share = cv2.resize(drawn.mask.astype(np.float32), (seen.shape[1], seen.shape[0]), interpolation=cv2.INTER_AREA)  # (rows, cols)
        defects.append(seen[share >= HALF])
    asked = np.concatenate([_spaced(np.concatenate(flat[LEARNED:])), _spaced(np.concatenate(defects))])
    return {"base": np.concatenate(flat[:LEARNED]), "asked": asked, "cols": cells[0].shape[1]}


def _spaced(rows: Features) -> Features:
    """`ASKED` of the rows, evenly spaced."""
    spaced: Features = rows[np.linspace(0, len(rows) - 1, ASKED).astype(int)]
    return spaced


def _searched(folder: Path, kind: Kind, rows: int) -> dict[str, Any]:
    """A bank as PatchCore would have it, and what it finds."""
    faiss.omp_set_num_threads(1)
    given = source(kind, folder)
    before, began = resident_mib(), time.process_time()
    bank = _filled(given, rows)
    filled, after = time.process_time() - began, resident_mib()
    began = time.process_time()
    _, found = bank.search(given.asked, 1)
    searched = time.process_time() - began
    return {
        "index": bank.kind,
        "dims": bank.dims,
        "ms_per_query": _each(searched, given),
        **_beside_exact(given, rows, found[:, 0]),
        "filled_in_processor_s": round(filled, 1),
        "memory_mib": round(after - before),
    }


def _filled(given: Source, rows: int) -> MemoryBank:
    """What `MemoryBank.build` makes of the same rows, without all of them in memory at once."""
    if rows <= EXACT_LIMIT // 2:
        return MemoryBank.build(np.concatenate(list(given.blocks(rows))))
    sample, wanted = list[Features](), TAUGHT_PER_LIST * lists_for(rows)
    for block in given.blocks(rows):
        sample.append(block[: wanted - sum(map(len, sample))])
        if sum(map(len, sample)) == wanted:
            break
    index: Any = approximate(np.concatenate(sample), rows)
    room: Any = faiss.downcast_index(index.refine_index)
    room.codes.resize(rows * room.code_size)  # at once, as where all rows are added at once: by doubling it takes up to twice as much
    room.codes.resize(0)
    for block in given.blocks(rows):
        index.add(block)
    return MemoryBank(index)


def _tried(folder: Path, tried: Tried) -> dict[str, Any]:
    """What another index takes and finds."""
    faiss.omp_set_num_threads(1)
    given, params = source(tried.kind, folder), _params(tried)
    index: Any = faiss.index_factory(given.base.shape[1], tried.factory)
    if hasattr(index, "do_polysemous_training"):
        index.do_polysemous_training = False  # takes minutes, and orders codes for a search that isn't used
    rows = np.concatenate(list(given.blocks(tried.rows)))
    index.train(rows[: TAUGHT_PER_LIST * lists_for(10**6)])
    index.add(rows)
    began = time.process_time()
    _, found = index.search(given.asked, 1, params=params)
    searched = time.process_time() - began
    return asdict(tried) | {"ms_per_query": _each(searched, given), **_beside_exact(given, tried.rows, found[:, 0])}


def _params(tried: Tried) -> Any:
    made: Any = faiss
    in_lists = made.SearchParametersIVF(nprobe=tried.probed)
    if not tried.shortlist:
        return in_lists
    first = made.SearchParametersPreTransform(index_params=in_lists)
    return made.IndexRefineSearchParameters(k_factor=tried.shortlist, base_index_params=first)


def _each(spent: float, given: Source) -> float:
    """Milliseconds of each patch that asked, of the seconds of all."""
    return round(1000 * spent / len(given.asked), 4)


def _beside_exact(given: Source, rows: int, found: Any) -> dict[str, Any]:
    """Processor time of the exact search, how often the nearest row was found, and how much farther the found ones are."""
    asked, count = given.asked, len(given.asked)
    tens, true = np.full((count, 0), np.inf, np.float32), np.full(count, np.inf, np.float32)
    own = np.zeros(count, np.float32)  # distance to the row that was found
    spent, at = 0.0, 0
    for block in given.blocks(rows):
        index = faiss.IndexFlatL2(block.shape[1])
        index.add(block)
        began = time.process_time()
        squared, near = index.search(asked, 10)
        spent += time.process_time() - began
        tens = np.sort(np.concatenate([tens, squared], 1), 1)[:, :10]  # (count, 10)
        true = np.minimum(true, np.linalg.norm(asked - block[near[:, 0]], axis=1))
        here = (found >= at) & (found < at + len(block))
        own[here] = np.linalg.norm(asked[here] - block[found[here] - at], axis=1)
        at += len(block)
    ratio, tenth = own / true, np.sqrt(tens[:, 9]) / true
    return {
        "exact_ms_per_query": _each(spent, given),
        "good": _found(ratio[:ASKED], tenth[:ASKED]),
        "defects": _found(ratio[ASKED:], tenth[ASKED:]),
    }


def _rounded(folder: Path, rows: int) -> dict[str, Any]:
    """How often good patches have the same nearest row where rows are kept in 16 bits and searched exactly: more than no search finds."""
    faiss.omp_set_num_threads(1)
    given = source("directions", folder)
    asked, middle, low = given.asked[:ASKED], given.base.mean(0), given.base.min(0)
    step = (given.base.max(0) - low) / (2**16 - 1)
    ways: dict[str, Callable[[Features], Features]] = {
        "none": lambda block: block,
        "half precision": lambda block: block.astype(np.float16).astype(np.float32),
        "half precision, centred": lambda block: (block - middle).astype(np.float16).astype(np.float32) + middle,
        "equal steps": lambda block: np.rint((block - low) / step) * step + low,
    }
    least = {name: np.full(ASKED, np.inf, np.float32) for name in ways}  # distance to the nearest row as it is kept, and …
    own = {name: np.full(ASKED, np.inf, np.float32) for name in ways}  # … to the same row as it was
    for block in given.blocks(rows):
        for name, way in ways.items():
            rounded = way(block)
            index = faiss.IndexFlatL2(rounded.shape[1])
            index.add(rounded)
            _, near = index.search(asked, 10)
            far = np.linalg.norm(asked[:, None] - rounded[near], axis=2)  # (ASKED, 10)
            first = near[np.arange(ASKED), far.argmin(1)]
            closer = far.min(1) < least[name]
            own[name] = np.where(closer, np.linalg.norm(asked - block[first], axis=1), own[name])
            least[name] = np.minimum(least[name], far.min(1))
    true = own.pop("none")
    return {name: {"recall": round(float((far / true <= 1 + SAME).mean()), 4)} for name, far in own.items()}


def _found(ratio: Any, tenth: Any) -> dict[str, float]:
    """Of patches of one sort, by how much farther the found row and the tenth nearest are than the nearest, (N,) each."""
    return {
        "recall": round(float((ratio <= 1 + SAME).mean()), 4),
        "mean_ratio_of_distance": round(float(ratio.mean()), 5),
        "largest_ratio_of_distance": round(float(ratio.max()), 4),
        "tenth_to_nearest": round(float(np.median(tenth)), 3),
    }
