"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Model = Annotated[Path, typer.Option("--model", "-m", help="Model folder made by `seewhy fit`.")]
Product = Annotated[str, typer.Option(help="With a model of several products: which one.")]
Then = Annotated[
    list[str] | None,
    typer.Option(help="Another model, FOLDER or FOLDER=PRODUCT, that speaks where the one before can't; may be given several times."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Alpha = Annotated[float | None, typer.Option(help="False-reject rate asked for on good parts; default: the model's own.")]
Review = Annotated[float | None, typer.Option(help="How many more good parts a person may be asked about; default: the model's own.")]
Card = Annotated[Path | None, typer.Option(help="Product card (YAML); default: the one that the model was fitted with.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Policy (YAML); default: the model's own.")]
Device = Annotated[str, typer.Option(help="cpu, cuda (cuda:1, …), directml or coreml.")]
Vlm = Annotated[str, typer.Option("--vlm", help="Address of a VLM server, http://127.0.0.1:8000/v1; its key comes from SEEWHY_VLM_KEY.")]
VlmModel = Annotated[str, typer.Option(help="With --vlm: the model's name; default: the first that the server lists.")]
VlmTimeout = Annotated[float, typer.Option(help="With --vlm: seconds that one question may take, retries and all.")]
Way = Literal["auto", "split", "leave-one-out"]
Language = Annotated[str, typer.Option(help="Language of sentences: en or ko.")]


def explainer_at(url: str, model: str, timeout_s: float, language: str) -> Any:
    """The VLM at an address, or None for the embedded explainer."""
    if not url:
        return None
    from seewhy.agent.api.speak import vlm

    return vlm(url, model=model, timeout_s=timeout_s, language=language)


def cards_of(given: list[str]) -> Any:
    """One card, or cards by product: what `--card` was given.

    Raises:
        BadData: several cards without their products.
    """
    from seewhy.errors import BadData

    if len(given) == 1 and ("=" not in given[0] or Path(given[0]).is_file()):
        return Path(given[0])
    pairs = [one.partition("=") for one in given]
    if any(not equals for _, equals, _ in pairs):
        raise BadData("several cards are given as --card PRODUCT=FILE, each")
    return {product: Path(file) for product, _, file in pairs} or None


def part_of(given: list[str]) -> Any:
    """A part's identity: what `--part` was given.

    Raises:
        BadData: not a field of it.
    """
    from seewhy.errors import BadData
    from seewhy.record import PartIdentity

    pairs = [one.partition("=") for one in given]
    if wrong := next((f"{name}{equals}" for name, equals, _ in pairs if not equals or name not in PartIdentity.model_fields), None):
        raise BadData(f"--part is FIELD=VALUE with one of {', '.join(PartIdentity.model_fields)}, not {wrong!r}")
    return PartIdentity(**{name: value for name, _, value in pairs})


def workers_of(given: str | int) -> int:
    """A number of threads from 1, or as many as there are processor cores.

    Raises:
        typer.BadParameter: it is neither.

    >>> workers_of("3")
    3
    """
    from seewhy.threads import cores

    text = str(given)
    if text == "auto":
        return cores()
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"{text} is neither a number of threads from 1 nor auto")
    return int(text)


def models_of(given: list[str] | None) -> list[Any]:
    """Folders, or (folder, product): what `--then` was given."""
    pairs = [(one, "") if Path(one).is_dir() else one.rpartition("=")[::2] for one in given or ()]
    return [(Path(folder or product), product if folder else "") for folder, product in pairs]
