"""What isn't about one part: releases of models, cards, policies and roles, and customers' complaints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seewhy.agent.inspection.policy import load_policy
from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.models.folder import manifest_bytes
from seewhy.agent.people.acts import entry_of, said_by
from seewhy.agent.people.parts import find_part
from seewhy.agent.people.roles import Who, load_roles, role_for, roles_of
from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.card import load_card
from seewhy.errors import BadData
from seewhy.people import Complaint, Document, Release, Released


def release(ledger: Ledger, what: Released, place: Path, who: Who, *, product: str = "", approved_by: str = "") -> Row:
    """From now on, a product is inspected with this model, card or policy, or people have these roles.

    Args:
        ledger: open to write.
        what: of which kind.
        place: the model's folder, or the file; its content goes into the ledger (of a model: its manifest).
        who: releases it, and why.
        product: which one; for roles none.
        approved_by: who else has looked at it; needed where the ledger's roles ask for four eyes.

    Raises:
        BadData: it can't be read, the person may not, or a second one is missing.
    """
    content = _content(what, place)
    digest = sha256_bytes(content)
    named = product or (load_card(place).name if what == "card" else "")
    if not named and what != "roles":
        raise BadData(f"a release of a {what} needs the product that it is for")

    def look() -> tuple[Release, Pictured]:
        said = said_by(ledger, who, Release)
        _second_eye(ledger, who, approved_by)
        document = Document(name=what, sha256=digest)
        entry = entry_of(
            Release,
            said | {"product": named, "what": what, "content_sha256": digest, "approved_by": approved_by.strip(), "evidence": (document,)},
        )
        return entry, {digest: ("application/json", content)}

    return ledger.append_after(look)


def _content(what: Released, place: Path) -> bytes:
    """Canonical JSON whose SHA-256 records carry."""
    if what == "model":
        return manifest_bytes(place)
    read = load_card(place) if what == "card" else load_policy(place) if what == "policy" else load_roles(place)
    return canonical_json(read.model_dump(mode="json"))


def _second_eye(ledger: Ledger, who: Who, approved_by: str) -> None:
    roles, second = roles_of(ledger), approved_by.strip()
    if second and second == who.name.strip():
        raise BadData(f"{second} can't approve a release of their own")
    if roles is not None and second:
        role_for(roles, Who(second, who.why), "release")
    if roles is not None and roles.four_eyes and not second:
        raise BadData("with four eyes a release names who else approved it (--approved-by)")


def complain(ledger: Ledger, reference: str, parts: Sequence[str], who: Who, *, customer: str = "", lot: str | None = None) -> Row:
    """Note a customer's complaint and the inspections that it is about.

    Args:
        ledger: open to write.
        reference: the complaint's number.
        parts: photos' names or serial numbers.
        who: notes it; `why` is what the customer says.
        customer: who complains.
        lot: where several lots have the parts.

    Raises:
        BadData: no part is named, or one isn't in the ledger.
    """
    if not parts:
        raise BadData("a complaint points to parts of the ledger; name one or more")

    def look() -> tuple[Complaint, Pictured]:
        said = said_by(ledger, who, Complaint)
        found = [find_part(ledger, part, lot) for part in parts]
        first, hashes = found[0].photos[0].entry, tuple(photo.row.hash for part in found for photo in part.photos)
        fields = {"lot": first.lot, "product": first.product, "reference": reference.strip(), "customer": customer.strip()}
        return entry_of(Complaint, said | fields | {"points_to": hashes}), {}

    return ledger.append_after(look)


def released_now(ledger: Ledger, product: str) -> dict[str, Row]:
    """What is released for a product: the entry of the last release of each kind."""
    rows = [r for r in ledger.found("kind = 'release'") if isinstance(r.entry, Release) and r.entry.product in (product, "")]
    return {r.entry.what: r for r in rows}  # type: ignore[union-attr]
