"""What people say of a photo on the page: entries of the ledger, by the same rules as from every other door."""

from __future__ import annotations

from collections.abc import Callable

from seewhy.agent.chat.looking import Call
from seewhy.agent.chat.problems import Told
from seewhy.agent.ledger.store import Ledger, Row
from seewhy.agent.people import acts
from seewhy.agent.people.parts import find_part
from seewhy.agent.people.roles import Kind, Who
from seewhy.agent.quality.entering import Found, enter_study
from seewhy.agent.quality.seen import Book
from seewhy.agent.quality.studies import escapes_of
from seewhy.people import Action as Disposal
from seewhy.people import Decided, Meaning
from seewhy.prompts import text
from seewhy.record import Severity


def judge(call: Call, product: str, lot: str, file: str, verdict: Decided, why: str = "") -> None:
    """Agree with the machine, overrule it, or decide what it left to a person. To agree needs no words of one's own."""
    found = call.product(product)
    with Ledger(found.ledger, read_only=True) as ledger:
        machine = find_part(ledger, file, lot).photo(file).machine
    if not why.strip() and verdict != machine:
        raise Told("no_reason")
    who = call.person.who(why.strip() or text("chat.agreed", call.language), "review")
    _enter(call, product, lambda ledger: acts.review(ledger, file, verdict, who, lot=lot))


def fine(call: Call, product: str, lot: str, file: str, finding: int, why: str = "") -> None:
    """Call a finding a false alarm."""
    _enter(call, product, lambda ledger: acts.false_alarm(ledger, file, finding, _who(call, why, "false_alarm"), lot=lot))


def missed(
    call: Call,
    product: str,
    lot: str,
    file: str,
    type: str,
    box: tuple[int, int, int, int],
    why: str = "",
    severity: Severity | None = None,
) -> None:
    """Mark a defect that the machine did not find; the part fails from now on."""
    if not type.strip():
        raise Told("no_type")
    who = _who(call, why, "missed_defect")
    _enter(call, product, lambda ledger: acts.missed_defect(ledger, file, type, box, who, severity=severity, lot=lot))


def correct(call: Call, product: str, lot: str, file: str, finding: int, box: tuple[int, int, int, int], why: str = "") -> None:
    """Mark where a finding really is."""
    _enter(call, product, lambda ledger: acts.correct(ledger, file, finding, box, _who(call, why, "correction"), lot=lot))


def name_type(call: Call, product: str, lot: str, file: str, finding: int, type: str) -> None:
    """Say what a finding is; similar ones are found by that name at once."""
    if not type.strip():
        raise Told("no_type")
    who = call.person.who(text("chat.seen", call.language), "confirmation")
    _enter(call, product, lambda ledger: acts.confirm(ledger, file, finding, type, who, lot=lot))


def comment(call: Call, product: str, lot: str, file: str, words: str) -> None:
    """Leave a remark."""
    if not words.strip():
        raise Told("no_reason")
    _enter(call, product, lambda ledger: acts.comment(ledger, file, call.person.who(words.strip(), "comment"), lot=lot))


def dispose(call: Call, product: str, lot: str, file: str, action: Disposal, why: str, concession: str = "") -> None:
    """Say what becomes of a part that doesn't conform."""
    if not why.strip():
        raise Told("no_reason")
    who = call.person.who(why.strip(), "disposition")
    _enter(call, product, lambda ledger: acts.dispose(ledger, file, action, who, concession=concession.strip(), lot=lot))


def sign(call: Call, product: str, lot: str, file: str, meaning: Meaning, why: str, role: str = "") -> None:
    """Sign a part; who has no account says in which role."""
    if not why.strip():
        raise Told("no_reason")
    who = call.person.who(why.strip(), "sign_off")
    if not (who.role or role.strip()):
        raise Told("no_role")
    who = Who(who.name, who.why, who.role or role.strip())
    _enter(call, product, lambda ledger: acts.sign(ledger, file, meaning, who, lot=lot))


def study(call: Call, product: str, lot: str, why: str) -> int:
    """Count, of the parts that people looked at again, how many defective ones passed and good ones failed.

    The number of the entry comes back.
    """
    if not why.strip():
        raise Told("no_reason")
    found, who = call.product(product), call.person.who(why.strip(), "study")

    def counted(book: Book) -> Found:
        made = escapes_of(lot=lot)(book)
        if not made.rests_on:
            raise Told("no_reviews")
        return made

    with Ledger(found.ledger, create=False) as ledger:
        return enter_study(ledger, "escapes", counted, who, product=found.card.name, lot=lot).seq


def take_back(call: Call, product: str, lot: str, file: str, why: str = "") -> None:
    """Withdraw one's own last entry about a photo."""
    found = call.product(product)
    with Ledger(found.ledger, read_only=True) as ledger:
        own = [digest for digest, one in find_part(ledger, file, lot).photo(file).people if one.by == call.person.name.strip()]
    if not own:
        raise Told("nothing_own")
    _enter(call, product, lambda ledger: acts.withdraw(ledger, own[-1], _who(call, why, "withdrawal")))


def _who(call: Call, why: str, kind: Kind) -> Who:
    return call.person.who(why.strip() or text("chat.seen", call.language), kind)


def _enter(call: Call, product: str, act: Callable[[Ledger], Row]) -> None:
    with Ledger(call.product(product).ledger, create=False) as ledger:
        act(ledger)
