"""PDF by typst: PDF/A-2a and PDF/UA-1, the same bytes from the same records."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst

from seewhy.errors import SeewhyError
from seewhy.record import Entry
from seewhy.reports import PictureBytes
from seewhy.reports.view import lot_view

TEMPLATE = Path(__file__).parent / "templates" / "lot.typ"


class PdfReport:
    """The lot as a document. Data reaches the template as JSON, so that no text in it is read as markup."""

    def render(self, entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str) -> bytes:
        """See `seewhy.reports.Report`."""
        view = lot_view(entries, pictures, head, language)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            data = json.dumps(_with_files(view, folder, []), ensure_ascii=False)
            (folder / "lot.typ").write_bytes(TEMPLATE.read_bytes())
            (folder / "lot.json").write_text(data, encoding="utf-8")
            try:
                made = typst.compile(
                    folder / "lot.typ",
                    root=folder,
                    font_paths=_fonts(),
                    ignore_system_fonts=True,
                    pdf_standards=["a-2a", "ua-1"],
                    sys_inputs={"language": language},
                )
            except typst.TypstError as error:
                raise SeewhyError(f"the PDF could not be made: {error}") from error
        return bytes(made)


def _with_files(value: Any, folder: Path, count: list[None]) -> Any:
    """The view with its pictures written to files and named instead."""
    if isinstance(value, bytes):
        count.append(None)
        name = f"{len(count)}.jpg"
        (folder / name).write_bytes(value)
        return name
    if isinstance(value, dict):
        return {k: _with_files(v, folder, count) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_with_files(v, folder, count) for v in value]
    return value


def _fonts() -> list[Path]:
    """Source Sans Pro from its package; typst's own fonts serve where it is missing."""
    spec = find_spec("font_source_sans_pro")
    return [Path(p) for p in spec.submodule_search_locations or ()] if spec else []
