"""What the page refuses, in the reader's language."""

from __future__ import annotations

from seewhy.prompts import telling
from seewhy.prompts.telling import told as problem
from seewhy.record import Param

__all__ = ["Told", "problem"]


class Told(telling.Told):
    """Something that can't be done as it was asked; `key` is a message of the group `problem`."""

    def __init__(self, key: str, /, **values: Param) -> None:
        super().__init__(f"problem.{key}", **values)
