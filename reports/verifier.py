"""The page that checks a bundle in a browser: the file is read there and goes nowhere."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seewhy.prompts import catalogue

TEMPLATES = Path(__file__).parent / "templates"


def verifier_page(language: str = "en") -> bytes:
    """The page's bytes, without anything from outside."""
    words = {key.removeprefix("verifier."): message for key, message in catalogue(language).items() if key.startswith("verifier.")}
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("verify.html.j2").render(words=words, language=language).encode()
