"""Every word of the page is in the catalogue, every word of the catalogue on the page; the tutorial speaks of what is there."""

from __future__ import annotations

import re

import pytest
from tests.helpers import ROOT

from seewhy.prompts import catalogue

CHAT = ROOT / "agent" / "chat"
SCRIPTS = "\n".join(path.read_text("utf-8") for path in sorted((CHAT / "static").glob("*.js")))
PYTHON = "\n".join(path.read_text("utf-8") for path in sorted(CHAT.rglob("*.py")))
# Keys that are put together from a part that the server says.
MADE = re.compile(r"(tab|role|job|verdict|card|by_score|line|decide|good)_\w+")


def of_group(group: str) -> set[str]:
    return {key.partition(".")[2] for key in catalogue() if key.startswith(f"{group}.")}


def test_the_scripts_ask_for_words_that_there_are() -> None:
    asked = set(re.findall(r'\b(?:w|button|field|dropzone|slider)\("(\w+)"', SCRIPTS)) | set(re.findall(r'go: "(\w+)"', SCRIPTS))
    assert len(asked) > 100
    assert asked <= of_group("chat")


def test_no_word_of_the_catalogue_is_left_over() -> None:
    quoted = set(re.findall(r'"(\w+)"', SCRIPTS)) | set(re.findall(r'chat\.(\w+)"', PYTHON))
    assert {key for key in of_group("chat") if key not in quoted and not MADE.fullmatch(key)} == set()
    assert {key for key in of_group("talk") if f'"talk.{key}"' not in PYTHON} == set()
    said = set(re.findall(r'Told\("(\w+)"', PYTHON)) | set(re.findall(r'"problem\.(\w+)"', PYTHON))
    assert said == of_group("problem")


def test_nothing_is_written_as_html_and_nothing_comes_from_outside() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", SCRIPTS)
    assert re.findall(r"https?://[^\"' )]+", SCRIPTS) == ["http://www.w3.org/2000/svg"]
    style = (CHAT / "static" / "style.css").read_text("utf-8")
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize(("language", "name"), [("en", "a-new-product.md"), ("ko", "a-new-product.ko.md")])
def test_the_tutorial_names_buttons_that_the_flow_presses(language: str, name: str) -> None:
    page = (ROOT / "docs" / "how-to" / name).read_text("utf-8")
    words = catalogue(language)
    flow = (ROOT / "tests" / "agent" / "chat" / "test_page.py").read_text("utf-8")
    named = re.findall(r"\*\*([^*]+)\*\*", page)
    assert len(named) > 15
    steps = page.partition("## ")[0]
    for label in named:
        keys = [key.removeprefix("chat.") for key, word in words.items() if key.startswith("chat.") and word == label]
        assert keys, f"{label!r} is not on the page"
        if label in steps and re.search(rf"^\d\. .*\*\*{re.escape(label)}\*\*", steps, re.MULTILINE):
            assert any(re.search(rf'["_]{re.sub("^tab_", "", key)}"', flow) or key in LOOKED_AT for key in keys), (
                f"no test presses {label!r}"
            )


LOOKED_AT = (
    "drop_good",
    "drop_photos",
    "heat",
    "good",
    "wipe",
    "fine",
    "decide_fail",
    "take_back",
    "stop",
)  # by class or elsewhere


def test_both_tutorials_have_the_same_steps() -> None:
    pages = [(ROOT / "docs" / "how-to" / name).read_text("utf-8") for name in ("a-new-product.md", "a-new-product.ko.md")]
    english, korean = ([line.partition("#")[0].rstrip() for line in re.findall(r"^seewhy chat .*$", page, re.MULTILINE)] for page in pages)
    assert english == korean
    for pattern in (r"^\d\. ", r"^#+ "):
        assert re.findall(pattern, pages[0], re.MULTILINE) == re.findall(pattern, pages[1], re.MULTILINE)
