"""Names as people can read them: what can't be seen, or turns the text around it, is written out."""

from __future__ import annotations

import unicodedata

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # Unicode's general categories: control, format, surrogate, private, none, separators
JOINERS = "\u200c\u200d"  # words of Persian and India, and emoji, are written with them


def legible(text: str) -> str:
    r"""The text composed (NFC, so that names from a Mac are found too), its unseen characters as Python writes them.

    >>> legible("a\nb"), legible("photo\u202egnp.exe"), legible("부품"), legible("1\u200d2")
    ('a\\nb', 'photo\\u202egnp.exe', '부품', '1\u200d2')
    """
    composed = unicodedata.normalize("NFC", text)
    return "".join(written_out(c) if unicodedata.category(c) in UNSEEN and c not in JOINERS else c for c in composed)


def written_out(character: str) -> str:
    r"""A character by its number.

    >>> written_out("\N{WRENCH}"), written_out("\udcff")
    ('\\U0001f527', '\\udcff')
    """
    return character.encode("unicode_escape").decode("ascii")
