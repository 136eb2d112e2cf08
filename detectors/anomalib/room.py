"""How much memory anomalib's PatchCore takes to learn: no more than it needs, told and compared with what is free before it begins."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from math import log
from typing import Any

import torch
from torch import Tensor

from seewhy.detectors.anomalib.building import side_of
from seewhy.detectors.anomalib.from_disk import replaced
from seewhy.errors import BadData
from seewhy.packages import free_memory_bytes

LOG = logging.getLogger("seewhy.photos")
SPARED = 0.9  # of the free memory that a fit may take: others use the machine too
TOLD_BYTES = 1 << 30  # what takes less isn't spoken of
DISTORTION = 0.9  # of anomalib's random projection
FLOAT_BYTES = 4


def check_room(module: Any, photos: int, name: str, free_bytes: int | None = None) -> int:
    """Refuse to learn what doesn't fit into memory, before it begins.

    A model that keeps every patch until its coreset is chosen is tried on one empty photo; others pass.

    Args:
        module: its Lightning module, untrained.
        photos: how many it will learn from.
        name: of the detector, for people.
        free_bytes: of memory; None: what this machine has now, and where that isn't known nothing is refused.

    Returns:
        The bytes that keeping and choosing patches needs; 0 where it keeps none.

    Raises:
        BadData: there isn't as much; says what would fit.
    """
    if not (hasattr(module, "coreset_sampling_ratio") and hasattr(module.model, "embedding_store")):
        return 0
    cells, dims = _patches_of_a_photo(module)
    needed = learning_bytes(photos * cells, dims, module.coreset_sampling_ratio)
    free = free_memory_bytes() if free_bytes is None else free_bytes
    told = f"{name} keeps all {photos * cells:,} patches of {photos} good photos until it has chosen among them: {_gib(needed)} of memory"
    if free is not None and needed > SPARED * free:
        raise BadData(
            f"{told}, and {_gib(free)} are free; give fewer photos, smaller ones (--option input_px={side_of(module) // 2} has a quarter "
            "of the patches), or fit seewhy's own patchcore, which draws from them"
        )
    if needed > TOLD_BYTES:
        LOG.warning(told)
    return needed


def learning_bytes(rows: int, dims: int, ratio: float) -> int:
    """What PatchCore of anomalib 2.7 has in memory while it chooses its coreset, at most.

    Args:
        rows: patches of all photos.
        dims: length of their features.
        ratio: of them that is kept.
    """
    projected = int(4 * log(max(2, rows)) / (DISTORTION**2 / 2 - DISTORTION**3 / 3))  # Johnson & Lindenstrauss
    gathering = 2 * rows * dims  # photo by photo, and then in one piece
    choosing = rows * (dims + 2 * projected + 2)  # in one piece, projected, their differences from a row, and distances
    return FLOAT_BYTES * int(max(gathering, choosing) + 2 * ratio * rows * dims)  # the coreset, and as it is kept


@contextmanager
def in_place() -> Iterator[None]:
    """anomalib's greedy choice with the same numbers in the same memory.

    It subtracts a row from all others anew at each step, and keeps a number of each step: glibc then finds no room for the next difference
    where the last one was, and a tenth of 8,192 patches took 5 GB.
    """
    from anomalib.models.components import KCenterGreedy

    with replaced(KCenterGreedy, "update_distances", _note):
        yield


def _note(sampler: Any, cluster_center: Tensor | None) -> None:
    """Bring distances to the rows taken (N, 1) up to date with one more."""
    if cluster_center is None:
        return
    features = sampler.features
    if sampler.min_distances is None:
        sampler.apart = torch.empty_like(features)  # (N, P)
        sampler.latest = features.new_empty(len(features), 1)
        sampler.min_distances = torch.full_like(sampler.latest, torch.inf)
    torch.sub(features, features[cluster_center].squeeze(), out=sampler.apart)
    torch.linalg.norm(sampler.apart, ord=2, dim=1, keepdim=True, out=sampler.latest)
    torch.minimum(sampler.min_distances, sampler.latest, out=sampler.min_distances)


@torch.no_grad()
def _patches_of_a_photo(module: Any) -> tuple[int, int]:
    """How many patches a photo has, and the length of their features."""
    side, model = side_of(module), module.model
    trains = model.training
    rows = model.train()(torch.zeros(1, 3, side, side, device=next(model.parameters()).device))  # (N, D)
    model.train(trains)
    model.embedding_store.clear()
    return int(rows.shape[0]), int(rows.shape[1])


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
