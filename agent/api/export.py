"""From a model to one graph that other programs run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seewhy.agent.inspection.chain import Link
from seewhy.agent.inspection.terms import Terms
from seewhy.agent.models.exported import GRAPHS, RUNTIMES, Export, Format, check_free, write_export
from seewhy.agent.models.product import ProductModel
from seewhy.detectors.parts.network import written
from seewhy.detectors.parts.onnx_graph import as_onnx
from seewhy.detectors.parts.whole import MAP, PHOTO, SCORE
from seewhy.detectors.protocol import Drawable
from seewhy.errors import BadData, UnknownName
from seewhy.packages import versions
from seewhy.types import Place

CARD = """# {product}: {detector}, exported as {format}

Made by seewhy {version} from the model `{model}`.
Open `{graph}` with {runtime}.

| | |
|---|---|
| input `{photo}` | a photo, {width} x {height} px: (height, width, 3) uint8 in **RGB**, upright, neither scaled nor normalised |
| output `{map}` | (height, width) float32: how strange each place is |
| output `{score}` | float32: how strange the photo is |
| `passes_up_to` | {passes_up_to} |
| `anomalous_above` | {anomalous_above} |

A score up to the first line passes, one above the second is anomalous, in between a person is asked. "none": too few good photos say
where the line lies, and nothing passes by itself. The lines rest on {good_photos} good photos (false-reject rate asked for: {alpha}) and
hold for photos taken as those were.

What isn't in the graph: decoding, turning upright and 16-bit values (white is {white_level}); the outline on the product card, beyond
which the model's map is silent; findings, sizes, severities, rulings and records. A verdict by seewhy rests on these too: it also asks a
person where a photo's pixels are in doubt.

`seewhy validate` compares this export with the model, photo by photo, and writes down what it found. Run it where the export will run.
"""


def export(
    model: Place, out: Place, *, to: Format = "onnx", size: tuple[int, int] | None = None, product: str = "", alpha: float | None = None
) -> Export:
    """Write a model's detector as one graph: from a photo to its score map and score.

    PatchCore can be exported, for photos of one size that it looks at whole, with its encoder on OpenVINO (the default on a CPU).
    The folder holds the graph, `manifest.json` (model, digests, input, lines, versions) and `card.md`, which says the same to people.

    Args:
        model: the model folder.
        out: the folder that is written; it must not be there.
        to: "onnx" (extra `export`) or "openvino".
        size: width and height of the photos, in pixels; None: those of the good photos that the model keeps, where they say it.
        product: which one, where the model is of several.
        alpha: the false-reject rate of the lines; None: the model's own.

    Raises:
        BadData: the detector, or photos of that size, can't be one graph; or something is at `out`.
        BadModel: the model can't be read, or holds what can't be written in that format.
        MissingExtra: the package onnx isn't installed.
    """
    if to not in GRAPHS:
        raise UnknownName("format to export to", to, GRAPHS)
    folder = Path(out)
    check_free(folder)
    member = ProductModel.load(Path(model), product=product)
    detector = member.detector
    if not isinstance(detector, Drawable):
        raise BadData(
            f"{detector.name} can't be exported as one graph; fit a model with --detector patchcore, or run seewhy where the parts are"
        )
    width, height = size or _size_of(member)
    graph = detector.graph(width, height)
    facts = _facts(member, to, (width, height), alpha)
    return write_export(folder, facts, dict(zip(GRAPHS[to], _contents(graph, to), strict=True)), _card(member, facts))


def _contents(graph: Any, to: Format) -> tuple[bytes, ...]:
    """Of the format's files."""
    if to == "onnx":
        return (as_onnx(graph),)
    files = written(graph)
    return files.structure, files.values


def _size_of(member: ProductModel) -> tuple[int, int]:
    """Of the good photos.

    Raises:
        BadData: they don't say it.
    """
    size = member.references.size
    if size is None:
        raise BadData(
            "the good photos that the model keeps are smaller than they were taken, or of several sizes; give --size WIDTHxHEIGHT"
        )
    return size


def _facts(member: ProductModel, to: Format, size: tuple[int, int], alpha: float | None) -> dict[str, Any]:
    """The manifest's."""
    link = Link.of(member, Terms(alpha=alpha))
    width, height = size
    lines = {
        "passes_up_to": link.review_threshold if member.calibration.supports(link.agreed.alpha + (link.agreed.review or 0.0)) else None,
        "anomalous_above": link.threshold,
        "alpha": link.agreed.alpha,
        "review": link.agreed.review,
        "good_photos": len(member.calibration),
    }
    return {
        "format": to,
        "product": member.product,
        "detector": member.detector.name,
        "model_sha256": member.sha256,
        "weights": [asdict(weights) for weights in member.detector.weights],
        "input": {
            "name": PHOTO,
            "shape": [height, width, 3],
            "type": "uint8",
            "colours": "RGB",
            "white_level": link.agreed.card.white_level,
        },
        "outputs": {MAP: {"shape": [height, width], "type": "float32"}, SCORE: {"shape": [], "type": "float32"}},
        "lines": lines,
        "precision": "f32",
        "versions": versions(),
    }


def _card(member: ProductModel, facts: Mapping[str, Any]) -> str:
    lines = facts["lines"]
    shown = {name: "none" if lines[name] is None else f"{lines[name]:.6g}" for name in ("passes_up_to", "anomalous_above")}
    height, width, _ = facts["input"]["shape"]
    return CARD.format(
        **shown,
        product=member.product,
        detector=facts["detector"],
        format=facts["format"],
        version=facts["versions"]["seewhy"],
        model=member.sha256,
        graph=GRAPHS[facts["format"]][0],
        runtime=RUNTIMES[facts["format"]],
        photo=PHOTO,
        map=MAP,
        score=SCORE,
        width=width,
        height=height,
        good_photos=lines["good_photos"],
        alpha=lines["alpha"],
        white_level=facts["input"]["white_level"],
    )
