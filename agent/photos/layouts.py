"""Where photos lie: a folder, MVTec AD, VisA, or a CSV of paths."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seewhy.errors import BadData

PATH_COLUMNS = ("path", "photo", "image", "file")


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo on disk and what the layout says of it."""

    path: Path
    root: Path  # no link may lead out of it
    name: str  # unique in its layout; "/" between parts
    product: str
    split: str = ""  # "train", "test" or unknown
    kind: str = ""  # "good", a defect's name, or unknown
    mask: Path | None = None  # white where the defect is

    @property
    def good(self) -> bool:
        """Whether the layout calls it a good photo."""
        return self.kind == "good"


def read_layout(path: Path) -> list[Sample]:
    """List the photos under `path` in a stable order, whichever layout it has.

    Recognised: a CSV file (of paths, or VisA's split); a folder with `split_csv/1cls.csv` (VisA);
    a folder with `train/good` (one MVTec AD product) or of such folders; else every file below the folder.

    Raises:
        BadData: there is nothing there, or the CSV has no column of paths.
    """
    if path.is_file():
        samples = list(_csv(path, path.parent))
    elif not path.is_dir():
        raise BadData(f"{path} does not exist; give a folder of photos, a data set or a CSV of paths")
    elif (path / "split_csv" / "1cls.csv").is_file():
        samples = list(_csv(path / "split_csv" / "1cls.csv", path))
    elif (path / "train" / "good").is_dir():
        samples = list(_mvtec(path))
    elif products := [p for p in sorted(path.iterdir()) if (p / "train" / "good").is_dir()]:
        samples = [sample for product in products for sample in _mvtec(product)]
    else:
        samples = list(_folder(path))
    if not samples:
        raise BadData(f"there is no file under {path}; give a folder that holds photos")
    return samples


def good_photos(samples: list[Sample]) -> list[Sample]:
    """The photos to fit on: training photos called good, or all of a plain folder."""
    labelled = [s for s in samples if s.split or s.kind]
    return [s for s in labelled if s.good and s.split != "test"] if labelled else samples


def files_below(folder: Path) -> Iterator[Path]:
    """Every file and link below a folder, hidden ones left out, in a stable order; links to folders aren't entered."""
    for here, folders, files in os.walk(folder):
        linked = [name for name in folders if (Path(here) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in linked)
        yield from (Path(here) / name for name in sorted(files + linked) if not name.startswith("."))


def _folder(folder: Path) -> Iterator[Sample]:
    for path in files_below(folder):
        yield Sample(path, folder, path.relative_to(folder).as_posix(), folder.resolve().name)


def _mvtec(folder: Path) -> Iterator[Sample]:
    """MVTec AD (Bergmann et al., IJCV 2021): train/good, test/KIND, ground_truth/KIND/NAME_mask.png."""
    for split in ("train", "test"):
        for kind in sorted(p for p in (folder / split).glob("*") if p.is_dir()):
            for path in files_below(kind):
                mask = folder / "ground_truth" / kind.name / f"{path.stem}_mask.png"
                name = path.relative_to(folder).as_posix()
                yield Sample(path, folder, name, folder.resolve().name, split, kind.name, mask if mask.is_file() else None)


def _csv(file: Path, root: Path) -> Iterator[Sample]:
    """A CSV of paths relative to it, or VisA's split (object, split, label, image, mask; Zou et al., ECCV 2022)."""
    with file.open(newline="", encoding="utf-8-sig") as handle:
        rows = csv.DictReader(handle)
        columns = {name.strip().lower(): name for name in rows.fieldnames or ()}
        column = next((columns[name] for name in PATH_COLUMNS if name in columns), None)
        if column is None:
            raise BadData(f"{file} has no column of paths; name one of its columns {', '.join(PATH_COLUMNS)}")
        for number, row in enumerate(rows, start=2):
            value = {key: (row.get(name) or "").strip() for key, name in columns.items()}
            if not row[column]:
                raise BadData(f"{file}, line {number}: the column {column!r} is empty; give a path or delete the line")
            kind = value.get("label", value.get("kind", "")).lower()
            given = Path(row[column].strip())
            path = root / given
            yield Sample(
                path=path,
                root=path.parent if given.is_absolute() or ".." in given.parts else root,
                name=given.as_posix(),
                product=value.get("object", "") or value.get("product", "") or root.resolve().name,
                split=value.get("split", "").lower(),
                kind="good" if kind in ("normal", "good") else kind,
                mask=root / value["mask"] if value.get("mask") else None,
            )
