"""Laying a photo over a template: shift by phase correlation, else features and a homography; and how well it then agrees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.pictures import correlation
from seewhy.types import Mask, Pixels

Grey = npt.NDArray[np.uint8]  # (H, W)
Matrix = npt.NDArray[np.float64]  # (3, 3), from the photo's pixels to the template's

AGREES = 0.6  # correlation with the template from which a photo is taken to show the same view
SURE = 0.9  # from which a shift is good enough
FINE = 0.97  # from which phase correlation's shift is
AGREE_PX = 320  # longest side at which agreement is measured
FEATURES = 1500  # ORB key points
INLIERS = 15  # that a homography needs
REPROJECTION = 3.0  # pixels
LARGEST_CHANGE = 0.35  # of scale and shear; a homography that changes more has matched repeated patterns
LEAST_SIDE_PX = 4  # a strip so thin, made small, shows no shift
FARTHEST = 0.2  # share of the side; a larger shift leaves too little to compare


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where a photo lies on a template."""

    matrix: Matrix  # photo to template
    agreement: float  # Pearson's correlation of the two where they overlap
    how: str  # "shift" or "homography"


def align(photo: Grey, template: Grey) -> Alignment:
    """The better of a shift (Kuglin & Hines, 1975) and, where that does not agree well, a homography from ORB features.

    Args:
        photo: (H, W).
        template: (H, W), of the same size.

    Returns:
        the alignment that agrees best; the caller compares its agreement with `AGREES`.
    """
    best = by_shift(photo, template)
    if best.agreement < SURE:
        other = _by_features(photo, template)
        if other is not None and other.agreement > best.agreement:
            best = other
    return best


def roughly(photo: Grey, template: Grey, px: int = AGREE_PX) -> float:
    """How well the two agree after a shift, measured on copies whose longer side is reduced to `px`."""
    return by_shift(_small(photo, px), _small(template, px)).agreement


def laid_over(photo: npt.NDArray[np.uint8], alignment: Alignment, size: tuple[int, int]) -> tuple[Pixels, Mask]:
    """The photo in the template's coordinates, and where it has pixels there.

    Args:
        photo: (H, W) or (H, W, 3).
        alignment: of the two.
        size: (width, height) of the template.
    """
    flags = cv2.INTER_LINEAR
    moved = cv2.warpPerspective(photo, alignment.matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    covered = cv2.warpPerspective(np.full(photo.shape[:2], 255, np.uint8), alignment.matrix, size, flags=flags)
    return moved.astype(np.uint8), covered == 255


def by_shift(photo: Grey, template: Grey) -> Alignment:
    """A shift: by phase correlation, or the least squared difference near none (Evangelidis & Psarakis, 2008), which also finds
    patterns that lie at the border alone, where phase correlation's window hides them."""
    if min(photo.shape) < LEAST_SIDE_PX:
        return _shifted_by(photo, template, 0.0, 0.0)
    window = cv2.createHanningWindow(photo.shape[::-1], cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(photo.astype(np.float32), template.astype(np.float32), window)
    near = max(abs(dx) / photo.shape[1], abs(dy) / photo.shape[0]) <= FARTHEST
    found = [_shifted_by(photo, template, dx, dy)] if near else []
    if not found or found[0].agreement < FINE:
        found += [_shifted_by(photo, template, *refined) for refined in _refined(photo, template)]
    return max(found, key=lambda a: a.agreement)


def _shifted_by(photo: Grey, template: Grey, dx: float, dy: float) -> Alignment:
    matrix = np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], np.float64)
    return Alignment(matrix, _agreement(photo, template, matrix), "shift")


def _refined(photo: Grey, template: Grey) -> list[tuple[float, float]]:
    """No shift, and the one that the enhanced correlation coefficient climbs to from there."""
    there, here = _small(template), _small(photo)
    start = np.eye(2, 3, dtype=np.float32)
    ends = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-3)
    try:
        _, back = cv2.findTransformECC(there, here, start, cv2.MOTION_TRANSLATION, ends, None, 5)
    except cv2.error:  # an even picture, or no way up
        return [(0.0, 0.0)]
    scale = photo.shape[1] / here.shape[1]
    return [(0.0, 0.0), (-float(back[0, 2]) * scale, -float(back[1, 2]) * scale)]


def _by_features(photo: Grey, template: Grey) -> Alignment | None:
    orb = cv2.ORB.create(FEATURES)
    (here, described), (there, wanted) = (orb.detectAndCompute(picture, None) for picture in (photo, template))
    if described is None or wanted is None or min(len(here), len(there)) < INLIERS:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(described, wanted)
    if len(pairs) < INLIERS:
        return None
    source = np.array([here[p.queryIdx].pt for p in pairs], np.float32)
    target = np.array([there[p.trainIdx].pt for p in pairs], np.float32)
    cv2.setRNGSeed(0)  # RANSAC: the same photo, the same answer
    matrix, inside = cv2.findHomography(source, target, cv2.RANSAC, REPROJECTION)
    if matrix is None or int(inside.sum()) < INLIERS or not _mild(matrix, photo.shape[1], photo.shape[0]):
        return None
    return Alignment(matrix, _agreement(photo, template, matrix), "homography")


def _mild(matrix: Matrix, width: int, height: int) -> bool:
    """Whether the corners go where those of a view of the same place would."""
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    moved = cv2.perspectiveTransform(corners, matrix)[0]
    sides = np.linalg.norm(np.roll(moved, -1, 0) - moved, axis=1) / np.array([width, height, width, height])
    return bool(cv2.isContourConvex(moved.astype(np.float32)) and np.abs(sides - 1).max() < LARGEST_CHANGE)


def _agreement(photo: Grey, template: Grey, matrix: Matrix) -> float:
    there, shrunk = _small(template), _small(photo)
    size = there.shape[1], there.shape[0]
    small = np.diag([size[0] / template.shape[1], size[1] / template.shape[0], 1.0])
    inner = small @ matrix @ np.linalg.inv(small)
    here = cv2.warpPerspective(shrunk, inner, size)
    covered = cv2.warpPerspective(np.full(shrunk.shape, 255, np.uint8), inner, size) == 255
    if covered.mean() < 1 - 2 * FARTHEST:
        return 0.0
    a, b = here[covered].astype(np.float32), there[covered].astype(np.float32)
    return correlation(a, b)


def _small(grey: Grey, px: int = AGREE_PX) -> Grey:
    scale = min(1.0, px / max(grey.shape))
    if scale == 1.0:
        return grey
    size = max(8, round(grey.shape[1] * scale)), max(8, round(grey.shape[0] * scale))
    made: Grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return made
