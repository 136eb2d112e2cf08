"""The command line: a door without logic of its own, one file for each group of commands.

A command's file is imported when that command is asked for: a photo that is inspected from a cold start doesn't wait for the others.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from seewhy.cli.stopping import NOW, Stopped, end, listen
from seewhy.cli.terminal import err, plain
from seewhy.errors import SeewhyError

COMMANDS: Mapping[str, str] = {  # in the order of `seewhy --help`
    "fit": "fitting:fit",
    "oddest": "fitting:oddest",
    "lines": "fitting:lines",
    "export": "exporting:export",
    "validate": "exporting:validate",
    "inspect": "inspecting:inspect",
    "batch": "inspecting:batch",
    "report": "ledgers:report",
    "explain": "ledgers:explain",
    "review": "people:review",
    "dispose": "people:dispose",
    "sign": "people:sign",
    "confirm": "people:confirm",
    "mark": "people:mark",
    "comment": "people:comment",
    "withdraw": "people:withdraw",
    "good": "people:good",
    "release": "people:release",
    "complain": "people:complain",
    "history": "people:history",
    "verify": "proof:verify",
    "backup": "ledgers:backup",
    "checkpoint": "proof:checkpoint",
    "receipt": "proof:receipt",
    "bundle": "proof:bundle",
    "replay": "proof:replay",
    "hold": "proof:hold",
    "erase": "proof:erase",
    "fill": "studies:fill",
    "eval": "measuring:evaluate",
    "recommend": "measuring:recommend",
    "check": "checking:check",
    "schema": "machine:schema",
    "serve": "machine:serve",
    "doctor": "machine:doctor",
    "mcp": "agents:mcp",
    "chat": "chatting:chat",
    "demo": "measuring:demo",
}
GROUPS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "weights": ("Pretrained weights on this machine.", {"list": "weights:weights_list", "import": "weights:weights_import"}),
    "study": (
        "What shows that the station finds what it should.",
        {name: f"studies:{name}" for name in ("criterion", "agreement", "pod", "escapes", "masters", "rule", "sample")},
    ),
}
OTHERS = {"allow_extra_args": True, "ignore_unknown_options": True}  # what `serve` doesn't know goes to vLLM


def door(asked: str = "") -> typer.Typer:
    """The command line.

    Args:
        asked: a command; of others nothing is made then. All are where it is none.
    """
    whole = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="See the defect, know why.")
    whole.callback()(_nothing)  # one command alone would be the whole command line else
    for name, place in COMMANDS.items():
        if asked == name or asked not in COMMANDS:
            whole.command(name=name, context_settings=OTHERS if name == "serve" else None)(_function(place))
    for group, (about, places) in GROUPS.items():
        if asked not in COMMANDS:
            inside = typer.Typer(no_args_is_help=True, help=about)
            for name, place in places.items():
                inside.command(name=name)(_function(place))
            whole.add_typer(inside, name=group)
    return whole


def __getattr__(name: str) -> Any:
    """`app`, the whole command line, for those who read it."""
    if name != "app":
        raise AttributeError(f"module 'seewhy.cli' has no attribute {name!r}")
    globals()["app"] = whole = door()
    return whole


def _nothing() -> None:
    pass


def _function(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"seewhy.cli.{module}"), name)


def main() -> None:
    """Run the command line.

    Exit codes: 0 all passed, 1 something failed or needs a person, 2 it could not be done, 130 stopped by Ctrl-C, 143 by SIGTERM.
    What we know goes wrong is one message; what we don't foresee is one line with the place of a log file.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console of another code page shows what it can
    listen()
    try:
        door(next(iter(sys.argv[1:]), ""))()
    except SeewhyError as error:
        err.print(f"[bold red]error:[/] {plain(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except Stopped as stopped:
        err.print(plain(NOW.line()), highlight=False, soft_wrap=True)
        end(stopped.code)
    except BrokenPipeError:  # whoever read our output has gone
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 the interpreter flushes it at the end
        sys.exit(2)
    except Exception as error:
        said = f"{type(error).__name__}: {str(error)[:200]}"
        err.print(f"[bold red]error:[/] {plain(said)}; details in {plain(str(_logged()))}", highlight=False, soft_wrap=True)
        sys.exit(2)


def _logged() -> Path:
    """The file that holds the traceback of what just went wrong."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="seewhy-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
    ) as log:
        log.write(traceback.format_exc())
    return Path(log.name)
