"""Whether a write-ahead log that an interrupted writer left beside a ledger can be read to its end.

SQLite reads a log up to the first page whose checksum is wrong and says nothing of the rest, so a damaged log looks like a shorter
one. Ledgers of schema 1 were written with such a log; later ones have none. Format: sqlite.org/fileformat2.html, section 4.
"""

from __future__ import annotations

import struct
import sys
from array import array
from pathlib import Path

HEADER, FRAME = 32, 24  # bytes
MAGIC = 0x377F0682  # the lowest bit says that checksums are over big-endian words


def unreadable_pages(log: Path) -> int:
    """About how many pages of the log were written after its last reset and can't be read; 0 for a log that is whole.

    Pages that an earlier use of the same file left behind carry other salts and don't count, nor does a page that was cut off.

    Raises:
        OSError: the log can't be read at all.
    """
    data = log.read_bytes()
    if len(data) < HEADER:
        return 0
    magic, _, page_bytes, _, *salts, sum0, sum1 = struct.unpack(">8I", data[:HEADER])
    big, sums = bool(magic & 1), (sum0, sum1)
    if magic & ~1 != MAGIC or _sums(data[:24], big, (0, 0)) != sums:
        return int(-(-(len(data) - HEADER) // (FRAME + page_bytes)))
    starts = range(HEADER, len(data) - FRAME - page_bytes + 1, FRAME + page_bytes)
    for number, at in enumerate(starts):
        *_, salt0, salt1, sum0, sum1 = struct.unpack(">6I", data[at : at + FRAME])
        own = _sums(data[at : at + 8] + data[at + FRAME : at + FRAME + page_bytes], big, sums)
        if [salt0, salt1] != salts or own != (sum0, sum1):
            return sum(_of_this_use(data, later, salts) for later in starts[number:]) or int(own == (sum0, sum1))
        sums = own
    return 0


def _of_this_use(data: bytes, at: int, salts: list[int]) -> bool:
    """A changed bit leaves at least one of a page's two salts as it was."""
    return any(a == b for a, b in zip(struct.unpack(">2I", data[at + 8 : at + 16]), salts, strict=True))


def _sums(data: bytes, big: bool, sums: tuple[int, int]) -> tuple[int, int]:
    words = array("I", data)
    if big != (sys.byteorder == "big"):
        words.byteswap()
    a, b = sums
    for first, second in zip(words[::2], words[1::2], strict=True):
        a = (a + first + b) & 0xFFFFFFFF
        b = (b + second + a) & 0xFFFFFFFF
    return a, b
