"""Weights from outside: checked against the table and the architecture that they are for, kept as safetensors."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from seewhy.canonical import sha256_bytes, sha256_file
from seewhy.detectors.parts.backbones import BACKBONES
from seewhy.detectors.parts.encoder import check_state
from seewhy.detectors.weights.known import CLIP, known
from seewhy.detectors.weights.store import WeightsFile, file_of, forget, must_match, weights_folder
from seewhy.disk import write_folder
from seewhy.errors import MissingWeights, SeewhyError


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
    must_match(row, digest, file)
    try:
        state: Any = load_file(file) if file.suffix == ".safetensors" else torch.load(file, map_location="cpu", weights_only=True)
        state = state.get("state_dict", state)  # as training scripts save it
        state = {key.removeprefix("module."): value.contiguous() for key, value in state.items()}
    except Exception as error:  # each loader raises kinds of its own
        raise SeewhyError(f"{file} can't be read as weights ({error}); download it again") from error
    for backbone in BACKBONES.values():
        if backbone.weights == name:
            check_state(backbone, state, file)
    if name.startswith(CLIP):
        from seewhy.detectors.winclip.clip import check_state as check_clip  # only where the extra is installed

        check_clip(name.removeprefix(CLIP), state, file)
    kept = file_of(row, digest)
    stored = save(state)
    facts = {"file": asdict(kept), "stored_sha256": sha256_bytes(stored)}
    write_folder(weights_folder() / name, {"weights.safetensors": stored, "weights.json": json.dumps(facts, indent=1).encode()})
    forget()
    return kept
