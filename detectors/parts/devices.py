"""Devices: which ones ONNX Runtime can use here, and where torch runs beside it."""

from __future__ import annotations

from collections.abc import Mapping

from seewhy.errors import BadData
from seewhy.packages import installed

PROVIDERS: Mapping[str, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
EXTRAS: Mapping[str, str] = {"cuda": "cuda", "directml": "directml", "coreml": "export", "cpu": "export"}  # that bring them
PACKAGES = ("onnxruntime-gpu", "onnxruntime-directml", "onnxruntime")  # each brings the module onnxruntime
BEYOND_TORCH = ("directml", "coreml")


def providers_here() -> tuple[str, ...]:
    """Kinds of devices for which ONNX Runtime is built here; whether there is such a device shows when a network is opened."""
    if not version() or not installed("onnx"):
        return ()
    import onnxruntime

    able = onnxruntime.get_available_providers()
    return tuple(kind for kind, provider in PROVIDERS.items() if provider in able)


def can_run_on(device: str) -> bool:
    """Whether ONNX Runtime is built for a device here: "cuda", "cuda:1", "directml", "coreml", "cpu"."""
    kind, parted, number = device.partition(":")
    return kind in providers_here() and (number.isdecimal() or not parted)


def version() -> str:
    """ONNX Runtime's; empty where it isn't installed."""
    return next((found for found in map(installed, PACKAGES) if found), "")


def lacking(device: str) -> str:
    """What is missing for a device, and how it is got."""
    extra, other = EXTRAS.get(device.partition(":")[0], "export"), next(filter(installed, PACKAGES), "")
    if not other:
        why = "which is not installed"
    elif not installed("onnx"):
        why = "and the package onnx, which isn't installed, writes it down for that"
    else:
        why = f"and {other} {version()} here has nothing for that device"
    first = f"pip uninstall {other}, then " if other and extra != "export" else ""  # two of them overwrite each other
    return (
        f"on {device!r} a model's network is run by ONNX Runtime, {why}; "
        f"run: {first}pip install 'seewhy[{extra}]', or leave --device out to run on the CPU"
    )


def prepare_torch(device: str) -> None:
    """Refuse a device that torch doesn't have here; on a GPU keep torch's convolutions in float32.

    By itself torch computes them in TF32 there, which moved PatchCore's scores by up to .0009 of their size (H100): the line of a model is
    that of the arithmetic with which it was fitted. The setting is the process's.

    Raises:
        BadData: there is none of that name.
    """
    if device == "cpu":
        return
    import torch

    try:
        known = torch.device(device)
    except RuntimeError as error:
        raise BadData(f"no device is called {device!r}; use cpu, cuda, directml or coreml") from error
    if known.type == "cuda" and (known.index or 0) >= torch.cuda.device_count():
        raise BadData(f"there is no GPU for {device!r} here (see `seewhy doctor`); leave --device out to run on the CPU")
    torch.backends.cudnn.allow_tf32 = False


def torch_beside(device: str) -> str:
    """Where torch runs what is left to it: on the device itself where it knows it, else on the CPU."""
    return "cpu" if device.partition(":")[0] in BEYOND_TORCH else device
