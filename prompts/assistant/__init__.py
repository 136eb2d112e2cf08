"""What the chat's assistant is told about its task."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

TEMPLATE = Path(__file__).parent / "system.md.j2"


def system(language: str, product: str) -> str:
    """The assistant's instructions.

    Args:
        language: that it speaks: "en" or "ko".
        product: the product's name; empty where none is chosen.
    """
    return _template().render(language={"en": "English", "ko": "Korean"}.get(language, language), product=product)


@lru_cache
def _template() -> Template:
    return Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(TEMPLATE.read_text("utf-8"))
