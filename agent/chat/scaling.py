"""The scale by two clicks on a length that somebody knows, with what the clicks and the length leave open."""

from __future__ import annotations

from math import ceil, floor, hypot, isfinite, log10, sqrt
from typing import TypeAlias

from seewhy.agent.chat.problems import Told
from seewhy.card import Scale

Point: TypeAlias = tuple[float, float]  # x, y in the photo's pixels
CLICK_PX = 1.0  # half width at 95 % of where a click lies along the length, at best
SHORTEST_PX = 20.0  # apart: two clicks nearer to each other say nothing exact
LONGEST_MM = 1e6


def scale_of(first: Point, second: Point, length_mm: float, sure_mm: float = 0.0, click_px: float = CLICK_PX) -> Scale:
    """How large a pixel is, from both ends of a known length.

    The two clicks and the length err independently; their relative half widths at 95 % add in squares (JCGM 100:2008, 5.1.6).

    Args:
        first: where one end was clicked.
        second: the other end.
        length_mm: between them.
        sure_mm: of the length, half width at 95 %.
        click_px: of each click, likewise; no less than `CLICK_PX`.

    Raises:
        Told: the clicks are too near to each other, or the length is none.

    >>> scale_of((0, 0), (400, 300), 25.0, 0.05)
    Scale(mm_per_px=0.05, uncertainty=0.00018)
    """
    if not (isfinite(length_mm) and isfinite(sure_mm) and 0 < length_mm <= LONGEST_MM and 0 <= sure_mm < length_mm):
        raise Told("no_length")
    apart_px = hypot(second[0] - first[0], second[1] - first[1])
    if not apart_px >= SHORTEST_PX:
        raise Told("clicks_near", least=round(SHORTEST_PX))
    relative = hypot(sqrt(2) * max(click_px, CLICK_PX) / apart_px, sure_mm / length_mm)
    mm_per_px = length_mm / apart_px
    return Scale(mm_per_px=float(f"{mm_per_px:.5g}"), uncertainty=min(mm_per_px, _rounded_up(mm_per_px * relative)))


def _rounded_up(value: float) -> float:
    """To two digits, never smaller.

    >>> _rounded_up(0.0001732), _rounded_up(0.5)
    (0.00018, 0.5)
    """
    unit = 10.0 ** (floor(log10(value)) - 1)
    return float(f"{ceil(value / unit - 1e-9) * unit:.2g}")
