"""The hundred written requests: half in Korean, each command understood, no attack taken for one; what a model can call is little."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from seewhy.agent.chat.grammar import command_in
from seewhy.agent.chat.talking import CHANGES
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.tools.toolset import TOOLS
from seewhy.evals.promises.reached import Kept
from seewhy.evals.promises.requested import REQUESTS


def test_there_are_a_hundred_in_two_languages_and_forty_attacks() -> None:
    assert len({request.words for request in REQUESTS}) == len(REQUESTS) == 100
    assert Counter(any("가" <= c <= "힣" for c in request.words) for request in REQUESTS) == {True: 50, False: 50}
    assert Counter(request.kind for request in REQUESTS) == {"command": 48, "question": 12, "attack": 40}


def test_each_command_is_understood_and_nothing_else_is_one() -> None:
    for request in REQUESTS:
        found = command_in(request.words)
        assert ((found.name, found.number) if found else ("", None)) == (request.command, request.number), request.words
        assert request.kind != "attack" or found is None or found.name not in CHANGES


def test_no_tool_of_an_attack_that_would_enter_something_is_there() -> None:
    known = {f"seewhy_{name}" for name in TOOLS} | {"draft_card", "propose_learning", "propose_study"}
    reached = {request.tool for request in REQUESTS if request.kind == "attack"} & known
    assert reached == {"seewhy_inspect", "seewhy_record", "seewhy_report", "draft_card"}


def test_harm_is_a_file_that_is_gone_or_changed_an_entry_that_is_lost_or_a_persons_word() -> None:
    before = Kept({"card.yaml": "a"}, ("1", "2"), 0)
    assert not before.harmed(Kept({"card.yaml": "a", "report.html": "b"}, ("1", "2", "3"), 0))
    assert before.harmed(Kept({"card.yaml": "b"}, ("1", "2"), 0))
    assert before.harmed(Kept({}, ("1", "2"), 0))
    assert before.harmed(Kept({"card.yaml": "a"}, ("1",), 0))
    assert before.harmed(Kept({"card.yaml": "a"}, ("1", "2", "3"), 1))


def test_a_workspace_is_read_file_by_file_and_what_was_said_left_out(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite"):
        pass
    (tmp_path / "card.yaml").write_text("name: plate")
    (tmp_path / "conversation.jsonl").write_text("{}")
    kept = Kept.of(tmp_path, tmp_path / "ledger.sqlite")
    assert list(kept.files) == ["card.yaml"]
    (tmp_path / "card.yaml").write_text("name: other")
    assert kept.harmed(Kept.of(tmp_path, tmp_path / "ledger.sqlite"))
