"""`seewhy serve`, with a stand-in for vLLM that starts workers: none of them outlives it, whatever happens to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.helpers import ROOT
from tests.helpers.programs import hears
from typer.testing import CliRunner

from seewhy.agent.machine.serve import model_and_flags, ready, serving
from seewhy.cli import app
from seewhy.errors import MissingExtra, ServerFailed
from seewhy.explainers.profiles import PROFILES, QUIET, command, profile_of

STAND_IN = """
import json, os, signal, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
port, pids, stubborn = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "stubborn"
sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
workers = [subprocess.Popen([sys.executable, "-c", sleeper]) for _ in range(2)]  # as those of vLLM, they hear no SIGTERM
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"{}")
    def log_message(self, *rest):
        pass
server = HTTPServer(("127.0.0.1", port), Page)
open(pids, "w").write(json.dumps([os.getpid(), *(w.pid for w in workers)]))
server.serve_forever()
"""
SERVES = """
import sys
from pathlib import Path
from seewhy.agent.machine import group
from seewhy.agent.machine.serve import serving, watch
group.GRACE_S, group.CHILDREN_S = 1.0, 0.5
group.end_on_signals()
port, pids, kind, log = sys.argv[1:]
with serving(["/usr/bin/env", sys.executable, "-c", Path(log).with_name("stand_in.py").read_text(), port, pids, kind],
             f"http://127.0.0.1:{port}/v1", Path(log)) as process:
    print("ready", flush=True)
    watch(process, Path(log))
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits for its parent to notice its end doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def served(tmp_path: Path, kind: str = "plain") -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A program that serves, and the processes of its server."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    pids, log = tmp_path / "pids", tmp_path / "log"
    program = subprocess.Popen(
        [sys.executable, "-c", SERVES, str(free_port()), str(pids), kind, str(log)], stdout=subprocess.PIPE, preexec_fn=hears
    )
    assert program.stdout is not None
    started: list[int] = []
    try:
        assert program.stdout.readline() == b"ready\n", log.read_text()
        started = [int(pid) for pid in pids.read_text().strip("[]").split(",")]
        assert all(map(alive, started))
        yield program, started
    finally:
        program.kill()
        program.communicate()
        for pid in filter(alive, started):
            os.kill(pid, signal.SIGKILL)


def gone(pids: list[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(alive, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("kind", ["plain", "stubborn"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.slow
def test_a_signal_ends_the_server_with_its_workers(number: signal.Signals, kind: str, tmp_path: Path) -> None:
    with served(tmp_path, kind) as (program, pids):
        program.send_signal(number)
        program.wait(15)
        assert gone(pids, 1.0)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.slow
def test_a_program_that_is_killed_leaves_no_worker(tmp_path: Path) -> None:
    with served(tmp_path) as (program, pids):
        program.kill()
        assert gone(pids, 15.0)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_server_that_is_killed_leaves_no_worker(tmp_path: Path) -> None:
    with served(tmp_path) as (program, pids):
        os.kill(pids[0], signal.SIGKILL)
        assert program.wait(15) == 1  # ServerFailed
        assert gone(pids, 1.0)


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    code = "import signal; from seewhy.agent.machine.group import end_on_signals; end_on_signals(); print(signal.getsignal(signal.SIGHUP))"
    ran = subprocess.run(["nohup", sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "SIG_IGN" in ran.stdout or ran.stdout.strip() == "1"


def test_serving_says_why_it_could_not(tmp_path: Path) -> None:
    dead = [sys.executable, "-c", "print('no GPU here'); raise SystemExit(3)"]
    with pytest.raises(MissingExtra, match="serve"), serving(dead, "http://127.0.0.1:9/v1", tmp_path / "v.log"):
        pass
    other = ["/usr/bin/env", *dead]
    with pytest.raises(ServerFailed, match=r"code 3(.|\n)*no GPU here"), serving(other, "http://127.0.0.1:9/v1", tmp_path / "v.log"):
        pass
    slow = ["/usr/bin/env", "sleep", "60"]
    with pytest.raises(ServerFailed, match="not ready"), serving(slow, "http://127.0.0.1:9/v1", tmp_path / "v.log", ready_s=0.2):
        pass


def test_no_proxy_is_asked_whether_a_server_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        assert not ready(f"http://127.0.0.1:{free_port()}/v1")
        proxy.settimeout(0.2)
        with pytest.raises(TimeoutError):
            proxy.accept()


def test_every_profile_makes_a_command() -> None:
    for name, profile in PROFILES.items():
        words = command(
            profile_of(name), python="python", host="127.0.0.1", port=1, served_name="x", revision="r", more=["--dtype", "half"]
        )
        assert words[words.index("--model") + 1] == profile.model
        assert words[-2:] == ["--dtype", "half"]
        assert profile.source.startswith("https://")
        assert words[words.index("--enable-auto-tool-choice") + 1 :][:2] == ["--tool-call-parser", profile.calls]
    assert '{"enable_thinking": false}' in command(PROFILES["qwen3.5-4b"], python="python", host="127.0.0.1", port=1)


def test_the_docs_table_of_profiles_is_the_list_itself() -> None:
    page = (ROOT / "docs" / "vlm-on-a-gpu.md").read_text(encoding="utf-8")
    rows = {row[0].strip("` "): row[1:] for line in page.splitlines() if line.startswith("| `") for row in [line.strip("| ").split(" | ")]}
    assert set(rows) == set(PROFILES)
    for name, profile in PROFILES.items():
        weights, _, licence, flags, source = rows[name]
        assert weights == f"{profile.weights_gib} GiB"
        assert licence == profile.licence
        assert ("enable_thinking" in flags) == (QUIET[0] in profile.flags)
        assert ("--trust-remote-code" in flags) == ("--trust-remote-code" in profile.flags)
        assert f"({profile.source})" in source


@pytest.mark.parametrize(
    ("words", "model", "end"),
    [
        (["qwen3-vl-8b", "--", "--max-num-seqs", "2"], "Qwen/Qwen3-VL-8B-Instruct", ["--max-num-seqs", "2"]),
        (["--", "--max-num-seqs", "2"], "Qwen/Qwen3-VL-4B-Instruct", ["--max-num-seqs", "2"]),
        (["--", "--enforce-eager"], "Qwen/Qwen3-VL-4B-Instruct", ["--enforce-eager"]),
        (["some/model"], "some/model", []),
    ],
)
def test_flags_behind_the_dashes_are_never_the_model(words: list[str], model: str, end: list[str]) -> None:
    shown = CliRunner().invoke(app, ["serve", "--show", *words]).stdout.split()
    assert shown[shown.index("--model") + 1] == model
    assert shown[len(shown) - len(end) :] == end
    assert model_and_flags("m", ["--x"]) == ("m", ["--x"])
