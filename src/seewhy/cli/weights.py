"""Pretrained weights on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from seewhy.cli.options import Json
from seewhy.cli.terminal import out, print_json


def weights_list(json_: Json = False) -> None:
    """Known weights, and which of them are here."""
    from dataclasses import asdict

    from seewhy.detectors.weights.store import listed, present

    if json_:
        return print_json([asdict(row) | {"here": present(name)} for name, row in listed().items()])
    table = Table("name", "here", "licence", "source", box=None)
    for name, row in listed().items():
        table.add_row(name, "[green]yes[/]" if present(name) else "[yellow]no[/]", row.licence, row.source)
    out.print(table)
    return None


def weights_import(
    name: Annotated[str, typer.Argument(help="As `seewhy weights list` calls it.")],
    file: Annotated[Path, typer.Argument(help="The downloaded file, or a data set's folder.")],
    json_: Json = False,
) -> None:
    """Check a downloaded file and keep it where seewhy finds it; of a folder with a data set, note its pictures."""
    from dataclasses import asdict

    from seewhy.agent.machine.importing import import_weights
    from seewhy.detectors.weights.datasets import import_dataset

    kept = import_dataset(name, file) if file.is_dir() else import_weights(name, file)
    print_json(asdict(kept)) if json_ else out.print(f"{kept.name}: SHA-256 {kept.sha256}", soft_wrap=True)
