"""Weights that are on this machine, each checked against its pinned digest whenever it is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.canonical import sha256_bytes, sha256_file
from seewhy.detectors.weights.known import KNOWN, OPEN, Weights, known
from seewhy.detectors.weights.pth import read_pth
from seewhy.errors import MissingWeights, WeightsMismatch

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """Weights that are on this machine, as they go into manifests and records."""

    name: str
    revision: str
    sha256: str  # of the original file
    licence: str
    source: str


def weights_folder() -> Path:
    """Where imported weights are kept: `SEEWHY_WEIGHTS`, else the user's data folder."""
    given = os.environ.get("SEEWHY_WEIGHTS")
    base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return Path(given) if given else base / "seewhy" / "weights"


def listed() -> Mapping[str, Weights]:
    """The table, and whatever of an open name was imported besides."""
    here = sorted(p.name for prefix in OPEN for p in weights_folder().glob(f"{prefix}*") if (p / "weights.json").is_file())
    return {**KNOWN, **{name: known(name) for name in here}}


def present(name: str) -> bool:
    """Whether `load` would find a file; the digest is checked by `load`."""
    row = known(name)
    return _packaged(row) is not None or (weights_folder() / name / "weights.json").is_file()


def load(name: str) -> tuple[dict[str, torch.Tensor], WeightsFile]:
    """Load a state dict by name, its digest checked.

    Raises:
        MissingWeights: the file isn't here; says where to get it and where to put it.
        WeightsMismatch: the file isn't the pinned one.
    """
    return _load(name, weights_folder())


def packaged(name: str) -> tuple[dict[str, npt.NDArray[Any]], WeightsFile] | None:
    """The arrays of a file that a package brings, in its order, read without torch; None where none does.

    Raises:
        WeightsMismatch: the file isn't the pinned one.
    """
    row = known(name)
    file = _packaged(row)
    if file is None:
        return None
    data = file.read_bytes()
    digest = sha256_bytes(data)
    must_match(row, digest, file)
    return read_pth(data), file_of(row, digest)


def forget() -> None:
    """Read every file anew."""
    _load.cache_clear()


@lru_cache(maxsize=4)
def _load(name: str, base: Path) -> tuple[dict[str, torch.Tensor], WeightsFile]:
    import torch
    from safetensors.torch import load_file

    row = known(name)
    packaged = _packaged(row)
    if packaged is not None:
        digest = sha256_file(packaged)
        must_match(row, digest, packaged)
        return torch.load(packaged, map_location="cpu", weights_only=True), file_of(row, digest)
    folder = base / name
    if not (folder / "weights.json").is_file():
        raise MissingWeights(
            f"the weights {name!r} are not on this machine; get them from {row.source} "
            f"and run: seewhy weights import {name} FILE (they go to {folder})"
        )
    facts = json.loads((folder / "weights.json").read_text(encoding="utf-8"))
    stored = folder / "weights.safetensors"
    if not stored.is_file() or sha256_file(stored) != facts["stored_sha256"]:
        raise WeightsMismatch(f"{stored} was changed after it was imported; import {name!r} again")
    return load_file(stored), WeightsFile(**facts["file"])


def file_of(row: Weights, digest: str) -> WeightsFile:
    """A row of the table and the digest of the file that was found for it."""
    return WeightsFile(row.name, row.revision, digest, row.licence, row.source)


def must_match(row: Weights, digest: str, file: Path) -> None:
    """Refuse a file whose digest isn't the pinned one.

    Raises:
        WeightsMismatch: it isn't.
    """
    if not digest.startswith(row.sha256):
        raise WeightsMismatch(f"{file} is not {row.name!r}: SHA-256 {digest}, expected {row.sha256}…; get it from {row.source}")


def _packaged(row: Weights) -> Path | None:
    """The file inside an installed package, found without importing the package."""
    if not row.package:
        return None
    from importlib.util import find_spec

    module, _, inside = row.package.partition(":")
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / inside
    return path if path.is_file() else None
