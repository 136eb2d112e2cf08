"""Drawing on photos: contours, labels, sizes; the same for reports and for what a VLM sees."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.types import Mask, Pixels

CONTOUR_RGB, QUIET_RGB = (255, 40, 90), (120, 120, 126)


def outline(canvas: Pixels, mask: Mask, *, quiet: bool = False) -> None:
    """A contour a little outside the mask, so that it does not cover what it shows; white under red, seen on any ground.

    Args:
        canvas: (H, W, 3), drawn on.
        mask: (H, W).
        quiet: grey, for a place that is listed and not reported.
    """
    longest = max(canvas.shape[:2])
    gap = max(2, longest // 220)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * gap + 1, 2 * gap + 1))
    grown = cv2.dilate(np.pad(mask, 1).astype(np.uint8), kernel)[1:-1, 1:-1]
    contours, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    width = max(1, longest // 400)
    cv2.drawContours(canvas, contours, -1, (255, 255, 255), width + 2, cv2.LINE_AA)
    cv2.drawContours(canvas, contours, -1, QUIET_RGB if quiet else CONTOUR_RGB, width, cv2.LINE_AA)


def label(canvas: Pixels, text: str, x: int, y: int, *, quiet: bool = False) -> None:
    """A number on the contour's colour, left of and above (x, y) where there is room."""
    size = max(0.45, max(canvas.shape[:2]) / 1500)
    (w, h), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, size, 1)
    pad = max(3, round(6 * size))
    x = min(max(0, x - w - 3 * pad), canvas.shape[1] - w - 2 * pad)
    y = min(max(h + 2 * pad, y), canvas.shape[0] - base)
    cv2.rectangle(canvas, (x, y - h - 2 * pad), (x + w + 2 * pad, y), QUIET_RGB if quiet else CONTOUR_RGB, -1)
    cv2.putText(canvas, text, (x + pad, y - pad), cv2.FONT_HERSHEY_DUPLEX, size, (255, 255, 255), 1, cv2.LINE_AA)


def heat_over(photo: Pixels, level: npt.NDArray[np.float32], line: float | None = None) -> Pixels:
    """A score map over the photo in grey: dark is usual, yellow is the top of the scale and beyond.

    Args:
        photo: (H, W, 3).
        level: (h, w) the map in shares of the scale, 0..1.
        line: a level whose contour is drawn in white, the threshold.
    """
    height, width = photo.shape[:2]
    large = np.clip(cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    colours = cv2.applyColorMap((255 * large).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    alpha = (0.35 + 0.5 * large)[..., None]
    made: Pixels = (grey * (1 - alpha) + colours * alpha).astype(np.uint8)
    if line is not None:
        contours, _ = cv2.findContours((large >= line).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(made, contours, -1, (255, 255, 255), max(1, max(height, width) // 500), cv2.LINE_AA)
    return made


def heat_colours(steps: int = 9) -> list[str]:
    """The colours of `heat_over` from the bottom of its scale to the top, as "#rrggbb", for a legend."""
    levels = np.linspace(0, 255, steps).astype(np.uint8)[None]  # (1, steps)
    return [f"#{r:02x}{g:02x}{b:02x}" for b, g, r in cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[0]]
