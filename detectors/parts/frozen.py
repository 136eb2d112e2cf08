"""A frozen network beside its model: what judged the good photos judges the lot, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from seewhy.detectors.parts.network import Exported, Network
from seewhy.detectors.parts.ways import Precision
from seewhy.detectors.weights.store import WeightsFile
from seewhy.packages import installed
from seewhy.types import Features, Pixels

STRUCTURE, VALUES = "network.xml", "network.bin"  # in a model's folder


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """An exported network, which needs neither torch nor the weights' own file."""

    network: Network
    exported: Exported
    weights: WeightsFile
    precision: Precision
    version: str = field(default_factory=lambda: installed("openvino"))  # that wrote the network

    def __call__(self, pixels: Pixels, /) -> list[Features]:
        """What the network gives for a photo (h, w, 3), output by output."""
        return self.network(pixels)

    def files(self) -> dict[str, bytes]:
        """The network."""
        return {STRUCTURE: self.exported.structure, VALUES: self.exported.values}

    def learned(self) -> dict[str, Any]:
        """Who wrote the network, from which weights, and how precisely it runs."""
        return {"openvino": self.version, "precision": self.precision, "weights": asdict(self.weights)}


def frozen(exported: Exported, weights: WeightsFile, precision: Precision = "f32") -> Frozen:
    """A network that was just exported, ready to run.

    Raises:
        BadModel: it can't run here.
    """
    return Frozen(Network(exported, precision), exported, weights, precision)


def kept_network(learned: Mapping[str, Any], files: Mapping[str, bytes]) -> Frozen:
    """What `Frozen` gave as `learned()` and `files()`.

    Raises:
        BadModel: OpenVINO isn't installed here, or can't read the network.
    """
    exported = Exported(files[STRUCTURE], files[VALUES])
    return Frozen(
        Network(exported, learned["precision"]), exported, WeightsFile(**learned["weights"]), learned["precision"], learned["openvino"]
    )
