"""Proofs by command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.helpers import TESTS
from typer.testing import CliRunner

from seewhy.cli import app
from seewhy.errors import BadData

PHOTOS = TESTS / "golden" / "schema1" / "photos" / "plate"
BY = ("--by", "Park", "--role", "manager", "--why", "policy 4.2")


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEEWHY_KEY_PASSPHRASE", "open sesame")
    return Path(shutil.copy(TESTS / "golden" / "schema1" / "ledger.sqlite", tmp_path / "book.sqlite"))


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def test_a_signed_head_and_what_it_finds(book: Path, tmp_path: Path) -> None:
    key, note = tmp_path / "key.pem", tmp_path / "head.txt"
    facts = json.loads(run("checkpoint", book, "--key", key, "--new-key", "works", "--out", note, "--json"))
    assert (facts["entries"], facts["signed_by"], facts["note"]) == (10, "works", note.read_text())
    checked = ("--checkpoint", note, "--public-key", f"{key}.pub")
    assert "intact" in run("verify", book, *checked)
    other = tmp_path / "other.sqlite"
    run("release", other, "--roles", roles(tmp_path), *BY)
    assert "its end was cut off" in run("verify", other, *checked, code=1)
    note.write_text(note.read_text().replace("\n10\n", "\n1\n"))
    with pytest.raises(BadData, match="not over this text"):
        run("verify", other, *checked)


def test_month_to_month_is_proved_without_the_ledger(book: Path, tmp_path: Path) -> None:
    key, november, december, proof = (tmp_path / name for name in ("key.pem", "november.txt", "december.txt", "grown.json"))
    run("checkpoint", book, "--key", key, "--new-key", "works", "--out", november)
    run("hold", book, "--lot", "A", *BY)
    run("checkpoint", book, "--key", key, "--out", december, "--since", november, "--proof", proof)
    assert "begins with the 10 entries of the earlier head" in run("verify", proof, "--public-key", f"{key}.pub", "--checkpoint", november)
    assert "was not checked (--public-key)" in run("verify", proof)
    assert "begins with another head" in run("verify", proof, "--checkpoint", december, code=1)
    with pytest.raises(BadData, match="both of them"):
        run("checkpoint", book, "--key", key, "--since", november)


def roles(folder: Path) -> Path:
    path = folder / "roles.yaml"
    path.write_text("people: {Park: manager}\nroles: {manager: [release, hold, erasure]}\n")
    return path


def test_a_bundle_is_made_and_checked(book: Path, tmp_path: Path) -> None:
    zipped, key = tmp_path / "part.zip", tmp_path / "key.pem"
    run("checkpoint", book, "--key", key, "--new-key", "works")
    facts = json.loads(run("bundle", book, "--part", "stain.png", "--lot", "A", "--photos", PHOTOS, "--key", key, "-o", zipped, "--json"))
    assert facts["entries"] > 0
    assert "of the 10 entries" in run("verify", zipped, "--public-key", f"{key}.pub")
    zipped.write_bytes(zipped.read_bytes().replace(b'"kind"', b'"Kind"', 1))
    assert json.loads(run("verify", zipped, "--json", code=1))["intact"] is False
    with pytest.raises(BadData, match=r"--lot or of a --part"):
        run("bundle", book, "-o", tmp_path / "none.zip")


@pytest.mark.slow
def test_a_document_is_checked_against_its_ledger(book: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.html"
    run("report", book, "--lot", "B", "-o", out)
    assert "made at the ledger's head" in run("verify", out)
    assert json.loads(run("verify", out, "--ledger", book, "--json"))["intact"] is True
    out.write_text(out.read_text().replace("oil stain", "oil strain"))
    assert "oil strain" in run("verify", out, "--ledger", book, code=1)


def test_holding_and_erasing(book: Path) -> None:
    run("hold", book, "--lot", "A", "--part", "stain.png", *BY)
    assert "erased" in run("erase", book, "--older-than-days", 0, *BY)
    assert "nothing is old enough" in run("erase", book, "--older-than-days", 0, *BY)
    assert "intact" in run("verify", book)
    with pytest.raises(BadData, match="hold takes"):
        run("hold", book, *BY)
    held = json.loads(run("hold", book, "--lot", "B", *BY, "--json"))["seq"]
    assert json.loads(run("hold", book, "--lift", held, *BY, "--json"))["kind"] == "withdrawal"
