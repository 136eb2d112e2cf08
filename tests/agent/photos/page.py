"""`python -m tests.agent.photos.page` writes docs/what-seewhy-reads.md from the matrix of kinds."""

from __future__ import annotations

from collections import defaultdict

from tests.agent.photos.matrix import Kind, every_kind
from tests.helpers import ROOT

from seewhy.agent.photos.images import decode
from seewhy.agent.photos.levels import DOUBTS
from seewhy.errors import BadImage
from seewhy.prompts import sentence

PAGE = ROOT / "docs" / "what-seewhy-reads.md"
BEFORE = """# What seewhy reads, and what it refuses

A photo is read with the right pixels, or it is refused with a reason and what to do about it; there is no third way. A refused
photo is an entry of its lot, neither good nor bad, and the rest of the lot goes on. This page is written from a matrix of {count}
kinds of files, each compared with the pixels that it was made from (`python -m tests.agent.photos.page`); a test holds that it is
up to date.

- JPEG, PNG, BMP and WebP are read by Pillow (JPEG without faults by libjpeg-turbo itself, with the same pixels), TIFF and 16-bit colour
  PNG by tifffile and imagecodecs.
- A photo has at most 64 million pixels and is at least 8 pixels wide and high; a file has at most 1 GiB.
- **More than 8 bits.** A file that states 9 to 15 bits is scaled by them. 16-bit values are scaled by the card's `white_level`,
  the value that is white (4095 for a 12-bit camera). Where the card gives none, `fit` takes the smallest of 255, 1023, 4095,
  16383 and 65535 that no value of the good photos exceeds, says so, and keeps it with the model.
- **Colour profiles** other than sRGB are converted to sRGB (relative colorimetric); one that can't be read is noted.
- **Transparency** is laid on white. **Orientation** (EXIF, TIFF) is undone.
- **Several pictures in one file:** the first is inspected and the part never passes by itself; save each view as a file of its
  own. Previews and gain maps that phones and cameras add are left alone.
- **Names** that aren't UTF-8 are recorded with `\\xNN` for each such byte; nothing is lost.

A photo with one of these notes goes to a person, it never passes by itself:

{doubts}

| kind | kinds tried | what becomes of it |
|---|---|---|
"""


def page() -> str:
    """The page's text."""
    groups = defaultdict[str, list[Kind]](list)
    for kind in every_kind():
        groups[kind.group].append(kind)
    doubts = "\n".join(f'- "{sentence(f"note.{note}").text}"' for note in sorted(DOUBTS))
    rows = [f"| {group} | {len(kinds)} | {_became(kinds)} |" for group, kinds in groups.items()]
    return BEFORE.format(count=sum(map(len, groups.values())), doubts=doubts) + "\n".join(rows) + "\n"


def _became(kinds: list[Kind]) -> str:
    """What the reader does with them, by running it."""
    found = set[str]()
    for kind in kinds:
        try:
            decode(kind.data, "the file", white_level=kind.white_level)
            found.add("read")
        except BadImage as error:
            found.add(f"refused: {error.code}")
    return ", ".join(sorted(found))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
