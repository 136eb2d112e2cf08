"""What is installed, what is missing, and how to get it."""

from __future__ import annotations

import platform
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seewhy.detectors.catalogue import DETECTORS, TABLE, row_of
from seewhy.detectors.parts.devices import providers_here
from seewhy.detectors.weights.known import KNOWN
from seewhy.detectors.weights.store import present, weights_folder
from seewhy.errors import BrokenPlugin
from seewhy.explainers import EXPLAINERS
from seewhy.packages import installed
from seewhy.registry import Plugin, Registry
from seewhy.reports import REPORTS

EXTRAS = {
    "clip": ("open_clip_torch",),
    "dinomaly": ("transformers", "accelerate"),
    "vlm": ("httpx",),
    "serve": ("vllm",),
    "pdf": ("typst", "font-source-sans-pro", "manimgx-fonts-cjk"),
    "anomalib": ("anomalib",),
    "sign": ("cryptography", "pyhanko"),
    "gpu": ("faiss-gpu",),
    "cuda": ("onnx", "onnxruntime-gpu"),
    "directml": ("onnx", "onnxruntime-directml"),
    "export": ("onnx", "onnxruntime"),
    "agent": ("langchain", "langchain-openai", "mcp"),
    "chat": ("gradio",),
    "notebook": ("matplotlib", "pandas", "pyarrow", "supervision"),
    "demo": ("scikit-image",),
}
NEEDED = (
    "torch",
    "torchvision",
    "timm",
    "faiss-cpu",
    "openvino",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pydantic",
    "jinja2",
    "typer",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the examination."""

    what: str
    found: str  # a version or a fact; empty where missing
    remedy: str  # empty where nothing is to be done


def examine() -> list[Check]:
    """All checks, the needed ones first."""
    checks = [Check("python", platform.python_version(), "")]
    checks += [Check(name, installed(name), "" if installed(name) else f"pip install {name}") for name in NEEDED]
    for extra, packages in EXTRAS.items():
        have = [f"{p} {installed(p)}" for p in packages if installed(p)]
        complete = len(have) == len(packages)
        checks.append(Check(f"extra {extra}", ", ".join(have) if complete else "", "" if complete else f"pip install 'seewhy[{extra}]'"))
    for detector in TABLE:
        checks.append(Check(f"detector {detector.name}", detector.runs(), detector.lacks()))
    checks += [_plugged_in(registry, p) for registry in (DETECTORS, EXPLAINERS, REPORTS) for p in registry.plugins()]
    for name, row in KNOWN.items():
        here = present(name)
        checks.append(
            Check(f"weights {name}", "here" if here else "", "" if here else f"get {row.source}; seewhy weights import {name} FILE")
        )
    return checks + _machine()


def _plugged_in(registry: Registry, plugin: Plugin) -> Check:
    """Whether a plug-in can be used, and which distribution brings it."""
    what = f"{registry.kind} {plugin.name} ({plugin.brought_by})"
    if plugin.problem:
        return Check(what, "", plugin.problem)
    try:
        if registry is not DETECTORS:
            registry.get(plugin.name)
            return Check(what, "can be used", "")
        row = row_of(plugin.name)
        return Check(what, row.runs(), row.lacks())
    except BrokenPlugin as error:
        return Check(what, "", str(error))


def _machine() -> list[Check]:
    import torch

    from seewhy.nearest import faiss

    runs = f"OpenVINO {installed('openvino')} on the CPU" if installed("openvino") else "torch"
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    searches = "yes" if hasattr(faiss, "StandardGpuResources") else ""
    others = [kind for kind in providers_here() if kind != "cpu"]
    folder = next(p for p in (weights_folder(), *weights_folder().parents) if p.exists())
    return [
        Check("patchcore, mutual, dinomaly run on", runs, "" if installed("openvino") else "pip install openvino: about twice as fast"),
        Check("winclip, anomalib's models run on", "torch", ""),
        Check("GPU", gpu, "" if gpu else "none needed; detectors run on the CPU"),
        Check("ONNX Runtime is built for", ", ".join(others), "" if others else "with a GPU: pip install 'seewhy[cuda]' (docs/speed.md)"),
        Check("faiss on the GPU", searches, "" if searches else "with a GPU: pip uninstall faiss-cpu, then pip install 'seewhy[gpu]'"),
        Check("free disk", f"{shutil.disk_usage(Path(folder)).free / 2**30:.0f} GiB", ""),
    ]


def as_json(checks: list[Check]) -> list[dict[str, Any]]:
    """Plain data."""
    return [asdict(c) for c in checks]
