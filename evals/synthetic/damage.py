"""Accidents that happen to photos, to text that people write, to JSON and to ledgers, drawn from a generator that can be had again."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from seewhy.types import Pixels

NUMBERS = ("-1", "0", "1e400", "nan", "99999999999999999999", "1,5", "true", "0x10", "")
VALUES: tuple[Any, ...] = (None, True, -1, 0, 0.5, 1e308, 10**30, "", "x", "x" * 10_000, "../../x", [], {}, [[]], {"x": 1})
SQL = (
    "UPDATE entries SET body = replace(body, 'pass', 'fail') WHERE seq = :seq",
    "UPDATE entries SET body = '{}' WHERE seq = :seq",
    "UPDATE entries SET body = x'00ff' WHERE seq = :seq",
    "UPDATE entries SET kind = 'x' WHERE seq = :seq",
    "UPDATE entries SET lot = NULL WHERE seq = :seq",
    "UPDATE entries SET photo = 'x' WHERE seq = :seq",
    "UPDATE entries SET hash = prev WHERE seq = :seq",
    "UPDATE entries SET seq = seq + 1000 WHERE seq = :seq",
    "DELETE FROM entries WHERE seq = :seq",
    "DELETE FROM entries WHERE seq >= :seq",
    "DELETE FROM entries",
    "UPDATE head SET entries = :seq",
    "UPDATE head SET hash = 'x'",
    "DELETE FROM head",
    "INSERT INTO head SELECT * FROM head",
    "UPDATE evidence SET bytes = x'00' WHERE rowid = :seq",
    "DELETE FROM evidence",
    "DROP TABLE entries",
    "DROP TABLE head",
    "DROP TABLE evidence",
    "DROP TABLE claims",
    "ALTER TABLE entries ADD COLUMN more TEXT",
    "PRAGMA user_version = 99",
    "PRAGMA application_id = 1",
    "PRAGMA journal_mode = WAL",
    "PRAGMA encoding = 'UTF-16'",
)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """One of seven accidents."""
    body, at = bytearray(data), int(rng.integers(len(data)))
    length = int(rng.integers(1, 1 + max(1, len(data) // 8)))
    match int(rng.integers(7)):
        case 0:
            return bytes(body[:at])
        case 1:  # a few bytes, most often where the header is
            for where in rng.integers(0, min(len(body), int(rng.choice([64, 512, len(body)]))), 1 + at % 6):
                body[where] = rng.integers(256)
        case 2:
            body[at : at + length] = bytes(len(body[at : at + length]))
        case 3:
            del body[at : at + length]
        case 4:
            body[at:at] = body[at : at + length]
        case 5:  # a number becomes very large
            body[at : at + 4] = b"\xff\xff\xff\x7f"[: len(body[at : at + 4])]
        case 6:
            body[at] ^= 1 << int(rng.integers(8))
    return bytes(body)


def damaged_text(text: str, rng: np.random.Generator) -> bytes:
    """A slip of whoever writes a card, a policy or a list, or of the program that saves it."""
    lines = text.splitlines(keepends=True)
    at, other = (int(i) for i in rng.integers(len(lines), size=2))
    match int(rng.integers(9)):
        case 0:
            return damaged(text.encode(), rng)
        case 1:
            del lines[at]
        case 2:
            lines.insert(other, lines[at])
        case 3:
            lines[at], lines[other] = lines[other], lines[at]
        case 4:
            lines[at] = re.sub(r"-?\d+(\.\d+)?", lambda _: str(rng.choice(NUMBERS)), lines[at])
        case 5:
            words = re.findall(r"\w+", text)
            lines[at] = re.sub(r"\w+", lambda found: str(rng.choice([found[0], str(rng.choice(words))])), lines[at])
        case 6:
            lines[at] = " " * int(rng.integers(5)) + lines[at].lstrip()
        case 7:
            lines[at] = (
                lines[at].rstrip("\n") + str(rng.choice(["\0", "\t", "\u2028", "\ufeff", "'", '"', "#", ": ", "&a", "*a", "{"])) + "\n"
            )
        case 8:
            return text.encode(str(rng.choice(["utf-16", "utf-8-sig", "cp949", "utf-32"])), "replace")
    return "".join(lines).encode()


def damaged_json(data: Any, rng: np.random.Generator) -> Any:
    """A copy in which one value is another, or gone."""
    copy = json.loads(json.dumps(data))
    places = list(_places(copy))
    holder, key = places[int(rng.integers(len(places)))]
    if rng.random() < 0.25:
        del holder[key]
    else:
        holder[key] = VALUES[int(rng.integers(len(VALUES)))]
    return copy


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in list(data.items() if isinstance(data, dict) else enumerate(data)):
        yield data, key
        if isinstance(value, dict | list):
            yield from _places(value)


def damage_ledger(path: Path, rng: np.random.Generator) -> None:
    """Change a ledger's bytes, its rows behind the triggers' back, or what lies beside it."""
    match int(rng.integers(3)):
        case 0:
            path.write_bytes(damaged(path.read_bytes(), rng))
        case 1:
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                (count,) = db.execute("SELECT count(*) FROM entries").fetchone()
                for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                    db.execute(f"DROP TRIGGER {name}")
                statement = SQL[int(rng.integers(len(SQL)))]
                with suppress(sqlite3.Error):  # what SQLite itself refuses is no accident
                    db.execute(statement, {"seq": int(rng.integers(1, count + 1))} if ":seq" in statement else {})
        case 2:
            beside = path.with_name(path.name + str(rng.choice(["-wal", "-journal", "-shm"])))
            beside.write_bytes(damaged(path.read_bytes(), rng) if rng.random() < 0.5 else rng.bytes(4096))


def pictures(pixels: Pixels) -> dict[str, bytes]:
    """A picture in files of many kinds, by name."""
    image, grey = Image.fromarray(pixels), Image.fromarray(pixels[..., 1])
    deep = pixels.astype(np.uint16) * 257
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    found = {
        "rgb.jpg": _saved(image, "JPEG", quality=92),
        "grey.jpg": _saved(grey, "JPEG"),
        "progressive.jpg": _saved(image, "JPEG", progressive=True, exif=_turned()),
        "cmyk.jpg": _saved(image.convert("CMYK"), "JPEG"),
        "rgb.png": _saved(image, "PNG"),
        "palette.png": _saved(image.quantize(32), "PNG"),
        "alpha.png": _saved(Image.fromarray(np.dstack([pixels, alpha])), "PNG"),
        "deep.png": _saved(Image.fromarray(deep[..., 1]), "PNG"),
        "lossy.webp": _saved(image, "WEBP"),
        "lossless.webp": _saved(image, "WEBP", lossless=True),
        "rgb.bmp": _saved(image, "BMP"),
        "palette.bmp": _saved(image.quantize(16), "BMP"),
    }
    for packing in (None, "zlib", "lzw", "packbits", "jpeg"):
        found[f"{packing}.tif"] = _tiff(pixels, photometric="rgb", compression=packing)
    found["planar.tif"] = _tiff(np.ascontiguousarray(deep.transpose(2, 0, 1)), photometric="rgb", planarconfig="separate")
    found["tiles.tif"] = _tiff(deep, photometric="rgb", tile=(32, 32), compression="zlib")
    found["pages.tif"] = _tiff(np.stack([pixels, pixels[::-1]]), photometric="rgb")
    return found


def _saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _tiff(pixels: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return out.getvalue()
