"""Files and folders that are written whole or not at all: what stood there before stays until the new one is on the disk."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from seewhy.errors import NotWritten


def write_file(path: Path, data: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all: beside its place first, onto the disk (fsync), then renamed.

    Args:
        path: the file; folders above it are made.
        data: its bytes, or what writes them to an open file.

    Raises:
        NotWritten: the disk is full, the place can't be written; what was there before is as it was.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    with _told(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(data) if isinstance(data, bytes) else data(file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            _sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Make a file that never takes another's place, there whole or not at all.

    Args:
        path: the file to be.

    Yields:
        Where to make it; at the end of the block it goes onto the disk and gets its name.

    Raises:
        FileExistsError: something has that name, perhaps since a moment; it is left.
        NotWritten: as for `write_file`.
    """
    if path.exists():
        raise FileExistsError(path)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with _told(path):
            yield fresh
            with fresh.open("rb+") as file:
                os.fsync(file.fileno())
        _name(fresh, path)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _name(fresh: Path, path: Path) -> None:
    try:
        os.link(fresh, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        with _told(path):
            fresh.rename(path)
    _sync_folder(path.parent)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder whole or not at all; the one before is there until the new one is complete.

    Args:
        folder: where; whoever calls has made sure that what stands there may be replaced.
        files: bytes by relative path.

    Raises:
        NotWritten: as for `write_file`.
    """
    fresh, old = folder.with_name(f".{folder.name}.{os.getpid()}.new"), folder.with_name(f".{folder.name}.{os.getpid()}.old")
    with _told(folder):
        try:
            fresh.mkdir(parents=True)
            for name, data in files.items():
                write_file(fresh / name, data)
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
            _sync_folder(folder.parent)
        finally:
            if old.exists() and not folder.exists():
                old.rename(folder)
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def check_writable(place: Path) -> None:
    """Refuse a place that can't be written before hours of work are spent on what goes there.

    Args:
        place: a file or folder to be; the nearest folder above it that exists is tried.

    Raises:
        NotWritten: nothing can be made there.
    """
    above = next(p for p in (place.absolute().parent, *place.absolute().parent.parents) if p.exists())
    with _told(place):
        probe = above / f".{place.name}.{os.getpid()}.probe"
        probe.touch()
        probe.unlink()


@contextmanager
def _told(place: Path) -> Iterator[None]:
    """Turns the system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise NotWritten(place, error.strerror or str(error)) from error


def _sync_folder(folder: Path) -> None:
    """Puts a rename on the disk, where the system can (POSIX)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
