"""Where in a document something was changed: an index of its sections, each with its length and hash, beside its seal.

The seal says that a document was changed; the index says where, without the ledger: at which photo of a lot's report, or in which
section of a quality document. A PDF has none: its bytes are compressed, and its offsets can't be moved.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass

from seewhy.canonical import canonical_json, sha256_bytes

INDEX = re.compile(rb" seewhy-index:([0-9a-f]{64}):([A-Za-z0-9_-]+=*)")
DIGITS = 16  # of a section's hash: the index only finds places, the seal is what proves
HTML = re.compile(rb'^<[^>]* data-name="(?P<photo>[^"]*)"|^<h2>(?P<section>[^<]*)</h2>|^<footer(?P<end>)', re.M)
JSON = re.compile(rb'^  ?"(?P<section>\w+)": |^  \{$', re.M)
JSON_PHOTO = re.compile(rb'^ {3,4}"name": (".*?"),?$', re.M)  # the first name in an entry is its photo's


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a document: at a photo, or in a section of this heading or key; without a name before or after all of them."""

    photo: str = ""
    section: str = ""

    def __str__(self) -> str:
        return f"photo {self.photo}" if self.photo else f"section {self.section}" if self.section else "its head or foot"


SEAL_OR_INDEX = Place(section="seal and index")


def indexed(data: bytes, mark: bytes) -> bytes:
    """A document with the index of its sections.

    Args:
        data: HTML or JSON; whatever else is returned as it is.
        mark: that the index is put behind.
    """
    data = INDEX.sub(b"", data)
    pieces = list(_pieces(data))
    if len(pieces) < 2:
        return data
    index = canonical_json([[*astuple(place), len(piece), sha256_bytes(piece)[:DIGITS]] for place, piece in pieces])
    coded = base64.urlsafe_b64encode(index)
    return data.replace(mark, mark + b" seewhy-index:" + sha256_bytes(coded).encode() + b":" + coded, 1)


def changed_place(data: bytes, made: bytes | None = None) -> Place | None:
    """The first section that isn't as it was written; None where no index can say.

    Args:
        data: the document as it is now, its seal blanked.
        made: the document as it should be, whose index counts; None takes its own.
    """
    found = INDEX.search(data if made is None else made)
    if found is None:
        return None
    if sha256_bytes(found[2]) != found[1].decode():
        return SEAL_OR_INDEX
    try:
        index = [
            (Place(str(photo), str(section)), int(length), digest)
            for photo, section, length, digest in json.loads(base64.urlsafe_b64decode(found[2]))
        ]
    except (TypeError, ValueError):  # an index that somebody made
        return SEAL_OR_INDEX
    at, plain = 0, INDEX.sub(b"", data)
    for place, length, digest in index:
        if sha256_bytes(plain[at : at + length])[:DIGITS] != digest:
            return place
        at += length
    return Place() if at != len(plain) else SEAL_OR_INDEX


def _pieces(data: bytes) -> Iterator[tuple[Place, bytes]]:
    """The sections and what stands before, between and behind them: together they are the document."""
    pattern = HTML if data.startswith(b"<!") else JSON if data.startswith(b"{") else None
    if pattern is None:
        return
    starts = list(pattern.finditer(data))
    ends = [found.start() for found in starts[1:]] + [len(data)]
    if starts:
        yield Place(), data[: starts[0].start()]
    for found, end in zip(starts, ends, strict=True):
        piece = data[found.start() : end]
        yield _place(found, piece), piece


def _place(found: re.Match[bytes], piece: bytes) -> Place:
    names = {name: html.unescape(text.decode("utf-8", "replace")) for name, text in found.groupdict(b"").items() if name != "end"}
    if not any(names.values()) and (photo := JSON_PHOTO.search(piece)):
        return Place(photo=json.loads(photo[1]))
    return Place(**names)
