"""Who may enter what: a small file that a person writes, released into the ledger so that nobody can leave it out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from pydantic import field_validator, model_validator

from seewhy.agent.ledger.store import Ledger
from seewhy.canonical import sha256_json
from seewhy.errors import LedgerError
from seewhy.handwritten import read_yaml, validated
from seewhy.people import Name, Release
from seewhy.prompts.legible import legible
from seewhy.prompts.telling import Told
from seewhy.record import Saved

Kind: TypeAlias = Literal[
    "confirmation",
    "review",
    "disposition",
    "correction",
    "false_alarm",
    "missed_defect",
    "comment",
    "withdrawal",
    "sign_off",
    "release",
    "good_photo",
    "complaint",
    "hold",
    "erasure",
    "criterion",
    "study",
    "master_run",
    "master_ruling",
    "sample",
    "field",
]
ROLE_NEEDED = (
    "sign_off",
    "release",
    "hold",
    "erasure",
    "criterion",
    "master_ruling",
)  # nobody signs, releases or deletes without saying as what


class Roles(Saved):
    """See the fields. `four_eyes`: who approves a part has neither reviewed nor disposed of it, and a release names who approved it."""

    schema_version: Literal["1"] = "1"
    people: dict[Name, tuple[str, ...]]  # roles by name
    roles: dict[str, tuple[Kind, ...]]  # entries by role
    four_eyes: bool = False

    @field_validator("people", "roles", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: (value,) if isinstance(value, str) else value for name, value in given.items()}

    @model_validator(mode="after")
    def _named(self) -> Self:
        for person, roles in self.people.items():
            if lost := [role for role in roles if role not in self.roles]:
                raise ValueError(f"{person} has the role {lost[0]!r}; the file's roles are {', '.join(self.roles) or 'none'}")
        if not any("release" in self.roles[role] for roles in self.people.values() for role in roles):
            raise ValueError("nobody could release other roles; give somebody a role with `release`")
        return self

    @property
    def sha256(self) -> str:
        """Of their content."""
        return sha256_json(self.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class Who:
    """Who enters something, in which role, and why."""

    name: str
    why: str
    role: str = ""  # may be left out where the ledger's roles give the person one that allows the entry


def load_roles(path: Path) -> Roles:
    """Read a file of roles.

    Raises:
        BadData: it can't be read or doesn't fit; says which field.
    """
    return validated(Roles, read_yaml(path), path)


def roles_of(ledger: Ledger) -> Roles | None:
    """The roles that were released last; None where the ledger has none, and everybody may enter everything.

    Raises:
        LedgerError: they were released and are not in the ledger.
    """
    released = [row.entry for row in ledger.found("kind = 'release'") if isinstance(row.entry, Release) and row.entry.what == "roles"]
    if not released:
        return None
    kept = ledger.evidence(released[-1].content_sha256)
    if kept is None:
        raise LedgerError(f"{ledger.path} lacks the roles that {released[-1].by} released; run `seewhy verify`")
    return Roles.model_validate_json(kept)


def role_for(roles: Roles | None, who: Who, kind: str) -> str:
    """The role in which somebody makes such an entry.

    Raises:
        BadData: they may not.
    """
    if roles is None:
        if kind in ROLE_NEEDED and not who.role.strip():
            raise Told("entering.no_role", kind=f"@entry_kind.{kind}")
        return who.role.strip()
    own = roles.people.get(who.name.strip())
    if own is None:
        raise Told("entering.no_person", by=legible(who.name.strip()), people=", ".join(roles.people))
    if who.role and who.role not in own:
        raise Told("entering.not_role", by=who.name, role=legible(who.role), roles=", ".join(own))
    allowed = [role for role in ([who.role] if who.role else own) if kind in roles.roles[role]]
    if not allowed:
        raise Told("entering.may_not", by=who.name, kind=f"@entry_kind.{kind}", role=who.role or ", ".join(own))
    return allowed[0]
