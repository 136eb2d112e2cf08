"""Text that comes from a server, made fit to keep: no secret, no character that can't be written or shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

SECRET = "[secret]"
SHORTEST = 8  # characters of a secret that is found inside other words too
# What looks like a credential, whoever's it is.
ALIKE = re.compile(
    r"(?i)\b(?:bearer|basic)\s+(?=[^\s\d=]*[\d=])[\w.~+/=-]{8,}"
    r"|\b(?:sk|pk|hf|ghp|gho|glpat|xox[a-z]|nvapi|gsk)[-_](?=[^\s\d]*\d)[\w-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|(?<=://)[^\s/@\"'<>]+(?=@)"
    r"|(?<=api_key=)[^\s&\"'<>]+|(?<=apikey=)[^\s&\"'<>]+|(?<=password=)[^\s&\"'<>]+|(?<=token=)[^\s&\"'<>]+"
)
# Halves of surrogate pairs can't be written; control characters and marks that turn the direction of writing deceive whoever reads.
LONE, HIDDEN = re.compile("[\ud800-\udfff]"), re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def cleaned(text: str) -> str:
    """The text with every such character replaced; line feeds and tabs stay.

    >>> cleaned("a\\x1b[2Jb\\ud800")
    'a [2Jb�'
    """
    return HIDDEN.sub(" ", LONE.sub("\ufffd", text))


def one_line(text: str, longest: int) -> str:
    """The text cleaned, on one line, and no longer than that."""
    return " ".join(cleaned(text).split())[:longest]


class Scrubber:
    """Takes secrets out of text, wherever a server quotes them.

    Args:
        secrets: the key, and user and password of a proxy; empty ones are no secrets.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        words = [re.escape(f) if len(f) >= SHORTEST else rf"(?<!\w){re.escape(f)}(?!\w)" for f in sorted(forms, key=len, reverse=True)]
        self._known = re.compile("|".join(words)) if words else None

    def __call__(self, text: str) -> str:
        """The text, cleaned and without secrets; JSON that hides one behind its escapes is written anew."""
        text = self._plain(cleaned(text))
        if "\\" in text:
            try:
                data = json.loads(text)
            except (ValueError, RecursionError):
                return text
            scrubbed = self._inside(data)
            return text if scrubbed == data else json.dumps(scrubbed, ensure_ascii=False)
        return text

    def _plain(self, text: str) -> str:
        text = self._known.sub(SECRET, text) if self._known else text
        return ALIKE.sub(SECRET, text)

    def _inside(self, data: Any) -> Any:
        match data:
            case str():
                return self._plain(data)
            case list():
                return [self._inside(value) for value in data]
            case dict():
                return {self._plain(key): self._inside(value) for key, value in data.items()}
        return data


def credentials(address: str) -> tuple[str, ...]:
    """User and password, as they stand in an address and as they are meant."""
    try:
        parts = urlsplit(address)
        found = [part for part in (parts.username, parts.password) if part]
    except ValueError:
        return ()
    return (*found, *map(unquote, found))


def _forms(secret: str) -> tuple[str, ...]:
    """A secret as servers quote it: plain, in a URL, in base64."""
    return secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()
