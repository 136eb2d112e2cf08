"""Pictures that some detectors train on beside the product's own: where they are, and whether they are the ones that were there at import.

A data set stays where it is; what is kept is a list of its files with their digests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from seewhy.canonical import canonical_json, sha256_bytes, sha256_file
from seewhy.detectors.weights.store import WeightsFile, weights_folder
from seewhy.disk import write_file
from seewhy.errors import BadData, MissingWeights, UnknownName, WeightsMismatch

PICTURES = (".jpg", ".jpeg", ".png", ".JPEG")
TEXTURES, TEXTURE_PX = 64, 256  # of a stand-in


@dataclass(frozen=True, slots=True)
class DataSet:
    """What is known of a data set before it is here."""

    name: str
    licence: str
    source: str
    what_for: str


KNOWN: Mapping[str, DataSet] = {
    d.name: d
    for d in (
        DataSet("dtd", "for research", "www.robots.ox.ac.uk/~vgg/data/dtd, dtd-r1.0.1.tar.gz", "textures of DRAEM's drawn defects"),
        DataSet("imagenette", "Apache-2.0", "github.com/fastai/imagenette, imagenette2.tgz", "what EfficientAD's student must not imitate"),
    )
}


def is_here(name: str) -> bool:
    """Whether it was imported; `dataset` checks it."""
    return _listing(known(name).name).is_file()


def known(name: str) -> DataSet:
    """The table's row, or `UnknownName`."""
    if name not in KNOWN:
        raise UnknownName("data set", name, KNOWN)
    return KNOWN[name]


def import_dataset(name: str, folder: Path) -> WeightsFile:
    """Note the pictures under a folder, which must stay where it is.

    Raises:
        BadData: the folder holds no picture.
    """
    row = known(name)
    pictures = _pictures(folder)
    if not pictures:
        raise BadData(f"{folder} holds no picture; get {row.source}, unpack it, and give its folder")
    files = {p.relative_to(folder).as_posix(): sha256_file(p) for p in pictures}
    kept = WeightsFile(name, f"{len(files)} pictures", sha256_bytes(canonical_json(files)), row.licence, row.source)
    facts = {"folder": str(folder.resolve()), "file": asdict(kept), "files": files}
    write_file(_listing(name), json.dumps(facts, indent=1).encode())
    return kept


def dataset(name: str) -> tuple[Path, WeightsFile]:
    """The folder of an imported data set, each file's digest checked.

    Raises:
        MissingWeights: it was not imported; says where to get it.
        WeightsMismatch: a picture is gone or was changed.
    """
    row = known(name)
    if not _listing(name).is_file():
        raise MissingWeights(
            f"the data set {name!r} is not on this machine; get {row.source}, unpack it, and run: seewhy weights import {name} FOLDER"
        )
    facts = json.loads(_listing(name).read_text(encoding="utf-8"))
    folder = Path(facts["folder"])
    for path, digest in facts["files"].items():
        if not (folder / path).is_file() or sha256_file(folder / path) != digest:
            raise WeightsMismatch(f"{folder / path} is gone or was changed since {name!r} was imported; import it again")
    return folder, WeightsFile(**facts["file"])


def textures(folder: Path, seed: int = 0) -> WeightsFile:
    """Fill a folder with coloured noise of falling spectrum, in one class: what stands for a data set of pictures where none is here."""
    inside = folder / "noise"
    inside.mkdir(parents=True, exist_ok=True)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(TEXTURE_PX), np.fft.rfftfreq(TEXTURE_PX), indexing="ij"))
    digests = dict[str, str]()
    for number in range(TEXTURES):
        rng = np.random.default_rng([seed, number])
        fall = np.maximum(frequency, 1 / TEXTURE_PX) ** -rng.uniform(0.5, 2.0)
        noise = np.stack([np.fft.irfft2(np.fft.rfft2(rng.normal(size=(TEXTURE_PX, TEXTURE_PX))) * fall) for _ in range(3)], -1)
        low, high = noise.min(), noise.max()
        Image.fromarray((255 * (noise - low) / (high - low)).astype(np.uint8)).save(inside / f"{number:03}.png")
        digests[f"noise/{number:03}.png"] = sha256_file(inside / f"{number:03}.png")
    return WeightsFile("textures", f"{TEXTURES} pictures of noise, seed {seed}", sha256_bytes(canonical_json(digests)), "none", "made here")


def _pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in PICTURES and p.is_file())


def _listing(name: str) -> Path:
    return weights_folder() / name / "dataset.json"
