"""Receipts: others' software reads ours, we read others', and nothing in one can be changed unseen."""

from __future__ import annotations

import random
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import cbor2
import pytest
import scitt_cose
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.helpers.ledgers import refusal
from typer.testing import CliRunner

from seewhy.agent.ledger.checkpoint import PublicKey, make_key
from seewhy.agent.ledger.store import Ledger, Row
from seewhy.agent.proof.receipts import check_receipt, opened_receipt, receipt
from seewhy.cli import app
from seewhy.errors import BadData

PRIVATE, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
WORKS = PublicKey("works", PRIVATE.public_key().public_bytes_raw())
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
AT = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
SIZE = 13


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    with Ledger(tmp_path / "book.sqlite") as book:
        for number in range(SIZE):
            book.append(refusal(f"{number}.png"))
    return tmp_path / "book.sqlite"


def rows_of(ledger: Path) -> list[Row]:
    with Ledger(ledger, read_only=True) as book:
        return list(book.rows())


def made(ledger: Path, number: int, private: Ed25519PrivateKey = PRIVATE, name: str = "works") -> Path:
    with Ledger(ledger, read_only=True) as book:
        data = receipt(book, book.found("seq = ?", (number,))[0], name, private, AT)
    path = ledger.with_name(f"{number}.cose")
    path.write_bytes(data)
    return path


def test_a_published_library_verifies_our_receipts_of_every_entry(ledger: Path) -> None:
    for row in rows_of(ledger):
        data = made(ledger, row.seq).read_bytes()
        theirs = scitt_cose.verify_receipt(data, leaf_entry_hex=row.hash, log_public_key_pem=PEM)
        assert theirs.ok, theirs.errors
        assert (theirs.tree_size, theirs.leaf_index, theirs.issuer, theirs.subject) == (SIZE, row.seq - 1, "works", f"sha256:{row.hash}")
        other = rows_of(ledger)[row.seq % SIZE].hash
        assert not scitt_cose.verify_receipt(data, leaf_entry_hex=other, log_public_key_pem=PEM).ok


def test_we_verify_receipts_that_a_published_library_made(ledger: Path, tmp_path: Path) -> None:
    hashes = [row.hash for row in rows_of(ledger)]
    key = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for index, digest in enumerate(hashes):
        data = scitt_cose.build_receipt(
            leaf_entry_hex=digest,
            leaf_index=index,
            tree_entries_hex=hashes,
            alg="EdDSA",
            log_private_key_pem=key,
            iss="works",
            sub=f"sha256:{digest}",
            kid=WORKS.id,
            iat=int(AT.timestamp()),
        )
        (tmp_path / "theirs.cose").write_bytes(data)
        found = check_receipt(tmp_path / "theirs.cose", WORKS, ledger)
        assert found.intact, found.problem
        assert opened_receipt(data, WORKS).index == index


def test_no_byte_of_a_receipt_can_be_changed(ledger: Path) -> None:
    path = made(ledger, 5)
    whole, chance = path.read_bytes(), random.Random(1)
    for at in range(len(whole)):
        data = bytearray(whole)
        data[at] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        found = check_receipt(path, WORKS)
        assert not found.intact, at
        assert found.problem
    for data in (whole + b"\0", whole[:-1], b"\xd2\x84", b"\xd2\x84" * 4000):
        path.write_bytes(data)
        assert not check_receipt(path, WORKS).intact


def test_a_forged_path_leads_to_no_root_that_was_signed(ledger: Path) -> None:
    path = made(ledger, 5)
    whole = cbor2.loads(path.read_bytes())
    size, index, steps = cbor2.loads(whole.value[1][396][-1][0])
    for proof in ([size, index, [bytes(32), *steps[1:]]], [size, index + 1, steps], [size + 1, index, steps], [size, index, steps[:-1]]):
        protected, _, payload, signature = whole.value
        path.write_bytes(cbor2.dumps(cbor2.CBORTag(18, [protected, {396: {-1: [cbor2.dumps(proof)]}}, payload, signature])))
        assert not check_receipt(path, WORKS).intact, proof


def test_another_signer_is_named(ledger: Path) -> None:
    for private, name in ((OTHER, "works"), (PRIVATE, "somebody")):
        assert "not signed by works" in check_receipt(made(ledger, 2, private, name), WORKS).problem
    assert "was not checked" in " ".join(check_receipt(made(ledger, 2)).notes)


def test_a_ledger_that_was_cut_off_or_written_anew_is_found(ledger: Path, tmp_path: Path) -> None:
    path = made(ledger, 3)
    with Ledger(ledger) as book:
        book.append(refusal("later.png"))
    assert check_receipt(path, WORKS, ledger).intact
    short, other = tmp_path / "short.sqlite", tmp_path / "other.sqlite"
    for place, count, start in ((short, SIZE - 1, 0), (other, SIZE, 1)):
        with Ledger(place) as book:
            for number in range(count):
                book.append(refusal(f"{start + number}.png"))
    assert "cut off" in check_receipt(path, WORKS, short).problem
    assert "written anew" in check_receipt(path, WORKS, other).problem
    with sqlite3.connect(ledger) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE entries SET photo = 'x' WHERE seq = 9")
    db.close()
    assert "not intact" in check_receipt(path, WORKS, ledger).problem


def test_the_command_makes_and_checks_one(ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEWHY_KEY_PASSPHRASE", "open sesame")
    make_key(tmp_path / "key.pem", "works", "open sesame")
    digest, run = rows_of(ledger)[3].hash, CliRunner()
    result = run.invoke(app, ["receipt", str(ledger), digest[:12], "--key", str(tmp_path / "key.pem"), "--out", str(tmp_path / "r.cose")])
    assert result.exit_code == 0, result.output
    checked = run.invoke(app, ["verify", str(tmp_path / "r.cose"), "--public-key", str(tmp_path / "key.pem.pub"), "--ledger", str(ledger)])
    assert checked.exit_code == 0, checked.output
    assert f"entry 4 of {SIZE}, SHA-256 {digest}" in checked.output.replace("\n", " ")
    with pytest.raises(BadData, match="can't be read"):
        check_receipt(tmp_path / "none.cose")
