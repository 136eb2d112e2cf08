"""A model on disk: a folder of safetensors, index and picture files, and a manifest with their hashes. Never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from seewhy.agent.models.schema1 import as_schema_2
from seewhy.agent.photos.folders import left_behind
from seewhy.canonical import canonical_json, sha256_bytes, sha256_file
from seewhy.disk import check_writable, write_folder
from seewhy.errors import BadModel
from seewhy.record import Sentence

SCHEMA_VERSION = "2"
MANIFEST = "manifest.json"
Considered: TypeAlias = tuple[tuple[str, Sentence], ...]  # detectors, and why they did not speak


def save_folder(folder: Path, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """Write a model folder whole or not at all.

    Args:
        folder: where; an earlier model there is replaced once the new one is complete.
        facts: plain JSON data for the manifest.
        files: bytes by relative path.

    Returns:
        The SHA-256 of the manifest, which stands for the whole model.

    Raises:
        BadModel: something else than a model stands there.
        NotWritten: the disk is full or the place can't be written.
    """
    check_place(folder)
    listed = {name: {"sha256": sha256_bytes(data), "bytes": len(data)} for name, data in sorted(files.items())}
    manifest: dict[str, Any] = {**facts, "schema_version": SCHEMA_VERSION, "files": listed}
    manifest["manifest_sha256"] = sha256_bytes(canonical_json(manifest))
    write_folder(folder, {**files, MANIFEST: json.dumps(manifest, indent=1, ensure_ascii=False).encode()})
    return str(manifest["manifest_sha256"])


def check_place(folder: Path) -> None:
    """Refuse to put a model where one can't be written, or where something else than a model of ours would be replaced.

    Raises:
        BadModel: the folder holds something else, or is the current one.
        NotWritten: nothing can be written there.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise BadModel(f"{folder} is not a folder; choose another name for the model")
    if folder.exists() and folder.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise BadModel(f"{folder} is the current folder or one above it; give the model a folder of its own")
    if folder.exists() and any(folder.iterdir()):
        try:
            load_folder(folder)
        except BadModel as error:
            raise BadModel(f"{folder} holds something else than a whole model ({error}); choose another name, or remove it") from error
    check_writable(folder)


def manifest_bytes(folder: Path) -> bytes:
    """A whole model's manifest as canonical JSON, whose SHA-256 stands for the model.

    Raises:
        BadModel: as for `load_folder`.
    """
    load_folder(folder)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    del manifest["manifest_sha256"]
    return canonical_json(manifest)


def load_folder(folder: Path) -> dict[str, Any]:
    """Read the manifest and check it and every file that it lists.

    Raises:
        BadModel: something is missing, changed, extra, or of another version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BadModel(f"{folder} is not a model: it has no {MANIFEST}; make one with `seewhy fit`")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        claimed = manifest.pop("manifest_sha256")
        version, listed = manifest["schema_version"], {name: fact["sha256"] for name, fact in manifest["files"].items()}
        whole = sha256_bytes(canonical_json(manifest)) == claimed
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadModel(f"{path} can't be read ({error}); fit the model again") from error
    if version not in ("1", SCHEMA_VERSION):
        raise BadModel(f"{folder} has schema version {version}, this seewhy reads {SCHEMA_VERSION} and 1; fit the model again")
    if not whole:
        raise BadModel(f"{path} was changed after the model was saved; fit it again or restore the file")
    there = (p.relative_to(folder) for p in folder.rglob("*") if not p.is_dir() or p.is_symlink())
    found = {path.as_posix() for path in there if left_behind(path) not in ("system file", "hidden file")}
    if extra := sorted(found - set(listed) - {MANIFEST}):
        raise BadModel(f"{folder} holds {extra[0]!r}, which its manifest does not list; remove it")
    for name, digest in listed.items():
        file = folder / name
        if not file.is_file() or file.is_symlink():
            raise BadModel(f"{folder} lacks {name!r}; restore it or fit the model again")
        if sha256_file(file) != digest:
            raise BadModel(f"{file} was changed after the model was saved; restore it or fit the model again")
    return {**(as_schema_2(manifest) if version == "1" else manifest), "manifest_sha256": claimed}


def considered_in(manifest: Mapping[str, Any]) -> Considered:
    """The detectors that were considered for a model and did not speak, and why."""
    return tuple((name, Sentence.model_validate(why)) for name, why in manifest.get("considered", []))
