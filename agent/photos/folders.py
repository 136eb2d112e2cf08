"""What lies in a folder: photos, and what systems, NAS boxes, labelling tools and people leave beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r"})
SYSTEM_FOLDERS = frozenset(
    {"@eadir", "__macosx", "#recycle", "@recycle", "@recently-snapshot", "#snapshot", "@tmp", "$recycle.bin", "system volume information"}
    | {"lost+found"}
)
NOT_PHOTOS = frozenset(
    {".json", ".xml", ".txt", ".csv", ".tsv", ".md", ".yaml", ".yml", ".ini", ".db", ".log", ".html", ".pdf", ".zip", ".7z", ".rar"}
    | {".xlsx", ".xls", ".docx", ".pptx", ".py", ".npy", ".sqlite", ".sqlite-wal", ".sqlite-shm", ".lnk", ".url", ".exe", ".bak"}
)
MASK_FOLDERS = frozenset({"ground_truth", "groundtruth", "mask", "masks", "gt", "label", "labels", "annotations"})
PICTURES = frozenset({".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".webp"})


def left_behind(path: Path) -> str:
    """Why a file is no photo, by its name alone: "system file", "hidden file", "label or document"; "" where it may be one."""
    name = path.name.lower()
    if name in SYSTEM_FILES or any(part.lower() in SYSTEM_FOLDERS for part in path.parts[:-1]):
        return "system file"
    if name.startswith((".", "~$")) or any(part.startswith(".") for part in path.parts[:-1] if part not in (".", "..")):
        return "hidden file"
    return "label or document" if path.suffix.lower() in NOT_PHOTOS else ""


def everything_below(folder: Path) -> Iterator[Path]:
    """Every file and link below a folder, relative to it, in a stable order; links to folders are listed, not entered."""
    for here, folders, files in os.walk(folder):
        linked = [name for name in folders if (Path(here) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in linked)
        yield from (Path(here).relative_to(folder) / name for name in sorted(files + linked))


def files_below(folder: Path) -> Iterator[Path]:
    """What may be a photo below a folder; system files, hidden files, labels and documents are left out."""
    return (folder / path for path in everything_below(folder) if not left_behind(path))


def child(folder: Path, *names: str) -> Path | None:
    """The first sub-folder with one of these names, whatever their case."""
    there = {path.name.lower(): path for path in subfolders(folder)}
    return next((there[name] for name in names if name in there), None)


def subfolders(folder: Path) -> list[Path]:
    """Sub-folders in order; hidden ones, system ones and links left out."""
    found = (path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    return sorted(path for path in found if not path.name.startswith(".") and path.name.lower() not in SYSTEM_FOLDERS)
