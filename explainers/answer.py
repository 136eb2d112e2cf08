"""What a VLM may say: a schema that its server enforces, and the one reader that checks it again."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seewhy.errors import UnknownName
from seewhy.explainers.scrub import cleaned, one_line

OTHER, UNKNOWN, NONE = "other", "unknown", "none"
LONGEST_TEXT = 160
FORMS = ("line", "spot", "patch", "edge")
TONES = ("darker", "lighter", "other colour", "same")
TEXTS = ("appearance", "difference")
WORDS_AGAIN = 0.6  # of a text's words may be one and the same
LONGEST_WORD = 32

Fault: TypeAlias = Literal["refused", "unparseable", "wrong_language", "nonsense"]
WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")  # "de-burred" is one word
ACCENTED, ELIDED = re.compile("[à-öø-ÿœß]"), re.compile("(?:l|d|qu|un|dell|nell|sull|all)['’]")
# Articles, prepositions, pronouns, conjunctions; of the other languages those that no English sentence about a part holds.
ENGLISH = re.compile(
    "an?|the|of|on|in|at|to|and|or|is|are|was|has|have|with|without|from|by|than|as|that|this|its?|there|where|not?|but|one|"
    "near|along|across|into|over|under|against|between|around"
)
FOREIGN = re.compile(
    "les?|la|une?|des?|du|et|est|avec|dans|sur|sans|qui|que|pas|ou|au|elle|cette|"  # French
    "der|das|eine[nrsm]?|ein|und|ist|mit|auf|nicht|keine?|von|dem|den|im|zu[mr]?|ohne|bei|sich|es|sind|wie|"  # German
    "el|los|las|unos?|unas?|del|con|por|para|se|"  # Spanish
    "lo|gli|dell[aoe]|nel|nella|di|che|più|alla|"  # Italian
    "uma|uns|umas|da|com|sem|ao|não|"  # Portuguese
    "het|een|van|op|zijn|geen|niet|bij|voor|naar|aan"  # Dutch
)
REFUSAL = re.compile(r"^\W*(i('m| am)? (sorry|unable|cannot|can't|can not)|as an ai|sorry|죄송)", re.IGNORECASE)


class Answer(BaseModel):
    """One region in a VLM's words. No number, place or severity: those are measured or ruled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    visible: Literal["yes", "no", "uncertain"]
    form: Literal["line", "spot", "patch", "edge"]
    tone: Literal["darker", "lighter", "other colour", "same"]
    type: str  # of the card's vocabulary, or `OTHER`, or `UNKNOWN`
    confidence: Literal["low", "medium", "high"]
    cause: str  # id of the likeliest of the causes that were shown, or `NONE`
    second_cause: str
    appearance: str = Field(max_length=LONGEST_TEXT)
    difference: str = Field(max_length=LONGEST_TEXT)  # from the good part


class UnreadableError(Exception):
    """An answer that can't be used, and why."""

    def __init__(self, reason: Fault, detail: str) -> None:
        super().__init__(detail)
        self.reason: Fault = reason
        self.detail = detail


def answer_schema(types: Sequence[str], causes: Sequence[str]) -> dict[str, Any]:
    """JSON Schema of an `Answer`: enums and lengths alone, all fields required, in an order that looks before it names."""
    text = {"type": "string", "maxLength": LONGEST_TEXT}
    return _object(
        visible=_one_of(("yes", "no", "uncertain")),
        form=_one_of(FORMS),
        tone=_one_of(TONES),
        type=_one_of((*types, OTHER, UNKNOWN)),
        confidence=_one_of(("low", "medium", "high")),
        cause=_one_of((*causes, NONE)),
        second_cause=_one_of((*causes, NONE)),
        appearance=text,
        difference=text,
    )


def look_schema() -> dict[str, Any]:
    """JSON Schema of the second look."""
    return _object(present=_one_of(("yes", "no")))


def texts_schema() -> dict[str, Any]:
    """JSON Schema of a translation."""
    return _object(**{name: {"type": "string", "maxLength": LONGEST_TEXT} for name in TEXTS})


def read_answer(text: str, types: Sequence[str], causes: Sequence[str]) -> Answer:
    """The answer, checked against the schema, the vocabulary and itself.

    Raises:
        UnreadableError: it doesn't fit. It is never mended by guessing.
    """
    data = read_object(text)
    try:
        answer = Answer.model_validate(data | {name: one_line(data[name]) for name in TEXTS if isinstance(data.get(name), str)})
    except ValidationError as error:
        first = error.errors()[0]
        raise UnreadableError("unparseable", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if answer.type not in (*types, OTHER, UNKNOWN):
        raise UnreadableError("unparseable", f"type {answer.type[:40]!r} is not in the vocabulary")
    for cause in (answer.cause, answer.second_cause):
        if cause not in (*causes, NONE):
            raise UnreadableError("unparseable", f"cause {cause[:40]!r} was not offered")
    for text in (answer.appearance, answer.difference):
        _sensible(text)
    if answer.visible == "no" and answer.confidence == "high" and answer.type not in (OTHER, UNKNOWN):
        raise UnreadableError("nonsense", "it sees no defect and is sure of its type")
    return answer


def read_object(text: str) -> dict[str, Any]:
    """A JSON object and nothing else, without characters that can't be kept or shown.

    >>> read_object('{"a": 1}')
    {'a': 1}
    """
    if not text.strip():
        raise UnreadableError("unparseable", "the answer was empty")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        if REFUSAL.match(text):
            raise UnreadableError("refused", text.strip()[:120]) from error
        raise UnreadableError("unparseable", f"not JSON: {error}"[:160]) from error
    if not isinstance(data, dict):
        raise UnreadableError("unparseable", f"a JSON {type(data).__name__} instead of an object")
    return {cleaned(name): cleaned(value) if isinstance(value, str) else value for name, value in data.items()}


def in_english(text: str) -> bool:
    """Whether a text can be English: mostly Latin letters, and no more words of another language's grammar than of its own.

    A few words without articles or prepositions ("dunkler Kratzer") can't be told, and pass.

    >>> in_english("a thin dark streak"), in_english("une trace sombre"), in_english("ein dunkler Fleck"), in_english("어두운 얼룩")
    (True, False, False, False)
    """
    letters = [c for c in text if c.isalpha()]
    if sum(c.isascii() for c in letters) < 0.7 * len(letters):
        return False
    words = WORD.findall(text.lower())
    foreign = sum(any((FOREIGN.fullmatch(w), ACCENTED.search(w), ELIDED.match(w))) for w in words)
    return foreign <= sum(ENGLISH.fullmatch(w) is not None for w in words)


def in_korean(text: str) -> bool:
    """Whether a good part of the letters is Hangul."""
    letters = [c for c in text if c.isalpha()]
    return sum("가" <= c <= "힣" for c in letters) >= 0.5 * len(letters)


@dataclass(frozen=True, slots=True)
class Language:
    """One that a model's texts can be said in."""

    code: str  # of the message catalogue
    name: str  # as the model is told it
    fits: Callable[[str], bool]


LANGUAGES = {language.code: language for language in (Language("en", "English", in_english), Language("ko", "Korean", in_korean))}


def language_called(code: str) -> Language:
    """The language with a code.

    Raises:
        UnknownName: there is none.
    """
    if code not in LANGUAGES:
        raise UnknownName("language", code, LANGUAGES)
    return LANGUAGES[code]


def _sensible(text: str) -> None:
    """Refuse what no person would have written; an empty text is nothing said, and allowed."""
    words = text.lower().split()
    if not words:
        return
    most = Counter(words).most_common(1)[0][1]
    if not any(c.isalpha() for c in text) or max(map(len, words)) > LONGEST_WORD or (len(words) > 4 and most > WORDS_AGAIN * len(words)):
        raise UnreadableError("nonsense", f"no sentence: {text[:60]!r}")
    if not in_english(text):
        raise UnreadableError("wrong_language", f"not English: {text[:60]!r}")


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _one_of(values: Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}
