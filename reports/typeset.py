"""From data and a template to PDF/A-2a and PDF/UA-1 by typst, the same bytes from the same data."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import typst

from seewhy.errors import SeewhyError
from seewhy.prompts.legible import written_out
from seewhy.reports import SVG
from seewhy.reports.fonts import font_folders

TEMPLATES = Path(__file__).parent / "templates"
QUOTED = re.compile(r'`"(.+?)"`', re.DOTALL)  # the text that typst complains of, as Rust quotes it
NUMBERED = re.compile(r"\\u\{([0-9a-f]+)\}")


def typeset(view: Mapping[str, Any], template: str) -> bytes:
    """A document. Data reaches the template as JSON, so that no text in it is read as markup.

    A character that no font here has, or that PDF/A forbids, is written out, and `escaped` in the data says so.

    Args:
        view: plain data; bytes are pictures, and become files.
        template: name of a file in `templates/`, which reads `lot.json`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = _with_files(dict(view), folder)
        probe = {"characters": sorted(_unusual(data))}
        _, lost = _typeset(folder, "characters.typ", probe, set(), system_fonts=False)
        system_fonts = bool(lost)  # they differ from machine to machine: asked only where ours don't suffice
        if system_fonts:
            _, lost = _typeset(folder, "characters.typ", probe, set(), system_fonts=True)
        made, _ = _typeset(folder, template, data, lost, system_fonts=system_fonts)
    return made


def _typeset(folder: Path, template: str, view: dict[str, Any], lost: set[str], *, system_fonts: bool) -> tuple[bytes, set[str]]:
    """The document, and the characters that had to be written out for it, those in `lost` among them."""
    (folder / template).write_bytes((TEMPLATES / template).read_bytes())
    while True:
        data = _written(view | {"escaped": bool(lost)}, lost)
        (folder / "lot.json").write_text(json.dumps(data), encoding="ascii")
        try:
            return _compiled(folder / template, system_fonts), lost
        except typst.TypstError as error:
            more = _complained(str(error)) & _unusual(view) - lost
            if not more:
                raise SeewhyError(f"the PDF could not be made: {error}") from error
            lost = lost | more


def _compiled(template: Path, system_fonts: bool) -> bytes:
    return bytes(
        typst.compile(
            template, root=template.parent, font_paths=font_folders(), ignore_system_fonts=not system_fonts, pdf_standards=["a-2a", "ua-1"]
        )
    )


def _complained(message: str) -> set[str]:
    """The characters that typst could not show."""
    return {c for quoted in QUOTED.findall(message) for c in NUMBERED.sub(lambda number: chr(int(number[1], 16)), quoted)}


def _written(view: Any, lost: Collection[str]) -> Any:
    """The view, in its texts what is lost, or is half of a character (a surrogate), written out."""

    def legible(leaf: Any) -> Any:
        return "".join(written_out(c) if c in lost or "\ud800" <= c <= "\udfff" else c for c in leaf) if isinstance(leaf, str) else leaf

    return _mapped(view, legible)


def _unusual(view: Any) -> set[str]:
    """The characters of all texts that a font may lack."""
    return {c for leaf in _leaves(view) if isinstance(leaf, str) for c in leaf if not (c.isascii() and c.isprintable()) and c not in "\n\t"}


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value


def _mapped(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """The view with each of its leaves replaced."""
    if isinstance(value, dict):
        return {name: _mapped(inner, leaf) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(inner, leaf) for inner in value]
    return leaf(value)


def _with_files(view: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The view with its pictures written to files and named instead."""
    written = list[str]()

    def named(leaf: Any) -> Any:
        if not isinstance(leaf, bytes):
            return leaf
        written.append(f"{len(written) + 1}.{'svg' if leaf.startswith(SVG) else 'jpg'}")
        (folder / written[-1]).write_bytes(leaf)
        return written[-1]

    made: dict[str, Any] = _mapped(view, named)
    return made
