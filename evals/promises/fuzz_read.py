"""Damaged model folders, and slips in cards, policies and lists: see `promises.fuzz`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from seewhy.agent.api.load import load
from seewhy.agent.inspection.policy import load_policy
from seewhy.agent.inspection.rehearsal import rehearse
from seewhy.agent.models.folder import MANIFEST
from seewhy.agent.photos.layouts import surveyed
from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.card import load_card
from seewhy.evals.promises.trials import Trials
from seewhy.evals.synthetic.damage import damaged, damaged_json, damaged_text
from seewhy.evals.synthetic.views import CARD

MODELS, TEXTS = 3, 4  # what accidents are drawn from, beside their number
POLICY = """name: plates
version: "1"
rules:
  - id: long-scratch
    when: {type: [scratch], length_px_min: 40}
    severity: major
    verdict: fail
    because: "a long scratch."
  - id: large
    when: {area_percent_min: 2.0}
    severity: critical
    verdict: fail
    because: "it covers 2 % of the area or more."
  - id: rest
    when: {}
    severity: minor
    verdict: review
    because: "everything else."
"""
LIST = "path;label;product\n" + "".join(f"{number}.png;{'good' if number % 3 else '부품 stain'};plate\n" for number in range(12))


def models(folder: Path, model: Path, photo: Path, count: int) -> dict[str, Any]:
    """A model folder that is damaged, then opened and, where it opens, used."""
    folder.mkdir()
    trials = Trials()
    for number in range(count):
        rng = np.random.default_rng((MODELS, number))
        copy = Path(shutil.copytree(model, folder / "model"))
        before = _bytes_of(copy)
        sealed = _damage_model(copy, rng)

        def used(copy: Path = copy, before: dict[str, bytes] = before, sealed: bool = sealed) -> str:
            load(copy).inspect(photo)
            if not sealed and _bytes_of(copy) != before:
                raise AssertionError("opened, though it was changed")
            return "used"

        trials.try_(number, "sealed anew" if sealed else "changed", used)
        shutil.rmtree(copy)
    return trials.figures(count)


def texts(folder: Path, count: int) -> dict[str, Any]:
    """Slips in a card, a policy and a list, which are then read and tried."""
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(b"x")
    card = yaml.safe_dump(CARD.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
    trials, policies = Trials(), load_card(_written(folder / "whole.yaml", card.encode()))

    def card_read(path: Path) -> str:
        rehearse(load_policy(), load_card(path))
        return "read"

    def policy_read(path: Path) -> str:
        rehearse(load_policy(path), policies)
        return "read"

    def list_read(path: Path) -> str:
        return "read" if surveyed(path).samples else "empty"

    kinds = (("card", card, "card.yaml", card_read), ("policy", POLICY, "policy.yaml", policy_read), ("list", LIST, "list.csv", list_read))
    for number in range(count):
        what, text, name, read = kinds[number % len(kinds)]
        path = _written(folder / name, damaged_text(text, np.random.default_rng((TEXTS, number))))
        trials.try_(number, what, lambda path=path, read=read: read(path))  # type: ignore[misc]
    return trials.figures(count)


def _damage_model(folder: Path, rng: np.random.Generator) -> bool:
    """Damage one file; gives whether the manifest was made to fit what is there, as somebody would who knows how."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    file, manifest = files[int(rng.integers(min(len(files), 8)))], folder / MANIFEST
    known = json.loads(manifest.read_text(encoding="utf-8"))
    match int(rng.integers(6)):
        case 0:
            file = manifest if rng.random() < 0.5 else file
            file.write_bytes(damaged(file.read_bytes(), rng))
            return False
        case 1:
            file.unlink()
            match int(rng.integers(4)):
                case 1:
                    file.touch()
                case 2:
                    file.mkdir()
                case 3:
                    file.symlink_to(MANIFEST)
            return False
        case 2:
            (folder / "more.bin").write_bytes(b"x")
            return False
        case 3:
            manifest.write_text(json.dumps(damaged_json(known, rng)), encoding="utf-8")
            return False
        case 4:
            known = damaged_json(known, rng)
        case 5:
            file.write_bytes(damaged(file.read_bytes(), rng))
            known["files"][file.relative_to(folder).as_posix()]["sha256"] = sha256_bytes(file.read_bytes())
    known.pop("manifest_sha256", None)
    try:
        known["manifest_sha256"] = sha256_bytes(canonical_json(known))
    except ValueError:  # a number that canonical JSON has no place for
        known["manifest_sha256"] = ""
    manifest.write_text(json.dumps(known), encoding="utf-8")
    return True


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
