"""Photos that come from outside: named safely, limited in size and number, decoded once before they are kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seewhy.agent.chat.workspace import photos_in
from seewhy.agent.photos.images import decode
from seewhy.canonical import sha256_bytes
from seewhy.disk import new_file
from seewhy.errors import BadImage

MOST_FILES = 500  # of one drop
MOST_BYTES = 64 << 20  # of one file
LONGEST_NAME = 100  # characters before the ending
ENDINGS = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "TIFF": ".tif", "BMP": ".bmp", "WEBP": ".webp"}
UNSAFE = re.compile(r"[^\w .()+-]+")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: where it lies for now, and what the sender calls it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not kept; `code` is a refusal's (`refusal.…` of the catalogue)."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a drop of files."""

    kept: tuple[str, ...] = ()
    there: tuple[str, ...] = ()  # the same photo was kept before
    refused: tuple[Refused, ...] = ()


def take(uploads: Sequence[Upload], folder: Path) -> Taken:
    """Keep what are photos in a folder, under safe names, byte for byte.

    Args:
        uploads: what came; the files are left where they lie.
        folder: of the workspace.
    """
    kept, there, refused = list[str](), list[str](), list[Refused]()
    folder.mkdir(parents=True, exist_ok=True)
    known = {sha256_bytes(path.read_bytes()): path.name for path in photos_in(folder)}
    for upload in uploads[:MOST_FILES]:
        shown = safe_name(upload.name, "")
        try:
            data, ending = _checked(upload, shown)
        except BadImage as error:
            refused.append(Refused(shown, error.code))
            continue
        digest = sha256_bytes(data)
        if digest in known:
            there.append(known[digest])
            continue
        known[digest] = _kept(data, folder, shown, ending)
        kept.append(known[digest])
    refused += [Refused(safe_name(upload.name, ""), "too_many") for upload in uploads[MOST_FILES:]]
    return Taken(tuple(kept), tuple(there), tuple(refused))


def _checked(upload: Upload, shown: str) -> tuple[bytes, str]:
    """The file's bytes and the ending that its content has, whatever its name says.

    Raises:
        BadImage: it is no photo, or too large.
    """
    if upload.path.is_symlink() or not upload.path.is_file():
        raise BadImage("not_a_file", f"{shown} is not a regular file", "give a photo")
    if upload.path.stat().st_size > MOST_BYTES:
        raise BadImage("too_large", f"{shown} has more than {MOST_BYTES:,} bytes", "give a smaller file")
    data = upload.path.read_bytes()
    if not data:
        raise BadImage("empty", f"{shown} is empty", "copy it again from the camera")
    photo = decode(data, shown)
    if photo.format not in ENDINGS:
        raise BadImage("not_an_image", f"{shown} is a {photo.format}", "use JPEG, PNG, TIFF, BMP or WebP")
    return data, ENDINGS[photo.format]


def _kept(data: bytes, folder: Path, shown: str, ending: str) -> str:
    """Write the photo under its name, or with a number where another photo has that name; the name comes back."""
    stem = Path(shown).stem or "photo"
    number = 1
    while True:
        path = folder / (f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}")
        try:
            with new_file(path) as fresh:
                fresh.write_bytes(data)
        except FileExistsError:
            number += 1
            continue
        return path.name


def safe_name(name: str, otherwise: str = "photo") -> str:
    """The last part of a name without anything that a file system, a shell or a page could take for something else.

    >>> safe_name("../../etc/passwd"), safe_name("C:\\\\fakepath\\\\부품 1.png"), safe_name("<b>x</b>.png"), safe_name("..")
    ('passwd', '부품 1.png', 'b_.png', 'photo')
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")[-1]
    clean = UNSAFE.sub("_", last).strip(" .")
    stem, dot, ending = clean.rpartition(".")
    short = f"{stem[:LONGEST_NAME].strip(' .')}{dot}{ending[:8]}" if dot else clean[:LONGEST_NAME].strip()
    return short.strip(" .") or otherwise or "photo"
