"""Canonical JSON: byte for byte what the package rfc8785 writes, and the same errors."""

from __future__ import annotations

import random
import struct
from enum import StrEnum
from typing import Any

import pytest
import rfc8785

from seewhy.canonical import canonical_json

CHARACTERS = ((0, 0x80), (0x80, 0xD800), (0xE000, 0x10000), (0x10000, 0x110000))


class Word(StrEnum):
    GOOD = "good"


def text(rng: random.Random) -> str:
    return "".join(chr(rng.randrange(*rng.choice(CHARACTERS))) for _ in range(rng.randint(0, 5)))


def number(rng: random.Random) -> float:
    any_bits = struct.unpack(">d", rng.randbytes(8))[0]
    usual = (
        rng.uniform(-1, 1) * 10 ** rng.randint(-25, 25),
        round(rng.uniform(-1e6, 1e6), rng.randint(0, 6)),
        float(rng.randint(-(2**60), 2**60)),
    )
    return rng.choice((*usual, any_bits if abs(any_bits) < float("inf") else 0.0))


def anything(rng: random.Random, depth: int = 0) -> Any:
    plain = (None, True, False, number(rng), text(rng), rng.randint(1 - 2**53, 2**53 - 1), Word.GOOD)
    if depth == 4 or rng.random() < 0.5:
        return rng.choice(plain)
    several = [anything(rng, depth + 1) for _ in range(rng.randint(0, 4))]
    return rng.choice((several, tuple(several), {text(rng): one for one in several}))


def test_it_is_what_the_reference_writes() -> None:
    rng = random.Random(0)
    for _ in range(4000):
        value = anything(rng)
        assert canonical_json(value) == rfc8785.dumps(value), value


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-4, 9.9e-5, 1e15 + 0.5, 9725370582725862.0, 1e16, 1e20, 1e21, 5e-324, -1e-7])
def test_numbers_at_the_edges_are_too(value: float) -> None:
    assert canonical_json({"a": [value]}) == rfc8785.dumps({"a": [value]})


@pytest.mark.parametrize("value", [float("nan"), [float("-inf")], 2**53, {1: 2}, "\ud800", {"\udfff": 1}, object()])
def test_what_has_no_canonical_form_is_refused_likewise(value: Any) -> None:
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)) as expected:
        rfc8785.dumps(value)
    with pytest.raises(type(expected.value)):
        canonical_json(value)
