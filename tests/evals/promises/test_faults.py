"""What faults and injected words cost, with a scripted server behind the proxy that spoils its answers."""

from __future__ import annotations

import json
import socket
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.helpers.photos import SMALL
from tests.helpers.servers import obedient, speaking

from seewhy.agent.api.learn import fit
from seewhy.agent.machine.serve import ready
from seewhy.evals.promises.faults import main
from seewhy.evals.promises.faulty import FAULTS, KILLED_AFTER, Fault, Served, faulty

QUESTION = {"response_format": {"json_schema": {"schema": {"properties": {"present": {}}}}}}
SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def asked(url: str) -> httpx.Response | None:
    """The answer to one question; None where the connection broke."""
    try:
        return httpx.post(f"{url}/chat/completions", json=QUESTION, timeout=10.0)
    except httpx.TransportError:
        return None


@pytest.mark.parametrize("fault", ["none", *FAULTS])
@pytest.mark.slow
def test_answers_are_spoilt_as_told(fault: Fault) -> None:
    with speaking(obedient) as (url, server), faulty(url) as proxy:
        proxy.fault, proxy.hang_s = fault, 0.1
        assert httpx.get(f"{proxy.url}/models").json()["data"][0]["id"] == "scripted"
        answers = [asked(proxy.url) for _ in range(20)]
        broken = [a is None or a.status_code != 200 for a in answers]
        assert proxy.answered == len(server.requests)
        match fault:
            case "none":
                assert proxy.spoilt == sum(broken) == 0
            case "killed":
                assert broken == [False] * KILLED_AFTER + [True] * (20 - KILLED_AFTER)
                with pytest.raises(httpx.TransportError):
                    httpx.get(f"{proxy.url}/models")
            case "hung":
                assert answers == [None] * 20
            case "errors":
                assert 0 < sum(broken) == proxy.spoilt < 20
            case "random bytes" | "truncated JSON":
                for answer in answers:
                    assert answer is not None
                    with pytest.raises(ValueError, match=r"\w"):
                        answer.json()


@pytest.mark.slow
def test_a_started_server_is_killed_and_runs_again(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    with Served(f"{sys.executable} {tmp_path / 'server.py'} {port}", url, tmp_path / "log") as served:
        assert ready(url)
        served.kill()
        served.kill()  # once more does no harm
        assert not ready(url)
        served.start()
        assert ready(url)
    assert not ready(url)


@pytest.mark.slow
def test_no_fault_and_no_word_costs_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seewhy.evals.promises.faults.HANG_S", 0.2)
    monkeypatch.setattr("seewhy.evals.promises.lot.fit", partial(fit, settings={"patchcore": SMALL}))
    monkeypatch.setattr("seewhy.evals.promises.lot.GOOD_PHOTOS", 20)
    monkeypatch.setattr("seewhy.evals.promises.lot.GOOD_IN_LOT", 4)
    with speaking(obedient) as (url, _):
        main(url, tmp_path / "faults.json", per_kind=1, attempts=1)
    found = json.loads((tmp_path / "faults.json").read_text())
    usual = found["faults"].pop("none")
    assert usual["equal_with_healthy_vlm"] == 1.0
    assert set(found["faults"]) == {name for fault in FAULTS for name in (fault, f"{fault}, with a time for words")}
    for fault, row in found["faults"].items():
        assert row["verdicts_and_severities_equal"] == 1.0, fault
        assert row["photos"] == usual["photos"], fault
        assert row["gaps_told"] == 1.0, fault
        assert row["gaps_left"] == 0, fault
        assert row["gaps_filled_later"] == row["gaps"], fault
        assert row["chain_intact"], fault
    assert found["faults"]["hung"]["gaps"] == usual["findings"]
    assert (found["injection"]["attempts"], found["injection"]["flips"]) == (5, 0)
