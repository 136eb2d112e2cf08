"""Kappa and attribute agreement against published worked examples and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from seewhy.agent.quality.agreement import agreement, cohen, fleiss
from seewhy.errors import BadData

# AIAG, Measurement Systems Analysis, 4th ed. (2010), chapter III section C: 50 parts, three appraisers, three trials; cross tabulations
AIAG = {
    ("A", "B"): ([[44, 6], [3, 97]], 0.863),
    ("A", "C"): ([[43, 7], [8, 92]], 0.776),
    ("B", "C"): ([[42, 5], [9, 94]], 0.788),
    ("A", "reference"): ([[45, 5], [3, 97]], 0.879),
    ("B", "reference"): ([[45, 2], [3, 100]], 0.922),
    ("C", "reference"): ([[42, 9], [6, 93]], 0.774),
}


@pytest.mark.parametrize(("pair", "table", "kappa"), [(pair, *rest) for pair, rest in AIAG.items()])
def test_aiags_kappas(pair: tuple[str, str], table: list[list[int]], kappa: float) -> None:
    assert cohen(table).value == pytest.approx(kappa, abs=0.0011), pair


def test_fleiss_cohen_and_everitts_example() -> None:
    # J. Fleiss, J. Cohen, B. Everitt: Large sample standard errors of kappa and weighted kappa, Psychological Bulletin 72 (1969), p. 325
    found = cohen([[106, 10, 4], [22, 28, 10], [2, 12, 6]])
    assert found.value == pytest.approx(0.429, abs=0.0005)
    assert found.error == pytest.approx(0.0537, abs=0.0002)


def test_cohens_kappa_is_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        a = rng.integers(0, 3, 60)
        b = np.where(rng.random(60) < 0.6, a, rng.integers(0, 3, 60))
        table = np.zeros((3, 3), int)
        np.add.at(table, (a, b), 1)
        assert cohen(table).value == pytest.approx(cohen_kappa_score(a, b))


def test_fleiss_example() -> None:
    # J. Fleiss, Measuring nominal scale agreement among many raters, Psychological Bulletin 76 (1971); the much used table of 10 x 14
    rows = "0 0 0 0 14|0 2 6 4 2|0 0 3 5 6|0 3 9 2 0|2 2 8 1 1|7 7 0 0 0|3 2 6 3 0|2 5 3 2 2|6 5 2 1 0|0 2 2 3 7"
    found = fleiss([[int(v) for v in row.split()] for row in rows.split("|")])
    assert found.value == pytest.approx(0.210, abs=0.0005)
    low, high = found.interval or (0.0, 0.0)
    assert low < 0.210 < high


def rated(calls: dict[str, list[str]]) -> dict[tuple[str, str], list[str]]:
    """Trials by appraiser, one letter for each part: p or f."""
    words = {"p": "pass", "f": "fail"}
    return {(name, f"part {i}"): [words[t[i]] for t in trials] for name, trials in calls.items() for i in range(len(trials[0]))}


TRUTH = {f"part {i}": "fail" if i < 4 else "pass" for i in range(10)}


def test_effectiveness_misses_and_false_alarms() -> None:
    study = agreement(rated({"machine": ["ffffpppppp", "ffffpppppf"], "Kim": ["fffppppppp", "fffppppppp"]}), TRUTH)
    machine, kim = study.appraisers
    assert (machine.effective.count, machine.missed.count, machine.alarmed.count, machine.alarmed.of) == (9, 0, 1, 12)
    assert (kim.effective.count, kim.missed.count, kim.missed.of, kim.alarmed.count) == (9, 2, 8, 0)
    assert (machine.repeated.count, kim.repeated.count, study.parts, study.trials) == (9, 10, 10, 2)
    assert study.between[0][2].value == pytest.approx(cohen([[11, 0], [3, 6]]).value)


def test_everybody_says_the_same_and_chance_cant_be_told() -> None:
    truth = dict.fromkeys(TRUTH, "pass")
    study = agreement(rated({"machine": ["pppppppppp"] * 2, "Kim": ["pppppppppp"] * 2}), truth)
    assert study.between[0][2].value is None and study.all is not None and study.all.value is None
    assert study.appraisers[0].missed.of == 0 and study.appraisers[0].missed.upper == 1.0


@pytest.mark.parametrize(
    ("calls", "truth", "said"),
    [
        ({"machine": ["ffffpppppp"] * 2}, TRUTH, "two appraisers or more"),
        ({"machine": ["ffffpppppp"], "Kim": ["ffffpppppp"]}, TRUTH, "two trials or more"),
        ({"machine": ["ffffpppppp"] * 2, "Kim": ["ffff"] * 2}, TRUTH, "Kim has not rated 'part 4'"),
        ({"machine": ["ffffpppppp"] * 2, "Kim": ["ffffpppppp"] * 2}, {"part 0": "fail"}, "truth of 9 parts"),
    ],
)
def test_what_is_no_study_is_refused(calls: dict[str, list[str]], truth: dict[str, str], said: str) -> None:
    with pytest.raises(BadData, match=said):
        agreement(rated(calls), truth)
