"""Photos that are decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from seewhy.agent.photos.images import Photo, may_be_deep, read_photo
from seewhy.agent.photos.layouts import Layout, Sample, good_photos, read_layout
from seewhy.agent.photos.levels import DOUBTS, FULL, white_level_of
from seewhy.types import Pixels

T = TypeVar("T")
Photos: TypeAlias = Sequence[Photo]  # which may be lazy: each is decoded whenever it is asked for


KEPT_BYTES = 64 << 20  # of decoded photos, which a fit asks for several times each; those beyond it are decoded anew


class LazyPhotos(Sequence[Photo]):
    """Photos that are decoded when they are asked for, so that thousands don't fill the memory; the first few are kept.

    Raises:
        BadImage: on access, when a file can't be read; fitting on a broken good photo is refused, not skipped.

    Attributes:
        doubted: names of the photos decoded so far whose pixels are doubtful, by the code of the note.
    """

    def __init__(self, samples: Sequence[Sample], white_level: int = FULL) -> None:
        self._samples, self._white_level = samples, white_level
        self.doubted: dict[str, set[str]] = {}
        self._kept, self._room = dict[int, Photo](), KEPT_BYTES

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, at: Any) -> Any:
        if at in self._kept:
            return self._kept[at]
        sample = self._samples[at]
        photo = read_photo(sample.path, name=sample.name, root=sample.root, white_level=self._white_level)
        for note in DOUBTS & set(photo.notes):
            self.doubted.setdefault(note, set()).add(photo.name)
        if photo.pixels.nbytes <= self._room:
            self._room -= photo.pixels.nbytes
            self._kept[at] = photo
        return photo


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


def samples_by_product(source: Path | Layout, *, lot: bool = False) -> dict[str, list[Sample]]:
    """What a fit learns from: good photos of each product, or all photos of a lot.

    Raises:
        BadData: there are none, or nothing says which are good.
    """
    samples = list(source.samples) if isinstance(source, Layout) else read_layout(source)
    wanted = samples if lot else good_photos(samples)
    return {product: [s for s in wanted if s.product == product] for product in sorted({s.product for s in wanted})}


def white_level_for(samples: Iterable[Sample], white_level: int = FULL) -> int:
    """The white level to read a product's photos by: the card's where it gives one, else what the good photos' own 16-bit values speak of.

    Args:
        samples: good photos; only those of more than 8 bits are decoded.
        white_level: of the card; its default of 65535 gives none.

    Raises:
        BadImage: a good photo can't be read.
    """
    if white_level != FULL:
        return white_level
    deep = (sample for sample in samples if may_be_deep(sample.path))
    return white_level_of(read_photo(one.path, name=one.name, root=one.root).levels for one in deep)
