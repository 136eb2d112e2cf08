"""Every model of the survey that runs through anomalib, on one product: fitted on its good photos, asked about all of its test photos.

Each row runs in a process of its own, so that its peak memory is its own, and is written when it is done. Weights are real where
pip brings them (EfficientNet-lite0); what is not on this machine is named, and random numbers stand in for it: such a row shows
that the model runs and what it costs, not what it can do. Training is cut short (`epochs`), so no row is the model's best.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.layouts import good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.detectors.anomalib.detector import AnomalibSettings, named
from seewhy.detectors.anomalib.models import MODELS, PREFIX
from seewhy.detectors.catalogue import TABLE
from seewhy.detectors.patchcore import PatchCore
from seewhy.detectors.protocol import Detector
from seewhy.errors import SeewhyError
from seewhy.evals.detect import tested
from seewhy.evals.run import measuring, timed

ALPHA = 0.01
ONE = """
import json, sys
from pathlib import Path
from seewhy.evals.peers.borrowed import one
print(json.dumps(one(Path(sys.argv[1]), sys.argv[2])))
"""
OURS = "seewhy"  # its own PatchCore, for comparison
SMALL: Mapping[str, Mapping[str, Any]] = {  # settings under which a row ends in minutes on a CPU
    "patchcore": {"options": {"coreset_sampling_ratio": 0.01}},
    "cflow": {"epochs": 5},
    "fastflow": {"epochs": 20},
    "csflow": {"epochs": 3},
    "uflow": {"epochs": 3, "options": {"backbone": "resnet18"}},
    "stfpm": {"epochs": 50},
    "fre": {"epochs": 50},
    "reverse_distillation": {"epochs": 5, "options": {"backbone": "resnet18"}},
    "efficient_ad": {"epochs": 5},
    "ganomaly": {"epochs": 20, "input_px": 64},
    "draem": {"epochs": 3, "input_px": 128},
    "dsr": {"epochs": 3, "input_px": 128},
    "cfa": {"epochs": 3, "options": {"backbone": "resnet18"}},
    "dinomaly": {"epochs": 2, "options": {"encoder_name": "vit_small_patch14_reg4_dinov2"}},
    "supersimplenet": {"epochs": 30},
    "uninet": {"epochs": 2, "input_px": 128},
}


def main(data: Path, out: Path, models: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """MODELS (all of the survey's) through anomalib on the product whose folder DATA is, beside seewhy's own PatchCore."""
    with measuring(out, {"product": data.name}, "anomalib") as table:
        for model in models or [OURS, *MODELS]:
            table.row(("rows", model), _in_a_process, data, model)


def _in_a_process(data: Path, model: str) -> dict[str, Any]:
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", ONE, data, model], capture_output=True, text=True, check=False)
    return dict(json.loads(run.stdout.splitlines()[-1])) if run.returncode == 0 and run.stdout else {"failed": run.stderr[-500:]}


def one(data: Path, model: str) -> dict[str, Any]:
    """One row."""
    samples = read_layout(data)
    learned, asked = LazyPhotos(good_photos(samples)), [s for s in samples if s.split == "test"]
    lacks = next((row.lacks() for row in TABLE if row.name == ("patchcore" if model == OURS else f"{PREFIX}{model}")), "")
    given = SMALL.get(model, {})
    detector: Detector = PatchCore()
    if model != OURS:
        options = {**MODELS[model].lite, **given.get("options", {})}
        if model == "winclip":
            options["class_name"] = data.name.replace("_", " ")
        detector = named(model)(AnomalibSettings(**{**given, "options": options}, stand_ins=True))
    try:
        fitted, spent = timed(ProductModel.fit, learned, detector, product=data.name, alpha=ALPHA)
        figures = tested(fitted, asked, ALPHA)
    except SeewhyError as error:
        return {"detector": f"{PREFIX}{model}", "cannot_run_here": str(error)}
    if model != OURS and MODELS[model].whole_only:
        figures |= {"pixel_auroc": None, "aupro": None}  # it has no map
    wanted = ("image_auroc", "pixel_auroc", "aupro", "seconds_per_photo", "peak_memory_mib")
    return {
        "detector": detector.name,
        "weights": [w.name for w in detector.weights],
        "missing_here": lacks,
        "epochs": None if model == OURS else given.get("epochs") or MODELS[model].epochs,
        "fit_and_calibrate_seconds": round(spent, 1),
        **{name: figures[name] for name in wanted},
        "model_mib": round(sum(len(f) for f in detector.files().values()) / 2**20, 1),
    }
