"""WinCLIP's settings, apart from its code so that they can be named where the extra `clip` is not installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class WinClipSettings:
    """What can be chosen; the defaults are the paper's."""

    prompt: str = "object"  # what the photos show
    defects: tuple[str, ...] = ()  # words for the defects that matter
    model: str = "ViT-B-16-plus-240"  # any open_clip model with a plain ViT
    shots: int | None = None  # good photos to compare with; 0 is words alone, None as many as are given, up to 4
    scales: tuple[int, ...] = (2, 3)  # sides of the windows, in patches
    temperature: float = 0.07
    view: Literal["auto", "whole", "tiles"] = "auto"  # whole: one look at the photo; tiles: squares; auto: tiles where it must be
    max_shrink: float = 4.0  # auto: photos that would be shrunk more than this are cut into squares
    dtype: str = "float32"
