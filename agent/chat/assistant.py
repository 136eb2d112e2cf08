"""An assistant that talks: LangChain's agent over an OpenAI-compatible server, with seewhy's typed tools and two that only propose.

Nothing of a conversation is traced, and nothing but the questions leaves this machine, and only for the server.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from seewhy.agent.chat.conversation import Message
from seewhy.agent.chat.drafts import CardForm
from seewhy.agent.chat.problems import Told
from seewhy.agent.tools import Workspace, langchain_tools
from seewhy.errors import MissingExtra
from seewhy.explainers.client import Client, Server
from seewhy.explainers.wire import KEY
from seewhy.prompts.assistant import system

MOST_STEPS = 16  # of the agent's graph for one answer
LIMITS: Any = {"recursion_limit": MOST_STEPS}
REMEMBERED = 12  # messages that it is told of
PROPOSED: Mapping[str, Mapping[str, str]] = {"propose_learning": {"tab": "setup"}, "propose_study": {"tab": "documents", "kind": "study"}}
LONGEST_ANSWER = 1024  # tokens: a model that finds no end would write until its context is full
LONGEST_RESULT = 2000  # characters of a tool's result that are shown


@dataclass(frozen=True, slots=True)
class Said:
    """Words of the assistant, or a tool's result under its name."""

    text: str
    title: str = ""
    show: Mapping[str, Any] = field(default_factory=dict)


class Assistant:
    """Answers by a language model.

    Args:
        url: of the server, "http://127.0.0.1:8000/v1".
        model: as the server calls it; empty: the first that it lists.
        timeout_s: of one question.

    Raises:
        MissingExtra: langchain isn't installed.
        BadData: the address can't be one.
    """

    def __init__(self, url: str, model: str = "", timeout_s: float = 60.0) -> None:
        try:
            import httpx
            from langchain_openai import ChatOpenAI
        except ModuleNotFoundError as error:
            raise MissingExtra("an assistant that talks", "agent") from error
        self._http = httpx.Client(trust_env=False, timeout=timeout_s)
        options: Any = {"timeout": timeout_s, "max_retries": 1, "temperature": 0, "max_tokens": LONGEST_ANSWER}
        self._chat = partial(ChatOpenAI, http_client=self._http, **options)
        self._server, self._model = Client(Server(url, model=model, timeout_s=timeout_s)), model

    def _speaker(self) -> Any:
        """The model to ask: the one that was named, else the first that the server lists."""
        self._model = self._model or self._server.identity[0]
        base = self._server.base
        key = os.environ.get(KEY, "").strip() or "none"
        return self._chat(model=self._model, base_url=base if base.endswith("/v1") else f"{base}/v1", api_key=key)

    def close(self) -> None:
        """Let go of the server."""
        self._http.close()

    def answer(self, said: str, before: Sequence[Message], product: str, workspace: Workspace | None, language: str) -> Iterator[Said]:
        """What it answers, each tool's result as it comes.

        Args:
            said: the question.
            before: what was said before.
            product: its name; empty where none is chosen.
            workspace: of the product's tools; None: nothing but a card can be drafted.
            language: that it speaks.

        Raises:
            Told: the server can't be reached or answers nonsense.
        """
        from langchain.agents import create_agent
        from langsmith import tracing_context

        tools = _proposing() + ([] if workspace is None else langchain_tools(workspace))
        history = [{"role": m.role, "content": m.text} for m in before[-REMEMBERED:] if not m.title]
        with tracing_context(enabled=False):
            try:
                agent = create_agent(self._speaker(), tools, system_prompt=system(language, product))
                asked: Any = {"messages": [*history, {"role": "user", "content": said}]}
                for update in agent.stream(asked, LIMITS, stream_mode="updates"):
                    yield from _shown(update)
            except Exception as error:  # of the server, the client or the graph: the page works on without it
                raise Told("assistant", why=f"{type(error).__name__}: {str(error)[:160]}") from error


def _shown(update: Mapping[str, Any]) -> Iterator[Said]:
    for state in update.values():
        for message in (state or {}).get("messages", ()):
            if message.type == "tool":
                yield _result(message)
            elif message.type == "ai" and message.text.strip():
                yield Said(message.text.strip())


def _result(message: Any) -> Said:
    """A tool's result as it is shown; a draft opens the form, where a person saves it."""
    content = str(message.content)
    if message.name == "draft_card" and message.status != "error":
        return Said("", message.name, {"tab": "setup", "draft": json.loads(content)})
    if message.name in PROPOSED:
        return Said("", message.name, PROPOSED[message.name])
    return Said(content[:LONGEST_RESULT], message.name.removeprefix("seewhy_"))


def _proposing() -> list[Any]:
    """Tools that change nothing: they fill in a form, or lead to a button."""
    from langchain_core.tools import StructuredTool

    def draft_card(**given: Any) -> str:
        return CardForm.model_validate(given).model_dump_json(exclude_unset=True)

    def shown() -> str:
        return "The button is shown; a person presses it."

    draft = "Fill in the form of a product card from what a person said. Nothing is saved until a person saves it."
    return [
        StructuredTool.from_function(func=draft_card, name="draft_card", description=draft, args_schema=CardForm, handle_tool_error=True),
        StructuredTool.from_function(func=shown, name="propose_learning", description="Show the button that learns."),
        StructuredTool.from_function(func=shown, name="propose_study", description="Show the button that counts what slipped through."),
    ]
