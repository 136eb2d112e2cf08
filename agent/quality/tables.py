"""Tables that people give: what parts are, what appraisers called them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seewhy.canonical import canonical_json
from seewhy.errors import BadData


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of parts: a table that somebody gave.

    Attributes:
        truth: "pass" or "fail" by part.
        sizes: of the defect, by part; in the table's unit.
        data: canonical JSON of it, kept as evidence.
    """

    truth: dict[str, str]
    sizes: dict[str, float]
    data: bytes


def reference_of(path: Path) -> Reference:
    """Read a CSV of parts: columns `part`, `truth` (pass or fail), and `size` where defects have one.

    Raises:
        BadData: it can't be read, a column is missing, or a value is none.
    """
    lines = table_of(path, ("part", "truth"))
    for line in lines:
        if line["truth"] not in ("pass", "fail"):
            raise BadData(f"{path}: the truth of {line['part']!r} is pass or fail, not {line['truth']!r}")
    try:
        sizes = {line["part"]: float(line["size"]) for line in lines if line.get("size", "").strip()}
    except ValueError as error:
        raise BadData(f"{path}: a size is a number ({error})") from error
    return Reference({line["part"]: line["truth"] for line in lines}, sizes, canonical_json(lines))


def ratings_of(path: Path) -> dict[tuple[str, str], list[str]]:
    """Read a CSV of people's calls away from the ledger: columns `part`, `appraiser`, `trial`, `verdict`.

    Raises:
        BadData: as for `reference_of`.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for line in sorted(table_of(path, ("part", "appraiser", "trial", "verdict")), key=lambda one: one["trial"].zfill(6)):
        if line["verdict"] not in ("pass", "fail"):
            raise BadData(f"{path}: a call is pass or fail, not {line['verdict']!r}")
        found.setdefault((line["appraiser"], line["part"]), []).append(line["verdict"])
    return found


def table_of(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """A CSV as rows of text.

    Raises:
        BadData: it can't be read, or lacks a column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path} can't be read ({getattr(error, 'strerror', None) or 'it is not text in UTF-8'})") from error
    reader = csv.DictReader(io.StringIO(text))
    if lost := [name for name in needed if name not in (reader.fieldnames or ())]:
        raise BadData(f"{path} has no column {lost[0]!r}; it needs {', '.join(needed)}")
    lines = [{name: (value or "").strip() for name, value in line.items() if name} for line in reader]
    if not lines:
        raise BadData(f"{path} has no rows")
    return lines
