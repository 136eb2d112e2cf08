"""What a document's pages are built of: plain data that one template for each format knows how to set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from seewhy.prompts.legible import legible

Block: TypeAlias = dict[str, Any]
Tone: TypeAlias = Literal["", "pass", "fail", "review", "refused", "soft"]
LONGEST = 12_000  # characters of one text on a page; what is longer is cut, and the page says so


def heading(text: str) -> Block:
    """Of a section."""
    return {"type": "heading", "text": text}


def paragraph(text: str, *, soft: bool = False) -> Block:
    """Words."""
    return {"type": "text", "text": written(text), "soft": soft}


def callout(title: str, text: str, tone: Tone = "review") -> Block:
    """What must be read first."""
    return {"type": "callout", "title": title, "text": written(text), "tone": tone}


def rows(named: Iterable[tuple[str, str]], *, mono: bool = False) -> Block:
    """Names and values; those without a value are left out."""
    return {"type": "rows", "rows": [[name, written(value)] for name, value in named if value], "mono": mono}


def table(columns: Sequence[str], lines: Iterable[Sequence[Any]], *, align: str = "", widths: Sequence[float] = ()) -> Block:
    """A table with a head that is repeated on every page.

    Args:
        columns: heads.
        lines: cells: text, or (text, tone).
        align: a letter for each column: l, c or r; left where it is short.
        widths: shares of the width; a column of 0 takes what it needs. All alike where none are given.
    """
    cells = [[_cell(cell) for cell in line] for line in lines]
    return {
        "type": "table",
        "columns": list(columns),
        "lines": cells,
        "align": list(align.ljust(len(columns), "l")),
        "widths": list(widths) or [1] * len(columns),
    }


def _cell(cell: Any) -> dict[str, str]:
    text, tone = cell if isinstance(cell, tuple) else (cell, "")
    return {"text": written(str(text)), "tone": tone}


def figures(items: Iterable[Mapping[str, Any]], *, height_mm: float = 50.0) -> Block:
    """Photographs side by side: `picture` (JPEG bytes or None), `alt`, `caption`."""
    return {"type": "figures", "items": [dict(item) for item in items], "height_mm": height_mm}


def chart(svg: bytes, alt: str, caption: str = "") -> Block:
    """A drawing over the whole width."""
    return {"type": "chart", "svg": svg, "alt": alt, "caption": caption}


def kpis(items: Iterable[tuple[str, str, Tone]]) -> Block:
    """Figures that matter most: (value, label, tone)."""
    return {"type": "kpis", "items": [{"value": value, "label": label, "tone": tone} for value, label, tone in items]}


def columns(*parts: Sequence[Block], widths: Sequence[float] = ()) -> Block:
    """Blocks side by side."""
    return {"type": "columns", "parts": [list(part) for part in parts], "widths": list(widths) or [1] * len(parts)}


def fields(items: Iterable[Mapping[str, Any]]) -> Block:
    """Boxes that people fill: `title`, `text` (empty: lines to write on), `notes` below it."""
    return {"type": "fields", "items": [dict(item) | {"text": written(str(item["text"]))} for item in items]}


def signatures(machine: tuple[str, Sequence[tuple[str, str]]], people: tuple[str, Sequence[Mapping[str, str]]]) -> Block:
    """Machine and people side by side.

    Args:
        machine: title, and what it is as names and values.
        people: title, and each signature: `meaning`, `name`, `at`, `note`; those without a name are lines to sign on.
    """
    return {
        "type": "signatures",
        "machine": {"title": machine[0], "rows": [list(pair) for pair in machine[1] if pair[1]]},
        "people": {"title": people[0], "signs": [dict(sign) for sign in people[1]]},
    }


def page_break() -> Block:
    """What follows begins on a new page."""
    return {"type": "break"}


def written(text: str) -> str:
    """A person's or a file's text as it can be set: composed, unseen characters written out, line breaks kept, cut where it is endless."""
    kept = text if len(text) <= LONGEST else f"{text[:LONGEST]} […]"
    return "\n".join(legible(line) for line in kept.splitlines())
