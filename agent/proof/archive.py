"""A zip whose every byte follows from what is in it: files as they are (stored), no times, no rights.

So whatever is changed in one, be it the archive's own bookkeeping, is found by writing it again. Format: PKWARE APPNOTE 6.3, 4.3.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from seewhy.errors import BadData

MOST_BYTES, MOST_FILES = 0xFFFFFFFE, 0xFFFE  # beyond them a zip needs other headers (zip64), which nothing here reads
VERSION, UTF8, EPOCH = 20, 0x0800, (0, 0x21)  # 1 January 1980, midnight: a zip knows no time before
LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


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
    try:
        with zipfile.ZipFile(path) as zipped:
            names = zipped.namelist()
            files = {name: zipped.read(name) for name in names}
    except OSError as error:
        raise BadData(f"{path} can't be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, struct.error, EOFError) as error:
        raise BadData(f"{path} is no zip that can be read: {error}") from error
    if len(names) != len(files):
        raise BadData(f"{path} holds two files of one name")
    with path.open("rb") as there:
        for at, piece in enumerate(archive(files.items())):
            if there.read(len(piece)) != piece:
                where = names[at // 2] if at < 2 * len(names) else "its directory"
                raise BadData(f"{path} is not as it was written: {where}")
        if there.read(1):
            raise BadData(f"{path} is not as it was written: something follows its end")
    return files
