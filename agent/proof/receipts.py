"""A receipt: one entry's place in a ledger, signed, in the form that other software reads (COSE Receipts, RFC 9942; SCITT, RFC 9943).

It is a COSE_Sign1 (RFC 9052) over the root of the tree over the entries, detached, with the path that leads there from the entry's leaf
(RFC9162_SHA256). The leaf's bytes are the entry's chain hash, which the receipt names as its subject; the issuer is the signer's name.
A path of one tree may fit another size, so the number of entries is among the claims that are signed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.agent.ledger.checkpoint import PublicKey
from seewhy.agent.ledger.nodes import leaf_of
from seewhy.agent.ledger.store import Ledger, Row
from seewhy.agent.ledger.tree import inclusion_path, root, root_above
from seewhy.agent.ledger.verification import Verification
from seewhy.errors import BadData, LedgerDamaged, MissingExtra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

START = b"\xd2\x84"  # tag 18, an array of four: every COSE_Sign1 begins so
SIGN1 = 18
ALGORITHM, KEY_ID, CLAIMS, STRUCTURE, PROOFS = 1, 4, 15, 395, 396  # labels of headers (IANA, COSE)
ISSUER, SUBJECT, ISSUED_AT, SIZE = 1, 2, 6, "tree-size"  # labels of claims (RFC 8392), the last one our own
EDDSA, RFC9162_SHA256, INCLUSION = -8, 1, -1
MOST_BYTES = 16_384  # of a receipt; one in a ledger of a billion entries has 1,300
HASH = re.compile("sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says.

    Attributes:
        entry_sha256: of the entry that it is for.
        index: the entry's place, from 0.
        size: entries of the tree.
        path: hashes from the leaf to the root.
        issuer: name of who signed.
        issued_at: by the signer's clock, ISO 8601, UTC.
        root: that the path leads to, 32 bytes.
        size_signed: whether `size` is among the claims.
    """

    entry_sha256: str
    index: int
    size: int
    path: tuple[bytes, ...]
    issuer: str
    issued_at: str
    root: bytes
    size_signed: bool


def receipt(ledger: Ledger, row: Row, name: str, private: Ed25519PrivateKey, issued_at: datetime) -> bytes:
    """Make one, over the ledger as it is.

    Args:
        ledger: that holds the entry.
        row: the entry.
        name: the signer's.
        private: their key.
        issued_at: now, by the signer's clock.

    Raises:
        MissingExtra: the package that writes CBOR isn't installed.
        LedgerDamaged: the file lacks a part of its tree.
    """
    head = ledger.checkpoint
    key = PublicKey(name, private.public_key().public_bytes_raw())
    claims = {ISSUER: name, SUBJECT: f"sha256:{row.hash}", ISSUED_AT: int(issued_at.timestamp()), SIZE: head.size}
    protected = _encoded({ALGORITHM: EDDSA, KEY_ID: key.id, CLAIMS: claims, STRUCTURE: RFC9162_SHA256})
    path = inclusion_path(row.seq - 1, head.size, ledger.subtree)
    proof = _encoded([head.size, row.seq - 1, path])
    signature = private.sign(_signed_over(protected, head.root))
    return _message(protected, {PROOFS: {INCLUSION: [proof]}}, signature)


def check_receipt(file: Path, by: PublicKey | None = None, ledger: Path | None = None) -> Verification:
    """Check one, without the ledger or against it.

    Args:
        file: the receipt.
        by: who must have signed it; None checks no signature, and the notes say so.
        ledger: its file; it must be intact, hold the entry at that place, and have had that root.

    Raises:
        BadData: the file can't be read.
        LedgerError: the ledger can't be read.
        MissingExtra: the packages that read and check it aren't installed.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadData(f"{file} can't be read ({error.strerror or error})") from error
    try:
        found = opened_receipt(data, by)
        notes = _notes(found, by, ledger)
        if ledger is not None:
            _check_against(found, ledger)
    except BadData as error:
        return Verification(0, "", None, str(error))
    return Verification(found.size, found.entry_sha256, None, "", notes)


def opened_receipt(data: bytes, by: PublicKey | None) -> Receipt:
    """What a receipt says, its signature checked.

    Args:
        data: its bytes.
        by: whose signature it must bear; None reads it without.

    Raises:
        BadData: it is no receipt of an entry, or not signed by that key.
        MissingExtra: the packages that read and check it aren't installed.
    """
    if len(data) > MOST_BYTES:
        raise BadData(f"a receipt has no more than {MOST_BYTES} bytes")
    try:
        protected, proofs, signature = _parts(data)
        headers, (proof,) = _decoded(protected), proofs[PROOFS][INCLUSION]
        size, index, path = _decoded(proof)
        if (
            headers[ALGORITHM] != EDDSA
            or headers[STRUCTURE] != RFC9162_SHA256
            or set(proofs) != {PROOFS}
            or set(proofs[PROOFS]) != {INCLUSION}
        ):
            raise ValueError("another algorithm, another tree or more than one proof")
        claims = headers[CLAIMS]
        digest = HASH.fullmatch(claims[SUBJECT])
        top = None if digest is None else root_above(leaf_of(digest[1]), index, size, _hashes(path))
        if digest is None or top is None or claims.get(SIZE, size) != size:
            raise ValueError("its path is of another tree")
        at = datetime.fromtimestamp(claims[ISSUED_AT], UTC).isoformat()
        found = Receipt(digest[1], index, size, tuple(path), str(claims[ISSUER]), at, top, SIZE in claims)
    except (ValueError, TypeError, LookupError, OverflowError, OSError, LedgerDamaged) as error:
        raise BadData("this is no receipt of an entry, or it was changed; `seewhy receipt` makes one") from error
    if by is not None:
        _check_signature(protected, signature, found, by, headers.get(KEY_ID))
    return found


def _check_signature(protected: bytes, signature: bytes, found: Receipt, by: PublicKey, key_id: object) -> None:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError as error:
        raise MissingExtra("a signature", "sign") from error
    if key_id != by.id or found.issuer != by.name:
        raise BadData(f"it is not signed by {by.name} ({by.id.hex()}), but by {found.issuer}")
    try:
        Ed25519PublicKey.from_public_bytes(by.key).verify(signature, _signed_over(protected, found.root))
    except InvalidSignature as error:
        raise BadData(f"the signature of {by.name} is not over the root that this path leads to: the receipt was changed") from error


def _check_against(found: Receipt, path: Path) -> None:
    with Ledger(path, read_only=True) as book:
        whole = book.verify()
        if not whole.intact:
            raise BadData(f"the ledger is not intact: {whole.problem}")
        if book.head[0] < found.size:
            raise BadData(f"the ledger has {book.head[0]} entries and the receipt is of {found.size}: its end was cut off")
        if root(found.size, book.subtree) != found.root or book.found("seq = ?", (found.index + 1,))[0].hash != found.entry_sha256:
            raise BadData("the ledger was written anew since: its entries are not those that the receipt was signed over")


def _notes(found: Receipt, by: PublicKey | None, ledger: Path | None) -> tuple[str, ...]:
    what = f"entry {found.index + 1} of {found.size}, SHA-256 {found.entry_sha256}, issued by {found.issuer} at {found.issued_at}"
    if not found.size_signed:
        what += "; others than seewhy made it, and didn't sign the number of entries"
    whose = () if by is not None else ("whose signature it bears was not checked (--public-key)",)
    asked = () if ledger is not None else ("the ledger was not asked (--ledger)",)
    return (what, *whose, *asked)


def _hashes(path: Any) -> Sequence[bytes]:
    if not isinstance(path, list | tuple) or not all(isinstance(step, bytes) and len(step) == 32 for step in path):
        raise ValueError(path)
    return path


def _signed_over(protected: bytes, top: bytes) -> bytes:
    """The Sig_structure (RFC 9052, section 4.4)."""
    return _encoded(["Signature1", protected, b"", top])


def _message(protected: bytes, unprotected: dict[int, Any], signature: bytes) -> bytes:
    import cbor2

    return _encoded(cbor2.CBORTag(SIGN1, [protected, unprotected, None, signature]))


def _parts(data: bytes) -> tuple[bytes, dict[int, Any], bytes]:
    """(protected headers, unprotected ones, signature); the payload is detached."""
    import cbor2

    whole = _decoded(data)
    if not isinstance(whole, cbor2.CBORTag) or whole.tag != SIGN1:
        raise ValueError(whole)
    protected, unprotected, payload, signature = whole.value
    if payload is not None or not isinstance(protected, bytes) or not isinstance(signature, bytes):
        raise ValueError(payload)
    return protected, dict(unprotected), signature


def _encoded(value: object) -> bytes:
    """CBOR in its deterministic form (RFC 8949, section 4.2.1)."""
    try:
        import cbor2
    except ModuleNotFoundError as error:
        raise MissingExtra("a receipt", "sign") from error
    return cbor2.dumps(value, canonical=True)


def _decoded(data: bytes) -> Any:
    """What CBOR says; ValueError where it says so in more bytes than it needs, so that none can be changed without a meaning."""
    try:
        import cbor2
    except ModuleNotFoundError as error:
        raise MissingExtra("a receipt", "sign") from error
    try:
        value = cbor2.loads(data)
    except cbor2.CBORError as error:
        raise ValueError(str(error)) from error
    if cbor2.dumps(value) != data:
        raise ValueError("not in the preferred serialization (RFC 8949, section 4.1)")
    return value
