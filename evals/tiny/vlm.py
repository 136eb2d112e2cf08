"""A Qwen3-VL that really sees, small enough for two cores: trained to answer seewhy's own questions about synthetic surfaces.

Training takes about 15 minutes. The architecture and the files are
Qwen3-VL's, so that vLLM serves it as it serves the real one; the weights are called `seewhy-tiny-vlm, synthetic` and stand for
no published model. What it learns from is in `seewhy.evals.tiny.vlm_data`: it knows one card and pictures of one size.

The eye learns first, by naming the defect in each cell of the close-up; the words learn on top of it, the eye held still.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from seewhy.evals.run import facts, write_json
from seewhy.evals.synthetic.stand_in import LABEL, SIDE
from seewhy.evals.tiny.eye import EYE_WIDTH, GRID, LOOKS, MERGE, PATCH, TOKENS, WIDTH, learn_to_look, look, stepped
from seewhy.evals.tiny.vlm_data import PICTURE, Example, drawn

SURFACES, LOOKING, TALKING, BATCH = 2300, 800, 500, 24  # photos; steps of the eye, of the words; answers in a step
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>"]
SPECIAL.append("<|video_pad|>")
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}"
    "{% if c.type in ('image', 'image_url') %}" + PICTURE + "{% elif c.type == 'text' %}{{ c.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train(out: Path, *, surfaces: int = SURFACES, looking: int = LOOKING, talking: int = TALKING, seed: int = 0) -> None:
    """Draw the photos, train the small VLM, and write the folder OUT that a server loads."""
    torch.manual_seed(seed)
    began = time.perf_counter()
    examples = drawn(surfaces, seed)
    print(f"{len(examples)} examples drawn in {time.perf_counter() - began:.0f} s", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    tokens = tokenizer(examples, out)
    model = Qwen3VLForConditionalGeneration(architecture(tokens)).float().train()
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} million weights", flush=True)
    rng = np.random.default_rng(seed)
    learn_to_look(model.model.visual, [e for e in examples if len(e.pictures) > 1], looking, rng, began)
    _talk(model, tokens, examples, talking, rng, began)
    save(model, tokens, out)
    made_by(out, surfaces=surfaces, looking=looking, talking=talking, seed=seed, seconds=time.perf_counter() - began)


def made_by(out: Path, *, seconds: float, **settings: int) -> None:
    """Beside the weights: what they are, and what made them."""
    given = {
        "label": LABEL,
        "made_by": "python -m seewhy.evals train_tiny_vlm",
        **settings,
        "seconds": round(seconds),
    }
    write_json(out / "made_by.json", facts(given, "transformers"))


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
        stepped(optimiser, schedule, loss, weights)
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
