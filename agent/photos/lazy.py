"""Photos that are decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seewhy.agent.photos.images import Photo, read_photo
from seewhy.agent.photos.layouts import Sample


class LazyPhotos(Sequence[Photo]):
    """Photos that are decoded when they are asked for, so that thousands don't fill the memory.

    Raises:
        BadImage: on access, when a file can't be read; fitting on a broken good photo is refused, not skipped.
    """

    def __init__(self, samples: Sequence[Sample], white_level: int = 65535) -> None:
        self._samples, self._white_level = samples, white_level

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, at: Any) -> Any:
        sample = self._samples[at]
        return read_photo(sample.path, name=sample.name, root=sample.root, white_level=self._white_level)
