"""Korean particles, chosen by how the word before them ends when it is read aloud: 점수가, 판정이, patchcore는, 3을."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any, Literal, TypeAlias

End: TypeAlias = Literal["vowel", "rieul", "consonant", "unknown"]

PARTICLES: Mapping[str, tuple[str, str, str]] = {  # after a consonant, after a vowel, where nobody can tell
    "은": ("은", "는", "은(는)"),
    "이": ("이", "가", "이(가)"),
    "을": ("을", "를", "을(를)"),
    "과": ("과", "와", "과(와)"),
    "으로": ("으로", "로", "(으)로"),
}
DIGITS: Mapping[str, End] = {  # 영 일 이 삼 사 오 육 칠 팔 구; ten, hundred, thousand end in a consonant as zero does
    **dict.fromkeys("036", "consonant"),
    **dict.fromkeys("178", "rieul"),
    **dict.fromkeys("2459", "vowel"),
}
LETTERS: Mapping[str, End] = {"L": "rieul", "R": "rieul", "M": "consonant", "N": "consonant"}  # 엘 알 엠 엔; the others end in a vowel
SIGNS: Mapping[str, End] = {"%": "vowel", "°": "vowel", "㎜": "vowel"}  # 퍼센트, 도, 밀리미터
UNITS: Mapping[str, End] = {"mm": "vowel", "px": "rieul"}  # 밀리미터, 픽셀
CLOSED = re.compile(
    r"(?:ng|[^aeiou]c|ic|ck|[mn]e?|(?<![aeiou])[aeiou][bpt])$"
)  # 코팅 디스크 로직 크랙 라인 클립 로봇, as loanwords are written
LIQUID = re.compile(r"le?$")  # 밸, 홀


def with_particle(word: str, particle: str) -> str:
    """The word with the particle that fits; `particle` is named by its form after a consonant.

    >>> with_particle("점수", "이"), with_particle("판정", "이"), with_particle("0.7", "을"), with_particle("서울", "으로")
    ('점수가', '판정이', '0.7을', '서울로')
    >>> with_particle("patchcore", "은"), with_particle("winclip", "은"), with_particle("VLM", "은"), with_particle("部品", "은")
    ('patchcore는', 'winclip은', 'VLM은', '部品은(는)')
    """
    consonant, vowel, unknown = PARTICLES[particle]
    end = _end(word)
    if end == "rieul":
        return word + (vowel if particle == "으로" else consonant)
    return word + {"consonant": consonant, "vowel": vowel, "unknown": unknown}[end]


class Filling(Formatter):
    """`str.format` that also knows `{name:은}`: the value and the particle that fits it."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        """One value as its place wants it."""
        return with_particle(str(value), format_spec) if format_spec in PARTICLES else super().format_field(value, format_spec)


def _end(word: str) -> End:
    """How it ends when read; quotes and brackets that close it are not read."""
    bare = word.rstrip(" \t\"'”’)]}>».,:;!?…")
    if not bare:
        return "unknown"
    last = bare[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28  # Unicode, section 3.12: 28 finals, the first of them none, the ninth ㄹ
        return "vowel" if final == 0 else "rieul" if final == 8 else "consonant"
    if last in DIGITS or last in SIGNS:
        return DIGITS.get(last) or SIGNS[last]
    latin = re.search(r"[A-Za-z]+$", bare)
    return _latin_end(latin[0]) if latin else "unknown"


def _latin_end(word: str) -> End:
    """Capitals and what has no vowel (png) are spelled out; anything else is read as the loanword that it would be in Korean."""
    if word in UNITS:
        return UNITS[word]
    small = word.lower()
    if word.isupper() or not re.search("[aeiouy]", small):
        return LETTERS.get(word[-1].upper(), "vowel")
    return "rieul" if LIQUID.search(small) else "consonant" if CLOSED.search(small) else "vowel"
