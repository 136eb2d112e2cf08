"""General knowledge: how defects of common processes look, what may cause them, what to check; in English and Korean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from seewhy.errors import UnknownName
from seewhy.record import Cause

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class General:
    """One possible cause, in every language that it is written in."""

    id: str
    process: str
    types: tuple[str, ...]  # words for the defects that it explains
    looks: Mapping[str, str]  # by language
    step: str  # of the process
    cause: Mapping[str, str]
    check: Mapping[str, str]
    source: Mapping[str, str]  # who says so


def processes() -> list[str]:
    """Names of the processes that there is knowledge of."""
    return sorted(path.stem for path in HERE.glob("*.yaml"))


@lru_cache
def general(process: str) -> tuple[General, ...]:
    """What is known of a process.

    Raises:
        UnknownName: there is no file for it.
    """
    if process not in processes():
        raise UnknownName("process", process, processes())
    data = yaml.safe_load((HERE / f"{process}.yaml").read_text(encoding="utf-8"))
    return tuple(General(process=process, **(row | {"types": tuple(row["types"])})) for row in data["entries"])


def cause_in(language: str, cause: Cause) -> tuple[str, str, str]:
    """A recorded cause, its check and who states it in another language, where the general knowledge has it; else as recorded."""
    for process in processes():
        for entry in general(process):
            if entry.id == cause.id and entry.cause["en"] == cause.text and language in entry.cause:
                return entry.cause[language], entry.check[language], entry.source[language]
    return cause.text, cause.check, cause.stated_by
