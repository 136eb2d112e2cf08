"""A patient, bounded client of an OpenAI-compatible server (vLLM)."""

from __future__ import annotations

import base64
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from seewhy.canonical import sha256_bytes
from seewhy.explainers.patience import Breaker, Deadline, NoReplyError, RefusedError, of_lot
from seewhy.explainers.scrub import Scrubber, credentials, one_line
from seewhy.explainers.wire import KEY, PROXY, AnswerError, Wire, check_address, is_json, refusal, told

PATIENCE = 0.4  # seconds before the first retry; doubled for each further one, give or take half
LONGEST_ANSWER = 8192  # characters of one answer that are read and kept; those that fit the schema have a few hundred
LONGEST_NAME, LONGEST_DETAIL = 300, 160
MOST_TOKENS = 10_000_000  # more than any model takes; a larger count is no count

Message: TypeAlias = dict[str, Any]  # {"role": …, "content": …}, as the server takes it
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """Where the model is, and how long to wait for it."""

    url: str  # "http://127.0.0.1:8000/v1"; without /v1 it is looked for under both
    model: str = ""  # as the server calls it; empty: the first that it lists
    timeout_s: float = 60.0  # of one question, with all its retries, from when its turn has come
    retries: int = 2  # after a refused connection, a 429 or a 5xx
    in_flight: int = 8  # questions at a time
    breaker_after: int = 4  # failures in a row after which the server is left alone …
    breaker_s: float = 30.0  # … for so long; then one request tries it
    max_tokens: int = 400
    temperature: float = 0.0
    seed: int = 0
    proxy: str = field(default="", repr=False)  # that requests go through; empty: SEEWHY_VLM_PROXY, and no other


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server, without secrets and characters that can't be kept."""

    text: str  # at most `LONGEST_ANSWER` characters
    prompt_tokens: int
    completion_tokens: int
    refused: bool = False
    cut: bool = False  # it ran into max_tokens, or is longer than may be kept


class Client:
    """Asks one server; safe to share between threads.

    Nothing but the questions leaves this machine, and only for the server: the libraries of others that read keys, proxies and tracers
    from the environment stand nowhere on the way.

    Raises:
        BadData: the address can't be one, or holds a password.
    """

    def __init__(self, server: Server) -> None:
        check_address(server.url)
        self.server = server
        key, proxy = os.environ.get(KEY, "").strip(), server.proxy or os.environ.get(PROXY, "").strip()
        self._scrubbed = Scrubber((key, *credentials(proxy)))
        tls = server.url.startswith("https://") or proxy.startswith("https://")
        self._wire = Wire(key=key, proxy=proxy, connections=server.in_flight, tls=tls)
        self._free = threading.BoundedSemaphore(server.in_flight)
        self._breaker = Breaker(server.breaker_after, server.breaker_s)
        self._random = random.Random(server.seed)
        self._lock = threading.Lock()
        self._named: tuple[str, str] | None = None
        self.base = server.url.rstrip("/")  # with /v1 added where that is where the models are

    @property
    def identity(self) -> tuple[str, str]:
        """(model, server and version) as the server says; no address, no key.

        Raises:
            NoReplyError: it doesn't answer.
        """
        return self._identity(self._deadline(None))

    def ask(
        self,
        messages: Sequence[Message],
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
        with self._turn(until):
            deadline = self._deadline(until)
            model, _ = self._identity(deadline)
            question = {
                "model": model,
                "messages": list(messages),
                "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}},
                "max_completion_tokens": server.max_tokens,
                "temperature": server.temperature if temperature is None else temperature,
                "seed": server.seed if seed is None else seed,
            }
            return self._patiently(lambda: self._reply(self._got(f"{self.base}/chat/completions", deadline, question)), deadline)

    def _reply(self, data: Any) -> Reply:
        choice, usage = data["choices"][0], data.get("usage") or {}
        message, ended = choice["message"], choice.get("finish_reason")
        text = message["content"] if isinstance(message.get("content"), str) else ""
        return Reply(
            text=self._scrubbed(text, LONGEST_ANSWER),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
            refused=bool(message.get("refusal")) or ended == "content_filter",
            cut=ended == "length" or len(text) > LONGEST_ANSWER,
        )

    def _identity(self, deadline: Deadline) -> tuple[str, str]:
        if not self._lock.acquire(timeout=deadline.left()):
            raise NoReplyError("timeout", deadline.detail)
        try:
            if self._named is None:
                self._named = self._identified(deadline)
            return self._named
        finally:
            self._lock.release()

    def _identified(self, deadline: Deadline) -> tuple[str, str]:
        names, owner = self._models(deadline)
        if self.server.model and self.server.model not in names:
            there = self._line(", ".join(names), LONGEST_DETAIL)
            raise NoReplyError("unavailable", f"the server has no model {self.server.model!r}; it has {there}")
        try:
            version = str(self._got(f"{self.base.removesuffix('/v1')}/version", deadline)["version"])
        except Exception:  # vLLM's own page, other servers have none; a connection that is gone shows at the next request
            version = ""
        name = self.server.model or names[0]
        return self._line(name, LONGEST_NAME), self._line(f"{owner} {version}", LONGEST_NAME)

    def _models(self, deadline: Deadline) -> tuple[list[str], str]:
        """Names of the models and who serves them, from the address as given or with /v1 added, whichever lists any."""
        given = self.base

        def listed(base: str) -> tuple[list[str], str]:
            try:
                return _listed(self._got(f"{base}/models", deadline))
            except AnswerError as error:
                raise RefusedError(200, str(error)) from error

        try:
            return self._patiently(lambda: listed(given), deadline)
        except RefusedError:
            if given.endswith("/v1"):
                raise
        found = self._patiently(lambda: listed(f"{given}/v1"), deadline)
        self.base = f"{given}/v1"
        logging.getLogger(__name__).warning("%s lists no model; %s does and is used", given, self.base)
        return found

    def _got(self, url: str, deadline: Deadline, question: Any = None) -> Any:
        """The JSON at an address.

        Raises:
            RefusedError: the server says no.
            AnswerError: what it says isn't JSON.
        """
        answered = self._wire.fetch(url, deadline.left(), question)
        if not 200 <= answered.status < 300:
            raise RefusedError(answered.status, self._line(refusal(answered), LONGEST_DETAIL))
        return is_json(answered.body)

    def _line(self, text: str, longest: int) -> str:
        """What a server or a library says, as it may be kept."""
        return one_line(self._scrubbed(text, longest))

    def _patiently(self, action: Callable[[], T], deadline: Deadline) -> T:
        """Run a request with retries within its time; what can't be had becomes `NoReplyError`."""
        for attempt in range(self.server.retries + 1):
            self._breaker.admit()
            try:
                result = action()
            except TimeoutError as error:
                if deadline.of_server:
                    self._breaker.note(well=False)
                raise NoReplyError("timeout", deadline.detail) from error
            except RefusedError as error:
                well = error.status < 500 and error.status != 429
                self._breaker.note(well=well)  # a server that says no is there
                failed: NoReplyError = error
            except NoReplyError:  # its time was over before it was sent
                raise
            except Exception as error:  # no connection, bytes that are no answer, a proxy or certificates that can't be used
                well = False
                self._breaker.note(well=False)
                failed = NoReplyError("unavailable", self._line(told(error, proxied=self._wire.proxied), LONGEST_DETAIL))
                failed.__cause__ = error
            else:
                self._breaker.note(well=True)
                return result
            pause = PATIENCE * 2**attempt * self._random.uniform(0.5, 1.5)
            if well or attempt == self.server.retries or time.monotonic() + pause >= deadline.at:
                raise failed
            time.sleep(pause)
        raise AssertionError("unreachable")

    @contextmanager
    def _turn(self, until: float | None) -> Iterator[None]:
        """One of the places in flight, waited for no longer than `until`."""
        if until is None:
            self._free.acquire()
        elif not self._free.acquire(timeout=of_lot(until).left()):
            raise NoReplyError("timeout", of_lot(until).detail)
        try:
            yield
        finally:
            self._free.release()

    def _deadline(self, until: float | None) -> Deadline:
        seconds = self.server.timeout_s
        own = Deadline(time.monotonic() + seconds, f"no answer within {seconds:g} s", of_server=True)
        return own if until is None or own.at <= until else of_lot(until)


def conversation(system: str, parts: Sequence[str | bytes]) -> list[Message]:
    """A system text, then texts and JPEG pictures (as data, never as an address), as the server takes them."""
    return [{"role": "system", "content": system}, {"role": "user", "content": [_block(part) for part in parts]}]


def pictures_of(parts: Sequence[str | bytes]) -> tuple[str, ...]:
    """SHA-256 of the pictures among `parts`."""
    return tuple(sha256_bytes(part) for part in parts if isinstance(part, bytes))


def _block(part: str | bytes) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{base64.b64encode(part).decode()}"}}


def _listed(data: Any) -> tuple[list[str], str]:
    """Names of models, and who serves the first."""
    try:
        names = [row["id"] for row in data["data"] if row["id"] and isinstance(row["id"], str)]
        return [names[0], *names[1:]], str(data["data"][0].get("owned_by", "server"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise AnswerError("it lists no model") from None


def _count(tokens: Any) -> int:
    return min(max(tokens, 0), MOST_TOKENS) if isinstance(tokens, int) else 0
