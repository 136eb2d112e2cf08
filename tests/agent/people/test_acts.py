"""What people enter, and what the rules refuse: each with one clear error and nothing written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.ledgers import golden_record, refusal

from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.people import acts
from seewhy.agent.people.parts import find_part
from seewhy.agent.people.roles import Who
from seewhy.errors import BadData
from seewhy.people import Comment, Disposition, MissedDefect, Review, SignOff, people_of, verdict_by
from seewhy.record import Confirmation, InspectionRecord

KIM, LEE = Who("Kim", "seen under the lamp", "inspector"), Who("Lee", "agreed with the customer", "quality")


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with what the machine says of five parts."""
    path = tmp_path_factory.mktemp("people") / "l.sqlite"
    with Ledger(path) as ledger:
        for name in ("good-1.png", "stain.png"):
            ledger.append(golden_record(name))
        ledger.append(golden_record("unsure.png", verdict="review"))
        ledger.append(refusal("torn.png"))
        for name in ("good-left.png", "right.png"):
            ledger.append(golden_record(name, serial="S-7"))
    return path


@pytest.fixture
def book(machines: Path, tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(Path(shutil.copy(machines, tmp_path))) as ledger:
        yield ledger
        assert ledger.verify().intact


def test_a_persons_entries_stand_beside_the_machines(book: Ledger) -> None:
    machine = [row for row in book.rows() if isinstance(row.entry, InspectionRecord)]
    review = acts.review(book, "stain.png", "pass", KIM)
    assert isinstance(review.entry, Review)
    assert (review.entry.machine, review.entry.opinion, review.entry.by, review.entry.role) == ("fail", "overrule", "Kim", "inspector")
    assert (review.entry.why, review.entry.refers_to) == ("seen under the lamp", machine[1].hash)
    assert [row for row in book.rows() if isinstance(row.entry, InspectionRecord)] == machine
    part = find_part(book, "stain.png")
    assert (part.machine, part.verdict) == ("fail", "pass")
    read = [e for e in entries(book) if isinstance(e, InspectionRecord)]
    assert read[1].verdict.value == "fail"
    assert [verdict_by(people_of(e)) for e in read] == [None, "pass", None, None, None]


def test_every_kind_of_entry_says_who_when_and_why(book: Ledger) -> None:
    mask = np.zeros((find_photo(book).height_px, find_photo(book).width_px), bool)
    mask[10:20, 30:50] = True
    rows = [
        acts.confirm(book, "stain.png", 1, "oil stain", KIM),
        acts.false_alarm(book, "stain.png", 1, KIM),
        acts.correct(book, "stain.png", 1, mask, KIM),
        acts.missed_defect(book, "stain.png", "pit", (0, 0, 4, 4), KIM, severity="minor"),
        acts.comment(book, "stain.png", KIM),
        acts.dispose(book, "stain.png", "use_as_is", LEE, concession="C-12"),
        acts.sign(book, "stain.png", "approval", Who("Park", "all of it read", "manager")),
    ]
    read = {row.hash: row.entry for row in book.rows()}
    for row in rows:
        entry = read[row.hash]
        assert entry == row.entry
        if isinstance(entry, Confirmation):
            assert (entry.by, entry.role, entry.comment) == ("Kim", "inspector", "seen under the lamp")
        else:
            assert entry.by in ("Kim", "Lee", "Park") and entry.why and entry.entered_at  # type: ignore[union-attr]
    corrected = rows[2].entry
    assert corrected.region.box_px == (30, 10, 50, 20)  # type: ignore[union-attr]
    assert book.evidence(corrected.region.mask.sha256)  # type: ignore[union-attr]
    signed = rows[-1].entry
    assert isinstance(signed, SignOff)
    standing = {find_part(book, "stain.png").photos[0].row.hash, *(row.hash for row in rows[1:-1])}
    assert set(signed.points_to) == standing


def find_photo(book: Ledger) -> object:
    entry = find_part(book, "stain.png").photos[0].entry
    assert isinstance(entry, InspectionRecord)
    return entry.photo


def test_a_missed_defect_on_a_photo_that_passed_makes_its_part_fail(book: Ledger) -> None:
    acts.missed_defect(book, "good-1.png", "pit", (3, 3, 9, 9), KIM)
    assert find_part(book, "good-1.png").verdict == "fail"
    acts.dispose(book, "good-1.png", "scrap", KIM)


def test_several_photos_of_one_part_make_one_verdict(book: Ledger) -> None:
    part = find_part(book, "S-7")
    assert ([p.name for p in part.photos], part.machine, part.verdict) == (["good-left.png", "right.png"], "fail", "fail")
    assert find_part(book, "right.png").name == "S-7"
    assert acts.review(book, "S-7", "pass", KIM).entry.name == "right.png"  # type: ignore[union-attr]
    assert find_part(book, "S-7").verdict == "pass"
    acts.missed_defect(book, "good-left.png", "pit", (3, 3, 9, 9), KIM)
    assert find_part(book, "right.png").verdict == "fail"


def test_what_is_withdrawn_stays_and_no_longer_counts(book: Ledger) -> None:
    acts.dispose(book, "stain.png", "scrap", LEE)
    (digest, made), *_ = find_part(book, "stain.png").people
    acts.withdraw(book, digest[:10], LEE)
    acts.dispose(book, "stain.png", "rework", LEE)
    assert [type(e) for _, e in find_part(book, "stain.png").people] == [Disposition]
    assert made in [row.entry for row in book.rows()]


def test_a_hash_that_begins_with_decimal_digits_alone_is_still_a_hash(book: Ledger) -> None:
    while not (row := acts.comment(book, "stain.png", KIM)).hash[:6].isdecimal():
        pass
    assert acts.find_entry(book, row.hash[:6]) == row == acts.find_entry(book, str(row.seq))
    with pytest.raises(BadData, match="neither an entry's number"):
        acts.find_entry(book, "1²")


def test_a_new_inspection_asks_for_a_new_review(book: Ledger) -> None:
    acts.review(book, "stain.png", "pass", KIM)
    book.append(golden_record("stain.png"))
    part = find_part(book, "stain.png")
    assert (part.verdict, part.people) == ("fail", ())
    acts.review(book, "stain.png", "pass", KIM)


def approved(book: Ledger) -> None:
    acts.sign(book, "good-1.png", "approval", LEE)


def disposed(book: Ledger) -> None:
    acts.dispose(book, "stain.png", "scrap", LEE)


def reviewed(book: Ledger) -> None:
    acts.review(book, "stain.png", "fail", KIM)
    disposed(book)


def last(book: Ledger, kind: type) -> str:
    return next(row.hash for row in reversed(list(book.rows())) if isinstance(row.entry, kind))


Act = Callable[[Ledger], object]


@pytest.mark.parametrize(
    ("before", "act", "said"),
    [
        (None, lambda b: acts.review(b, "none.png", "pass", KIM), "no photo or part 'none.png'"),
        (None, lambda b: acts.review(b, "stain.png", "pass", KIM, lot="M"), "in the lot 'M'; it is in L"),
        (None, lambda b: acts.review(b, "stain.png", "pass", Who("Kim", " ")), "needs a reason"),
        (None, lambda b: acts.review(b, "stain.png", "pass", Who("", "why")), "needs who"),
        (None, lambda b: acts.review(b, "stain.png", "maybe", KIM), "verdict: Input should be 'pass' or 'fail'"),
        (None, lambda b: acts.confirm(b, "stain.png", 7, "pit", KIM), "1 findings, none numbered 7"),
        (None, lambda b: acts.confirm(b, "stain.png", 1, " ", KIM), "needs a type"),
        (None, lambda b: acts.false_alarm(b, "good-1.png", 1, KIM), "0 findings"),
        (None, lambda b: acts.correct(b, "stain.png", 1, (0, 0, 9999, 4), KIM), "doesn't lie in"),
        (None, lambda b: acts.correct(b, "stain.png", 1, np.zeros((4, 4), bool), KIM), "marks nothing"),
        (None, lambda b: acts.missed_defect(b, "torn.png", "pit", (0, 0, 1, 1), KIM), "was not inspected"),
        (None, lambda b: acts.dispose(b, "good-1.png", "scrap", LEE), "conforms as it stands"),
        (None, lambda b: acts.dispose(b, "unsure.png", "scrap", LEE), "nobody has decided"),
        (None, lambda b: acts.dispose(b, "torn.png", "scrap", LEE), "nobody has decided"),
        (None, lambda b: acts.dispose(b, "stain.png", "use_as_is", LEE), "needs the concession"),
        (disposed, lambda b: acts.dispose(b, "stain.png", "scrap", KIM), "withdraw it before another"),
        (disposed, lambda b: acts.review(b, "stain.png", "pass", KIM), "rests on its verdict"),
        (reviewed, lambda b: acts.withdraw(b, last(b, Review), KIM), "the disposition by Lee rests on it"),
        (reviewed, lambda b: acts.review(b, "stain.png", "fail", KIM), "withdraw that review first"),
        (None, lambda b: acts.sign(b, "stain.png", "approval", LEE), "has no disposition"),
        (None, lambda b: acts.sign(b, "unsure.png", "approval", LEE), "nobody has decided"),
        (None, lambda b: acts.sign(b, "good-1.png", "approval", Who("Lee", "why")), "needs the role"),
        (approved, lambda b: acts.sign(b, "good-1.png", "approval", LEE), "already"),
        (approved, lambda b: acts.sign(b, "good-1.png", "approval", KIM), "approved by Lee already"),
        (approved, lambda b: acts.missed_defect(b, "good-1.png", "pit", (0, 0, 2, 2), KIM), "withdraw the approval first"),
        (None, lambda b: acts.withdraw(b, "2", KIM), "what the machine wrote stays"),
        (None, lambda b: acts.withdraw(b, "f" * 10, KIM), "holds no entry"),
        (None, lambda b: acts.withdraw(b, "zz", KIM), "neither an entry's number"),
    ],
)
def test_what_the_rules_forbid_is_one_error_and_nothing_is_written(book: Ledger, before: Act | None, act: Act, said: str) -> None:
    if before is not None:
        before(book)
    head = book.head
    with pytest.raises(BadData, match=said):
        act(book)
    assert book.head == head


def test_a_clock_that_runs_behind_is_told(book: Ledger) -> None:
    comment = acts.comment(book, "stain.png", KIM).entry
    assert isinstance(comment, Comment)
    book.append(comment.model_copy(update={"entered_at": "2999-01-01T00:00:00.000+00:00"}))
    head = book.head
    with pytest.raises(BadData, match=r"clock is [\d,]+ s behind the ledger's last entry \(2999"):
        acts.comment(book, "stain.png", KIM)
    assert book.head == head
    book.append(golden_record("later.png"))
    assert "a clock ran backwards" in book.verify().notes[0]


def test_a_verdict_by_people_is_the_last_ones(book: Ledger) -> None:
    acts.review(book, "unsure.png", "pass", KIM)
    acts.missed_defect(book, "unsure.png", "pit", (0, 0, 4, 4), LEE)
    assert find_part(book, "unsure.png").verdict == "fail"
    acts.withdraw(book, last(book, MissedDefect), LEE)
    assert find_part(book, "unsure.png").verdict == "pass"
