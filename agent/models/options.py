"""A detector's settings from the command line's options."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from seewhy.detectors.anomalib.models import LITE, MODELS, PREFIX
from seewhy.errors import BadData


def settings_for(
    detector: str,
    *,
    encoder: str = "",
    steps: int = 0,
    dtype: str = "float32",
    at_once: int = 16,
    epochs: int = 0,
    input_px: int = 0,
    options: Sequence[str] = (),
    stand_ins: bool = False,
) -> dict[str, Any]:
    """Settings by detector's name, for each name in "one,two" or "one+two" that takes some of these options.

    Args:
        detector: as `seewhy fit --detector` takes it.
        encoder: of dinomaly, or "efficientnet-lite0" of a model of anomalib.
        steps: of dinomaly's training.
        dtype: of dinomaly's arithmetic.
        at_once: photos that dinomaly holds in memory at a time.
        epochs: of a model of anomalib.
        input_px: of a model of anomalib.
        options: of a model of anomalib, "name=value" with the value in JSON, or plain where it is a word.
        stand_ins: of a model of anomalib.

    Raises:
        BadData: an option can't be used.
    """
    made = dict[str, Any]()
    for name in (n.strip() for n in detector.replace("+", ",").split(",")):
        if name == "dinomaly":
            made[name] = _dinomaly(encoder, steps, dtype, at_once)
        elif name.startswith(PREFIX):
            made[name] = _anomalib(name.removeprefix(PREFIX), encoder, epochs, input_px, options, stand_ins)
    return made


def _dinomaly(encoder: str, steps: int, dtype: str, at_once: int) -> Any:
    from seewhy.detectors.dinomaly.detector import DinomalySettings

    if dtype not in ("float32", "bfloat16"):
        raise BadData(f"dinomaly computes in float32 or bfloat16, not {dtype!r}")
    given: dict[str, Any] = {"encoder": encoder, "steps": steps, "dtype": dtype, "at_once": at_once}
    return DinomalySettings(**{name: value for name, value in given.items() if value})


def _anomalib(model: str, encoder: str, epochs: int, input_px: int, options: Sequence[str], stand_ins: bool) -> Any:
    from seewhy.detectors.anomalib.detector import AnomalibSettings

    chosen = dict[str, Any]()
    if encoder == LITE and model in MODELS and MODELS[model].lite:
        chosen |= MODELS[model].lite
    elif encoder:
        able = ", ".join(m.name for m in MODELS.values() if m.lite)
        raise BadData(f"{PREFIX}{model} can't take --encoder {encoder}; {LITE} is for {able}, others by --option backbone=NAME")
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise BadData(f"an option is name=value, not {option!r}")
        try:
            chosen[name] = json.loads(value)
        except ValueError:
            chosen[name] = value
    return AnomalibSettings(epochs=epochs, input_px=input_px, options=chosen, stand_ins=stand_ins)
