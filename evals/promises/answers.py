"""What was said of cases, in figures: types, contradictions, readable answers, confidence, cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from seewhy.agent.inspection.words import guarded
from seewhy.evals.metrics import f1, share
from seewhy.evals.promises.cases import Case
from seewhy.evals.synthetic.surfaces import KINDS
from seewhy.explainers.vlm import VlmWords
from seewhy.record import Explanation, Unexplained
from seewhy.threads import in_order

IN_FLIGHT = 8
Said: TypeAlias = Explanation | Unexplained


def answers(words: VlmWords, cases: Sequence[Case]) -> list[Said]:
    """What is said of each case, `IN_FLIGHT` at a time."""
    return list(in_order(lambda case: guarded(words, case.view), cases, IN_FLIGHT))


def types(cases: Sequence[Case], named: Sequence[str | None]) -> dict[str, Any]:
    """Accuracy and macro-F1 of the types that were named; what is unexplained or not named is wrong."""
    truth = [c.truth for c in cases]
    return {
        "accuracy": share(a == b for a, b in zip(named, truth, strict=True)),
        "macro_f1": round(float(np.mean([f1(kind, truth, named) for kind in KINDS])), 4),
        "named": share(n in KINDS for n in named),
        "confusion": {kind: dict(Counter(str(n) for n, t in zip(named, truth, strict=True) if t == kind)) for kind in KINDS},
    }


def contradicted(said: Sequence[Said]) -> dict[str, Any]:
    """Claims by the check's result, and how many contradicted ones are shown as facts all the same."""
    told = [s for s in said if isinstance(s, Explanation)]
    return {
        "claims": dict(Counter(f"{c.name} {c.status}" for s in told for c in s.claims)),
        "parts_with_a_contradiction": share(s.contradicted for s in told),
        "shown": sum(_shown(s) for s in told),
    }


def _shown(said: Explanation) -> int:
    """Contradicted claims that can be read among the facts."""
    wrong = {c.name: c.value for c in said.claims if c.status == "contradicted"}
    texts = [a.value.params.get("text") for a in said.appearance if a.value and a.source == "vlm"]
    return sum(wrong.get(name) in texts for name in ("appearance", "difference")) + (
        said.type.source == "vlm" and wrong.get("type") == said.type.value
    )


def readable(said: Sequence[Said]) -> dict[str, Any]:
    """How many answers could be read at once, after one repair, or not at all."""
    first = share(isinstance(s, Explanation) and s.asked is not None and not s.asked.repaired for s in said)
    return {
        "at_first": first,
        "after_repair": share(isinstance(s, Explanation) for s in said),
        "reasons": dict(Counter(s.reason for s in said if isinstance(s, Unexplained))),
    }


def by_confidence(cases: Sequence[Case], said: Sequence[Said]) -> list[dict[str, Any]]:
    """Coverage and risk when answers below a word of confidence are left to people."""
    rows = []
    for least in (("high",), ("high", "medium"), ("high", "medium", "low")):
        kept = [
            said_of(s)[1] == c.truth
            for s, c in zip(said, cases, strict=True)
            if isinstance(s, Explanation) and s.confidence and s.confidence.value in least
        ]
        risk = None if not kept else round(1 - sum(kept) / len(kept), 4)
        rows.append({"at_least": least[-1], "coverage": round(len(kept) / len(cases), 4), "risk": risk})
    return rows


def cost(said: Sequence[Said], seconds: float) -> dict[str, Any]:
    """Per region."""
    asked = [s.asked for s in said if s.asked is not None]
    return {
        "seconds": round(seconds / len(said), 3),
        "in_flight": IN_FLIGHT,
        "requests": round(float(np.mean([a.requests for a in asked])), 2),
        "prompt_tokens": round(float(np.mean([a.prompt_tokens for a in asked]))),
        "completion_tokens": round(float(np.mean([a.completion_tokens for a in asked]))),
    }


def said_of(said: Said) -> tuple[str, str]:
    """(visible, type) as the model said them, checked or not."""
    if isinstance(said, Unexplained):
        return "unexplained", said.reason
    named = {c.name: c.value for c in said.claims}
    return named["visible"], named["type"]


def shown_type(said: Said) -> str | None:
    """The type that the record shows: the model's, or the measured words' where a check contradicted it."""
    return said.type.value if isinstance(said, Explanation) else None


def but_texts(said: Said) -> Any:
    """All of an answer but its texts."""
    if isinstance(said, Unexplained):
        return said.reason
    claims = [(c.name, c.value, c.status) for c in said.claims]
    return claims, said.type.value, said.confidence and said.confidence.value, [c.id for c in said.causes]
