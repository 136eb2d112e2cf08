"""A Qwen3-VL that really sees, small enough for two cores: trained to answer seewhy's own questions about synthetic surfaces.

`python -m seewhy.evals.tiny_vlm FOLDER` draws the photos and trains (about 15 minutes). The architecture and the files are
Qwen3-VL's, so that vLLM serves it as it serves the real one; the weights are called `seewhy-tiny-vlm, synthetic` and stand for
no published model. It knows one card (`CARD`) and pictures of 160 x 160 pixels (`SETTINGS`).
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from seewhy.agent.measure import measure
from seewhy.agent.views import region_view
from seewhy.card import DefectType, Knowledge, ProductCard
from seewhy.evals.synth import DEFECTS, KINDS, change_of
from seewhy.evals.tiny_clip import _surface
from seewhy.explainers import RegionView
from seewhy.explainers.answer import UNKNOWN
from seewhy.explainers.client import Server
from seewhy.explainers.measured import looks
from seewhy.explainers.vlm import VlmSettings, VlmWords, erased_crop
from seewhy.prompts.vlm import CLOSE, rendered
from seewhy.types import Box, Mask, Pixels, Region

LABEL = "seewhy-tiny-vlm, synthetic"
SIDE, PATCH, MERGE = 160, 16, 2
TOKENS = (SIDE // PATCH // MERGE) ** 2  # of one picture
SETTINGS = VlmSettings(whole_px=SIDE, crop_px=SIDE, square=True)
SURFACES, LOOKING, TALKING, BATCH = 2000, 1100, 450, 24  # photos; steps of the eye alone, and of the whole
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>"]
SPECIAL.append("<|video_pad|>")
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}"
    "{% if c.type in ('image', 'image_url') %}" + PICTURE + "{% elif c.type == 'text' %}{{ c.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CARD = ProductCard(
    name="part",
    description="a machined part",
    defects=(
        DefectType(name="scratch", description="a thin line", shape=("line",)),
        DefectType(name="pit", description="a small round hole", shape=("spot",), tone=("darker",)),
        DefectType(name="stain", description="a wide patch of another colour", shape=("patch",)),
        DefectType(name="chip", description="a piece broken out of the edge", shape=("edge",)),
    ),
    knowledge=(
        Knowledge(id="S-1", applies_to=("scratch",), cause="contact with a hard edge", check="Look at the grippers.", source="synthetic"),
        Knowledge(id="P-1", applies_to=("pit",), cause="gas in the melt", check="Look at the melt.", source="synthetic"),
        Knowledge(id="T-1", applies_to=("stain",), cause="coolant that dried", check="Look at the rinsing.", source="synthetic"),
        Knowledge(id="C-1", applies_to=("chip",), cause="a blow on the edge", check="Look at the trays.", source="synthetic"),
    ),
)
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


def train(out: Path, *, surfaces: int = SURFACES, looking: int = LOOKING, talking: int = TALKING, seed: int = 0) -> None:
    """Draw, train, write the folder that a server loads."""
    torch.manual_seed(seed)
    began = time.perf_counter()
    examples = drawn(surfaces, seed)
    print(f"{len(examples)} examples drawn in {time.perf_counter() - began:.0f} s", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    tokens = tokenizer(examples, out)
    model = Qwen3VLForConditionalGeneration(architecture(tokens)).float().train()
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} million weights", flush=True)
    rng = np.random.default_rng(seed)
    _look(model, examples, looking, rng, began)
    _talk(model, tokens, examples, talking, rng, began)
    save(model, tokens, out)


def architecture(tokens: PreTrainedTokenizerFast) -> Qwen3VLConfig:
    """Qwen3-VL, very small."""
    ids = {s: tokens.convert_tokens_to_ids(s) for s in SPECIAL}
    return Qwen3VLConfig(
        text_config={
            "vocab_size": -(-len(tokens) // 32) * 32,
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 64,
            "max_position_embeddings": 8192,
            "rope_theta": 1e5,
            "rope_scaling": {"rope_type": "default", "mrope_section": [12, 10, 10], "mrope_interleaved": True},
            "tie_word_embeddings": True,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
            "bos_token_id": None,
        },
        vision_config={
            "depth": 4,
            "hidden_size": 96,
            "intermediate_size": 256,
            "num_heads": 4,
            "out_hidden_size": 128,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "temporal_patch_size": 2,
            "num_position_embeddings": (SIDE // PATCH) ** 2,
            "deepstack_visual_indexes": [1, 2],
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def tokenizer(examples: Sequence[Example], out: Path) -> PreTrainedTokenizerFast:
    """Byte-level BPE over seewhy's own prompts and answers."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    texts = [e.text.replace(PICTURE, " ") for e in examples[:2000]] + [e.answer for e in examples[:2000]]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=1000, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    )
    made = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>", additional_special_tokens=SPECIAL[1:]
    )
    made.chat_template = CHAT
    made.save_pretrained(out)
    settings = json.loads((out / "tokenizer_config.json").read_text(encoding="utf-8")) | {"processor_class": "Qwen3VLProcessor"}
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    return made


def save(model: Qwen3VLForConditionalGeneration, tokens: PreTrainedTokenizerFast, out: Path) -> None:
    """Weights in bfloat16, and how a server prepares pictures."""
    model.generation_config.eos_token_id = tokens.convert_tokens_to_ids("<|im_end|>")
    model.generation_config.pad_token_id = tokens.convert_tokens_to_ids("<|endoftext|>")
    model.eval().to(torch.bfloat16).save_pretrained(out)
    pixels = {
        "size": {"shortest_edge": 4096, "longest_edge": SIDE * SIDE * 4},
        "patch_size": PATCH,
        "temporal_patch_size": 2,
        "merge_size": MERGE,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "processor_class": "Qwen3VLProcessor",
    }
    for name, kind in (("preprocessor_config", "image_processor"), ("video_preprocessor_config", "video_processor")):
        which = {"image_processor": "Qwen2VLImageProcessor", "video_processor": "Qwen3VLVideoProcessor"}[kind]
        (out / f"{name}.json").write_text(json.dumps({f"{kind}_type": which} | pixels, indent=1), encoding="utf-8")


def _look(model: Any, examples: Sequence[Example], steps: int, rng: Any, began: float) -> None:
    """The eye alone: kind and tone from the close-up, by heads that are thrown away."""
    eye = model.model.visual
    head = nn.Linear(128, 1 + len(KINDS) + len(TONE_WORDS))
    pool = [e for e in examples if len(e.pictures) > 1]
    weights = [*eye.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1.5e-3, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1.5e-3, total_steps=steps, pct_start=0.1)
    right = 0.0
    for step in range(steps):
        rows = [pool[i] for i in rng.integers(0, len(pool), 2 * BATCH)]
        pictures = _augmented(np.stack([r.pictures[-1] for r in rows])[:, None], rng)
        seen = eye(patches(pictures[:, 0]), grid_thw=_grid(len(rows))).pooler_output.view(len(rows), TOKENS, -1)
        logits = head(seen.mean(1))
        kind, tone = logits[:, : 1 + len(KINDS)], logits[:, 1 + len(KINDS) :]
        truth = torch.tensor([r.label for r in rows])
        loss = functional.cross_entropy(kind, truth) + 0.5 * functional.cross_entropy(tone, torch.tensor([r.tone for r in rows]))
        _stepped(optimiser, schedule, loss, weights)
        right = 0.98 * right + 0.02 * float((kind.argmax(1) == truth).float().mean())
        if step % 100 == 0 or step == steps - 1:
            said = f"looking {step} of {steps}: loss {loss.item():.3f}, right {right:.3f}, {time.perf_counter() - began:.0f} s"
            print(said, flush=True)


def _talk(model: Any, tokens: PreTrainedTokenizerFast, examples: Sequence[Example], steps: int, rng: Any, began: float) -> None:
    """The whole model, on answers alone."""
    weights = list(model.parameters())
    eye = {id(p) for p in model.model.visual.blocks.parameters()}
    groups = [
        {"params": [p for p in weights if id(p) not in eye], "lr": 3e-3},
        {"params": [p for p in weights if id(p) in eye], "lr": 5e-4},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.02, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, [3e-3, 5e-4], total_steps=steps, pct_start=0.1)
    by_pictures = [[e for e in examples if len(e.pictures) == n] for n in (3, 1, 0)]
    for step in range(steps):
        pool = by_pictures[int(rng.choice(3, p=(0.72, 0.2, 0.08)))]
        rows = [pool[i] for i in rng.integers(0, len(pool), BATCH)]
        ids, answers = _tokenised(tokens, rows)
        given: dict[str, Any] = {"input_ids": ids, "attention_mask": (ids != tokens.pad_token_id).long()}
        if len(rows[0].pictures):
            pictures = _augmented(np.stack([r.pictures for r in rows]), rng)
            image = tokens.convert_tokens_to_ids("<|image_pad|>")
            given |= {
                "pixel_values": patches(pictures.reshape(-1, SIDE, SIDE, 3)),
                "image_grid_thw": _grid(pictures.shape[0] * pictures.shape[1]),
                "mm_token_type_ids": (ids == image).int(),
            }
        hidden = model.model(**given).last_hidden_state
        logits = model.lm_head(hidden[:, :-1][answers[:, 1:]])
        loss = functional.cross_entropy(logits, ids[:, 1:][answers[:, 1:]])
        _stepped(optimiser, schedule, loss, weights)
        if step % 25 == 0 or step == steps - 1:
            print(f"talking {step} of {steps}: loss {loss.item():.4f}, {time.perf_counter() - began:.0f} s", flush=True)


def _stepped(optimiser: Any, schedule: Any, loss: Tensor, weights: list[Any]) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimiser.step()
    schedule.step()


def _tokenised(tokens: PreTrainedTokenizerFast, rows: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Token ids (B, L), and which of them are the answer's."""
    ids, lengths = [], []
    for row in rows:
        before = tokens.encode(row.text.replace("<|image_pad|>", "<|image_pad|>" * TOKENS))
        after = tokens.encode(row.answer + "<|im_end|>")
        ids.append(before + after)
        lengths.append((len(before), len(before) + len(after)))
    longest = max(map(len, ids))
    padded = torch.tensor([row + [tokens.pad_token_id] * (longest - len(row)) for row in ids])
    at = torch.arange(longest)
    return padded, torch.stack([(at >= a) & (at < b) for a, b in lengths])


def patches(pictures: npt.NDArray[np.uint8]) -> Tensor:
    """(N, SIDE, SIDE, 3) to Qwen's flat patches, (N * patches, 3 * 2 * PATCH * PATCH): a test holds that they are its processor's."""
    made = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    n, grid = len(made), SIDE // PATCH // MERGE
    made = made.reshape(n, 3, grid, MERGE, PATCH, grid, MERGE, PATCH).permute(0, 2, 5, 3, 6, 1, 4, 7)
    return made.reshape(n * (SIDE // PATCH) ** 2, 3, 1, PATCH, PATCH).expand(-1, -1, 2, -1, -1).flatten(1)


def _grid(count: int) -> Tensor:
    return torch.tensor([[1, SIDE // PATCH, SIDE // PATCH]]).expand(count, 3).contiguous()


def _augmented(pictures: npt.NDArray[np.uint8], rng: Any) -> npt.NDArray[np.uint8]:
    """(B, n, SIDE, SIDE, 3) turned and mirrored together, each row its own way, and lit anew."""
    made = []
    for row in pictures:
        turned = np.rot90(row, int(rng.integers(4)), (1, 2))
        turned = turned[:, :, ::-1] if rng.integers(2) else turned
        made.append(np.clip(turned * rng.uniform(0.85, 1.15, (1, 1, 1, 3)), 0, 255).astype(np.uint8))
    return np.stack(made)


def drawn(surfaces: int, seed: int) -> list[Example]:
    """Examples of random surfaces, and the texts to translate."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = [e for some in pool.map(_examples, ((seed, i) for i in range(surfaces)), chunksize=20) for e in some]
    return found + translations()


def _examples(which: tuple[int, int]) -> list[Example]:
    """What can be asked about one random surface: its defect, a good place, the defect painted over, a place beside it painted over."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([29, *which])
    size = (320, 320)
    base = _surface(rng)
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
    found = [_asked(view, truth, kind, tone)]
    if rng.random() < 0.4:
        other = _elsewhere(view, rng)
        if other is not None:
            found.append(_asked(other, truth, kind, tone))
    decoy = _loose(DEFECTS[KINDS[int(rng.integers(len(KINDS)))]](rng, size) >= 0.5, rng)
    if decoy.any():
        found.append(_asked(view_of(good, decoy, photo if rng.random() < 0.3 else good, card), described(None), None, "same"))
    blank = erased_crop(view)
    found.append(_asked(_with_crop(view, blank), described(None), None, "same"))
    name = kind if rng.random() < 0.5 else KINDS[int(rng.integers(len(KINDS)))]
    found.append(_second(view.crop, name, "yes" if name == kind else "no", tone))
    if rng.random() < 0.4:
        found.append(_second(blank, name, "no", "same"))
    return found


def view_of(photo: Pixels, mask: Mask, good: Pixels | None, card: ProductCard, number: int = 1) -> RegionView:
    """A region that is known exactly, as the inspection would show it."""
    ys, xs = np.nonzero(mask)
    box = Box(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
    region = Region(box, mask[box.slices], 1.0, 1.0, (box.x0, box.y0), 1.0, "photo")
    measured = measure(region, card, photo.shape[1], photo.shape[0], 0.5)
    return region_view(number, region, measured, photo, good, card)


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
        found.append(_example([text], json.dumps(answer, ensure_ascii=False, separators=(",", ":")), 0, "same"))
    return found


def _pairs() -> list[tuple[str, str]]:
    return [(form, tone) for form in FORM_WORDS for tone in TONE_WORDS]


def _asked(view: RegionView, truth: dict[str, str], kind: str | None, tone: str) -> Example:
    words = VlmWords(Server(url="http://localhost"), SETTINGS)
    parts = words.parts(view, words.offered(view))
    return _example(parts, json.dumps(truth, separators=(",", ":")), 0 if kind is None else 1 + KINDS.index(kind), tone)


def _second(crop: Pixels, name: str, present: str, tone: str) -> Example:
    words = VlmWords(Server(url="http://localhost"), SETTINGS)
    parts: list[str | bytes] = [CLOSE, words.jpeg(crop, SIDE), rendered("look.md.j2", type=name)]
    return _example(parts, json.dumps({"present": present}, separators=(",", ":")), 0, tone)


def _example(parts: Sequence[str | bytes], answer: str, label: int, tone: str) -> Example:
    pictures = [np.asarray(Image.open(io.BytesIO(p)).convert("RGB")) for p in parts if isinstance(p, bytes)]
    content = "".join(p if isinstance(p, str) else PICTURE for p in parts)
    text = f"<|im_start|>system\n{rendered('system.md')}<|im_end|>\n<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"
    stacked = np.stack(pictures) if pictures else np.zeros((0, SIDE, SIDE, 3), np.uint8)
    return Example(text, stacked, answer, label, list(TONE_WORDS).index(tone))


def _with_crop(view: RegionView, crop: Pixels) -> RegionView:
    return replace(view, crop=crop)


def _elsewhere(view: RegionView, rng: Any) -> RegionView | None:
    """The crop with an equal patch beside the region painted over; None where there is no room."""
    beside = moved_mask(view.mask, rng)
    return None if beside is None else _with_crop(view, erased_crop(view, beside))


def moved_mask(mask: Mask, rng: Any) -> Mask | None:
    """The mask at another place of its crop, away from where it is; None where there is no room."""
    height, width = mask.shape
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    for _ in range(30):
        dy, dx = int(rng.integers(-height, height)), int(rng.integers(-width, width))
        made = np.zeros_like(mask)
        ys, xs = np.nonzero(mask)
        ys, xs = ys + dy, xs + dx
        if ys.min() < 0 or xs.min() < 0 or ys.max() >= height or xs.max() >= width:
            continue
        made[ys, xs] = True
        if not (made & grown).any():
            return made
    return None


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
    if rng.random() < 0.5:
        return mask
    size = 2 * int(rng.integers(1, 7)) + 1
    made: Mask = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0
    return made


if __name__ == "__main__":
    train(Path(sys.argv[1]))
