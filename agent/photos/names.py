"""Names of files as records can hold them: a name on disk is bytes, a record is UTF-8."""

from __future__ import annotations

import re
from pathlib import Path

UNSAFE = re.compile(r"[\ud800-\udfff]|\\(?=[xu][0-9a-f])")
ESCAPED = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})")
RAW_BYTE = 0xDC00  # where `surrogateescape` (PEP 383) puts the bytes that aren't UTF-8


def recorded(path: Path | str) -> str:
    r"""A path as records, ledgers and messages hold it, "/" between its parts: bytes that aren't UTF-8 become \xNN.

    Nothing is lost: a backslash that would read as such an escape becomes \x5c; all other names stay as they are.

    >>> recorded("lot/\udcba\udcce1.png"), recorded("lot/부품 1.png"), recorded(r"a\xb0.png")
    ('lot/\\xba\\xce1.png', 'lot/부품 1.png', 'a\\x5cxb0.png')
    """
    return UNSAFE.sub(_escape, path.as_posix() if isinstance(path, Path) else path)


def on_disk(name: str) -> str:
    r"""What `recorded` was given.

    >>> on_disk(recorded("lot/\udcba\udcce1.png")) == "lot/\udcba\udcce1.png"
    True
    """
    return ESCAPED.sub(_unescape, name)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == ord("\\"):
        return r"\x5c"
    return f"\\x{code - RAW_BYTE:02x}" if RAW_BYTE + 0x80 <= code <= RAW_BYTE + 0xFF else f"\\u{code:04x}"


def _unescape(found: re.Match[str]) -> str:
    if found[2] is not None:
        return chr(int(found[2], 16))
    value = int(found[1], 16)
    return chr(value) if value < 0x80 else chr(RAW_BYTE + value)
