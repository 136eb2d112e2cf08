"""Samples of what passed, for people to look at again: drawn by the ledger's head, judged by the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.people.acts import entry_of, said_by
from seewhy.agent.people.roles import Who
from seewhy.agent.quality.sampling import Level, Plan, Severity, plan, zero_acceptance
from seewhy.agent.quality.seen import Book, append_reading
from seewhy.agent.quality.switching import State, after
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData
from seewhy.studies import SampleDrawn


@dataclass(frozen=True, slots=True)
class Judged:
    """A lot's sample as it stands.

    Attributes:
        row: number of its entry.
        plan: by which it was drawn.
        looked: of its photos, those that people have reviewed.
        found: of these, nonconforming.
    """

    row: int
    entry: SampleDrawn
    looked: int
    found: int

    @property
    def complete(self) -> bool:
        """Whether people have looked at all of them."""
        return self.looked == len(self.entry.photos)

    @property
    def accepted(self) -> bool | None:
        """By the plan; None while it isn't complete and nothing decides yet."""
        if self.found > int(self.entry.plan["accept"]):
            return False
        return True if self.complete else None


def draw(
    ledger: Ledger,
    lot: str,
    who: Who,
    *,
    aql: float | None = None,
    level: Level = "II",
    severity: Severity | None = None,
    zero: float | None = None,
) -> Row:
    """Draw a sample from a lot's photos that passed.

    The machine has seen every part; the sample is of what it let through, so the plan's AQL is about escapes, and the lot's size is
    the number of photos that passed.

    Args:
        ledger: open to write.
        lot: its name.
        who: draws, and why.
        aql: acceptance quality limit; see `seewhy.agent.quality.sampling.plan`.
        level: inspection level.
        severity: normal, tightened or reduced; by the switching rules from the product's earlier lots where it isn't given.
        zero: instead of an AQL: at most this share, shown by a sample without any (c = 0, 95 %).

    Raises:
        BadData: the lot has a sample, nothing passed, or the tables hold no such plan.
    """
    if (aql is None) == (zero is None):
        raise BadData("a sample is drawn by an --aql, or by --zero SHARE (acceptance number 0)")

    def look(book: Book) -> tuple[SampleDrawn, Pictured]:
        said = said_by(ledger, who, SampleDrawn)
        passed = [s for s in book.of(lot=lot) if s.machine == "pass"]
        if any(entry.lot == lot for *_, entry in book.entries(SampleDrawn)):
            raise BadData(f"the lot {lot!r} has a sample already")
        if not passed:
            raise BadData(f"no photo of the lot {lot!r} passed; there is nothing to draw from")
        product = passed[0].product
        due = severity or state_of(book, product, aql or 0.0, level).severity
        chosen = plan(len(passed), aql, level, due) if aql is not None else zero_acceptance(len(passed), zero or 0.0)
        seed = ledger.head[1]
        order = sorted(passed, key=lambda s: sha256_bytes(f"{seed} {s.hash}".encode()))
        names = tuple(s.photo for s in sorted(order[: chosen.size], key=lambda s: s.seq))
        fields: dict[str, Any] = {
            "lot": lot,
            "product": product,
            "plan": chosen.to_json(),
            "of": len(passed),
            "seed": seed,
            "photos": names,
        }
        return entry_of(SampleDrawn, said | fields), {}

    return append_reading(ledger, look)


def judged(book: Book, lot: str) -> Judged | None:
    """A lot's sample; None where none was drawn."""
    for seq, _, _, entry in book.entries(SampleDrawn):
        if entry.lot == lot:
            names = set(entry.photos)
            looked = [s for s in book.of(lot=lot) if s.photo in names and s.reviewed is not None]
            return Judged(seq, entry, len(looked), sum(s.verdict == "fail" for s in looked))
    return None


def state_of(book: Book, product: str, aql: float, level: Level) -> State:
    """Where the switching rules stand after a product's earlier samples of this AQL and level; normal where there are none (9.1)."""
    state = State()
    for _, _, _, entry in book.entries(SampleDrawn):
        made = Plan(**entry.plan)
        if entry.product != product or (made.aql, made.level) != (aql, level) or not made.letter:
            continue
        sample = judged(book, entry.lot)
        if sample is None or sample.accepted is None:
            continue
        if made.severity != state.severity:  # a person chose another one
            state = State(made.severity)
        state = after(state, made, sample.found)
        if state.stopped:
            return state
    return state
