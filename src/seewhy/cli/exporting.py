"""A model as one graph, for programs that aren't seewhy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from seewhy.cli.options import Alpha, Json, Product
from seewhy.cli.terminal import counted, err, out, plain, print_json, progress

SHOWN = 10  # photos that are named


def export(
    model: Annotated[Path, typer.Argument(help="Model folder made by `seewhy fit`.")],
    out_: Annotated[Path, typer.Argument(metavar="OUT", help="Folder that is written; it must not be there.")],
    to: Annotated[Literal["onnx", "openvino"], typer.Option(help="Format of the graph.")] = "onnx",
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of the photos, in pixels; default: that of the good photos.")] = "",
    product: Product = "",
    alpha: Alpha = None,
    json_: Json = False,
) -> None:
    """Write a model's detector as one graph from photo to map and score, with a manifest and a card."""
    from seewhy.agent.api.export import export as export_

    found = export_(model, out_, to=to, size=_size_of(size), product=product, alpha=alpha)
    if json_:
        return print_json(dict(found.manifest))
    width, height = found.size
    out.print(f"[bold]{plain(found.manifest['product'])}[/]: {to} for photos of {width} x {height} px in {out_}", highlight=False)
    out.print(f"compare it with the model: seewhy validate {out_} {model} --data PHOTOS", highlight=False, soft_wrap=True)
    return None


def validate(
    exported: Annotated[Path, typer.Argument(metavar="EXPORT", help="Folder made by `seewhy export`.")],
    model: Annotated[Path, typer.Argument(help="Model folder that it was made from.")],
    data: Annotated[Path, typer.Option(help="Photos to compare on: a folder, a data set or a CSV of paths.")],
    record: Annotated[Path | None, typer.Option(help="Where the record goes; default: validation.json in the export's folder.")] = None,
    json_: Json = False,
) -> None:
    """Compare an export with its model, score by score and verdict by verdict (exit 1 where they differ)."""
    import json

    from seewhy.agent.api.validate import RECORD, TOLERANCE
    from seewhy.agent.api.validate import validate as validate_
    from seewhy.disk import write_file

    found = validate_(exported, model, data, progress=progress)
    facts, place = found.to_json(), record or exported / RECORD
    write_file(place, json.dumps(facts, indent=1, ensure_ascii=False).encode())
    if json_:
        print_json(facts)
        raise typer.Exit(int(not found.equal))
    differ = [one for one in found.photos if not one.equal]
    said = "[green]equal[/]" if found.equal else f"[red]{counted(len(differ), 'photo')} {'differs' if len(differ) == 1 else 'differ'}[/]"
    out.print(f"{said}: {counted(len(found.photos), 'photo')} by {found.export.runtime}, tolerance {TOLERANCE:g}", highlight=False)
    largest = f"score {facts['largest_score_difference']:.2g}, map {facts['largest_map_difference']:.2g}"
    out.print(f"largest relative differences: {largest}; all of them in {place}", highlight=False, soft_wrap=True)
    for one in differ[:SHOWN]:
        verdicts = f"{one.verdict} by {one.score:.6g}, exported {one.exported_verdict} by {one.exported_score:.6g}"
        out.print(f"  {plain(one.photo)}: {verdicts}", highlight=False, soft_wrap=True)
    for name, why in found.left_out[:SHOWN]:
        err.print(f"[yellow]not compared[/] {plain(name)}: {plain(why)}", highlight=False, soft_wrap=True)
    if len(found.left_out) > SHOWN:
        err.print(f"[yellow]not compared[/]: {len(found.left_out) - SHOWN} more", highlight=False)
    raise typer.Exit(int(not found.equal))


def _size_of(given: str) -> tuple[int, int] | None:
    """Width and height: what `--size` was given.

    Raises:
        BadData: it isn't WIDTHxHEIGHT.
    """
    from seewhy.errors import BadData

    sides = given.lower().split("x")
    if given and (len(sides) != 2 or not all(side.isdecimal() and int(side) > 0 for side in sides)):
        raise BadData(f"--size is WIDTHxHEIGHT in pixels, such as 1600x1200, not {given!r}")
    return (int(sides[0]), int(sides[1])) if given else None
