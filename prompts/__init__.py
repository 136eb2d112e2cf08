"""Every text that a person or a model reads, in files; rendered here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml

from seewhy.errors import UnknownName
from seewhy.record import Param, Sentence

MESSAGES = Path(__file__).parent / "messages"


@lru_cache
def catalogue(language: str = "en") -> Mapping[str, str]:
    """All messages of a language by key; a language is a YAML file in `messages/`.

    Raises:
        UnknownName: there is no such file.
    """
    languages = {path.stem: path for path in MESSAGES.glob("*.yaml")}
    if language not in languages:
        raise UnknownName("language", language, languages)
    flat: dict[str, str] = {}
    for group, messages in yaml.safe_load(languages[language].read_text(encoding="utf-8")).items():
        flat |= {f"{group}.{key}": text for key, text in messages.items()}
    return flat


def text(key: str, language: str = "en", /, **params: Param) -> str:
    """One message with its values filled in; a value "@key" is itself a message.

    >>> text("tone.darker")
    'darker'
    """
    messages = catalogue(language)
    if key not in messages:
        raise UnknownName("message", key, messages)

    def said(value: Param) -> Param:
        if isinstance(value, str) and value.startswith("@") and value[1:] in messages:
            return messages[value[1:]]
        return f"{value:,.4g}" if isinstance(value, float) else value

    return messages[key].format(**{name: said(value) for name, value in params.items()})


def sentence(key: str, /, **params: Param) -> Sentence:
    """A message as it goes into a record: key, values, and the English text."""
    return Sentence(key=key, params=params, text=text(key, **params))


def say(said: Sentence, language: str = "en") -> str:
    """A record's sentence in another language; a value that was recorded for it too ("text_ko" beside "text") is said in it.

    >>> say(sentence("said.appearance", text="a streak", text_ko="줄"), "ko")
    '모델의 말: “줄”'
    """
    if language == "en":
        return said.text
    own = {name: said.params.get(f"{name}_{language}", value) for name, value in said.params.items()}
    return text(said.key, language, **own)
