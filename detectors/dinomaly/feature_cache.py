"""What a frozen encoder saw of good photos, kept on the disk: encoded once, read in every round of training.

Nothing is lost by that: the paper's training turns, mirrors and crops no photo anew; its noise is in the bottleneck, behind
the encoder, and is drawn afresh in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seewhy.canonical import sha256_bytes, sha256_json
from seewhy.detectors.dinomaly.tokens import Tokens
from seewhy.disk import write_file
from seewhy.types import Pixels, Progress, silent

ENCODED_AT_ONCE = 8
SAMPLED = 200  # photos from which channels' means and deviations are taken


class FeatureCache:
    """Features of photos, a file each, memory-mapped, in half precision.

    Args:
        folder: where the files are; those that are there already are taken.
        about: the encoder and all that changes what it sees, as plain JSON data.
        encode: photos, (B, H, W, 3) of the network's size, to tokens.
        fitted: a photo to the network's size.
        prefix: class and register tokens before those of places.
    """

    def __init__(
        self,
        folder: Path,
        about: Sequence[Any],
        encode: Callable[[Sequence[Pixels]], Tokens],
        fitted: Callable[[Pixels], Pixels],
        prefix: int,
    ) -> None:
        self.key = sha256_json(list(about))
        self._folder, self._encode, self._fitted = folder / self.key[:16], encode, fitted
        self.prefix = prefix
        self._files: list[Path] = []
        self._middle: Tensor | None = None
        self._spread: Tensor | None = None

    def __len__(self) -> int:
        return len(self._files)

    @property
    def names(self) -> list[str]:
        """Hashes of the photos, in order."""
        return [file.stem for file in self._files]

    def add(self, photos: Sequence[Pixels], progress: Progress[Any] = silent, title: str = "encoding") -> None:
        """Take in photos, read one at a time; those whose features are kept are not encoded again.

        Raises:
            NotWritten: the disk is full.
        """
        waiting: list[tuple[Path, Pixels]] = []
        try:
            for number in progress(range(len(photos)), title, len(photos)):
                small = self._fitted(photos[number])
                file = self._folder / f"{sha256_bytes(small.tobytes())}.npy"
                self._files.append(file)
                if not file.is_file() and file not in (f for f, _ in waiting):
                    waiting.append((file, small))
                if len(waiting) == ENCODED_AT_ONCE:
                    self._keep(waiting)
                    waiting = []
        finally:
            self._keep(waiting)  # a photo that can't be read costs nothing of those before it

    def standardise(self) -> tuple[Tensor, Tensor]:
        """Bring each group's channels to mean 0 and deviation 1 over a sample of the photos; (groups, dim) each comes back."""
        chosen = np.unique(np.linspace(0, len(self) - 1, min(SAMPLED, len(self))).round().astype(int))
        maps = [self._map(int(i)).astype(np.float32) for i in chosen]  # (groups, N, dim) each
        joined = np.concatenate(maps, 1)
        self._middle, self._spread = torch.from_numpy(joined.mean(1)), torch.from_numpy(joined.std(1) + 1e-6)
        return self._middle, self._spread

    def standardise_as(self, middle: Tensor, spread: Tensor) -> None:
        """Bring channels to the means and deviations of other photos."""
        self._middle, self._spread = middle, spread

    def __call__(self, rows: Sequence[int]) -> list[Tensor]:
        """(len(rows), N, dim) float32 of each group."""
        maps = torch.from_numpy(np.stack([self._map(row) for row in rows], 1)).float()  # (groups, B, N, dim)
        if self._middle is not None and self._spread is not None:
            maps = (maps - self._middle[:, None, None]) / self._spread[:, None, None]
        return list(maps)

    def _map(self, row: int) -> npt.NDArray[np.float16]:
        made: npt.NDArray[np.float16] = np.load(self._files[row], mmap_mode="r")
        return made

    def _keep(self, waiting: Sequence[tuple[Path, Pixels]]) -> None:
        if not waiting:
            return
        seen = self._encode([pixels for _, pixels in waiting])
        maps = torch.stack(seen.maps, 1).half().cpu().numpy()  # (B, groups, N, dim)
        for (file, _), own in zip(waiting, maps, strict=True):
            write_file(file, partial(_save, own))  # several processes may keep the same photo's


def _save(values: npt.NDArray[Any], file: BinaryIO) -> None:
    np.save(file, values)
