"""How far a VLM's words can be believed: types, hallucination, faithfulness, confidence, languages, speed; all on one served model.

Synthetic defects on four products that the stand-in `seewhy-tiny-vlm` never saw in training; a real VLM is measured by the same
command, with the pictures that `seewhy` shows it by default. The embedded explainer stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from seewhy.evals.metrics import share
from seewhy.evals.promises import answers, probes
from seewhy.evals.promises.answers import IN_FLIGHT, Said, said_of, shown_type, types
from seewhy.evals.promises.cases import FITTED_ON, HELD_OUT, Case, decoy_cases, defect_cases, found_cases
from seewhy.evals.promises.throughput import throughput
from seewhy.evals.run import measuring, timed
from seewhy.evals.synthetic.stand_in import label_of, settings_of
from seewhy.evals.synthetic.surfaces import KINDS
from seewhy.explainers.client import Server
from seewhy.explainers.measured import MeasuredWords
from seewhy.explainers.vlm import VlmWords

DECOYS_EACH, FEW = 2.4, 60  # good places for each defect of a kind and product; cases for the slower questions


def main(url: str, out: Path, model: str = "", per_kind: int = 25, detect: bool = True) -> None:
    """How far the words of the VLM at URL can be believed.

    Args:
        url: of the server, ends with /v1.
        out: where the figures go.
        model: as the server calls it; its first where empty.
        per_kind: photos per product and kind of defect.
        detect: ask about regions as PatchCore cuts them too, not only about the drawn ones.
    """
    server = Server(url=url, model=model, in_flight=IN_FLIGHT)
    name, version = VlmWords(server).client.identity
    words = VlmWords(server, settings_of(name))
    defects = [case for product in HELD_OUT for case in defect_cases(product, per_kind)]
    few = defects[:: max(1, len(defects) // FEW)]

    @cache
    def said() -> tuple[list[Said], float]:
        return timed(answers.answers, words, defects)

    figures: Mapping[str, Callable[[], Any]] = {
        **type_figures(defects, lambda: said()[0]),
        "types_by_product": lambda: by_product(defects, said()[0]),
        **({"detected": lambda: detected(words, per_kind)} if detect else {}),
        "hallucination": lambda: probes.hallucination(words, [c for p in HELD_OUT for c in decoy_cases(p, round(DECOYS_EACH * per_kind))]),
        "contradicted": lambda: answers.contradicted(said()[0]),
        "json": lambda: answers.readable(said()[0]),
        "confidence": lambda: answers.by_confidence(defects, said()[0]),
        "faithfulness": lambda: probes.faithfulness(words, few),
        "controls": lambda: probes.controls(words, few),
        "leading_question_flips": lambda: probes.leading(words, few),
        "languages": lambda: probes.languages(words, few),
        "cost": lambda: answers.cost(*said()),
        "client": lambda: throughput(words, few),
    }
    regions = "drawn masks, products never trained on: " + ", ".join(HELD_OUT)
    facts = {"synthetic": True, "weights": label_of(name), "server": version, "regions": regions, "cases": len(defects)}
    with measuring(out, facts) as table:
        for figure, measure in figures.items():
            table.row(figure, measure)


def type_figures(cases: Sequence[Case], said: Callable[[], Sequence[Said]]) -> dict[str, Callable[[], dict[str, Any]]]:
    """How well types are told: by the model, by the record that checks its words, by the embedded explainer."""
    return {
        "types": lambda: types(cases, [said_of(s)[1] for s in said()]),
        "types_shown": lambda: types(cases, [shown_type(s) for s in said()]),
        "types_embedded": lambda: types(cases, [shown_type(MeasuredWords().explain(c.view)) for c in cases]),
    }


def by_product(cases: Sequence[Case], said: Sequence[Said]) -> dict[str, float | None]:
    """Share of the types that the model named right."""
    return {p: share(said_of(s)[1] == c.truth for c, s in zip(cases, said, strict=True) if c.product == p) for p in HELD_OUT}


def detected(words: VlmWords, per_kind: int) -> dict[str, Any]:
    """Types of defects whose regions PatchCore found and cut, as in an inspection."""
    cases = [case for product in HELD_OUT for case in found_cases(product, per_kind)]
    said = answers.answers(words, cases)
    return {
        "regions": f"cut by PatchCore (EfficientNet-lite0), fitted on {FITTED_ON} good photos of each product",
        "defects": len(HELD_OUT) * len(KINDS) * per_kind,
        "found": len(cases),
        **{name: measure() for name, measure in type_figures(cases, lambda: said).items()},
    }
