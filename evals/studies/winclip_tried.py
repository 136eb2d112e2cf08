"""What was tried to make WinCLIP faster at equal numbers: processor time of one thread, random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from seewhy.detectors.parts.inputs import as_batch, squared
from seewhy.detectors.parts.network import Network, exported
from seewhy.detectors.winclip.clip import Clip, _block, _into
from seewhy.evals.peers.parity import made, noise_photo
from seewhy.evals.run import measuring, processor_ms

MODEL = "ViT-B-16-plus-240"
PRODUCTS = ((2670, 896, 2688), (1690, 3584, 896))  # of matrices, as a block has them: rows, width in, width out


def main(out: Path, turns: int = 3) -> None:
    """WinCLIP's pass by torch, with less arithmetic, and by OpenVINO, and its matrix products by four libraries' ways; TURNS turns."""
    torch.set_num_threads(1)
    with measuring(out, {"weights": f"{MODEL}, random", "turns": turns}, "openvino", "open_clip_torch") as table:
        table.row("gflops_of_a_product", _products, 4 * turns)
        table.row("share_of_products_in_the_pass", _share)
        table.row("seconds_per_pass", _passes, turns)


class _Pass(nn.Module):
    """All that WinCLIP sees of a photo."""

    def __init__(self, clip: Clip, windows: list[Tensor], *, shared: bool) -> None:
        super().__init__()
        self.visual, self._clip, self._shared = clip.net.visual, clip, shared
        self._windows = [torch.cat([torch.zeros(len(w), 1, dtype=w.dtype), w + 1], 1) for w in windows]  # the class token in front

    def forward(self, photo: Tensor) -> tuple[Tensor, ...]:
        """(1, side, side, 3) uint8 to the embeddings of the whole and of each scale's windows."""
        clip, (first, *blocks) = self._clip, self.visual.transformer.resblocks
        tokens = self.visual._embeds((photo.permute(0, 3, 1, 2).float() / 255 - clip._mean) / clip._std)
        each = [tokens, *(tokens[0][w] for w in self._windows)]
        after = self._first(first, tokens) if self._shared else [_block(first, x) for x in each]
        seen = list[Tensor]()
        for x in after:
            for block in blocks[:-1]:
                x = _block(block, x)
            seen.append(clip._projected(_block(blocks[-1], x, rows=1)[:, 0]))
        return tuple(seen)

    def _first(self, block: Any, tokens: Tensor) -> list[Tensor]:
        """The first block with queries, keys and values computed once for all windows, in which a patch is the same there."""
        heads, qkv = block.attn.num_heads, _into(block.attn, block.ln_1(tokens), slice(None))
        out = list[Tensor]()
        for x, own in [(tokens, qkv), *((tokens[0][w], qkv[0][w]) for w in self._windows)]:
            q, k, v = (t.view(*t.shape[:2], heads, -1).transpose(1, 2) for t in own.chunk(3, -1))
            x = x + block.attn.out_proj(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
            out.append(x + block.mlp(block.ln_2(x)))
        return out


def _passes(turns: int) -> dict[str, Any]:
    """Fastest of the turns, since other work only makes one slower; and how far the outputs are from those of torch as it is."""
    detector = made(MODEL)
    clip, windows = detector.clip, list(detector._index)
    pixels = squared(noise_photo(detector, 0), clip.input_px)
    photo, batch = torch.from_numpy(pixels[None].copy()), as_batch([pixels])
    shared, network = _Pass(clip, windows, shared=True).eval(), Network(exported(_Pass(clip, windows, shared=False), *pixels.shape[:2]))
    with torch.inference_mode():
        seen = clip.see(batch, windows)
        wanted = [one.numpy() for one in (seen.image, *seen.windows)]
        found = {"first block's queries, keys, values once": shared(photo), "openvino": network(pixels)}
        far = {
            name: max(float(np.abs(np.asarray(o).reshape(w.shape) - w).max()) for o, w in zip(outputs, wanted, strict=True))
            for name, outputs in found.items()
        }
        actions = {
            "torch": lambda _: clip.see(batch, windows),
            "first block's queries, keys, values once": lambda _: shared(photo),
            "openvino": lambda _: network(pixels),
        }
        spent = processor_ms(actions, turns)
    return {name: round(min(values) / 1000, 2) for name, values in spent.items()} | {"largest_difference": far}


def _share() -> float:
    """Of the matrix products in the pass's time, by torch's own profile."""
    detector = made(MODEL)
    batch = as_batch([squared(noise_photo(detector, 0), detector.clip.input_px)])
    detector.clip.see(batch, detector._index)
    with profile(activities=[ProfilerActivity.CPU]) as run:
        detector.clip.see(batch, detector._index)
    times = {one.key: one.self_cpu_time_total for one in run.key_averages()}
    products = sum(times.get(f"aten::{name}", 0) for name in ("addmm", "mm", "bmm"))
    return round(float(products / sum(times.values())), 3)


def _products(turns: int) -> dict[str, dict[str, float]]:
    """Of the fastest turn."""
    return {f"{rows} x {width} x {out}": _rates(turns, rows, width, out) for rows, width, out in PRODUCTS}


def _rates(turns: int, rows: int, width: int, out: int) -> dict[str, float]:
    a, weight, bias = torch.rand(rows, width), torch.rand(out, width), torch.rand(out)
    onednn, mkl = torch.ops.mkldnn, torch.ops.mkl
    for_onednn, for_mkl = onednn._reorder_linear_weight(weight, rows), mkl._mkl_reorder_linear_weight(weight, rows)
    network, photo = Network(exported(_Product(weight), rows, width)), np.zeros((rows, width, 3), np.uint8)
    actions: dict[str, Callable[[int], Any]] = {
        "torch": lambda _: functional.linear(a, weight, bias),
        "oneDNN, weights packed": lambda _: onednn._linear_pointwise(a, for_onednn, bias, "none", [], ""),
        "MKL, weights packed": lambda _: mkl._mkl_linear(a, for_mkl, weight, bias, rows),
        "openvino": lambda _: network(photo),
    }
    spent = processor_ms(actions, turns)
    return {name: round(2 * rows * width * out / min(values) / 1e6, 1) for name, values in spent.items()}


class _Product(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, photo: Tensor) -> tuple[Tensor]:
        """(1, rows, width, 3) uint8, whose first channel is taken, to (rows, out)."""
        return (photo[0, :, :, 0].float() @ self.weight.T,)
