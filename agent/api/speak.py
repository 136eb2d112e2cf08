"""An explainer that asks a VLM."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from seewhy.agent.ledger.past import past_defects
from seewhy.explainers import EXPLAINERS, Explainer
from seewhy.types import Place


def vlm(
    url: str,
    *,
    model: str = "",
    timeout_s: float = 60.0,
    in_flight: int = 8,
    language: str = "en",
    confirmed: Place | None = None,
    settings: Any = None,
) -> Explainer:
    """An explainer that asks a VLM behind an OpenAI-compatible server, for instance vLLM.

    Args:
        url: "http://127.0.0.1:8000/v1"; a key, where the server wants one, comes from the environment variable SEEWHY_VLM_KEY, a proxy
            from SEEWHY_VLM_PROXY and from nowhere else.
        model: as the server calls it; empty: the first that it lists.
        timeout_s: of one question, retries and all.
        in_flight: questions at a time.
        language: of the message catalogue that the model's texts are also said in; what it sees and names is asked in English alone.
        confirmed: a ledger; what people confirmed there is offered as knowledge for similar crops.
        settings: a `seewhy.explainers.vlm.VlmSettings`; its language is `language`.

    Raises:
        MissingExtra: the extra `vlm` isn't installed.
        BadData: the address can't be one.
        UnknownName: there is no such language.
        LedgerError: `confirmed` is no ledger.
    """
    words = EXPLAINERS.get("vlm")
    from seewhy.explainers.client import Server
    from seewhy.explainers.knowledge import KnowledgeBase
    from seewhy.explainers.vlm import VlmSettings

    server = Server(url=url, model=model, timeout_s=timeout_s, in_flight=in_flight)
    knowledge = KnowledgeBase(past_defects(Path(confirmed)) if confirmed else ())
    explainer: Explainer = words(server, replace(settings or VlmSettings(), language=language), knowledge=knowledge)
    return explainer
