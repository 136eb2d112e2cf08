"""Which documents there are, and how one is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from seewhy.agent.documents.asked import OPTIONS, Asked
from seewhy.agent.ledger.store import Ledger
from seewhy.errors import BadData
from seewhy.registry import Entry, Registry
from seewhy.reports.documents.document import Document, rendered

Maker: TypeAlias = Callable[[Asked], Document]

DOCUMENTS = Registry(
    "document",
    {
        "certificate": Entry("seewhy.agent.documents.certificate:certificate"),
        "lot-certificate": Entry("seewhy.agent.documents.lot_certificate:lot_certificate"),
        "ncr": Entry("seewhy.agent.documents.ncr:nonconformance"),
        "8d": Entry("seewhy.agent.documents.eight_d:eight_d"),
        "study": Entry("seewhy.agent.documents.study:study"),
        "masters": Entry("seewhy.agent.documents.masters:masters"),
        "monthly": Entry("seewhy.agent.documents.monthly:monthly"),
        "audit": Entry("seewhy.agent.documents.audit:audit"),
        "dossier": Entry("seewhy.agent.documents.dossier:dossier"),
        "validation": Entry("seewhy.agent.documents.validation:validation"),
    },
    group="seewhy.documents",
)


def make(ledger: Ledger, kind: str, format_: str, *, language: str = "en", **options: str) -> bytes:
    """A document's bytes: the same for the same ledger, kind, options and language.

    Args:
        ledger: that it is made from.
        kind: of `DOCUMENTS`.
        format_: html, pdf or json.
        language: of its words.
        options: what it is of, see `seewhy.agent.documents.asked.OPTIONS`.

    Raises:
        UnknownName: there is no such kind or language.
        BadData: an option is missing or leads to nothing; says what to give.
        LedgerError: the ledger can't be read, or an entry is not as it was written.
    """
    maker: Maker = DOCUMENTS.get(kind)
    if wrong := next((name for name in options if name not in OPTIONS), None):
        raise BadData(f"a document takes {', '.join(OPTIONS)}, not {wrong}")
    if not ledger.head[0]:
        raise BadData(f"{ledger.path} holds no entry yet; there is nothing to make a document from")
    asked = Asked(ledger, language, kind, {name: value for name, value in options.items() if value})
    document = maker(asked)
    return rendered(document, asked.basis, format_)
