"""Our WinCLIP beside anomalib's: the same random weights, prompts and photos; largest absolute differences.

anomalib 2.7.0 turns windows into (token, window, width) before the transformer, as open_clip 2 wanted; open_clip 3 takes
(window, token, width), so that tokens of different windows attend to one another. `corrected` turns them back; without it the
difference is reported too.

`python -m seewhy.evals.parity OUT.json [MODEL]` needs anomalib; weights are random.
"""

from __future__ import annotations

import copy
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import open_clip
import torch

from seewhy.canonical import sha256_json
from seewhy.detectors.clip import Clip, build
from seewhy.detectors.weights import WeightsFile
from seewhy.detectors.winclip import WinClip, WinClipSettings
from seewhy.types import Pixels

PRODUCT = "steel plate"


class Turned(torch.nn.Module):
    """The transformer for anomalib's axis order: (token, window, width) where the first axis is as long as a window."""

    def __init__(self, transformer: torch.nn.Module, lengths: set[int]) -> None:
        super().__init__()
        self.inner, self.lengths = transformer, lengths

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any axis order in, the same out."""
        turned = x.shape[0] in self.lengths
        out: torch.Tensor = self.inner(x.transpose(0, 1) if turned else x)
        return out.transpose(0, 1) if turned else out


def peer(ours: WinClip, good: list[Pixels], *, corrected: bool = True) -> Any:
    """anomalib's model around the very network and the prompts that `ours` uses."""
    from anomalib.models.image.winclip import torch_model

    prompts = ours._prompts

    net = copy.deepcopy(ours._clip._net)
    if corrected:
        net.visual.transformer = Turned(net.visual.transformer, {1 + side * side for side in ours._settings.scales})

    def same(*_: Any, **__: Any) -> tuple[Any, None, None]:
        return net, None, None

    with (
        patch.object(open_clip, "create_model_and_transforms", same),
        patch.object(torch_model, "create_prompt_ensemble", lambda _: (list(prompts.normal), list(prompts.anomalous))),
        patch.object(torch_model, "tokenize", lambda texts: _tokens(ours, texts)),
    ):
        other = torch_model.WinClipModel(class_name=PRODUCT, scales=ours._settings.scales).eval()
        if good:
            other.setup(reference_images=torch.cat([_input(ours, p) for p in good]))
    return other


def made(model: str, *, shots: int = 0, dtype: str = "float32", clip: Clip | None = None) -> WinClip:
    """Our detector with random weights of that architecture, the same ones at each call."""
    settings = WinClipSettings(prompt=PRODUCT, model=model, shots=shots, dtype=dtype)
    return WinClip(settings, clip=clip or random_clip(model, getattr(torch, dtype)))


def random_clip(model: str, dtype: torch.dtype = torch.float32) -> Clip:
    """CLIP with random weights: drawn by NumPy tensor by tensor, the same whatever the versions of torch and open_clip."""
    state = {}
    for number, (name, t) in enumerate(sorted(build(model).state_dict().items())):
        values = np.random.default_rng([3, number]).standard_normal(tuple(t.shape))
        if t.ndim >= 2:
            values = values / np.sqrt(4 if name == "token_embedding.weight" else t[0].numel())
        else:
            values = (1.0 if name.endswith("weight") else 0.0) + 0.05 * values
        state[name] = torch.from_numpy(np.asarray(values, np.float32))
    digest = sha256_json([model, "random", 3])
    return Clip(model, dtype=dtype, given=(state, WeightsFile(f"clip-{model}", "random", digest, "none", "drawn here")))


def winclip(model: str, *, shots: int, photos: int, corrected: bool = True) -> dict[str, float]:
    """Largest absolute differences by what is compared; see `peer`."""
    ours = made(model, shots=shots)
    good = [_noise(ours, 100 + i) for i in range(shots)]
    ours.fit(good)
    theirs = peer(ours, good, corrected=corrected)
    words = ours._fitted()
    found = {"text": _apart(torch.stack([words.normal, words.anomalous]), theirs.text_embeddings)}
    for i in range(photos):
        pixels = _noise(ours, i)
        with torch.no_grad():
            _, windows, patches = theirs.encode_image(_input(ours, pixels))
            answer = theirs(_input(ours, pixels))
        seen = ours._see(pixels, ours._tiles(pixels)[0], patches=True)
        score, grid = ours._scored(seen)
        full = torch.nn.functional.interpolate(torch.from_numpy(grid)[None, None], size=answer.anomaly_map.shape[-2:], mode="bilinear")
        rows = {"score": abs(score - float(answer.pred_score[0])), "map": _apart(full[0, 0], answer.anomaly_map[0])}
        rows |= {f"windows_{s}": _apart(seen.windows[k], windows[k]) for k, s in enumerate(ours._settings.scales)}
        rows |= {"patches": _apart(seen.patches, patches)} if seen.patches is not None else {}
        for name, value in rows.items():
            found[name] = max(found.get(name, 0.0), value)
    return found


def golden(model: str) -> dict[str, Any]:
    """Scores and every fourth cell of the maps of two photos, zero-, one- and four-shot."""
    out = {}
    for shots in (0, 1, 4):
        ours = made(model, shots=shots)
        ours.fit([_noise(ours, 100 + i) for i in range(shots)])
        rows = [ours._scored(ours._see(p, ours._tiles(p)[0])) for p in (_noise(ours, 0), _noise(ours, 1))]
        out[str(shots)] = {
            "scores": [round(score, 7) for score, _ in rows],
            "maps": [[round(float(v), 7) for v in grid[::4, ::4].ravel()] for _, grid in rows],
        }
    return out


def _tokens(ours: WinClip, texts: list[str]) -> Any:
    return open_clip.get_tokenizer(ours._clip.architecture)(texts, context_length=ours._clip._net.context_length)


def _noise(ours: WinClip, seed: int) -> Pixels:
    side = ours._clip.input_px
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def _input(ours: WinClip, pixels: Pixels) -> torch.Tensor:
    side = ours._clip.input_px
    image = torch.from_numpy(cv2.resize(pixels, (side, side))).permute(2, 0, 1)[None].float() / 255
    return (image - ours._clip._mean) / ours._clip._std


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one.float() - other.float()).abs().max())


def main(out: Path, model: str) -> None:
    """Measure zero-, one- and four-shot."""
    facts: dict[str, Any] = {
        "model": model,
        "weights": "random",
        "peer": f"anomalib {version('anomalib')}, open_clip {version('open_clip_torch')}",
    }
    for name, corrected in (("largest_difference", True), ("largest_difference_with_its_axis_order", False)):
        facts[name] = {str(shots): winclip(model, shots=shots, photos=2, corrected=corrected) for shots in (0, 1, 4)}
    out.write_text(json.dumps(facts, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "seewhy-tiny")
