from __future__ import annotations

from pathlib import Path

import pytest

from seewhy.agent.ledger.store import Ledger
from seewhy.agent.people import acts
from seewhy.agent.people.roles import Who
from seewhy.evals.promises.people import begun, forbidden, sequences


@pytest.mark.slow
def test_no_sequence_of_entries_leads_to_a_state_that_the_rules_forbid() -> None:
    done = sequences(100, 8)
    assert done["written"] > 50
    assert done["refused"] > 100


def test_the_account_of_the_rules_sees_what_is_forbidden(tmp_path: Path) -> None:
    with Ledger(begun(tmp_path)) as book:
        acts.review(book, "a.png", "fail", Who("Kim", "dent"))
        row = acts.dispose(book, "a.png", "scrap", Who("Park", "dent"))
        assert forbidden(list(book.rows())) == ""
        book.append(row.entry)
        assert "a second disposition" in forbidden(list(book.rows()))


@pytest.mark.parametrize(("name", "act"), [("Choi", "review"), ("Nobody", "comment"), ("Kim", "sign")])
def test_roles_hold_for_every_entry(tmp_path: Path, name: str, act: str) -> None:
    from seewhy.errors import BadData

    with Ledger(begun(tmp_path)) as book:
        head, more = book.head, {"review": ("pass",), "comment": (), "sign": ("approval",)}[act]
        with pytest.raises(BadData, match=r"may not enter|has no role"):
            getattr(acts, act)(book, "a.png", *more, Who(name, "why"))
        assert book.head == head
