"""The good photos that hold a line, as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seewhy.disk import write_file
from seewhy.drawing import heat_over
from seewhy.pictures import decoded, jpeg
from seewhy.prompts import number, text
from seewhy.prompts.legible import legible
from seewhy.reports.html import page_of

QUALITY = 84  # of JPEG files
WORDS = ("title", "lead", "by_score", "holds", "map_alt", "to_drop", "left_out_title", "score", "signs")


def write_oddest(found: Mapping[str, Any], pictures: Sequence[tuple[bytes, bytes]], path: Path, language: str = "en") -> Path:
    """Write the page.

    Args:
        found: what `seewhy.oddest(...).to_json()` gives.
        pictures: of each row, a JPEG of the photo and a PNG of its map.
        path: of the page.
        language: of the message catalogue.

    Raises:
        UnknownName: there is no such language.
        NotWritten: the disk is full or the place can't be written.
    """
    write_file(path, page_of("oddest.html.j2", oddest_view(found, pictures, language)))
    return path


def oddest_view(found: Mapping[str, Any], pictures: Sequence[tuple[bytes, bytes]], language: str) -> dict[str, Any]:
    """Everything that the page shows, in the reader's language."""
    rows = zip(found["rows"], pictures, strict=True)
    return {
        "language": language,
        "words": {name: text(f"odd.{name}", language) for name in WORDS},
        "product": legible(found["product"]),
        "figures": _figures(found, language),
        "drawn_text": text("odd.drawn_text" if found["drawn"] else "odd.not_drawn", language),
        "rows": [_row(place, row, both, found, language) for place, (row, both) in enumerate(rows, start=1)],
        "left_out": [left_out_line(one, language) for one in found["left_out"]],
    }


def left_out_line(one: Mapping[str, str], language: str = "en") -> str:
    """Who left a photo out, and why."""
    return text("odd.left_out", language, name=legible(one["name"]), by=one["by"], cause=f"@cause.{one['cause']}", why=one["why"])


def _figures(found: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """What stands at the top of the page: (value, label)."""
    rate = found["alpha"] + found["review"]
    provisional = "" if found["calibrated"] else f" ({text('odd.provisional', language)})"
    shown = [
        (_number(found["line"]), text("odd.line", language, alpha=found["alpha"]) + provisional),
        (_number(found["review_line"]), text("odd.review_line", language, rate=round(rate, 6))),
        (str(found["photos"]), f"{text('odd.photos', language)}: {text('odd.method_' + found['method'], language)}"),
    ]
    if found["drawn"]:
        shown.append((_escapes(found["escaped"], found["drawn"], language), text("odd.escapes", language)))
    return shown


def _row(place: int, row: Mapping[str, Any], pictures: tuple[bytes, bytes], found: Mapping[str, Any], language: str) -> dict[str, Any]:
    facts = [
        (text("odd.without_line", language), _beside(row["line"], found["line"], language)),
        (text("odd.without_review", language), _beside(row["review_line"], found["review_line"], language)),
    ]
    if found["drawn"]:
        facts.append((text("odd.without_escapes", language), _escapes(row["escaped"], found["drawn"], language)))
    return {
        "place": place,
        "name": legible(row["name"]),
        "score": _number(row["score"]),
        "holds": row["holds"],
        "facts": facts,
        "signs": [text(f"sign.{sign}", language) for sign in row["signs"] or ("none",)],
        "marked": bool(row["signs"]),
        "photo": pictures[0],
        "map": _overlay(*pictures),
        "photo_alt": text("odd.photo_alt", language, name=legible(row["name"])),
    }


def _overlay(photo: bytes, map_: bytes) -> bytes:
    """The score map over the photo in grey."""
    pixels, levels = decoded(photo), decoded(map_)
    if pixels is None or levels is None:
        return photo
    level = levels.astype(np.float32) / 255
    return jpeg(heat_over(pixels, cv2.resize(level, pixels.shape[1::-1])), QUALITY)


def _beside(value: float | None, before: float | None, language: str) -> str:
    if value == before:
        return text("odd.unchanged", language)
    if value is None or not before:
        return _number(value)
    return f"{_number(value)} ({100 * (value / before - 1):+.0f} %)"


def _escapes(escaped: int | None, drawn: int, language: str) -> str:
    return "–" if escaped is None else text("odd.escapes_value", language, escaped=escaped, drawn=drawn)


def _number(value: float | None) -> str:
    return "–" if value is None else number(value)
