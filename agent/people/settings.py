"""Settings that change a verdict: where a lot begins with others than the last one, that is an entry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from getpass import getuser

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.people.acts import entry_of, said_by
from seewhy.agent.people.roles import Who, roles_of
from seewhy.people import Release, SettingsChange
from seewhy.prompts.telling import Told
from seewhy.record import InspectionRecord


def note_settings(ledger: Ledger, inspector: Inspector, lot: str) -> Row | None:
    """Write an entry where a lot begins with other settings than its product's last one in this ledger; None where it doesn't.

    Args:
        ledger: open to write.
        inspector: of the lot.
        lot: its name.
    """
    last, after = _last_settings(ledger, inspector), inspector.settings
    before = None if last is None else {name: last.get(name, "") for name in after}  # a person's change may tell more
    if before in (None, after):
        return None
    account = _account()
    fields = {
        "lot": lot,
        "product": inspector.card.name,
        "by": account,
        "why": "the lot was begun with them",
        "before": before,
        "after": after,
    }
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return ledger.append_after(lambda: (entry_of(SettingsChange, fields | {"entered_at": at}), {}))


def change_settings(ledger: Ledger, product: str, before: Mapping[str, str], after: Mapping[str, str], who: Who) -> Row:
    """Write that somebody changed what a product's verdicts rest on, before the next lot begins with it.

    Args:
        ledger: open to write.
        product: its name on the card.
        before: see `Inspector.settings`.
        after: likewise.
        who: changes them, and why; in a ledger with roles, somebody who may release.

    Raises:
        BadData: they may not, there is no reason, or nothing is changed.
    """
    if before == after:
        raise Told("entering.nothing_changed")

    def look() -> tuple[SettingsChange, Pictured]:
        said = said_by(ledger, who, Release if roles_of(ledger) is not None else SettingsChange)
        return entry_of(SettingsChange, said | {"product": product, "before": dict(before), "after": dict(after)}), {}

    return ledger.append_after(look)


def _last_settings(ledger: Ledger, inspector: Inspector) -> Mapping[str, str] | None:
    """Under which the product was inspected last; the inspector's own where one of its models made that record."""
    product = inspector.card.name
    changes = [r for r in ledger.found("kind = 'settings_change'") if isinstance(r.entry, SettingsChange) and r.entry.product == product]
    if changes:
        return changes[-1].entry.after  # type: ignore[union-attr]
    first = ledger.found(
        "seq = (SELECT max(seq) FROM entries WHERE kind = 'inspection' AND json_extract(body, '$.product') = ?)", (product,)
    )
    if not first or not isinstance(first[0].entry, InspectionRecord):
        return None
    return settings_in(first[0].entry) if inspector.others(first[0].entry) else inspector.settings


def settings_in(record: InspectionRecord) -> dict[str, str]:
    """What a record's verdict rests on besides the photo."""
    made_by = record.provenance
    return {
        "model": made_by.model_sha256,
        "card": made_by.card_sha256,
        "policy": made_by.policy_sha256,
        "alpha": repr(record.decision.alpha),
    }


def _account() -> str:
    try:
        return getuser()
    except (KeyError, OSError, ImportError):  # no such user, as in some containers
        return "unknown account"
