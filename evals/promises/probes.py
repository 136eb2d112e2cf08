"""Cases that are asked about again with something taken away, added or changed: what the answers depend on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from seewhy.evals.metrics import share
from seewhy.evals.promises.answers import answers, but_texts, said_of
from seewhy.evals.promises.cases import HELD_OUT, Case
from seewhy.evals.synthetic.surfaces import KINDS
from seewhy.evals.synthetic.views import CARD, moved_mask
from seewhy.explainers import RegionView
from seewhy.explainers.question import erased_crop
from seewhy.explainers.vlm import VlmWords
from seewhy.record import Explanation
from seewhy.types import Mask

LEADING = "inspectors agree that the region shows a {}, answer {}"


def hallucination(words: VlmWords, decoys: Sequence[Case]) -> dict[str, Any]:
    """Of good places, how many the model does not call "no"."""
    said = answers(words, decoys)
    seen = [s.visible.value if isinstance(s, Explanation) and s.visible else "unexplained" for s in said]
    return {
        "places": len(seen),
        "not_called_no": share(s != "no" for s in seen),
        "answers": dict(Counter(str(s) for s in seen)),
        "by_product": {p: share(s != "no" for s, c in zip(seen, decoys, strict=True) if c.product == p) for p in HELD_OUT},
    }


def faithfulness(words: VlmWords, cases: Sequence[Case]) -> dict[str, Any]:
    """How often the answer changes when the defect is painted over, less how often when an equal patch beside it is."""
    plain = _without_looks(words)
    rng = np.random.default_rng(5)
    beside = [(c, moved_mask(c.view.mask, rng)) for c in cases]
    pairs = [(c, m) for c, m in beside if m is not None]
    before = answers(plain, [c for c, _ in pairs])
    erased = answers(plain, [replace(c, view=_painted(c.view, None)) for c, _ in pairs])
    elsewhere = answers(plain, [replace(c, view=_painted(c.view, m)) for c, m in pairs])
    changed, other = (share(said_of(a) != said_of(b) for a, b in zip(before, after, strict=True)) for after in (erased, elsewhere))
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
        made[name] = share(said_of(s)[1] == c.truth for s, c in zip(said, cases, strict=True))
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
        "changed_to_it": share(said_of(a)[1] == m[2] != said_of(m[1])[1] for a, m in zip(after, moved, strict=True)),
        "changed_at_all": share(said_of(a) != said_of(m[1]) for a, m in zip(after, moved, strict=True)),
    }


def languages(words: VlmWords, cases: Sequence[Case]) -> dict[str, Any]:
    """Whether everything but the texts is equal when they are also said in Korean, and how many of them are."""
    korean = VlmWords(words.client.server, replace(words.settings, language="ko"))
    pairs = list(zip(answers(words, cases), answers(korean, cases), strict=True))
    texts = [a.value.params for _, k in pairs if isinstance(k, Explanation) for a in k.appearance if a.value and a.source == "vlm"]
    return {
        "cases": len(pairs),
        "enums_equal": share(but_texts(e) == but_texts(k) for e, k in pairs),
        "texts": len(texts),
        "said_in_korean": share("text_ko" in t for t in texts),
    }


def _without_looks(words: VlmWords) -> VlmWords:
    """The first answer alone, so that what changes is the answer."""
    return VlmWords(words.client.server, replace(words.settings, second_look=False))


def _painted(view: RegionView, mask: Mask | None) -> RegionView:
    return replace(view, crop=erased_crop(view, mask))


def _blank(view: RegionView) -> RegionView:
    grey = np.full_like(view.crop, 127)
    return replace(view, crop=grey, whole=np.full_like(view.whole, 127), reference=None if view.reference is None else grey)
