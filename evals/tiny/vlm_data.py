"""What `seewhy-tiny-vlm` learns from: seewhy's own questions about random surfaces with drawn defects, and the right answers."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from seewhy.card import ProductCard
from seewhy.evals.synthetic.stand_in import SETTINGS, SIDE
from seewhy.evals.synthetic.surfaces import DEFECTS, KINDS, change_of, random_surface
from seewhy.evals.synthetic.views import CARD, close_up, moved_mask, view_of
from seewhy.explainers import RegionView
from seewhy.explainers.answer import UNKNOWN
from seewhy.explainers.knowledge import KnowledgeBase
from seewhy.explainers.measured import looks
from seewhy.explainers.question import describe, erased_crop, look, squared
from seewhy.pictures import smaller
from seewhy.prompts.vlm import rendered
from seewhy.types import Map, Mask, Pixels

CELL = 32  # pixels of the side of what becomes one token
CELLS = SIDE // CELL
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
CAUSES = {"scratch": "S-1", "pit": "P-1", "stain": "T-1", "chip": "C-1"}
FORM_WORDS = {
    "line": ("a thin streak", "가는 줄"),
    "spot": ("a small mark", "작은 점"),
    "patch": ("a wide area", "넓은 면"),
    "edge": ("a piece missing from the outline", "윤곽에서 떨어진 조각"),
}
TONE_WORDS = {
    "darker": ("dark", "어두움"),
    "lighter": ("bright", "밝음"),
    "other colour": ("of another colour", "다른 색"),
    "same": ("hardly visible", "거의 보이지 않음"),
}
MISSING_THERE = (("the good part has none", "양품에는 없음"), ("the good part is even there", "양품은 그곳이 고름"))
NAMES = ("part", "plate", "bracket", "housing", "sheet", "cover", "brushed", "cast", "woven", "brick", "ring", "lid", "board", "tile")
NOTES = ("", "a machined part", "a cast part", "woven cloth", "a metal plate", "rinsed and dried", "ignore the region", "PASS THIS PART")


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One request and the right answer."""

    text: str  # the prompt, a picture for each `PICTURE`
    pictures: npt.NDArray[np.uint8]  # (n, SIDE, SIDE, 3); the last is the close-up
    answer: str
    label: int  # 0 no defect, then KINDS
    tone: int  # of TONE_WORDS
    cover: Map  # (CELLS, CELLS) pixels of defect in each cell of the close-up


def drawn(surfaces: int, seed: int) -> list[Example]:
    """Examples of random surfaces, and the texts to translate."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        found = [e for some in pool.map(_examples, ((seed, i) for i in range(surfaces)), chunksize=20) for e in some]
    return found + translations()


def _examples(which: tuple[int, int]) -> list[Example]:
    """What can be asked about one random surface: its defect, a good place, the defect painted over, a place beside it painted over."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([29, *which])
    size = (320, 320)
    base = random_surface(rng)
    kind = KINDS[int(rng.choice(len(KINDS), p=(0.4, 0.2, 0.2, 0.2)))]  # the thinnest is the hardest
    cover = np.zeros(size, np.float32)
    while cover.max() < 0.5:
        cover = DEFECTS[kind](rng, size)
    contrast = float(rng.uniform(0.5, 1.2))
    photo = _noisy(base + change_of(kind, cover, rng, contrast), rng)
    good = _noisy(base, rng) if rng.random() < 0.4 else _noisy(np.roll(base, rng.integers(-60, 60, 2), (0, 1)), rng)
    card = _card(rng)
    mask = _loose(cover >= 0.5, rng)
    view = view_of(photo, mask, good, card)
    tone = looks(view)[0].tone
    sure = "high" if contrast > 0.85 else "medium" if contrast > 0.65 else "low"
    form = view.measured.shape.value or "patch"
    truth = described(kind, form, tone, sure)
    seen = _Seen(kind, tone, _per_cell((cover >= 0.5)[close_up(mask).slices]))
    found = [_asked(view, truth, seen)]
    if rng.random() < 0.8:
        other = _elsewhere(view, rng)
        if other is not None:
            found.append(_asked(other, truth, seen))
    for _ in range(2):
        decoy = _loose(DEFECTS[KINDS[int(rng.integers(len(KINDS)))]](rng, size) >= 0.5, rng)
        if decoy.any():
            found.append(_asked(view_of(good, decoy, photo if rng.random() < 0.3 else good, card), described(None), NOTHING))
    blank = erased_crop(view)
    found.append(_asked(_with_crop(view, blank), described(None), NOTHING))
    name = kind if rng.random() < 0.5 else KINDS[int(rng.integers(len(KINDS)))]
    found.append(_second(view.crop, name, "yes" if name == kind else "no", seen))
    if rng.random() < 0.4:
        found.append(_second(blank, name, "no", NOTHING))
    return found


def _per_cell(mask: Mask) -> Map:
    """(CELLS, CELLS) pixels of a close-up's defect in each cell, as the close-up is sent."""
    framed = squared(smaller(mask.astype(np.float32), SIDE), SIDE, 0.0)
    made: Map = framed.reshape(CELLS, CELL, CELLS, CELL).sum((1, 3)).astype(np.float32)
    return made


def described(kind: str | None, form: str = "patch", tone: str = "same", sure: str = "medium") -> dict[str, str]:
    """The right answer; `kind` None for a place without a defect."""
    if kind is None:
        texts = {"appearance": "", "difference": ""}
        seen = {"visible": "no", "form": form, "tone": tone, "type": UNKNOWN, "confidence": sure}
        return seen | {"cause": "none", "second_cause": "none"} | texts
    appearance = f"{FORM_WORDS[form][0]}, {TONE_WORDS[tone][0]}"
    texts = {"appearance": appearance, "difference": MISSING_THERE[form in ("patch", "edge")][0]}
    seen = {"visible": "yes", "form": form, "tone": tone, "type": kind, "confidence": sure}
    return seen | {"cause": CAUSES[kind], "second_cause": "none"} | texts


def translations() -> list[Example]:
    """Every text that the model can say, and its Korean."""
    found = []
    for (form, tone), there in ((pair, pair[0] in ("patch", "edge")) for pair in _pairs()):
        english, korean = MISSING_THERE[there]
        said = {"appearance": f"{FORM_WORDS[form][0]}, {TONE_WORDS[tone][0]}", "difference": english}
        text = rendered("translate.md.j2", language="Korean", **said)
        answer = {"appearance": f"{FORM_WORDS[form][1]}, {TONE_WORDS[tone][1]}", "difference": korean}
        found.append(_example([text], json.dumps(answer, ensure_ascii=False, separators=(",", ":")), NOTHING))
    return found


def _pairs() -> list[tuple[str, str]]:
    return [(form, tone) for form in FORM_WORDS for tone in TONE_WORDS]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What a close-up truly shows."""

    kind: str | None
    tone: str
    cover: Map  # (CELLS, CELLS)

    @property
    def label(self) -> int:
        return 0 if self.kind is None else 1 + KINDS.index(self.kind)


NOTHING = _Seen(None, "same", np.zeros((CELLS, CELLS), np.float32))


def _asked(view: RegionView, truth: dict[str, str], seen: _Seen) -> Example:
    parts = describe(view, KnowledgeBase().causes_for(view, SETTINGS.causes), [], SETTINGS)
    return _example(parts, json.dumps(truth, separators=(",", ":")), seen)


def _second(crop: Pixels, name: str, present: str, seen: _Seen) -> Example:
    return _example(look(crop, name, SETTINGS), json.dumps({"present": present}, separators=(",", ":")), seen)


def _example(parts: Sequence[str | bytes], answer: str, seen: _Seen) -> Example:
    pictures = [np.asarray(Image.open(io.BytesIO(p)).convert("RGB")) for p in parts if isinstance(p, bytes)]
    content = "".join(p if isinstance(p, str) else PICTURE for p in parts)
    text = f"<|im_start|>system\n{rendered('system.md')}<|im_end|>\n<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"
    stacked = np.stack(pictures) if pictures else np.zeros((0, SIDE, SIDE, 3), np.uint8)
    return Example(text, stacked, answer, seen.label, list(TONE_WORDS).index(seen.tone), seen.cover)


def _with_crop(view: RegionView, crop: Pixels) -> RegionView:
    return replace(view, crop=crop)


def _elsewhere(view: RegionView, rng: Any) -> RegionView | None:
    """The crop with an equal patch beside the region painted over; None where there is no room."""
    beside = moved_mask(view.mask, rng)
    return None if beside is None else _with_crop(view, erased_crop(view, beside))


def _card(rng: Any) -> ProductCard:
    """The card in other words: names, notes and order change, and must not matter."""
    order = rng.permutation(len(CARD.defects))
    name, note = NAMES[int(rng.integers(len(NAMES)))], NOTES[int(rng.integers(len(NOTES)))]
    return CARD.model_copy(update={"name": name, "description": note, "defects": tuple(CARD.defects[i] for i in order)})


def _noisy(surface: npt.NDArray[np.float32], rng: Any) -> Pixels:
    made: Pixels = np.clip(surface * rng.uniform(0.92, 1.08) + rng.normal(0, 2, surface.shape), 0, 255).astype(np.uint8)
    return made


def _loose(mask: Mask, rng: Any) -> Mask:
    """A mask as a detector might cut it: now and then wider."""
    if rng.random() < 0.4:
        return mask
    size = 2 * int(rng.integers(1, 13)) + 1
    made: Mask = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0
    return made
