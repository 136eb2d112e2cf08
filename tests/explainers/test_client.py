"""The client against real servers that drip, flood, lie and quote secrets: each question ends in time, and nothing leaks."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from tests.helpers.programs import hears
from tests.helpers.servers import GOOD, completion, hung, models_then, page, raw_server, speaking

from seewhy.errors import BadData
from seewhy.explainers.answer import answer_schema
from seewhy.explainers.client import LONGEST_ANSWER, MOST_TOKENS, Client, Reply, Server, conversation
from seewhy.explainers.patience import Breaker, NoReplyError
from seewhy.explainers.scrub import SECRET, Scrubber
from seewhy.explainers.wire import MOST_BYTES

SCHEMA = answer_schema(("scratch",), ())
KEY = "very/secret+Key-7f3a9c"


def asked(url: str, **server: Any) -> Reply:
    return Client(Server(url=url, **({"timeout_s": 5.0, "retries": 0} | server))).ask(conversation("s", ["q"]), SCHEMA)


def failure(url: str, **server: Any) -> NoReplyError:
    with pytest.raises(NoReplyError) as caught:
        asked(url, **server)
    return caught.value


def dripping(start: bytes) -> Callable[[socket.socket], None]:
    """A byte now and then, for ever, after `start`."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nX: ", page(b"{", "Content-Type: application/json", length=False)])
def test_a_byte_now_and_then_ends_with_the_question(start: bytes) -> None:
    with raw_server(models_then(dripping(start))) as url:
        began = time.monotonic()
        error = failure(url, timeout_s=0.7, retries=2)
    assert (error.reason, error.detail) == ("timeout", "no answer within 0.7 s")
    assert time.monotonic() - began < 1.5


def test_a_server_that_drips_before_it_names_a_model() -> None:
    with raw_server(lambda connection, _: dripping(b"HTTP/1.1 200 OK\r\n\r\n")(connection)) as url:
        began = time.monotonic()
        assert failure(url, timeout_s=0.5).reason == "timeout"
        with pytest.raises(NoReplyError, match="time for words is over"):
            Client(Server(url=url)).ask(conversation("s", ["q"]), SCHEMA, until=time.monotonic() + 0.4)
    assert time.monotonic() - began < 2.0


def test_retries_are_part_of_the_question() -> None:
    with speaking(lambda _r, _s: 500) as (url, server):
        began = time.monotonic()
        assert "answered 500: as scripted" in failure(url, timeout_s=1.0, retries=50, breaker_after=99).detail
        assert time.monotonic() - began < 1.5
        assert len(server.requests) > 1


def test_an_endless_body_is_read_no_further_than_it_may() -> None:
    sent = [0]

    def flood(connection: socket.socket) -> None:
        connection.sendall(page(b"{", length=False))
        while True:
            sent[0] += connection.send(b" " * 65536)

    with raw_server(models_then(flood)) as url:
        assert failure(url).detail == "its answer is larger than 4 MiB"
    assert MOST_BYTES < sent[0] < 8 * MOST_BYTES  # what lay in the sockets' buffers is more than what was read


def test_a_bomb_is_never_unpacked() -> None:
    bomb = gzip.compress(bytes(64 * 2**20))
    with raw_server(models_then(lambda connection: connection.sendall(page(bomb, "Content-Encoding: gzip")))) as url:
        assert "is compressed (gzip)" in failure(url).detail
    with raw_server(models_then(lambda connection: connection.sendall(page(bomb)))) as url:
        assert "unreadable instead of JSON" in failure(url).detail


def sent(data: Any) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(page(data if isinstance(data, bytes) else json.dumps(data).encode()))


def test_characters_that_cannot_be_kept_are_replaced() -> None:
    with raw_server(models_then(sent(completion("a\ud800b\x00c\x1b[2Jd\u202e")))) as url:
        reply = asked(url)
    assert reply.text == "a\ufffdb c [2Jd "
    reply.text.encode()


def test_counts_and_lengths_are_bounded() -> None:
    answer = completion("x" * 3_000_000)
    answer["usage"] = {"prompt_tokens": 10**300, "completion_tokens": -5}
    with raw_server(models_then(sent(answer))) as url:
        reply = asked(url)
    assert (len(reply.text), reply.cut) == (LONGEST_ANSWER, True)
    assert (reply.prompt_tokens, reply.completion_tokens) == (MOST_TOKENS, 0)


ODD: list[Any] = [
    *(b"", b"null", b"[]", b"7", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"choices": ' + b"9" * 5000 + b"}"),
    *({"choices": []}, {"choices": None}, {"choices": [{}]}, {"choices": [{"message": None}]}, {"error": {"message": "no"}}),
]


@pytest.mark.parametrize("data", ODD, ids=range(len(ODD)))
def test_what_is_no_completion_is_no_reply(data: Any) -> None:
    with raw_server(models_then(sent(data))) as url:
        assert failure(url).reason == "unavailable"


@pytest.mark.parametrize("usage", [None, 7, "x", [], {"prompt_tokens": "many", "completion_tokens": None}])
def test_an_answer_needs_no_counts(usage: Any) -> None:
    with raw_server(models_then(sent(completion(GOOD) | {"usage": usage}))) as url:
        if usage in (7, "x") or usage == {}:
            assert failure(url).reason == "unavailable"
        else:
            assert json.loads(asked(url).text) == GOOD


def everything_said(url: str) -> str:
    """All text that a client hands on: who it is, what it answers, why it doesn't."""
    client, said = Client(Server(url=url, timeout_s=5.0, retries=0)), list[str]()
    for action in (lambda: client.identity, lambda: client.ask(conversation("s", ["q"]), SCHEMA)):
        try:
            said.append(repr(action()))
        except NoReplyError as error:
            said += [error.detail, str(error)]
    return " ".join(said)


FORMS = {
    "plain": KEY,
    "bearer": f"Bearer {KEY}",
    "in a URL": quote(KEY, safe=""),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "JSON": KEY.replace("/", "\\/"),
    "escaped": "".join(f"\\u{ord(c):04x}" for c in KEY),
}
PLACES: dict[str, Callable[[str], tuple[bytes, bytes]]] = {  # what the list of models and the question are answered with
    "error": lambda k: (b"", page(json.dumps({"error": {"message": f"bad key {k}"}}).encode(), status="401 no")),
    "error of another form": lambda k: (b"", page(json.dumps({"detail": f"{'x' * 150} {k}"}).encode(), status="400 no")),
    "reason phrase": lambda k: (b"", page(b"", status=f"403 {k}")),
    "address": lambda k: (b"", page(b"", f"Location: http://u:{k}@x/", status="302 Found")),
    "web page": lambda k: (b"", page(f"<html>{k}</html>".encode(), status="502 no")),
    "no JSON": lambda k: (b"", page(k.encode())),
    "answer": lambda k: (b"", page(json.dumps(completion(json.dumps(GOOD).replace("streak", f"streak {k}"))).encode())),
    "text": lambda k: (b"", page(json.dumps(completion(f"I'm sorry, {k}")).encode())),
    "model": lambda k: (page(json.dumps({"data": [{"id": k, "owned_by": k}], "version": k}).encode()), page(b"", status="404 no")),
    "list of models": lambda k: (page(json.dumps({"error": k}).encode(), status="401 no"), b""),
    "header": lambda k: (b"", page(b"{}", f"X-Key: {k}", f"Content-Encoding: {k}")),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", PLACES)
def test_a_key_that_a_server_quotes_is_kept_nowhere(place: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEWHY_VLM_KEY", KEY)
    models, answer = PLACES[place](FORMS[form])
    models = models or page(json.dumps({"data": [{"id": "scripted"}], "version": "1"}).encode())
    with raw_server(lambda connection, request: connection.sendall(models if request.startswith(b"GET") else answer)) as url:
        said = everything_said(url)
    for hidden in {KEY, *FORMS.values()}:
        assert hidden not in said


def test_credentials_of_others_are_scrubbed_and_words_are_not() -> None:
    scrubbed = Scrubber(("",))
    for secret in ("Bearer abcdef0123456789", "sk-proj-abc123def456", "hf_abcDEF123456", "http://user:pass@host/", "?api_key=abc123"):
        assert SECRET in scrubbed(f"it said {secret} and went on", 99)
    for words in ("a basic scratch on a bearer surface", "Basic scratching of the bearer bracket", "a token mark", "sk-shaped bent edge"):
        assert scrubbed(words, 99) == words
    assert Scrubber(("dot",))("a dot and dots", 99) == f"a {SECRET} and dots"  # a short secret is no part of other words


def test_scrubbing_takes_no_time_and_leaves_no_half() -> None:
    scrubbed = Scrubber((KEY,))
    began = time.monotonic()
    for unit in ("\\", "sk-", "-eyJ", "basic  ", "://x", "a@", KEY[:-1], "%", "&#"):
        scrubbed(unit * (4 * 2**20 // len(unit)), LONGEST_ANSWER)
    assert time.monotonic() - began < 3.0
    for before in range(180, 220):  # wherever the cut falls
        assert KEY[:4] not in scrubbed("x" * before + KEY + f"y {KEY} " * 2000, 200)


def test_an_address_with_a_secret_is_refused_without_repeating_it() -> None:
    for url in ("http://me:hunter2@127.0.0.1/v1", "http://hunter2@h/v1", "http://h/v1?key=hunter2", "http://h/v1#hunter2"):
        with pytest.raises(BadData, match="SEEWHY_VLM_KEY") as caught:
            Client(Server(url=url))
        assert "hunter2" not in str(caught.value)
    for url in ("localhost:8000", "ftp://h/v1", "http:///v1", "http://h:99999/v1", "http://[::1/v1", ""):
        with pytest.raises(BadData, match="address"):
            Client(Server(url=url))


@pytest.fixture
def overheard() -> Any:
    """(URL, requests) of a server where nothing may arrive."""
    heard: list[bytes] = []

    def answer(connection: socket.socket, request: bytes) -> None:
        heard.append(request)
        connection.sendall(page(b"<html>not reachable from here</html>", status="502 Bad Gateway"))

    with raw_server(answer) as url:
        yield url.removesuffix("/v1"), heard


def test_no_proxy_of_the_environment_sees_a_photo(overheard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, heard = overheard
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENAI_PROXY"):
        monkeypatch.setenv(name, proxy)
        monkeypatch.setenv(name.lower(), proxy)
    with speaking() as (url, _):
        assert json.loads(asked(url).text) == GOOD
        assert heard == []
        assert "502: a web page" in failure(url, proxy=proxy).detail  # asked for
        assert heard[0].startswith(b"GET http://127.0.0.1")
        monkeypatch.setenv("SEEWHY_VLM_PROXY", proxy)
        assert "502" in failure(url).detail
    monkeypatch.delenv("SEEWHY_VLM_PROXY")
    assert "HTTP_PROXY is not used; a proxy for the VLM is named in SEEWHY_VLM_PROXY" in failure(url).detail


def test_no_tracer_of_the_environment_sees_a_question(overheard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint, heard = overheard
    for name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2", "LANGCHAIN_TRACING"):
        monkeypatch.setenv(name, "true")
    for name in ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, endpoint)
    monkeypatch.setenv("LANGSMITH_API_KEY", "x")
    with speaking() as (url, server):
        asked(url)
        time.sleep(0.5)  # tracers post from threads of their own
    assert len(server.requests) == 1
    assert heard == []


@pytest.mark.parametrize("proxy", ["socks5://me:hunter22@127.0.0.1:9", "gopher://me:hunter22@h", "http://[::1", "http://127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_told(proxy: str) -> None:
    if proxy.startswith("socks") and importlib.util.find_spec("socksio"):
        pytest.skip("the package for SOCKS is installed")
    error = failure("http://127.0.0.1:9/v1", proxy=proxy)
    assert error.reason == "unavailable"
    assert "hunter22" not in error.detail
    assert proxy.startswith("socks") == ("httpx[socks]" in error.detail)


def test_certificates_that_cannot_be_read_are_told(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    for file in (tmp_path / "bad.pem", tmp_path / "none.pem"):
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert "certificates that SSL_CERT_FILE" in failure("https://127.0.0.1:9/v1").detail
        with speaking() as (url, _):
            assert json.loads(asked(url).text) == GOOD  # no certificate is needed
            assert "SSL_CERT_FILE" in failure(url.replace("http:", "https:")).detail
    monkeypatch.delenv("SSL_CERT_FILE")
    with speaking() as (url, _):
        assert "doesn't speak TLS" in failure(url.replace("http:", "https:")).detail


def test_an_address_without_v1_is_understood_and_told(caplog: pytest.LogCaptureFixture) -> None:
    with speaking() as (url, _):
        for given in (url.removesuffix("/v1"), f"{url.removesuffix('/v1')}/"):
            client = Client(Server(url=given, retries=0))
            assert json.loads(client.ask(conversation("s", ["q"]), SCHEMA).text) == GOOD
            assert client.base == url
            assert f"{url} does and is used" in caplog.text
    with raw_server(lambda connection, _: connection.sendall(page(b"{}", status="404 Not Found"))) as url:
        assert "404" in failure(url.removesuffix("/v1")).detail


@pytest.mark.slow
def test_a_request_under_way_ends_with_the_time_for_words() -> None:
    with speaking() as (url, server):
        client = Client(Server(url=url, timeout_s=60.0, breaker_after=1))
        client.ask(conversation("s", ["q"]), SCHEMA)
        server.behaviour = hung(3.0)
        for _ in range(2):  # it is no failure of the server's: the breaker stays closed
            with pytest.raises(NoReplyError, match="time for words is over"):
                client.ask(conversation("s", ["q"]), SCHEMA, until=time.monotonic() + 1.0)
        assert len(server.requests) == 3


def test_the_breaker_leaves_a_server_alone_and_tries_again() -> None:
    breaker = Breaker(2, 0.2)
    for _ in range(2):
        breaker.admit()
        breaker.note(well=False)
    with pytest.raises(NoReplyError, match="left alone"):
        breaker.admit()
    threading.Event().wait(0.25)
    breaker.admit()  # one tries
    with pytest.raises(NoReplyError):
        breaker.admit()  # the others wait
    breaker.note(well=True)
    breaker.admit()


def test_an_unknown_model_is_told() -> None:
    with speaking() as (url, _), pytest.raises(NoReplyError, match="no model 'x'"):
        _ = Client(Server(url=url, model="x")).identity


ASKS = """
import sys
from seewhy.explainers.client import Client, Server, conversation
from seewhy.threads import in_order
client = Client(Server(url=sys.argv[1], timeout_s=60.0))
client.identity
print("asking", flush=True)
try:
    list(in_order(lambda _: client.ask(conversation("s", ["q"]), {}), range(8), int(sys.argv[2])))
except KeyboardInterrupt:
    print("stopped", flush=True)
    sys.exit(130)
"""


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.slow
def test_ctrl_c_ends_a_program_that_waits_for_words(threads: int) -> None:
    with speaking(hung(30.0)) as (url, server):
        child = subprocess.Popen([sys.executable, "-c", ASKS, url, str(threads)], stdout=subprocess.PIPE, preexec_fn=hears)
        assert child.stdout is not None
        assert child.stdout.readline() == b"asking\n"
        until = time.monotonic() + 10
        while len(server.requests) < threads and time.monotonic() < until:
            time.sleep(0.02)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=10)
    assert (child.returncode, said) == (130, b"stopped\n")
    assert time.monotonic() - began < 1.0 + 1.0  # the second one is for a machine under load
