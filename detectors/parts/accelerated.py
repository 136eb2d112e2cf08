"""A frozen network as ONNX Runtime runs it where OpenVINO doesn't: on a GPU by CUDA or DirectML, on Apple's chips by CoreML.

What a model keeps is one network. OpenVINO runs it on a CPU; for other devices it is translated into ONNX, operation by operation, when
the first photo of a size comes. Neither torch nor the encoder's weights are needed. All arithmetic is float32, without TF32.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np

from seewhy.detectors.parts.devices import PROVIDERS, can_run_on, lacking, version
from seewhy.detectors.parts.network import SIZES, Exported, read
from seewhy.detectors.parts.onnx_graph import as_onnx
from seewhy.errors import BadData, BadModel
from seewhy.types import Features, Pixels

ONLY_ERRORS = 3  # that ONNX Runtime writes; its warnings are of nodes that it placed itself
PHOTO = "photo"


class Accelerated:
    """A graph from a photo to features or maps, ready to run.

    Args:
        draw: gives an openvino.Model for photos of a height and a width, (1, h, w, 3) uint8; what is drawn is kept for a few sizes.
        device: "cuda", "cuda:1", "directml", "coreml", "cpu".

    Raises:
        BadData: ONNX Runtime isn't installed here, or has nothing for that device.
        BadModel: there is no such device.
    """

    def __init__(self, draw: Callable[[int, int], Any], device: str) -> None:
        if not can_run_on(device):
            raise BadData(lacking(device))
        kind, _, number = device.partition(":")
        self.device, self._provider, self._number = device, PROVIDERS[kind], int(number or 0)
        _prepare(kind)
        self._draw = draw
        self._lock = Lock()  # DirectML's sessions take one photo at a time, and so does a GPU
        self._session = lru_cache(SIZES)(self._opened)
        self._started(_nothing())  # so that a device that isn't there is told now, not with the first photo

    @property
    def runs(self) -> dict[str, str]:
        """By what it is run: {"by": "ONNX Runtime 1.32.0", "on": "CUDA"}."""
        return {"by": f"ONNX Runtime {version()}", "on": self._provider.removesuffix("ExecutionProvider")}

    def __call__(self, pixels: Pixels) -> list[Features]:
        """What the graph gives for a photo (h, w, 3), output by output; of a network (rows, cols, D) float32 each.

        Raises:
            BadModel: the device can't be used, or the network can't be translated.
        """
        with self._lock:
            found: list[Features] = self._session(*pixels.shape[:2]).run(None, {PHOTO: np.ascontiguousarray(pixels[None])})
        return found

    def _opened(self, height: int, width: int) -> Any:
        graph = self._draw(height, width)
        graph.input(0).set_names({PHOTO})
        for number, result in enumerate(graph.get_results()):
            result.input(0).get_source_output().set_names({f"values{number}"})
        return self._started(as_onnx(graph))

    def _started(self, graph: bytes) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = ONLY_ERRORS
        options.enable_mem_pattern = self._provider != PROVIDERS["directml"]  # which refuses it
        try:
            session = onnxruntime.InferenceSession(graph, options, providers=[(self._provider, self._given())])
        except Exception as error:  # its failures have no base class of their own
            why = " ".join(str(error).split())[-200:]
            raise BadModel(f"ONNX Runtime can't run the model's network ({why}); leave --device out to run on the CPU") from error
        if self._provider not in session.get_providers():  # it takes the CPU instead, and only logs that
            raise BadModel(
                f"ONNX Runtime {version()} found no device for {self._provider} (driver, libraries of CUDA and cuDNN?); "
                "leave --device out to run on the CPU"
            )
        return session

    def _given(self) -> dict[str, Any]:
        """What keeps arithmetic in float32, and the same from run to run."""
        options: dict[str, dict[str, Any]] = {
            "CUDAExecutionProvider": {"device_id": self._number, "use_tf32": 0, "cudnn_conv_algo_search": "HEURISTIC"},
            "DmlExecutionProvider": {"device_id": self._number},
            "CoreMLExecutionProvider": {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU", "RequireStaticInputShapes": "1"},
        }
        return options.get(self._provider, {})


def network_on(files: Exported, device: str) -> Accelerated:
    """An exported network, ready to run on a device.

    Raises:
        BadData: see `Accelerated`.
        BadModel: likewise; or OpenVINO, which wrote the network, can't read it.
    """
    graph = read(files)

    def of_size(height: int, width: int) -> Any:
        sized = graph.clone()
        sized.reshape([1, height, width, 3])
        return sized

    return Accelerated(of_size, device)


def _nothing() -> bytes:
    """The smallest graph there is."""
    import openvino
    from openvino import opset13 as ops

    given = ops.parameter([1], np.float32)
    given.output(0).set_names({PHOTO})
    found = ops.relu(given)
    found.output(0).set_names({"values0"})
    return as_onnx(openvino.Model([found.output(0)], [given], "nothing"))


def _prepare(kind: str) -> None:
    """Keep ONNX Runtime's remarks to itself, and let it find CUDA's and cuDNN's libraries where pip put them, as torch does."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(ONLY_ERRORS)
    if kind == "cuda":
        with redirect_stdout(sys.stderr):  # where it tells what it didn't find
            onnxruntime.preload_dlls()
