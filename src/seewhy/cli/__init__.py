"""The command line: a door without logic of its own, one file for each group of commands."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import traceback
from pathlib import Path

import typer

from seewhy.cli import (
    agents,
    chatting,
    checking,
    exporting,
    fitting,
    inspecting,
    ledgers,
    machine,
    measuring,
    people,
    proof,
    studies,
    weights,
)
from seewhy.cli.stopping import NOW, Stopped, end, listen
from seewhy.cli.terminal import err, plain
from seewhy.errors import SeewhyError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="See the defect, know why.")
app.command()(fitting.fit)
app.command()(fitting.oddest)
app.command()(fitting.lines)
app.command()(exporting.export)
app.command()(exporting.validate)
app.command()(inspecting.inspect)
app.command()(inspecting.batch)
app.command()(ledgers.report)
app.command()(ledgers.explain)
for command in (
    people.review,
    people.dispose,
    people.sign,
    people.confirm,
    people.mark,
    people.comment,
    people.withdraw,
    people.good,
    people.release,
    people.complain,
    people.history,
):
    app.command()(command)
app.command()(proof.verify)
app.command()(ledgers.backup)
app.command()(proof.checkpoint)
app.command()(proof.receipt)
app.command()(proof.bundle)
app.command()(proof.replay)
app.command()(proof.hold)
app.command()(proof.erase)
app.command()(studies.fill)
app.command(name="eval")(measuring.evaluate)
app.command()(measuring.recommend)
app.command()(checking.check)
app.command()(machine.schema)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(machine.serve)
app.command()(machine.doctor)
app.command()(agents.mcp)
app.command()(chatting.chat)
app.command()(measuring.demo)
weights_app = typer.Typer(no_args_is_help=True, help="Pretrained weights on this machine.")
weights_app.command("list")(weights.weights_list)
weights_app.command("import")(weights.weights_import)
app.add_typer(weights_app, name="weights")
study_app = typer.Typer(no_args_is_help=True, help="What shows that the station finds what it should.")
study_app.command()(studies.criterion)
study_app.command()(studies.agreement)
study_app.command()(studies.pod)
study_app.command()(studies.escapes)
study_app.command()(studies.masters)
study_app.command()(studies.rule)
study_app.command()(studies.sample)
app.add_typer(study_app, name="study")


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
        app()
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
