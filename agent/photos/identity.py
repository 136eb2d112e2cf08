"""Which part a photo shows: from its name by a pattern, from a list (CSV), from its EXIF data, or from whoever calls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from seewhy.agent.photos.lists import read_list
from seewhy.agent.photos.samples import Sample
from seewhy.errors import BadData
from seewhy.record import PartIdentity

FIELDS = tuple(PartIdentity.model_fields)
HOLE = re.compile(r"\\{(\w+)\\}")  # a field of a pattern, once the rest was escaped
EXIF_IFD, MODEL, SHOT_AT, OFFSET = 0x8769, 0x0110, 0x9003, 0x9011  # Exif 2.32, 4.6.4 to 4.6.6


def identified(
    samples: Iterable[Sample], *, pattern: str = "", table: Path | None = None, exif: bool = False, given: PartIdentity | None = None
) -> list[Sample]:
    """The photos with what is known of the parts that they show.

    Where several sources name a field, the caller's word stands before the list's, the list's before the name's, and EXIF comes last.

    Args:
        samples: of a lot; a list that they were read from may have named their parts already.
        pattern: of the photos' names without their ending, `{serial}_{view}`; with "/" of the whole path in the lot.
        table: a CSV with a column of paths and columns serial, batch, station, camera, view, shot_at, order, shift.
        exif: take the camera's model and the time of the shot from the file; nothing else is read from it.
        given: holds for all of them.

    Raises:
        BadData: the pattern names another field, or the list can't be read or lists none of the photos.
    """
    photos = list(samples)
    reads, listed = None if not pattern else compiled(pattern), _listed(table, photos)
    out = []
    for photo in photos:
        sources = [
            _from_exif(photo.path) if exif else {},
            {} if reads is None else _from_name(reads, photo.name, whole="/" in pattern),
            _fields(photo.part),
            _fields(listed.get(photo.name)),
            _fields(given),
        ]
        known = {name: value for source in sources for name, value in source.items() if value}
        out.append(replace(photo, part=PartIdentity(**known) if known else None))
    return out


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of names: `{field}` stands for anything but "/", as short as it can be.

    Raises:
        BadData: it names no field of a part, another one, or one twice.
    """
    named = re.findall(r"\{(\w*)\}", pattern)
    wrong = next((name for name in named if name not in FIELDS or named.count(name) > 1), None)
    if not named or wrong is not None:
        what = f"{{{wrong}}} can't stand in it so" if wrong is not None else "it names none"
        raise BadData(f"the pattern {pattern!r} is of names with {', '.join(f'{{{name}}}' for name in FIELDS)}, each once; {what}")
    return re.compile(HOLE.sub(r"(?P<\1>[^/]+?)", re.escape(pattern)))


def _from_name(reads: re.Pattern[str], name: str, *, whole: bool) -> dict[str, str]:
    path = Path(name)
    found = reads.fullmatch(path.with_suffix("").as_posix() if whole else path.stem)
    return found.groupdict() if found else {}


def _listed(table: Path | None, photos: list[Sample]) -> dict[str, PartIdentity | None]:
    if table is None:
        return {}
    found = {one.name: one.part for one in read_list(table, table.parent)[0]}
    by_file = {Path(name).name: part for name, part in found.items()}
    listed = {p.name: found.get(p.name, by_file.get(Path(p.name).name)) for p in photos}
    if not any(listed.values()):
        raise BadData(f"{table} names no part of these photos; it needs their paths and one of the columns {', '.join(FIELDS)}")
    return listed


def _from_exif(path: Path) -> dict[str, str]:
    """Camera and time; nothing where the file has no EXIF data or can't be read: why, the inspection says."""
    try:
        with Image.open(path) as picture:
            exif = picture.getexif()
        shot = exif.get_ifd(EXIF_IFD)
    except Exception:  # whatever a damaged file leads a decoder to
        return {}
    day, _, time = _text(shot.get(SHOT_AT)).partition(" ")
    at = f"{day.replace(':', '-')}T{time}{_text(shot.get(OFFSET))}" if day and time else ""
    return {"camera": _text(exif.get(MODEL)), "shot_at": at}


def _text(value: object) -> str:
    return value.strip("\0 ") if isinstance(value, str) else ""


def _fields(part: PartIdentity | None) -> dict[str, str]:
    return {} if part is None else part.model_dump()
