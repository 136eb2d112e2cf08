"""A frozen network as OpenVINO runs it on a CPU: several times faster than torch, and without torch once it is exported.

The whole way from a photo's pixels to its features is one graph. It is kept as OpenVINO's intermediate representation, takes photos of
any size that the network itself takes, and is compiled for each size when the first photo of that size comes.
"""

from __future__ import annotations

import tempfile
import warnings
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from seewhy.detectors.parts.ways import Precision
from seewhy.errors import BadModel
from seewhy.packages import installed
from seewhy.threads import cores, sharing
from seewhy.types import Features, Pixels

if TYPE_CHECKING:
    from torch import nn

PRECISIONS = ("FP32", "FP16", "BF16", "INT8")  # among what OpenVINO tells of a processor
SIZES = 8  # of photos and windows, for which the compiled graph is kept


@dataclass(frozen=True, slots=True)
class Exported:
    """A network and its weights, as files."""

    structure: bytes  # XML
    values: bytes


def exported(module: nn.Module, height: int, width: int) -> Exported:
    """Write a network for OpenVINO.

    Args:
        module: takes (1, h, w, 3) uint8 in RGB and gives a tuple of (rows, cols, D) float32, whose sizes follow from the photo's.
        height: of a photo that it takes.
        width: likewise.

    Raises:
        BadModel: OpenVINO isn't installed, or doesn't know one of its operations.
    """
    _check_installed()
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = torch.zeros((1, height, width, 3), dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that tracing is old, and that sizes are compared, which are the same for every photo
        traced = torch.jit.trace(module.eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
        frontend = FrontEndManager().load_by_framework("pytorch")  # openvino.convert_model does the same and reports its use to the maker
        decoder = TorchScriptPythonDecoder(traced)  # is read while the graph is converted, and must live until then
        try:
            graph = frontend.convert(frontend.load(decoder))
        except Exception as error:  # its failures have no base class of their own
            why = " ".join(str(error).split())[-200:]
            raise BadModel(f"OpenVINO can't run this network ({why}); choose the engine torch") from error
        return written(graph)


def written(graph: Any) -> Exported:
    """A graph of OpenVINO's as files."""
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.xml"
        openvino.save_model(graph, path, compress_to_fp16=False)
        return Exported(path.read_bytes(), path.with_suffix(".bin").read_bytes())


def _check_installed() -> None:
    if not installed("openvino"):
        raise BadModel("the model's network runs on OpenVINO, which is not installed here; run: pip install openvino")


def read(files: Exported) -> Any:
    """An exported network as an openvino.Model.

    Raises:
        BadModel: OpenVINO isn't installed, or can't read it.
    """
    _check_installed()
    import openvino

    try:
        return openvino.Core().read_model(files.structure, files.values)
    except (RuntimeError, TypeError) as error:
        raise BadModel(f"OpenVINO {openvino.__version__} can't read the model's network; fit the model again here") from error


FIRST_USE = Lock()  # OpenVINO's binding looks numpy up at its first tensor; two threads that do so at once wait for each other


class Network:
    """An exported network, ready to run.

    Args:
        files: of the network.
        precision: of its arithmetic; bf16 is faster, and only taken where the processor multiplies in it.

    Raises:
        BadModel: OpenVINO isn't installed, or can't read the files, or the processor doesn't have that precision.
    """

    def __init__(self, files: Exported, precision: Precision = "f32") -> None:
        _check_installed()
        import openvino

        with FIRST_USE:
            _ = openvino.Tensor(np.zeros(1, np.uint8)).data
        check_processor(precision)
        self._core, self._graph = openvino.Core(), read(files)
        self._options = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        self._compiled: OrderedDict[tuple[int, int, int], Future[SimpleQueue[Any]]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, pixels: Pixels) -> list[Features]:
        """Features of a photo (h, w, 3): (rows, cols, D) float32 for each of the network's outputs."""
        idle = self._for_size(pixels.shape[0], pixels.shape[1], sharing())
        request = idle.get()
        try:
            request.infer([np.ascontiguousarray(pixels[None])])
            return [np.array(request.get_output_tensor(i).data) for i in range(len(self._graph.outputs))]
        finally:
            idle.put(request)

    def _for_size(self, height: int, width: int, workers: int) -> SimpleQueue[Any]:
        """Requests for a photo's size, as many as threads may ask at a time; each has its share of the cores."""
        key = height, width, workers
        with self._lock:
            known = self._compiled.get(key)
            idle = self._compiled[key] = known or Future()
            self._compiled.move_to_end(key)
            if len(self._compiled) > SIZES:
                self._compiled.popitem(last=False)
        if known is None:  # threads that want another size don't wait for this one's
            try:
                idle.set_result(self._requests(height, width, workers))
            except BaseException as error:
                self._compiled.pop(key, None)
                idle.set_exception(error)
        return idle.result()

    def _requests(self, height: int, width: int, workers: int) -> SimpleQueue[Any]:
        graph = self._graph.clone()
        graph.reshape([1, height, width, 3])
        threads = {"NUM_STREAMS": workers, "INFERENCE_NUM_THREADS": max(workers, cores())}
        compiled = self._core.compile_model(graph, "CPU", self._options | threads)
        idle = SimpleQueue[Any]()
        for _ in range(workers):
            idle.put(compiled.create_infer_request())
        return idle


def faster_here() -> tuple[Precision, ...]:
    """Precisions that this processor may run faster than f32."""
    return ("bf16",) if installed("openvino") and multiplies_in_bf16() else ()


def check_processor(precision: Precision) -> None:
    """Refuse a precision that this processor doesn't have.

    Raises:
        BadModel: it doesn't.
    """
    if precision == "bf16" and not multiplies_in_bf16():
        raise BadModel("this processor doesn't multiply in bf16, and in f32 the scores would be others; fit the model here, in f32")


def multiplies_in_bf16() -> bool:
    """Whether this processor has instructions for bf16 (AVX512-BF16, AMX); without them OpenVINO takes f32 and doesn't say so."""
    return "BF16" in capabilities()


def capabilities() -> tuple[str, ...]:
    """Precisions for which OpenVINO has code of its own on this processor: "FP32", "BF16", "INT8", …."""
    import openvino

    known = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(name for name in known if name in PRECISIONS)
