"""One bounded exchange with a server over HTTP: a deadline that holds, a cap on what is read, no proxy but one that was asked for."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import threading
import weakref
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx

from seewhy.errors import BadData

KEY = "SEEWHY_VLM_KEY"  # environment variable with the server's key; servers of one's own need none
PROXY = "SEEWHY_VLM_PROXY"  # environment variable with the only proxy that is used; HTTP_PROXY and its like are not
MOST_BYTES = 4 * 2**20  # of one answer; a list of models and an answer to one question take some thousand

Running: TypeAlias = tuple[asyncio.AbstractEventLoop, httpx.AsyncClient, asyncio.Event]  # its loop, its connections, set to end it


class AnswerError(Exception):
    """An answer that can't be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    body: bytes


def check_address(url: str) -> None:
    """Refuse what can't be a server's address, and what holds a secret, without repeating it.

    Raises:
        BadData: it is refused.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise BadData(f"a VLM server's address can't be read: {error}") from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise BadData(f"a VLM server's address holds no user, password or key: give the key in the environment variable {KEY}")
    if parts.scheme not in ("http", "https") or not host:
        raise BadData(f"a VLM server's address starts with http:// or https:// and names a host, not {url!r}")


class Wire:
    """Connections to one server, on an event loop in a thread of its own, so that whoever waits can stop waiting at once.

    Of the environment it takes the certificates of SSL_CERT_FILE and SSL_CERT_DIR alone: no HTTP_PROXY or ALL_PROXY, no netrc.

    Args:
        key: sent as a bearer token; empty for none.
        proxy: that all requests go through; empty for none.
        connections: at a time.
        tls: whether certificates are needed.
    """

    def __init__(self, *, key: str, proxy: str, connections: int, tls: bool) -> None:
        self.proxied = bool(proxy)
        self._options = (key, proxy, connections, tls)
        self._lock = threading.Lock()
        self._running: Future[Running] | None = None

    def fetch(self, url: str, seconds: float, data: Any = None) -> Answered:
        """GET, or POST where there is `data`; from the name's lookup to the last byte it takes no longer than `seconds`.

        Raises:
            TimeoutError: it took longer.
            AnswerError: the answer is too large, or compressed.
            Exception: whatever the library, the certificates, the proxy or the connection raise.
        """
        loop, client, _ = self._started().result()
        asked = asyncio.run_coroutine_threadsafe(_exchange(client, url, seconds, data), loop)
        try:
            return asked.result()
        finally:
            asked.cancel()  # where the wait was broken off (Ctrl-C), the connection is closed

    def _started(self) -> Future[Running]:
        """The loop; a new one where there is none, or where it could not be started."""
        with self._lock:
            if self._running is None or (self._running.done() and self._running.exception() is not None):
                self._running = Future()
                threading.Thread(target=_run, args=(self._running, *self._options), name="seewhy-wire", daemon=True).start()
                weakref.finalize(self, _end, self._running)
            return self._running


def _run(running: Future[Running], key: str, proxy: str, connections: int, tls: bool) -> None:
    async def serve() -> None:
        ended = asyncio.Event()
        async with httpx.AsyncClient(
            verify=httpx.create_ssl_context() if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # trusts nobody, is never asked
            proxy=proxy or None,
            trust_env=False,
            timeout=None,  # `_exchange` bounds the whole
            limits=httpx.Limits(max_connections=connections),
            headers={"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {}),
        ) as client:
            running.set_result((asyncio.get_running_loop(), client, ended))
            await ended.wait()

    try:
        asyncio.run(serve())
    except Exception as error:  # a proxy that needs a package, a file of certificates that can't be read
        running.set_exception(error)


def _end(running: Future[Running]) -> None:
    """Close the connections and end the thread, once it has started."""

    def end(started: Future[Running]) -> None:
        if started.exception() is None:
            loop, _, ended = started.result()
            loop.call_soon_threadsafe(ended.set)

    running.add_done_callback(end)


async def _exchange(client: httpx.AsyncClient, url: str, seconds: float, data: Any) -> Answered:
    async with asyncio.timeout(seconds), client.stream("GET" if data is None else "POST", url, json=data) as response:
        coding = response.headers.get("Content-Encoding", "identity")
        if coding != "identity":
            raise AnswerError(f"its answer is compressed ({coding[:20]}), though it was asked for a plain one")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MOST_BYTES:
                raise AnswerError(f"its answer is larger than {MOST_BYTES // 2**20} MiB")
        return Answered(response.status_code, bytes(body))


def is_json(body: bytes) -> Any:
    """What the JSON says.

    Raises:
        AnswerError: it isn't JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise AnswerError(f"{_kind(body)} instead of JSON") from None


def refusal(answered: Answered) -> str:
    """What a server says beside a status that is a no."""
    if 300 <= answered.status < 400:
        return "it points to another address; give that one"
    said = _message(answered.body) or _kind(answered.body)
    return f"{said} (the key comes from {KEY})" if answered.status in (401, 403) else said


def _message(body: bytes) -> str:
    """The text of an error, in the forms of OpenAI, vLLM and FastAPI; empty where there is none of them."""
    try:
        data = is_json(body)
        error = data.get("error", data)
        found = error if isinstance(error, str) else error.get("message") or error.get("detail")
    except (AnswerError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""


def _kind(body: bytes) -> str:
    """What an answer is that isn't JSON."""
    start = body.lstrip()[:1]
    return "nothing" if not start else "a web page" if start == b"<" else "something unreadable"


def told(error: Exception, *, proxied: bool) -> str:
    """An error of the connection or the libraries, in words."""
    text = str(error)
    match error:
        case UnicodeError():
            return f"the question can't be sent: {text}"
        case AnswerError() | ValueError():
            return text
        case ImportError():
            return "a SOCKS proxy needs a package that isn't installed: pip install 'httpx[socks]'"
        case httpx.ConnectError() if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
            return "the server doesn't speak TLS: its address starts with http://"
        case httpx.ConnectError():
            return f"no connection: {text}" + ("" if proxied else _unused())
        case httpx.RemoteProtocolError() | httpx.ReadError():
            return f"the connection broke: {text}" if text else "the connection broke"
        case KeyError() | IndexError() | TypeError() | AttributeError():
            return "its answer is no chat completion"
        case OSError():  # those of connections come as httpx's own
            return f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names can't be read: {text}"
    return f"{type(error).__name__}: {text}"


def _unused() -> str:
    """A hint for whoever needs the proxy that the environment names."""
    named = [name for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") if os.environ.get(name) or os.environ.get(name.lower())]
    return f" ({named[0]} is not used; a proxy for the VLM is named in {PROXY})" if named else ""
