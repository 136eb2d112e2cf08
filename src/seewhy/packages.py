"""Which packages are installed, in which versions."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SOFTWARE = (
    "seewhy",
    "torch",
    "timm",
    "open_clip_torch",
    "faiss-cpu",
    "openvino",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "simplejpeg",
)

QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "GRADIO_ANALYTICS_ENABLED": "False", "DO_NOT_TRACK": "1", "VLLM_NO_USAGE_STATS": "1"}


def installed(package: str) -> str:
    """A package's version, empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def versions() -> dict[str, str]:
    """Of Python and of all packages that a score rests on, for the record."""
    return {"python": platform.python_version()} | {name: installed(name) or "not installed" for name in SOFTWARE}


def processor() -> str:
    """This machine's processor, by name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    own = platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), own)


def free_memory_bytes() -> int | None:
    """How much memory a program may still take here, by the system and by the container around it; None where the system doesn't tell."""
    known = list[int]()
    system, limit, used = Path("/proc/meminfo"), Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if system.is_file():
        lines = system.read_text(encoding="ascii").splitlines()
        known += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    if limit.is_file() and (most := limit.read_text(encoding="ascii").strip()).isdecimal():
        known.append(int(most) - int(used.read_text(encoding="ascii")))
    return min(known, default=None)


def keep_quiet() -> None:
    """Keep other packages from reporting their use to their makers, in this program and those that it starts.

    OpenVINO does so whenever it is imported, by ours or by anomalib, unless its telemetry package isn't there; the Hugging Face libraries
    and Gradio by the environment. What the environment says already stays.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
