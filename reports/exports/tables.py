"""Findings as tables: pandas and Arrow, a row per finding, columns as in the CSV report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seewhy.errors import MissingExtra
from seewhy.record import Entry
from seewhy.reports.tables import COLUMNS, finding_rows

NUMBERS = {"score", "threshold", "p_value", "alpha", "finding", "x0", "y0", "x1", "y1"} | {
    name for name in COLUMNS if name.endswith(("_px", "_mm", "_percent", "_deg"))
}


def to_pandas(entries: Iterable[Entry], language: str = "en") -> Any:
    """A `pandas.DataFrame`; numbers that are missing are NaN.

    Raises:
        MissingExtra: pandas isn't installed.
    """
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MissingExtra("a pandas table", "notebook") from error
    frame = pandas.DataFrame(_rows(entries, language), columns=COLUMNS)
    return frame.astype(dict.fromkeys(sorted(NUMBERS), "float64"))


def to_arrow(entries: Iterable[Entry], language: str = "en") -> Any:
    """A `pyarrow.Table`; what is missing is null.

    Raises:
        MissingExtra: pyarrow isn't installed.
    """
    try:
        import pyarrow
    except ModuleNotFoundError as error:
        raise MissingExtra("an Arrow table", "notebook") from error
    schema = pyarrow.schema([(name, pyarrow.float64() if name in NUMBERS else pyarrow.string()) for name in COLUMNS])
    return pyarrow.Table.from_pylist(_rows(entries, language), schema=schema)


def _rows(entries: Iterable[Entry], language: str) -> list[dict[str, Any]]:
    return [dict.fromkeys(COLUMNS) | row for entry in entries for row in finding_rows(entry, language)]
