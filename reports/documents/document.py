"""A document: its head, its blocks, the data behind them; and how it becomes HTML, PDF or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.errors import BadData, MissingExtra
from seewhy.prompts import catalogue, text
from seewhy.reports.documents.blocks import Block, Tone, rows
from seewhy.reports.html import page_of
from seewhy.reports.part import moment
from seewhy.reports.seal import marks, qr, recipe_mark, sealed

FORMATS = ("html", "pdf", "json")
PAGE_WORDS = ("page", "number", "edition", "qr_alt", "escaped", "basis", "sealed", "unsigned")


@dataclass(frozen=True, slots=True)
class Basis:
    """What a document rests on, and how to make it again.

    Attributes:
        entries: of the ledger.
        head: the last one's hash.
        last_at: ISO 8601, when the last entry was written: the document's date, for there is no other clock in it.
        recipe: the kind and its options, but for the language.
        language: of its words.
    """

    entries: int
    head: str
    last_at: str
    recipe: Mapping[str, Any]
    language: str


@dataclass(frozen=True, slots=True)
class Document:
    """One quality document.

    Attributes:
        title: what it is.
        subject: of what, as names and values.
        blocks: its pages, see `seewhy.reports.documents.blocks`.
        data: the figures and entries behind it, plain JSON.
        status: the one word that is read first, and its tone; empty for none.
        edition: number of the last entry that it rests on; 0: the ledger's last.
    """

    title: str
    subject: Sequence[tuple[str, str]]
    blocks: Sequence[Block]
    data: Mapping[str, Any]
    status: tuple[str, Tone] = ("", "")
    edition: int = 0


def rendered(document: Document, basis: Basis, format_: str) -> bytes:
    """The document's bytes, sealed: the same for the same ledger and recipe.

    Raises:
        BadData: it has no such format.
        MissingExtra: PDF needs an optional install.
    """
    if format_ not in FORMATS:
        raise BadData(f"a quality document is .html, .pdf or .json, not .{format_}")
    if format_ == "json":
        return sealed(_json(document, basis))
    view = view_of(document, basis)
    if format_ == "html":
        return sealed(page_of("document.html.j2", view))
    try:
        from seewhy.reports.typeset import typeset
    except ModuleNotFoundError as error:
        raise MissingExtra("a PDF", "pdf") from error
    return sealed(typeset(view, "document.typ"))


def view_of(document: Document, basis: Basis) -> dict[str, Any]:
    """What the templates set."""
    language = basis.language
    return {
        "language": language,
        "title": document.title,
        "number": number_of(basis.recipe),
        "edition": str(document.edition or basis.entries),
        "status": {"text": document.status[0][:1].upper() + document.status[0][1:], "tone": document.status[1]},
        "subject": rows(document.subject)["rows"],
        "blocks": list(document.blocks),
        "basis": text(
            "document.basis", language, entries=f"{basis.entries:,}", at=f"{moment(basis.last_at)} UTC", recipe=_said(document.title, basis)
        ),
        "head": basis.head,
        "last_at": moment(basis.last_at),
        "marks": f"{marks(basis.head)} {recipe_mark(dict(basis.recipe) | {'language': language})}",
        "qr": qr(basis.head),
        "words": {key: catalogue(language)[f"document.{key}"] for key in PAGE_WORDS},
    }


def number_of(recipe: Mapping[str, Any]) -> str:
    """The document's number: its kind, and what it is of, by hash; every edition of it has the same.

    >>> number_of({"kind": "certificate", "part": "S-7"})
    'CERTIFICATE-5BE2A654'
    """
    return f"{str(recipe['kind']).upper()}-{sha256_bytes(canonical_json(dict(recipe)))[:8].upper()}"


def _said(title: str, basis: Basis) -> str:
    options = [f"{text(f'option.{name}', basis.language)} {value}" for name, value in basis.recipe.items() if name != "kind"]
    return ", ".join([title, *options])


def _json(document: Document, basis: Basis) -> bytes:
    data = {
        "schema_version": "1",
        "document": number_of(basis.recipe),
        "title": document.title,
        "edition": document.edition or basis.entries,
        "status": document.status[0],
        "recipe": dict(basis.recipe),
        "language": basis.language,
        "ledger": {"entries": basis.entries, "head": basis.head, "last_at": basis.last_at},
        "marks": f"{marks(basis.head)} {recipe_mark(dict(basis.recipe) | {'language': basis.language})}",
        "subject": dict(document.subject),
        "data": dict(document.data),
    }
    return json.dumps(data, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace")
