"""Which good photos are of their own: a scene that is there several times (copied, saved anew, resized, a burst) counts once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.lazy import Chosen
from seewhy.pictures import grey, grey_square
from seewhy.threads import in_order, workers_for
from seewhy.types import Map, Pixels

THUMB_PX = 16  # side at which noise is averaged away and a part that lies a pixel elsewhere still differs
SAME_LEVELS = 0.75, 0.4  # grey levels: by how much two thumbnails of one scene differ in the mean, and else (root mean square) …
FINE_PX = 192  # … if their fine detail, at this longer side,
SAME_DETAIL = 0.5  # correlates so well; photos of an even surface share nothing but their light
DETAIL_SIGMA = 2.0

Thumb = npt.NDArray[np.float32]  # (THUMB_PX * THUMB_PX,)


@dataclass(frozen=True, slots=True)
class Distinct:
    """Photos of their own, and the others."""

    kept: tuple[int, ...]
    copies: tuple[tuple[str, str], ...]  # (a photo that is left out, the photo that it is a copy of)
    listed: tuple[tuple[str, str], ...] = ()  # (name, SHA-256) of those that are kept
    dropped: frozenset[str] = frozenset()  # SHA-256 of those that are there and were to be left out

    def of(self, photos: Sequence[Photo]) -> Sequence[Photo]:
        """The photos of their own, read one at a time."""
        return Chosen(photos, self.kept)


def distinct(photos: Sequence[Photo], without: Collection[str] = ()) -> Distinct:
    """The first photo of each scene.

    Two photos show the same scene where their thumbnails agree to `SAME_LEVELS` and their fine detail correlates; a part that was taken
    out and laid down again lies and is lit a little otherwise, which moves a thumbnail by more.

    Args:
        photos: read one at a time; photos whose thumbnails agree are read again.
        without: SHA-256 of photos that a person left out; their copies don't stand in for them.
    """
    thumbs, names, scenes = list[Thumb](), list[str](), list[int]()
    kept, copies, listed, dropped = list[int](), list[tuple[str, str]](), list[tuple[str, str]](), set[str]()

    def looked_at(number: int) -> tuple[Photo, Thumb]:
        photo = photos[number]
        return photo, _thumb(photo.pixels)

    workers = workers_for(len(photos), photos[0].pixels.nbytes) if len(photos) else 1
    for number, (photo, thumb) in enumerate(in_order(looked_at, range(len(photos)), workers)):
        left_out = photo.sha256 in without
        near = [] if left_out else _near(thumb, thumbs)
        detail = _detail(photo.pixels) if near else None
        twin = next((i for i in near if detail is not None and _alike(detail, _detail(photos[scenes[i]].pixels))), None)
        if twin is not None:
            copies.append((photo.name, names[twin]))
            continue
        thumbs.append(thumb)
        names.append(photo.name)
        scenes.append(number)
        if left_out:
            dropped.add(photo.sha256)
        else:
            kept.append(number)
            listed.append((photo.name, photo.sha256))
    return Distinct(tuple(kept), tuple(copies), tuple(listed), frozenset(dropped))


def _near(one: Thumb, others: Sequence[Thumb]) -> list[int]:
    """Numbers of those that agree with it."""
    if not others:
        return []
    apart = one - np.stack(others)  # (N, THUMB_PX * THUMB_PX)
    agree = (np.abs(apart.mean(1)) <= SAME_LEVELS[0]) & (apart.std(1) <= SAME_LEVELS[1])
    return [int(number) for number in np.flatnonzero(agree)]


def _thumb(pixels: Pixels) -> Thumb:
    # JPEG moves colours more than lightness
    return np.asarray(cv2.resize(grey(pixels), (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA), np.float32).ravel()


def _detail(pixels: Pixels) -> Map:
    """(FINE_PX, FINE_PX) lightness without what changes slowly."""
    level = grey_square(pixels, FINE_PX)
    fine: Map = level - cv2.GaussianBlur(level, (0, 0), DETAIL_SIGMA)
    return fine


def _alike(one: Map, other: Map) -> bool:
    if min(one.std(), other.std()) < 1e-6:
        return bool(np.array_equal(one, other))
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) >= SAME_DETAIL
