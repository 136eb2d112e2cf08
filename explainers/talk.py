"""One region's conversation with a model, counted and kept for the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from seewhy.canonical import sha256_json
from seewhy.card import Knowledge
from seewhy.explainers import RegionView
from seewhy.explainers.answer import Answer, UnreadableError, answer_schema, read_answer
from seewhy.explainers.client import Client, Reply, conversation, pictures_of
from seewhy.prompts.vlm import prompts_sha256, rendered
from seewhy.record import Asked


@dataclass(slots=True)
class Talk:
    """One region's conversation, counted."""

    client: Client
    view: RegionView
    types: tuple[str, ...]
    causes: tuple[Knowledge, ...]
    until: float | None = None  # `time.monotonic()` after which no answer is waited for
    pictures: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    tokens: list[tuple[int, int]] = field(default_factory=list)
    repaired: bool = False

    def reply(self, parts: Sequence[str | bytes], schema: dict[str, Any], **options: Any) -> Reply:
        """One request."""
        if not self.pictures:
            self.pictures += pictures_of(parts)
        reply = self.client.ask(conversation(rendered("system.md"), parts), schema, until=self.until, **options)
        self.answers.append(reply.text)
        self.tokens.append((reply.prompt_tokens, reply.completion_tokens))
        return reply

    def answer(self, parts: Sequence[str | bytes], **options: Any) -> Answer:
        """A readable answer, asked for once more where the first one isn't."""
        ids = tuple(c.id for c in self.causes)
        schema = answer_schema(self.types, ids)
        try:
            return _read(self.reply(parts, schema, **options), self.types, ids)
        except UnreadableError as error:
            again = rendered("again.md.j2", why=error.detail)
            answer = _read(self.reply([*parts, again], schema, **options), self.types, ids)
            self.repaired = True
            return answer

    def asked(self, **more: Any) -> Asked:
        """For the record."""
        model, server = self.client.identity
        return Asked(
            model=model,
            server=server,
            prompt_sha256=prompts_sha256(),
            schema_sha256=sha256_json(answer_schema(self.types, tuple(c.id for c in self.causes))),
            pictures=tuple(self.pictures),
            seed=self.client.server.seed,
            temperature=self.client.server.temperature,
            requests=len(self.answers),
            repaired=self.repaired,
            prompt_tokens=sum(p for p, _ in self.tokens),
            completion_tokens=sum(c for _, c in self.tokens),
            answers=tuple(self.answers),
            **more,
        )


def _read(reply: Reply, types: tuple[str, ...], causes: tuple[str, ...]) -> Answer:
    if reply.refused:
        raise UnreadableError("refused", "the server refused")
    if reply.cut:
        raise UnreadableError("unparseable", "it was cut off at max_tokens")
    return read_answer(reply.text, types, causes)
