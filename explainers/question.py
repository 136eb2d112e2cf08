"""What a model is shown of a region and asked about it: texts and pictures, in an order that a server's prefix cache can keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.card import Knowledge
from seewhy.drawing import heat_over, label, outline
from seewhy.explainers import RegionView
from seewhy.pictures import jpeg as as_jpeg
from seewhy.pictures import mask_at, smaller
from seewhy.prompts.vlm import CLOSE, HEAT, REFERENCE, WHOLE, rendered
from seewhy.types import Mask, Pixels

P = TypeVar("P", bound=np.generic)
JPEG_QUALITY = 90
GREY = 127


@dataclass(frozen=True, slots=True)
class VlmSettings:
    """What the model is shown and how often it is asked."""

    whole_px: int = 640  # longer side of the whole photo; 32 px x 32 px make a token in Qwen3-VL
    crop_px: int = 384  # longer side of crops
    square: bool = False  # pad pictures to squares, for models of one size
    heat: bool = False  # show the score map too
    causes: int = 6  # most that are offered
    samples: int = 1  # answers for self-consistency
    second_look: bool = True  # ask again whether the type is in the crop
    language: str = "en"  # that its texts are also said in; it is asked what it sees in English alone
    erase: bool = False  # ask again with the region erased: an answer that stays was not about the region


def describe(
    view: RegionView, causes: Sequence[Knowledge], past: Sequence[str], settings: VlmSettings, *, erased: bool = False
) -> list[str | bytes]:
    """The question what a region shows.

    Args:
        view: the region.
        causes: that the model may choose from.
        past: types that people gave to crops that look alike.
        settings: what is shown.
        erased: show the close-up with the region painted over.
    """
    card = view.card
    parts: list[str | bytes] = [
        rendered("product.md.j2", product=card.name, description=card.description, defects=card.defects, causes=causes)
    ]
    if view.reference is not None:
        parts += [REFERENCE, jpeg(view.reference, settings.crop_px, square=settings.square)]
    parts += [WHOLE, jpeg(_marked(view, settings.whole_px), settings.whole_px, square=settings.square)]
    if settings.heat and view.heat is not None:
        heat = heat_over(smaller(view.whole, settings.whole_px), view.heat)
        parts += [HEAT, jpeg(heat, settings.crop_px, square=settings.square)]
    crop = erased_crop(view) if erased else view.crop
    return [*parts, CLOSE, jpeg(crop, settings.crop_px, square=settings.square), rendered("describe.md.j2", past=past)]


def look(crop: Pixels, type_: str, settings: VlmSettings) -> list[str | bytes]:
    """The small question whether a defect of that type is in a crop."""
    return [CLOSE, jpeg(crop, settings.crop_px, square=settings.square), rendered("look.md.j2", type=type_)]


def translate(texts: Mapping[str, str], language: str) -> list[str | bytes]:
    """The request to say texts in a language; it holds words alone."""
    return [rendered("translate.md.j2", language=language, appearance=texts.get("appearance", ""), difference=texts.get("difference", ""))]


def jpeg(pixels: Pixels, longest: int, *, square: bool = False) -> bytes:
    """A picture as it is sent, its longer side at most `longest`."""
    small = smaller(pixels, longest)
    if square:
        small = squared(small, longest, GREY)
    return as_jpeg(small, JPEG_QUALITY)


def _marked(view: RegionView, longest: int) -> Pixels:
    """The whole photo with the region's outline and number."""
    whole = smaller(view.whole, longest).copy()
    mask = mask_at(view.whole_mask, whole.shape[1::-1])
    outline(whole, mask)
    ys, xs = np.nonzero(mask)
    if len(xs):
        label(whole, str(view.number), int(xs.min()), int(ys.min()))
    return whole


def squared(picture: npt.NDArray[P], side: int, fill: float) -> npt.NDArray[P]:
    """(h, w, …) enlarged or reduced until its longer side is `side`, in the middle of a square of `fill`."""
    scale = side / max(picture.shape[:2])
    width, height = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    y, x = (side - height) // 2, (side - width) // 2
    canvas = np.full((side, side, *picture.shape[2:]), fill, picture.dtype)
    canvas[y : y + height, x : x + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    return canvas


def erased_crop(view: RegionView, mask: Mask | None = None) -> Pixels:
    """The crop without its region (or without `mask`): painted over from around it (Telea, 2004)."""
    over = (view.mask if mask is None else mask).astype(np.uint8)
    reach = max(3, round(0.06 * max(over.shape)))
    grown = cv2.dilate(over, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    painted: Pixels = cv2.inpaint(np.ascontiguousarray(view.crop), grown, 5, cv2.INPAINT_TELEA)
    return painted
