"""Random sequences of people's entries: whatever they try, the ledger never comes to a state that the rules forbid, and keeps every reason.

What is checked is read back from the ledger by a second, plainer account of the rules than the product's (`seewhy.agent.people.rules`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from seewhy.agent.ledger.store import Ledger, Row
from seewhy.agent.people import acts, releases
from seewhy.agent.people.roles import Who
from seewhy.errors import BadData
from seewhy.evals.run import measuring
from seewhy.people import Disposition, MissedDefect, PersonsEntry, Release, Review, SignOff, Withdrawal
from seewhy.record import RefusedPhoto

SEQUENCES, STEPS = 2000, 14
PARTS = ("a.png", "b.png", "none.png")  # the last one isn't there
PEOPLE = ("Kim", "Lee", "Park", "Choi", "Nobody")
ROLES = """
people: {Kim: inspector, Lee: [inspector, quality], Park: quality, Choi: guest, Boss: boss}
roles:
  inspector: [review, missed_defect, comment, withdrawal]
  quality: [review, disposition, sign_off, withdrawal, comment]
  guest: [comment]
  boss: [release]
four_eyes: true
"""
MAY = {
    "Kim": {"review", "missed_defect", "comment", "withdrawal"},
    "Lee": {"review", "missed_defect", "comment", "withdrawal", "disposition", "sign_off"},
    "Park": {"review", "comment", "withdrawal", "disposition", "sign_off"},
    "Choi": {"comment"},
}
FAST = Path("/dev/shm")  # nothing here is about the disk

tallied = Counter[str]()  # what became of the steps of all sequences


def begun(folder: Path) -> Path:
    """A ledger of two parts that await a person, with its roles."""
    path = folder / "book.sqlite"
    path.write_bytes(_first_entries())
    return path


@cache
def _first_entries() -> bytes:
    """Two refused photos and the roles, as a ledger's file."""
    with tempfile.TemporaryDirectory() as folder:
        path, roles = Path(folder) / "book.sqlite", Path(folder) / "roles.yaml"
        roles.write_text(ROLES, encoding="utf-8")
        _write_entries(path, roles)
        return path.read_bytes()


def _write_entries(path: Path, roles: Path) -> None:
    with Ledger(path) as book:
        for name in PARTS[:2]:
            entry = RefusedPhoto(
                lot="L", product="p", name=name, sha256=None, code="folder", message="m", remedy="r", inspected_at="2026-01-01T00:00:00"
            )
            book.append(entry)
        releases.release(book, "roles", roles, Who("Boss", "first roles", "boss"))


class People(RuleBasedStateMachine):
    """Several people at one ledger, who try whatever they like."""

    # mostly what may succeed, so that sequences get somewhere
    names, parts = st.sampled_from((*PEOPLE, "Lee", "Park", "Kim", "Lee", "Park")), st.sampled_from((*PARTS, "a.png", "a.png", "a.png"))
    reasons = st.sampled_from(("seen under the lamp", "이물 확인", "x" * 300, "sorted by hand", "agreed", "why not", " "))

    @initialize()
    def begin(self) -> None:
        """A ledger of its own."""
        self.folder = Path(tempfile.mkdtemp(dir=FAST if FAST.is_dir() else None))
        self.book = Ledger(begun(self.folder))
        self.reasons_given: list[tuple[str, str]] = []

    def teardown(self) -> None:
        """Read the whole ledger again, and remove it."""
        if not hasattr(self, "book"):
            return
        with self.book:
            rows = list(self.book.rows())
            assert (problem := forbidden(rows)) == "", problem
            kept = [(r.hash, r.entry.why) for r in rows if isinstance(r.entry, PersonsEntry) and not isinstance(r.entry, Release)]
            assert kept == self.reasons_given, "a reason was lost"
            assert self.book.verify().intact
        shutil.rmtree(self.folder)

    def attempt(self, name: str, why: str, act: Callable[[Who], Row]) -> None:
        """One entry, or one error and nothing written."""
        head = self.book.head
        try:
            row = act(Who(name, why))
        except BadData:
            assert self.book.head == head, "an error left something behind"
            tallied["refused"] += 1
        else:
            assert self.book.head == (head[0] + 1, row.hash)
            self.reasons_given.append((row.hash, why.strip()))
            tallied["written"] += 1
            tallied[f"written_{row.entry.kind}"] += 1

    @rule(name=names, part=parts, why=reasons, verdict=st.sampled_from(("fail", "fail", "pass")))
    def review(self, name: str, part: str, why: str, verdict: Any) -> None:
        """Somebody reviews."""
        self.attempt(name, why, lambda who: acts.review(self.book, part, verdict, who))

    @rule(name=names, part=parts, why=reasons, action=st.sampled_from(("scrap", "use_as_is")), concession=st.sampled_from(("", "C-1")))
    def dispose(self, name: str, part: str, why: str, action: Any, concession: str) -> None:
        """Somebody disposes of a part."""
        self.attempt(name, why, lambda who: acts.dispose(self.book, part, action, who, concession=concession))

    @rule(name=names, part=parts, why=reasons, meaning=st.sampled_from(("approval", "review")))
    def sign(self, name: str, part: str, why: str, meaning: Any) -> None:
        """Somebody signs."""
        self.attempt(name, why, lambda who: acts.sign(self.book, part, meaning, who))

    @rule(name=names, part=parts, why=reasons)
    def remark(self, name: str, part: str, why: str) -> None:
        """Somebody remarks."""
        self.attempt(name, why, lambda who: acts.comment(self.book, part, who))

    @rule(name=names, part=parts, why=reasons)
    def miss(self, name: str, part: str, why: str) -> None:
        """Somebody marks a defect on a photo that was never inspected."""
        self.attempt(name, why, lambda who: acts.missed_defect(self.book, part, "pit", (0, 0, 1, 1), who))

    @rule(name=names, why=reasons, back=st.integers(0, 4))
    def withdraw(self, name: str, why: str, back: int) -> None:
        """Somebody takes back one of the last entries, the machine's among them."""
        self.attempt(name, why, lambda who: acts.withdraw(self.book, str(max(1, self.book.head[0] - back)), who))


def forbidden(rows: list[Row]) -> str:
    """What in a ledger should never have been written; empty where nothing."""
    standing = {part: dict[str, PersonsEntry]() for part in PARTS[:2]}
    for row in rows:
        entry = row.entry
        if not isinstance(entry, PersonsEntry) or isinstance(entry, Release):
            continue
        said = standing.get(entry.name)
        if said is None:
            return f"entry {row.seq} is about a part that isn't there"
        if problem := _wrong(entry, said):
            return f"entry {row.seq}: {problem}"
        if isinstance(entry, Withdrawal):
            del said[entry.refers_to or ""]
        else:
            said[row.hash] = entry
    return ""


def _wrong(entry: Any, said: dict[str, PersonsEntry]) -> str:
    of = list(said.values())
    verdicts = [e for e in of if isinstance(e, Review)]
    approved = any(isinstance(e, SignOff) and e.meaning == "approval" for e in of)
    disposed = any(isinstance(e, Disposition) for e in of)
    if entry.kind not in MAY.get(entry.by, set()) or not entry.role or not entry.why:
        return "somebody without the role, or without a reason"
    if approved and entry.kind not in ("comment", "sign_off", "withdrawal"):
        return "an entry after the approval"
    if isinstance(entry, Withdrawal):
        after = list(said)[list(said).index(entry.refers_to) + 1 :] if entry.refers_to in said else ["gone"]
        rests = [said.get(digest) for digest in after]
        taken = said.get(entry.refers_to or "")
        if any(e is None or isinstance(e, Disposition | SignOff) for e in rests) and getattr(taken, "kind", "") != "comment":
            return "what was withdrawn was rested on, or wasn't there"
    if isinstance(entry, Review) and (disposed or any(v.by == entry.by for v in verdicts)):
        return "a second review, or one under a disposition"
    if isinstance(entry, Disposition):
        nonconforming = bool(verdicts) and verdicts[-1].verdict == "fail"
        if disposed or not nonconforming or (entry.action == "use_as_is" and not entry.concession):
            return "a second disposition, one of a part that conforms, or one without its concession"
    if isinstance(entry, SignOff) and entry.meaning == "approval":
        if not verdicts or (verdicts[-1].verdict == "fail" and not disposed):
            return "an approval before the decision"
        if any(isinstance(e, Review | Disposition | MissedDefect) and e.by == entry.by for e in of):
            return "one person as both eyes"
    return ""


def sequences(count: int, steps: int) -> dict[str, int]:
    """Run so many random sequences; an assertion fails at the first forbidden state.

    Args:
        count: of sequences.
        steps: at most, of each.
    """
    tallied.clear()
    run_state_machine_as_test(
        People,
        settings=settings(
            max_examples=count,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        ),
    )
    return {"sequences": count, "steps_at_most": steps, **tallied, "forbidden_states": 0, "lost_reasons": 0}


def main(out: Path, count: Annotated[int, typer.Option(help="Sequences.")] = SEQUENCES) -> None:
    """Random sequences of people's entries: no state that the rules forbid, no lost reason."""
    with measuring(out, {}, "hypothesis") as table:
        table.row("people", sequences, count, STEPS)
