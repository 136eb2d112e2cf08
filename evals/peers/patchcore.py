"""PatchCore's speed beside anomalib's, in one run, taking turns on the same photos with one thread.

Both use EfficientNet-lite0. anomalib's coreset is 1 % of the patches: with its own 10 % it needs more memory than many machines have, and
its search is that much slower; this favours it. Its OpenVINO export takes photos two at a time (that is how it is written), so its figure
is half of a pair's. That export needs `anomalib[openvino]`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from seewhy.detectors.anomalib.detector import Anomalib, AnomalibSettings, named
from seewhy.detectors.anomalib.models import MODELS
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.evals.run import LITE, measuring
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.nearest import faiss
from seewhy.types import Pixels

PRODUCT, LEARNED, PAIR = "brick", 120, 2
SETTINGS = {
    "seewhy, as it comes": PatchCoreSettings(),
    "seewhy, run by torch": PatchCoreSettings(engine="torch"),
    "seewhy, one look": PatchCoreSettings(whitened_rows=0),
    "seewhy, one look, 256 px": PatchCoreSettings(whitened_rows=0, input_px=256),
}
PEER = AnomalibSettings(options={**MODELS["patchcore"].lite, "coreset_sampling_ratio": 0.01})


def main(out: Path, turns: int = 20) -> None:
    """PatchCore's speed beside anomalib's and its OpenVINO export's: processor milliseconds of one photo, medians of TURNS turns."""
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    told = {"weights": LITE, "product": f"{PRODUCT}, synthetic", "good_photos": LEARNED, "turns": turns, "threads": 1}
    with measuring(out, told, "anomalib", "openvino", "faiss-cpu") as table, TemporaryDirectory() as folder:
        table.row("ms_per_photo", _in_turns, turns, Path(folder))


def _in_turns(turns: int, folder: Path) -> dict[str, float]:
    known = [good(PRODUCT, i).pixels for i in range(LEARNED)]
    asked = [defective(PRODUCT, "stain", 500 + i).pixels for i in range(turns)]
    scorers: dict[str, Callable[[Pixels], Any]] = {}
    for name, settings in SETTINGS.items():
        ours = PatchCore(settings)
        ours.fit(known)
        scorers[name] = ours.score
    theirs = named("patchcore")(PEER)
    theirs.fit(known)
    scorers["anomalib"] = theirs.score
    scorers["anomalib's OpenVINO export, half of a pair"] = _exported(theirs, folder, (known[0].shape[0], known[0].shape[1]))
    spent: dict[str, list[float]] = {name: [] for name in scorers}
    for pixels in [asked[0], *asked]:  # the first warms up
        for name, score in scorers.items():
            began = time.process_time()
            score(pixels)
            spent[name].append(1000 * (time.process_time() - began))
    halves = {name: PAIR if "pair" in name else 1 for name in scorers}
    return {name: round(float(np.median(values[1:])) / halves[name], 1) for name, values in spent.items()}


def _exported(peer: Anomalib, folder: Path, size: tuple[int, int]) -> Callable[[Pixels], Any]:
    """The peer's own export, asked about a photo twice at a time."""
    import openvino

    path = peer._fitted().to_openvino(folder, input_size=size)
    net = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": 1})

    def asked(pixels: Pixels) -> Any:
        photo = (pixels.astype(np.float32) / 255).transpose(2, 0, 1)
        return net(np.stack([photo] * PAIR))

    return asked
