"""Which packages are installed, in which versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

SOFTWARE = ("seewhy", "torch", "timm", "open_clip_torch", "faiss-cpu", "openvino", "numpy", "opencv-python-headless", "pillow")


def installed(package: str) -> str:
    """A package's version, empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def versions() -> dict[str, str]:
    """Of Python and of all packages that a score rests on, for the record."""
    return {"python": platform.python_version()} | {name: installed(name) or "not installed" for name in SOFTWARE}
