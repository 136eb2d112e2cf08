"""The small VLM that stands in for a real one: the name that it is served under, its label, and the only pictures that it knows."""

from __future__ import annotations

from seewhy.explainers.question import VlmSettings

NAME, LABEL = "seewhy-tiny-vlm", "seewhy-tiny-vlm, synthetic"
SIDE = 160  # pixels of a picture's side
SETTINGS = VlmSettings(whole_px=SIDE, crop_px=SIDE, square=True)


def label_of(model: str) -> str:
    """A served model as tables call it: the stand-in says that it is one."""
    return LABEL if model == NAME else model


def settings_of(model: str) -> VlmSettings:
    """How a served model is asked: the stand-in with its own pictures, any other as `seewhy` asks by default."""
    return SETTINGS if model == NAME else VlmSettings()
