"""WinCLIP and WinCLIP+ (Jeong et al., CVPR 2023): anomalies from words, and from a few good photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor
from torch.nn import functional

from seewhy.card import ProductCard
from seewhy.detectors.parts.inputs import as_batch, squared
from seewhy.detectors.parts.tiles import Tile, blend, square_tiles
from seewhy.detectors.protocol import Calibrates, Single
from seewhy.detectors.weights.store import WeightsFile
from seewhy.detectors.winclip.clip import Clip, Seen, Words, window_patches
from seewhy.detectors.winclip.settings import WinClipSettings
from seewhy.errors import BadData, BadModel
from seewhy.prompts import sentence
from seewhy.prompts.winclip import prompt_set
from seewhy.record import Sentence
from seewhy.types import Box, Map, Pixels, Progress, ScoreMap, TypeScores, silent

MOST_SHOTS = 4
CELLS_WIDE = 3.0  # a point's answer: windows of two and three patches, averaged where they overlap
COARSE_PX = 8  # photo pixels per cell of the type scores where a photo is tiled


@dataclass(frozen=True, slots=True, eq=False)
class _Shot:
    """One good photo's embeddings, normed: patches (N, width) and one (M, D) per scale."""

    patches: Tensor
    windows: tuple[Tensor, ...]


class WinClip(Single):
    """Scores how much more a photo looks like words for a defective product than like words for a good one.

    The photo's score is the whole photo's (zero-shot), or its mean with the largest value of the association map (few-shot,
    eq. 6); of a photo cut into tiles, the largest tile's.

    Args:
        settings: see `WinClipSettings`.
        device: where CLIP runs.
        clip: a CLIP that is loaded already, for instance shared by several products; the settings' model where None.

    Raises:
        MissingWeights: CLIP's weights aren't on this machine.
        BadData: the words can't be used.
    """

    kind = name = "winclip"
    calibrates: Calibrates = "left_out"

    def __init__(self, settings: WinClipSettings | None = None, *, device: str = "cpu", clip: Clip | None = None) -> None:
        self._settings = settings or WinClipSettings()
        s = self._settings
        if s.shots is not None and s.shots < 0:
            raise BadData(f"shots is a number of good photos, 0 for words alone, not {s.shots}")
        self.prompts = prompt_set(s.prompt, s.defects)
        self.clip = clip or Clip(s.model, device=device, dtype=s.dtype)
        if max(s.scales, default=1) > min(self.clip.grid):
            raise BadData(f"a window of {max(s.scales)} patches doesn't fit into {s.model}'s {self.clip.grid[0]} x {self.clip.grid[1]}")
        self._index = tuple(window_patches(self.clip.grid, side) for side in s.scales)
        self._words: Words | None = None
        self._shots: tuple[_Shot, ...] = ()
        self._spare: _Shot | None = None  # stands in for a good photo that is left out; only between fit and save
        self._numbers: tuple[int, ...] = ()  # of the photos in `_shots`; only between fit and save

    @classmethod
    def from_card(cls, card: ProductCard | None, settings: WinClipSettings | None = None, /, *, device: str = "cpu") -> Self:
        """Unfitted, with the card's words: its description (else its name), its defects, its view."""
        if card is None:
            return cls(settings, device=device)
        named = tuple(d.name for d in card.defects)
        prompt = card.description or card.name
        return cls(replace(settings or WinClipSettings(), prompt=prompt, defects=named, view=card.view), device=device)

    def introduce(self, product: str, good_photos: int) -> Sentence:  # noqa: ARG002
        """What it was asked, and how many good photos it compares with."""
        return sentence("detector.words", name=self.name, words=self._settings.prompt, photos=len(self._shots))

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """CLIP's."""
        return (self.clip.weights,)

    @property
    def settings(self) -> WinClipSettings:
        """As asked."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """How many good photos it compares with, and the hash of the words that it asks."""
        return {"good_photos_compared": len(self._shots), "prompts_sha256": self.prompts.sha256}

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """Read the words; look at a few good photos where there are any.

        Args:
            photos: (H, W, 3) good ones; none is fine unless the settings ask for some.
            progress: wraps the loop over photos.

        Raises:
            BadData: there are fewer good photos than the settings ask for.
        """
        wanted = self._settings.shots
        if wanted is not None and wanted > len(photos):
            raise BadData(
                f"winclip was asked to compare with {wanted} good photos and {len(photos)} were given; give more or ask for fewer"
            )
        count = min(len(photos), MOST_SHOTS) if wanted is None else wanted
        self._words = self.clip.read(self.prompts)
        spread = np.linspace(0, len(photos) - 1, min(count + 1, len(photos))) if count else np.zeros(0)
        chosen = sorted({round(float(i)) for i in spread})
        looks = [self._look_at(photos[i]) for i in progress(chosen, "comparing good photos", len(chosen))]
        self._shots, self._spare = tuple(looks[:count]), looks[count] if len(looks) > count else None
        self._numbers = tuple(chosen[:count])

    def without(self, held_out: int) -> Self:
        """The same detector without that good photo; where another is at hand, it takes its place."""
        other = copy(self)
        if held_out in self._numbers:
            at = self._numbers.index(held_out)
            spare = (self._spare,) if self._spare is not None else ()
            other._shots = self._shots[:at] + spare + self._shots[at + 1 :]
        return other

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3)."""
        height, width = pixels.shape[:2]
        maps: list[tuple[Tile, Map]] = []
        types: list[tuple[Tile, npt.NDArray[np.float32]]] = []
        best, looks, cell = 0.0, [], 1.0
        for tile in self._tiles(pixels):
            seen = self._see(pixels, tile)
            score, grid = self._scored(seen)
            best = max(best, score)
            maps.append((tile, grid))
            types.append((tile, self._typed(seen)))
            looks.append(functional.normalize(seen.image[0], dim=0).cpu().numpy())
            cell = max(tile.box.width / grid.shape[1], tile.box.height / grid.shape[0])
        return ScoreMap(
            blend(maps, width, height),
            best,
            CELLS_WIDE * cell,
            self.name,
            np.mean(looks, 0, dtype=np.float32),
            _type_scores(self._settings.defects, types, width, height),
        )

    def files(self) -> dict[str, bytes]:
        """The words' embeddings and those of the good photos."""
        out = {"words.safetensors": save_tensors({n: t.contiguous() for n, t in self._fitted().as_dict().items()})}
        shots = {f"{i}.patches": s.patches.contiguous() for i, s in enumerate(self._shots)}
        shots |= {f"{i}.windows.{k}": w.contiguous() for i, s in enumerate(self._shots) for k, w in enumerate(s.windows)}
        return out | {"good.safetensors": save_tensors(shots)}

    @classmethod
    def from_files(cls, settings: WinClipSettings, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved."""
        detector = cls(settings, device=device)
        if detector.prompts.sha256 != learned["prompts_sha256"]:
            raise BadModel("the model was made with other prompt files than this version of seewhy has; fit it again")
        detector._words = Words(**load_tensors(files["words.safetensors"]))
        tensors = load_tensors(files["good.safetensors"])
        scales = range(len(settings.scales))
        detector._shots = tuple(
            _Shot(tensors[f"{i}.patches"].to(device), tuple(tensors[f"{i}.windows.{k}"].to(device) for k in scales))
            for i in range(learned["good_photos_compared"])
        )
        return detector

    def _fitted(self) -> Words:
        if self._words is None:
            raise BadModel("winclip has read no words yet; call fit first (without photos for words alone) or load a model")
        return self._words

    def _tiles(self, pixels: Pixels) -> list[Tile]:
        s = self._settings
        return square_tiles(pixels.shape[1], pixels.shape[0], self.clip.input_px, s.max_shrink, s.view)

    def _see(self, pixels: Pixels, tile: Tile, *, patches: bool | None = None) -> Seen:
        image = as_batch([squared(pixels[tile.box.slices], self.clip.input_px)])  # (1, 3, side, side)
        return self.clip.see(image, self._index, patches=bool(self._shots) if patches is None else patches)

    def _look_at(self, pixels: Pixels) -> _Shot:
        seen = [self._see(pixels, tile, patches=True) for tile in self._tiles(pixels)]
        patches = torch.cat([functional.normalize(s.patches[0], dim=-1) for s in seen if s.patches is not None])
        windows = (torch.cat([functional.normalize(s.windows[k][0], dim=-1) for s in seen]) for k in range(len(self._index)))
        return _Shot(patches, tuple(windows))

    def _scored(self, seen: Seen) -> tuple[float, Map]:
        """The photo's score and its map on the grid of patches."""
        words = self._fitted()
        text = torch.stack([words.normal, words.anomalous]).to(seen.image.device)
        temperature = self._settings.temperature
        whole = likeness(seen.image, text, temperature)[:, 1]  # (1,)
        scales = [whole.view(1, 1, 1).expand(1, *self.clip.grid)]
        scales += [
            harmonic(likeness(w, text, temperature)[..., 1], i, self.clip.grid) for w, i in zip(seen.windows, self._index, strict=True)
        ]
        grid = len(scales) / (1 / torch.stack(scales)).sum(0)  # (1, rows, cols), harmonic over scales
        if self._shots and seen.patches is not None:
            near = [association(seen.patches, torch.cat([s.patches for s in self._shots])).view(1, *self.clip.grid)]
            for k, (windows, index) in enumerate(zip(seen.windows, self._index, strict=True)):
                far = association(windows, torch.cat([s.windows[k] for s in self._shots]))
                near.append(harmonic(far, index, self.clip.grid))
            few = torch.stack(near).mean(0)
            grid = (grid + few) / 2
            whole = (whole + few.amax((-2, -1))) / 2
        return float(whole[0]), grid[0].cpu().numpy().astype(np.float32)

    def _typed(self, seen: Seen) -> npt.NDArray[np.float32]:
        """(N, rows, cols): of each cell, how its windows divide among the defects' words."""
        defects = self._fitted().defects.to(seen.image.device)
        if not len(defects):
            return np.zeros((0, *self.clip.grid), np.float32)
        total = torch.zeros(len(defects), self.clip.grid[0] * self.clip.grid[1], device=defects.device)
        for windows, index in zip(seen.windows, self._index, strict=True):
            shares = likeness(windows[0], defects, self._settings.temperature).T  # (N, W)
            flat = index.flatten().to(defects.device)
            total.index_add_(1, flat, shares.repeat_interleave(index.shape[1], 1))
        return (total / total.sum(0)).view(len(defects), *self.clip.grid).cpu().numpy()


def likeness(embeddings: Tensor, words: Tensor, temperature: float) -> Tensor:
    """Softmax over cosine similarities (eq. 1): (..., D) and (N, D) give (..., N)."""
    cosine = functional.normalize(embeddings, dim=-1) @ functional.normalize(words, dim=-1).T
    return (cosine / temperature).softmax(-1)


def harmonic(scores: Tensor, index: Tensor, grid: tuple[int, int]) -> Tensor:
    """Each patch's score: the harmonic mean of the windows that cover it (eq. 3); scores (B, W), index (W, n) give (B, rows, cols)."""
    flat = index.flatten().to(scores.device)
    inverse = (1 / scores).repeat_interleave(index.shape[1], 1)  # (B, W * n)
    total = torch.zeros(len(scores), grid[0] * grid[1], dtype=scores.dtype, device=scores.device).index_add_(1, flat, inverse)
    covered = torch.bincount(flat, minlength=grid[0] * grid[1])
    return (covered / total).view(len(scores), *grid)


def association(embeddings: Tensor, known: Tensor) -> Tensor:
    """Half the cosine distance to the nearest known embedding (eq. 5): (B, N, D) and (M, D), the latter normed, give (B, N)."""
    return ((1 - (functional.normalize(embeddings, dim=-1) @ known.T).amax(-1)) / 2).clamp(min=0)


def _type_scores(names: tuple[str, ...], parts: list[tuple[Tile, npt.NDArray[np.float32]]], width: int, height: int) -> TypeScores | None:
    if not names:
        return None
    if len(parts) == 1:
        return TypeScores(names, parts[0][1])
    cols, rows = max(1, width // COARSE_PX), max(1, height // COARSE_PX)

    def coarse(tile: Tile) -> Tile:
        x0, y0, x1, y1 = tile.box
        box = Box(x0 * cols // width, y0 * rows // height, -(-x1 * cols // width), -(-y1 * rows // height))
        return replace(tile, box=box)

    layers = [blend([(coarse(tile), values[n]) for tile, values in parts], cols, rows) for n in range(len(names))]
    return TypeScores(names, np.stack(layers))
