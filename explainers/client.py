"""A patient, bounded client of an OpenAI-compatible server (vLLM), through langchain-openai."""

from __future__ import annotations

import base64
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import httpx
import openai
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData

KEY = "SEEWHY_VLM_KEY"  # environment variable with the server's key; servers of one's own need none
ROLES = {"system": "system", "human": "user"}
T = TypeVar("T")
PATIENCE = 0.4  # seconds before the first retry; doubled for each further one, give or take half


@dataclass(frozen=True, slots=True)
class Server:
    """Where the model is, and how long to wait for it."""

    url: str  # "http://127.0.0.1:8000/v1"
    model: str = ""  # as the server calls it; empty: the first that it lists
    timeout_s: float = 60.0  # of one request; a request that took so long is not repeated
    retries: int = 2  # after a refused connection, a 429 or a 5xx
    in_flight: int = 8  # requests at a time
    breaker_after: int = 4  # failures in a row after which the server is left alone …
    breaker_s: float = 30.0  # … for so long; then one request tries it
    max_tokens: int = 400
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    refused: bool = False
    cut: bool = False  # it ran into max_tokens


class NoReplyError(Exception):
    """The server gave no answer; says why."""

    def __init__(self, reason: Literal["unavailable", "timeout"], detail: str) -> None:
        super().__init__(detail)
        self.reason: Literal["unavailable", "timeout"] = reason
        self.detail = detail


class Breaker:
    """Leaves a server alone for a while after failures in a row, so that a lot doesn't wait for each of its regions."""

    def __init__(self, after: int, seconds: float) -> None:
        self._after, self._seconds = after, seconds
        self._failures, self._until = 0, 0.0
        self._lock = threading.Lock()

    def admit(self) -> None:
        """Let a request through.

        Raises:
            NoReplyError: the server is being left alone.
        """
        with self._lock:
            if self._failures < self._after:
                return
            if time.monotonic() < self._until:
                raise NoReplyError("unavailable", f"the server failed {self._failures} times in a row and is being left alone")
            self._until = time.monotonic() + self._seconds  # this request tries it; the others still wait

    def note(self, *, well: bool) -> None:
        """Say how a request went."""
        with self._lock:
            self._failures = 0 if well else self._failures + 1
            if self._failures >= self._after:
                self._until = time.monotonic() + self._seconds


class Client:
    """Asks one server; safe to share between threads.

    Raises:
        BadData: the address can't be one.
    """

    def __init__(self, server: Server) -> None:
        if not server.url.startswith(("http://", "https://")):
            raise BadData(f"a VLM server's address starts with http:// or https://, not {server.url!r}")
        self.server = server
        self._free = threading.BoundedSemaphore(server.in_flight)
        self._breaker = Breaker(server.breaker_after, server.breaker_s)
        self._random = random.Random(server.seed)
        self._http = httpx.Client(limits=httpx.Limits(max_connections=server.in_flight), timeout=server.timeout_s)
        weakref.finalize(self, self._http.close)
        self._key = os.environ.get(KEY, "none")
        self._lock = threading.Lock()
        self._named: tuple[str, str] | None = None
        self._made: ChatOpenAI | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """(model, server and version) as the server says; no address, no key.

        Raises:
            NoReplyError: it doesn't answer.
        """
        with self._lock:
            if self._named is None:
                self._named = self._identify()
            return self._named

    def ask(
        self,
        messages: Sequence[BaseMessage],
        schema: dict[str, Any],
        *,
        seed: int | None = None,
        temperature: float | None = None,
        until: float | None = None,
    ) -> Reply:
        """One answer that fits `schema`, as far as the server keeps to it.

        Args:
            messages: what is asked.
            schema: of the answer, as JSON Schema.
            seed: default the server's.
            temperature: default the server's.
            until: `time.monotonic()` after which it is not waited for; the connection is closed, so that the server stops too.

        Raises:
            NoReplyError: there was none within the retries or in time, or the server is being left alone.
        """
        server = self.server
        asked_for = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
        options: dict[str, Any] = {
            # As they are: the library's own way walks every picture and the whole schema at each request, for half its time.
            "extra_body": {"response_format": asked_for, "messages": wire(messages)},
            "temperature": server.temperature if temperature is None else temperature,
            "seed": server.seed if seed is None else seed,
        }
        chat = self._chat()
        said: AIMessage = self._patiently(lambda left: chat.invoke([HumanMessage("")], timeout=left, **options), until)
        usage: Mapping[str, Any] = said.usage_metadata or {}
        ended = said.response_metadata.get("finish_reason")
        return Reply(
            text=said.content if isinstance(said.content, str) else "",
            prompt_tokens=int(usage.get("input_tokens", 0)),
            completion_tokens=int(usage.get("output_tokens", 0)),
            refused=bool(said.additional_kwargs.get("refusal")) or ended == "content_filter",
            cut=ended == "length",
        )

    def _chat(self) -> ChatOpenAI:
        model, _ = self.identity
        with self._lock:
            if self._made is None:
                self._made = ChatOpenAI(
                    base_url=self.server.url,
                    api_key=SecretStr(self._key),
                    model=model,
                    max_completion_tokens=self.server.max_tokens,
                    max_retries=0,
                    timeout=self.server.timeout_s,
                    use_responses_api=False,
                    http_client=self._http,
                )
            return self._made

    def _identify(self) -> tuple[str, str]:
        headers = {"Authorization": f"Bearer {self._key}"}
        listed = self._patiently(lambda _left: self._got("models", headers))
        try:
            names = [str(row["id"]) for row in listed["data"]]
            owner = str(listed["data"][0].get("owned_by", "server"))
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise NoReplyError("unavailable", "the server lists no model") from error
        if self.server.model and self.server.model not in names:
            raise NoReplyError("unavailable", f"the server has no model {self.server.model!r}; it has {', '.join(names)}")
        version = self._version(headers)
        return self.server.model or names[0], f"{owner} {version}".strip()

    def _version(self, headers: dict[str, str]) -> str:
        """vLLM's own version; other servers have no such page."""
        base = self.server.url.rstrip("/").removesuffix("/v1")
        try:
            return str(self._http.get(f"{base}/version", headers=headers).raise_for_status().json()["version"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return ""

    def _got(self, page: str, headers: dict[str, str]) -> Any:
        return self._http.get(f"{self.server.url.rstrip('/')}/{page}", headers=headers).raise_for_status().json()

    def _patiently(self, action: Callable[[float], T], until: float | None = None) -> T:
        """Run a request with retries, each given the seconds that it may take; what can't be had becomes `NoReplyError`."""
        for attempt in range(self.server.retries + 1):
            self._breaker.admit()
            try:
                with self._turn(until):
                    made = action(self._left(until))
            except (openai.APITimeoutError, httpx.TimeoutException) as error:
                self._left(until)  # the lot's time is over: no fault of the server's
                self._breaker.note(well=False)
                raise NoReplyError("timeout", f"no answer within {self.server.timeout_s:g} s") from error
            except (openai.APIStatusError, httpx.HTTPStatusError) as error:
                status = error.response.status_code
                well = status < 500 and status != 429
                self._breaker.note(well=well)  # a server that says no is there
                if well or attempt == self.server.retries:
                    raise NoReplyError("unavailable", f"the server answered {status}: {_short(error)}") from error
            except (openai.OpenAIError, httpx.HTTPError, ValueError, TypeError, KeyError, AttributeError) as error:
                self._breaker.note(well=False)  # no connection, or bytes that are no answer
                if attempt == self.server.retries:
                    raise NoReplyError("unavailable", f"{type(error).__name__}: {_short(error)}") from error
            else:
                self._breaker.note(well=True)
                return made
            time.sleep(min(PATIENCE * 2**attempt * self._random.uniform(0.5, 1.5), self._left(until)))
        raise AssertionError("unreachable")

    @contextmanager
    def _turn(self, until: float | None) -> Iterator[None]:
        """One of the places in flight, waited for no longer than `until`."""
        if not self._free.acquire(timeout=None if until is None else self._left(until)):
            raise _over()
        try:
            yield
        finally:
            self._free.release()

    def _left(self, until: float | None) -> float:
        """Seconds that a request may take.

        Raises:
            NoReplyError: it is too late for any.
        """
        if until is None:
            return self.server.timeout_s
        left = until - time.monotonic()
        if left <= 0:
            raise _over()
        return min(left, self.server.timeout_s)


def _over() -> NoReplyError:
    return NoReplyError("timeout", "the lot's time for words is over")


def conversation(system: str, parts: Sequence[str | bytes]) -> list[BaseMessage]:
    """A system text, then texts and JPEG pictures (as data, never as an address)."""
    return [SystemMessage(system), HumanMessage([_block(part) for part in parts])]


def wire(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Messages as the server takes them."""
    return [{"role": ROLES[m.type], "content": m.content} for m in messages]


def pictures_of(parts: Sequence[str | bytes]) -> tuple[str, ...]:
    """SHA-256 of the pictures among `parts`."""
    return tuple(sha256_bytes(part) for part in parts if isinstance(part, bytes))


def _block(part: str | bytes) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{base64.b64encode(part).decode()}"}}


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
