"""Tables of names: what can be asked for, and where it is made, in this package or in another distribution that plugs in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from seewhy.errors import BrokenPlugin, MissingExtra, UnknownName


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a named thing is made, and which optional install it needs (empty: none)."""

    target: str  # "module:attribute"
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What an installed distribution brings under a name, by an entry point."""

    name: str
    target: str  # "module:attribute"
    distribution: str
    version: str
    problem: str = ""  # why it is not used; empty where it is

    @property
    def brought_by(self) -> str:
        """The distribution and its version."""
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True)
class Registry:
    """A literal table from names to entries, and what plug-ins add to it; a module is imported when its name is asked for, not before.

    >>> Registry("detector", {"patchcore": Entry("seewhy.detectors.patchcore:PatchCore")}).get("pachcore")
    Traceback (most recent call last):
    ...
    seewhy.errors.UnknownName: no detector is called 'pachcore'; did you mean 'patchcore'?
    """

    kind: str
    table: Mapping[str, Entry]
    families: Mapping[str, Entry] = field(default_factory=dict)  # by prefix: makes what the rest of the name stands for
    group: str = ""  # of entry points; empty: nothing can be plugged in

    def get(self, name: str) -> Any:
        """Import and return what `name` stands for; a built-in one before a plug-in of the same name.

        Raises:
            UnknownName: neither the table nor a plug-in has the name.
            MissingExtra: it is built in, but its optional dependency isn't installed.
            BrokenPlugin: a plug-in has it and can't be used.
        """
        prefix = self._prefix(name)
        if not prefix and name not in self.table:
            return self._plugin(name)
        entry = self.families[prefix] if prefix else self.table[name]
        try:
            found = imported(entry.target)
        except ModuleNotFoundError as error:
            if entry.extra and not (error.name or "").startswith("seewhy"):
                raise MissingExtra(f"the {self.kind} {name!r}", entry.extra) from error
            raise
        return found(name.removeprefix(prefix)) if prefix else found

    def plugins(self) -> tuple[Plugin, ...]:
        """Everything that installed distributions bring, by name, with the problem of those that can't be used for their name."""
        found = _found(self.group, tuple(sys.path)) if self.group else ()
        return tuple(replace(p, problem=self._clash(p, found)) for p in found)

    def plugin_versions(self, name: str) -> dict[str, str]:
        """The version of the distribution that brought `name`, by its name; nothing where it is built in."""
        if self._prefix(name) or name in self.table:
            return {}
        return {p.distribution: p.version for p in self.plugins() if p.name == name}

    def _prefix(self, name: str) -> str:
        return next((p for p in self.families if name.startswith(p)), "")

    def _clash(self, plugin: Plugin, found: tuple[Plugin, ...]) -> str:
        if self._prefix(plugin.name) or plugin.name in self.table:
            return f"seewhy has a {self.kind} of its own called {plugin.name!r}, which is used instead; ask its author for another name"
        twins = sorted({p.brought_by for p in found if p.name == plugin.name} - {plugin.brought_by})
        return f"{', '.join(twins)} brings a {self.kind} of that name too; uninstall one of them" if twins else ""

    def _plugin(self, name: str) -> Any:
        plugins = self.plugins()
        plugin = next((p for p in plugins if p.name == name), None)
        if plugin is None:
            raise UnknownName(self.kind, name, {*self.table, *(f"{p}MODEL" for p in self.families), *(p.name for p in plugins)})
        if plugin.problem:
            raise BrokenPlugin(f"the {self.kind} {name!r} of {plugin.brought_by} can't be used: {plugin.problem}")
        try:
            return imported(plugin.target)
        except Exception as error:  # whatever a plug-in's module does when it is imported is its own failure
            why = f"{type(error).__name__}: {error}"
            raise BrokenPlugin(f"the {self.kind} {name!r} of {plugin.brought_by} can't be loaded ({why}); mend or uninstall it") from error


def imported(target: str) -> Any:
    """What "module:attribute" names."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


@lru_cache
def _found(group: str, path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """Plug-ins of a group that stand on the path, by name."""
    del path  # what was found stands for as long as it is the same
    plugins = [Plugin(p.name, f"{p.module}:{p.attr}", p.dist.name, p.dist.version) for p in entry_points(group=group) if p.dist]
    return tuple(sorted(plugins, key=lambda p: (p.name, p.distribution)))
