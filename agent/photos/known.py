"""Layouts of public data sets and of tools: how each says what is good, and where its masks lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seewhy.agent.photos.folders import MASK_FOLDERS, PICTURES, child, files_below, subfolders
from seewhy.agent.photos.masks import marks_nothing
from seewhy.agent.photos.names import recorded
from seewhy.agent.photos.samples import (
    BESIDE,
    BY_FOLDER,
    GOOD_WORDS,
    REAL_IAD,
    SPLIT,
    SPLITS,
    UNLABELLED,
    VISA_RAW,
    Sample,
    kind_of,
    sample,
)
from seewhy.errors import BadData

TRUTH = ("ground_truth", "groundtruth", "masks", "mask", "gt")
PRIVATE = ("test_private", "test_private_mixed")
MORE = ("_label", "_GT", "_gt", "_mask")  # what a mask's name adds to its photo's, where both lie in one folder


def is_split(folder: Path) -> bool:
    """train/good (or ok, normal), as in MVTec AD and its kin."""
    train = child(folder, "train")
    return train is not None and child(train, *GOOD_WORDS) is not None


def read_split(folder: Path, root: Path) -> Iterator[Sample]:
    """MVTec AD (Bergmann et al., IJCV 2021), LOCO (2022), AD 2 (2025), MPDD, BTAD, GoodsAD, VisA as its own script splits it.

    train/good, validation/good, test/KIND or test_public/KIND; masks in ground_truth/KIND: NAME_mask.*, NAME.*, or a folder NAME of masks.
    """
    for place in subfolders(folder):
        split = SPLITS.get(place.name.lower())
        if split is None:
            if place.name.lower() in PRIVATE:
                yield from (sample(path, root, folder, "private") for path in files_below(place))
            continue
        truth = child(place, *TRUTH) or child(folder, *TRUTH)
        for kind in (kind for kind in subfolders(place) if kind.name.lower() not in TRUTH):
            masks = None if truth is None or kind_of(kind.name) == "good" else child(truth, kind.name.lower())
            for path in files_below(kind):
                yield sample(path, root, folder, split, recorded(kind_of(kind.name)), mask_of(path, kind, masks))


def mask_of(photo: Path, photos: Path, masks: Path | None) -> Path | None:
    """The mask of `photo`, which lies below `photos`, in the same place below `masks`."""
    if masks is None:
        return None
    folder = masks / photo.relative_to(photos).parent
    if (folder / photo.stem).is_dir():
        return folder / photo.stem
    names = [f"{photo.stem}{more}{ending}" for more in ("_mask", "", "_GT", "_gt", "_label") for ending in sorted(PICTURES)]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def masks_of(photo: Path, folder: Path) -> list[Path]:
    """The masks of a photo in a folder of masks: in it, or in its folder of the photo's own kind (MVTec's `ground_truth/scratch`)."""
    for place in (folder / photo.parent.name, folder):
        found = mask_of(place / photo.name, place, place) if place.is_dir() else None
        if found is not None:
            return list(files_below(found)) if found.is_dir() else [found]
    return []


def is_visa(folder: Path) -> bool:
    """Data/Images/Normal: one product of VisA as it is downloaded (Zou et al., ECCV 2022)."""
    return (folder / "Data" / "Images" / "Normal").is_dir()


def read_visa(folder: Path, root: Path) -> Iterator[Sample]:
    """Data/Images/Normal and Anomaly, masks in Data/Masks/Anomaly."""
    images, masks = folder / "Data" / "Images", folder / "Data" / "Masks" / "Anomaly"
    yield from (sample(path, root, folder, "", "good") for path in files_below(images / "Normal"))
    if (images / "Anomaly").is_dir():
        for path in files_below(images / "Anomaly"):
            yield sample(path, root, folder, "", "anomaly", mask_of(path, images / "Anomaly", masks if masks.is_dir() else None))


def is_beside(folder: Path) -> bool:
    """Masks beside their photos (KolektorSDD 1 and 2; Tabernik et al., 2020; Božič et al., 2021)."""
    return next(_pairs(folder), None) is not None


def read_beside(folder: Path, root: Path) -> Iterator[Sample]:
    """Part0.jpg and Part0_label.bmp, 10000.png and 10000_GT.png: an empty mask says that the photo is good."""
    masks = dict(_pairs(folder))
    for path in (path for path in files_below(folder) if path not in set(masks.values())):
        split = SPLITS.get(path.parent.name.lower(), "")
        mask = masks.get(path)
        if mask is None:
            yield sample(path, root, folder, split, "good" if kind_of(path.parent.name) == "good" else UNLABELLED)
        else:
            yield sample(path, root, folder, split, "good" if marks_nothing(mask) else "defect", mask)


def _pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """(photo, mask) for each mask that lies beside its photo."""
    files = {path.parent / path.stem: path for path in files_below(folder)}
    for stem, path in files.items():
        mask = next((files[own] for more in MORE if (own := stem.with_name(stem.name + more)) in files), None)
        if mask is not None:
            yield path, mask


def is_real_iad(folder: Path) -> bool:
    """OK/S0001 and NG/KIND/S0001 (Wang et al., CVPR 2024)."""
    ok, ng = child(folder, "ok"), child(folder, "ng")
    return ok is not None and ng is not None and any(path.name.startswith("S") for path in subfolders(ok))


def read_real_iad(folder: Path, root: Path) -> Iterator[Sample]:
    """Photos are .jpg, masks .png of the same name beside them. The split, where its JSON lies near, is the data set's own."""
    splits = _real_iad_split(folder)
    for path in files_below(folder):
        if path.suffix.lower() == ".png" and path.with_suffix(".jpg").is_file():
            continue
        where = path.relative_to(folder)
        mask = path.with_suffix(".png")
        kind = "good" if where.parts[0].upper() == "OK" else recorded(where.parts[1])
        yield sample(path, root, folder, splits.get(where.as_posix(), ""), kind, mask if mask.is_file() else None)


def _real_iad_split(folder: Path) -> dict[str, str]:
    """Split by path below the product's folder."""
    for place in (folder.parent, *folder.parent.glob("realiad_jsons*"), *folder.parent.parent.glob("realiad_jsons*")):
        file = place / f"{folder.name}.json"
        if file.is_file():
            try:
                data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
                return {row["image_path"]: split for split in ("train", "test") for row in data.get(split, ())}
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadData(f"{recorded(file)} is not Real-IAD's list ({error}); take it away or download it again") from error
    return {}


def is_by_folder(folder: Path) -> bool:
    """A folder good (ok, normal), as anomalib's `Folder` has it."""
    return child(folder, *GOOD_WORDS) is not None


def read_by_folder(folder: Path, root: Path) -> Iterator[Sample]:
    """good/, one folder per kind of defect, masks in mask/KIND or mask/."""
    truth = child(folder, *TRUTH)
    for kind in (kind for kind in subfolders(folder) if kind.name.lower() not in MASK_FOLDERS):
        name = kind_of(kind.name)
        masks = None if truth is None or name == "good" else child(truth, kind.name.lower()) or truth
        for path in files_below(kind):
            yield sample(path, root, folder, "", recorded(name), mask_of(path, kind, masks))


LAYOUTS: dict[str, tuple[Callable[[Path], bool], Callable[[Path, Path], Iterator[Sample]]]] = {
    SPLIT: (is_split, read_split),
    VISA_RAW: (is_visa, read_visa),
    REAL_IAD: (is_real_iad, read_real_iad),
    BESIDE: (is_beside, read_beside),
    BY_FOLDER: (is_by_folder, read_by_folder),
}
