"""Nonconformance report of one part (ISO 9001:2015, 8.7)."""

from __future__ import annotations

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.certificate import people_block, subject_of
from seewhy.agent.documents.forms import boxes, revisions
from seewhy.agent.documents.nonconforming import description, hypotheses
from seewhy.agent.documents.signing import signed
from seewhy.agent.people.parts import Part, find_part
from seewhy.errors import BadData
from seewhy.people import Disposition, SignOff
from seewhy.reports.documents.blocks import Block, Tone, callout, heading, kpis, rows
from seewhy.reports.documents.document import Document

FORM = ("containment", "correction", "cause", "corrective_action")


def nonconformance(asked: Asked) -> Document:
    """The report of a part that doesn't conform.

    Raises:
        BadData: the part conforms as it stands.
    """
    part = find_part(asked.ledger, asked.needed("part"), asked.option("lot") or None)
    if part.verdict == "pass":
        raise BadData(f"{part.name!r} conforms as it stands; a nonconformance report is of a part that doesn't")
    disposed = next((entry for _, entry in part.people if isinstance(entry, Disposition)), None)
    status = asked.say("ncr.open") if disposed is None else asked.word("action", disposed.action)
    blocks: list[Block] = [
        kpis(_figures(asked, part)),
        *description(asked, part),
        heading(asked.say("ncr.disposition")),
        *_disposition(asked, disposed),
        *hypotheses(asked, part),
        heading(asked.say("ncr.actions")),
        boxes(asked, "ncr", part.name, FORM),
        *people_block(asked, part),
        *revisions(asked, "ncr", part.name),
    ]
    at = {row.hash: row.at for row in part.history}
    signs = [(digest, at[digest], entry) for digest, entry in part.people if isinstance(entry, SignOff)]
    machine = [
        (asked.say("document.machine_verdict"), asked.word("outcome", part.machine)),
        (asked.say("document.entry"), part.deciding.row.hash[:16]),
        (asked.say("document.inspected"), asked.when(part.deciding.entry.inspected_at)),
    ]
    data = {
        "part": part.name,
        "lot": part.lot,
        "verdict": part.verdict,
        "disposition": None if disposed is None else disposed.model_dump(mode="json"),
        "entries": [{"seq": row.seq, "hash": row.hash} for row in part.history],
    }
    edition = max([row.seq for row in part.history], default=0)
    title = asked.say("ncr.title")
    return Document(
        title,
        subject_of(asked, part),
        [*blocks, signed(asked, machine, signs)],
        data,
        (status, "fail" if disposed is None else "review"),
        edition,
    )


def _figures(asked: Asked, part: Part) -> list[tuple[str, str, Tone]]:
    photos = asked.book.of(lot=part.lot)
    bad = {s.part for s in photos if s.verdict == "fail"}
    return [
        (asked.word("outcome", part.machine), asked.say("document.machine_verdict"), "fail" if part.machine == "fail" else "review"),
        (asked.word("outcome", part.verdict), asked.say("document.verdict"), "fail"),
        (str(len(bad)), asked.say("ncr.same_lot", parts=len({s.part for s in photos})), ""),
    ]


def _disposition(asked: Asked, disposed: Disposition | None) -> list[Block]:
    if disposed is None:
        return [callout(asked.say("document.open"), asked.say("ncr.no_disposition"))]
    named = [
        (asked.say("ncr.disposition"), asked.word("action", disposed.action)),
        (asked.say("ncr.concession"), disposed.concession),
        (asked.say("document.who"), f"{disposed.by}{f' ({disposed.role})' if disposed.role else ''}"),
        (asked.say("document.why"), disposed.why),
        (asked.say("document.at"), asked.when(disposed.entered_at)),
    ]
    return [rows(named)]
