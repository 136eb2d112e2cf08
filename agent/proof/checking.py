"""Whether a bundle is as it was written: by its own hashes, by its proofs, and against a head that was signed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from seewhy.agent.ledger.chain import Stored
from seewhy.agent.ledger.checkpoint import PublicKey, opened, public_key
from seewhy.agent.ledger.schema import GENESIS
from seewhy.agent.ledger.verification import Verification
from seewhy.agent.proof import archive
from seewhy.agent.proof.bundle import Head, described, named_in
from seewhy.agent.proof.naming import concerned, unproved
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData
from seewhy.reports.seal import check_seal


def check_bundle(path: Path, by: PublicKey | None = None) -> Verification:
    """Check everything in a bundle; the first thing that is wrong is told, with the entry where it is one's.

    Args:
        path: the zip.
        by: whose signature its checkpoint must bear; None takes the key in the bundle, and the notes say so.

    Raises:
        MissingExtra: it is signed, and the package that checks signatures isn't installed.
    """
    try:
        files, changed = archive.read(path)
        file, problem = (changed, f"{path} is not as it was written: {changed}") if changed else _first_wrong(files)
        if problem:
            seq, place = concerned(file, files)
            return Verification(0, GENESIS, seq, f"{problem}{f' ({place})' if place else ''}", file=file)
        head, rows = described(files)
        notes = _signed_by(files, head, by)
    except BadData as error:
        return Verification(0, GENESIS, None, str(error))
    names = {name.rpartition("/")[2].partition(".")[0] for name in files}
    bad = next(((row, problem) for row, proof in rows if (problem := unproved(row, proof, head))), None) or _lacking(rows, names)
    if bad is not None:
        return Verification(len(rows), head.head, bad[0].seq, bad[1], file="bundle.json")
    return Verification(len(rows), head.head, None, "", (f"{len(rows)} of the {head.entries} entries of the ledger", *notes))


def _first_wrong(files: Mapping[str, bytes]) -> tuple[str, str]:
    """(name, what is wrong with it) of the first file that isn't what it should be by the sums, its own name or its seal."""
    own = [f"{sha256_bytes(data)}  {name}" for name, data in files.items() if name != "SHA256SUMS"]
    listed = files.get("SHA256SUMS", b"").decode("utf-8", "replace").splitlines()
    if listed != own:
        first = next((b for a, b in zip(listed, own, strict=False) if a != b), "SHA256SUMS")
        name = first.partition("  ")[2] or first
        return name, f"{name} was changed, added or taken out"
    for name, data in files.items():
        folder, _, file = name.rpartition("/")
        if folder in ("evidence", "photos") and sha256_bytes(data) != file.partition(".")[0]:
            return name, f"{name} was changed: it is not what lies under that hash"
        if name.startswith("report."):
            try:
                check_seal(data)
            except BadData as error:
                return name, f"{name}: {error}"
    return "", ""


def _signed_by(files: Mapping[str, bytes], head: Head, by: PublicKey | None) -> tuple[str, ...]:
    if "checkpoint.txt" not in files:
        if by is not None:
            raise BadData("it holds no signed checkpoint")
        return ("no signed checkpoint: compare the head with one noted elsewhere",)
    try:
        key = by or public_key(files.get("signer.pub", b"").decode())
        origin, found = opened(files["checkpoint.txt"].decode(), key)
    except UnicodeDecodeError as error:
        raise BadData("its checkpoint is no text") from error
    if (found.size, found.root.hex(), found.head) != (head.entries, head.root, head.head):
        raise BadData("its signed checkpoint is of another ledger")
    whose = "with the key that was given" if by is not None else "with the key in the bundle; compare that with one from them"
    return (f"head of {origin} signed by {key.name}, {whose}",)


def _lacking(rows: Sequence[tuple[Stored, list[bytes]]], names: set[str]) -> tuple[Stored, str] | None:
    """The first entry whose picture is missing and was not erased, with what to say of it."""
    erased = {digest for row, _ in rows if row.kind == "erasure" for digest in json.loads(row.body).get("erased", ())}
    for row, _ in rows:
        try:
            lost = next((digest for digest, needed in named_in(row) if needed and digest not in names | erased), None)
        except (AttributeError, KeyError, TypeError):
            return row, "it is no entry of a ledger"
        if lost is not None:
            return row, f"its picture {lost[:12]}… is missing"
    return None
