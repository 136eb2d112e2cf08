"""A detector's settings from the command line's options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from seewhy.agent.models.choice import AUTO
from seewhy.detectors.anomalib.models import LITE, MODELS, PREFIX
from seewhy.detectors.catalogue import JOIN, Row, row_of, rows
from seewhy.errors import BadData, UnknownName
from seewhy.registry import imported

REST = "options"  # a field of this name takes what no field is called: options that the detector hands on


def settings_for(
    detector: str,
    *,
    encoder: str = "",
    steps: int = 0,
    dtype: str = "float32",
    at_once: int = 16,
    epochs: int = 0,
    input_px: int = 0,
    options: Sequence[str] = (),
    stand_ins: bool = False,
) -> dict[str, Any]:
    """Settings by detector's name, for each name in "one,two" or "one+two"; of "auto", for those that take one of these options.

    Each option goes to every named detector whose settings have a field of that name.

    Args:
        detector: as `seewhy fit --detector` takes it.
        encoder: field `encoder`; of a model of anomalib, "efficientnet-lite0" in place of its own backbone.
        steps: field of that name, like what follows; 0, "float32" and 16 leave the detector's own.
        dtype: of its arithmetic.
        at_once: photos that are in memory at a time.
        epochs: of training.
        input_px: side that photos are brought to.
        options: "name=value" for any field, the value in JSON or plain; of a model of anomalib also for its constructor.
        stand_ins: random numbers for weights that are not here.

    Raises:
        UnknownName: there is no such detector, or none of them has such an option.
        BadData: an option can't be used.
    """
    names = [name.strip() for name in detector.replace(JOIN, ",").split(",") if name.strip()]
    asked = [row for row in rows() if row.auto is not None] if detector == AUTO else [row_of(name) for name in names]
    flags: dict[str, Any] = {"encoder": encoder, "steps": steps, "epochs": epochs, "input_px": input_px, "stand_ins": stand_ins}
    flags |= {"dtype": dtype if dtype != "float32" else "", "at_once": at_once if at_once != 16 else 0}
    taken = {row.name: dict[str, Any]() for row in asked}
    for name, value in (*((n, v) for n, v in flags.items() if v), *map(_parted, options)):
        for row in _takers(name, asked):
            own = taken[row.name]
            if name in _fields(row):
                own[name] = _typed(row, name, value)
            else:
                own[REST] = {**own.get(REST, {}), **(_lite(row, value) if name == "encoder" else {name: _json(value)})}
    return {row.name: row.settings_from(taken[row.name]) for row in asked if detector != AUTO or taken[row.name]}


def _takers(name: str, asked: Sequence[Row]) -> list[Row]:
    """Detectors whose settings have the field, else those that hand options on.

    Raises:
        UnknownName: there are none.
    """
    takers = [row for row in asked if name in _fields(row)] or [row for row in asked if REST in _fields(row)]
    if not takers:
        known = {field for row in asked for field in _fields(row)}
        raise UnknownName(f"option of {', '.join(row.name for row in asked)}", name, known)
    return takers


def _fields(row: Row) -> tuple[str, ...]:
    """Names of the fields of a detector's settings; what its name says already is none of them."""
    return tuple(f.name for f in fields(imported(row.settings)) if not (f.name == "model" and row.name.startswith(PREFIX)))


def _lite(row: Row, encoder: str) -> Mapping[str, Any]:
    """Options by which a model of anomalib takes the encoder whose weights pip brings."""
    if encoder == LITE and row.lite:
        return row.lite
    able = ", ".join(m.name for m in MODELS.values() if m.lite)
    raise BadData(f"{row.name} can't take --encoder {encoder}; {LITE} is for {able}, others by --option backbone=NAME")


def _parted(option: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals:
        raise BadData(f"an option is name=value, not {option!r}")
    return name.strip(), value


def _typed(row: Row, name: str, value: Any) -> Any:
    """The value as the field's type has it: as it stands, as JSON, or a list with commas, the first that fits.

    Raises:
        BadData: none does.
    """
    refused = list[BadData]()
    for reading in (value, _json(value), *([value.split(",")] if isinstance(value, str) else [])):
        try:
            return getattr(row.settings_from({name: reading}), name)
        except BadData as error:
            refused.append(error)
    raise BadData(f"{row.name} can't take {name}={value}: {refused[0]}")


def _json(value: Any) -> Any:
    """What a text says in JSON; itself where it says nothing there, or is no text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
