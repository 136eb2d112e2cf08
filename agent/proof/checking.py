"""Whether a bundle is as it was written: by its own hashes, by its proofs, and against a head that was signed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from seewhy.agent.ledger.chain import Stored, hash_of
from seewhy.agent.ledger.checkpoint import PublicKey, opened, public_key
from seewhy.agent.ledger.nodes import leaf_of
from seewhy.agent.ledger.schema import GENESIS
from seewhy.agent.ledger.tree import included
from seewhy.agent.ledger.verification import Verification
from seewhy.agent.proof import archive
from seewhy.agent.proof.bundle import Head, described, named_in
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData, LedgerError
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
        files = archive.opened(path)
        _check_sums(files)
        head, rows = described(files)
        notes = _signed_by(files, head, by)
        for name in (n for n in files if n.startswith("report.")):
            check_seal(files[name])
    except BadData as error:
        return Verification(0, GENESIS, None, str(error))
    names = {name.rpartition("/")[2].partition(".")[0] for name in files}
    erased = {digest for row, _ in rows if row.kind == "erasure" for digest in json.loads(row.body).get("erased", ())}
    for row, proof in rows:
        problem = _problem(row, proof, head) or _lacks(row, names | erased)
        if problem:
            return Verification(len(rows), head.head, row.seq, problem)
    return Verification(len(rows), head.head, None, "", (f"{len(rows)} of the {head.entries} entries of the ledger", *notes))


def _check_sums(files: Mapping[str, bytes]) -> None:
    """`SHA256SUMS` lists every other file, as it is; what lies under a hash has that hash."""
    own = [f"{sha256_bytes(data)}  {name}" for name, data in files.items() if name != "SHA256SUMS"]
    listed = files.get("SHA256SUMS", b"").decode("utf-8", "replace").splitlines()
    if listed != own:
        first = next((b for a, b in zip(listed, own, strict=False) if a != b), "SHA256SUMS")
        raise BadData(f"{first.partition('  ')[2] or first} was changed, added or taken out")
    for name, data in files.items():
        folder, _, file = name.rpartition("/")
        if folder in ("evidence", "photos") and sha256_bytes(data) != file.partition(".")[0]:
            raise BadData(f"{name} was changed: it is not what lies under that hash")


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


def _problem(row: Stored, proof: list[bytes], head: Head) -> str:
    try:
        leaf = leaf_of(row.hash)
        if hash_of(row) != row.hash:
            return "it was changed after it was written"
        if not included(leaf, row.seq - 1, head.entries, proof, bytes.fromhex(head.root)):
            return "its proof doesn't lead to the ledger's root"
    except (LedgerError, TypeError, ValueError):
        return "it is no entry of a ledger"
    return ""


def _lacks(row: Stored, there: set[str]) -> str:
    lost = next((digest for digest, needed in named_in(row) if needed and digest not in there), None)
    return "" if lost is None else f"its picture {lost[:12]}… is missing"
