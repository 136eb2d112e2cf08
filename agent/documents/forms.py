"""Forms that people fill in: their fields stand in the ledger, the last of each, with its revisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seewhy.agent.documents.asked import Asked
from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.people.acts import entry_of, said_by
from seewhy.agent.people.roles import Who
from seewhy.errors import BadData
from seewhy.reports.documents.blocks import Block, fields, heading, table
from seewhy.studies import Form, FormField

FIELDS: dict[Form, tuple[str, ...]] = {
    "8d": ("D0", "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8"),
    "ncr": ("containment", "correction", "cause", "corrective_action"),
    "dossier": ("user_requirement", "training", "change_control", "control_plan"),
}


def fill(ledger: Ledger, form: Form, subject: str, field: str, text: str, who: Who) -> Row:
    """Fill in one field of a form, or revise it.

    Args:
        ledger: open to write.
        form: 8d, ncr or dossier.
        subject: which one: the complaint's number or the part (8d), the part (ncr), the protocol (dossier).
        field: see `FIELDS`.
        text: what stands there from now on; empty clears it.
        who: fills it in; `why` is the reason of a revision.

    Raises:
        BadData: the form has no such field, or the person may not.
    """
    if field not in FIELDS.get(form, ()):
        raise BadData(f"the form {form} has the fields {', '.join(FIELDS.get(form, ()))}, not {field!r}")

    def look() -> tuple[FormField, Pictured]:
        said = said_by(ledger, who, FormField)
        return entry_of(FormField, said | {"form": form, "subject": subject.strip(), "field": field, "text": text.strip()}), {}

    return ledger.append_after(look)


def filled(asked: Asked, form: Form, subject: str) -> dict[str, list[tuple[int, str, FormField]]]:
    """(seq, at, entry) of each field, every revision in order."""
    found: dict[str, list[tuple[int, str, FormField]]] = {name: [] for name in FIELDS[form]}
    for row in asked.ledger.found("kind = 'field'"):
        entry = row.entry
        if isinstance(entry, FormField) and (entry.form, entry.subject) == (form, subject):
            found[entry.field].append((row.seq, row.at, entry))
    return found


def boxes(asked: Asked, form: Form, subject: str, names: Sequence[str], *, machine: dict[str, str] | None = None) -> Block:
    """Boxes of some fields: people's text, else what the machine fills in, said to be the machine's; else lines to write on."""
    known = filled(asked, form, subject)
    items: list[dict[str, Any]] = []
    for name in names:
        last, proposed = known[name][-1:], (machine or {}).get(name, "")
        text = last[0][2].text if last and last[0][2].text else ""
        notes = [asked.say("form.by", by=last[0][2].by, at=asked.when(last[0][1]), seq=last[0][0])] if text else []
        if proposed and text:
            notes.append(asked.say("form.machine_said", text=proposed))
        if proposed and not text:
            notes.append(asked.say("form.machine"))
        items.append({"title": asked.say(f"{_group(form)}.{name}"), "text": text or proposed, "notes": notes})
    return fields(items)


def revisions(asked: Asked, form: Form, subject: str) -> list[Block]:
    """Every change of a field, in order."""
    known = sorted((one for entries in filled(asked, form, subject).values() for one in entries), key=lambda one: one[0])
    if not known:
        return []
    columns = [asked.say(f"document.{name}") for name in ("seq", "at", "who", "field", "why")]
    lines = [(str(seq), asked.when(at), entry.by, asked.say(f"{_group(form)}.{entry.field}"), entry.why) for seq, at, entry in known]
    return [heading(asked.say("form.revisions")), table(columns, lines, align="c", widths=(0, 0, 0.8, 1.4, 2))]


def _group(form: Form) -> str:
    return {"8d": "eight_d", "ncr": "ncr", "dossier": "dossier"}[form]
