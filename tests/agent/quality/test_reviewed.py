"""Parts that people let pass become good photos of the next model; how they came to be looked at is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tests.helpers.photos import ALPHA
from typer.testing import CliRunner

import seewhy
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.good import FromLedger
from seewhy.agent.models.product import ProductModel
from seewhy.agent.people import acts
from seewhy.agent.people.roles import Who
from seewhy.agent.quality.reviewed import judged_good, since_when
from seewhy.agent.quality.seen import Seen
from seewhy.cli import app
from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import good
from seewhy.record import Drift

TINY = PatchCoreSettings(input_px=96, bank_rows=200, candidate_rows=1000, whitened_rows=100)
KIM = Who("Kim", "looked at under the lamp")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good photos, a model, eight parts of a lot, and a ledger in which people reviewed some."""
    folder = tmp_path_factory.mktemp("reviewed")
    for name, numbers in (("plate", range(6)), ("lots/monday", range(20, 28))):
        (folder / name).mkdir(parents=True)
        for i in numbers:
            Image.fromarray(good("plate", i).pixels).save(folder / name / f"{i}.png")
    seewhy.fit(folder / "plate", save=folder / "m", detector="patchcore", settings=TINY, alpha=ALPHA)
    words = ["batch", str(folder / "lots" / "monday"), "-m", str(folder / "m"), "--ledger", str(folder / "l.sqlite")]
    assert CliRunner().invoke(app, words).exit_code < 2
    with Ledger(folder / "l.sqlite") as ledger:
        for i in range(20, 25):
            acts.review(ledger, f"{i}.png", "pass", KIM)
        acts.review(ledger, "25.png", "fail", KIM)
        acts.missed_defect(ledger, "24.png", "pit", (4, 4, 9, 9), KIM)
    return folder


def test_parts_that_people_let_pass_are_found_by_what_they_are(place: Path) -> None:
    found = judged_good(place / "l.sqlite", place / "lots")
    assert [Path(one.name).name for one in found.samples] == ["20.png", "21.png", "22.png", "23.png"]  # 24 had a missed defect
    assert {one.by for one in found.known.taken} == {"Kim"}
    assert sum(looked for looked, _ in found.known.looked_at.values()) == 6
    assert found.lost == ()
    first = judged_good(place / "l.sqlite", place / "lots", since="3")
    assert len(first.samples) < len(found.samples)
    moved = place / "elsewhere"
    moved.mkdir(exist_ok=True)
    (moved / "20.png").write_bytes((place / "lots" / "monday" / "20.png").read_bytes())
    (moved / "21.png").write_bytes((place / "lots" / "monday" / "27.png").read_bytes())  # another photo of its name
    kept = judged_good(place / "l.sqlite", moved)
    assert ([Path(one.name).name for one in kept.samples], len(kept.lost)) == (["20.png"], 3)


@pytest.mark.parametrize(
    ("said", "product", "since", "why"),
    [
        ("lots", "screw", "", "holds nothing of"),
        ("lots", "", "2999-01-01", "nobody has reviewed"),
        ("lots", "", "soon", "neither an entry's number nor a date"),
        ("plate", "", "", "holds none of the 4 photos"),
        ("none", "", "", "is no folder"),
    ],
)
def test_what_is_missing_is_said(place: Path, said: str, product: str, since: str, why: str) -> None:
    with pytest.raises(BadData, match=why):
        judged_good(place / "l.sqlite", place / said, product, since)


def test_a_model_says_which_of_its_photos_came_from_a_ledger(place: Path, tmp_path: Path) -> None:
    words = ["fit", str(place / "plate"), "-o", str(tmp_path / "m"), "--detector", "patchcore", "--alpha", str(ALPHA)]
    words += [f"--option={name}={getattr(TINY, name)}" for name in ("input_px", "bank_rows", "candidate_rows", "whitened_rows")]
    ran = CliRunner().invoke(app, [*words, "--from-ledger", str(place / "l.sqlite"), "--reviewed-photos", str(place / "lots")])
    assert ran.exit_code == 0, ran.output
    assert "4 good photos of parts that people let pass (Kim)" in " ".join(ran.output.split())
    model = ProductModel.load(tmp_path / "m")
    assert (model.good_photos, len(model.good.reviewed.taken)) == (10, 4)
    with Ledger(place / "l.sqlite", read_only=True) as ledger:
        assert {one.entry for one in model.good.reviewed.taken} < {row.hash for row in ledger.rows()}
    alone = seewhy.fit(
        save=tmp_path / "n", detector="patchcore", settings=TINY, from_ledger=place / "l.sqlite", reviewed_photos=place / "lots"
    )
    assert (alone.model.product, alone.model.good_photos) == ("plate", 4)
    with pytest.raises(BadData, match="give both"):
        seewhy.fit(place / "plate", from_ledger=place / "l.sqlite")


def test_after_an_alarm_only_what_came_since_the_change_counts() -> None:
    drift = Drift(since="3.png", alarm="5.png", alarm_lot="L", way="higher", photos=5, bound=0.01)
    made = [Seen(i, str(i), f"2026-11-{i:02}", "L", "p", f"{i}.png", "", "", "", "", "review") for i in range(1, 8)]
    for seen in made[4:]:
        seen.drift = drift
    again = Seen(9, "9", "2026-11-09", "M", "p", "3.png", "", "", "", "", "review", drift=drift)  # another lot's photo of the same name
    assert [one.seq for one in since_when([*made, again], "")] == [3, 4, 5, 6, 7, 9]
    assert [one.seq for one in since_when(made, "2026-11-06T08:00+09:00")] == [6, 7]  # 23:00 of the day before in UTC
    assert [one.seq for one in since_when(made, "")] == [3, 4, 5, 6, 7]
    assert [one.seq for one in since_when(made, "2")] == [2, 3, 4, 5, 6, 7]
    assert [one.seq for one in since_when(made, "2026-11-06")] == [6, 7]
    assert [one.seq for one in since_when(made[:4], "")] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("looked_at", "chosen"),
    [
        ({"pass": (0, 180), "review": (12, 12)}, True),
        ({"pass": (180, 180), "review": (12, 12)}, False),
        ({"review": (40, 40)}, False),  # after an alarm nothing passes, and people see all of it
        ({"pass": (9, 90), "fail": (1, 10), "refused": (3, 3)}, False),
        ({"pass": (9, 90)}, False),
    ],
)
def test_whether_people_chose_the_odd_ones(looked_at: dict[str, tuple[int, int]], chosen: bool) -> None:
    assert FromLedger((), looked_at).chosen is chosen
    assert FromLedger.from_facts(FromLedger((), looked_at).facts()) == FromLedger((), looked_at)
