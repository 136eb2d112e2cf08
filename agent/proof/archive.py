"""A zip whose every byte follows from what is in it: files as they are (stored), no times, no rights.

So whatever is changed in one, be it the archive's own bookkeeping, is found by writing it again. Format: PKWARE APPNOTE 6.3, 4.3.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from seewhy.errors import BadData

MOST_BYTES, MOST_FILES = 0xFFFFFFFE, 0xFFFE  # beyond them a zip needs other headers (zip64), which nothing here reads
VERSION, UTF8, EPOCH = 20, 0x0800, (0, 0x21)  # 1 January 1980, midnight: a zip knows no time before
LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
HEADER_BYTES = 30  # of a file, before its name
DIRECTORY = "its directory"


def archive(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The zip, piece by piece.

    Args:
        files: (name, content), in the order in which they lie in it.

    Raises:
        BadData: it would be larger than a plain zip can be.
    """
    directory, at, count = list[bytes](), 0, 0
    for path, data in files:
        name = path.encode()
        common = struct.pack("<HHHHHIIIHH", VERSION, UTF8, 0, *EPOCH, zlib.crc32(data), len(data), len(data), len(name), 0)
        directory.append(CENTRAL + struct.pack("<H", VERSION) + common + struct.pack("<HHHII", 0, 0, 0, 0, at) + name)
        yield from (piece := (LOCAL + common + name, data))
        at, count = at + sum(map(len, piece)), count + 1
        if at > MOST_BYTES or count > MOST_FILES:
            raise BadData("this is more than fits into one zip (4 GiB, 65,534 files); make a bundle of single parts")
    listed = b"".join(directory)
    yield listed
    yield END + struct.pack("<HHHHIIH", 0, 0, count, count, len(listed), at, 0)


def opened(path: Path) -> dict[str, bytes]:
    """The files of such a zip, by name.

    Raises:
        BadData: it can't be read, or isn't byte for byte what `archive` makes of its files; says which file differs.
    """
    files, changed = read(path)
    if changed:
        raise BadData(f"{path} is not as it was written: {changed}")
    return files


def read(path: Path) -> tuple[dict[str, bytes], str]:
    """(the files as they are now, the first that is not as it was written); the second is empty where all are.

    The zip's own directory says where they lie; nothing in it is believed, for all of it is written again and compared.

    Raises:
        BadData: it can't be read as a zip.
    """
    try:
        with zipfile.ZipFile(path) as zipped, path.open("rb") as file:
            listed = zipped.infolist()
            files = {one.filename: _lying_at(file, one) for one in listed}
    except OSError as error:
        raise BadData(f"{path} can't be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise BadData(f"{path} is no zip that can be read: {error}") from error
    if len(listed) != len(files):
        raise BadData(f"{path} holds two files of one name")
    return files, _first_changed(path, files)


def _lying_at(file: BinaryIO, one: zipfile.ZipInfo) -> bytes:
    file.seek(max(0, one.header_offset) + HEADER_BYTES + len(one.filename.encode()))
    return file.read(one.file_size)


def _first_changed(path: Path, files: Mapping[str, bytes]) -> str:
    names = list(files)
    with path.open("rb") as there:
        for at, piece in enumerate(archive(files.items())):
            if there.read(len(piece)) != piece:
                return names[at // 2] if at < 2 * len(names) else DIRECTORY
        return DIRECTORY if there.read(1) else ""
