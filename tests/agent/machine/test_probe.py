"""`seewhy doctor --vlm` against servers that are none: one clear line, exit code 1, never a traceback."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from tests.helpers.servers import completion, models_then, page, raw_server, speaking
from typer.testing import CliRunner

from seewhy.agent.machine.probe import probe
from seewhy.cli import app


def test_a_server_is_examined() -> None:
    with speaking() as (url, _):
        checks = {c.what: c for c in probe(url)}
        bare = {c.what: c for c in probe(url.removesuffix("/v1"))}
    assert checks["model"].found == "scripted"
    assert "json_schema" in checks["keeps to a schema"].remedy  # it answers from its script
    assert checks["pictures in a question"].found == "4 or more"
    assert "10 tokens in" in checks["speed"].found
    assert bare["address"].found.startswith(f"{url}, ")
    assert "address" not in checks
    assert "seewhy serve" in probe(url)[0].remedy  # it has gone


def everywhere(data: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, _: connection.sendall(data)


ODD: dict[str, tuple[Callable[[socket.socket, bytes], None], str]] = {
    "a web page": (everywhere(page(b"<!doctype html><h1>nginx</h1>")), "200: a web page instead of JSON"),
    "nothing": (everywhere(page(b"")), "200: nothing instead of JSON"),
    "bytes": (everywhere(page(bytes(range(128, 256)))), "200: something unreadable instead of JSON"),
    "a redirect": (everywhere(page(b"", "Location: https://elsewhere/", status="302 Found")), "302: it points to another address"),
    "another JSON": (everywhere(page(b'{"data": {"id": 3}}')), "200: it lists no model"),
    "a number": (everywhere(page(b"7")), "200: it lists no model"),
    "an empty list": (everywhere(page(b'{"data": []}')), "200: it lists no model"),
    "a model without a name": (everywhere(page(b'{"data": [{"id": null}, {"id": ""}]}')), "200: it lists no model"),
    "a key is wanted": (everywhere(page(b'{"error": "No"}', status="401 no")), "401: No (the key comes from SEEWHY_VLM_KEY)"),
    "not found": (everywhere(page(b'{"detail": "Not Found"}', status="404 no")), "404: Not Found"),
    "broken": (everywhere(page(b"<html>", status="500 no")), "500: a web page"),
    "no HTTP": (everywhere(b"SSH-2.0-OpenSSH_9.6\r\n"), "the connection broke"),
    "hangs up": (lambda connection, _: connection.close(), "the connection broke"),
    "names with markup": (everywhere(page(json.dumps({"data": [{"id": "[/]\x1b[2J", "owned_by": "[bold"}]}).encode())), "chat completion"),
    "says no": (models_then(lambda c: c.sendall(page(b'{"message": "At most 0 images"}', status="400 no"))), "400: At most 0 images"),
    "chats": (models_then(lambda c: c.sendall(page(json.dumps(completion("[" * 9999)).encode()))), "json_schema"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.slow
def test_an_odd_server_is_one_clear_line(name: str) -> None:
    behave, why = ODD[name]
    with raw_server(behave) as url:
        ran = CliRunner().invoke(app, ["doctor", "--vlm", url, "--vlm-timeout", "5", "--json"])
        shown = CliRunner().invoke(app, ["doctor", "--vlm", url, "--vlm-timeout", "5"])
    assert (ran.exit_code, shown.exit_code) == (1, 1), shown.exception
    checks: list[dict[str, Any]] = json.loads(ran.stdout)
    assert why in " ".join(c["remedy"] for c in checks)
    assert all("\n" not in c["remedy"] and len(c["remedy"]) < 300 for c in checks)


def test_the_wrong_kind_of_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with speaking() as (url, _):
        for given, why in ((f"http://127.0.0.1:{port}/v1", "no connection"), (url.replace("http:", "https:"), "doesn't speak TLS")):
            (check,) = probe(given)
            assert why in check.remedy
    ran = CliRunner().invoke(app, ["doctor", "--vlm", "http://me:hunter2@127.0.0.1/v1"])
    assert "hunter2" not in str(ran.exception)
    assert "SEEWHY_VLM_KEY" in str(ran.exception)


@pytest.mark.parametrize(
    ("answer", "finish", "why"),
    [
        ("", "stop", "it only thought; turn thinking off"),
        ("<think>\nA poem…</think>", "stop", "thinks aloud before its answer; turn thinking off"),
        ('{"word": "' + "\n" * 300, "length", "as Gemma 4 does"),
        ("The sea is wide.", "stop", "it ignores response_format json_schema; vLLM, SGLang"),
    ],
    ids=["thoughts alone", "thoughts first", "blanks without end", "a poem"],
)
def test_why_an_answer_does_not_fit_its_schema_is_told(answer: str, finish: str, why: str) -> None:
    said = completion(answer)
    said["choices"][0]["finish_reason"] = finish
    with raw_server(models_then(lambda connection: connection.sendall(page(json.dumps(said).encode())))) as url:
        checks = {c.what: c for c in probe(url)}
    assert why in checks["keeps to a schema"].remedy
