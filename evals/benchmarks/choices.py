"""Multiple-choice questions about photos, asked of any served VLM: one letter each, by schema; a break loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from seewhy.errors import BadData
from seewhy.evals.run import measuring
from seewhy.explainers.answer import UnreadableError, read_object
from seewhy.explainers.client import Client, Server, conversation
from seewhy.explainers.patience import NoReplyError
from seewhy.pictures import jpeg, smaller
from seewhy.threads import in_order

LONGEST_PX = 512
SYSTEM = "You are an industrial inspector who checks products by images. Answer with the letter of the right choice."
IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one photo."""

    image: str  # path inside the data set
    template: str  # path of a good photo that is shown before it, or empty
    number: int  # tells the photo's questions apart
    text: str
    options: tuple[tuple[str, str], ...]  # (letter, choice)
    answer: str
    type: str
    difficulty: str = ""


def ask(
    folder: Path, questions: Sequence[Question], client: Client, out: Path, row: Callable[[Question, str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Ask what has no answer in `out` yet; each answer is on the disk before the next is waited for.

    Args:
        folder: that the photos' paths start from.
        questions: all of the data set.
        client: of the served model.
        out: answers, a JSON object a line; "image" and "number" say to which question each belongs.
        row: what is written of a question and its letter ("" where there was no usable answer).

    Raises:
        BadData: a photo is missing.
    """
    _drop_torn_line(out)
    done = {(a["image"], a["number"]) for a in read_lines(out)}
    left = [q for q in questions if (q.image, q.number) not in done]
    with out.open("a", encoding="utf-8") as sink:
        for question, said in zip(left, in_order(lambda q: _letter(folder, q, client), left, IN_FLIGHT), strict=True):
            made = {"image": question.image, "number": question.number} | row(question, said)
            sink.write(json.dumps(made, ensure_ascii=False) + "\n")
            sink.flush()
    return read_lines(out)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Rows of a file with a JSON object a line, or with one JSON list; none where there is no file."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return list(json.loads(text)) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line]


def measure(
    out: Path, answers: Path, url: str, ask: Callable[[Client], object], strict: Callable[[], Any], official: Callable[[], Any]
) -> None:
    """Ask the server at `url`, where there is one, and write how what was answered is scored.

    Args:
        out: where the figures go.
        answers: the file of answers.
        url: of the server, ends with /v1; empty to score what was answered before.
        ask: asks what has no answer yet.
        strict: figures over all questions.
        official: figures as the benchmark's own scripts count them.

    Raises:
        BadData: there are no answers, and nobody to ask.
    """
    if not url and not answers.is_file():
        raise BadData(f"{answers} does not exist; with --url, a VLM is asked")
    given = {}
    if url:
        client = Client(Server(url=url, in_flight=IN_FLIGHT))
        given = dict(zip(("weights", "server"), client.identity, strict=True))
        ask(client)
    with measuring(out, given) as table:
        table.row("strict", strict)
        table.row("official", official)


def _drop_torn_line(path: Path) -> None:
    """Take away the end of a line that was being written when the power went: its question is asked again."""
    if path.is_file() and not (data := path.read_bytes()).endswith(b"\n") and data[:1] != b"[":
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)


def _letter(folder: Path, question: Question, client: Client) -> str:
    letters = [letter for letter, _ in question.options]
    schema = {"type": "object", "properties": {"answer": {"enum": letters}}, "required": ["answer"], "additionalProperties": False}
    parts: list[str | bytes] = []
    if question.template:
        parts += ["A good sample, to compare with:", _jpeg(folder / question.template)]
    choices = "\n".join(f"{letter}. {text}" for letter, text in question.options)
    parts += ["The query image:", _jpeg(folder / question.image), f"Question: {question.text}\n{choices}"]
    try:
        said = read_object(client.ask(conversation(SYSTEM, parts), schema).text).get("answer")
    except (NoReplyError, UnreadableError):
        return ""
    return said if said in letters else ""


def _jpeg(path: Path) -> bytes:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise BadData(f"{path} is missing or no picture; the photos go where the data set's own README says")
    return jpeg(smaller(pixels[..., ::-1], LONGEST_PX), quality=95)
