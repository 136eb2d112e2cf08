"""A Qwen3-VL that really sees, small enough for two cores: trained to answer seewhy's own questions about synthetic surfaces.

`python -m seewhy.evals.tiny.vlm FOLDER` draws the photos and trains (about 15 minutes). The architecture and the files are
Qwen3-VL's, so that vLLM serves it as it serves the real one; the weights are called `seewhy-tiny-vlm, synthetic` and stand for
no published model. What it learns from is in `seewhy.evals.tiny.vlm_data`: it knows one card and pictures of one size.

The eye learns first, by naming the defect in each cell of the close-up; the words learn on top of it, the eye held still.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl.modeling_qwen3_vl import (
    get_vision_interpolation_indices_and_weights,
    get_vision_position_ids,
    rotate_half,
)

from seewhy.evals.synthetic.surfaces import KINDS
from seewhy.evals.tiny.vlm_data import CELLS, PICTURE, SIDE, TONE_WORDS, Example, drawn
from seewhy.types import Map

LABEL = "seewhy-tiny-vlm, synthetic"
PATCH, MERGE = 16, 2
GRID = SIDE // PATCH
TOKENS = CELLS**2  # of one picture
WIDTH, EYE_WIDTH = 128, 128
SURFACES, LOOKING, LOOKS, TALKING, BATCH = 2300, 800, 64, 500, 24  # photos; steps of the eye and pictures in each; of the words
COVERED, CLEAR = 6.0, 0.5  # pixels of defect from which a cell shows it, and below which it doesn't
LUMA, BLUE, RED = (0.299, 0.587, 0.114), (-0.5, 0.0, 0.5), (0.5, -0.5, 0.0)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>"]
SPECIAL.append("<|video_pad|>")
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}"
    "{% if c.type in ('image', 'image_url') %}" + PICTURE + "{% elif c.type == 'text' %}{{ c.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


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
    _look(model.model.visual, [e for e in examples if len(e.pictures) > 1], looking, rng, began)
    _talk(model, tokens, examples, talking, rng, began)
    save(model, tokens, out)
    made_by(out, surfaces=surfaces, looking=looking, talking=talking, seed=seed, seconds=time.perf_counter() - began)


def made_by(out: Path, *, seconds: float, **settings: int) -> None:
    """Beside the weights: what they are, and what made them."""
    facts = {
        "label": LABEL,
        "made_by": "python -m seewhy.evals.tiny.vlm",
        **settings,
        "seconds": round(seconds),
        "versions": {"torch": torch.__version__, "transformers": version("transformers")},
        "date": datetime.now(UTC).date().isoformat(),
    }
    (out / "made_by.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def architecture(tokens: PreTrainedTokenizerFast) -> Qwen3VLConfig:
    """Qwen3-VL, very small."""
    ids = {s: tokens.convert_tokens_to_ids(s) for s in SPECIAL}
    return Qwen3VLConfig(
        text_config={
            "vocab_size": -(-len(tokens) // 32) * 32,
            "hidden_size": WIDTH,
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
            "hidden_size": EYE_WIDTH,
            "intermediate_size": 2 * EYE_WIDTH,
            "num_heads": 4,
            "out_hidden_size": WIDTH,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "temporal_patch_size": 2,
            "num_position_embeddings": GRID**2,
            "deepstack_visual_indexes": [1],
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


def _look(eye: Any, pool: Sequence[Example], steps: int, rng: Any, began: float) -> None:
    """The eye alone: what each cell of the close-up shows, and the whole of it; by heads that are thrown away."""
    _frequencies(eye, np.stack([e.pictures[-1] for e in pool[:300]]))
    kinds = 1 + len(KINDS)
    cell, whole = nn.ModuleList([nn.Linear(WIDTH, kinds) for _ in range(2)]), nn.Linear(WIDTH, kinds + len(TONE_WORDS))
    weights = [*eye.parameters(), *cell.parameters(), *whole.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1.5e-3, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1.5e-3, total_steps=steps, pct_start=0.1)
    right = 0.0
    for step in range(steps):
        rows = [pool[i] for i in rng.integers(0, len(pool), LOOKS)]
        pictures, cover = _augmented([r.pictures[-1] for r in rows], [r.cover for r in rows], rng)
        label, tone = torch.tensor([r.label for r in rows]), torch.tensor([r.tone for r in rows])
        told = torch.from_numpy((cover > COVERED) | (cover < CLEAR)).flatten(1)
        truth = torch.where(torch.from_numpy(cover > COVERED).flatten(1), label[:, None], 0)
        seen = look(eye, pictures)  # each (B, TOKENS, WIDTH)
        loss = sum((functional.cross_entropy(head(s)[told], truth[told]) for head, s in zip(cell, seen, strict=True)), torch.zeros(()))
        said = whole(seen[0].mean(1))
        loss = loss + functional.cross_entropy(said[:, :kinds], label) + 0.5 * functional.cross_entropy(said[:, kinds:], tone)
        _stepped(optimiser, schedule, loss, weights)
        right = 0.98 * right + 0.02 * float((said[:, :kinds].argmax(1) == label).float().mean())
        if step % 100 == 0 or step == steps - 1:
            print(f"looking {step} of {steps}: loss {loss.item():.3f}, right {right:.3f}, {time.perf_counter() - began:.0f} s", flush=True)


def _frequencies(eye: Any, pictures: npt.NDArray[np.uint8]) -> None:
    """Let the first layer see a patch's frequencies (DCT-II), lowest first, each as strong as the others over `pictures`.

    Lines a pixel wide are lost in random projections of 768 values to 128; four fifths are for lightness, the rest for colour.
    """
    at = np.arange(PATCH)
    waves = np.stack([np.cos(np.pi * (at + 0.5) * k / PATCH) * np.sqrt((1 if k == 0 else 2) / PATCH) for k in range(PATCH)])
    order = sorted(((v, u) for v in range(PATCH) for u in range(PATCH)), key=lambda vu: vu[0] ** 2 + vu[1] ** 2)
    luma = round(0.8 * EYE_WIDTH)
    wanted = [(LUMA, luma), (BLUE, (EYE_WIDTH - luma + 1) // 2), (RED, (EYE_WIDTH - luma) // 2)]
    made = [np.multiply.outer(colour, np.outer(waves[v], waves[u])) for colour, count in wanted for v, u in order[:count]]
    basis = torch.from_numpy(np.stack(made)).float()  # (EYE_WIDTH, 3, PATCH, PATCH)
    found = _single(patches(pictures)) @ basis.flatten(1).T
    spread = found.std(0)
    spread = spread.maximum(0.3 * spread.median())
    with torch.no_grad():
        eye.patch_embed.proj.weight.copy_((0.25 * basis / spread[:, None, None, None])[:, :, None].expand(-1, -1, 2, -1, -1))
        eye.patch_embed.proj.bias.copy_(-0.5 * found.mean(0) / spread)


def look(eye: Any, pictures: npt.NDArray[np.uint8]) -> list[Tensor]:
    """(N, SIDE, SIDE, 3) to the eye's outputs, (N, TOKENS, WIDTH) each: the last, then those for the first layers of the words.

    The same as the library's, which takes one picture after the other; a test holds that.
    """
    n, grid = len(pictures), torch.tensor([[1, GRID, GRID]])
    at, share = get_vision_interpolation_indices_and_weights(
        grid,
        num_grid_per_side=eye.num_grid_per_side,
        mode=eye.interpolation_mode,
        align_corners=eye.interpolation_align_corners,
        spatial_merge_size=MERGE,
        kwargs={},
    )
    place = (eye.pos_embed(at) * share[:, :, None]).sum(1)  # (P, EYE_WIDTH)
    weight = eye.patch_embed.proj.weight.sum(2).flatten(1)  # a still picture is two equal frames
    x = functional.linear(_single(patches(pictures)), weight, eye.patch_embed.proj.bias).view(n, GRID**2, -1) + place
    cos, sin = eye.rotary_pos_emb(x, get_vision_position_ids(grid, MERGE, kwargs={}))
    deep: list[Tensor] = []
    for number, block in enumerate(eye.blocks):
        qkv = block.attn.qkv(block.norm1(x)).view(n, GRID**2, 3, block.attn.num_heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (N, heads, P, width) each
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, GRID**2, -1)
        x = x + block.attn.proj(mixed)
        x = x + block.mlp(block.norm2(x))
        if number in eye.deepstack_visual_indexes:
            deep.append(eye.deepstack_merger_list[len(deep)](x).view(n, TOKENS, -1))
    return [eye.merger(x).view(n, TOKENS, -1), *deep]


def _talk(model: Any, tokens: PreTrainedTokenizerFast, examples: Sequence[Example], steps: int, rng: Any, began: float) -> None:
    """The words, on answers alone; the eye looks once at every picture and learns no more."""
    by_pictures = [[e for e in examples if len(e.pictures) == n] for n in (3, 1, 0)]
    seen = [_seen(model.model.visual, pool) for pool in by_pictures]
    print(f"all pictures seen, {time.perf_counter() - began:.0f} s", flush=True)
    weights = list(model.model.language_model.parameters())
    optimiser = torch.optim.AdamW(weights, lr=3e-3, weight_decay=0.02, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        which = int(rng.choice(3, p=(0.65, 0.15, 0.2)))
        at = rng.integers(0, len(by_pictures[which]), BATCH)
        ids, answers = _tokenised(tokens, [by_pictures[which][i] for i in at])
        hidden = _read(model, ids, [s[at].float().flatten(0, 2) for s in seen[which]], tokens)
        logits = model.lm_head(hidden[:, :-1][answers[:, 1:]])
        loss = functional.cross_entropy(logits, ids[:, 1:][answers[:, 1:]])
        _stepped(optimiser, schedule, loss, weights)
        if step % 50 == 0 or step == steps - 1:
            print(f"talking {step} of {steps}: loss {loss.item():.4f}, {time.perf_counter() - began:.0f} s", flush=True)


@torch.no_grad()
def _seen(eye: Any, pool: Sequence[Example]) -> list[Tensor]:
    """What the eye makes of all pictures, (examples, pictures, TOKENS, WIDTH) float16 each; nothing where there are none."""
    if not pool or not len(pool[0].pictures):
        return []
    found = [look(eye, np.concatenate([e.pictures for e in pool[i : i + LOOKS]])) for i in range(0, len(pool), LOOKS)]
    return [torch.cat([f[n] for f in found]).half().view(len(pool), -1, TOKENS, WIDTH) for n in range(len(found[0]))]


def _read(model: Any, ids: Tensor, seen: Sequence[Tensor], tokens: PreTrainedTokenizerFast) -> Tensor:
    """Last hidden states (B, L, WIDTH) of texts whose pictures the eye has seen."""
    inner, there = model.model, ids == tokens.convert_tokens_to_ids("<|image_pad|>")
    embedded = inner.language_model.embed_tokens(ids)
    attended = (ids != tokens.pad_token_id).long()
    more: dict[str, Any] = {}
    if seen:
        embedded = embedded.masked_scatter(there[..., None].expand_as(embedded), seen[0])
        grid = torch.tensor([[1, GRID, GRID]]).expand(int(there.sum()) // TOKENS, 3)
        at, _ = inner.get_rope_index(ids, mm_token_type_ids=there.int(), image_grid_thw=grid, attention_mask=attended)
        more = {"position_ids": at, "visual_pos_masks": there, "deepstack_visual_embeds": list(seen[1:])}
    made: Tensor = inner.language_model(inputs_embeds=embedded, attention_mask=attended, **more).last_hidden_state
    return made


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


def _single(flat: Tensor) -> Tensor:
    """Flat patches of still pictures, (N * patches, 3 * PATCH * PATCH): one frame of the two equal ones."""
    return flat.view(len(flat), 3, 2, -1)[:, :, 0].flatten(1)


def _augmented(
    pictures: Sequence[npt.NDArray[np.uint8]], covers: Sequence[Map], rng: Any
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """(B, SIDE, SIDE, 3) and (B, CELLS, CELLS), turned and mirrored together, each row its own way, and lit anew."""
    made, cells = [], []
    for picture, cover in zip(pictures, covers, strict=True):
        turns, flip = int(rng.integers(4)), bool(rng.integers(2))
        turned, cell = (np.rot90(a, turns)[:, :: -1 if flip else 1] for a in (picture, cover))
        made.append(np.clip(turned * rng.uniform(0.85, 1.15, (1, 1, 3)), 0, 255).astype(np.uint8))
        cells.append(cell)
    return np.stack(made), np.stack(cells)


if __name__ == "__main__":
    train(Path(sys.argv[1]))
