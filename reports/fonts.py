"""Fonts that other packages bring: where they lie."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

FONTS = ("font_source_sans_pro", "manimgx_fonts_cjk")  # of the extra `pdf`: Latin, Greek, Cyrillic; Hangul, Han, Kana


def font_folders() -> list[Path]:
    """Those of the extra's packages; typst's own serve where one is missing."""
    specs = [spec for name in FONTS if (spec := find_spec(name))]
    return [Path(p) for spec in specs for p in spec.submodule_search_locations or ()]
