"""A few commands in English and Korean that need no language model, and a first draft of a card from plain sentences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from seewhy.agent.chat.drafts import CardForm, DefectForm

Name: TypeAlias = Literal[
    "help", "good", "inspect", "learn", "why", "reference", "similar", "report", "ncr", "certificate", "study", "lot", "line", "card"
]


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants: `number` is a finding's, `words` what the command is about."""

    name: Name
    number: int | None = None
    words: str = ""


NUMBER = r"(?:\s*(?:no\.?|number|finding|#)?\s*(?P<number>\d{1,3})\s*(?:번)?)?"
# The first that fits is meant; each is tried on the whole of what was said, in lower case, without the last punctuation.
COMMANDS: Mapping[Name, tuple[str, ...]] = {
    "help": (r"help|what can you do|commands", r"도움말|도와줘|명령어?|뭘 할 수 있(어|니|나요)"),
    "learn": (r"learn( it| them| this)?|train|fit", r"학습 ?(해|해줘|하기|시작|해 ?주세요)?|배워(줘)?"),
    "inspect": (
        r"(please )?(inspect|check|test)( (it|them|this|these|the lot|(the )?photos?|(the )?parts?))?|go on|continue",
        r"검사 ?(해|해줘|하기|시작|해 ?주세요)?|계속(해|해줘)?",
    ),
    "why": (
        rf"(tell me )?why{NUMBER}( is it a defect)?|explain{NUMBER.replace('number>', 'other>')}",
        rf"왜{NUMBER}|(?P<other>\d{{1,3}})번?\s*(은|는)?\s*(왜|이유|설명)(해줘|야|요)?|이유|설명해줘",
    ),
    "reference": (
        r"(show|compare)?( with| to)?( the| me the)?( nearest)? (reference|good photo|good one)|compare|reference",
        r"(가장 가까운 )?(기준|양품)( 사진)?(을|과)? ?(보여줘|비교|비교해줘)?|비교(해|해줘)?",
    ),
    "similar": (
        rf"(have we )?seen( (this|it|that))?( before)?|similar{NUMBER}|past defects",
        r"비슷한 (결함|것|거)( 있(어|나요|었나요))?|(전에|과거에) (본|봤던|있었던) (적|것|결함).*",
        r"(?P<number>\d{1,3})번?\s*비슷한.*|유사( 결함)?",
    ),
    "report": (
        r"(make |show (me )?|give me )?(a |the )?(report|document)s?( as)?( (?P<words>html|pdf|csv|json))?",
        r"(?P<words>html|pdf|csv|json)? ?(보고서|문서)( 만들어줘| 보여줘| 주세요)?",
    ),
    "ncr": (
        r"(make |show (me )?|give me )?(an? |the )?(ncr|nonconformance|non-?conformance report)( as( an?)? (?P<words>html|pdf))?",
        r"부적합 ?보고서?( ?(?P<words>html|pdf))?(를|을)?( 만들어줘| 보여줘| 주세요)?",
    ),
    "certificate": (
        r"(make |show (me )?|give me )?(a |the )?(inspection )?certificate( as( an?)? (?P<words>html|pdf))?",
        r"(부품 ?)?(검사 ?)?성적서( ?(?P<words>html|pdf))?(를|을)?( 만들어줘| 보여줘| 주세요)?",
    ),
    "study": (
        r"(start |begin |do |make )?(a |the )?(new )?study( of (the|this) lot)?|how many (defects )?(escaped|slipped through)",
        r"(이 )?(로트 ?)?시험(을|이)? ?(시작|진행)?(해|하기|해 ?줘|해 ?주세요)?|(미검|유출)률?( 시험)?( 보여줘)?",
    ),
    "lot": (
        r"(how is |show )?(the )?(lot|status|statistics|numbers|summary)|how many( failed| passed)?",
        r"(로트|현황|통계|요약|결과)( 보여줘| 알려줘)?|몇 ?(개|장).*",
    ),
    "line": (r"(show |move |set )?(the )?(line|threshold)s?", r"(임계값|기준선|판정선)( 보여줘| 바꿔줘| 조정)?"),
    "good": (
        r"((these|they|all)( are| of them are)?( all)? )?good( ones| photos| parts)?",
        r"here are .*good( ones| photos| parts)?",
        r"(이건|이것들은|모두|전부|다)? ?양품(입니다|이에요|이야|사진)?( 사진)?(입니다|이에요)?",
    ),
}
_PATTERNS = [(name, re.compile(pattern)) for name, patterns in COMMANDS.items() for pattern in patterns]

CALLED = (
    r"\b(?:this|it|the product|the part) is (?:an? |the |our )?(?P<name>[^,.;\n]+)",
    r"^(?:product|part|name)[: ]+(?P<name>[^,.;\n]+)",
    r"(?:^|[.,\n] *)(?:이건|이것은|이 제품은|제품은|부품은)\s*(?P<name>[^,.;\n]+?)(?:입니다|이에요|예요|이야|야)?(?=[,.;\n]|$)",
    r"^(?:제품|부품|이름)[: ]+(?P<name>[^,.;\n]+)",
)
LISTED = re.compile(r"^\s*(?:the )?(?:defects?|결함)(?: are|은|:)?[: ]+(?P<defects>.+)$", re.IGNORECASE)
MATTERS = re.compile(
    r"(?:이|가|은|는)?\s*(?:\b(?:matters?|(?:is|are) (?:an? )?(?:defects?|bad|important|critical))\b|중요|문제|불량).*$", re.IGNORECASE
)
DOESNT = re.compile(r"\b(?:do(?:es)?n['’]t|do(?:es)? not|not)\b|않|아니|아닙|아닌|아님|괜찮|무시")
GOOD, BAD = re.compile(r"\bgood\b|양품"), re.compile(r"\bbad\b|\bdefective\b|\bng\b|\bfailed\b|불량|부적합|불합격")
MATERIALS: tuple[str, ...] = ("aluminium", "aluminum", "steel", "brass", "copper", "plastic", "rubber", "glass", "ceramic")
MATERIALS += ("알루미늄", "강철", "스테인리스", "구리", "황동", "플라스틱", "고무", "유리", "세라믹")
SPLIT = re.compile(r"\s*(?:,|、|\band\b|\bor\b|\s및\s|과\s|와\s|그리고)\s*")


def command_in(said: str) -> Command | None:
    """The command that was said; None where none of them is meant.

    >>> command_in("Why 3?"), command_in("3번 왜"), command_in("보고서 보여줘")
    (Command(name='why', number=3, words=''), Command(name='why', number=3, words=''), Command(name='report', number=None, words=''))
    """
    plain = re.sub(r"[?!.。\s]+$", "", unicodedata.normalize("NFC", said).strip().lower())
    for name, pattern in _PATTERNS:
        if found := pattern.fullmatch(plain):
            groups = found.groupdict()
            number = groups.get("number") or groups.get("other")
            return Command(name, int(number) if number else None, groups.get("words") or "")
    return None


def called_good(said: str) -> bool | None:
    """Whether photos that come with these words are said to be of good parts; None where nothing is said of it.

    Only a plain statement counts: what is learned as good by a mistake passes for ever.

    >>> called_good("This is a bracket. Here are five good ones."), called_good("이것들은 양품입니다")
    (True, True)
    >>> called_good("these are not good"), called_good("are they good?"), called_good("양품이 아닙니다"), called_good("two bad ones")
    (False, False, False, False)
    >>> called_good("look at these") is None
    True
    """
    sentences = [one for one in re.findall(r"[^.!?;\n]+[?]?", unicodedata.normalize("NFC", said).lower()) if GOOD.search(one)]
    if sentences:
        return not any(DOESNT.search(one) or BAD.search(one) or one.endswith("?") for one in sentences)
    return False if BAD.search(said.lower()) else None


def card_in(said: str) -> CardForm | None:
    """A first draft of a card from plain sentences, to be looked at by whoever said them; None where nothing says what the product is.

    >>> card_in("This is an aluminium bracket, scratches matter, dust does not.").model_dump(include={"name", "materials"})
    {'name': 'aluminium bracket', 'materials': ['aluminium']}
    """
    plain = unicodedata.normalize("NFC", said).strip()
    called = next((match for pattern in CALLED if (match := re.search(pattern, plain, re.IGNORECASE))), None)
    if called is None or not called["name"].strip():
        return None
    name, rest = called["name"].strip(), f"{plain[: called.start()]};{plain[called.end() :].lstrip(' ,')}"
    defects = [word for sentence in re.split(r"[.;\n]", rest) for word in _defects(sentence)]
    materials = [word for word in MATERIALS if word in plain.lower()]
    forms = [DefectForm(name=defect[:120]) for defect in dict.fromkeys(defects)]
    found: dict[str, Any] = {"materials": materials, "defects": forms}
    return CardForm(name=name[:120], description=name[:1000], **{field: value for field, value in found.items() if value})


def _defects(sentence: str) -> list[str]:
    """What a sentence says matters: "scratches, dents and stains matter, dust does not"."""
    if listed := LISTED.match(sentence):
        return _words(listed["defects"])
    found, pending = list[str](), list[str]()
    for clause in sentence.split(","):
        pending.append(clause)
        if DOESNT.search(clause):
            pending = []
        elif MATTERS.search(clause):
            found += _words(MATTERS.sub("", ",".join(pending)))
            pending = []
    return found


def _words(listed: str) -> list[str]:
    return [word.strip(" ,:") for word in SPLIT.split(listed) if word.strip(" ,:")]
