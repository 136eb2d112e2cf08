"""Errors that every door can say in its reader's language: a message of the catalogue, not a text."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from seewhy.errors import BadData, BadModel, LedgerError, LotClaimed, NotWritten, SeewhyError, Unfit, UnknownName
from seewhy.prompts import catalogue, say, sentence, text, word
from seewhy.record import Param, Sentence

# What went wrong, by the error's class, where the error itself is said in English alone; the first that fits.
CLASSES: tuple[type[SeewhyError], ...] = (NotWritten, LotClaimed, LedgerError, BadModel, UnknownName, BadData, SeewhyError)


class Told(BadData):
    """Something that can't be done as it was asked; `sentence` says why."""

    def __init__(self, key: str, /, **values: Param) -> None:
        self.sentence = sentence(key, **values)
        super().__init__(self.sentence.text)

    @classmethod
    def of(cls, why: Sentence) -> Told:
        """The error that a sentence explains."""
        return Told(why.key, **why.params)


class Misfit(BadData):
    """A field that doesn't fit.

    Args:
        error: pydantic's account of it.
        frame: message that tells of `field` and `why`; empty: "field: why".
    """

    def __init__(self, error: ValidationError, frame: str = "unfit.field") -> None:
        self.error, self.frame = error, frame
        super().__init__(self.said("en"))

    def said(self, language: str) -> str:
        """In a language."""
        where = ".".join(map(str, self.error.errors()[0]["loc"]))
        why = unfit(self.error, language)
        known = word("field", where.partition(".")[0], language) if language != "en" else where
        return text(self.frame, language, field=known, why=why) if where or self.frame != "unfit.field" else why


def told(error: SeewhyError, language: str = "en") -> str:
    """An error in a language; what is known in English alone stands in brackets behind what it means.

    >>> told(Told("entering.no_reason"), "ko"), told(BadModel("x.json is missing"), "en")
    ('기록에는 이유가 필요합니다. 이유를 적으십시오.', 'x.json is missing')
    """
    if isinstance(error, Told):
        return say(error.sentence, language)
    if isinstance(error, Misfit):
        return error.said(language)
    if language == "en":
        return str(error)
    kind = next(kind for kind in CLASSES if isinstance(error, kind))
    return text(f"went_wrong.{kind.__name__}", language, why=str(error))


def unfit(error: ValidationError, language: str = "en") -> str:
    """Why the first field doesn't fit, in a language, without the field's name; pydantic's own words where they are English."""
    first: Any = error.errors()[0]
    if language == "en":
        return str(first["msg"]).removeprefix("Value error, ")
    why = first.get("ctx", {}).get("error")
    if isinstance(why, Unfit):
        return text(f"unfit.{why.key}", language, **why.values)
    key = f"unfit.{first['type']}"
    if key not in catalogue(language):
        return text("unfit.other", language, why=first["msg"])
    return text(key, language, **{name: str(value) for name, value in first.get("ctx", {}).items()})
