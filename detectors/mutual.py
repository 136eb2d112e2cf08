"""Mutual scoring (MuSc; Li et al., ICLR 2024): the photos of a lot judge one another, no good photo is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor
from torch.nn import functional

from seewhy.canonical import sha256_bytes
from seewhy.detectors.parts.backbones import backbone
from seewhy.detectors.parts.inputs import prepare_torch, squared, torch_beside
from seewhy.detectors.parts.patches import Patches, kept_patches, patches
from seewhy.detectors.parts.resolution import answer_to_a_dot
from seewhy.detectors.parts.ways import Asked, Engine, Spec, Way, first_precision
from seewhy.detectors.protocol import Calibrates, Single
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Map, Pixels, Progress, ScoreMap, silent

FEWEST = 3  # photos that can judge one another


@dataclass(frozen=True, slots=True)
class MutualSettings:
    """What can be chosen; pools and interval are the paper's."""

    backbone: str = "efficientnet-lite0"
    layers: tuple[int, ...] = ()  # the backbone's own where empty
    input_px: int = 384  # side of the square that a photo is brought to
    pools: tuple[int, ...] = (1, 3, 5)  # sides of the neighbourhoods that patches are averaged over (sec. 3.2)
    interval: float = 0.3  # share of the other photos, the most alike ones, whose mean distance is a patch's score (sec. 3.3)
    kin: int = 4  # most alike photos of the lot, whose scores a photo's own is averaged with (sec. 3.4); 0: its own alone
    peers: int = 128  # photos of the lot that are kept as judges: memory and time don't grow with the lot beyond them
    top_share: float = 0.01  # the photo's score is the mean of this share of its strangest cells
    smoothing: float = 1.0  # sigma of the Gaussian over the map, in cells
    seed: int = 0
    dtype: str = "float32"  # of torch's arithmetic
    engine: Engine = "auto"  # who runs the backbone; auto: OpenVINO on a CPU, ONNX Runtime on other devices where it can, else torch
    precision: Asked = "f32"  # of OpenVINO's arithmetic; can't be left open


class Mutual(Single):
    """A patch that few other photos of the lot have is strange; a defect that most of them have is not.

    Args:
        settings: see `MutualSettings`.
        device: where the encoder runs, and torch's comparison where it knows the device.
        described: patches' features as they were kept with a model; None: by the settings.

    Raises:
        MissingWeights: the backbone's weights aren't on this machine.
        BadData: the precision is left open, which good photos would decide.
    """

    kind = name = "mutual"
    calibrates: Calibrates = "lot"

    def __init__(self, settings: MutualSettings | None = None, *, device: str = "cpu", described: Patches | None = None) -> None:
        prepare_torch(torch_beside(device))
        self._settings, self._device = settings or MutualSettings(), torch.device(torch_beside(device))
        s = self._settings
        spec = Spec(s.backbone, tuple(Way(s.layers or backbone(s.backbone).layers, pool, unit_length=True) for pool in s.pools))
        if s.precision == "auto":
            raise BadData("mutual can't choose its precision: nobody knows which photos of a lot are good; give --precision f32 or bf16")
        precision = first_precision(s.precision)
        self._patches = described or patches(spec, engine=s.engine, precision=precision, device=device, dtype=s.dtype)
        self._peers: list[Tensor] = []  # of each pool: (peers, P, D) float16
        self._names: list[str] = []  # SHA-256 of the peers' pixels: a photo doesn't judge itself
        self._wholes, self._scores = torch.zeros(0, 0), torch.zeros(0)  # of the peers: (peers, D) descriptions, (peers,) their own scores
        self._lot = 0
        self._resolution_cells = 1.0

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """What it compares with."""
        return sentence("detector.spoke_mutual", name=self.name, photos=good_photos, product=product)

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """The backbone's."""
        return (self._patches.weights,)

    @property
    def settings(self) -> MutualSettings:
        """As asked."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """The lot's size, and who judges."""
        self._fitted()
        network = self._patches.learned()
        facts = {"lot": self._lot, "judges": self._names, "resolution_cells": self._resolution_cells}
        return facts | {"network": network} if network else facts

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """Look at the photos of a lot, good and bad alike.

        Args:
            photos: (H, W, 3) each, read one at a time; `peers` of them, drawn at random, are kept as judges.
            progress: wraps the loop.

        Raises:
            BadData: there are too few to judge one another.
        """
        if len(photos) < FEWEST:
            raise BadData(f"mutual needs at least {FEWEST} photos of a lot, which judge one another; there are {len(photos)}")
        rng = np.random.default_rng(self._settings.seed)
        chosen = np.sort(rng.choice(len(photos), min(len(photos), self._settings.peers), replace=False))
        kept: list[list[Tensor]] = [[] for _ in self._settings.pools]
        self._names, self._lot, self._scores = [], len(photos), torch.zeros(0)
        for number in progress(chosen.tolist(), "looking at the lot", len(chosen)):
            pixels = photos[number]
            self._names.append(sha256_bytes(pixels.tobytes()))
            for into, features in zip(kept, self._features(pixels), strict=True):
                into.append(features.reshape(-1, features.shape[-1]).half())
        self._peers = [torch.stack(one) for one in kept]
        self._wholes = self._peers[0].float().mean(1)
        if self._settings.kin:
            judged = progress(range(len(self._names)), "judging the judges", len(self._names))
            self._scores = torch.tensor([self._judged([p[i].float() for p in self._peers], i)[1] for i in judged])
        sample = photos[int(chosen[len(chosen) // 2])]
        self._resolution_cells = answer_to_a_dot(lambda p: self.score(p).values, sample, self._cell_px(sample))

    def without(self, held_out: int) -> Self:
        """Itself: a photo of the lot is never among its own judges."""
        del held_out
        self._fitted()
        return self

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3), of the lot or of another one of the product."""
        self._fitted()
        height, width = pixels.shape[:2]
        own = sha256_bytes(pixels.tobytes())
        self_at = self._names.index(own) if own in self._names else None
        with torch.inference_mode():
            features = self._features(pixels)
            cells, score = self._judged([f.reshape(-1, f.shape[-1]) for f in features], self_at)
            whole = features[0].reshape(-1, features[0].shape[-1]).mean(0)
            score = self._among_kin(whole, score, self_at)
        values: Map = cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        described: npt.NDArray[np.float32] = whole.cpu().numpy()
        return ScoreMap(values, score, self._resolution_cells * self._cell_px(pixels), self.name, described)

    def _judged(self, features: Sequence[Tensor], self_at: int | None) -> tuple[Map, float]:
        """(rows, cols) map of a photo by the other ones, from (P, D) for each pool, and the mean of its strangest cells."""
        s, grids = self._settings, list[Tensor]()
        for flat, peers in zip(features, self._peers, strict=True):
            nearest = self._nearest(flat, [p for i, p in enumerate(peers) if i != self_at])  # (others, P)
            count = max(1, round(s.interval * len(nearest)))
            grids.append(nearest.topk(count, 0, largest=False).values.mean(0))
        side = round(float(grids[0].numel()) ** 0.5)
        cells: Map = torch.stack(grids).mean(0).reshape(side, side).cpu().numpy()
        smooth: Map = cv2.GaussianBlur(cells, (0, 0), s.smoothing) if s.smoothing > 0 else cells
        strangest = np.sort(smooth.ravel())[-max(1, round(s.top_share * smooth.size)) :]
        return smooth, float(strangest.mean())

    def _among_kin(self, whole: Tensor, score: float, self_at: int | None) -> float:
        """The mean of a photo's score and those of the photos most like it as wholes, weighted by how alike they are (RsCIN, eq. 8)."""
        if not len(self._scores):
            return score
        middle = self._wholes.mean(0)
        alike = functional.cosine_similarity(self._wholes - middle, (whole.to(middle) - middle)[None]).clamp(min=0)  # (peers,)
        if self_at is not None:
            alike[self_at] = 0
        weight, at = alike.topk(min(self._settings.kin, len(alike)))
        return float((score + (weight * self._scores[at]).sum()) / (1 + weight.sum()))

    def files(self) -> dict[str, bytes]:
        """The judges' patches; the network where it was exported."""
        self._fitted()
        state = {f"pool{i}": p.cpu().contiguous() for i, p in enumerate(self._peers)}
        judges = save_tensors(state | {"wholes": self._wholes.cpu().contiguous(), "scores": self._scores.cpu()})
        return self._patches.files() | {"judges.safetensors": judges}

    @classmethod
    def from_files(cls, settings: MutualSettings, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved; where it keeps no network, torch ran its backbone."""
        described = kept_patches(learned["network"], files, device=device, engine=settings.engine) if "network" in learned else None
        detector = cls(settings if described else replace(settings, engine="torch", precision="f32"), device=device, described=described)
        state = load_tensors(files["judges.safetensors"])
        detector._peers = [state[f"pool{i}"].to(detector._device) for i in range(len(settings.pools))]
        detector._wholes, detector._scores = (state[name].to(detector._device) for name in ("wholes", "scores"))
        detector._names, detector._lot, detector._resolution_cells = list(learned["judges"]), learned["lot"], learned["resolution_cells"]
        return detector

    def _fitted(self) -> None:
        if not self._peers:
            raise BadModel("mutual has seen no lot; call fit first or load a model")

    def _features(self, pixels: Pixels) -> list[Tensor]:
        """(rows, cols, D) for each pool."""
        return [torch.from_numpy(features).to(self._device) for features in self._patches(squared(pixels, self._settings.input_px))]

    def _nearest(self, flat: Tensor, peers: Sequence[Tensor]) -> Tensor:
        """Distance of each patch to the nearest one of each judge: (judges, P), from (P, D) and (P, D) of each."""
        squares = flat.square().sum(1)  # (P,)
        out = []
        for peer in peers:
            there = peer.float()
            least = torch.addmm(there.square().sum(1)[None], flat, there.T, alpha=-2).amin(1)  # (P,)
            out.append((squares + least).clamp(min=0).sqrt())
        return torch.stack(out)

    def _cell_px(self, pixels: Pixels) -> float:
        """Longer side of a patch's place, in the photo's pixels."""
        cells = float(self._peers[0].shape[1]) ** 0.5
        return float(max(pixels.shape[:2]) / cells)
