"""Text that comes from a server, made fit to keep: no secret, no character that can't be written or shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

SECRET = "[secret]"
SHORTEST = 8  # characters of a secret that is found inside other words too
LONGEST = 4096  # characters of a secret, however it is written
# What looks like a credential, whoever's it is. Every repetition is bounded, so that no text takes long.
ALIKE = re.compile(
    r"(?i)\b(?:bearer|basic)\s{1,9}(?=[^\s\d=]{0,99}[\d=])[\w.~+/=-]{8,999}"
    r"|\b(?:sk|pk|hf|ghp|gho|glpat|xox[a-z]|nvapi|gsk)[-_](?=[^\s\d]{0,99}\d)[\w-]{8,999}"
    r"|\beyJ[\w-]{8,999}\.[\w-]{8,999}(?:\.[\w-]{0,999})?"
    r"|(?<=://)[^\s/@\"'<>]{1,999}(?=@)"
    r"|(?:(?<=api_key=)|(?<=apikey=)|(?<=password=)|(?<=token=))[^\s&\"'<>]{1,999}"
)
# Halves of surrogate pairs can't be written; control characters and marks that turn the direction of writing deceive whoever reads.
LONE, HIDDEN = re.compile("[\ud800-\udfff]"), re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def cleaned(text: str) -> str:
    """The text with every such character replaced; line feeds and tabs stay.

    >>> cleaned("a\\x1b[2Jb\\ud800")
    'a [2Jb�'
    """
    return HIDDEN.sub(" ", LONE.sub("\ufffd", text))


def one_line(text: str) -> str:
    """The text cleaned, on one line."""
    return " ".join(cleaned(text).split())


class Scrubber:
    """Takes secrets out of text, wherever a server quotes them.

    Args:
        secrets: the key, and user and password of a proxy; empty ones are no secrets.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._known = [re.compile(pattern) for secret in known for pattern in _patterns(secret)]

    def __call__(self, text: str, longest: int) -> str:
        """The start of a text, cleaned and without secrets, nor the start of one at its end."""
        scrubbed = cleaned(text[: longest + LONGEST])
        for pattern in (*self._known, ALIKE):
            scrubbed = pattern.sub(SECRET, scrubbed)
        if len(text) > longest + LONGEST:
            scrubbed = scrubbed[:-LONGEST]
        return scrubbed[:longest]


def credentials(address: str) -> tuple[str, ...]:
    """User and password, as they stand in an address and as they are meant."""
    try:
        parts = urlsplit(address)
        found = [part for part in (parts.username, parts.password) if part]
    except ValueError:
        return ()
    return (*found, *map(unquote, found))


def _patterns(secret: str) -> tuple[str, str]:
    """A secret in base64, and plain with any of its characters escaped as JSON (however deep), addresses or web pages have them."""
    plain = "".join(rf"(?:\\{{0,9}}(?:{re.escape(c)}|(?i:u{ord(c):04x}))|(?i:%{ord(c):02x}|&#x{ord(c):x};)|&#{ord(c)};)" for c in secret)
    return re.escape(base64.b64encode(secret.encode()).decode()), plain if len(secret) >= SHORTEST else rf"(?<!\w){plain}(?!\w)"
