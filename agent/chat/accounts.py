"""Who may use the page: names with hashed passwords and roles, and the sessions of those who logged in.

Passwords are kept as scrypt hashes (RFC 7914) with a salt each. Without accounts everybody at this machine may do everything under the
name that they give, and the page listens to this machine alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from seewhy.agent.chat.problems import Told
from seewhy.agent.people.roles import Kind, Roles, Who, role_for
from seewhy.disk import write_file
from seewhy.errors import BadData

Role: TypeAlias = Literal["viewer", "inspector", "engineer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
JUDGES: tuple[Kind, ...] = ("confirmation", "review", "correction", "false_alarm", "missed_defect", "comment", "withdrawal")
MAY: dict[str, tuple[Kind, ...]] = {
    "viewer": (),
    "inspector": JUDGES,
    "engineer": (*JUDGES, "disposition", "sign_off", "release", "good_photo", "complaint", "hold", "study"),
    "admin": get_args(Kind),
}
COST = {"n": 1 << 14, "r": 8, "p": 1, "maxmem": 1 << 26}  # RFC 7914, sec. 2: 16 MiB a try
SHORTEST = 10  # characters of a password
SESSION_S = 12 * 3600.0  # a shift
TRIES, PAUSE_S = 5, 60.0  # wrong passwords of a name, and how long it is refused then


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: a name, and the role of an account; without accounts no role, and no limits."""

    name: str
    role: Role | None = None

    def who(self, why: str, kind: Kind) -> Who:
        """As entries name them.

        Raises:
            Told: no name was given.
            BadData: the role doesn't allow such an entry.
        """
        if not self.name.strip():
            raise Told("no_name")
        if self.role is None:
            return Who(self.name, why)
        return Who(self.name, why, role_for(_roles(self), Who(self.name, why), kind))

    def may(self, kind: Kind) -> bool:
        """Whether the role allows such an entry."""
        return self.role is None or kind in MAY[self.role]


def _roles(person: Person) -> Roles:
    """The page's roles, with the one person that is asked about."""
    return Roles.model_construct(people={person.name: (person.role or "viewer",)}, roles=MAY, four_eyes=False)


class Accounts:
    """The accounts of a workspace and the sessions of this server.

    Args:
        path: of the file; there may be none.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._sessions, self._wrong = dict[str, tuple[str, float]](), dict[str, tuple[int, float]]()

    def __bool__(self) -> bool:
        return bool(self._read())

    def names(self) -> dict[str, str]:
        """Role by name."""
        return {name: one["role"] for name, one in self._read().items()}

    def add(self, name: str, password: str, role: Role) -> None:
        """Add somebody, or give them another password or role.

        Raises:
            BadData: the name, the password or the role won't do.
        """
        if not name.strip() or name != name.strip() or len(name) > 200:
            raise BadData("an account needs a name without blanks around it")
        if len(password) < SHORTEST:
            raise BadData(f"a password has {SHORTEST} characters or more")
        if role not in ROLES:
            raise BadData(f"a role is one of {', '.join(ROLES)}, not {role!r}")
        accounts = self._read() | {name: {"password": hashed(password), "role": role}}
        write_file(self._path, json.dumps(accounts, ensure_ascii=False, indent=1).encode())

    def log_in(self, name: str, password: str) -> str:
        """Begin a session; its secret comes back, or nothing where name and password don't fit or were tried too often."""
        with self._lock:
            wrong, since = self._wrong.get(name, (0, 0.0))
            if wrong >= TRIES and time.monotonic() - since < PAUSE_S:
                return ""
        account = self._read().get(name)
        fits = matches(password, account["password"] if account else hashed("nobody's"))
        with self._lock:
            if account is None or not fits:
                self._wrong[name] = (wrong + 1, time.monotonic())
                return ""
            self._wrong.pop(name, None)
            token = secrets.token_urlsafe(32)
            self._sessions[token] = (name, time.monotonic() + SESSION_S)
        return token

    def log_out(self, token: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(token, None)

    def person(self, token: str) -> Person | None:
        """Whose session it is; None where there is none, it ended, or the account is gone."""
        with self._lock:
            name, until = self._sessions.get(token, ("", 0.0))
            if name and until < time.monotonic():
                del self._sessions[token]
                return None
        role = self.names().get(name)
        return Person(name, role) if role in ROLES else None

    def _read(self) -> dict[str, dict[str, str]]:
        return dict(json.loads(self._path.read_bytes())) if self._path.is_file() else {}


def hashed(password: str) -> str:
    """A password as it is kept: "scrypt$salt$hash" in hexadecimal."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **COST).hex()}"


def matches(password: str, kept: str) -> bool:
    """Whether a password is the one that is kept."""
    _, salt, digest = kept.split("$")
    return hmac.compare_digest(hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **COST).hex(), digest)
