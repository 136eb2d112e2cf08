"""A scale by two clicks, odd good photos, telling photos, drafts that leave alone what they don't speak of: no page, no model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.agent.chat.conftest import Asked

from seewhy.agent.chat.choosing import most_telling, spread
from seewhy.agent.chat.drafts import card_from, difference, form_of
from seewhy.agent.chat.gallery import Item
from seewhy.agent.chat.grammar import card_in
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.scaling import scale_of
from seewhy.agent.chat.workspace import Home
from seewhy.card import ProductCard, Scale


def test_a_longer_length_and_an_exacter_click_make_a_surer_scale() -> None:
    short, long, coarse = (scale_of((0, 0), (x, 0), x / 20, 0.0, click) for x, click in ((100, 1), (1000, 1), (1000, 5)))
    assert (short.mm_per_px, long.mm_per_px, coarse.mm_per_px) == (0.05, 0.05, 0.05)
    assert long.uncertainty < coarse.uncertainty < short.uncertainty
    ruler = scale_of((0, 0), (1000, 0), 50.0, 0.5)
    assert ruler.uncertainty == pytest.approx(0.05 * np.hypot(np.sqrt(2) / 1000, 0.01), rel=0.1)


@pytest.mark.parametrize("of", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_length_makes_no_scale(of: float) -> None:
    with pytest.raises(Told):
        scale_of((0, 0), (100, 0), of)


def test_clicks_that_nearly_meet_make_no_scale() -> None:
    with pytest.raises(Told):
        scale_of((5, 5), (7, 7), 10.0)


def test_what_a_simulated_hand_clicks_lies_within_the_stated_uncertainty() -> None:
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(2000):
        ends = rng.normal([[100, 100], [500, 400]], 1 / 1.96)
        length = rng.normal(25.0, 0.05 / 1.96)
        found = scale_of(tuple(ends[0]), tuple(ends[1]), length, 0.05)
        hits.append(abs(found.mm_per_px - 0.05) <= found.uncertainty)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_zones_and_outline_are_saved_in_the_card_and_shown_as_a_difference(tmp_path: Path) -> None:
    asked = Asked(Home.at(tmp_path / "w"))
    key = asked("create", form={"name": "plate"})
    drawn = {
        "parts": [{"name": "rim", "box": [0, 0, 1, 0.2]}],
        "outline": [[0, 0], [1, 0], [1, 1]],
        "mm_per_px": 0.05,
        "mm_uncertainty": 0.001,
    }
    form = form_of(ProductCard(name="plate")).model_dump() | drawn
    assert [row["field"] for row in asked("diff", product=key, form=form)] == ["parts", "outline", "scale"]
    asked("save_card", product=key, form=form)
    card = asked.home.product(key).card
    assert (card.parts[0].name, card.outline, card.scale) == ("rim", ((0, 0), (1, 0), (1, 1)), Scale(mm_per_px=0.05, uncertainty=0.001))
    assert difference(card, card_from(form, card)) == []
    assert "crosses itself" in asked.problem("save_card", product=key, form=form | {"outline": [[0, 0], [1, 1], [1, 0], [0, 1]]})


def test_a_draft_says_nothing_of_what_was_not_said() -> None:
    draft = card_in("This is a machined plate.")
    assert draft is not None
    assert set(draft.model_dump(exclude_unset=True)) == {"name", "description"}


def test_near_the_lines_and_not_looked_at_yet(tmp_path: Path) -> None:
    def item(name: str, score: float | None, people: bool = False) -> Item:
        return Item(name, "", 1, "review", "review", "", score, (), people)

    product = Home.at(tmp_path / "w").new_product(ProductCard(name="plate"))
    items = [
        item("far.png", 9.0),
        item("near.png", 5.2),
        item("seen.png", 5.0, people=True),
        item("refused.png", None),
        item("low.png", 3.0),
    ]
    assert most_telling(product, "l1", items, [5.0]) == ["near.png", "low.png", "far.png"]


def test_what_is_proposed_is_spread_over_looks() -> None:
    looks = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)  # four appearances, five photos of each
    assert sorted(i // 5 for i in spread(looks, 4)) == [0, 1, 2, 3]
