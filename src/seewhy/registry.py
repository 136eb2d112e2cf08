"""Tables of names: what can be asked for, and where it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from seewhy.errors import MissingExtra, UnknownName


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a named thing is made, and which optional install it needs (empty: none)."""

    target: str  # "module:attribute"
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Registry:
    """A literal table from names to entries; a module is imported when its name is asked for, not before.

    >>> Registry("detector", {"patchcore": Entry("seewhy.detectors.patchcore:PatchCore")}).get("pachcore")
    Traceback (most recent call last):
    ...
    seewhy.errors.UnknownName: no detector is called 'pachcore'; did you mean 'patchcore'?
    """

    kind: str
    table: Mapping[str, Entry]
    families: Mapping[str, Entry] = field(default_factory=dict)  # by prefix: makes what the rest of the name stands for

    def get(self, name: str) -> Any:
        """Import and return what `name` stands for.

        Raises:
            UnknownName: the table doesn't hold the name.
            MissingExtra: it does, but its optional dependency isn't installed.
        """
        prefix = next((p for p in self.families if name.startswith(p)), "")
        if not prefix and name not in self.table:
            raise UnknownName(self.kind, name, (*self.table, *(f"{p}MODEL" for p in self.families)))
        entry = self.families[prefix] if prefix else self.table[name]
        module, _, attribute = entry.target.partition(":")
        try:
            made = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if entry.extra and not (error.name or "").startswith("seewhy"):
                raise MissingExtra(f"the {self.kind} {name!r}", entry.extra) from error
            raise
        return made(name.removeprefix(prefix)) if prefix else made
