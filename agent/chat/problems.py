"""What the page refuses, in the reader's language."""

from __future__ import annotations

from seewhy.errors import BadData, SeewhyError
from seewhy.prompts import say, sentence
from seewhy.record import Param


class Told(BadData):
    """Something that can't be done as it was asked; `key` is a message of the group `problem`."""

    def __init__(self, key: str, /, **values: Param) -> None:
        self.sentence = sentence(f"problem.{key}", **values)
        super().__init__(self.sentence.text)


def problem(error: SeewhyError, language: str) -> str:
    """An error as people read it: the page's own in their language, what other parts of seewhy say as they say it."""
    return say(error.sentence, language) if isinstance(error, Told) else str(error)
