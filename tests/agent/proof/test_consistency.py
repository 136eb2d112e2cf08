"""Two signed heads and the path between them show that a ledger only grew, without the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.helpers.ledgers import refusal

from seewhy.agent.ledger.checkpoint import Checkpoint, PublicKey, signed
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.proof.consistency import check_growth, growth_proof
from seewhy.canonical import canonical_json
from seewhy.errors import BadData

PRIVATE = Ed25519PrivateKey.generate()
WORKS = PublicKey("works", PRIVATE.public_key().public_bytes_raw())


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Checkpoint]]:
    """A ledger, and its head after each of its entries."""
    path = tmp_path_factory.mktemp("grown") / "book.sqlite"
    with Ledger(path) as book:
        found = [book.checkpoint]
        for number in range(13):
            book.append(refusal(f"{number}.png"))
            found.append(book.checkpoint)
    return path, found


def note(head: Checkpoint) -> str:
    return signed(head, "book.sqlite", "works", PRIVATE)


@pytest.fixture
def proof(heads: tuple[Path, list[Checkpoint]], tmp_path: Path) -> Path:
    """From the entry 6 to the entry 13."""
    path, found = heads
    with Ledger(path, read_only=True) as book:
        (tmp_path / "grown.json").write_bytes(growth_proof(book, note(found[6]), note(found[13])))
    return tmp_path / "grown.json"


def changed(proof: Path, **fields: object) -> None:
    proof.write_bytes(canonical_json(json.loads(proof.read_bytes()) | fields))


def test_every_two_heads_are_proved(heads: tuple[Path, list[Checkpoint]], tmp_path: Path) -> None:
    path, found = heads
    file = tmp_path / "grown.json"
    with Ledger(path, read_only=True) as book:
        for old in range(1, 14):
            for new in range(old, 14):
                file.write_bytes(growth_proof(book, note(found[old]), note(found[new])))
                checked = check_growth(file, WORKS, found[old])
                assert (checked.intact, checked.entries, checked.head) == (True, new, found[new].head), (old, new)


def test_a_false_proof_is_found(proof: Path, heads: tuple[Path, list[Checkpoint]]) -> None:
    whole, path, found = proof.read_bytes(), json.loads(proof.read_bytes())["path"], heads[1]
    rewritten = Checkpoint(13, b"\1" * 32, "f" * 64)
    for fields, said in (
        ({"path": [*path[:-1], "0" * 64]}, "its path doesn't lead"),
        ({"path": path[:-1]}, "its path doesn't lead"),
        ({"new": note(rewritten)}, "its path doesn't lead"),
        ({"new": note(found[12])}, "its path doesn't lead"),
        ({"old": note(found[7])}, "begins with another head"),
        ({"new": note(found[13]).replace("\n13\n", "\n14\n")}, "is not over this text"),
        ({"new": signed(found[13], "book", "works", Ed25519PrivateKey.generate())}, "not signed by works"),
        ({"path": ["xy"]}, "no proof that a ledger only grew"),
        ({"path": None}, "no proof that a ledger only grew"),
        ({"old": 7}, "no proof that a ledger only grew"),
        ({"format": "seewhy-consistency-2"}, "of a newer seewhy"),
    ):
        changed(proof, **fields)
        checked = check_growth(proof, WORKS, found[6])
        assert said in checked.problem, fields
        proof.write_bytes(whole)
    for at in range(0, len(whole), 7):
        data = bytearray(whole)
        data[at] ^= 1
        proof.write_bytes(data)
        assert not check_growth(proof, WORKS, found[6]).intact, at


def test_no_proof_is_made_of_what_was_not_so(heads: tuple[Path, list[Checkpoint]], tmp_path: Path) -> None:
    path, found = heads
    with Ledger(path, read_only=True) as book:
        for old, new in ((13, 6), (6, 13)):
            other = found[old] if old > new else Checkpoint(6, b"\1" * 32, "f" * 64)
            with pytest.raises(BadData, match="its end was cut off or it was written anew"):
                growth_proof(book, note(other), note(found[new]))
        with pytest.raises(BadData, match="of an empty ledger"):
            growth_proof(book, note(found[0]), note(found[13]))
        with pytest.raises(BadData, match="no checkpoint"):
            growth_proof(book, "hello", note(found[13]))
    with pytest.raises(BadData, match="can't be read"):
        check_growth(tmp_path / "none.json")
