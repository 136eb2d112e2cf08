"""Write the pages of the reference that the code says itself: every command and option, and the JSON Schemas.

`make docs` runs it; tests/test_docs.py fails where a page no longer says what the code says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from typer.main import get_command
from typer.testing import CliRunner

from seewhy.cli import app

HERE = Path(__file__).parent / "reference"
SCHEMAS = (
    *("record", "refusal", "card", "policy", "roles"),
    *("masters", "criterion", "study", "master-run", "sample", "field"),
)
VALUES: Mapping[object, str] = {Path: "PATH", str: "TEXT", int: "NUMBER", float: "NUMBER", bool: ""}
HEAD = """# Command line

<!-- Made by docs/write_reference.py from the commands themselves; don't edit it. -->

`seewhy COMMAND --help` says the same in a terminal. Exit codes: 0 all passed, 1 something failed, needs a person or could not be
inspected (`verify`: the ledger is not intact; `explain`: words are still missing), 2 the command could not be done, 130 it was
stopped by Ctrl-C, 143 by SIGTERM: one line says what is done and how to go on. With `--json` a command prints JSON for machines.
"""


def pages() -> dict[Path, str]:
    """What each generated file of docs/reference should hold."""
    schemas = {HERE / "schemas" / f"{name}.json": CliRunner().invoke(app, ["schema", name]).stdout for name in SCHEMAS}
    return {HERE / "command-line.md": command_line(), **schemas}


def command_line() -> str:
    """Every command with its arguments and options, in the order of `seewhy --help`."""
    return "\n".join((HEAD, *commands("seewhy", get_command(app))))


def commands(words: str, command: Any) -> Iterator[str]:
    """A command's lines, or those of the commands in its group."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(f"{words} {name}", inner)
        return
    hints = get_type_hints(command.callback)
    rows = [row(param, hints[param.name]) for param in command.params]
    arguments = "".join(f" {usage(param)}" for param in command.params if is_argument(param))
    yield from (f"## {words}", "", command.help, "", "```text", f"{words} [OPTIONS]{arguments}", "```", "")
    if rows:
        yield from ("| option | | default |", "| --- | --- | --- |", *rows, "")


def is_argument(param: Any) -> bool:
    """Whether it is given by its place, not by its name."""
    return not param.opts[0].startswith("-")


def usage(param: Any) -> str:
    """An argument as the usage line shows it."""
    name = param.name.strip("_").upper() + ("..." if param.nargs != 1 else "")
    return name if param.required else f"[{name}]"


def row(param: Any, hint: Any) -> str:
    """One argument or option of a table."""
    names = usage(param) if is_argument(param) else ", ".join(param.opts)
    value = "" if is_argument(param) else value_of(hint)
    default = "required" if param.required else "" if param.default in (None, "", False) else f"`{param.default}`"
    what = re.sub(r"(?<![\w`])--[a-z-]+", r"`\g<0>`", (param.help or "").replace("|", "\\|"))
    return f"| `{f'{names} {value}'.strip()}` | {what} | {default} |"


def value_of(hint: Any) -> str:
    """What an option of this type is given: `Path | None` is a PATH, a `Literal` one of its words."""
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    if get_origin(hint) in (Union, UnionType, list):
        return value_of(next(inner for inner in get_args(hint) if inner is not type(None)))
    return VALUES[hint]


def main() -> None:
    """Write what has changed."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path}")


if __name__ == "__main__":
    main()
