from __future__ import annotations

import ast
import re
from string import Formatter

import pytest
from tests.helpers import ROOT

from seewhy.agent.inspection.policy import load_policy
from seewhy.prompts import MESSAGES, WORDS, catalogue, number, say, sentence, text, word
from seewhy.prompts.entries import refusal
from seewhy.prompts.knowledge import general, processes
from seewhy.prompts.legible import legible
from seewhy.prompts.particles import PARTICLES
from seewhy.record import RefusedPhoto, Sentence

OTHERS = sorted(path.stem for path in MESSAGES.glob("*.yaml") if path.stem != "en")
# Names and codes that are the same in Korean.
SAME = {
    "rule.stated",
    "source.vlm",
    "fact.centroid_value",
    "fact.box_value",
    "provenance.sha256",
    "unfit.field",
    "asked.model",
    "people.who",
    "report.period",
    "report.instant",
    "agreement.kappa_value",
    "engine.several",
}


def fields(message: str) -> list[str]:
    return sorted({name for _, name, _, _ in Formatter().parse(message) if name})


@pytest.mark.parametrize("language", OTHERS)
def test_languages_have_the_same_keys_with_the_same_placeholders(language: str) -> None:
    english, other = catalogue("en"), catalogue(language)
    assert set(other) == set(english)
    assert {key: fields(m) for key, m in other.items()} == {key: fields(m) for key, m in english.items()}


def test_korean_is_korean() -> None:
    hangul = re.compile("[가-힣]")
    assert {key for key, message in catalogue("ko").items() if not hangul.search(message)} == SAME
    bare = [message for message in catalogue("ko").values() if re.search(r"\((이|가|은|는|을|를|과|와|으)\)", message)]
    assert bare == []
    for message in catalogue("ko").values():
        assert not re.search(r"\{\w+\}(은|는|이|가|을|를|과|와|으로)(?![가-힣])", message), message


def test_formats_are_particles_and_nothing_else() -> None:
    for language in ("en", *OTHERS):
        formats = {spec for m in catalogue(language).values() for _, _, spec, _ in Formatter().parse(m) if spec}
        assert formats <= (set(PARTICLES) if language == "ko" else set())


def test_the_default_policys_reasons_are_known_and_a_persons_own_stay() -> None:
    for rule in load_policy().rules:
        assert catalogue("en")[f"policy.{rule.id}"] == rule.because
        assert say(sentence("rule.stated", because=rule.because), "ko") == catalogue("ko")[f"policy.{rule.id}"]
    assert say(sentence("rule.stated", because="our customer says so."), "ko") == "our customer says so."


def test_recorded_english_words_are_said_in_the_language() -> None:
    assert say(sentence("check.tone", measured="darker, lighter"), "ko") == "측정 결과: 어두움, 밝음."
    assert "선형, 점" in say(sentence("check.type_form", wanted="line, spot", measured="@shape.line"), "ko")
    assert "시간 초과" in say(sentence("missing.unexplained", count=1, findings=2, why="timeout"), "ko")
    assert set(WORDS.values()) <= {key.split(".")[0] for key in catalogue()}
    assert word("type", "a word of the card", "ko") == "a word of the card"


def test_a_sentence_of_a_plug_in_stays_as_it_was_recorded() -> None:
    assert say(Sentence(key="acme.spoke", text="acme spoke"), "ko") == "acme spoke"


def test_every_code_of_a_refusal_is_said_in_every_language() -> None:
    codes = set()
    for folder in ("agent", "detectors"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BadImage" and isinstance(node.args[0], ast.Constant):
                    codes.add(node.args[0].value)
    assert "empty" in codes
    assert {code for code in codes if f"refusal.{code}" not in catalogue()} == set()


def test_a_refusal_is_said_by_its_code_and_an_unknown_one_as_it_was_recorded() -> None:
    known = RefusedPhoto(
        lot="L", product="p", name="부품.png", sha256=None, code="empty", message="부품.png is empty", remedy="copy it", inspected_at="2026"
    )
    assert refusal(known) == "부품.png is empty; copy it."
    assert refusal(known, "ko") == "부품.png는 빈 파일(0바이트)입니다. 카메라에서 다시 복사하십시오."
    assert refusal(known.model_copy(update={"code": "of later"}), "ko") == "부품.png is empty; copy it."


def test_general_knowledge_names_its_source_in_every_language() -> None:
    for process in processes():
        for entry in general(process):
            assert set(entry.source) == set(entry.cause) == {"en", *OTHERS}


@pytest.mark.parametrize(
    ("value", "said"), [(0.0, "0"), (0.497258, "0.4973"), (999.9, "999.9"), (19954.2, "19,954"), (1.2e-5, "1.2e-05"), (-1234.0, "-1,234")]
)
def test_numbers_are_said_as_people_read_them(value: float, said: str) -> None:
    assert number(value) == said
    assert said in text("reason.no_line", score=value)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("부품 1.png", "부품 1.png"),
        ("\u1107\u116e\u1111\u116e\u11b7.png", "부품.png"),  # as a Mac writes it
        ("new\nline", "new\\nline"),
        ("bell\x07", "bell\\x07"),
        ("\u202egnp", "\\u202egnp"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("bad\udcff", "bad\\udcff"),
        ("emoji🔧", "emoji🔧"),
        ("ชิ้นส่วน", "ชิ้นส่วน"),
    ],
)
def test_what_a_name_hides_is_written_out(name: str, shown: str) -> None:
    assert legible(name) == shown
