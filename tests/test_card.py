"""Cards and policies as people write them: a slip is one clear error, never another meaning."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seewhy.agent.inspection.policy import Policy, load_policy
from seewhy.agent.inspection.rehearsal import rehearse
from seewhy.card import Part, ProductCard, load_card
from seewhy.errors import BadData
from seewhy.handwritten import validated

SQUARE = "[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]"
MISTAKES = {
    "name: x\nscale: {mm_per_px: 0,05}": "decimals are written with a point",
    "name: x\nscale:\n  mm_per_px: 0,05": "decimals are written with a point",
    "name: x\nscale:\n\tmm_per_px: 0.05": "line 3",
    "name: x\nscale: {mm_per_px: .inf}": "valid number",
    "name: x\nscale: {mm_per_px: 0.05, uncertainty: 1}": "larger than the scale",
    "name: x\nname: y": "stands here twice",
    "name: x\nwhitelevel: 4095": "the fields are schema_version, name",
    "- name: x": "not a list",
    "": "not nothing",
    "name: &a x\ndescription: *a": "anchors and aliases",
    "name: x\n? [a, b]\n: c": "a key is a word",
    "name: x\nknowledge: causes.yaml": "causes.yaml does not exist",
    "name: x\noutline: [[10, 10], [240, 10], [240, 240], [10, 240]]": "these look like pixels",
    "name: x\noutline: [[10, 10], [90, 10], [90, 90], [10, 90]]": "these look like percent",
    "name: x\noutline: [[0.1, 0.1], [0.9, 0.9]]": "three corners or more",
    "name: x\noutline: [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]": "crosses itself",
    "name: x\noutline: [[0.1, 0.1], [0.11, 0.1], [0.11, 0.11]]": "% of the photo",
    "name: x\ndefects: [{name: pit}, {name: pit}]": "two defects are called 'pit'",
    "name: x\ndefects: [{name: spot}]": "a word of seewhy's own",
    "name: x\ndefects: [{name: pit, zones: [face]}]": "names the zone 'face'",
    "name: x\nparts: [{name: a, box: [0.5, 0, 0.2, 1]}]": "x0 < x1",
    "name: x\ndefects: [{name: pit}]\nknowledge: [{id: K, applies_to: [pitt], cause: c, source: s}]": "applies to 'pitt'",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_slip_in_a_card_is_one_clear_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "card.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadData) as caught:
        load_card(tmp_path / "card.yaml")
    assert MISTAKES[text] in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_words_are_what_was_written(encoding: str, tmp_path: Path) -> None:
    lines = ["schema_version: 1", "name: 012", "description: 브래킷", "defects: [{name: no}, {name: 'on'}]", f"outline: {SQUARE}", "scale:"]
    text = "\r\n".join(lines)
    (tmp_path / "card.yaml").write_bytes(text.encode(encoding))
    card = load_card(tmp_path / "card.yaml")
    assert (card.name, card.description, [d.name for d in card.defects], card.scale) == ("012", "브래킷", ["no", "on"], None)
    assert card.outline[2] == (0.9, 0.9)


def test_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "card.yaml").write_bytes("name: 브래킷".encode("cp949"))
    with pytest.raises(BadData, match="save it again as UTF-8"):
        load_card(tmp_path / "card.yaml")


@given(st.binary(max_size=200) | st.text(alphabet="name: xyz[]{},-#&*!|>'\"%@`\n\t0.5", max_size=200).map(str.encode))
def test_no_file_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.mktemp("cards") / "card.yaml"
    file.write_bytes(data)
    try:
        assert load_card(file).name
    except BadData as error:
        assert str(file) in str(error)


def rule(id_: str, **more: object) -> dict[str, object]:
    return {"id": id_, "when": {}, "severity": "minor", "verdict": "review", "because": "so."} | more


POLICY_MISTAKES: list[tuple[list[dict[str, object]], str]] = [
    ([rule("a", verdict="pass")], "write `catch_all: true`"),
    ([rule("a"), rule("b", when={"count_min": 2})], "'b' is never reached"),
    ([rule("a", when={"length_mm_min": 1}), rule("b", when={"length_mm_min": 2, "shape": ["line"]})], "'b' is never reached"),
    ([rule("a", when={"count_min": 2}), rule("a")], "two rules are called 'a'"),
    ([rule("a", when={"length_mm_min": 3, "length_mm_max": 2})], "never applies"),
    ([rule("a", when={"shape": []})], "lists nothing"),
    ([rule("a", when={"area_percent_min": 300})], "less than or equal to 100"),
    ([rule("a", when={"length_min": 3})], "see `seewhy schema`"),
    ([], "at least 1 item"),
]


@pytest.mark.parametrize(("rules", "said"), POLICY_MISTAKES)
def test_a_policy_that_would_fail_open_is_refused(rules: list[dict[str, object]], said: str) -> None:
    with pytest.raises(BadData) as caught:
        validated(Policy, {"name": "p", "version": "1", "rules": rules}, Path("p.yaml"))
    assert said in str(caught.value)


def test_a_policy_whose_rules_are_doubled_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("name: p\nversion: 1\nrules: []\nrules: []\n")
    with pytest.raises(BadData, match="'rules' stands here twice"):
        load_policy(tmp_path / "p.yaml")


def test_names_are_checked_against_the_card() -> None:
    card = ProductCard(name="bracket", parts=(Part(name="sealing face", box=(0, 0, 1, 0.5)),))
    made = {"name": "p", "version": "1"}
    Policy.model_validate({**made, "rules": [rule("a", when={"zone": ["sealing face", "top left"], "type": ["line"]})]}).check(card)
    for wrong in ({"zone": ["seeling face"]}, {"type": ["scrach"]}):
        with pytest.raises(BadData, match="rule 'a' of the policy p names the"):
            Policy.model_validate({**made, "rules": [rule("a", when=wrong)]}).check(card)


def test_rules_are_shown_on_examples() -> None:
    examples, unreached = rehearse(load_policy(), ProductCard())
    assert {e.rule for e in examples} == {"large", "long", "many", "at-border", "clear", "faint"}
    assert unreached == []
    small = Policy.model_validate({"name": "p", "version": "1", "rules": [rule("mm", when={"length_mm_min": 1}), rule("rest")]})
    shown, never = rehearse(small, ProductCard())
    assert {(e.rule, e.verdict) for e in shown} == {("mm", "review")}  # without a scale nothing can be said of millimetres
    assert never == ["rest"]
