"""MMAD (Jiang et al., ICLR 2025): multiple-choice questions about industrial photos, asked of any served VLM, scored two ways.

Questions are those of `mmad.json`; answers are kept in the official file's form, or are the official ones, and asking goes on after
a break.

Strict: every question of the data set counts, and one without a valid answer is wrong. Official: as the benchmark's own summary
computes it. That one drops invalid answers from a list while it walks along it, so that the answer after each invalid one isn't
counted either; kept here so that figures can be compared with published ones, beside the strict ones.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.errors import BadData
from seewhy.evals.benchmarks import choices
from seewhy.evals.benchmarks.choices import Question, measure, read_lines
from seewhy.evals.metrics import share
from seewhy.explainers.client import Client

LETTERS = ("A", "B", "C", "D", "E")
MERGED = {"Object Structure": "Object Analysis", "Object Details": "Object Analysis"}
DETECTION, GOOD = "Anomaly Detection", "good"


def read_mmad(folder: Path, *, template: str = "similar") -> list[Question]:
    """All questions of a data set.

    Args:
        folder: that holds `mmad.json` and the photos.
        template: which good photo is shown: "similar", "random", or "none".

    Raises:
        BadData: the file is missing or not as the benchmark writes it.
    """
    path = folder / "mmad.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [
            Question(
                image=image,
                template=next(iter(facts.get(f"{template}_templates", ())), ""),
                number=number,
                text=row["Question"],
                options=tuple(sorted(row["Options"].items())),
                answer=row["Answer"],
                type=MERGED.get(row["type"], row["type"]),
            )
            for image, facts in data.items()
            for number, row in enumerate(facts["conversation"])
        ]
    except FileNotFoundError as error:
        raise BadData(f"{path} does not exist; get the data set from its authors (MMAD on the model hub)") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadData(f"{path} is not as MMAD writes it: {type(error).__name__}: {error}") from error


def ask(folder: Path, questions: Sequence[Question], client: Client, out: Path) -> list[dict[str, Any]]:
    """Ask what has no answer yet, in the official file's form; an unusable answer is "". See `choices.ask`."""
    return choices.ask(folder, questions, client, out, _row)


def strict(questions: Sequence[Question], answers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Accuracy per source and type of question; what has no valid answer is wrong. Detection is the mean of good and bad photos."""
    said = {(a["image"], a["number"]): a["gpt_answer"] for a in answers}
    rows = [(q.image, q.type, said.get((q.image, q.number)) == q.answer) for q in questions]
    table = _table(rows)
    valid = share(said.get((q.image, q.number)) in {letter for letter, _ in q.options} for q in questions)
    return table | {"questions": len(questions), "valid": valid}


def official(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """As the benchmark's own summary: over the answers that there are, each invalid one and the one after it left out."""
    rows, skip = [], False
    for a in answers:
        if skip:
            skip = False
            continue
        if a["correct_answer"] not in LETTERS or a["gpt_answer"] not in LETTERS:
            skip = True
            continue
        rows.append((a["image"], MERGED.get(a["question_type"], a["question_type"]), a["gpt_answer"] == a["correct_answer"]))
    return _table(rows) | {"counted": len(rows)}


def _table(rows: Sequence[tuple[str, str, bool]]) -> dict[str, Any]:
    cells: dict[str, dict[str, list[tuple[bool, bool]]]] = defaultdict(lambda: defaultdict(list))
    for image, kind, right in rows:
        cells[image.split("/")[0]][kind].append((GOOD in image, right))
    kinds = sorted({kind for row in cells.values() for kind in row})
    made = {
        source: {kind: _balanced(row[kind]) if kind == DETECTION else share(r for _, r in row.get(kind, ())) or 0.0 for kind in kinds}
        for source, row in cells.items()
    }
    for row in made.values():
        row["average"] = round(float(np.mean(list(row.values()))), 4)
    average = {kind: round(float(np.mean([row[kind] for row in made.values()])), 4) for kind in [*kinds, "average"]} if made else {}
    return {"sources": made, "average": average}


def _balanced(found: Sequence[tuple[bool, bool]]) -> float:
    return round(((share(r for good, r in found if good) or 0.0) + (share(r for good, r in found if not good) or 0.0)) / 2, 4)


def _row(question: Question, said: str) -> dict[str, Any]:
    return {
        "question": question.text,
        "question_type": question.type,
        "correct_answer": question.answer,
        "gpt_answer": said,
    }


def _answers(path: Path) -> list[dict[str, Any]]:
    """Answers of our own file, or of the official one, which has no numbers."""
    seen = defaultdict[str, int](int)
    found = read_lines(path)
    for answer in found:
        answer.setdefault("number", seen[answer["image"]])
        seen[answer["image"]] += 1
    return found


def main(folder: Path, answers: Path, out: Path, url: str = "") -> None:
    """MMAD's questions (FOLDER/mmad.json), asked of a VLM with --url; scores of ANSWERS, strictly and as the benchmark counts."""
    questions = read_mmad(folder)
    measure(
        out,
        answers,
        url,
        lambda client: ask(folder, questions, client, answers),
        lambda: strict(questions, _answers(answers)),
        lambda: official(_answers(answers)),
    )
