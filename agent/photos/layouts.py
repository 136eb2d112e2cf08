"""Where photos lie: a folder, a data set in a layout that is known, or a list of paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from seewhy.agent.photos.folders import MASK_FOLDERS, everything_below, files_below, left_behind, subfolders
from seewhy.agent.photos.known import LAYOUTS
from seewhy.agent.photos.labels import labels_below, read_labelled
from seewhy.agent.photos.lists import read_list
from seewhy.agent.photos.names import recorded
from seewhy.agent.photos.samples import BESIDE, LABELLED, LISTED, NAMES, REAL_IAD, UNLABELLED, Sample, product_folder, sample
from seewhy.errors import BadData

__all__ = ["NAMES", "Layout", "Sample", "good_photos", "learned_and_tested", "read_layout", "surveyed"]

VISA, PLAIN, UNKNOWN, BY_HAND = "VisA's split", "a folder of photos", "unknown", "said by hand"
HOW = "name the folder that holds good photos (fit --good FOLDER), or give a CSV with the columns path and label"
TESTED_EVERY = 5
MOST_TOLD = 12  # folders in a message


@dataclass(frozen=True, slots=True)
class Layout:
    """What was found under a path, what of it was taken and what was left out."""

    name: str  # one of `NAMES`, "a folder of photos", "unknown", …
    samples: tuple[Sample, ...]
    left_out: tuple[tuple[str, str, int], ...] = ()  # (folder, why, how many)
    assumed: tuple[str, ...] = ()  # to read a list, or of the product's name

    @property
    def taken(self) -> tuple[tuple[str, str, int], ...]:
        """(folder, what its photos are called, how many)."""
        words = ("photo" if self.name == UNKNOWN else one.kind or "photo" for one in self.samples)
        return _counted(zip((_shortened(Path(one.name).parent) for one in self.samples), words, strict=True))

    def told(self) -> list[str]:
        """What was taken and what was left out, in sentences for people."""
        lines = [f"taken: {_listed(self.taken)}", *self.assumed]
        return [*lines[:1], f"left out: {_listed(self.left_out)}", *lines[1:]] if self.left_out else lines


def read_layout(path: Path, good: Sequence[str] = ()) -> list[Sample]:
    """The photos of `surveyed`, in a stable order."""
    return list(surveyed(path, good).samples)


def surveyed(path: Path, good: Sequence[str] = ()) -> Layout:
    """List the photos under `path`, whichever layout it has.

    Recognised: `NAMES`, one product or a folder of products; else every photo below the folder. Masks, labels, system files and hidden
    files are never photos; they are counted as left out.

    Args:
        path: a folder, or a list (CSV).
        good: sub-folders that hold good photos, where no layout says so; "." for all.

    Raises:
        BadData: there is nothing there, or the list can't be read.
    """
    if path.is_file():
        samples, assumed = read_list(path, path.parent)
        return Layout(LISTED, tuple(samples), assumed=tuple(assumed))
    if not path.is_dir():
        raise BadData(f"{recorded(path)} does not exist; give a folder of photos, a data set or a CSV of paths")
    visa = path / "split_csv" / "1cls.csv"
    if visa.is_file():
        samples, assumed = read_list(visa, path)
        return Layout(VISA, tuple(samples), assumed=tuple(assumed))
    name, found = (BY_HAND, _by_hand(path, good)) if good else _recognised(path)
    samples = [one for one in found if one.mask is None or one.path != one.mask]
    if not samples:
        raise BadData(f"there is no file under {recorded(path)}; give a folder that holds photos")
    return Layout(name, tuple(samples), _left_out(path, samples), _called(path) if name in (PLAIN, BY_HAND) else ())


def good_photos(samples: Sequence[Sample]) -> list[Sample]:
    """The photos to fit on: those called good that aren't for tests, or all of a plain folder.

    Raises:
        BadData: there are photos, and none is known to be good; says what was seen.
    """
    if not any(one.split or one.kind for one in samples):
        return list(samples)
    good = [one for one in samples if one.good and one.split not in ("test", "private")]
    if not good:
        seen = Counter("/".join(word for word in (one.split, one.kind) if word) for one in samples)
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(seen.items())[:MOST_TOLD])
        raise BadData(f"no photo is known to be good to learn from; what was seen, with the number of photos: {listed}; {HOW}")
    return good


def learned_and_tested(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Photos to fit on and photos to measure on: as the layout splits them, else every fifth good photo and all others are measured on.

    Raises:
        BadData: no photo is known to be good.
    """
    good = good_photos(samples)
    tested = [one for one in samples if one.split == "test"]
    if tested:
        return good, tested
    aside = good[TESTED_EVERY - 1 :: TESTED_EVERY]
    defective = [one for one in samples if not one.good and one.split != "private" and one.kind not in ("", UNLABELLED)]
    return [one for one in good if one not in aside], [*aside, *defective]


def _recognised(path: Path) -> tuple[str, Iterator[Sample]]:
    """The layout's name and its photos."""
    for name, (fits, read) in LAYOUTS.items():
        if fits(path):
            return name, read(path, path)
        products = [folder for folder in subfolders(path) if fits(folder)]
        if products and name != BESIDE:
            return name, chain.from_iterable(read(folder, path) for folder in products)
        deeper = [product for folder in subfolders(path) for product in subfolders(folder) if fits(product)] if name == REAL_IAD else []
        if deeper:
            return name, chain.from_iterable(read(folder, path) for folder in deeper)
    labels = labels_below(path)
    if any(one.kinds for one in labels):
        return LABELLED, read_labelled(path, path, labels)
    if any(len(file.relative_to(path).parts) > 1 for file in _photos_below(path)):
        return UNKNOWN, _by_hand(path, ())
    return PLAIN, (sample(file, path, product_folder(path)) for file in _photos_below(path))


def _called(path: Path) -> tuple[str, ...]:
    """After which folder the product is called, where that isn't the one that was given."""
    folder = product_folder(path)
    if folder == path.resolve():
        return ()
    name, given = recorded(folder.name), recorded(path.resolve().name)
    return (f"the product is called {name!r} after the folder above: {given!r} says only that photos are good (--card names it otherwise)",)


def _by_hand(path: Path, good: Sequence[str]) -> Iterator[Sample]:
    """Good below the folders named; the others are called by their folder."""
    folders = [path / name for name in good]
    for folder in folders:
        if not folder.is_dir():
            raise BadData(f"{recorded(folder)} is not a folder; --good names sub-folders of {recorded(path)}")
    for file in _photos_below(path):
        known = any(file.is_relative_to(folder) for folder in folders)
        yield sample(file, path, product_folder(path), "", "good" if known else recorded(file.relative_to(path).parent))


def _photos_below(path: Path) -> Iterator[Path]:
    """Without what lies in folders of masks."""
    return (file for file in files_below(path) if not _in_mask_folder(file.relative_to(path)))


def _in_mask_folder(relative: Path) -> bool:
    return any(part.lower() in MASK_FOLDERS for part in relative.parts[:-1])


def _left_out(root: Path, samples: Sequence[Sample]) -> tuple[tuple[str, str, int], ...]:
    """Every other file below, with the reason."""
    taken = {one.path for one in samples}
    masks = {one.mask for one in samples if one.mask is not None}

    def why(relative: Path) -> str:
        file = root / relative
        if behind := left_behind(relative):
            return behind
        if file in masks or file.parent in masks:
            return "mask"
        return "mask that belongs to no photo" if _in_mask_folder(relative) else "file that the layout doesn't name"

    return _counted((_shortened(relative.parent), why(relative)) for relative in everything_below(root) if root / relative not in taken)


def _shortened(folder: Path) -> str:
    """Its first two parts: data sets have thousands of folders."""
    return recorded(Path(*folder.parts[:2])) if folder.parts else "."


def _counted(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, int], ...]:
    return tuple((place, what, count) for (place, what), count in sorted(Counter(pairs).items()))


def _listed(counted: Sequence[tuple[str, str, int]]) -> str:
    """For a sentence: "train/good (good: 5), test/ko (ko: 2)"."""
    more = f" and {len(counted) - MOST_TOLD} more" if len(counted) > MOST_TOLD else ""
    return ", ".join(f"{place or '.'} ({what}: {count})" for place, what, count in counted[:MOST_TOLD]) + more
