"""CLIP through open_clip: photos, windows of a photo, and words, in one space."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.transformer import VisionTransformer
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional

from seewhy.detectors.weights import known, store
from seewhy.detectors.winclip.int8 import Int8Linear
from seewhy.disk import write_file
from seewhy.errors import BadData, NotWritten, UnknownName, WeightsMismatch
from seewhy.prompts.winclip import PromptSet

TEXT_BATCH = 64  # prompts at a time
DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "int8": torch.float32,
}  # int8: its matrix products alone
OWN_MODELS = Path(__file__).parent / "clip_models"

open_clip.add_model_config(OWN_MODELS)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What CLIP sees in a batch of B photos; W windows of each scale, P patches."""

    image: Tensor  # (B, D)
    windows: tuple[Tensor, ...]  # one (B, W, D) per scale
    patches: Tensor | None  # (B, P, width), before the projection; None where not asked for


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A prompt set as embeddings, each the mean over its prompts: (D,), (D,) and (N, D)."""

    normal: Tensor
    anomalous: Tensor
    defects: Tensor

    def as_dict(self) -> dict[str, Tensor]:
        """For safetensors."""
        return {"normal": self.normal, "anomalous": self.anomalous, "defects": self.defects}


def build(architecture: str) -> Any:
    """An open_clip model with random weights.

    Raises:
        UnknownName: open_clip has none of that name.
        BadData: its photo side isn't a plain ViT with a class token.
    """
    if architecture not in open_clip.list_models():
        raise UnknownName("open_clip model", architecture, open_clip.list_models())
    config = open_clip.get_model_config(architecture)
    custom = config.pop("custom_text", False) or "hf_model_name" in config["text_cfg"]
    made: Any = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**config)
    visual = made.visual
    if not isinstance(visual, VisionTransformer) or visual.attn_pool is not None or visual.pool_type != "tok" or visual.final_ln_after_pool:
        raise BadData(f"{architecture} has no plain ViT with a class token; WinCLIP needs one, for instance ViT-B-16-plus-240")
    return made


def check_state(architecture: str, state: Mapping[str, Tensor], file: Path) -> None:
    """Refuse weights of another architecture.

    Raises:
        WeightsMismatch: names or shapes differ.
    """
    expected = {name: tuple(t.shape) for name, t in build(architecture).state_dict().items()}
    found = {name: tuple(t.shape) for name, t in state.items()}
    if expected != found:
        wrong = next(iter(sorted(set(expected.items()) ^ set(found.items()))))
        raise WeightsMismatch(
            f"{file} holds weights of another architecture than {architecture} (see {wrong[0]}); get the file of {architecture}"
        )


class Clip:
    """A frozen CLIP whose photo side also embeds windows of patches.

    A window is its own patches and the class token, run through the transformer by itself (Jeong et al., CVPR 2023, sec. 4.2).
    The patches' embeddings before the first block are gathered, not computed again, and of the last block only the class
    token is computed.

    Args:
        architecture: an open_clip model with a plain ViT.
        device: "cpu", "cuda", ….
        dtype: of weights and arithmetic, one of `DTYPES`; what comes out is float32. "int8" means the photo side's linear layers,
            on the CPU; all else is float32 then.
        given: a state dict and what to call it, instead of weights on disk (parity and speed with random weights).

    Raises:
        UnknownName: open_clip has no such model, or the dtype is none of `DTYPES`.
        BadData: int8 was asked for on another device than the CPU.
        MissingWeights: the weights are not on this machine.
    """

    def __init__(
        self,
        architecture: str,
        *,
        device: str = "cpu",
        dtype: str = "float32",
        given: tuple[Mapping[str, Tensor], store.WeightsFile] | None = None,
    ) -> None:
        if dtype not in DTYPES:
            raise UnknownName("number format", dtype, DTYPES)
        if dtype == "int8" and torch.device(device).type != "cpu":
            raise BadData(f"int8 runs on the CPU, not on {device}; use bfloat16 or float16 there")
        self.net = build(architecture)
        state, self.weights = given or store.load(f"{known.CLIP}{architecture}")
        self.net.load_state_dict(state)
        self.net.eval().requires_grad_(False).to(device, DTYPES[dtype])
        self.architecture, self.dtype, self._device = architecture, dtype, torch.device(device)
        self._visual: Any = self.net.visual
        if dtype == "int8":
            _quantise(self._visual)
        rows, cols = self._visual.grid_size
        self.grid: tuple[int, int] = (rows, cols)
        self.input_px: int = self._visual.image_size[0]
        self._mean = torch.tensor(OPENAI_DATASET_MEAN, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(OPENAI_DATASET_STD, device=device).view(1, 3, 1, 1)

    @torch.inference_mode()
    def see(self, images: Tensor, windows: Sequence[Tensor] = (), *, patches: bool = False) -> Seen:
        """Embed photos and windows of them.

        Args:
            images: (B, 3, input_px, input_px) in 0..1.
            windows: one (W, n) tensor of patch numbers per scale; see `window_patches`.
            patches: also give each patch's last token, after the last norm and before the projection.
        """
        x = ((images.to(self._device) - self._mean) / self._std).to(DTYPES[self.dtype])
        tokens = self._visual._embeds(x)  # (B, 1 + P, width), normed
        whole = self._blocks(tokens, class_only=not patches)
        seen = [self._windows(tokens, index.to(self._device)) for index in windows]
        last = self._visual.ln_post(whole[:, 1:]).float() if patches else None
        return Seen(self._projected(whole[:, 0]), tuple(seen), last)

    @torch.inference_mode()
    def read(self, prompts: PromptSet) -> Words:
        """Embed a prompt set; kept on disk by the hashes of weights and prompts and the dtype, so that it is computed once.

        Raises:
            BadData: a prompt is longer than the model reads.
        """
        kept = _cache() / f"{self.weights.sha256[:24]}-{prompts.sha256[:24]}-{self.dtype}.safetensors"
        if kept.is_file():
            return Words(**load_file(kept))
        groups = [prompts.normal, prompts.anomalous, *(p for _, p in prompts.defects)]
        made = [self._read(group).mean(0) for group in groups]
        empty = torch.zeros(0, made[0].shape[0])
        words = Words(made[0], made[1], torch.stack(made[2:]) if len(made) > 2 else empty)
        with suppress(NotWritten):  # a cache that can't be written costs time the next time, nothing else
            write_file(kept, save({name: t.contiguous() for name, t in words.as_dict().items()}))
        return words

    def _read(self, prompts: Sequence[str]) -> Tensor:
        """(N, D) float32; the text side always runs in the model's dtype, once per prompt set."""
        tokenizer = open_clip.get_tokenizer(self.architecture)
        most = self.net.context_length
        for prompt in prompts:
            count = len(tokenizer.encode(prompt)) + 2
            if count > most:
                raise BadData(f"the prompt {prompt[:60]!r}… is {count} tokens long, {self.architecture} reads {most}; use fewer words")
        tokens = tokenizer(list(prompts), context_length=most).to(self._device)
        return torch.cat([self.net.encode_text(part).float() for part in tokens.split(TEXT_BATCH)]).cpu()

    def _windows(self, tokens: Tensor, index: Tensor) -> Tensor:
        """(B, W, D) for windows of patches `index` (W, n)."""
        batch, width = tokens.shape[0], tokens.shape[2]
        count, size = index.shape
        inside = tokens[:, 1:][:, index]  # (B, W, n, width)
        with_class = torch.cat([tokens[:, :1, None].expand(batch, count, 1, width), inside], 2)
        last = self._blocks(with_class.reshape(batch * count, 1 + size, width), class_only=True)
        made: Tensor = self._projected(last[:, 0]).view(batch, count, -1)
        return made

    def _blocks(self, x: Tensor, *, class_only: bool) -> Tensor:
        blocks = self._visual.transformer.resblocks
        for block in blocks[:-1]:
            x = _block(block, x)
        return _block(blocks[-1], x, rows=1 if class_only else None)

    def _projected(self, tokens: Tensor) -> Tensor:
        normed = self._visual.ln_post(tokens)
        projected: Tensor = normed if self._visual.proj is None else normed @ self._visual.proj
        return projected.float()


def window_patches(grid: tuple[int, int], side: int) -> Tensor:
    """Numbers of the patches in every window of side x side patches, stride 1: (windows, side²), row by row.

    >>> window_patches((2, 3), 2).tolist()
    [[0, 1, 3, 4], [1, 2, 4, 5]]
    """
    rows, cols = grid
    numbers = torch.arange(rows * cols).view(rows, cols)
    return numbers.unfold(0, side, 1).unfold(1, side, 1).reshape(-1, side * side)


def _block(block: Any, x: Tensor, rows: int | None = None) -> Tensor:
    """One residual attention block of open_clip for the first `rows` tokens (None: all), which attend to all tokens."""
    width, heads = x.shape[2], block.attn.num_heads
    normed = block.ln_1(x)
    if rows is None:
        q, k, v = _into(block.attn, normed, slice(None)).chunk(3, -1)
    else:
        q = _into(block.attn, normed[:, :rows], slice(0, width))
        k, v = _into(block.attn, normed, slice(width, None)).chunk(2, -1)
    q, k, v = (t.view(t.shape[0], t.shape[1], heads, width // heads).transpose(1, 2) for t in (q, k, v))  # (B, heads, T, each)
    mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    x = (x if rows is None else x[:, :rows]) + block.ls_1(block.attn.out_proj(mixed))
    out: Tensor = x + block.ls_2(block.mlp(block.ln_2(x)))
    return out


def _into(attention: Any, x: Tensor, part: slice) -> Tensor:
    """Queries, keys and values of (B, T, width) tokens, or a `part` of them."""
    quantised = getattr(attention, "in_proj_int8", None)
    if quantised is None:
        return functional.linear(x, attention.in_proj_weight[part], attention.in_proj_bias[part])
    made: Tensor = quantised(x, part)
    return made


def _quantise(visual: Any) -> None:
    """Turn the linear layers of all blocks to int8."""
    for block in visual.transformer.resblocks:
        attention, mlp = block.attn, block.mlp
        attention.in_proj_int8 = Int8Linear(attention.in_proj_weight, attention.in_proj_bias)
        attention.out_proj = Int8Linear(attention.out_proj.weight, attention.out_proj.bias)
        mlp.c_fc = Int8Linear(mlp.c_fc.weight, mlp.c_fc.bias)
        mlp.c_proj = Int8Linear(mlp.c_proj.weight, mlp.c_proj.bias)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seewhy" / "words"
