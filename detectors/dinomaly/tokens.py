"""Encoders as Dinomaly takes them: photos in, token maps out, all of one width, one for each group of layers; a ViT or a CNN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from seewhy.detectors.dinomaly.encoders import GROUPS, VITS, VitRow, sides
from seewhy.detectors.parts.backbones import BACKBONES, IMAGENET
from seewhy.detectors.parts.encoder import Encoder
from seewhy.detectors.weights import store
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, MissingExtra, WeightsMismatch


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """What an encoder sees of a batch of photos."""

    maps: list[Tensor]  # (B, prefix + rows * cols, dim) float32: each group's mean, earliest layers first
    grid: tuple[int, int]  # (rows, cols)
    whole: Tensor  # (B, D) of the whole photo: the class token of the last layer, or the mean where there is none


class TokenEncoder(Protocol):
    """Photos in, list of token maps out."""

    name: str
    weights: WeightsFile
    dim: int
    heads: int
    groups: int  # token maps that it gives
    prefix: int  # class and register tokens before those of places
    fuse: str  # how the bottleneck takes them in
    standardised: bool  # whether channels are brought to mean 0 and deviation 1 over good photos

    def __call__(self, images: Tensor) -> Tokens:
        """Tokens of (B, 3, H, W) in 0..1."""

    def see(self, images: Tensor) -> Tokens:
        """The same, also where torch traces."""


def token_encoder(
    name: str, *, recentre: bool = False, side_px: int = 0, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> TokenEncoder:
    """The encoder of that name, its weights loaded and checked.

    Args:
        name: of a row of `seewhy.detectors.dinomaly.encoders`.
        recentre: take each layer's class token from its places (context-aware recentring, Dinomaly2); ViTs alone.
        side_px: of all photos that it will see; 0: of any.
        device: where it computes.
        dtype: of its arithmetic.

    Raises:
        BadData: recentring without a class token.
        UnknownName: the tables don't hold it.
        MissingExtra: a ViT without transformers.
        MissingWeights: its weights aren't on this machine.
    """
    sides(name)
    if name in VITS:
        return VitTokens(name, recentre=recentre, side_px=side_px, device=device, dtype=dtype)
    if recentre:
        raise BadData(f"{name} has no class token to recentre by; recentring is for {', '.join(VITS)}")
    return CnnTokens(name, device=device, dtype=dtype)


class VitTokens:
    """A frozen DINOv2 (Oquab et al., 2024; registers: Darcet et al., ICLR 2024) or DINOv3 that stops after the last layer read."""

    fuse, standardised, groups = "mean", False, GROUPS

    def __init__(
        self, name: str, *, recentre: bool = False, side_px: int = 0, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.name, self._recentre, row = name, recentre, VITS[name]
        state, self.weights = store.load(row.weights)
        net = vit(row, state)
        self._net: Any = net.eval().requires_grad_(False).to(device, dtype)
        self._row, self._device, self._dtype = row, torch.device(device), dtype
        self.dim, self.heads = row.config["hidden_size"], row.config["num_attention_heads"]
        self._patch_px: int = row.config["patch_size"]
        self._before = 1 + row.config["num_register_tokens"]
        self.prefix = 0 if recentre else self._before
        mean, std = (torch.tensor(v, device=self._device).view(1, 3, 1, 1) for v in IMAGENET)
        self._mean, self._std = mean, std
        if side_px and row.kind == "dinov2":
            self._settle(side_px)

    def _settle(self, side_px: int) -> None:
        """Interpolate the places of patches once and for all: not for every photo, and not in an export, which does it otherwise."""
        embeddings, patches = self._net.embeddings, (side_px // self._patch_px) ** 2
        with torch.no_grad():
            places = embeddings.interpolate_pos_encoding(torch.empty(1, 1 + patches, self.dim), side_px, side_px).detach()
        embeddings.interpolate_pos_encoding = lambda *_: places

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tokens:
        """Tokens of (B, 3, H, W) in 0..1; sides are multiples of the patch."""
        return self.see(images)

    def see(self, images: Tensor) -> Tokens:
        """The same, also where torch traces."""
        x = ((images.to(self._device) - self._mean) / self._std).to(self._dtype)
        net, read = self._net, self._row.layers
        sums, share = list[Tensor](), len(read) // self.groups
        hidden = net.embeddings(x)
        more = {"position_embeddings": net.rope_embeddings(x)} if self._row.kind == "dinov3" else {}
        blocks = net.model.layer if self._row.kind == "dinov3" else net.encoder.layer
        for number, block in enumerate(blocks[: read[-1] + 1]):
            hidden = block(hidden, **more)
            if number not in read:
                continue
            seen = hidden[:, self._before :].float() - hidden[:, :1].float() if self._recentre else hidden
            if read.index(number) % share:
                sums[-1].add_(seen)
            else:
                sums.append(seen.to(torch.float32, copy=True))
        grid = int(images.shape[2] // self._patch_px), int(images.shape[3] // self._patch_px)
        return Tokens([s / share for s in sums], grid, hidden[:, 0].float())


def vit(row: VitRow, state: Mapping[str, Tensor] | None = None) -> torch.nn.Module:
    """The architecture with random weights, or with those of a published file, whose names transformers brings up to date.

    Raises:
        MissingExtra: transformers isn't installed.
        WeightsMismatch: the weights are of another architecture.
    """
    try:
        from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel, DINOv3ViTConfig, DINOv3ViTModel
        from transformers.utils import logging
    except ImportError as error:
        raise MissingExtra("a DINO encoder", "dinomaly") from error
    model, config = (
        (DINOv3ViTModel, DINOv3ViTConfig(**row.config))
        if row.kind == "dinov3"
        else (Dinov2WithRegistersModel, Dinov2WithRegistersConfig(**row.config))
    )
    if state is None:
        made: torch.nn.Module = model(config)
        return made
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        made, found = model.from_pretrained(None, config=config, state_dict=dict(state), output_loading_info=True, dtype=torch.float32)
    except RuntimeError as error:
        raise WeightsMismatch(f"the weights {row.weights!r} are of another architecture; import the right file again") from error
    finally:
        if shown:
            logging.enable_progress_bar()
    if found["missing_keys"] or found["mismatched_keys"]:
        lost = sorted(map(str, [*found["missing_keys"], *found["mismatched_keys"]]))
        raise WeightsMismatch(f"the weights {row.weights!r} are of another architecture (no {lost[0]}); import the right file again")
    return made


class CnnTokens:
    """EfficientNet-lite0's stages at 1/16: the fourth and fifth beside one another, and the sixth; 192 channels each."""

    fuse, standardised = "concat", True
    dim, heads, groups, prefix = 192, 6, GROUPS, 0

    def __init__(self, name: str, *, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.name = name
        self._encoder = Encoder(BACKBONES[name].name, layers=(3, 4, 5), device=device, dtype=dtype)
        self.weights = self._encoder.weights

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tokens:
        """Tokens of (B, 3, H, W) in 0..1; sides are multiples of 32."""
        return self.see(images)

    def see(self, images: Tensor) -> Tokens:
        """The same, also where torch traces."""
        fourth, fifth, sixth = self._encoder.maps(images)  # (B, 80 | 112, H/16, W/16), (B, 192, H/32, W/32)
        grid = int(fourth.shape[2]), int(fourth.shape[3])
        fine = torch.cat([fourth, fifth], 1)
        coarse = functional.interpolate(sixth, grid, mode="bilinear", align_corners=False)
        maps = [m.flatten(2).transpose(1, 2).contiguous() for m in (fine, coarse)]  # (B, rows * cols, 192)
        return Tokens(maps, grid, torch.cat([m.mean(1) for m in maps], 1))
