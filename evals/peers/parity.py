"""Our WinCLIP beside anomalib's: the same random weights, prompts and photos; largest absolute differences.

anomalib 2.7.0 turns windows into (token, window, width) before the transformer, as open_clip 2 wanted; open_clip 3 takes (window,
token, width), so that tokens of different windows attend to one another. `corrected` turns them back; without it the difference is
reported too.

Needs anomalib; weights are random.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import torch
import typer
from safetensors.torch import save_file

from seewhy.detectors.weights.store import WeightsFile
from seewhy.detectors.winclip.clip import Clip, build
from seewhy.detectors.winclip.detector import WinClip
from seewhy.detectors.winclip.settings import WinClipSettings
from seewhy.evals.run import measuring
from seewhy.types import Pixels

PRODUCT, SCALES = "steel plate", (2, 3)


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
    """anomalib's model with the weights and the prompts of `ours`, loaded by its own code from a file."""
    from anomalib.models.image.winclip import torch_model

    prompts = ours.prompts
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        save_file({k: v.float().contiguous() for k, v in ours.clip.net.state_dict().items()}, file)
        given = {"BACKBONE": ours.clip.architecture, "PRETRAINED": str(file)}
        with _set(torch_model, create_prompt_ensemble=lambda _: (list(prompts.normal), list(prompts.anomalous)), **given):
            other = torch_model.WinClipModel(class_name=PRODUCT, scales=SCALES).eval()
            if corrected:
                other.clip.visual.transformer = Turned(other.clip.visual.transformer, {1 + side * side for side in SCALES})
            if good:
                other.setup(reference_images=torch.cat([network_input(ours, p) for p in good]))
    return other


@contextmanager
def _set(module: Any, **values: Any) -> Iterator[None]:
    """The module's own constants, for a while; it offers no argument for them."""
    before = {name: getattr(module, name) for name in values}
    try:
        for name, value in values.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def made(model: str, *, shots: int = 0, dtype: str = "float32", device: str = "cpu") -> WinClip:
    """Our detector with random weights of that architecture, the same ones at each call."""
    settings = WinClipSettings(prompt=PRODUCT, model=model, shots=shots, scales=SCALES, dtype=dtype)
    return WinClip(settings, clip=random_clip(model, dtype, device))


def random_clip(model: str, dtype: str = "float32", device: str = "cpu") -> Clip:
    """CLIP with random weights: drawn by NumPy tensor by tensor, the same whatever the versions of torch and open_clip."""
    state, digest = {}, hashlib.sha256(model.encode())
    for number, (name, t) in enumerate(sorted(build(model).state_dict().items())):
        values = np.random.default_rng([3, number]).standard_normal(tuple(t.shape))
        if t.ndim >= 2:
            values = values / np.sqrt(4 if name == "token_embedding.weight" else t[0].numel())
        else:
            values = (1.0 if name.endswith("weight") else 0.0) + 0.05 * values
        drawn = np.asarray(values, np.float32)
        digest.update(drawn.tobytes())
        state[name] = torch.from_numpy(drawn)
    return Clip(
        model, dtype=dtype, device=device, given=(state, WeightsFile(f"clip-{model}", "random", digest.hexdigest(), "none", "drawn here"))
    )


def winclip(model: str, *, shots: int, photos: int, corrected: bool = True) -> dict[str, float]:
    """Largest absolute differences by what is compared; see `peer`."""
    ours = made(model, shots=shots)
    good = [noise_photo(ours, 100 + i) for i in range(shots)]
    ours.fit(good)
    theirs = peer(ours, good, corrected=corrected)
    words = ours._fitted()
    found = {"text": _apart(torch.stack([words.normal, words.anomalous]), theirs.text_embeddings)}
    for i in range(photos):
        pixels = noise_photo(ours, i)
        with torch.no_grad():
            _, windows, patches = theirs.encode_image(network_input(ours, pixels))
            answer = theirs(network_input(ours, pixels))
        seen = ours._see(pixels, ours._tiles(pixels)[0], patches=True)
        score, grid = ours._scored(seen)
        full = torch.nn.functional.interpolate(torch.from_numpy(grid)[None, None], size=answer.anomaly_map.shape[-2:], mode="bilinear")
        rows = {"score": abs(score - float(answer.pred_score[0])), "map": _apart(full[0, 0], answer.anomaly_map[0])}
        rows |= {f"windows_{s}": _apart(seen.windows[k], windows[k]) for k, s in enumerate(SCALES)}
        rows |= {"patches": _apart(seen.patches, patches)} if seen.patches is not None else {}
        for name, value in rows.items():
            found[name] = max(found.get(name, 0.0), value)
    return found


def noise_photo(ours: WinClip, seed: int) -> Pixels:
    """Noise at the size of the model's input."""
    side = ours.clip.input_px
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def network_input(ours: WinClip, pixels: Pixels) -> torch.Tensor:
    """A photo as the network takes it, (1, 3, side, side), normed."""
    side = ours.clip.input_px
    image = torch.from_numpy(cv2.resize(pixels, (side, side))).permute(2, 0, 1)[None].float() / 255
    return (image - ours.clip._mean) / ours.clip._std


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one.float() - other.float()).abs().max())


def main(out: Path, models: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Largest differences to anomalib's WinCLIP, zero-, one- and four-shot, for MODELS (the small one)."""
    with measuring(out, {"weights": "random"}, "anomalib", "open_clip_torch") as table:
        for model in models or ["seewhy-tiny"]:
            for name, corrected in (("largest_difference", True), ("largest_difference_with_its_axis_order", False)):
                for shots in (0, 1, 4):
                    path = (model, name, str(shots))
                    table.row(path, winclip, model, shots=shots, photos=2, corrected=corrected)
