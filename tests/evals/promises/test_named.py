"""Types of real defects are counted as they are called."""

from __future__ import annotations

from seewhy.evals.promises.named import CARD, KINDS, figures


def test_what_no_line_of_the_card_names_is_not_covered_and_no_risk() -> None:
    found = figures([("crack", "crack"), ("crack", "line"), ("fray", "break"), ("break", "break")])
    assert (found["accuracy"], found["coverage"]) == (0.5, 0.75)
    assert found["risk"] == 0.3333
    assert found["confusion"]["crack"] == {"crack": 1, "line": 1}
    assert found["macro_f1"] == round((2 / 3 + 2 / 3) / 5, 4)


def test_the_card_has_a_line_for_each_kind_and_one_for_what_is_no_defect() -> None:
    assert [d.name for d in CARD.defects] == [*KINDS, "good"]
