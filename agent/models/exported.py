"""A detector exported as one graph: its folder, and whatever runs it there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from seewhy.canonical import canonical_json, sha256_bytes, sha256_file
from seewhy.detectors.parts.whole import MAP, PHOTO, SCORE
from seewhy.disk import check_writable, write_folder
from seewhy.errors import BadData, BadModel, MissingExtra
from seewhy.packages import installed
from seewhy.types import Map, Pixels

SCHEMA_VERSION = "1"
MANIFEST, CARD = "manifest.json", "card.md"
Format: TypeAlias = Literal["onnx", "openvino"]
GRAPHS: Mapping[str, tuple[str, ...]] = {"onnx": ("detector.onnx",), "openvino": ("detector.xml", "detector.bin")}  # the first is opened
RUNTIMES: Mapping[str, str] = {"onnx": "onnxruntime", "openvino": "openvino"}

Judged: TypeAlias = Literal["passes", "asked", "anomalous"]
Runs: TypeAlias = Callable[[Pixels], tuple[Map, float]]


def judged(score: float, lines: Mapping[str, Any]) -> Judged:
    """What a score alone comes to.

    Args:
        score: of a photo.
        lines: of a manifest: above `anomalous_above` it is anomalous, up to `passes_up_to` it passes, and in between a person is asked;
            None: there is no such line, because there are too few good photos.

    >>> [judged(score, {"passes_up_to": 2.0, "anomalous_above": 3.0}) for score in (2.0, 2.5, 3.5)]
    ['passes', 'asked', 'anomalous']
    """
    if lines["anomalous_above"] is not None and score > lines["anomalous_above"]:
        return "anomalous"
    return "passes" if lines["passes_up_to"] is not None and score <= lines["passes_up_to"] else "asked"


@dataclass(frozen=True, slots=True)
class Export:
    """An exported detector, whose files are those of its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the photos that it takes."""
        height, width, _ = self.manifest["input"]["shape"]
        return width, height

    @property
    def runtime(self) -> str:
        """What runs it, with its version."""
        package = RUNTIMES[self.manifest["format"]]
        return f"{package} {installed(package)}"

    def opened(self) -> Runs:
        """What takes a photo (H, W, 3) of its size and gives map (H, W) and score.

        Raises:
            MissingExtra: onnxruntime isn't installed.
            BadModel: the graph can't be read here.
        """
        path = self.folder / GRAPHS[self.manifest["format"]][0]
        try:
            return _by_onnx(path) if self.manifest["format"] == "onnx" else _by_openvino(path)
        except (RuntimeError, ValueError) as error:
            raise BadModel(f"{self.runtime} can't read {path}; export the model again here") from error


def write_export(folder: Path, facts: Mapping[str, Any], files: Mapping[str, bytes], card: str) -> Export:
    """Write an exported detector whole or not at all.

    Args:
        folder: where; it must not be there, or be empty.
        facts: plain JSON data for the manifest.
        files: the graph's, by name.
        card: the page for people, in Markdown.

    Raises:
        BadData: something is there.
        NotWritten: the disk is full or the place can't be written.
    """
    check_free(folder)
    listed = {name: {"sha256": sha256_bytes(data), "bytes": len(data)} for name, data in files.items()}
    manifest: dict[str, Any] = {"schema_version": SCHEMA_VERSION, **facts, "files": listed}
    manifest["manifest_sha256"] = sha256_bytes(canonical_json(manifest))
    written = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
    write_folder(folder, {**files, CARD: card.encode(), MANIFEST: written})
    return Export(folder, manifest)


def check_free(folder: Path) -> None:
    """Refuse to write where something is.

    Raises:
        BadData: something is there.
        NotWritten: nothing can be written there.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise BadData(f"{folder} is there already; choose another name for the export")
    check_writable(folder)


def read_export(folder: Path) -> Export:
    """An exported detector, every file of it checked against the manifest.

    Raises:
        BadModel: it is none, is of another version, or was changed.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        claimed, version = manifest.pop("manifest_sha256"), manifest["schema_version"]
        whole = sha256_bytes(canonical_json(manifest)) == claimed
        graphs = GRAPHS[manifest["format"]] if version == SCHEMA_VERSION else ()
        listed = {name: manifest["files"][name]["sha256"] for name in graphs}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadModel(f"{folder} is no exported detector ({type(error).__name__}: {error}); make one with seewhy export") from error
    if version != SCHEMA_VERSION:
        raise BadModel(f"{folder} has schema version {version}, this seewhy reads {SCHEMA_VERSION}; export the model again")
    if not whole:
        raise BadModel(f"{path} was changed after the export; export the model again")
    for name, digest in listed.items():
        if not (folder / name).is_file() or sha256_file(folder / name) != digest:
            raise BadModel(f"{folder / name} is not the file of the manifest (cut off or changed); export the model again")
    return Export(folder, {**manifest, "manifest_sha256": claimed})


def _by_onnx(path: Path) -> Runs:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingExtra("running an ONNX file", "export") from error
    onnxruntime.disable_telemetry_events()  # which its builds for Windows have
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    except Exception as error:  # its failures have no base class of their own
        raise ValueError(str(error)) from error

    def run(pixels: Pixels) -> tuple[Map, float]:
        values, score = session.run([MAP, SCORE], {PHOTO: pixels})
        return values, float(score)

    return run


def _by_openvino(path: Path) -> Runs:
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(pixels: Pixels) -> tuple[Map, float]:
        answer = compiled([pixels])
        return np.array(answer[MAP]), float(answer[SCORE])

    return run
