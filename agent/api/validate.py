"""Whether an exported detector judges photos as the model that it was made from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.models.exported import Export, Judged, Runs, judged, read_export
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo, read_photo
from seewhy.agent.photos.layouts import surveyed
from seewhy.detectors.protocol import Detector
from seewhy.errors import BadData, BadImage, BadModel
from seewhy.packages import processor, versions
from seewhy.types import Place, Progress, silent

TOLERANCE = 1e-3  # of a score and of a map's highest value, by which an export may differ and still count as equal
RECORD = "validation.json"


@dataclass(frozen=True, slots=True)
class Compared:
    """One photo, judged by model and export."""

    photo: str
    sha256: str
    score: float  # the model's
    exported_score: float
    verdict: Judged  # by the model's score
    exported_verdict: Judged
    score_difference: float  # share of the model's score
    map_difference: float  # the largest one, as a share of the map's highest value

    @property
    def equal(self) -> bool:
        """Whether the export judges it alike."""
        return self.verdict == self.exported_verdict and max(self.score_difference, self.map_difference) <= TOLERANCE


@dataclass(frozen=True, slots=True)
class Validation:
    """What a comparison found."""

    export: Export
    photos: tuple[Compared, ...]
    left_out: tuple[tuple[str, str], ...]  # photos that weren't compared, and why

    @property
    def equal(self) -> bool:
        """Whether the export judges every photo as the model does."""
        return all(one.equal for one in self.photos)

    def to_json(self) -> dict[str, Any]:
        """The record, as plain data."""
        manifest = self.export.manifest
        return {
            "equal": self.equal,
            "tolerance": TOLERANCE,
            "export_sha256": manifest["manifest_sha256"],
            "model_sha256": manifest["model_sha256"],
            "runtime": self.export.runtime,
            "processor": processor(),
            "versions": versions(),
            "compared_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "photos": len(self.photos),
            "largest_score_difference": max(one.score_difference for one in self.photos),
            "largest_map_difference": max(one.map_difference for one in self.photos),
            "differ": [asdict(one) for one in self.photos if not one.equal],
            "left_out": [list(one) for one in self.left_out],
            "compared": [asdict(one) for one in self.photos],
        }


def validate(export: Place, model: Place, data: Place, *, progress: Progress[Any] = silent) -> Validation:
    """Compare an export with its model on photos, score by score and verdict by verdict.

    Args:
        export: the folder that `seewhy.agent.api.export` wrote.
        model: the model folder that it was made from.
        data: photos, in any layout.
        progress: wraps the loop.

    Raises:
        BadModel: the export was changed or is of another model.
        BadData: no photo can be compared.
        MissingExtra: what runs the export isn't installed.
    """
    exported = read_export(Path(export))
    member = ProductModel.load(Path(model), product=exported.manifest["product"])
    if member.sha256 != exported.manifest["model_sha256"]:
        raise BadModel(f"{export} was made from another model than {model} (its hash is {exported.manifest['model_sha256'][:12]}…)")
    run, (width, height) = exported.opened(), exported.size
    samples = surveyed(Path(data)).samples
    compared, left_out = list[Compared](), list[tuple[str, str]]()
    for sample in progress(samples, "comparing", len(samples)):
        try:
            photo = read_photo(sample.path, name=sample.name, white_level=exported.manifest["input"]["white_level"])
        except BadImage as error:
            left_out.append((sample.name, error.message))
            continue
        if (photo.width, photo.height) != (width, height):
            left_out.append((sample.name, f"it has {photo.width} x {photo.height} px, not {width} x {height}"))
        else:
            compared.append(_compared(photo, member.detector, run, exported))
    if not compared:
        raise BadData(
            f"no photo of {data} can be compared: the export takes {width} x {height} px ({left_out[0][1] if left_out else 'empty'})"
        )
    return Validation(exported, tuple(compared), tuple(left_out))


def _compared(photo: Photo, detector: Detector, run: Runs, exported: Export) -> Compared:
    scored, (values, score) = detector.score(photo.pixels), run(photo.pixels)
    lines, least = exported.manifest["lines"], float(np.finfo(np.float32).tiny)
    return Compared(
        photo.name,
        photo.sha256,
        scored.score,
        score,
        judged(scored.score, lines),
        judged(score, lines),
        abs(score - scored.score) / max(abs(scored.score), least),
        float(np.abs(values - scored.values).max()) / max(float(np.abs(scored.values).max()), least),
    )
