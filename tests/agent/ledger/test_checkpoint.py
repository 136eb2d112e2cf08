"""Signed heads: published notes, keys, and what a ledger's owner can no longer do unseen."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.helpers.ledgers import old_ledger, refusal

from seewhy.agent.ledger.chain import Stored, hash_of
from seewhy.agent.ledger.checkpoint import Checkpoint, PublicKey, check_note, make_key, opened, public_key, read_key, signed
from seewhy.agent.ledger.nodes import plant
from seewhy.agent.ledger.schema import GENESIS, empty_ledger
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.errors import BadData, NotWritten

# golang.org/x/mod/sumdb/note, the example of its documentation
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_published_note_is_signed_by_whom_it_says() -> None:
    key = public_key(PETER)
    assert str(key) == PETER
    check_note(NOTE, key)
    with pytest.raises(BadData, match="is not over this text"):
        check_note(NOTE.replace("answer", "question"), key)
    with pytest.raises(BadData, match="not signed by Ada"):
        check_note(NOTE, PublicKey("Ada", key.key))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_key(tmp_path / "key.pem", "works.example", "open sesame")
    return tmp_path / "key.pem"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "book.sqlite"
    with Ledger(path) as book:
        for number in range(11):
            book.append(refusal(f"{number}.png"))
    return path


def head_of(ledger: Path, key: Path) -> Checkpoint:
    """As somebody else keeps it: signed, and read again with the public key."""
    name, private = read_key(key, "open sesame")
    with Ledger(ledger, read_only=True) as book:
        note = signed(book.checkpoint, "book.sqlite", name, private)
    origin, found = opened(note, public_key(key.with_name("key.pem.pub").read_text()))
    assert origin == "book.sqlite"
    return found


def rewritten(ledger: Path, change: str) -> None:
    """What an owner with patience can do: everything from the changed entry on is chained, and the tree planted, anew."""
    db = sqlite3.connect(ledger)
    rows = [Stored(*row) for row in db.execute(f"SELECT {', '.join(Stored._fields)} FROM entries ORDER BY seq")]
    db.close()
    ledger.write_bytes(empty_ledger())
    db, prev = sqlite3.connect(ledger, isolation_level=None), GENESIS
    db.execute("BEGIN")
    for row in rows:
        body = row.body.replace('"message":"m"', f'"message":"{change}"') if row.seq == 5 else row.body
        new = row._replace(body=body, prev=prev, hash="")
        new = new._replace(hash=hash_of(new))
        db.execute(f"INSERT INTO entries VALUES ({', '.join('?' * len(new))})", new)
        db.execute("UPDATE head SET entries = ?, hash = ?", (new.seq, new.hash))
        prev = new.hash
    plant(db)
    db.execute("COMMIT")
    db.close()


def test_a_ledger_that_goes_on_is_still_the_one_that_was_signed(ledger: Path, key: Path) -> None:
    noted = head_of(ledger, key)
    with Ledger(ledger) as book:
        book.append(refusal("more.png"))
    assert verify(ledger, checkpoint=noted).intact


def test_a_rewritten_and_rehashed_ledger_is_found(ledger: Path, key: Path) -> None:
    noted = head_of(ledger, key)
    rewritten(ledger, "another")
    assert verify(ledger).intact  # within itself nothing shows
    assert "was written anew" in verify(ledger, checkpoint=noted).problem


def test_a_deleted_tail_is_found(ledger: Path, key: Path, tmp_path: Path) -> None:
    shorter = Path(shutil.copy(ledger, tmp_path / "shorter.sqlite"))
    with Ledger(ledger) as book:
        book.append(refusal("last.png"))
    noted = head_of(ledger, key)
    assert verify(shorter).intact
    assert "its end was cut off" in verify(shorter, checkpoint=noted).problem


def test_keys_are_refused_that_won_t_do(key: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="wrong passphrase"):
        read_key(key, "open barley")
    with pytest.raises(BadData, match="wrong passphrase"):
        read_key(key, "")
    with pytest.raises(BadData, match="can't be read"):
        read_key(tmp_path / "none.pem", "x")
    with pytest.raises(NotWritten, match="was left as it is"):
        make_key(key, "works.example", "x")
    with pytest.raises(BadData, match="needs a passphrase"):
        make_key(tmp_path / "new.pem", "works.example", "")
    with pytest.raises(BadData, match="no blanks"):
        make_key(tmp_path / "new.pem", "our works", "x")
    make_key(tmp_path / "other.pem", "works.example", "open sesame")
    shutil.copy(tmp_path / "other.pem.pub", f"{key}.pub")
    with pytest.raises(BadData, match="of another one"):
        read_key(key, "open sesame")
    assert key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "a+b+c", f"{PETER[:-4]}AAAA", PETER.replace("+A", "+B"), PETER.replace("c74f", "c74e")])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(BadData, match="no public key"):
        public_key(text)


@pytest.mark.parametrize("change", [("book", "booc"), ("\n11\n", "\n12\n"), ("head ", "heap "), ("\n11\n", "\n011\n")])
def test_a_changed_checkpoint_is_refused(ledger: Path, key: Path, change: tuple[str, str]) -> None:
    name, private = read_key(key, "open sesame")
    with Ledger(ledger, read_only=True) as book:
        note = signed(book.checkpoint, "book.sqlite", name, private)
    own = public_key(key.with_name("key.pem.pub").read_text())
    with pytest.raises(BadData):
        opened(note.replace(*change), own)
    forged = signed(Checkpoint(11, b"\0" * 32, "f" * 64), "book.sqlite", name, Ed25519PrivateKey.generate())
    with pytest.raises(BadData):
        opened(forged, own)
    for broken in ("", "one line", "a\nx\ny\nhead z\n", "a\n1\n!\nhead z\n\n— b c\n"):
        with pytest.raises(BadData, match="no checkpoint"):
            opened(broken, None)


def test_a_ledger_of_version_1_gets_its_tree_when_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    old_ledger(path, 13).close()
    with Ledger(path, read_only=True) as book:
        before = book.checkpoint
    with Ledger(path) as book:
        assert book.checkpoint == before
        book.append(refusal("new.png"))
        assert book.verify(checkpoint=before).intact
        assert book.head[0] == 14
