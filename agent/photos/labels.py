"""Label files that mark defects, beside the photos of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from seewhy.agent.photos.folders import PICTURES, everything_below, files_below
from seewhy.agent.photos.marks import READERS, Marked, drawn
from seewhy.agent.photos.names import recorded
from seewhy.agent.photos.samples import SPLITS, UNLABELLED, Sample, sample
from seewhy.errors import BadData
from seewhy.types import Mask

MOST_BYTES = 512 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What one file says of one photo."""

    photo: Path
    file: Path
    marked: Marked

    @property
    def kinds(self) -> tuple[str, ...]:
        """A defect's name for each mark."""
        return tuple(mark.kind for mark in self.marked.marks)


def labels_below(folder: Path) -> list[Labels]:
    """Of all photos below a folder that a label file names; label files of other kinds are passed over.

    Raises:
        BadData: a file claims to hold labels and can't be read.
    """
    photos = {path.relative_to(folder).as_posix(): path for path in files_below(folder) if path.suffix.lower() in PICTURES}
    found = list[Labels]()
    for relative in everything_below(folder):
        file = folder / relative
        if file.suffix.lower() in (".json", ".xml") and not file.name.startswith(".") and file.is_file():
            found += _labels_of(file, photos)
    return found


def read_labelled(folder: Path, root: Path, labels: list[Labels]) -> Iterator[Sample]:
    """Photos with marks are defective, photos with a label file and no mark are good, of the others nothing is known."""
    by_photo = {one.photo: one for one in labels}
    for path in files_below(folder):
        one = by_photo.get(path)
        split = next((SPLITS[part.lower()] for part in path.relative_to(folder).parts[:-1] if part.lower() in SPLITS), "")
        if one is None:
            yield sample(path, root, folder, split, UNLABELLED)
        else:
            yield sample(path, root, folder, split, recorded(one.kinds[0]) if one.kinds else "good", one.file if one.kinds else None)


def marked(file: Path, photo: Path) -> tuple[Mask, tuple[int, int]] | None:
    """The mask of a photo that a label file marks, (H, W) at the size (width, height) at which it was labelled.

    Raises:
        BadData: a mask in it doesn't fit its photo.
    """
    one = next((one for one in _labels_of(file, {photo.name: photo}) if one.photo == photo), None)
    if one is None or min(one.marked.size) < 1:
        return None
    width, height = one.marked.size
    try:
        masks = [drawn(mark, width, height) for mark in one.marked.marks]
    except ValueError as error:
        raise BadData(f"{recorded(file)} can't be drawn: {error}") from error
    return np.logical_or.reduce([np.zeros((height, width), bool), *masks]), (width, height)


def read_marks(file: Path) -> list[Marked] | None:
    """What a label file marks in each of its photos; None for JSON and XML of other kinds.

    Raises:
        BadData: it is too large, or claims to hold labels and can't be read.
        ValueError, ElementTree.ParseError, OSError: it can't be read as JSON or XML at all.
    """
    if file.stat().st_size > MOST_BYTES:
        raise BadData(f"{recorded(file)} is larger than {MOST_BYTES >> 20} MiB; split it")
    try:
        return READERS[file.suffix.lower()](file.read_bytes())
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadData(f"{recorded(file)} can't be read as labels ({error}); take it away or mend it") from error


def _labels_of(file: Path, photos: dict[str, Path]) -> list[Labels]:
    """Labels in a file, of those `photos` (by path below the data) that it names."""
    try:
        found = read_marks(file) or []
    except (ValueError, ElementTree.ParseError, OSError):
        return []  # no label file of ours: configurations and tools' own files lie there too
    named = ((_photo_named(one.name, file, photos), one) for one in found)
    return [Labels(photo, file, one) for photo, one in named if photo is not None]


def _photo_named(name: str, file: Path, photos: dict[str, Path]) -> Path | None:
    """The photo that a label file means: beside it, or anywhere below the data, by the end of its path."""
    name = name.replace("\\", "/").removeprefix("./")
    beside = [path for path in photos.values() if path.name == name.rsplit("/", 1)[-1]]
    exact = [path for path in beside if path.as_posix().endswith(name)]
    near = [path for path in exact if path.parent == file.parent]
    alike = [path for path in photos.values() if path.stem == file.stem] if file.suffix.lower() == ".xml" else []
    return next(iter(near or exact or beside or alike), None)
