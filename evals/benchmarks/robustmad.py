"""RobustMAD (Arunan et al., TMLR 2026): multiple-choice questions about clean and degraded photos, asked of any served VLM.

Questions are those of `RobustMAD_MCQ.json`, or of `RobustMAD_MCQ_low.json` (motion blur and low light). The photos are MVTec AD's
and VisA's, in the folders that the benchmark names. Its open-ended questions want a large model as judge and are not asked here.

Strict: every question counts, and one without a valid letter is wrong. Official: over the answers that the file holds, as the
benchmark's scripts count them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from seewhy.errors import BadData
from seewhy.evals.benchmarks import choices
from seewhy.evals.benchmarks.choices import Question, measure, read_lines
from seewhy.evals.metrics import share
from seewhy.explainers.client import Client

SHORT = {  # as the benchmark's tables call its categories
    "General Object Understanding": "general",
    "Anomaly Understanding and Localization (Stand-alone)": "standalone",
    "Anomaly Understanding and Localization (Pair-wise comparison)": "pairwise",
    "Unanswerable or Misleading Query Detection": "unanswerable",
}


def read_robustmad(folder: Path, *, low: bool = False) -> list[Question]:
    """All multiple-choice questions; a good photo is shown first where the question compares a pair.

    Raises:
        BadData: the file is missing or not as the benchmark writes it.
    """
    path = folder / ("RobustMAD_MCQ_low.json" if low else "RobustMAD_MCQ.json")
    try:
        return [
            Question(
                image=photo["image_path"],
                template=photo["reference_image_path"] if SHORT[row["robustness_category"]] == "pairwise" else "",
                number=int(row["question_id"]),
                text=row["question"],
                options=tuple(sorted(row["options"].items())),
                answer=row["answer"],
                type=SHORT[row["robustness_category"]],
                difficulty=photo["difficulty"],
            )
            for photo in json.loads(path.read_text(encoding="utf-8"))["images"]
            for row in photo["questions"]
        ]
    except FileNotFoundError as error:
        raise BadData(f"{path} does not exist; get the questions from the benchmark's repository (en-research/RobustMAD)") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadData(f"{path} is not as RobustMAD writes it: {type(error).__name__}: {error}") from error


def ask(folder: Path, questions: Sequence[Question], client: Client, out: Path) -> list[dict[str, Any]]:
    """Ask what has no answer yet, in the official file's form; an unusable answer is "". See `choices.ask`."""
    return choices.ask(folder, questions, client, out, _row)


def strict(questions: Sequence[Question], answers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Accuracy per category, and per category and difficulty; what has no valid answer is wrong."""
    said = {(a["image_path"], int(a["question_id"])): a["mslm_answer"] for a in answers}
    valid = share(said.get((q.image, q.number)) in {letter for letter, _ in q.options} for q in questions)
    rows = [(q.type, q.difficulty, said.get((q.image, q.number)) == q.answer) for q in questions]
    return _table(rows) | {"questions": len(questions), "valid": valid}


def official(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The same over the answers that there are, with the truth that the file itself holds."""
    rows = [
        (SHORT.get(a["robustness_category"], a["robustness_category"]), a["difficulty"], a["mslm_answer"] == a["answer"]) for a in answers
    ]
    return _table(rows) | {"counted": len(rows)}


def _table(rows: Sequence[tuple[str, str, bool]]) -> dict[str, Any]:
    found: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for category, difficulty, right in rows:
        found[category].append((difficulty, right))
    return {
        category: {"all": share(r for _, r in of)} | {d: share(r for x, r in of if x == d) for d in sorted({d for d, _ in of})}
        for category, of in found.items()
    }


def _row(question: Question, said: str) -> dict[str, Any]:
    long = {short: name for name, short in SHORT.items()}
    return {
        "image_path": question.image,
        "reference_image_path": question.template or None,
        "difficulty": question.difficulty,
        "robustness_category": long[question.type],
        "question_id": question.number,
        "question": question.text,
        "answer": question.answer,
        "mslm_answer": said,
    }


def main(folder: Path, answers: Path, out: Path, url: str = "", low: bool = False) -> None:
    """RobustMAD's multiple-choice questions, with --low those about degraded photos, asked of a VLM with --url; scores of ANSWERS."""
    questions = read_robustmad(folder, low=low)
    measure(
        out,
        answers,
        url,
        lambda client: ask(folder, questions, client, answers),
        lambda: strict(questions, read_lines(answers)),
        lambda: official(read_lines(answers)),
    )
