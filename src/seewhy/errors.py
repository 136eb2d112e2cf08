"""What can go wrong, as a tree::

    SeewhyError                 everything below: show the message, hide the traceback
    ├── UnknownName             no such detector, explainer, report format or backbone
    ├── MissingExtra            an optional dependency is not installed; says which `pip install`
    ├── BrokenPlugin            what another distribution plugs in can't be loaded or used; says which
    ├── MissingWeights          a model file is not here; says where to get it and where to put it
    ├── WeightsMismatch         a model file is here, but is not the one that was pinned
    ├── BadImage                the file is not an image that we can read; says why
    ├── BadData                 a folder, CSV, card, policy or mask does not fit what was asked
    ├── BadModel                a model folder is incomplete, of another version, or was changed after it was saved
    ├── NotWritten              a file or folder could not be written; what was there before still stands
    ├── ServerFailed            a VLM server did not start or ended by itself; shows its last words
    └── LedgerError             the ledger can't be read or written; what was written before still stands
        ├── LedgerDamaged       it was read, and is not what was written; names the entry
        └── LotClaimed          another run is inspecting the lot; says which

Each message is for people and names the remedy where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class SeewhyError(Exception):
    """An error with a message for people; the command line shows it without a traceback."""


class UnknownName(SeewhyError):
    """A name that no table holds, with the nearest one that it does."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(names) or 'none'}"
        super().__init__(f"no {kind} is called {name!r}; {hint}")


class MissingExtra(SeewhyError):
    """An optional dependency that isn't installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a package that isn't installed: pip install 'seewhy[{extra}]'")
        self.extra = extra


class BrokenPlugin(SeewhyError):
    """A plug-in of another distribution that can't be loaded or used."""


class MissingWeights(SeewhyError):
    """A model file that isn't on this machine."""


class WeightsMismatch(SeewhyError):
    """A model file whose SHA-256 isn't the pinned one."""


class BadImage(SeewhyError):
    """A file that can't be inspected as a photo.

    Attributes:
        code: a short stable word for machines ("truncated", "empty", "folder", …).
        remedy: what to do about it.
        sha256: of the bytes that could not be decoded; None where none were read.
    """

    def __init__(self, code: str, message: str, remedy: str, sha256: str | None = None) -> None:
        super().__init__(f"{message}; {remedy}")
        self.code = code
        self.message = message
        self.remedy = remedy
        self.sha256 = sha256


class BadData(SeewhyError):
    """A folder, CSV, card, policy or mask that can't be used as it is."""


class Unfit(ValueError):
    """Why a field doesn't fit: what pydantic reports it with, and a key by which it can be said in other languages ("unfit.…").

    Attributes:
        key: of the message, without its group.
        values: what the message tells, as text.
    """

    def __init__(self, key: str, message: str, **values: object) -> None:
        super().__init__(message)
        self.key, self.values = key, {name: str(value) for name, value in values.items()}


class BadModel(SeewhyError):
    """A model folder that can't be trusted or read."""


class LedgerError(SeewhyError):
    """A ledger that can't be read or written."""


class LedgerDamaged(LedgerError):
    """A ledger that was read and is not what was written."""


class LotClaimed(LedgerError):
    """A lot that another run is inspecting."""


class NotWritten(SeewhyError):
    """A file or folder that could not be written; what was there before is as it was."""

    def __init__(self, place: Path, why: str) -> None:
        super().__init__(f"{place} could not be written ({why}); free space, check its permissions or choose another place")


class ServerFailed(SeewhyError):
    """A server did not come up, or ended; the message ends with its last words."""
