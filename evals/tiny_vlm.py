"""A Qwen3-VL that really sees, small enough for two cores: trained to answer seewhy's own questions about synthetic surfaces.

`python -m seewhy.evals.tiny_vlm FOLDER` draws the photos and trains (about 15 minutes). The architecture and the files are
Qwen3-VL's, so that vLLM serves it as it serves the real one; the weights are called `seewhy-tiny-vlm, synthetic` and stand for
no published model. What it learns from is in
`seewhy.evals.tiny_vlm_data`: it knows one card and pictures of one size.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from seewhy.evals.synth import KINDS
from seewhy.evals.tiny_vlm_data import PICTURE, SIDE, TONE_WORDS, Example, drawn

LABEL = "seewhy-tiny-vlm, synthetic"
PATCH, MERGE = 16, 2
TOKENS = (SIDE // PATCH // MERGE) ** 2  # of one picture
SURFACES, LOOKING, TALKING, BATCH = 2000, 1100, 450, 24  # photos; steps of the eye alone, and of the whole
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


if __name__ == "__main__":
    train(Path(sys.argv[1]))
