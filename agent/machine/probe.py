"""Examines a VLM server: is it there, does it keep to a schema, how many pictures does it take, how fast is it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import numpy as np

from seewhy.agent.machine.doctor import Check
from seewhy.explainers.answer import UnreadableError, answer_schema, read_object
from seewhy.explainers.client import Client, Reply, Server, conversation
from seewhy.explainers.patience import NoReplyError, RefusedError
from seewhy.explainers.profiles import PICTURES
from seewhy.explainers.question import VlmSettings
from seewhy.pictures import jpeg

THOUGHTS = ("<think>", "<|channel>", "<thought>")  # how answers begin that hold the model's thoughts


def probe(url: str, *, model: str = "", timeout_s: float = 60.0) -> list[Check]:
    """All checks of a server, in the order in which they matter; those after a failed one may be missing.

    Raises:
        BadData: the address can't be one.
    """
    client = Client(Server(url=url, model=model, timeout_s=timeout_s, retries=0))
    try:
        name, server = client.identity
    except RefusedError as error:
        return [Check("server", "", f"{error.detail}; is this the address of an OpenAI-compatible server?")]
    except NoReplyError as error:
        return [Check("server", "", f"{error.detail}; start one with `seewhy serve`, or check the address")]
    checks = [] if client.base == url.rstrip("/") else [Check("address", f"{client.base}, where it lists its models", "")]
    checks += [Check("server", server or "nameless", ""), Check("model", name, ""), _obeys(client)]
    pictures = _pictures(client)
    checks.append(pictures)
    return [*checks, _speed(client)] if pictures.found else checks


def _obeys(client: Client) -> Check:
    """Only a server that constrains its output can answer with one of two random words when it is asked for a poem."""
    words = [secrets.token_hex(4), secrets.token_hex(4)]
    schema = {"type": "object", "properties": {"word": {"enum": words}}, "required": ["word"], "additionalProperties": False}
    try:
        reply = client.ask(conversation("You write poems.", ["Write a short poem about the sea."]), schema)
    except NoReplyError as error:
        return Check("keeps to a schema", "", error.detail)
    try:
        obeyed = read_object(reply.text).get("word") in words
    except UnreadableError:
        obeyed = False
    return Check("keeps to a schema", "yes", "") if obeyed else Check("keeps to a schema", "", _why_not(reply))


def _why_not(reply: Reply) -> str:
    """What went wrong with an answer that doesn't fit its schema, from how it looks, and what to do."""
    text = reply.text.strip()
    if not text and reply.completion_tokens:
        return f"its answer is empty after {reply.completion_tokens} tokens: it only thought; turn thinking off (enable_thinking false)"
    if text.startswith(THOUGHTS):
        return "it thinks aloud before its answer; turn thinking off (enable_thinking false)"
    if reply.cut and text.startswith("{"):
        return (
            "it began to keep to the schema and went on writing blanks or the same again, as Gemma 4 does "
            "(github.com/vllm-project/vllm/issues/40080); serve it with `seewhy serve`, which forbids blanks, or take another model"
        )
    return (
        "it ignores response_format json_schema; vLLM, SGLang, llama.cpp's server, LM Studio and Ollama keep to it where they are current"
    )


def _pictures(client: Client) -> Check:
    """How many pictures one question may hold."""
    schema = {"type": "object", "properties": {"ok": {"enum": ["yes"]}}, "required": ["ok"], "additionalProperties": False}
    why = ""
    for count in (PICTURES, PICTURES - 1, 1):
        try:
            client.ask(conversation("Answer.", [*_grey(count), "ok?"]), schema)
        except NoReplyError as error:
            why = why or error.detail
            if error.reason == "timeout":
                break
            continue
        remedy = "" if count >= PICTURES - 1 else "seewhy sends 3, or 4 with the heat map: --limit-mm-per-prompt '{\"image\": 4}'"
        return Check("pictures in a question", f"{count}" + (" or more" if count == PICTURES else ""), remedy)
    return Check("pictures in a question", "", f"it takes none: {why}")


def _speed(client: Client) -> Check:
    """One question as it will be asked, the second time: caches are warm then."""
    parts: list[str | bytes] = [*_grey(3), "Is a defect visible in the region? Describe it."]
    schema = answer_schema(("scratch", "pit"), ())
    try:
        for _ in range(2):
            began = time.perf_counter()
            reply = client.ask(conversation("You describe one marked region.", parts), schema)
            seconds = time.perf_counter() - began
    except NoReplyError as error:
        return Check("speed", "", error.detail)
    return Check("speed", f"{seconds:.2f} s for {reply.prompt_tokens} tokens in, {reply.completion_tokens} out", "")


def _grey(count: int) -> Sequence[bytes]:
    side = VlmSettings().crop_px
    picture = np.full((side, side, 3), 127, np.uint8)
    return [jpeg(picture + number, quality=95) for number in range(count)]
