"""Damaged photos: small files of every kind that is read, cut off, with bytes changed, moved, doubled or lost.

`python -m tests.agent.photos.fuzz 20000` tries that many and says how it went.
"""

from __future__ import annotations

import resource
import sys
import time
import warnings
from collections import Counter

import numpy as np
from tests.agent.photos.matrix import every_kind

from seewhy.agent.photos.images import decode
from seewhy.errors import BadImage

SLOWEST_S = 20.0


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """One of seven accidents."""
    body, at = bytearray(data), int(rng.integers(len(data)))
    length = int(rng.integers(1, 1 + max(1, len(data) // 8)))
    match int(rng.integers(7)):
        case 0:
            return bytes(body[:at])
        case 1:  # a few bytes, most often where the header is
            for where in rng.integers(0, min(len(body), int(rng.choice([64, 512, len(body)]))), 1 + at % 6):
                body[where] = rng.integers(256)
        case 2:
            body[at : at + length] = bytes(len(body[at : at + length]))
        case 3:
            del body[at : at + length]
        case 4:
            body[at:at] = body[at : at + length]
        case 5:  # a number becomes very large
            body[at : at + 4] = b"\xff\xff\xff\x7f"[: len(body[at : at + 4])]
        case 6:
            body[at] ^= 1 << int(rng.integers(8))
    return bytes(body)


def fuzz(count: int, seed: int = 0) -> tuple[Counter[str], float]:
    """What became of `count` damaged photos, by code, and the seconds of the slowest. Anything but a photo or `BadImage` is raised."""
    kinds = [kind for kind in every_kind() if kind.pixels is not None]
    rng, became, slowest = np.random.default_rng(seed), Counter[str](), 0.0
    for number in range(count):
        kind = kinds[number % len(kinds)]
        data = damaged(kind.data, rng)
        began = time.perf_counter()
        try:
            photo = decode(data, kind.name)
            assert photo.pixels.dtype == np.uint8
            assert photo.pixels.ndim == 3
            became["read"] += 1
        except BadImage as error:
            became[error.code] += 1
        slowest = max(slowest, time.perf_counter() - began)
    return became, slowest


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    result, seconds = fuzz(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{sum(result.values())} damaged photos: {dict(result.most_common())}; slowest {seconds:.2f} s, peak memory {peak_mib:.0f} MiB")
