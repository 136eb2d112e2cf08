"""What describes the patches of a photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BeforeValidator

from seewhy.errors import BadData

Engine: TypeAlias = Literal["auto", "torch", "openvino", "onnxruntime"]  # who runs an encoder
Precision: TypeAlias = Literal["f32", "bf16"]  # of OpenVINO's arithmetic
Open: TypeAlias = Literal["auto"]  # the fastest that judges good photos as f32 does, measured at the fit


def _offered(asked: Any) -> Any:
    known = [name for one in (Precision, Open) for name in get_args(one)]
    if asked not in known:
        why = ", which needs OpenVINO's quantiser, and that brings a package that reports its use to its maker" if asked == "int8" else ""
        raise BadData(f"the precisions are {', '.join(known[:-1])} and {known[-1]}, not {asked}{why}")
    return asked


Asked: TypeAlias = Annotated[Precision | Open, BeforeValidator(_offered)]


@dataclass(frozen=True, slots=True)
class Way:
    """How patches are described."""

    layers: tuple[int, ...]  # of the encoder
    pool: int = 1  # side of the neighbourhood that is averaged, in cells of each layer; 1: none
    unit_length: bool = False  # bring each layer's features to length 1


@dataclass(frozen=True, slots=True)
class Spec:
    """What describes patches."""

    backbone: str
    ways: tuple[Way, ...]
    grid_px: int = 0  # interpolate to cells of about this many input pixels; 0: the finest layer as it is


def first_precision(asked: Asked) -> Precision:
    """In which a network runs at first: f32 where it is left open.

    Raises:
        BadData: there is no such precision.
    """
    _offered(asked)
    return "f32" if asked == "auto" else asked


def check_openvinos(precision: Precision) -> None:
    """Refuse a precision for a network that OpenVINO wouldn't run.

    Raises:
        BadData: it isn't f32.
    """
    if precision != "f32":
        raise BadData(f"the precision {precision} is OpenVINO's, which wouldn't run this network here; torch has --dtype bfloat16")
