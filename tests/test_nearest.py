"""faiss multiplies as fast as the processor allows, whatever its OpenBLAS takes the processor for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seewhy.nearest import kernels

ROOT = Path(__file__).parents[1]
ROOMS = ("agent", "detectors", "explainers", "prompts", "reports", "evals", "src", "tests")
CODE = (
    "import json, os, threadpoolctl; before = dict(os.environ); from seewhy.nearest import faiss; "
    "assert dict(os.environ) == before; from pathlib import Path; "
    "print(json.dumps([one.get('architecture') for one in threadpoolctl.threadpool_info() if 'faiss' in one['filepath']]))"
)


def test_kernels_follow_from_what_a_processor_is_able_to_do() -> None:
    avx2 = {"AVX2": True, "FMA3": True}
    assert kernels({}) == ""
    assert kernels({"AVX2": True}) == ""
    assert kernels(avx2) == "Haswell"
    assert kernels(avx2 | {"AVX512F": True}) == "Haswell"
    assert kernels(avx2 | dict.fromkeys(("AVX512F", "AVX512VL", "AVX512BW", "AVX512DQ"), True)) == "SkylakeX"


def loaded(environment: dict[str, str]) -> list[str]:
    """The kernels of faiss's OpenBLAS in a new process; none where its products are another library's."""
    ran = subprocess.run([sys.executable, "-c", CODE], env=os.environ | environment, check=True, capture_output=True, text=True)
    return [one for one in json.loads(ran.stdout) if one]


def test_faiss_is_loaded_with_them_and_the_environment_stays() -> None:
    from numpy._core._multiarray_umath import __cpu_features__  # type: ignore[import-not-found]

    wanted = kernels(__cpu_features__)
    found = loaded({})
    if not found or not wanted:
        pytest.skip("faiss's products are not OpenBLAS's here, or the processor has no AVX2")
    assert set(found) == {wanted}


def test_a_choice_of_the_users_stays() -> None:
    found = loaded({"OPENBLAS_CORETYPE": "Prescott"})
    if not found:
        pytest.skip("faiss's products are not OpenBLAS's here")
    assert set(found) == {"Prescott"}


def test_every_module_takes_faiss_from_one_place() -> None:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py") if not file.is_symlink()]
    taken = [file.name for file in files if re.search(r"^\s*(import faiss|from faiss)\b", file.read_text(encoding="utf-8"), re.MULTILINE)]
    assert set(taken) == {"nearest.py"}
