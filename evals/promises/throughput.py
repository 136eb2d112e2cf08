"""The client beside a bare loop of HTTP requests: what it adds to the server's time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np

from seewhy.evals.promises.answers import IN_FLIGHT
from seewhy.evals.promises.cases import Case
from seewhy.evals.synthetic.views import CARD
from seewhy.explainers.answer import answer_schema
from seewhy.explainers.client import Client, conversation
from seewhy.explainers.vlm import VlmWords
from seewhy.prompts.vlm import rendered


def throughput(words: VlmWords, cases: Sequence[Case], rounds: int = 10) -> dict[str, Any]:
    """The same questions through the client and through a bare loop of HTTP requests, in turns; medians of the rounds.

    Processor time is this process's: what the client itself works for a request, beside the wall time of one in the bare loop,
    which is the server's own. Requests per second also hold what the machine's other work took, which differs by round.
    """
    client, name = words.client, words.client.identity[0]
    url = client.server.url
    questions = [words.parts(c.view, words.offered(c.view)) for c in cases]
    schema = answer_schema(tuple(d.name for d in CARD.defects), tuple(k.id for k in CARD.knowledge))
    bodies = [_body(client, name, q, schema) for q in questions]

    def bare() -> tuple[float, float]:
        with httpx.Client(timeout=60.0) as http, ThreadPoolExecutor(IN_FLIGHT) as pool:
            began, worked = time.perf_counter(), time.process_time()
            for answer in pool.map(lambda body: http.post(f"{url}/chat/completions", json=body), bodies):
                answer.raise_for_status()
            return time.perf_counter() - began, time.process_time() - worked

    def ours() -> tuple[float, float]:
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            began, worked = time.perf_counter(), time.process_time()
            list(pool.map(lambda q: client.ask(conversation(rendered("system.md"), q), schema), questions))
            return time.perf_counter() - began, time.process_time() - worked

    bare(), ours()
    loops, throughs = list[tuple[float, float]](), list[tuple[float, float]]()
    for i in range(rounds):  # each goes first in every other round
        for run, into in ((bare, loops), (ours, throughs))[:: 1 if i % 2 else -1]:
            into.append(run())
    ratios = [through[0] / loop[0] for loop, through in zip(loops, throughs, strict=True)]
    (loop_s, loop_cpu_s), (through_s, through_cpu_s) = np.median(loops, 0).tolist(), np.median(throughs, 0).tolist()
    each = len(questions)
    return {
        "requests": each,
        "in_flight": IN_FLIGHT,
        "rounds": rounds,
        "bare_requests_per_s": round(each / loop_s, 2),
        "client_requests_per_s": round(each / through_s, 2),
        "overhead": round(float(np.median(ratios)) - 1, 4),
        "overhead_quartiles": [round(float(q) - 1, 4) for q in np.quantile(ratios, (0.25, 0.75))],
        "server_ms_per_request": round(1000 * loop_s / each, 2),
        "client_processor_ms_per_request": round(1000 * through_cpu_s / each, 2),
        "bare_processor_ms_per_request": round(1000 * loop_cpu_s / each, 2),
        "client_to_server": round(through_cpu_s / loop_s, 4),
    }


def _body(client: Client, name: str, question: Sequence[str | bytes], schema: dict[str, Any]) -> dict[str, Any]:
    """The request as the client sends it."""
    return {
        "model": name,
        "messages": conversation(rendered("system.md"), question),
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}},
        "temperature": client.server.temperature,
        "seed": client.server.seed,
        "max_completion_tokens": client.server.max_tokens,
    }
