"""Audit trail: everything about one part in order, or everything that changed how a product is inspected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.certificate import subject_of
from seewhy.agent.ledger.store import Row
from seewhy.agent.people.parts import find_part
from seewhy.errors import BadData
from seewhy.people import PersonsEntry, Release, SettingsChange
from seewhy.prompts.legible import legible
from seewhy.prompts.people import told
from seewhy.record import Confirmation
from seewhy.reports.documents.blocks import Block, heading, paragraph, table
from seewhy.reports.documents.document import Document
from seewhy.studies import QUALITY

CHANGES = "kind IN ('release', 'settings_change', 'good_photo', 'criterion', 'study', 'master_run', 'master_ruling', 'erasure')"


def audit(asked: Asked) -> Document:
    """Of a part (--part), or of a product's model, card, policy and tests (--product)."""
    return _of_part(asked) if asked.option("part") else _of_product(asked)


def _of_part(asked: Asked) -> Document:
    part = find_part(asked.ledger, asked.needed("part"), asked.option("lot") or None)
    product = part.photos[0].entry.product
    releases = [row for row in _changes(asked, product) if row.seq < part.history[-1].seq]
    blocks = [
        paragraph(asked.say("audit.part_text")),
        heading(asked.say("audit.entries")),
        trail(asked, part.history),
        heading(asked.say("audit.under")),
        trail(asked, releases) if releases else paragraph(asked.say("audit.no_releases"), soft=True),
    ]
    return _document(asked, subject_of(asked, part), blocks, [*part.history, *releases], part.history[-1].seq)


def _of_product(asked: Asked) -> Document:
    product = asked.option("product")
    rows = _changes(asked, product)
    if not rows:
        raise BadData(f"{asked.ledger.path} holds no release, changed setting or test" + (f" of {product!r}" if product else ""))
    blocks: list[Block] = [paragraph(asked.say("audit.product_text")), heading(asked.say("audit.changes")), trail(asked, rows)]
    for row in rows:
        if isinstance(row.entry, SettingsChange):
            blocks += [heading(asked.say("audit.change", seq=row.seq)), _before_after(asked, row.entry)]
    return _document(asked, [(asked.say("document.product"), legible(product) or asked.say("audit.all"))], blocks, rows, rows[-1].seq)


def _changes(asked: Asked, product: str) -> list[Row]:
    return [row for row in asked.ledger.found(CHANGES) if product in ("", row.entry.product) or row.entry.product == ""]


def trail(asked: Asked, rows: Sequence[Row]) -> Block:
    """Entries in order: number, when, who, what and why, hash."""
    columns = [asked.say(f"document.{name}") for name in ("seq", "at", "who", "what", "hash")]
    lines = [(str(row.seq), asked.when(row.at), _who(asked, row), told(row.entry, asked.language), row.hash[:12]) for row in rows]
    return table(columns, lines, align="c", widths=(0, 0, 1, 2.6, 0))


def _who(asked: Asked, row: Row) -> str:
    entry = row.entry
    if isinstance(entry, PersonsEntry | Confirmation):
        second = f"\n+ {entry.approved_by}" if isinstance(entry, Release) and entry.approved_by else ""
        return f"{entry.by}{f' ({entry.role})' if entry.role else ''}{second}"
    return asked.say("document.machine")


def _before_after(asked: Asked, entry: SettingsChange) -> Block:
    columns = [asked.say(f"audit.{name}") for name in ("setting", "before", "after")]
    names = [name for name in entry.after if entry.before.get(name) != entry.after[name]]
    return table(columns, [(asked.word("released", name), entry.before.get(name, "–"), entry.after[name]) for name in names])


def _document(asked: Asked, subject: Sequence[tuple[str, str]], blocks: Sequence[Block], rows: Sequence[Row], edition: int) -> Document:
    data: list[dict[str, Any]] = [{"seq": row.seq, "at": row.at, "hash": row.hash, **row.entry.model_dump(mode="json")} for row in rows]
    persons = sum(isinstance(row.entry, (PersonsEntry, *QUALITY)) for row in rows)
    shown = [*subject, (asked.say("audit.count"), asked.say("audit.count_value", entries=len(rows), people=persons))]
    return Document(asked.say("audit.title"), shown, blocks, {"entries": data}, edition=edition)


def changed_since(asked: Asked, product: str, seq: int) -> list[Block]:
    """What was changed about a product's inspection after an entry."""
    rows = [
        row
        for row in asked.ledger.found("kind IN ('release', 'settings_change') AND seq > ?", (seq,))
        if isinstance(row.entry, Release | SettingsChange) and row.entry.product in (product, "")
    ]
    if not rows:
        return [heading(asked.say("eight_d.changed")), paragraph(asked.say("eight_d.nothing_changed"), soft=True)]
    return [heading(asked.say("eight_d.changed")), trail(asked, rows)]
