"""What a document is asked for, and how it is said in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from seewhy.agent.ledger.store import Ledger
from seewhy.agent.quality.bounds import Share
from seewhy.agent.quality.seen import Book, read
from seewhy.errors import BadData
from seewhy.prompts import number, text, word
from seewhy.prompts.legible import legible
from seewhy.record import Param
from seewhy.reports.documents.blocks import Tone
from seewhy.reports.documents.document import Basis
from seewhy.reports.part import moment

OPTIONS = ("lot", "part", "product", "month", "entry", "complaint", "protocol")
TONES: Mapping[str, Tone] = {"pass": "pass", "fail": "fail", "review": "review", "refused": "refused"}


@dataclass(eq=False)
class Asked:
    """A ledger, and which document of it in which language.

    Attributes:
        ledger: open to read.
        language: of the catalogue.
        kind: of document.
        options: what it is of; what was not given isn't in it.
    """

    ledger: Ledger
    language: str
    kind: str
    options: Mapping[str, str]

    @cached_property
    def book(self) -> Book:
        """All of the ledger, read once."""
        return read(self.ledger)

    @cached_property
    def basis(self) -> Basis:
        """What the document rests on."""
        entries, head = self.ledger.head
        last = self.ledger.found("seq = ?", (entries,))[0]
        return Basis(entries, head, last.at, {"kind": self.kind, **self.options}, self.language)

    def option(self, name: str) -> str:
        """What was given, or an empty text."""
        return self.options.get(name, "")

    def needed(self, name: str) -> str:
        """What was given.

        Raises:
            BadData: nothing was.
        """
        if not self.option(name):
            raise BadData(f"a document of the kind {self.kind!r} needs --{name}")
        return self.options[name]

    def lot(self) -> str:
        """The lot that was named, or the ledger's only one.

        Raises:
            BadData: there are several, or it isn't there.
        """
        lots, given = self.ledger.lots(), self.option("lot")
        if given and given not in lots:
            raise BadData(f"{self.ledger.path} holds no lot {given!r}; it holds {', '.join(lots) or 'none'}")
        if not given and len(lots) != 1:
            raise BadData(f"give a lot with --lot: {', '.join(lots) or 'the ledger holds none'}")
        return given or lots[0]

    def say(self, key: str, /, **params: Param) -> str:
        """A message of the catalogue."""
        return text(key, self.language, **params)

    def word(self, group: str, value: str) -> str:
        """A word of a closed list."""
        return word(group, value, self.language)

    def verdict(self, value: str) -> tuple[str, Tone]:
        """A verdict and its colour."""
        return self.word("outcome", value), TONES.get(value, "")

    def when(self, at: str) -> str:
        """A time in UTC."""
        return f"{moment(at)} UTC"

    def type(self, value: str) -> str:
        """A finding's type: the card's or a person's word, or one of the measured forms."""
        return legible(self.word("type", value))

    def percent(self, value: float | None, digits: int = 2) -> str:
        """A share."""
        return "–" if value is None else f"{100 * value:.{digits}f} %"

    def share(self, share: Share | Mapping[str, Any]) -> str:
        """A share with its count and its limit, never without."""
        told = share.to_json() if isinstance(share, Share) else share
        key = "document.share_none" if not told["of"] else "document.share"
        return self.say(key, count=told["count"], of=told["of"], value=self.percent(told["value"]), upper=self.percent(told["upper"]))

    def number(self, value: float | None, unit: str = "") -> str:
        """A figure with its unit."""
        return "–" if value is None else f"{number(value)} {unit}".strip()
