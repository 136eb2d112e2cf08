"""`python -m seewhy.evals NAME [ARGS ...]` runs a measurement; `... NAME --help` says what it takes; without a name they are listed.

A measurement is called as its table in `evals/results` is, where it has one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from seewhy.errors import BadData, MissingExtra, SeewhyError, UnknownName

MEASUREMENTS: Mapping[str, str] = {  # read without importing; see `described`
    "spine": "promises.spine:main",
    "ledger": "promises.ledger:main",
    "people": "promises.people:main",
    "speed": "promises.speed:main",
    "precisions": "promises.precisions:main",
    "banks": "promises.banks:main",
    "documents": "promises.documents:main",
    "proof": "promises.proof:main",
    "replay": "promises.replay:main",
    "chat": "promises.chat:main",
    "requests": "promises.requests:main",
    "tampering": "promises.tampering:main",
    "template": "promises.template:main",
    "mutual": "promises.mutual:main",
    "recommended": "promises.recommended:main",
    "dinomaly": "promises.dinomaly:products",
    "dinomaly_add": "promises.dinomaly:add",
    "dinomaly_bank": "promises.dinomaly:bank",
    "dinomaly_grow": "promises.dinomaly:grow",
    "explain": "promises.explain:main",
    "explaining": "promises.explaining:main",
    "drift": "promises.drift:main",
    "cold_start": "promises.few:main",
    "contamination": "promises.contamination:main",
    "faults": "promises.faults:main",
    "findings": "promises.findings:main",
    "named": "promises.named:main",
    "fuzz": "promises.fuzz:main",
    "mmad": "benchmarks.mmad:main",
    "robustmad": "benchmarks.robustmad:main",
    "velm": "benchmarks.velm:main",
    "borrowed": "peers.borrowed:main",
    "devices": "peers.devices:main",
    "dinomaly_speed": "peers.dinomaly_speed:main",
    "dinomaly_training": "peers.dinomaly:main",
    "patchcore_speed": "peers.patchcore:main",
    "winclip_parity": "peers.parity:main",
    "winclip_speed": "peers.speed:main",
    "dinomaly_reason": "studies.dinomaly_reason:main",
    "doubt": "studies.doubt:main",
    "precisions_tried": "studies.precisions_tried:main",
    "select": "studies.select:main",
    "speed_tried": "studies.speed_tried:main",
    "lot_tried": "studies.lot_tried:main",
    "winclip_tried": "studies.winclip_tried:main",
    "tiny_clip": "tiny.clip_figures:main",
    "train_tiny_clip": "tiny.clip:train",
    "train_tiny_vlm": "tiny.vlm:train",
}


def loaded(name: str) -> Callable[..., None]:
    """The function that a measurement's name stands for.

    Raises:
        UnknownName: the table doesn't hold it.
        BadData: it is in the repository alone.
        MissingExtra: it needs a package that isn't installed.
    """
    if name not in MEASUREMENTS:
        raise UnknownName("measurement", name, MEASUREMENTS)
    if described(name) is None:
        raise BadData(f"{name} is in seewhy's repository and not in the installed package; run it from a clone")
    module, _, function = MEASUREMENTS[name].partition(":")
    try:
        measurement: Callable[..., None] = getattr(import_module(f"seewhy.evals.{module}"), function)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"the measurement {name!r}, for want of {error.name},", "dev") from error
    return measurement


def described(name: str) -> str | None:
    """A measurement in one line, read from its source; None where the source isn't here."""
    module, _, function = MEASUREMENTS[name].partition(":")
    package, _, file = module.partition(".")
    room = find_spec(f"seewhy.evals.{package}")
    path = Path(room.origin).with_name(f"{file}.py") if room is not None and room.origin else None
    if path is None or not path.is_file():
        return None
    body = ast.parse(path.read_text(encoding="utf-8")).body
    text = next(ast.get_docstring(node) for node in body if isinstance(node, ast.FunctionDef) and node.name == function)
    return (text or "").splitlines()[0]


def main(words: list[str]) -> Any:
    """List, or run."""
    if not words or words[0] in ("-h", "--help"):
        for name in MEASUREMENTS:
            print(f"{name:16} {described(name) or '(in the repository, not in the installed package)'}")
        return None
    app = typer.Typer(add_completion=False)
    app.command()(loaded(words[0]))
    return app(words[1:], prog_name=f"python -m seewhy.evals {words[0]}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SeewhyError as error:
        sys.exit(f"error: {error}")
