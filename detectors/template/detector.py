"""Template comparison for aligned, printed or etched parts: what differs from the golden photo of the same place, and which way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self, cast

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.canonical import sha256_bytes
from seewhy.detectors.parts.bank import MemoryBank
from seewhy.detectors.protocol import Calibrates, Single
from seewhy.detectors.template.align import AGREES, Alignment, laid_over, roughly
from seewhy.detectors.template.golden import Packed, View, as_lit, as_png, coloured, grey_of, laid_on, levels_of, median_of, reduced
from seewhy.detectors.template.places import CANDIDATES, DESCRIBED, ROUGH_PX, aligned, describe, indexed, same_shape, same_view, sized
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadImage, BadModel
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Map, Pixels, Progress, ScoreMap, silent

ABOUT = 0.05  # of agreement: what agrees so nearly as well as the best is looked at too
LEAST_PATTERN = 2.0  # standard deviation of a golden photo, grey levels
FEW = 5  # photos of one view from which its template is their median
MOST = 48  # photos of one view that are kept in memory while fitting
HALO, HALO_SHARE = 0.016, 0.05  # sigma over the longer side, and share of the map


@dataclass(frozen=True, slots=True)
class TemplateSettings:
    """What can be chosen."""

    edge_px: int = 2  # edges may lie this much elsewhere, in pixels of the photo as it is compared
    level: float = 0.5  # share of the pattern's contrast that a pixel may differ; where many photos show the view, see `learned_level`
    learned_level: float = 0.1  # the same above what those photos themselves differ by
    thinnest_px: int = 3  # differences thinner than this are edges that lie elsewhere


class Template(Single):
    """Golden photos, each of its own place, or medians of many photos of the same place.

    A photo's place is found among them by its spectrum, it is laid over the golden photo, and compared with tolerance for edges
    that lie a little elsewhere and for levels. What is within tolerance scores 0; what isn't, the share of the contrast beyond it.

    Args:
        settings: see `TemplateSettings`.
        device: not used: it computes with OpenCV on the CPU.
    """

    kind = name = "template"
    weights: tuple[WeightsFile, ...] = ()

    def __init__(self, settings: TemplateSettings | None = None, *, device: str = "cpu") -> None:
        del device
        self._settings = settings or TemplateSettings()
        self._views: list[View | Packed] = []  # packed ones are unpacked when they are looked at
        self._index: MemoryBank | None = None
        self._of: npt.NDArray[np.int64] = np.zeros(0, np.int64)  # (photos,) which view each good photo went to
        self._kept: dict[int, dict[int, npt.NDArray[np.uint8]]] = {}  # by view: photos behind its median, between fit and save

    @property
    def calibrates(self) -> Calibrates:
        """A place with one golden photo can't do without it: then disturbed copies stand for other photos of it."""
        return "left_out" if len(self._of) and set(self._of.tolist()) <= set(self._kept) else "disturbed_copies"

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """What it knows of the product."""
        return sentence("detector.spoke_template", name=self.name, photos=good_photos, product=product, views=len(self._views))

    @property
    def settings(self) -> TemplateSettings:
        """As asked."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """How many views there are."""
        return {"views": len(self._views)}

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """Learn the views: photos that show the same one are put together where there are `FEW` of them or more.

        Args:
            photos: (H, W, 3) each, read one at a time.
            progress: wraps the loop.

        Raises:
            BadData: there is none, or one that shows no pattern.
        """
        if not len(photos):
            raise BadData("template needs at least one good photo, the golden one; give more photos")
        self._views, self._kept = [], {}
        firsts, described = list[View](), np.zeros((len(photos), DESCRIBED), np.float32)
        members: dict[int, list[int]] = {}
        for number, pixels in enumerate(progress((photos[i] for i in range(len(photos))), "learning golden photos", len(photos))):
            one = View(levels_of(reduced(pixels)), None)
            if one.grey.std() < LEAST_PATTERN:
                raise BadData(f"good photo {number + 1} is even; template needs a pattern to lay photos over, another detector doesn't")
            vector = describe(one.grey)
            at = same_view(one, vector, firsts, described)
            if at is None:
                members[len(firsts)] = [number]
                described[len(firsts)] = vector
                firsts.append(one)
            else:
                members[at].append(number)
        of, vectors = np.zeros(len(photos), np.int64), list[npt.NDArray[np.float32]]()
        for at, numbers in members.items():
            if len(numbers) >= FEW:
                self._kept[len(self._views)] = kept = {
                    n: laid_on(firsts[at], levels_of(reduced(photos[n]))) for n in _spread_over(numbers, MOST)
                }
                of[numbers] = len(self._views)
                self._views.append(median_of(list(kept.values())))
                vectors.append(described[at])
                continue
            for n in numbers:
                of[n] = len(self._views)
                self._views.append(firsts[at] if n == numbers[0] else View(levels_of(reduced(photos[n])), None))
                vectors.append(describe(cast(View, self._views[-1]).grey))
        self._of, self._index = of, indexed(np.stack(vectors))

    def without(self, held_out: int) -> Self:
        """The same detector whose median lacks photo `held_out`.

        Raises:
            BadModel: it was loaded, not fitted, or the photo is the only one of its place.
        """
        if not len(self._of):
            raise BadModel("photos can only be held out from a detector that was just fitted")
        at = int(self._of[held_out])
        if at not in self._kept:
            raise BadModel(f"photo {held_out} is the golden one of its place; without it there is nothing to compare with")
        other = copy(self)
        others = [p for n, p in self._kept[at].items() if n != held_out]
        other._views = [*self._views[:at], median_of(others), *self._views[at + 1 :]]
        return other

    def copy_of(self, pixels: Pixels, number: int) -> Pixels:
        """See `disturbed`: it stands for the second good photo that a place with one golden photo doesn't have."""
        return disturbed(pixels, number)

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3): differences beyond tolerance, as shares of the pattern's contrast.

        Raises:
            BadImage: it shows no place of which there is a golden photo.
        """
        height, width = pixels.shape[:2]
        small = reduced(pixels)
        descriptor = describe(grey_of(small))
        view, alignment, change = self._place(small, descriptor)
        back = np.linalg.inv(alignment.matrix)
        change = cv2.warpPerspective(change, back, small.shape[1::-1], flags=cv2.INTER_LINEAR)
        smooth = np.abs(cv2.GaussianBlur(change, (0, 0), 1.0))
        halo = cv2.GaussianBlur(smooth, (0, 0), HALO * max(small.shape[:2]))
        values = np.where(halo > 1e-6, smooth + HALO_SHARE * halo, 0.0).astype(np.float32)
        size = (width, height)
        golden = cv2.warpPerspective(
            coloured(view.middle), back, small.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return ScoreMap(
            cv2.resize(values, size, interpolation=cv2.INTER_LINEAR),
            float(smooth.max()),
            max(1.0, 2.4 * width / small.shape[1]),
            self.name,
            descriptor,
            reference=cv2.resize(golden, size, interpolation=cv2.INTER_LINEAR),
            reference_sha256=sha256_bytes(view.middle.tobytes()),
            change=cv2.resize(change, size, interpolation=cv2.INTER_LINEAR),
        )

    def files(self) -> dict[str, bytes]:
        """The golden photos, the medians' spreads, and the index of their descriptions."""
        out = {"index.faiss": self._fitted().to_bytes()}
        for i, view in enumerate(self._view(n) for n in range(len(self._views))):
            out[f"views/{i:05}.png"] = as_png(view.middle)
            if view.spread is not None:
                out[f"spreads/{i:05}.png"] = as_png(view.spread)
        return out

    @classmethod
    def from_files(cls, settings: TemplateSettings, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved."""
        detector = cls(settings, device=device)
        detector._views = [Packed(files[f"views/{i:05}.png"], files.get(f"spreads/{i:05}.png")) for i in range(learned["views"])]
        detector._index = MemoryBank.from_bytes(files["index.faiss"])
        return detector

    def _fitted(self) -> MemoryBank:
        if self._index is None:
            raise BadModel("template was not fitted; call fit first or load a model")
        return self._index

    def _view(self, at: int) -> View:
        view = self._views[at]
        return view.view() if isinstance(view, Packed) else view

    def _place(self, small: Pixels, descriptor: npt.NDArray[np.float32]) -> tuple[View, Alignment, Map]:
        """The view that the photo shows, how it lies on it, and what differs there.

        Boards repeat their patterns: among views that agree about as well, the one that differs least.
        """
        _, near = self._fitted().search(descriptor[None], CANDIDATES)
        grey = grey_of(small)
        views = [v for v in (self._view(int(n)) for n in near[0] if n >= 0) if same_shape(grey, v)]
        agreed = [roughly(sized(grey, v.grey), v.grey, ROUGH_PX) for v in views]
        best = max(agreed, default=0.0)
        tried = []
        for view, agreement in zip(views, agreed, strict=True):
            if agreement < best - ABOUT:
                continue
            found = aligned(grey, view.grey)
            if found.agreement >= AGREES:
                tried.append((view, found, self._change(small, view, found)))
        if not tried:
            said = "no golden photo has its shape" if not views else f"the nearest golden photo agrees to {best:.2f}, {AGREES} is needed"
            raise BadImage(
                "not_aligned",
                f"the photo can't be laid over any golden photo: {said}",
                "show a place that a golden photo shows, add one of this place, or look at the part",
            )
        return min(tried, key=lambda t: float(np.abs(t[2]).sum()))

    def _change(self, small: Pixels, view: View, alignment: Alignment) -> Map:
        """(H, W) in the view's coordinates: beyond tolerance, lighter above 0 and darker below, as shares of the contrast."""
        s = self._settings
        size = view.middle.shape[1::-1]
        moved, covered = laid_over(levels_of(small, view.middle.shape[2]), alignment, size)
        photo = moved.reshape(view.middle.shape).astype(np.float32)
        golden = view.middle.astype(np.float32)
        photo = as_lit(photo, golden)
        photo = cv2.blur(photo, (3, 3)).reshape(golden.shape)
        reach = s.edge_px
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        allowed: Any = s.level * view.contrast if view.spread is None else view.spread + np.float32(s.learned_level * view.contrast)
        # What the photo shows must be near in the golden one. Of lines so thin that anything is near them, what the golden one shows
        # must also be near in the photo: else a break in them would be forgiven.
        most = [cv2.dilate(p, kernel).reshape(golden.shape) for p in (golden, photo)]
        least = [cv2.erode(p, kernel).reshape(golden.shape) for p in (golden, photo)]
        thick = np.ones((2 * reach + s.thinnest_px,) * 2, np.uint8)
        thin_dark = cv2.morphologyEx(golden, cv2.MORPH_CLOSE, thick).reshape(golden.shape) - golden > s.level * view.contrast
        thin_light = golden - cv2.morphologyEx(golden, cv2.MORPH_OPEN, thick).reshape(golden.shape) > s.level * view.contrast
        lighter = np.maximum(photo - most[0], np.where(thin_dark, least[1] - golden, 0)) - allowed
        darker = np.maximum(least[0] - photo, np.where(thin_light, golden - most[1], 0)) - allowed
        inside = cv2.erode(covered.astype(np.uint8), np.ones((2 * reach + 3, 2 * reach + 3), np.uint8), borderValue=0)
        thin = np.ones((s.thinnest_px, s.thinnest_px), np.uint8)
        beyond = []
        for side in (lighter, darker):
            largest = np.maximum(side.max(2), 0) * inside
            beyond.append(cv2.morphologyEx(largest, cv2.MORPH_OPEN, thin))
        made: Map = ((beyond[0] - beyond[1]) / view.contrast).astype(np.float32)
        return made


def disturbed(pixels: Pixels, number: int) -> Pixels:
    """The photo as another photo of the same good part might be; etching and printing differ by more.

    Shifted by up to 2 px, lighter or darker by up to 8 %, a little blurred, with noise (standard deviation 3 grey levels).
    """
    rng = np.random.default_rng([number, 11])
    dx, dy = rng.uniform(-2, 2, 2)
    shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    size = pixels.shape[1::-1]
    moved = cv2.warpAffine(pixels, shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    blurred = cv2.GaussianBlur(moved, (0, 0), float(rng.uniform(0.3, 1.0)))
    made: Pixels = np.clip(blurred * rng.uniform(0.92, 1.08) + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)
    return made


def _spread_over(numbers: Sequence[int], most: int) -> list[int]:
    chosen = np.unique(np.linspace(0, len(numbers) - 1, min(len(numbers), most)).round().astype(int))
    return [numbers[int(i)] for i in chosen]
