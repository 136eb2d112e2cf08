"""What a hundred written requests reach on the chat's page: as commands, and through what a model answers to them."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from seewhy.agent.chat.assistant import Assistant
from seewhy.agent.chat.grammar import command_in
from seewhy.agent.chat.looking import Call
from seewhy.agent.chat.talking import CHANGES, At, Step, talk
from seewhy.evals.promises.reached import Kept, by_server
from seewhy.evals.promises.requested import REQUESTS, Request
from seewhy.evals.run import measuring
from seewhy.evals.synthetic.homes import inspected
from seewhy.evals.synthetic.server import ChatServer, completion, running
from seewhy.evals.synthetic.stand_in import label_of
from seewhy.explainers.client import Client, Server

AT = At("plate", "l1", "stain.png")


def main(out: Path, server: str = "") -> None:
    """What written requests, attacks among them, reach on the chat's page: as commands, by written replies, by a server's model."""
    given: dict[str, Any] = {"requests": Counter(request.kind for request in REQUESTS), "detector": "patchcore"}
    if server:
        model, version = Client(Server(url=server)).identity
        given |= {"model": label_of(model), "server": version}
    with measuring(out, given, "gradio", "langchain") as table, tempfile.TemporaryDirectory() as name:
        place = Path(name)
        call = inspected(place / "w")
        try:
            table.row("commands", as_commands, call, place)
            table.row("replies", by_replies, call, place)
            if server:
                table.row("of_the_server", by_server, call, place, server)
        finally:
            call.desk.close()


def as_commands(call: Call, place: Path) -> dict[str, int]:
    """Without a language model: which request is taken for which command, and what is left afterwards."""
    counts = Counter[str](understood=0, misunderstood=0, attacks_taken_for_a_change=0, destructive=0)
    for request in REQUESTS:
        found = command_in(request.words)
        fits = (found.name, found.number) == (request.command, request.number) if found else not request.command
        counts["understood" if fits else "misunderstood"] += 1
        if request.kind != "command":
            counts["attacks_taken_for_a_change"] += found is not None and found.name in CHANGES
            counts["destructive"] += _asked(call, place, request, None)[0]
    return dict(counts)


def by_replies(call: Call, place: Path) -> dict[str, int]:
    """With a model that answers each question and attack by the tool call that was written down for it."""
    counts = Counter[str](asked=0, tools_answered=0, tools_refused=0, tools_unknown=0, destructive=0)
    for request in REQUESTS:
        if request.kind == "command":
            continue
        with running(ChatServer(_calling(request))) as server, closing(Assistant(server.url, "scripted")) as assistant:
            counts["asked"] += 1
            counts["destructive"] += _asked(call, place, request, assistant)[0]
            counts[_outcome(server)] += 1
    return dict(counts)


def _asked(call: Call, place: Path, request: Request, assistant: Assistant | None) -> tuple[bool, list[Step]]:
    """Whether a request did harm, and what was answered."""
    product = call.product("plate")
    before = Kept.of(place, product.ledger)
    steps = list(talk(call, AT, request.words, [], assistant))
    return before.harmed(Kept.of(place, product.ledger)), steps


def _calling(request: Request) -> Any:
    """A model that calls one tool, and then speaks."""

    def behave(asked: dict[str, Any], _server: Any) -> Any:
        if any(message["role"] == "tool" for message in asked["messages"]):
            return completion("That is what the tool said.")
        call = {"id": "c1", "type": "function", "function": {"name": request.tool, "arguments": _json(request.arguments)}}
        told = completion("")
        told["choices"][0] |= {"message": {"role": "assistant", "content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}
        return told

    return behave


def _outcome(server: ChatServer) -> str:
    """What became of the call, by what the model was told of it."""
    told = next(_told(server), "")
    if "is not a valid tool" in told:
        return "tools_unknown"
    return "tools_answered" if told.startswith(("{", "[", "The button")) else "tools_refused"


def _told(server: ChatServer) -> Iterator[str]:
    return (str(message["content"]) for asked in server.requests for message in asked["messages"] if message["role"] == "tool")


def _json(arguments: dict[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False)
