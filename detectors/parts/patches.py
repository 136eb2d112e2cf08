"""Patch features of a photo, in as many ways as a detector wants them, from one pass of a frozen encoder.

Torch, OpenVINO or ONNX Runtime runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

from seewhy.detectors.parts import lite
from seewhy.detectors.parts.backbones import backbone
from seewhy.detectors.parts.devices import can_run_on
from seewhy.detectors.parts.frozen import Frozen, frozen, kept_network
from seewhy.detectors.parts.network import Exported
from seewhy.detectors.parts.ways import Engine, Precision, Spec, check_openvinos
from seewhy.detectors.weights.store import WeightsFile, packaged
from seewhy.errors import BadModel
from seewhy.packages import installed
from seewhy.types import Features, Pixels


class Patches(Protocol):
    """From a photo to its patches' features."""

    @property
    def weights(self) -> WeightsFile:
        """The encoder's."""

    def __call__(self, pixels: Pixels, /) -> list[Features]:
        """Features of a photo (h, w, 3) whose sides the encoder takes: (rows, cols, D) float32 for each way."""

    def files(self) -> dict[str, bytes]:
        """What a model must keep beside its settings to describe patches again as now, by file name."""

    def learned(self) -> dict[str, Any]:
        """Likewise, as plain JSON data; empty where torch runs the encoder from its weights."""


def patches(spec: Spec, *, engine: Engine = "auto", precision: Precision = "f32", device: str = "cpu", dtype: str = "float32") -> Patches:
    """Describe patches as `spec` says.

    Args:
        spec: what describes them.
        engine: who runs the encoder; auto: OpenVINO on a CPU and ONNX Runtime on another device where they are here and can, else torch.
        precision: of OpenVINO's arithmetic.
        device: "cpu", "cuda", "cuda:1", "directml", "coreml".
        dtype: of torch's arithmetic.

    Raises:
        MissingWeights: the encoder's weights aren't on this machine.
        BadModel: OpenVINO or ONNX Runtime was asked for and can't run the encoder, or the processor lacks the precision.
        BadData: the engine can't use the device, or torch runs it and the precision isn't f32.
    """
    able = dtype == "float32" and backbone(spec.backbone).any_size and installed("openvino") and (device == "cpu" or can_run_on(device))
    if engine == "torch" or (engine == "auto" and not able):
        check_openvinos(precision)
        from seewhy.detectors.parts.described import TorchPatches

        return TorchPatches(spec, device=device, dtype=dtype)
    return frozen(*_exported(spec), precision, device=device, engine=engine)


def kept_patches(learned: Mapping[str, Any], files: Mapping[str, bytes], *, device: str = "cpu", engine: Engine = "auto") -> Patches:
    """What `Frozen` gave as `learned()` and `files()`; errors as for `kept_network`."""
    return kept_network(learned, files, device=device, engine=engine)


@lru_cache(maxsize=8)
def _exported(spec: Spec) -> tuple[Exported, WeightsFile]:
    brought = _brought(backbone(spec.backbone).weights) if spec.backbone == lite.NAME else None
    if brought is not None:
        state, weights = brought
        return lite.lite_network(spec, state), weights
    from seewhy.detectors.parts.described import exported_from

    return exported_from(spec)


def exported_of(describes: Patches) -> Exported:
    """The network that describes patches.

    Raises:
        BadModel: torch does, without one; or the lines rest on another precision than the one that runs everywhere.
    """
    if describes.learned().get("precision", "f32") != "f32":
        raise BadModel("the model's lines rest on bf16 and an export runs in f32; fit a model with --precision f32")
    if not isinstance(describes, Frozen):
        raise BadModel("the model's encoder runs on torch and can't be exported; fit it on a CPU with --option engine=openvino")
    return describes.exported


def faster(describes: Patches) -> dict[Precision, Frozen]:
    """The same in each precision that may be faster here; none where torch runs it, which has a setting of its own."""
    return describes.faster() if isinstance(describes, Frozen) else {}


_brought = lru_cache(maxsize=1)(packaged)  # a fit draws two networks from one file
