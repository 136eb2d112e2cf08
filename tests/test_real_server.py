"""A real vLLM (its CPU build) serves `seewhy-tiny-vlm`, synthetic weights in Qwen3-VL's architecture, and is asked for real."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from seewhy.agent.machine.probe import probe
from seewhy.agent.machine.serve import serving
from seewhy.evals.promises.explain import main as measure_words
from seewhy.evals.promises.faults import main as measure_faults
from seewhy.evals.promises.faulty import FAULTS
from seewhy.explainers.profiles import command, profile_of
from tests.helpers import ROOT, TESTS

PYTHON = Path(os.environ.get("SEEWHY_VLLM_PYTHON", ROOT / ".venv-vllm/bin/python"))
ENVIRONMENT = {
    "PYTHONPATH": str(TESTS / "vllm_cpu"),
    "HF_HUB_OFFLINE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}
FLAGS = ("--dtype", "float32", "--enforce-eager", "--max-num-seqs", "8")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PYTHON.is_file(), reason="no vLLM: `make test` sets one up on Linux")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}/v1", tmp_path_factory.mktemp("vllm") / "vllm.log"
    said = command(
        profile_of(str(TESTS / "tiny_vlm")),
        python=str(PYTHON),
        host="127.0.0.1",
        port=port,
        served_name="seewhy-tiny-vlm",
        more=FLAGS,
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with serving(said, url, log, ready_s=300):
            patch.undo()  # the server's alone: its PYTHONPATH would import torch into every program that a later test starts
            yield url


def test_the_server_is_examined(served: str) -> None:
    checks = {c.what: c for c in probe(served)}
    assert checks["server"].found.startswith("vllm 0.")
    assert checks["model"].found == "seewhy-tiny-vlm"
    assert checks["keeps to a schema"].found == "yes"
    assert checks["pictures in a question"].found == "4 or more"


def test_it_sees_and_is_checked(served: str, tmp_path: Path) -> None:
    measure_words(served, tmp_path / "explain.json", per_kind=2, detect=False)
    found = json.loads((tmp_path / "explain.json").read_text())
    assert found["weights"] == "seewhy-tiny-vlm, synthetic"
    assert found["types"]["accuracy"] >= 0.8
    assert found["hallucination"]["not_called_no"] <= 0.15
    assert found["contradicted"]["shown"] == 0
    assert found["json"]["after_repair"] == 1.0
    assert found["faithfulness"]["faithfulness"] >= 0.6
    assert found["languages"]["enums_equal"] >= 0.9
    assert found["controls"]["blank_pictures"] < 0.5


def test_faults_and_injected_words_cost_no_verdict(served: str, tmp_path: Path) -> None:
    measure_faults(served, tmp_path / "faults.json", per_kind=1, attempts=2)
    found = json.loads((tmp_path / "faults.json").read_text())
    for fault in FAULTS:
        row = found["faults"][fault]
        assert row["verdicts_and_severities_equal"] == 1.0, fault
        assert row["photos"] == found["faults"]["none"]["photos"]
        assert row["gaps_told"] == 1.0
        assert row["gaps_left"] == 0
        assert row["chain_intact"]
    assert found["faults"]["hung"]["reasons"]["timeout"] > 0
    assert found["injection"]["flips"] == 0
