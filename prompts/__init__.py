"""Every text that a person or a model reads, in files; rendered here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml

from seewhy.errors import UnknownName
from seewhy.prompts.particles import Filling
from seewhy.record import Param, Sentence

MESSAGES = Path(__file__).parent / "messages"
# Values that records hold as plain English words, one or several with commas: the group of messages that says them.
WORDS: Mapping[tuple[str, str], str] = {
    ("check.tone", "measured"): "seen",
    ("check.type_tone", "measured"): "seen",
    ("check.type_tone", "wanted"): "seen",
    ("check.type_form", "wanted"): "form",
    ("missing.unexplained", "why"): "silence",
    ("missing.unexplained_by", "why"): "silence",
    ("reason.finding", "severity"): "severity",
    ("reason.finding", "verdict"): "outcome",
    ("reason.finding_could", "severity"): "severity",
    ("reason.finding_could", "could"): "severity",
    ("reason.finding_could", "verdict"): "outcome",
    ("reason.finding_unrated", "verdict"): "outcome",
}
FILLING = Filling()
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's reads a catalogue ten times as fast, where PyYAML was built with it


@lru_cache
def catalogue(language: str = "en") -> Mapping[str, str]:
    """All messages of a language by key; a language is a YAML file in `messages/`, and one of the same name in each folder there.

    Raises:
        UnknownName: there is no such file.
    """
    languages = {path.stem: path for path in MESSAGES.glob("*.yaml")}
    if language not in languages:
        raise UnknownName("language", language, languages)
    flat: dict[str, str] = {}
    for path in (languages[language], *sorted(MESSAGES.glob(f"*/{language}.yaml"))):
        for group, messages in yaml.load(path.read_text(encoding="utf-8"), _Loader).items():
            flat |= {f"{group}.{key}": text for key, text in messages.items()}
    return flat


def text(key: str, language: str = "en", /, **params: Param) -> str:
    """One message with its values filled in; a value "@key" is itself a message.

    `{name:은}` in a Korean message is the value with the particle that fits it, see `seewhy.prompts.particles`.

    >>> text("tone.darker")
    'darker'
    """
    messages = catalogue(language)
    if key not in messages:
        raise UnknownName("message", key, messages)

    def filled(value: Param) -> Param:
        if isinstance(value, str) and value.startswith("@") and value[1:] in messages:
            return messages[value[1:]]
        return number(value) if isinstance(value, float) else value

    return str(FILLING.vformat(messages[key], (), {name: filled(value) for name, value in params.items()}))


def word(group: str, value: str, language: str = "en") -> str:
    """A word of a closed list, or the value itself where the list doesn't hold it.

    >>> word("severity", "major", "ko"), word("severity", "of our own", "ko")
    ('중결함', 'of our own')
    """
    return catalogue(language).get(f"{group}.{value}", value)


def number(value: float) -> str:
    """A number as people read it: four digits, whole ones with commas from a thousand.

    >>> number(0.49726), number(19954.2), number(3.0)
    ('0.4973', '19,954', '3')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def sentence(key: str, /, **params: Param) -> Sentence:
    """A message as it goes into a record: key, values, and the English text."""
    return Sentence(key=key, params=params, text=text(key, **params))


def say(said: Sentence, language: str = "en") -> str:
    """A record's sentence in another language; a value that was recorded for it too ("text_ko" beside "text") is said in it.

    A sentence whose key the catalogue doesn't have, of a plug-in for instance, stays as it was recorded.

    >>> say(sentence("said.appearance", text="a streak", text_ko="줄"), "ko")
    '모델의 설명: “줄”'
    """
    if language == "en" or said.key not in catalogue(language):
        return said.text
    own = {name: said.params.get(f"{name}_{language}", value) for name, value in said.params.items()}
    return text(said.key, language, **{name: _own_word(said.key, name, value, language) for name, value in own.items()})


def _own_word(key: str, name: str, value: Param, language: str) -> Param:
    """A value that is an English word of ours, in the language; anything else as it is."""
    if (key, name) in WORDS:
        return ", ".join(word(WORDS[key, name], one, language) for one in str(value).split(", "))
    return catalogue(language)[_default_policy()[str(value)]] if key == "rule.stated" and value in _default_policy() else value


@lru_cache
def _default_policy() -> Mapping[str, str]:
    """The keys of the default policy's reasons by their English text; a person's own policy stays as it was written."""
    return {english: key for key, english in catalogue("en").items() if key.startswith("policy.")}
