"""Whether a document is as it was made, and whether the ledger says the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

from seewhy.agent.documents.kinds import make
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.proof.signing import signature_of, unsigned_part
from seewhy.errors import BadData, SeewhyError
from seewhy.reports import document
from seewhy.reports.seal import HEAD, check_seal, recipe_in

TEXT = ("html", "json", "csv")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a document.

    Attributes:
        problem: empty where it is as it was made.
        head: the ledger's head that it was made at; empty without one.
        changes: lines that were changed, where the ledger could say.
        notes: what wasn't checked.
    """

    problem: str = ""
    head: str = ""
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

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
    problem, head, notes = "", "", tuple[str, ...]()
    sealed = unsigned_part(data)
    try:
        head = check_seal(sealed)
        if sealed != data or certificate is not None:
            notes = (_signed(data, certificate),)
    except BadData as error:
        problem, found = str(error), HEAD.search(data)
        head = found[1].decode() if found else ""
    if ledger is None:
        return Checked(problem, head, notes=(*notes, "the ledger was not asked (--ledger)"))
    found_there = _against(path, sealed, problem, head, ledger)
    return replace(found_there, notes=notes + found_there.notes)


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
    return f"signed by {found.by} at {found.signed_at}{vouched}"


def _against(path: Path, data: bytes, problem: str, head: str, ledger: Path) -> Checked:
    with Ledger(ledger, read_only=True) as book:
        found = book.verify(head or None)
        if not found.intact:
            return Checked(problem or f"the ledger is not intact, or doesn't hold the document's head: {found.problem}", head)
        if head and head != book.head[1]:
            return Checked(problem, head, notes=("the ledger has grown since; the document was not made again",))
        format_ = path.suffix.lower().lstrip(".")
        recipe = recipe_in(data)
        changes = _nearest(format_, data, book) if recipe is None else _again(recipe, format_, data, book)
    if changes is None:
        return Checked(problem, head, notes=("the ledger has no lot to make such a document of",))
    if changes and not problem:
        problem = "its seal fits, and the ledger says otherwise: it was changed and sealed again, or made by another version"
    return Checked(problem, head, changes)


def _again(recipe: dict[str, str], format_: str, data: bytes, book: Ledger) -> tuple[str, ...]:
    """The lines in which a quality document differs from the same one made again; none where it doesn't."""
    kind, language, options = recipe.get("kind", ""), recipe.get("language", "en"), dict(recipe)
    del options["kind"]
    options.pop("language", None)
    try:
        made = make(book, kind, format_, language=language, **options)
    except SeewhyError as error:
        return (f"the ledger makes no such document: {error}",)
    if made == data:
        return ()
    return _differences(made, data) if format_ in TEXT else ("its bytes are others",)


def _nearest(format_: str, data: bytes, book: Ledger) -> tuple[str, ...] | None:
    """The lines in which it differs from the ledger's own document that is most like it; none where it is that."""
    best: tuple[str, ...] | None = None
    for lot in book.lots():
        shown = list(entries(book, lot))
        for language in ("en", "ko") if shown else ():
            made = document(shown, book.evidence, format_, head=book.head[1], language=language)
            if made == data:
                return ()
            differs = _differences(made, data) if format_ in TEXT else ("its bytes are others",)
            best = differs if best is None or len(differs) < len(best) else best
    return best


def _differences(made: bytes, data: bytes) -> tuple[str, ...]:
    """Changed lines: "-" as the ledger has them, "+" as the document does."""
    ours, theirs = (re.sub(r"seewhy-sha256:[0-9a-f]{64}", "", text.decode("utf-8", "replace")).splitlines() for text in (made, data))
    return tuple(line[:200] for line in unified_diff(ours, theirs, lineterm="", n=0) if line[:1] in "+-" and line[:3] not in ("+++", "---"))
