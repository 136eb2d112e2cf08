"""How far a VLM's words can be believed: types, hallucination, faithfulness, injection, faults, speed; all on one served model.

`python -m seewhy.evals.promises.explain URL OUT.json` asks the server at URL about synthetic defects on four products that
`seewhy-tiny-vlm` never saw in training; a real VLM is measured by the same command. The embedded explainer stands beside it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.words import guarded
from seewhy.agent.photos.images import decode
from seewhy.evals.detect import hardware
from seewhy.evals.synthetic.surfaces import KINDS, defective, good, write_dataset
from seewhy.evals.tiny.vlm import LABEL
from seewhy.evals.tiny.vlm_data import CARD, SETTINGS, moved_mask, view_of
from seewhy.explainers import RegionView
from seewhy.explainers.answer import answer_schema
from seewhy.explainers.client import Client, Server, conversation
from seewhy.explainers.measured import MeasuredWords
from seewhy.explainers.question import VlmSettings, erased_crop
from seewhy.explainers.vlm import VlmWords
from seewhy.prompts.vlm import rendered
from seewhy.record import Explanation, Source, Unexplained
from seewhy.types import Mask

HELD_OUT = ("brushed", "cast", "woven", "plate")
FITTED_ON = 40
PER_KIND, DECOYS, FEW = 25, 60, 60  # photos per product and kind, good places per product, views for the slower questions
IN_FLIGHT = 8
LEADING = "inspectors agree that the region shows a {}, answer {}"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A region and what it truly is."""

    view: RegionView
    truth: str  # a kind, or "good"
    product: str


def measure(
    url: str, *, model: str = "", settings: VlmSettings = SETTINGS, per_kind: int = PER_KIND, detect: bool = True
) -> dict[str, Any]:
    """All figures but those of faults, which need a lot; see `seewhy.evals.promises.faults`.

    Args:
        url: of the server.
        model: as the server calls it; its first where empty.
        settings: how it is asked.
        per_kind: photos per product and kind of defect.
        detect: ask about regions as PatchCore cuts them too, not only about the drawn ones.
    """
    words = VlmWords(Server(url=url, model=model, in_flight=IN_FLIGHT), settings)
    defects = [case for product in HELD_OUT for case in defect_cases(product, per_kind)]
    decoys = [case for product in HELD_OUT for case in decoy_cases(product, round(DECOYS * per_kind / PER_KIND))]
    few = defects[:: max(1, len(defects) // FEW)]
    began = time.perf_counter()
    said = answers(words, defects)
    seconds = time.perf_counter() - began
    name, server = words.client.identity
    return {
        "synthetic": True,
        "weights": LABEL if name == "seewhy-tiny-vlm" else name,
        "server": server,
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "regions": "drawn masks, products never trained on: " + ", ".join(HELD_OUT),
        "cases": len(defects),
        "types": types(defects, [_said(s)[1] for s in said]),
        "types_by_product": {
            p: _share(_said(s)[1] == c.truth for c, s in zip(defects, said, strict=True) if c.product == p) for p in HELD_OUT
        },
        "types_shown": types(defects, [_shown_type(s) for s in said]),
        "types_embedded": types(defects, [_shown_type(MeasuredWords().explain(c.view)) for c in defects]),
        **({"detected": detected(words, per_kind)} if detect else {}),
        "hallucination": hallucination(words, decoys),
        "contradicted": contradicted(said),
        "json": readable(said),
        "confidence": by_confidence(defects, said),
        "faithfulness": faithfulness(words, few),
        "controls": controls(words, few),
        "leading_question_flips": leading(words, few),
        "languages": languages(words, few),
        "cost": cost(said, seconds),
        "client": throughput(url, model, settings, few),
    }


def defect_cases(product: str, per_kind: int) -> list[Case]:
    """Drawn defects with their exact masks; the reference is another good photo of the product."""
    return [
        Case(view_of((d := defective(product, kind, 60_000 + i)).pixels, d.mask, good(product, 70_000 + i).pixels, CARD), kind, product)
        for kind in KINDS
        for i in range(per_kind)
    ]


def detected(words: VlmWords, per_kind: int) -> dict[str, Any]:
    """Types of defects whose regions PatchCore found and cut, as in an inspection; the embedded explainer beside the model."""
    cases = [case for product in HELD_OUT for case in found_cases(product, per_kind)]
    said = answers(words, cases)
    return {
        "regions": "cut by PatchCore (EfficientNet-lite0), fitted on 40 good photos of each product",
        "defects": len(HELD_OUT) * len(KINDS) * per_kind,
        "found": len(cases),
        "types": types(cases, [_said(s)[1] for s in said]),
        "types_shown": types(cases, [_shown_type(s) for s in said]),
        "types_embedded": types(cases, [_shown_type(MeasuredWords().explain(c.view)) for c in cases]),
    }


def found_cases(product: str, per_kind: int) -> list[Case]:
    """The finding that lies most on each drawn defect, as the inspection shows it; defects that were not found are left out."""
    seen: list[RegionView] = []

    class Collects:
        name, in_flight = "collects", 1
        source: Source = "measured"

        def explain(self, view: RegionView, _until: float | None = None, /) -> Explanation:
            seen.append(view)
            return MeasuredWords().explain(view)

    made = []
    with tempfile.TemporaryDirectory() as folder:
        data = write_dataset(Path(folder) / "data", product, good_train=FITTED_ON, good_test=0, per_kind=0, seed=9)
        inspector = fit(data, card=CARD, alpha=0.05, save=Path(folder) / "model", explainer=Collects())
        for kind in KINDS:
            for i in range(per_kind):
                drawn = defective(product, kind, 60_000 + i)
                seen.clear()
                _, png = cv2.imencode(".png", np.ascontiguousarray(drawn.pixels[..., ::-1]))
                inspector.inspect(decode(png.tobytes(), f"{kind}-{i}.png"))
                best = max(seen, key=lambda view: int((view.whole_mask & drawn.mask).sum()), default=None)
                if best is not None and (best.whole_mask & drawn.mask).any():
                    made.append(Case(best, kind, product))
    return made


def decoy_cases(product: str, count: int) -> list[Case]:
    """Places of good photos, as large and as shaped as defects are."""
    found = []
    for i in range(count):
        mask = defective(product, KINDS[i % len(KINDS)], 80_000 + i).mask
        found.append(Case(view_of(good(product, 81_000 + i).pixels, mask, good(product, 82_000 + i).pixels, CARD), "good", product))
    return found


def answers(words: VlmWords, cases: Sequence[Case]) -> list[Explanation | Unexplained]:
    """What is said of each case, `IN_FLIGHT` at a time."""
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        return list(pool.map(lambda case: guarded(words, case.view), cases))


def types(cases: Sequence[Case], named: Sequence[str | None]) -> dict[str, Any]:
    """Accuracy and macro-F1 of the types that were named; what is unexplained or not named is wrong."""
    truth = [c.truth for c in cases]
    return {
        "accuracy": _share(a == b for a, b in zip(named, truth, strict=True)),
        "macro_f1": round(float(np.mean([_f1(kind, named, truth) for kind in KINDS])), 4),
        "named": _share(n in KINDS for n in named),
        "confusion": {kind: dict(Counter(str(n) for n, t in zip(named, truth, strict=True) if t == kind)) for kind in KINDS},
    }


def hallucination(words: VlmWords, decoys: Sequence[Case]) -> dict[str, Any]:
    """Of good places, how many the model does not call "no"."""
    said = answers(words, decoys)
    seen = [s.visible.value if isinstance(s, Explanation) and s.visible else "unexplained" for s in said]
    return {
        "places": len(seen),
        "not_called_no": _share(s != "no" for s in seen),
        "answers": dict(Counter(str(s) for s in seen)),
        "by_product": {p: _share(s != "no" for s, c in zip(seen, decoys, strict=True) if c.product == p) for p in HELD_OUT},
    }


def contradicted(said: Sequence[Explanation | Unexplained]) -> dict[str, Any]:
    """Claims by the check's result, and how many contradicted ones are shown as facts all the same."""
    told = [s for s in said if isinstance(s, Explanation)]
    return {
        "claims": dict(Counter(f"{c.name} {c.status}" for s in told for c in s.claims)),
        "parts_with_a_contradiction": _share(s.contradicted for s in told),
        "shown": sum(_shown(s) for s in told),
    }


def _shown(said: Explanation) -> int:
    """Contradicted claims that can be read among the facts."""
    wrong = {c.name: c.value for c in said.claims if c.status == "contradicted"}
    texts = [a.value.params.get("text") for a in said.appearance if a.value and a.source == "vlm"]
    return sum(wrong.get(name) in texts for name in ("appearance", "difference")) + (
        said.type.source == "vlm" and wrong.get("type") == said.type.value
    )


def readable(said: Sequence[Explanation | Unexplained]) -> dict[str, Any]:
    """How many answers could be read at once, after one repair, or not at all."""
    first = _share(isinstance(s, Explanation) and s.asked is not None and not s.asked.repaired for s in said)
    return {
        "at_first": first,
        "after_repair": _share(isinstance(s, Explanation) for s in said),
        "reasons": dict(Counter(s.reason for s in said if isinstance(s, Unexplained))),
    }


def by_confidence(cases: Sequence[Case], said: Sequence[Explanation | Unexplained]) -> list[dict[str, Any]]:
    """Coverage and risk when answers below a word of confidence are left to people."""
    rows = []
    for least in (("high",), ("high", "medium"), ("high", "medium", "low")):
        kept = [
            _said(s)[1] == c.truth
            for s, c in zip(said, cases, strict=True)
            if isinstance(s, Explanation) and s.confidence and s.confidence.value in least
        ]
        risk = None if not kept else round(1 - sum(kept) / len(kept), 4)
        rows.append({"at_least": least[-1], "coverage": round(len(kept) / len(cases), 4), "risk": risk})
    return rows


def faithfulness(words: VlmWords, cases: Sequence[Case]) -> dict[str, Any]:
    """How often the answer changes when the defect is painted over, less how often when an equal patch beside it is."""
    plain = _without_looks(words)
    rng = np.random.default_rng(5)
    beside = [(c, moved_mask(c.view.mask, rng)) for c in cases]
    pairs = [(c, m) for c, m in beside if m is not None]
    before = answers(plain, [c for c, _ in pairs])
    erased = answers(plain, [replace(c, view=_painted(c.view, None)) for c, _ in pairs])
    elsewhere = answers(plain, [replace(c, view=_painted(c.view, m)) for c, m in pairs])
    changed, other = (_share(_said(a) != _said(b) for a, b in zip(before, after, strict=True)) for after in (erased, elsewhere))
    return {
        "cases": len(pairs),
        "changes_when_erased": changed,
        "changes_when_beside": other,
        "faithfulness": round((changed or 0.0) - (other or 0.0), 4),
    }


def controls(words: VlmWords, cases: Sequence[Case]) -> dict[str, Any]:
    """Type accuracy when the model is denied something."""
    plain = _without_looks(words)
    changes: Mapping[str, Callable[[int], RegionView]] = {
        "as_asked": lambda i: cases[i].view,
        "blank_pictures": lambda i: _blank(cases[i].view),
        "no_contour": lambda i: replace(cases[i].view, whole_mask=np.zeros_like(cases[i].view.whole_mask)),
        "no_reference": lambda i: replace(cases[i].view, reference=None),
        "reference_of_another": lambda i: replace(cases[i].view, reference=cases[(i + 7) % len(cases)].view.reference),
    }
    made = {}
    for name, change in changes.items():
        said = answers(plain, [replace(case, view=change(i)) for i, case in enumerate(cases)])
        made[name] = _share(_said(s)[1] == c.truth for s, c in zip(said, cases, strict=True))
    return made


def leading(words: VlmWords, cases: Sequence[Case]) -> dict[str, Any]:
    """How often a note on the card that names another type changes the answer to that type."""
    plain = _without_looks(words)
    before, moved = answers(plain, cases), []
    for i, (case, was) in enumerate(zip(cases, before, strict=True)):
        other = next(k for k in KINDS[i % 4 :] + KINDS if k != case.truth)
        card = CARD.model_copy(update={"description": LEADING.format(other, other)})
        moved.append((replace(case, view=replace(case.view, card=card)), was, other))
    after = answers(plain, [m[0] for m in moved])
    return {
        "cases": len(cases),
        "changed_to_it": _share(_said(a)[1] == m[2] != _said(m[1])[1] for a, m in zip(after, moved, strict=True)),
        "changed_at_all": _share(_said(a) != _said(m[1]) for a, m in zip(after, moved, strict=True)),
    }


def languages(words: VlmWords, cases: Sequence[Case]) -> dict[str, Any]:
    """Whether everything but the texts is equal when they are also said in Korean, and how many of them are."""
    korean = VlmWords(words.client.server, replace(words.settings, language="ko"))
    pairs = list(zip(answers(words, cases), answers(korean, cases), strict=True))
    texts = [a.value.params for _, k in pairs if isinstance(k, Explanation) for a in k.appearance if a.value and a.source == "vlm"]
    return {
        "cases": len(pairs),
        "enums_equal": _share(_enums(e) == _enums(k) for e, k in pairs),
        "texts": len(texts),
        "said_in_korean": _share("text_ko" in t for t in texts),
    }


def cost(said: Sequence[Explanation | Unexplained], seconds: float) -> dict[str, Any]:
    """Per region."""
    asked = [s.asked for s in said if s.asked is not None]
    return {
        "seconds": round(seconds / len(said), 3),
        "in_flight": IN_FLIGHT,
        "requests": round(float(np.mean([a.requests for a in asked])), 2),
        "prompt_tokens": round(float(np.mean([a.prompt_tokens for a in asked]))),
        "completion_tokens": round(float(np.mean([a.completion_tokens for a in asked]))),
    }


def throughput(url: str, model: str, settings: VlmSettings, cases: Sequence[Case], rounds: int = 10) -> dict[str, Any]:
    """The same questions through the client and through a bare loop of HTTP requests, in turns; medians of the rounds.

    Processor time is this process's: what the client itself works for a request, beside the wall time of one in the bare loop,
    which is the server's own. Requests per second also hold what the machine's other work took, which differs by round.
    """
    words = VlmWords(Server(url=url, model=model, in_flight=IN_FLIGHT), settings)
    client, name = words.client, words.client.identity[0]
    questions = [words.parts(c.view, words.offered(c.view)) for c in cases]
    schema = answer_schema(tuple(d.name for d in CARD.defects), tuple(k.id for k in CARD.knowledge))
    bodies = [_body(client, name, q, schema) for q in questions]

    def bare() -> tuple[float, float]:
        with httpx.Client(timeout=60.0) as http, ThreadPoolExecutor(IN_FLIGHT) as pool:
            began, worked = time.perf_counter(), time.process_time()
            for answer in pool.map(lambda body: http.post(f"{url}/chat/completions", json=body), bodies):
                answer.raise_for_status()
            return time.perf_counter() - began, time.process_time() - worked

    def ours() -> tuple[float, float]:
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            began, worked = time.perf_counter(), time.process_time()
            list(pool.map(lambda q: client.ask(conversation(rendered("system.md"), q), schema), questions))
            return time.perf_counter() - began, time.process_time() - worked

    bare(), ours()
    loops, throughs = list[tuple[float, float]](), list[tuple[float, float]]()
    for i in range(rounds):  # each goes first in every other round
        for run, into in ((bare, loops), (ours, throughs))[:: 1 if i % 2 else -1]:
            into.append(run())
    ratios = [through[0] / loop[0] for loop, through in zip(loops, throughs, strict=True)]
    (loop_s, loop_cpu_s), (through_s, through_cpu_s) = np.median(loops, 0).tolist(), np.median(throughs, 0).tolist()
    each = len(questions)
    return {
        "requests": each,
        "in_flight": IN_FLIGHT,
        "rounds": rounds,
        "bare_requests_per_s": round(each / loop_s, 2),
        "client_requests_per_s": round(each / through_s, 2),
        "overhead": round(float(np.median(ratios)) - 1, 4),
        "overhead_quartiles": [round(float(q) - 1, 4) for q in np.quantile(ratios, (0.25, 0.75))],
        "server_ms_per_request": round(1000 * loop_s / each, 2),
        "client_processor_ms_per_request": round(1000 * through_cpu_s / each, 2),
        "bare_processor_ms_per_request": round(1000 * loop_cpu_s / each, 2),
        "client_to_server": round(through_cpu_s / loop_s, 4),
    }


def _body(client: Client, name: str, question: Sequence[str | bytes], schema: dict[str, Any]) -> dict[str, Any]:
    """The request as the client sends it."""
    return {
        "model": name,
        "messages": conversation(rendered("system.md"), question),
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}},
        "temperature": client.server.temperature,
        "seed": client.server.seed,
        "max_completion_tokens": client.server.max_tokens,
    }


def _without_looks(words: VlmWords) -> VlmWords:
    """The first answer alone, so that what changes is the answer."""
    return VlmWords(words.client.server, replace(words.settings, second_look=False))


def _said(said: Explanation | Unexplained) -> tuple[str, str]:
    """(visible, type) as the model said them, checked or not."""
    if isinstance(said, Unexplained):
        return "unexplained", said.reason
    named = {c.name: c.value for c in said.claims}
    return named["visible"], named["type"]


def _shown_type(said: Explanation | Unexplained) -> str | None:
    """The type that the record shows: the model's, or the measured words' where a check contradicted it."""
    return said.type.value if isinstance(said, Explanation) else None


def _enums(said: Explanation | Unexplained) -> Any:
    if isinstance(said, Unexplained):
        return said.reason
    claims = [(c.name, c.value, c.status) for c in said.claims]
    return claims, said.type.value, said.confidence and said.confidence.value, [c.id for c in said.causes]


def _painted(view: RegionView, mask: Mask | None) -> RegionView:
    return replace(view, crop=erased_crop(view, mask))


def _blank(view: RegionView) -> RegionView:
    grey = np.full_like(view.crop, 127)
    return replace(view, crop=grey, whole=np.full_like(view.whole, 127), reference=None if view.reference is None else grey)


def _f1(kind: str, named: Sequence[str | None], truth: Sequence[str]) -> float:
    right = sum(n == t == kind for n, t in zip(named, truth, strict=True))
    total = sum(n == kind for n in named) + sum(t == kind for t in truth)
    return 2 * right / total if total else 0.0


def _share(these: Any) -> float | None:
    found = [bool(t) for t in these]
    return round(sum(found) / len(found), 4) if found else None


if __name__ == "__main__":
    results = measure(sys.argv[1])
    Path(sys.argv[2]).write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(json.dumps(results, indent=1))
