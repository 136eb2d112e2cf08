"""What a station is, for its dossier: what is released and installed, and its line of the control plan."""

from __future__ import annotations

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.forms import boxes
from seewhy.agent.people.releases import released_now
from seewhy.people import Release
from seewhy.record import InspectionRecord
from seewhy.reports.documents.blocks import Block, callout, heading, rows, table
from seewhy.reports.part import provenance


def installed(asked: Asked, product: str) -> list[Block]:
    """IQ: what is released, and what the records say is installed."""
    released = released_now(asked.ledger, product)
    lines = []
    for what, row in released.items():
        entry = row.entry
        if isinstance(entry, Release):
            lines.append(
                (
                    asked.word("released", what),
                    entry.content_sha256,
                    f"{entry.by}{f' + {entry.approved_by}' if entry.approved_by else ''}",
                    f"{row.seq}, {asked.when(row.at)}",
                )
            )
    head = [heading(asked.say("dossier.iq"))]
    shown: list[Block] = (
        [table([asked.say(f"dossier.{n}") for n in ("what", "content", "released_by", "entry")], lines, widths=(0.8, 3, 1.2, 1.2))]
        if lines
        else [callout(asked.say("document.gap"), asked.say("audit.no_releases"))]
    )
    photos = asked.book.of(product=product)
    record = next(
        (r.entry for s in reversed(photos) for r in asked.ledger.found("seq = ?", (s.seq,)) if isinstance(r.entry, InspectionRecord)), None
    )
    return [*head, *shown, *([rows(provenance(record, asked.language), mono=True)] if record else [])]


def control_plan(asked: Asked, product: str, protocol: str) -> list[Block]:
    """The line of the control plan that this station is, as far as the ledger knows it."""
    photos = asked.book.of(product=product)
    stations = sorted({s.station for s in photos if s.station})
    record = photos[-1] if photos else None
    named = [
        (asked.say("dossier.cp_step"), ", ".join(stations) or asked.say("dossier.people_fill")),
        (asked.say("dossier.cp_characteristic"), asked.say("dossier.cp_characteristic_value")),
        (asked.say("dossier.cp_method"), asked.say("dossier.cp_method_value", model=record.model[:16] if record else "–")),
        (asked.say("dossier.cp_size"), asked.say("dossier.cp_size_value")),
        (asked.say("dossier.cp_reaction"), asked.say("dossier.cp_reaction_value")),
    ]
    return [
        heading(asked.say("dossier.control_plan_line")),
        rows(named),
        boxes(asked, "dossier", protocol, ("control_plan", "training", "change_control")),
    ]
