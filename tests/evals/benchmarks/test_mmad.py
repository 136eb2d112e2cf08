"""MMAD's files, small: read, asked of a real HTTP server, scored strictly and as the benchmark does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.helpers.photos import noise
from tests.helpers.servers import speaking

from seewhy.errors import BadData
from seewhy.evals.benchmarks.mmad import ask, main, official, read_mmad, strict
from seewhy.explainers.client import Client, Server


@pytest.fixture
def mmad(tmp_path: Path) -> Path:
    def question(text: str, kind: str, answer: str) -> dict[str, object]:
        return {"Question": text, "Options": {"A": "Yes.", "B": "No."}, "Answer": answer, "type": kind}

    facts = {}
    for name, broken in (("MVTec-AD/bottle/test/good/0.png", False), ("MVTec-AD/bottle/test/cut/0.png", True)):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        Image.fromarray(noise(40, 60)).save(path)
        rows = [
            question(f"Does {name} show a defect?", "Anomaly Detection", "A" if broken else "B"),
            question(f"Is {name} round?", "Object Details", "A"),
        ]
        facts[name] = {"conversation": rows, "similar_templates": ["MVTec-AD/bottle/test/good/0.png"], "random_templates": []}
    (tmp_path / "mmad.json").write_text(json.dumps(facts))
    return tmp_path


def test_questions_are_asked_and_scored(mmad: Path, tmp_path: Path) -> None:
    questions = read_mmad(mmad)
    assert [q.type for q in questions] == ["Anomaly Detection", "Object Analysis"] * 2
    with speaking(lambda _r, _s: {"answer": "A"}) as (url, server):
        answers = ask(mmad, questions, Client(Server(url=url)), tmp_path / "a.jsonl")
        asked = len(server.requests)
        assert ask(mmad, questions, Client(Server(url=url)), tmp_path / "a.jsonl") == answers  # nothing is asked twice
        assert len(server.requests) == asked == 4
    assert strict(questions, answers)["average"] == {"Anomaly Detection": 0.5, "Object Analysis": 1.0, "average": 0.75}
    assert official(answers)["average"] == strict(questions, answers)["average"]


def test_an_invalid_answer_is_wrong_and_the_official_summary_loses_the_next_one(mmad: Path, tmp_path: Path) -> None:
    questions = read_mmad(mmad)

    def unsure(request: dict[str, Any], _server: object) -> Any:
        return {"answer": "maybe" if f"Question: {questions[1].text}" in json.dumps(request["messages"]) else "A"}

    with speaking(unsure) as (url, _):
        answers = ask(mmad, questions, Client(Server(url=url)), tmp_path / "a.jsonl")
    assert [a["gpt_answer"] for a in answers] == ["A", "", "A", "A"]
    table = strict(questions, answers)
    assert table["valid"] == 0.75
    assert table["average"]["Object Analysis"] == 0.5
    assert official(answers)["counted"] == 2
    assert official(answers)["average"]["Object Analysis"] == 1.0
    assert strict(questions, answers[:1])["average"]["Object Analysis"] == 0.0  # what wasn't asked is wrong


def test_a_line_that_was_torn_off_is_asked_again(mmad: Path, tmp_path: Path) -> None:
    questions, out = read_mmad(mmad), tmp_path / "a.jsonl"
    with speaking(lambda _r, _s: {"answer": "A"}) as (url, server):
        whole = ask(mmad, questions, Client(Server(url=url)), out)
        out.write_bytes(out.read_bytes()[:-20])
        assert ask(mmad, questions, Client(Server(url=url)), out) == whole
        assert len(server.requests) == 5


def test_the_command_asks_and_scores(mmad: Path, tmp_path: Path) -> None:
    answers, out = tmp_path / "a.jsonl", tmp_path / "figures.json"
    with pytest.raises(BadData, match="with --url"):
        main(mmad, answers, out)
    with speaking(lambda _r, _s: {"answer": "A"}) as (url, _):
        main(mmad, answers, out, url=url)
    figures = json.loads(out.read_text())
    assert figures["weights"] == "scripted"
    assert figures["strict"]["average"] == figures["official"]["average"]
    theirs = [{k: v for k, v in row.items() if k != "number"} for row in map(json.loads, answers.read_text().splitlines())]
    answers.write_text(json.dumps(theirs))  # as the benchmark's own file
    main(mmad, answers, out)
    assert json.loads(out.read_text())["strict"] == figures["strict"]


def test_what_is_missing_is_told(mmad: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="does not exist"):
        read_mmad(tmp_path / "none")
    (mmad / "MVTec-AD/bottle/test/cut/0.png").unlink()
    with speaking(lambda _r, _s: {"answer": "A"}) as (url, _), pytest.raises(BadData, match="missing or no picture"):
        ask(mmad, read_mmad(mmad), Client(Server(url=url)), tmp_path / "a.jsonl")
    (mmad / "mmad.json").write_text('{"a": []}')
    with pytest.raises(BadData, match="not as MMAD writes it"):
        read_mmad(mmad)
