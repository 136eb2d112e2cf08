"""Settings of a detector to plain data and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from seewhy.errors import BadData

S = TypeVar("S")


def plain(settings: Any) -> dict[str, Any]:
    """A settings dataclass as JSON holds it: tuples become lists, and what JSON has no word for becomes its text."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(settings), default=str))
    return data


def read(kind: type[S], data: Mapping[str, Any]) -> S:
    """Settings from plain data; what is no field of theirs is left out, and what the data lacks keeps its default.

    Args:
        kind: the settings dataclass.
        data: values by field, as JSON or as text holds them: "3" is an int's 3, a list becomes a tuple.

    Raises:
        BadData: a value doesn't fit its field.

    >>> from dataclasses import make_dataclass
    >>> read(make_dataclass("Settings", [("rows", int), ("layers", tuple[int, ...], ())]), {"rows": "3", "layers": [1, 2], "more": 0})
    Settings(rows=3, layers=(1, 2))
    """
    known = {f.name: data[f.name] for f in fields(kind) if f.name in data}  # type: ignore[arg-type]
    try:
        return TypeAdapter(kind).validate_python(known)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadData(f"the setting {field} can't be {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}") from error
