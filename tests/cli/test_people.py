"""People's commands: what they write, what they print, what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.ledgers import golden_record
from typer.testing import CliRunner

from seewhy.agent.ledger.store import Ledger
from seewhy.cli import app
from seewhy.errors import BadData

WHO = ("--by", "Kim", "--why", "seen under the lamp", "--role", "quality")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.sqlite"
    with Ledger(path) as ledger:
        for name in ("good-1.png", "stain.png"):
            ledger.append(golden_record(name))
    return path


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def told(*words: object) -> Any:
    return json.loads(run(*words, "--json"))


def test_a_part_from_review_to_approval(book: Path) -> None:
    assert told("review", book, "stain.png", "fail", *WHO)["opinion"] == "agree"
    assert "Kim (quality) disposes of it: use as is by concession, concession C-1. Reason: seen" in run(
        "dispose", book, "stain.png", "use_as_is", *WHO, "--concession", "C-1"
    )
    assert told("comment", book, "stain.png", *WHO)["kind"] == "comment"
    assert told("sign", book, "stain.png", "approval", *WHO)["meaning"] == "approval"
    found = told("history", book, "stain.png")
    assert (found["machine"], found["verdict"], found["disposition"], found["approved_by"]) == ("fail", "fail", "use_as_is", "Kim")
    assert [e["kind"] for e in found["entries"]] == ["inspection", "review", "disposition", "comment", "sign_off"]
    lines = run("history", book, "stain.png")
    assert "The machine says: fail." in lines and "approved_by: Kim" in lines
    last = found["entries"][-1]
    assert told("withdraw", book, last["seq"], *WHO)["refers_to"] == last["hash"]


def test_marks(book: Path) -> None:
    assert told("mark", book, "stain.png", *WHO, "--finding", 1, "--false-alarm")["kind"] == "false_alarm"
    assert told("mark", book, "stain.png", *WHO, "--finding", 1, "--box", "1,2,3,4")["region"]["box_px"] == [1, 2, 3, 4]
    assert told("mark", book, "good-1.png", *WHO, "--missed", "pit", "--box", "1,2,3,4", "--severity", "minor")["type"] == "pit"
    assert told("confirm", book, "stain.png", 1, "--type", "oil", "--by", "Kim")["type"] == "oil"


def test_releases_complaints_and_reviewers(book: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.yaml"
    card.write_text("name: plate\n")
    run("release", book, "--card", card, *WHO, "--approved-by", "Lee")
    assert "releases for plate: product card" in run("history", book, "--changes")
    run("complain", book, "C-9", "good-1.png", *WHO, "--customer", "Acme")
    assert told("history", book, "--complaints")["complaint"] == "C-9"
    run("review", book, "stain.png", "pass", *WHO)
    assert told("history", book, "--reviewers")[0]["overrule_rate"] == 1.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mark", "stain.png", *WHO, "--missed", "pit"), "give one region"),
        (("mark", "stain.png", *WHO, "--box", "1,2,3,4"), "--missed TYPE"),
        (("mark", "stain.png", *WHO, "--missed", "pit", "--box", "1,2,x,4"), "whole pixels"),
        (("release", *WHO), "one of --model"),
        (("history",), "takes a part"),
        (("review", "stain.png", "pass", "--by", "Kim", "--why", " "), "needs a reason"),
    ],
)
def test_what_the_commands_refuse(book: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadData, match=said):
        run(words[0], book, *words[1:])
