"""The command line: a door without logic of its own, one file for each group of commands."""

from __future__ import annotations

import sys

import typer

from seewhy.cli import checking, fitting, inspecting, ledgers, machine, measuring, weights
from seewhy.cli.terminal import err, plain
from seewhy.errors import SeewhyError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="See the defect, know why.")
app.command()(fitting.fit)
app.command()(inspecting.inspect)
app.command()(inspecting.batch)
app.command()(ledgers.report)
app.command()(ledgers.explain)
app.command()(ledgers.confirm)
app.command()(ledgers.verify)
app.command()(ledgers.backup)
app.command(name="eval")(measuring.evaluate)
app.command()(measuring.recommend)
app.command()(checking.check)
app.command()(machine.schema)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(machine.serve)
app.command()(machine.doctor)
app.command()(measuring.demo)
weights_app = typer.Typer(no_args_is_help=True, help="Pretrained weights on this machine.")
weights_app.command("list")(weights.weights_list)
weights_app.command("import")(weights.weights_import)
app.add_typer(weights_app, name="weights")


def main() -> None:
    """Run the command line; errors that we know are shown without a traceback and exit with 2."""
    try:
        app()
    except SeewhyError as error:
        err.print(f"[bold red]error:[/] {plain(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("stopped; the same command goes on from here")
        sys.exit(130)
