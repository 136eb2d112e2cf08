"""How fast this machine describes photos, measured in a few seconds: what runs the encoder, in which precisions, how often a second."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from seewhy.agent.machine.doctor import Check
from seewhy.detectors.parts.devices import providers_here, version
from seewhy.detectors.parts.network import capabilities, multiplies_in_bf16
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.errors import SeewhyError
from seewhy.packages import installed, processor
from seewhy.threads import cores, side_by_side
from seewhy.types import Pixels

WIDTH_PX, HEIGHT_PX = 400, 320
SECONDS = 2.0  # of each measurement, of which there are two at most


def measure(seconds: float = SECONDS) -> list[Check]:
    """What runs PatchCore's default encoder here, and how fast; search and outlines come on top (see docs/speed.md).

    Args:
        seconds: of each measurement.

    Raises:
        MissingWeights: the encoder's weights aren't on this machine.
    """
    detector = PatchCore()
    engine = f"OpenVINO {installed('openvino')}" if installed("openvino") else "torch"
    checks = [Check("processor", f"{processor()}, {cores()} cores to use", ""), Check("the default encoder runs on", engine, "")]
    if installed("openvino"):
        known = ", ".join(capabilities())
        told = known if multiplies_in_bf16() else f"{known}; no bf16 (AVX512-BF16, AMX), which is not faster here"
        checks.append(Check("precisions of the processor", told, ""))
    photo = np.random.default_rng(0).integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3)).astype(np.uint8)
    size = f"{WIDTH_PX} x {HEIGHT_PX} px"
    for workers in dict.fromkeys((1, cores())):
        rate = _rate(detector, photo, workers, seconds)
        how = "one at a time" if workers == 1 else f"{workers} at a time"
        checks.append(Check(f"photos, {how}", f"{rate:.1f} a second, {size}, encoder alone", ""))
    return checks + [_accelerated(kind, photo, seconds, size) for kind in providers_here() if kind != "cpu"]


def _accelerated(device: str, photo: Pixels, seconds: float, size: str) -> Check:
    """By ONNX Runtime on another device, or why not."""
    what = f"photos on {device}, by ONNX Runtime {version()}"
    try:
        rate = _rate(PatchCore(PatchCoreSettings(engine="onnxruntime"), device=device), photo, 1, seconds)
    except SeewhyError as error:
        return Check(what, "", str(error))
    return Check(what, f"{rate:.1f} a second, {size}, encoder alone", "")


def _rate(detector: PatchCore, photo: Pixels, workers: int, seconds: float) -> float:
    """Photos a second, after a first round that compiles."""

    def described(count: int) -> float:
        began = perf_counter()
        for _ in side_by_side(detector.patches, [photo] * count, workers):
            pass
        return perf_counter() - began

    described(workers)
    once = described(workers) / workers
    count = max(workers, int(seconds / max(once, 1e-4)))
    return count / described(count)
