"""Whether a document is as it was made, and whether the ledger says the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

from seewhy.agent.documents.kinds import make
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.proof.naming import entry_about
from seewhy.agent.proof.signing import signature_of, unsigned_part
from seewhy.errors import BadData, SeewhyError
from seewhy.reports import document
from seewhy.reports.places import Place
from seewhy.reports.seal import HEAD, check_seal, recipe_in, where_changed

TEXT = ("html", "json", "csv", "qif")
MARKS = re.compile(r"seewhy-(sha256:[0-9a-f]{64}|index:[0-9a-f]{64}:[A-Za-z0-9_=-]+)")  # they follow from the rest


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a document.

    Attributes:
        problem: empty where it is as it was made.
        head: the ledger's head that it was made at; empty without one.
        changes: lines that were changed, where the ledger could say.
        place: the first photo or section that was changed, where the document or the ledger could say.
        entry: number of the entry about that photo, where the ledger could say.
        notes: what wasn't checked.
    """

    problem: str = ""
    head: str = ""
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    place: str = ""
    entry: int | None = None

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problem


def check_document(path: Path, ledger: Path | None = None, certificate: Path | None = None) -> Checked:
    """Check a document by its seal, and against the ledger that it was made from.

    With the ledger, its head must be in the chain. Where the ledger still has that head, the document is made again and compared, so
    that a changed document with a new seal is found too, and what was changed is told.

    Args:
        path: the document.
        ledger: see above.
        certificate: of a signed PDF: whose it must be, or who vouches for it.

    Raises:
        BadData: the file or the certificate can't be read.
        LedgerError: the ledger can't be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadData(f"{path} can't be read ({error.strerror})") from error
    problem, head, place, notes = "", "", None, tuple[str, ...]()
    sealed = unsigned_part(data)
    try:
        head = check_seal(sealed)
        if sealed != data or certificate is not None:
            notes = (_signed(data, certificate),)
    except BadData as error:
        problem, found, place = str(error), HEAD.search(data), where_changed(sealed)
        head = found[1].decode() if found else ""
    by_itself = Checked(problem, head, (), notes, str(place or ""))
    if ledger is None:
        return replace(by_itself, notes=(*notes, "the ledger was not asked (--ledger)"))
    return _against(path, sealed, by_itself, place, ledger)


def _signed(data: bytes, certificate: Path | None) -> str:
    """Whose signature a PDF bears.

    Raises:
        BadData: none, one that doesn't hold, or one by another than the certificate says.
    """
    found = signature_of(data, certificate)
    if found is None:
        raise BadData("it is not signed" if certificate else "something follows the document that no signature covers")
    if not found.holds:
        raise BadData(f"the signature of {found.by} does not hold: something was changed or added after it")
    if found.trusted is False:
        raise BadData(f"it is signed by {found.by}, for whom the given certificate does not vouch")
    vouched = "" if found.trusted else "; nobody was asked to vouch for that (--certificate)"
    stamped = f" by the time stamp of {found.stamped_by}" if found.stamped_by else ""
    return f"signed by {found.by} at {found.signed_at}{stamped}{vouched}"


def _against(path: Path, data: bytes, by_itself: Checked, place: Place | None, ledger: Path) -> Checked:
    with Ledger(ledger, read_only=True) as book:
        found = book.verify(by_itself.head or None)
        if not found.intact:
            why = f"the ledger is not intact, or doesn't hold the document's head: {found.problem}"
            return replace(by_itself, problem=by_itself.problem or why)
        if by_itself.head and by_itself.head != book.head[1]:
            said = _noted(by_itself, "the ledger has grown since; the document was not made again")
            return replace(said, entry=_entry_about(book, place))
        format_, recipe = path.suffix.lower().lstrip("."), recipe_in(data)
        lot, made = _nearest(format_, data, book) if recipe is None else (None, _again(recipe, format_, book))
        if made is None:
            return _noted(by_itself, "the ledger has no lot to make such a document of")
        if isinstance(made, bytes) and made != data:
            place = place or where_changed(data, made)
        return replace(_compared(by_itself, made, data, format_), place=str(place or ""), entry=_entry_about(book, place, lot))


def _noted(found: Checked, note: str) -> Checked:
    return replace(found, notes=(*found.notes, note))


def _compared(found: Checked, made: bytes | str, data: bytes, format_: str) -> Checked:
    """What the ledger's own document, or why there is none, says of this one."""
    if made == data:
        return found
    changes = (made,) if isinstance(made, str) else _differences(made, data, format_)
    why = "its seal fits, and the ledger says otherwise: it was changed and sealed again, or made by another version"
    return replace(found, problem=found.problem or why, changes=changes)


def _entry_about(book: Ledger, place: Place | None, lot: str | None = None) -> int | None:
    return entry_about(book.found_stored("kind IN ('inspection', 'refusal')"), place, lot) if place else None


def _again(recipe: dict[str, str], format_: str, book: Ledger) -> bytes | str:
    """A quality document made again, or why it can't be."""
    options = {name: value for name, value in recipe.items() if name not in ("kind", "language")}
    try:
        return make(book, recipe.get("kind", ""), format_, language=recipe.get("language", "en"), **options)
    except SeewhyError as error:
        return f"the ledger makes no such document: {error}"


def _nearest(format_: str, data: bytes, book: Ledger) -> tuple[str | None, bytes | None]:
    """(lot, document) of the ledger's own that is most like this one; without either where it makes none."""
    best: tuple[int, str, bytes] | None = None
    for lot in book.lots():
        shown = list(entries(book, lot))
        for language in ("en", "ko") if shown else ():
            made = document(shown, book.evidence, format_, head=book.head[1], language=language)
            if made == data:
                return lot, made
            differs = len(_differences(made, data, format_))
            best = (differs, lot, made) if best is None or differs < best[0] else best
    return (None, None) if best is None else best[1:]


def _differences(made: bytes, data: bytes, format_: str) -> tuple[str, ...]:
    """Changed lines: "-" as the ledger has them, "+" as the document does."""
    if format_ not in TEXT:
        return ("its bytes are others",)
    ours, theirs = (MARKS.sub("", text.decode("utf-8", "replace")).splitlines() for text in (made, data))
    return tuple(line[:200] for line in unified_diff(ours, theirs, lineterm="", n=0) if line[:1] in "+-" and line[:3] not in ("+++", "---"))
