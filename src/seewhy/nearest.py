"""faiss, whose products of matrices run as fast here as the processor allows.

Its wheels bring OpenBLAS of 2021, which takes many a newer processor for one without AVX and then multiplies three to five times as slowly.
Every part of seewhy takes faiss from here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from numpy._core._multiarray_umath import __cpu_features__  # type: ignore[import-not-found]  # where faiss asks, too

KERNELS = (("SkylakeX", ("AVX512F", "AVX512VL", "AVX512BW", "AVX512DQ")), ("Haswell", ("AVX2", "FMA3")))  # OpenBLAS's, the fastest first
CHOICE = "OPENBLAS_CORETYPE"


def kernels(able: Mapping[str, bool]) -> str:
    """OpenBLAS's kernels for a processor, by what it is able to do; empty where OpenBLAS had better choose itself."""
    return next((name for name, needed in KERNELS if all(able.get(one) for one in needed)), "")


@contextmanager
def _told(name: str) -> Iterator[None]:
    """The choice stands in the environment while faiss is loaded; one that was there already stays."""
    if not name or CHOICE in os.environ:
        yield
        return
    os.environ[CHOICE] = name
    try:
        yield
    finally:
        del os.environ[CHOICE]


with _told(kernels(__cpu_features__)):
    import faiss

__all__ = ["faiss", "kernels"]
