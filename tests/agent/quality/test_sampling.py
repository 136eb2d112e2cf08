"""ISO 2859-1:1999, cell by cell; the switching rules as scenarios."""

from __future__ import annotations

from itertools import product

import pytest

from seewhy.agent.quality.sampling import (
    AQLS,
    CODES,
    LETTERS,
    REDUCED_SIZES,
    SIZES,
    Severity,
    cell,
    code_letter,
    plan,
    resolved,
    zero_acceptance,
)
from seewhy.agent.quality.switching import State, after, normal, reduced
from seewhy.errors import BadData

# The rows of tables 2-A, 2-B and 2-C as they are printed: where the row's 0 stands, and from which AQL on its numbers.
NORMAL = """
A 2    0@6.5   25:   1 2 3 5 7 10 14 21 30
B 3    0@4.0   15:   1 2 3 5 7 10 14 21 30 44
C 5    0@2.5   10:   1 2 3 5 7 10 14 21 30 44
D 8    0@1.5   6.5:  1 2 3 5 7 10 14 21 30 44
E 13   0@1.0   4.0:  1 2 3 5 7 10 14 21 30 44
F 20   0@0.65  2.5:  1 2 3 5 7 10 14 21
G 32   0@0.40  1.5:  1 2 3 5 7 10 14 21
H 50   0@0.25  1.0:  1 2 3 5 7 10 14 21
J 80   0@0.15  0.65: 1 2 3 5 7 10 14 21
K 125  0@0.10  0.40: 1 2 3 5 7 10 14 21
L 200  0@0.065 0.25: 1 2 3 5 7 10 14 21
M 315  0@0.040 0.15: 1 2 3 5 7 10 14 21
N 500  0@0.025 0.10: 1 2 3 5 7 10 14 21
P 800  0@0.015 0.065: 1 2 3 5 7 10 14 21
Q 1250 0@0.010 0.040: 1 2 3 5 7 10 14 21
R 2000 -       0.025: 1 2 3 5 7 10 14 21
"""
TIGHTENED = """
A 2    0@10    40:   1 2 3 5 8 12 18 27
B 3    0@6.5   25:   1 2 3 5 8 12 18 27 41
C 5    0@4.0   15:   1 2 3 5 8 12 18 27 41
D 8    0@2.5   10:   1 2 3 5 8 12 18 27 41
E 13   0@1.5   6.5:  1 2 3 5 8 12 18 27 41
F 20   0@1.0   4.0:  1 2 3 5 8 12 18
G 32   0@0.65  2.5:  1 2 3 5 8 12 18
H 50   0@0.40  1.5:  1 2 3 5 8 12 18
J 80   0@0.25  1.0:  1 2 3 5 8 12 18
K 125  0@0.15  0.65: 1 2 3 5 8 12 18
L 200  0@0.10  0.40: 1 2 3 5 8 12 18
M 315  0@0.065 0.25: 1 2 3 5 8 12 18
N 500  0@0.040 0.15: 1 2 3 5 8 12 18
P 800  0@0.025 0.10: 1 2 3 5 8 12 18
Q 1250 0@0.015 0.065: 1 2 3 5 8 12 18
R 2000 0@0.010 0.040: 1 2 3 5 8 12 18
"""
REDUCED = """
A 2    0@6.5   25:   1 2 3 5 7 10 14 21 30
B 2    0@4.0   25:   1 2 3 5 7 10 14 21 30
C 2    0@2.5   15:   1 2 3 5 6 8 10 14 21
D 3    0@1.5   10:   1 2 3 5 6 8 10 14 21
E 5    0@1.0   6.5:  1 2 3 5 6 8 10 14 21
F 8    0@0.65  4.0:  1 2 3 5 6 8 10
G 13   0@0.40  2.5:  1 2 3 5 6 8 10
H 20   0@0.25  1.5:  1 2 3 5 6 8 10
J 32   0@0.15  1.0:  1 2 3 5 6 8 10
K 50   0@0.10  0.65: 1 2 3 5 6 8 10
L 80   0@0.065 0.40: 1 2 3 5 6 8 10
M 125  0@0.040 0.25: 1 2 3 5 6 8 10
N 200  0@0.025 0.15: 1 2 3 5 6 8 10
P 315  0@0.015 0.10: 1 2 3 5 6 8 10
Q 500  0@0.010 0.065: 1 2 3 5 6 8 10
R 800  -       0.040: 1 2 3 5 6 8 10
"""
PRINTED: dict[Severity, str] = {"normal": NORMAL, "tightened": TIGHTENED, "reduced": REDUCED}


def printed(severity: Severity) -> dict[tuple[str, float], int]:
    """The numbers of a master table; every other cell is an arrow."""
    found: dict[tuple[str, float], int] = {}
    for line in PRINTED[severity].strip().splitlines():
        letter, _, zero, start, *numbers = line.split()
        if zero != "-":
            found[letter, float(zero.removeprefix("0@"))] = 0
        first = AQLS.index(float(start.removesuffix(":")))
        found |= {(letter, AQLS[first + i]): int(number) for i, number in enumerate(numbers)}
    return found


@pytest.mark.parametrize("severity", PRINTED)
def test_every_cell_of_the_master_tables_is_as_printed(severity: Severity) -> None:
    numbers = printed(severity)
    for letter, aql in product(LETTERS[:16], AQLS):
        stands = cell(letter, aql, severity)
        assert (None if isinstance(stands, str) else stands) == numbers.get((letter, aql)), (severity, letter, aql)
    sizes = {line.split()[0]: int(line.split()[1]) for line in PRINTED[severity].strip().splitlines()}
    assert tuple(sizes.values()) == (REDUCED_SIZES if severity == "reduced" else SIZES[:16])


@pytest.mark.parametrize("severity", PRINTED)
def test_every_arrow_leads_to_the_first_plan_along_it(severity: Severity) -> None:
    numbers = printed(severity)
    if severity == "tightened":
        numbers["S", 0.025] = 1
    for letter, aql in product(LETTERS[:16], AQLS):
        to, accept = resolved(letter, aql, severity)
        assert numbers[to, aql] == accept
        between = sorted((LETTERS.index(letter), LETTERS.index(to)))
        passed = LETTERS[between[0] + 1 : between[1]]
        assert not any((one, aql) in numbers for one in passed), (severity, letter, aql)


@pytest.mark.parametrize(
    ("severity", "letter", "aql", "leads"),
    [  # read in the printed tables, arrows among them
        ("normal", "A", 10.0, ("C", 1)),
        ("normal", "C", 4.0, ("B", 0)),
        ("normal", "K", 15.0, ("J", 21)),
        ("normal", "F", 100.0, ("E", 21)),
        ("normal", "R", 0.015, ("P", 0)),
        ("normal", "R", 1000.0, ("B", 44)),
        ("tightened", "A", 15.0, ("C", 1)),
        ("tightened", "B", 10.0, ("D", 1)),
        ("tightened", "Q", 0.025, ("S", 1)),
        ("tightened", "R", 0.015, ("Q", 0)),
        ("tightened", "R", 1000.0, ("B", 41)),
        ("reduced", "A", 15.0, ("C", 1)),
        ("reduced", "K", 1.0, ("K", 2)),
        ("reduced", "M", 6.5, ("L", 10)),
        ("reduced", "R", 0.025, ("N", 0)),
        ("reduced", "C", 1000.0, ("B", 30)),
    ],
)
def test_arrows(severity: Severity, letter: str, aql: float, leads: tuple[str, int]) -> None:
    assert resolved(letter, aql, severity) == leads


def test_table_1() -> None:
    assert all(len(column) == 15 for column in CODES.values())
    assert [code_letter(n) for n in (2, 8, 9, 150, 151, 500, 501, 1200, 1201, 500_000, 500_001)] == list("AABFGHJJKPQ")
    assert [code_letter(1000, level) for level in CODES] == ["C", "C", "E", "F", "G", "J", "K"]


def test_a_plan_and_its_operating_characteristic() -> None:
    found = plan(1000, 1.0)
    assert (found.letter, found.size, found.accept, found.source) == ("J", 80, 2, "ISO 2859-1:1999, 2-A")
    # ISO 2859-1:1999, table 10-J: p of code letter J, AQL 1.0, in % nonconforming
    for chance, percent in ((0.99, 0.550), (0.95, 1.03), (0.90, 1.39), (0.50, 3.33), (0.10, 6.52), (0.05, 7.66)):
        assert found.chance(percent / 100) == pytest.approx(chance, abs=0.004)
    assert plan(60, 1.0).size == 13 and plan(10, 1.0).size == 10 and plan(10, 1.0).whole
    counts = plan(1000, 25.0)  # AQL above 10: nonconformities per 100 items, Poisson
    assert counts.chance(0.25) == pytest.approx(0.997, abs=0.01)


def test_plans_with_acceptance_number_zero() -> None:
    assert zero_acceptance(10**6, 0.1).size == 29  # 29 of 29
    assert zero_acceptance(10**6, 0.05).size == 59
    assert zero_acceptance(20, 0.1, 0.9).size == 11  # 3 of 20 bad: C(17, 11) / C(20, 11) = .074, with 10 it is .105


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: plan(1, 1.0), "2 parts or more"),
        (lambda: plan(100, 1.1), "no AQL of 1.1; the nearest are 1, 1.5"),
        (lambda: plan(100, 1.0, "IV"), "inspection level"),  # type: ignore[arg-type]
        (lambda: plan(100, 1.0, "II", "hard"), "normal, tightened or reduced"),  # type: ignore[arg-type]
        (lambda: zero_acceptance(100, 0.0), "between 0 and 1"),
    ],
)
def test_what_the_tables_dont_hold_is_refused(make: object, said: str) -> None:
    with pytest.raises(BadData, match=said):
        make()  # type: ignore[operator]


def run(state: State, lots: list[int], aql: float = 1.0) -> State:
    """So many nonconforming parts in the samples of lots of 1,000."""
    for found in lots:
        state = after(state, plan(1000, aql, severity=state.severity), found)
    return state


def test_two_of_five_lots_refused_tighten_and_five_accepted_ones_bring_back() -> None:
    assert run(State(), [3, 0, 0, 0, 0]).severity == "normal"
    assert run(State(), [3, 0, 0, 0, 3]).severity == "tightened"
    assert run(State(), [3, 0, 0, 0, 0, 3]).severity == "normal"  # the first one is six lots ago
    assert run(State("tightened"), [0, 0, 0, 0]).severity == "tightened"
    assert run(State("tightened"), [0, 0, 0, 0, 0]).severity == "normal"


def test_five_refused_lots_under_tightened_inspection_stop_it() -> None:
    state = run(State("tightened"), [9, 9, 0, 9, 0, 9, 9])
    assert state.stopped
    with pytest.raises(BadData, match="discontinued"):
        run(state, [0])


def test_the_switching_score_leads_to_reduced_inspection_and_one_refused_lot_back() -> None:
    state = run(State(), [0] * 9 + [2])  # Ac 2 of AQL 1.0, 1 of the next tighter one: two found don't pass there
    assert state.score == 0
    state = run(State(), [1] * 10)
    assert state.score == 30 and state.may_reduce
    with pytest.raises(BadData, match="approval"):
        reduced(state, steady=True, approved=False)
    low = reduced(state, steady=True, approved=True)
    assert run(low, [1, 0, 1]).severity == "reduced" and run(low, [2]) == State() and normal(low) == State()
    assert run(State(), [0] * 4, aql=0.65).score == 8  # two each where Ac is 0 or 1


def test_a_rule_without_history_and_a_plan_of_another_severity_are_told() -> None:
    assert State().severity == "normal" and not State().may_reduce  # 9.1: normal inspection begins
    with pytest.raises(BadData, match="tightened inspection was due"):
        after(State("tightened"), plan(1000, 1.0), 0)
