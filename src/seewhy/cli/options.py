"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Model = Annotated[Path, typer.Option("--model", "-m", help="Model folder made by `seewhy fit`.")]
Product = Annotated[str, typer.Option(help="With a model of several products: which one.")]
Then = Annotated[list[Path] | None, typer.Option(help="Another model, that speaks where the one before can't; may be given several times.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Alpha = Annotated[float, typer.Option(help="False-reject rate asked for on good parts.")]
Card = Annotated[Path | None, typer.Option(help="Product card (YAML).")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Policy (YAML); default: the one that serves any product.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Vlm = Annotated[str, typer.Option("--vlm", help="Address of a VLM server, http://127.0.0.1:8000/v1; its key comes from SEEWHY_VLM_KEY.")]
VlmModel = Annotated[str, typer.Option(help="With --vlm: the model's name; default: the first that the server lists.")]
VlmTimeout = Annotated[float, typer.Option(help="With --vlm: seconds to wait for an answer.")]
Way = Literal["auto", "split", "leave-one-out"]
Language = Annotated[str, typer.Option(help="Language of sentences: en or ko.")]


def explainer_at(url: str, model: str, timeout_s: float, language: str) -> Any:
    """The VLM at an address, or None for the embedded explainer."""
    from seewhy.agent.api import vlm

    return vlm(url, model=model, timeout_s=timeout_s, language=language) if url else None
