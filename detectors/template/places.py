"""Which place a photo shows: described by its spectrum, found among golden photos, laid over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.detectors.parts.bank import MemoryBank
from seewhy.detectors.template.align import AGREES, SURE, Alignment, Grey, align, by_shift, roughly
from seewhy.detectors.template.golden import View
from seewhy.nearest import faiss

DESCRIBED_PX, LOW = 128, 16  # side at which a photo is described, and frequencies that are kept
DESCRIBED = 2 * LOW * (LOW + 1)  # length of a description
ROUGH_PX = 160  # longest side at which candidates are told apart before they are looked at as they are
CANDIDATES = 4  # golden photos that are tried
SHAPE = 0.02  # by which a photo's aspect ratio may differ from its golden photo's
SAME_SHIFT = 0.05  # share of the side by which photos of one view may be shifted
GRAPH_FROM = 1000  # golden photos from which they are found by a graph (HNSW), not by comparing with each
LINKS = 32


def describe(grey: Grey) -> npt.NDArray[np.float32]:
    """(D,) of length 1: low frequencies of the photo's spectrum, without phase: a shift leaves it as it is."""
    small = cv2.resize(grey, (DESCRIBED_PX, DESCRIBED_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    window = cv2.createHanningWindow((DESCRIBED_PX, DESCRIBED_PX), cv2.CV_32F)
    spectrum = np.abs(np.fft.rfft2((small - small.mean()) * window))
    low = np.concatenate([spectrum[:LOW, : LOW + 1], spectrum[-LOW:, : LOW + 1]])
    vector = np.sqrt(low).ravel().astype(np.float32)
    unit: npt.NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-6)
    return unit


def same_view(one: View, vector: npt.NDArray[np.float32], firsts: Sequence[View], described: npt.NDArray[np.float32]) -> int | None:
    """Which of the views found so far a photo shows, if any: boards repeat patterns, so a large shift is another place.

    Args:
        one: the photo, as a view.
        vector: its description.
        firsts: the first photo of each view.
        described: (N, D), their descriptions in the first rows.
    """
    near = np.argsort(-(described[: len(firsts)] @ vector))[:CANDIDATES]
    alike = [int(i) for i in near if firsts[i].middle.shape == one.middle.shape]
    same = [i for i in alike if roughly(one.grey, firsts[i].grey, ROUGH_PX) >= AGREES]
    tried = [(by_shift(one.grey, firsts[i].grey), i) for i in same]
    near_by = SAME_SHIFT * max(one.grey.shape)
    found = [(a.agreement, i) for a, i in tried if a.agreement >= SURE and np.abs(a.matrix[:2, 2]).max() <= near_by]
    return max(found)[1] if found else None


def indexed(vectors: npt.NDArray[np.float32]) -> MemoryBank:
    """Descriptions (N, D), to be searched."""
    if len(vectors) < GRAPH_FROM:
        return MemoryBank.build(vectors)
    index: Any = faiss.IndexHNSWFlat(vectors.shape[1], LINKS)
    index.add(vectors)
    return MemoryBank(index)


def same_shape(grey: Grey, view: View) -> bool:
    """Whether a photo has about a view's aspect ratio."""
    rows, cols = view.middle.shape[:2]
    return bool(abs(grey.shape[1] / grey.shape[0] * rows / cols - 1) <= SHAPE)


def sized(grey: Grey, template: Grey) -> Grey:
    """The photo at the template's size."""
    if grey.shape == template.shape:
        return grey
    small: Grey = cv2.resize(grey, template.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)
    return small


def aligned(grey: Grey, template: Grey) -> Alignment:
    """How a photo lies on a template that may be of another size."""
    found = align(sized(grey, template), template)
    scale = np.diag([template.shape[1] / grey.shape[1], template.shape[0] / grey.shape[0], 1.0])
    return Alignment(found.matrix @ scale, found.agreement, found.how)
