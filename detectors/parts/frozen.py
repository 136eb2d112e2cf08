"""A frozen network beside its model: what judged the good photos judges the lot, byte for byte.

OpenVINO runs it on a CPU, ONNX Runtime on other devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from seewhy.detectors.parts.accelerated import Accelerated, network_on
from seewhy.detectors.parts.network import Exported, Network, faster_here
from seewhy.detectors.parts.ways import Engine, Precision
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel
from seewhy.packages import installed
from seewhy.types import Features, Pixels

Runs: TypeAlias = Network | Accelerated
STRUCTURE, VALUES = "network.xml", "network.bin"  # in a model's folder


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """An exported network, which needs neither torch nor the weights' own file."""

    network: Runs
    exported: Exported
    weights: WeightsFile
    precision: Precision
    version: str = field(default_factory=lambda: installed("openvino"))  # that wrote the network

    def __call__(self, pixels: Pixels, /) -> list[Features]:
        """What the network gives for a photo (h, w, 3), output by output."""
        return self.network(pixels)

    def faster(self) -> dict[Precision, Frozen]:
        """The same network in each precision that may be faster here; ONNX Runtime has f32 alone."""
        able = faster_here() if isinstance(self.network, Network) else ()
        return {precision: frozen(self.exported, self.weights, precision) for precision in able}

    def files(self) -> dict[str, bytes]:
        """The network."""
        return {STRUCTURE: self.exported.structure, VALUES: self.exported.values}

    def learned(self) -> dict[str, Any]:
        """Who wrote the network, from which weights, how precisely it runs, and by what where that isn't OpenVINO."""
        facts = {"openvino": self.version, "precision": self.precision, "weights": asdict(self.weights)}
        return facts | ({"runs": self.network.runs} if isinstance(self.network, Accelerated) else {})


def frozen(
    exported: Exported, weights: WeightsFile, precision: Precision = "f32", *, device: str = "cpu", engine: Engine = "openvino"
) -> Frozen:
    """A network that was just exported, ready to run.

    Raises:
        BadModel: it can't run here.
        BadData: the device can't be used, or not with that engine or precision.
    """
    return Frozen(_runs(exported, precision, device, engine), exported, weights, precision)


def kept_network(learned: Mapping[str, Any], files: Mapping[str, bytes], *, device: str = "cpu", engine: Engine = "auto") -> Frozen:
    """What `Frozen` gave as `learned()` and `files()`; on a CPU by OpenVINO, unless ONNX Runtime was asked for.

    Raises:
        BadModel: OpenVINO isn't installed here, or can't read the network; or its lines rest on arithmetic that the device doesn't do.
        BadData: the device can't be used, or not with that engine.
    """
    exported, precision = Exported(files[STRUCTURE], files[VALUES]), learned["precision"]
    weights = WeightsFile(**learned["weights"])
    return Frozen(_runs(exported, precision, device, engine), exported, weights, precision, learned["openvino"])


def _runs(exported: Exported, precision: Precision, device: str, engine: Engine) -> Runs:
    if engine != "onnxruntime" and device == "cpu":
        return Network(exported, precision)
    if engine == "openvino":
        raise BadData(f"OpenVINO runs networks on the CPU, not on {device}; choose the engine auto, or leave --device out")
    if precision != "f32":
        raise BadModel(
            f"the line rests on {precision} by OpenVINO, and ONNX Runtime computes in f32; leave --device out, or fit again in f32"
        )
    return network_on(exported, device)
