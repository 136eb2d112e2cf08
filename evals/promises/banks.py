"""Large memory banks: what a search takes and finds in one of 10,000 rows or many more, beside the exact search; one thread."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias

import numpy as np

from seewhy.detectors.parts.bank import EXACT_LIMIT, TAUGHT_PER_LIST, MemoryBank, approximate, lists_for
from seewhy.detectors.parts.memory import Look
from seewhy.detectors.parts.patches import patches
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.detectors.parts.whitening import Moments, Whitening
from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.evals.run import LITE, alone, measuring, resident_mib
from seewhy.evals.synthetic.surfaces import good
from seewhy.nearest import faiss
from seewhy.types import Features

PRODUCT, LEARNED, ASKED_PHOTOS, ASKED = "brick", 176, 4, 500  # good photos whose patches make a bank, photos that ask, and their patches
BLOCK = 100_000  # rows that are made at a time, so that no bank lies in memory as it was made
SAME = 1e-5  # relative difference of two distances that are one, rounded differently
TRIED = {"IVF-PQ, as before": ("IVF1024,PQ38", 32), "IVF-SQ8": ("IVF512,SQ8", 16)}  # at 100,000 rows, and the lists looked into
Kind: TypeAlias = Literal["directions", "whitened"]  # of features: those of the first look, and of a whitened one
SIZES: tuple[tuple[Kind, int], ...] = (
    *(("directions", 10**power) for power in (4, 5, 6)),
    *(("whitened", 10**power) for power in (5, 6)),
    ("directions", 10**7),
)
LARGEST = 10**6  # that is measured where nothing else is asked: ten million rows take 8 GiB


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Real patches of good photos, and rows between neighbouring ones for banks that want more."""

    base: Features  # (N, D), photo by photo and row by row
    asked: Features  # (ASKED, D), of photos that none of them is of
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
    facts = {"weights": LITE, "asked": ASKED, "threads": 1}
    with TemporaryDirectory() as folder, measuring(out, facts, "faiss-cpu") as table:
        for kind, rows in [(kind, rows) for kind, rows in SIZES if rows <= largest]:
            table.row((kind, str(rows)), alone, _searched, Path(folder), kind, rows)
        for name in TRIED:
            table.row(("tried_at_100000_rows", name), alone, _tried, Path(folder), name)


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
    cells = [describes(good(PRODUCT, seed, (416, 352)).pixels)[0] for seed in range(LEARNED + ASKED_PHOTOS)]  # (rows, cols, D) each
    flat = [one.reshape(-1, one.shape[-1]) for one in cells]
    asked = np.concatenate(flat[LEARNED:])
    return {"base": np.concatenate(flat[:LEARNED]), "asked": asked[:: len(asked) // ASKED][:ASKED], "cols": cells[0].shape[1]}


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
        "ms_per_query": round(1000 * searched / ASKED, 4),
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


def _tried(folder: Path, name: str) -> dict[str, Any]:
    """Another index of 100,000 rows."""
    faiss.omp_set_num_threads(1)
    given, (factory, probed) = source("directions", folder), TRIED[name]
    rows = np.concatenate(list(given.blocks(EXACT_LIMIT)))
    index: Any = faiss.index_factory(rows.shape[1], factory)
    if hasattr(index, "do_polysemous_training"):
        index.do_polysemous_training = False
    index.train(rows)
    index.add(rows)
    index.nprobe = probed
    began = time.process_time()
    _, found = index.search(given.asked, 1)
    searched = time.process_time() - began
    return {"ms_per_query": round(1000 * searched / ASKED, 4), **_beside_exact(given, EXACT_LIMIT, found[:, 0])}


def _beside_exact(given: Source, rows: int, found: Any) -> dict[str, float]:
    """Processor time of the exact search, how often the nearest row was found, and how much farther the found ones are."""
    tens, true = np.full((ASKED, 0), np.inf, np.float32), np.full(ASKED, np.inf, np.float32)
    own = np.zeros(ASKED, np.float32)  # distance to the row that was found
    spent, at = 0.0, 0
    for block in given.blocks(rows):
        index = faiss.IndexFlatL2(block.shape[1])
        index.add(block)
        began = time.process_time()
        squared, near = index.search(given.asked, 10)
        spent += time.process_time() - began
        tens = np.sort(np.concatenate([tens, squared], 1), 1)[:, :10]  # (ASKED, 10)
        true = np.minimum(true, np.linalg.norm(given.asked - block[near[:, 0]], axis=1))
        here = (found >= at) & (found < at + len(block))
        own[here] = np.linalg.norm(given.asked[here] - block[found[here] - at], axis=1)
        at += len(block)
    ratio = own / true
    return {
        "exact_ms_per_query": round(1000 * spent / ASKED, 4),
        "recall": round(float((ratio <= 1 + SAME).mean()), 4),
        "mean_ratio_of_distance": round(float(ratio.mean()), 5),
        "largest_ratio_of_distance": round(float(ratio.max()), 4),
        "tenth_to_nearest": round(float(np.median(np.sqrt(tens[:, 9]) / true)), 3),
    }
