"""Photos that are decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from seewhy.agent.photos.images import Photo, read_photo
from seewhy.agent.photos.layouts import Sample, good_photos, read_layout
from seewhy.errors import BadData
from seewhy.types import Pixels

T = TypeVar("T")


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


class Chosen(Sequence[T]):
    """Some of a sequence, still lazy."""

    def __init__(self, all_: Sequence[T], rows: Sequence[int]) -> None:
        self._all, self._rows = all_, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: Any) -> Any:
        return self._all[self._rows[at]]


class _PixelsOf(Sequence[Pixels]):
    def __init__(self, photos: Sequence[Photo]) -> None:
        self._photos = photos

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, at: Any) -> Any:
        return self._photos[at].pixels


def pixels_of(photos: Sequence[Photo]) -> Sequence[Pixels]:
    """The pixels of photos, still lazy."""
    return _PixelsOf(photos)


def samples_by_product(source: Path, *, lot: bool = False) -> dict[str, list[Sample]]:
    """What a fit learns from: good photos of each product, or all photos of a lot.

    Raises:
        BadData: there are none.
    """
    samples = read_layout(source)
    wanted = samples if lot else good_photos(samples)
    if not wanted:
        raise BadData(f"{source} holds no {'photo' if lot else 'good photo'} to fit on")
    return {product: [s for s in wanted if s.product == product] for product in sorted({s.product for s in wanted})}
