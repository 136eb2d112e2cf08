"""Criteria, studies, master parts and samples as entries: what may follow what."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.ledgers import golden_record
from tests.helpers.works import KIM, LEE, masters

from seewhy.agent.documents.kinds import make
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.people import acts
from seewhy.agent.people.roles import Who
from seewhy.agent.quality.entering import apart_from, enter_study, set_criterion
from seewhy.agent.quality.masters import MasterList, load_masters, rule_on_masters, run_masters
from seewhy.agent.quality.samples import draw, judged, state_of
from seewhy.agent.quality.seen import read
from seewhy.agent.quality.studies import agreement_of, detection_of, escapes_of
from seewhy.agent.quality.tables import reference_of
from seewhy.errors import BadData
from seewhy.studies import StudyDone


def lot(ledger: Ledger, name: str, good: int, bad: int = 0) -> None:
    """A lot of so many passing and failing photos."""
    for i in range(good):
        ledger.append(golden_record(f"good-{name}-{i}.png", lot=name, serial=f"{name}-{i}"))
    for i in range(bad):
        ledger.append(golden_record(f"stain-{name}-{i}.png", lot=name, serial=f"{name}-b{i}"))


def test_a_criterion_is_entered_before_its_test(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        lot(ledger, "A", 3)
        row = set_criterion(ledger, "escapes", "escape_share_upper", "at_most", 0.5, LEE, protocol="P", product="plate")
        done = enter_study(ledger, "escapes", escapes_of(lot="A"), LEE, product="plate", protocol="P")
        assert isinstance(done.entry, StudyDone)
        assert [(one.criterion, one.held) for one in done.entry.criteria] == [(row.hash, False)]  # nobody has looked: the bound is 1
        with pytest.raises(BadData, match=r"the test 'P' was done on .* a criterion is entered before its test"):
            set_criterion(ledger, "escapes", "escape_share_upper", "at_most", 1.0, LEE, protocol="P", product="plate")
        with pytest.raises(BadData, match="set on escape_share_upper"):
            set_criterion(ledger, "escapes", "beauty", "at_most", 1.0, LEE, protocol="Q", product="plate")
        with pytest.raises(BadData, match="give its --protocol"):
            set_criterion(ledger, "escapes", "escape_share_upper", "at_most", 1.0, LEE, protocol=" ", product="plate")


def test_the_bound_that_needs_nobody_rests_on_scores_alone(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        lot(ledger, "A", 4, 1)
        book = read(ledger)
    for seen in book.photos:
        seen.calibration, seen.p_value = 99, 0.5 if seen.machine == "pass" else 0.01
    made = escapes_of(lot="A", defect_share=0.5)
    found = made(book)
    assert found.results["unseen"]["lot"]["count"] == 4
    assert found.inputs == {"defect_share": 0.5}
    stopped = next(seen for seen in book.photos if seen.spots)
    next(seen for seen in book.photos if seen.machine == "pass").spots = stopped.spots  # its policy let it pass, not its score
    assert made(book).results["unseen"] is None


def test_escapes_are_counted_from_what_people_looked_at(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        lot(ledger, "A", 8, 2)
        for i in range(6):
            acts.review(ledger, f"good-A-{i}.png", "fail" if i == 0 else "pass", KIM)
        acts.review(ledger, "stain-A-0.png", "pass", KIM)
        found = escapes_of(lot="A")(read(ledger))
        assert (found.results["escaped"]["count"], found.results["escaped"]["of"], found.results["random"]) == (1, 6, False)
        assert (found.results["false_rejects"]["count"], found.results["false_rejects"]["of"]) == (1, 1)
        assert found.measures["escape_share_upper"] == pytest.approx(0.5818, abs=1e-3)
        assert len(found.rests_on) == 7
        with pytest.raises(BadData, match="no inspected photo"):
            escapes_of(lot="B")(read(ledger))


def test_detection_from_the_ledger_alone_says_that_it_over_estimates(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        lot(ledger, "A", 2, 2)
        with pytest.raises(BadData, match="no defect of known size"):
            detection_of(lot="A", product="")(read(ledger))
        acts.confirm(ledger, "stain-A-0.png", 1, "stain", KIM)
        acts.missed_defect(ledger, "good-A-0.png", "pit", (0, 0, 3, 4), KIM)
        found = detection_of(lot="A", product="")(read(ledger))
        assert found.results["source"] == "found_by_system" and found.results["found"] == [True, False]
        assert found.results["sizes"][1] == 5.0


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("part,truth\nA-0,maybe\n", "pass or fail, not 'maybe'"),
        ("part\nA-0\n", "no column 'truth'"),
        ("part,truth\n", "has no rows"),
        ("part,truth,size\nA-0,fail,wide\n", "a size is a number"),
    ],
)
def test_a_reference_that_cant_be_used(tmp_path: Path, table: str, said: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(table)
    with pytest.raises(BadData, match=said):
        reference_of(path)


def test_a_defect_of_size_zero_and_one_appraiser(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("part,truth,size\nA-0,fail,0\n")
    with Ledger(tmp_path / "l.sqlite") as ledger:
        lot(ledger, "A", 2)
        with pytest.raises(BadData, match="above zero, not 0"):
            detection_of(lot="A", product="", reference=reference_of(path))(read(ledger))
        with pytest.raises(BadData, match="two appraisers or more"):
            agreement_of(reference_of(path), lot="A")(read(ledger))
        with pytest.raises(BadData, match="no inspected photo of a part that the reference names"):
            agreement_of(reference_of(path), lot="none")(read(ledger))


def test_training_photos_among_the_test_photos_are_found(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(BadData, match="holds no training photo"):
        apart_from(escapes_of(), tmp_path / "train")
    (tmp_path / "train" / "a.png").write_bytes(b"good-A-0.png")  # whose SHA-256 the record has as its photo's
    with Ledger(tmp_path / "l.sqlite") as ledger:
        lot(ledger, "A", 2)
        acts.review(ledger, "good-A-0.png", "pass", KIM)
        found = apart_from(escapes_of(lot="A"), tmp_path / "train")(read(ledger))
    assert found.results["independence"] == {"training": 1, "tested": 1, "common": 1}


@pytest.mark.slow
def test_a_missed_master_part_blocks_the_lot_until_a_person_rules(tmp_path: Path, inspector: Inspector) -> None:
    listed, photos = masters(tmp_path / "m")
    wrong = MasterList.model_validate({"parts": [{**listed.parts[1].model_dump(), "must": "stop"}]})
    with Ledger(tmp_path / "l.sqlite") as ledger:
        with pytest.raises(BadData, match=r"no photo 'gone\.png'"):
            run_masters(
                ledger, inspector, MasterList.model_validate({"parts": [{"name": "R", "photo": "gone.png", "must": "stop"}]}), photos, KIM
            )
        run = run_masters(ledger, inspector, wrong, photos, KIM)
        lot(ledger, "A", 2)
        with pytest.raises(BadData, match=r"can't be certified: in the run of master parts beside it .* RM-2"):
            make(ledger, "lot-certificate", "json", lot="A")
        with pytest.raises(BadData, match="needs the role"):
            rule_on_masters(ledger, str(run.seq), "continue", Who("Kim", "it is worn"))
        rule_on_masters(ledger, str(run.seq), "stop", LEE)
        with pytest.raises(BadData, match="can't be certified"):
            make(ledger, "lot-certificate", "json", lot="A")
        with pytest.raises(BadData, match="has ruled on entry"):
            rule_on_masters(ledger, str(run.seq), "continue", LEE)
        again = run_masters(ledger, inspector, wrong, photos, KIM)
        rule_on_masters(ledger, str(again.seq), "continue", LEE)
        lot(ledger, "B", 2)
        assert make(ledger, "lot-certificate", "json", lot="B")
        run_masters(ledger, inspector, wrong, photos, KIM)  # a miss after the lot puts the lot in doubt too
        with pytest.raises(BadData, match="can't be certified"):
            make(ledger, "lot-certificate", "json", lot="B")
        good = run_masters(ledger, inspector, listed, photos, KIM)
        with pytest.raises(BadData, match="nothing to rule on"):
            rule_on_masters(ledger, str(good.seq), "continue", LEE)


def test_a_list_of_master_parts_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("parts:\n- {name: A, photo: a.png, must: stop, box: [1, 2, 30, 40]}\n")
    assert load_masters(path).parts[0].box == (1, 2, 30, 40)
    path.write_text("parts: []\n")
    with pytest.raises(BadData):
        load_masters(path)
    path.write_text("parts:\n- {name: A, photo: a.png, must: stop}\n- {name: A, photo: b.png, must: pass}\n")
    with pytest.raises(BadData, match="'A' twice"):
        load_masters(path)


def test_a_sample_is_drawn_once_by_the_head_and_judged_by_reviews(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        lot(ledger, "A", 60, 2)
        row = draw(ledger, "A", LEE, aql=6.5)
        sample = judged(read(ledger), "A")
        assert sample is not None and sample.accepted is None and row.entry.of == 60  # type: ignore[union-attr]
        names = sample.entry.photos
        assert len(names) == 13 and all(name.startswith("good") for name in names)
        with pytest.raises(BadData, match="has a sample already"):
            draw(ledger, "A", LEE, aql=6.5)
        for i, name in enumerate(names):
            acts.review(ledger, name, "fail" if i < 3 else "pass", KIM)
        judged_now = judged(read(ledger), "A")
        assert judged_now is not None and judged_now.accepted is False and judged_now.found == 3
        assert state_of(read(ledger), "plate", 6.5, "II").recent == (False,)
        lot(ledger, "B", 0, 1)
        with pytest.raises(BadData, match="nothing to draw from"):
            draw(ledger, "B", LEE, aql=6.5)
        with pytest.raises(BadData, match="no AQL of 3"):
            lot(ledger, "C", 5)
            draw(ledger, "C", LEE, aql=3.0)
        with pytest.raises(BadData, match="--aql, or by --zero"):
            draw(ledger, "C", LEE)
        assert len(draw(ledger, "C", LEE, zero=0.5).entry.photos) == 3  # type: ignore[union-attr]
