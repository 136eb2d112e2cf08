"""A signed head of a ledger: who has it finds a tail that was cut off and a ledger that was written anew.

The text is a C2SP tlog-checkpoint in a C2SP signed note (c2sp.org/tlog-checkpoint, c2sp.org/signed-note), as transparency logs publish
it; the chain's hash is its extension line. The signature is Ed25519 (RFC 8032).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seewhy.disk import new_file
from seewhy.errors import BadData, MissingExtra, NotWritten

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\1"  # the algorithm's byte in a C2SP key
MOST_SIZE_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed: how many entries there are, the root of the tree over them, the last one's hash."""

    size: int
    root: bytes  # 32 bytes
    head: str  # of the chain

    def text(self, origin: str) -> str:
        """The text that is signed.

        Args:
            origin: the ledger's name, a line that others don't use.
        """
        return f"{origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\nhead {self.head}\n"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signs, as a C2SP verifier key: name+hash+key."""

    name: str
    key: bytes  # 32 bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, algorithm and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.key).decode()}"


def public_key(text: str) -> PublicKey:
    """Read a verifier key.

    Raises:
        BadData: it is none, or not of Ed25519.
    """
    try:
        name, digest, coded = text.strip().split("+", 2)
        data = base64.b64decode(coded, validate=True)
        key = PublicKey(name, data[1:])
        if len(data) != 33 or data[:1] != ED25519 or key.id.hex() != digest:
            raise ValueError
    except ValueError as error:
        raise BadData("this is no public key of Ed25519 (name+hash+key, as `seewhy key` writes it)") from error
    return key


def signed(checkpoint: Checkpoint, origin: str, name: str, private: Ed25519PrivateKey) -> str:
    """The checkpoint as a signed note.

    Args:
        checkpoint: of a ledger.
        origin: the ledger's name.
        name: the signer's.
        private: their key.
    """
    text = checkpoint.text(origin)
    key = PublicKey(name, private.public_key().public_bytes_raw())
    return f"{text}\n— {name} {base64.b64encode(key.id + private.sign(text.encode())).decode()}\n"


def opened(note: str, by: PublicKey | None) -> tuple[str, Checkpoint]:
    """(origin, checkpoint) of a signed note, its signature checked.

    Args:
        note: its text.
        by: whose signature it must bear; None reads it without, for whoever trusts the place where it was kept.

    Raises:
        BadData: it is no checkpoint, or is not signed by that key.
    """
    if by is not None:
        check_note(note, by)
    try:
        text = note.partition("\n\n")[0] + "\n"
        origin, size, root, *more = text.splitlines()
        head = next(line.removeprefix("head ") for line in more if line.startswith("head "))
        if not size.isdecimal() or len(size) > MOST_SIZE_DIGITS or str(int(size)) != size:
            raise ValueError(size)
        found = Checkpoint(int(size), base64.b64decode(root, validate=True), head)
    except (ValueError, StopIteration) as error:
        raise BadData("this is no checkpoint of a ledger; `seewhy checkpoint` makes one") from error
    return origin, found


def check_note(note: str, by: PublicKey) -> None:
    """Check a signed note's signature by one key.

    Raises:
        BadData: it has none of that key, or one that isn't of this text.
        MissingExtra: the package that checks signatures isn't installed.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError as error:
        raise MissingExtra("a signature", "sign") from error
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        name, _, coded = line.removeprefix("— ").rpartition(" ")
        try:
            data = base64.b64decode(coded, validate=True)
        except binascii.Error:
            continue
        if line.startswith("— ") and name == by.name and data[:4] == by.id:
            try:
                return Ed25519PublicKey.from_public_bytes(by.key).verify(data[4:], f"{text}\n".encode())
            except InvalidSignature as error:
                raise BadData(f"the signature of {by.name} is not over this text: it was changed") from error
    raise BadData(f"it is not signed by {by.name} ({by.id.hex()})")


def make_key(path: Path, name: str, passphrase: str) -> PublicKey:
    """Make a new private key, encrypted (PKCS#8, PEM), and its public key beside it (`.pub`).

    Args:
        path: where the private key goes; nothing may be there.
        name: the signer's, without blanks and "+".
        passphrase: that protects it; it can't be empty.

    Raises:
        BadData: the name or the passphrase won't do.
        NotWritten: something is there, or the place can't be written.
        MissingExtra: the package that signs isn't installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
    except ModuleNotFoundError as error:
        raise MissingExtra("a key", "sign") from error
    if not name or any(c.isspace() or c == "+" for c in name):
        raise BadData("a signer's name has no blanks and no +")
    if not passphrase:
        raise BadData("a key needs a passphrase; set SEEWHY_KEY_PASSPHRASE")
    private = Ed25519PrivateKey.generate()
    public = PublicKey(name, private.public_key().public_bytes_raw())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))
    try:
        with new_file(path) as fresh, new_file(path.with_name(f"{path.name}.pub")) as beside:
            fresh.touch(mode=0o600)
            fresh.write_bytes(pem)
            beside.write_text(f"{public}\n", encoding="utf-8")
    except FileExistsError as error:
        raise NotWritten(path, "a key of that name is there, and was left as it is") from error
    return public


def read_key(path: Path, passphrase: str) -> tuple[str, Ed25519PrivateKey]:
    """(signer's name, private key) of what `make_key` wrote.

    Raises:
        BadData: it isn't there, the passphrase is wrong, or it isn't an Ed25519 key.
        MissingExtra: the package that signs isn't installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ModuleNotFoundError as error:
        raise MissingExtra("a signature", "sign") from error
    try:
        private = load_pem_private_key(path.read_bytes(), passphrase.encode() or None)
        public = public_key(path.with_name(f"{path.name}.pub").read_text(encoding="utf-8"))
    except OSError as error:
        raise BadData(f"the key {error.filename} can't be read ({error.strerror})") from error
    except (ValueError, TypeError) as error:
        raise BadData(f"{path} can't be opened: a wrong passphrase (SEEWHY_KEY_PASSPHRASE), or no key in PEM") from error
    if not isinstance(private, Ed25519PrivateKey) or private.public_key().public_bytes_raw() != public.key:
        raise BadData(f"{path} is no Ed25519 key, or {path.name}.pub beside it is of another one")
    return public.name, private
