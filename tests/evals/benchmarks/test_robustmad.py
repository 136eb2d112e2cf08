"""RobustMAD's files, small: read, asked of a real HTTP server, scored strictly and as the benchmark does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.helpers.photos import noise
from tests.helpers.servers import speaking

from seewhy.errors import BadData
from seewhy.evals.benchmarks.robustmad import SHORT, ask, official, read_robustmad, strict
from seewhy.explainers.client import Client, Server

QUERY, REFERENCE = "MVTec-AD/bottle/test/cut/0.png", "MVTec-AD/bottle/test/good/0.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (QUERY, REFERENCE):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        Image.fromarray(noise(40, 60)).save(path)
    rows = [
        {"question_id": i, "robustness_category": category, "question": f"Question {i}?", "options": {"A": "x", "B": "y"}, "answer": "A"}
        for i, category in enumerate(SHORT, start=1)
    ]
    photo = {"image_path": QUERY, "reference_image_path": REFERENCE, "difficulty": "general", "questions": rows}
    (tmp_path / "RobustMAD_MCQ.json").write_text(json.dumps({"images": [photo]}))
    return tmp_path


def pictures(request: dict[str, Any]) -> int:
    return sum(part["type"] == "image_url" for part in request["messages"][1]["content"])


def test_questions_are_asked_and_scored(folder: Path, tmp_path: Path) -> None:
    questions = read_robustmad(folder)
    said = dict(zip((f"Question {i}?" for i in range(1, 5)), ("A", "B", "A", "perhaps"), strict=True))

    def behave(request: dict[str, Any], _server: object) -> Any:
        return {"answer": next(answer for question, answer in said.items() if question in json.dumps(request["messages"]))}

    with speaking(behave) as (url, server):
        answers = ask(folder, questions, Client(Server(url=url)), tmp_path / "a.jsonl")
        assert sorted(map(pictures, server.requests)) == [1, 1, 1, 2]  # a pair alone shows the reference
        assert ask(folder, questions, Client(Server(url=url)), tmp_path / "a.jsonl") == answers
        assert len(server.requests) == 4
    table = strict(questions, answers)
    assert table["valid"] == 0.75
    assert [table[category]["all"] for category in SHORT.values()] == [1.0, 0.0, 1.0, 0.0]
    assert official(answers) == {c: table[c] for c in SHORT.values()} | {"counted": 4}
    assert official(answers[:1])["counted"] == 1
    assert strict(questions, answers[:1])["valid"] == 0.25  # what wasn't asked is wrong


def test_the_benchmarks_own_answers_are_scored(folder: Path) -> None:
    theirs = [
        {"image_path": QUERY, "question_id": 1, "robustness_category": next(iter(SHORT)), "difficulty": "general", "answer": "A"}
        | {"mslm_answer": "A"}
    ]
    assert strict(read_robustmad(folder), theirs)["general"]["all"] == 1.0


def test_what_is_missing_is_told(folder: Path) -> None:
    with pytest.raises(BadData, match="does not exist"):
        read_robustmad(folder, low=True)
    (folder / "RobustMAD_MCQ.json").write_text("{}")
    with pytest.raises(BadData, match="not as RobustMAD writes it"):
        read_robustmad(folder)
