"""Releases, settings that changed, complaints, and what the ledger says of people."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers import TESTS
from tests.helpers.ledgers import golden_record, refusal
from tests.helpers.photos import ALPHA

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.models.product import ProductModel
from seewhy.agent.people import acts, history, releases
from seewhy.agent.people.roles import Who, load_roles, roles_of
from seewhy.agent.photos.layouts import read_layout
from seewhy.canonical import sha256_bytes
from seewhy.card import ProductCard
from seewhy.errors import BadData, BadModel
from seewhy.people import Complaint, SettingsChange
from seewhy.record import InspectionRecord

ROLES = "people: {Kim: inspector, Lee: [quality], Park: [quality]}\nroles: {inspector: [review, comment], quality: [release, review]}\n"
LEE = Who("Lee", "validated on 200 parts", "quality")


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    path = tmp_path / "roles.yaml"
    path.write_text(ROLES + "four_eyes: true\n", encoding="utf-8")
    return path


def test_a_release_keeps_what_was_released(tmp_path: Path, roles: Path) -> None:
    card, model = tmp_path / "card.yaml", TESTS / "golden" / "schema1" / "models" / "template"
    card.write_text("name: plate\n", encoding="utf-8")
    with Ledger(tmp_path / "l.sqlite") as book:
        rows = [
            releases.release(book, "card", card, LEE),
            releases.release(book, "model", model, LEE, product="plate", approved_by="Park"),
            releases.release(book, "roles", roles, LEE),
        ]
        for row in rows:
            content = row.entry.content_sha256  # type: ignore[union-attr]
            kept = book.evidence(content)
            assert kept is not None and sha256_bytes(kept) == content
        assert roles_of(book) == load_roles(roles)
        assert {what: row.seq for what, row in releases.released_now(book, "plate").items()} == {"card": 1, "model": 2, "roles": 3}
        assert [row.seq for row in history.changes(book)] == [1, 2, 3]
        assert book.verify().intact


@pytest.mark.parametrize(
    ("who", "second", "said"),
    [
        (Who("Kim", "why"), "Park", "may not enter a release as inspector"),
        (Who("Lee", "why"), "", "names who else approved it"),
        (Who("Lee", "why"), "Lee", "can't approve a release of their own"),
        (Who("Lee", "why"), "Kim", "may not enter a release"),
        (Who("Choi", "why"), "Park", "'Choi' has no role in this ledger"),
        (Who("Lee", "why", "inspector"), "Park", "Lee is not 'inspector'"),
    ],
)
def test_who_may_release_what(tmp_path: Path, roles: Path, who: Who, second: str, said: str) -> None:
    with Ledger(tmp_path / "l.sqlite") as book:
        releases.release(book, "roles", roles, LEE)
        with pytest.raises(BadData, match=said):
            releases.release(book, "roles", roles, who, approved_by=second)
        assert book.head[0] == 1


def test_what_can_not_be_released_is_refused(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as book:
        with pytest.raises(BadModel):
            releases.release(book, "model", tmp_path, LEE, product="plate")
        with pytest.raises(BadData, match="needs the role"):
            releases.release(book, "policy", policy(tmp_path), Who("Lee", "why"), product="plate")
        with pytest.raises(BadData, match="needs the product"):
            releases.release(book, "policy", policy(tmp_path), LEE)


def policy(folder: Path) -> Path:
    path = folder / "policy.yaml"
    path.write_text("name: ours\nversion: '1'\nrules: [{id: all, when: {}, severity: minor, verdict: review, because: it is one.}]\n")
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("people: {Kim: boss}\nroles: {}\n", "Kim has the role 'boss'"),
        ("people: {Kim: boss}\nroles: {boss: [review]}\n", "nobody could release other roles"),
        ("people: {Kim: boss}\nroles: {boss: [fly, release]}\n", "roles.boss.0"),
        ("people: {Kim: boss}\nroles: {boss: release}\nfour_eyes: perhaps\n", "four_eyes"),
    ],
)
def test_a_file_of_roles_is_read_strictly(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "roles.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadData, match=said):
        load_roles(path)


def test_a_complaint_points_to_what_was_inspected(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as book:
        for name in ("good-1.png", "good-2.png"):
            book.append(golden_record(name, serial=name[5]))
        row = releases.complain(book, "C-9", ["1", "good-2.png"], Who("Lee", "a dent at the rim"), customer="Acme")
        assert isinstance(row.entry, Complaint)
        assert list(row.entry.points_to) == [r.hash for r in book.rows() if isinstance(r.entry, InspectionRecord)]
        ((told, parts),) = history.complaints(book, "C-9")
        assert told.hash == row.hash
        assert [(p.name, p.machine) for p in parts] == [("1", "pass"), ("2", "pass")]
        assert row.hash in [r.hash for r in parts[0].history]
        assert list(history.complaints(book, "C-10")) == []
        with pytest.raises(BadData, match="no photo or part 'x'"):
            releases.complain(book, "C-9", ["x"], LEE)
        with pytest.raises(BadData, match="name one or more"):
            releases.complain(book, "C-9", [], LEE)


def test_how_often_reviewers_overrule(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as book:
        for name in ("stain-1.png", "stain-2.png", "stain-3.png"):
            book.append(golden_record(name))
        book.append(refusal("torn.png"))
        for part, verdict in (("stain-1.png", "pass"), ("stain-2.png", "fail"), ("torn.png", "pass")):
            acts.review(book, part, verdict, Who("Kim", "looked"))  # type: ignore[arg-type]
        taken = acts.review(book, "stain-3.png", "pass", Who("Lee", "looked"))
        (kim, lee) = history.reviewers(book)
        assert (kim.name, kim.reviews, kim.agreed, kim.overruled, kim.decided, kim.fail_to_pass) == ("Kim", 3, 1, 1, 1, 1)
        assert (kim.overrule_rate, lee.overrule_rate) == (0.5, 1.0)
        acts.withdraw(book, taken.hash, Who("Lee", "a slip"))
        assert [one.name for one in history.reviewers(book)] == ["Kim"]


@pytest.mark.slow
def test_a_lot_under_other_settings_writes_what_changed(tmp_path: Path) -> None:
    golden = TESTS / "golden" / "schema1"
    inspector = Inspector(ProductModel.load(golden / "models" / "patchcore"), card=ProductCard(name="plate"), alpha=ALPHA)
    samples = [sample for sample in read_layout(golden / "photos" / "plate") if sample.name in ("good.png", "stain.png")]
    assert len(samples) == 2
    with Ledger(tmp_path / "l.sqlite") as book:
        run_batch(inspector, samples, book, lot="A")
        run_batch(inspector, samples, book, lot="B")
        assert history.changes(book) == []
        other = Inspector(inspector.model, card=inspector.card, alpha=ALPHA / 2)
        run_batch(other, samples, book, lot="C")
        run_batch(other, samples, book, lot="D")
        (row,) = history.changes(book)
        assert isinstance(row.entry, SettingsChange)
        assert {n for n, value in row.entry.after.items() if row.entry.before[n] != value} == {"alpha"}
        assert (row.entry.lot, row.entry.before["alpha"], row.entry.after["alpha"]) == ("C", repr(ALPHA), repr(ALPHA / 2))
        assert book.lots() == ["A", "B", "C", "D"]
        assert book.verify().intact
