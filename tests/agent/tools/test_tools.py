"""Tools for agents: typed, compact, inside their workspace, and never heard of by a tracer."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.helpers.packages import needs

from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.tools import Workspace, langchain_tools, mcp_server
from seewhy.agent.tools.toolset import TOOLS
from seewhy.errors import BadData, LedgerError
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.record import InspectionRecord

pytestmark = needs("langchain_core", "mcp")


@pytest.fixture
def folder(tmp_path: Path, model_folder: Path) -> Path:
    (tmp_path / "line4").mkdir()
    drawn = defective("plate", "stain", 1)
    Image.fromarray(drawn.pixels).save(tmp_path / "line4" / "stain.png")
    Image.fromarray(drawn.mask).save(tmp_path / "line4" / "mask.png")
    Image.fromarray(good("plate", 100).pixels).save(tmp_path / "line4" / "good.png")
    Image.fromarray(drawn.pixels).save(tmp_path / "secret.png")
    (tmp_path / "line4" / "link.png").symlink_to(tmp_path / "secret.png")
    shutil.copytree(model_folder, tmp_path / "line4" / "model")
    return tmp_path / "line4"


@pytest.fixture
def reading(folder: Path) -> Workspace:
    Ledger(folder / "book.sqlite")
    return Workspace(folder, model="model", ledger="book.sqlite")


@pytest.fixture
def writing(folder: Path) -> Workspace:
    return Workspace(folder, model="model", ledger="book.sqlite", role="night shift agent")


def ask(workspace: Workspace, name: str, **given: Any) -> dict[str, Any]:
    return TOOLS[name](workspace, **given)


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "link.png", "a/../../secret.png", "x\0y", "stain.png/../../secret.png"])
def test_no_tool_leaves_its_workspace(reading: Workspace, path: str) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("inspect", {"photo": path}),
        ("explain", {"photo": path, "boxes": [[1, 1, 9, 9]]}),
        ("explain", {"photo": "stain.png", "file": path}),
        ("explain", {"photo": "stain.png", "boxes": [[1, 1, 9, 9]], "reference": path}),
        ("measure", {"photo": path, "boxes": [[1, 1, 9, 9]]}),
    ]
    for name, given in calls:
        with pytest.raises(BadData, match=r"leads out of the workspace|can't be a path"):
            ask(reading, name, **given)
    with pytest.raises(BadData, match=r"leads out|can't be"):
        Workspace(reading.folder, model=path)


def test_inspect_explain_and_measure_answer_compact_json(reading: Workspace) -> None:
    seen = ask(reading, "inspect", photo="stain.png")
    assert (seen["verdict"], seen["photo"], seen["recorded"]) == ("fail", "stain.png", "")
    finding = seen["findings"][0]
    assert finding["type"]["source"] == "rule"
    assert finding["measured"]["area_px2"][1] > 0
    assert reading.picture(finding["pictures"]["crop-1"].rsplit("/", 1)[1])[0] == "image/jpeg"
    assert len(json.dumps(seen)) < 9000
    told = ask(reading, "explain", photo="stain.png", file="mask.png", detector="yolo", language="ko")
    assert told["detector"] == "yolo"
    assert "정책만을" in " ".join(told["reasons"])
    sizes = ask(reading, "measure", photo="stain.png", boxes=[[10, 20, 40, 60]], polygons=[[[0, 0], [9, 0], [0, 9]]])
    assert [r["box_px"] for r in sizes["regions"]] == [(10, 20, 40, 60), (0, 0, 8, 8)]
    assert sizes["regions"][0]["area_px2"] == 1200


def test_reading_writes_nothing(reading: Workspace) -> None:
    before = {p: p.stat().st_mtime_ns for p in reading.folder.rglob("*")}
    ask(reading, "inspect", photo="stain.png")
    ask(reading, "explain", photo="stain.png", file="mask.png")
    ask(reading, "record")
    assert {p: p.stat().st_mtime_ns for p in reading.folder.rglob("*")} == before
    with pytest.raises(LedgerError):
        ask(reading, "similar", entry=1)


@pytest.mark.slow
def test_with_a_role_findings_are_written_and_no_part_passes(writing: Workspace) -> None:
    recorded = ask(writing, "inspect", photo="stain.png")["recorded"]
    assert len(recorded) == 64
    passed = ask(writing, "inspect", photo="good.png")
    assert (passed["verdict"], passed["recorded"]) == ("pass", "")
    ask(writing, "explain", photo="stain.png", file="mask.png")
    with Ledger(writing.book(), read_only=True) as book:
        found = [entry for entry in entries(book) if isinstance(entry, InspectionRecord)]
    assert {record.lot for record in found} == {"tools: night shift agent"}
    assert {record.verdict.value for record in found} <= {"fail", "review"}
    looked = ask(writing, "record", photo="stain.png", most=5)
    assert looked["entries"][0]["lot"] == "tools: night shift agent"
    like = ask(writing, "similar", entry=1, k=3)
    assert like["findings"] == []  # those of the same photo are left out
    made = ask(writing, "report", format="csv", language="ko")
    assert (writing.folder / made["file"]).stat().st_size == made["bytes"]
    assert writing.picture(made["report"].rsplit("/", 1)[1])[0] == "text/csv"


def test_wrong_arguments_are_told(reading: Workspace) -> None:
    with pytest.raises(BadData, match=r"inspect: photo: Field required"):
        ask(reading, "inspect")
    with pytest.raises(BadData, match=r"verdict: Extra inputs are not permitted"):
        ask(reading, "inspect", photo="stain.png", verdict="pass")
    with pytest.raises(BadData, match="no region is given"):
        ask(reading, "explain", photo="stain.png")
    with pytest.raises(BadData, match="not both"):
        ask(reading, "explain", photo="stain.png", file="mask.png", boxes=[[1, 1, 5, 5]])
    with pytest.raises(BadData, match="give the ledger"):
        Workspace(reading.folder, role="r")
    assert {name for name in TOOLS if {"pass", "sign", "confirm", "approve", "release"} & {name}} == set()


class _Heard(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.heard.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    do_GET = do_PATCH = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def tracer() -> Iterator[tuple[str, list[str]]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Heard)
    server.heard = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", server.heard  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_langchains_tools_are_typed_and_no_tracer_of_the_environment_hears(
    reading: Workspace, tracer: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, heard = tracer
    for name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "true")
    for name in ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.setenv(name, endpoint)
    monkeypatch.setenv("LANGSMITH_API_KEY", "x")
    from langsmith.utils import get_env_var

    get_env_var.cache_clear()
    tools = {tool.name: tool for tool in langchain_tools(reading)}
    assert set(tools) == {f"seewhy_{name}" for name in TOOLS}
    assert set(tools["seewhy_explain"].args) >= {"photo", "boxes", "polygons", "file", "reference"}
    call = {"name": "seewhy_measure", "args": {"photo": "stain.png", "boxes": [[1, 1, 9, 9]]}, "id": "1", "type": "tool_call"}
    answer = tools["seewhy_measure"].invoke(call)
    assert json.loads(answer.content)["regions"][0]["area_px2"] == 64
    assert json.loads(asyncio.run(tools["seewhy_measure"].ainvoke(call)).content) == json.loads(answer.content)
    wrong = tools["seewhy_measure"].invoke(call | {"args": {"photo": "../secret.png", "boxes": [[1, 1, 9, 9]]}})
    assert "leads out of the workspace" in wrong.content
    assert wrong.status == "error"
    time.sleep(0.5)  # tracers post from threads of their own
    assert heard == []
    traced = {tool.name: tool for tool in langchain_tools(reading, trace=True)}
    traced["seewhy_measure"].invoke(call)
    from langchain_core.tracers.langchain import wait_for_all_tracers

    wait_for_all_tracers()
    assert heard  # the tracer was there to hear: asked for, it does
    get_env_var.cache_clear()


async def _used(client: Any) -> None:
    tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == set(TOOLS)
    assert all(tool.annotations.read_only_hint for tool in tools)
    explain = next(tool for tool in tools if tool.name == "explain")
    assert explain.input_schema["required"] == ["photo"]
    answer = await client.call_tool("explain", {"photo": "stain.png", "file": "mask.png", "detector": "yolo"})
    assert not answer.is_error
    told = answer.structured_content
    assert told["findings"][0]["number"] == 1
    picture = await client.read_resource(told["findings"][0]["pictures"]["crop-1"])
    assert picture.contents[0].blob.startswith("/9j/")  # a JPEG
    wrong = await client.call_tool("explain", {"photo": "../secret.png", "boxes": [[1, 1, 9, 9]]})
    assert wrong.is_error
    assert "leads out of the workspace" in wrong.content[0].text


def test_a_client_of_the_sdk_uses_the_server(reading: Workspace) -> None:
    from mcp import Client

    async def talk() -> None:
        async with Client(mcp_server(reading)) as client:
            await _used(client)

    asyncio.run(talk())


def command(folder: Path, *more: str) -> list[str]:
    return ["-m", "seewhy", "mcp", str(folder), *more]


@pytest.mark.slow
def test_the_command_over_stdio(reading: Workspace) -> None:
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    async def talk() -> None:
        server = StdioServerParameters(command=sys.executable, args=command(reading.folder), env=dict(os.environ))
        async with Client(stdio_client(server)) as client:
            await _used(client)

    asyncio.run(talk())


@pytest.mark.slow
def test_the_command_over_http(reading: Workspace) -> None:
    import socket

    from mcp import Client

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *command(reading.folder, "--transport", "http", "--port", str(port))], stderr=subprocess.PIPE
    )

    async def talk() -> None:
        async with Client(f"http://127.0.0.1:{port}/mcp") as client:
            await _used(client)

    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        asyncio.run(talk())
    finally:
        process.terminate()
        process.communicate(timeout=20)
