"""8D report of a complaint or a part: the machine fills in the problem's description and proposes hypotheses, people the rest."""

from __future__ import annotations

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.audit import changed_since
from seewhy.agent.documents.forms import boxes, filled, revisions
from seewhy.agent.documents.nonconforming import description, hypotheses, problem
from seewhy.agent.documents.signing import signed
from seewhy.agent.people.history import complaints
from seewhy.agent.people.parts import Part, find_part
from seewhy.errors import BadData
from seewhy.people import Complaint
from seewhy.prompts.legible import legible
from seewhy.reports.documents.blocks import Block, callout, page_break
from seewhy.reports.documents.document import Document

EARLY, LATE = ("D0", "D1"), ("D5", "D6", "D7", "D8")


def eight_d(asked: Asked) -> Document:
    """Of a complaint (--complaint), or of one part (--part)."""
    subject, parts, complaint, row_seq = _case(asked)
    known = filled(asked, "8d", subject)
    done = [name for name, entries in known.items() if entries and entries[-1][2].text]
    first = parts[0]
    proposed = {"D2": problem(asked, parts, complaint), "D3": ""}
    blocks: list[Block] = [
        *_escape(asked, parts, complaint),
        boxes(asked, "8d", subject, EARLY),
        boxes(asked, "8d", subject, ("D2",), machine=proposed),
        *description(asked, first),
        boxes(asked, "8d", subject, ("D3",)),
        page_break(),
        boxes(asked, "8d", subject, ("D4",)),
        *hypotheses(asked, first),
        *changed_since(asked, first.photos[0].entry.product, min(p.photos[0].row.seq for p in parts)),
        boxes(asked, "8d", subject, LATE),
        *revisions(asked, "8d", subject),
    ]
    shown = [
        (asked.say("eight_d.subject"), legible(subject)),
        (asked.say("eight_d.customer"), legible(complaint.customer) if complaint else ""),
        (asked.say("document.product"), legible(first.photos[0].entry.product)),
        (asked.say("document.part"), ", ".join(legible(p.name) for p in parts)),
        (asked.say("document.lot"), ", ".join(dict.fromkeys(legible(p.lot) for p in parts))),
    ]
    machine = [
        (asked.say("eight_d.filled"), asked.say("eight_d.filled_value")),
        (asked.say("document.edition_of"), str(asked.ledger.head[0])),
    ]
    data = {
        "subject": subject,
        "complaint": None if complaint is None else complaint.model_dump(mode="json"),
        "problem": proposed["D2"],
        "parts": [{"part": p.name, "lot": p.lot, "machine": p.machine, "verdict": p.verdict} for p in parts],
        "fields": {name: [{"seq": s, "at": a, **e.model_dump(mode="json")} for s, a, e in entries] for name, entries in known.items()},
    }
    edition = max([row_seq, *(row.seq for p in parts for row in p.history), *(s for entries in known.values() for s, _, _ in entries)])
    status = asked.say("eight_d.state", done=len(done))
    return Document(
        asked.say("eight_d.title"),
        [p for p in shown if p[1]],
        [*blocks, signed(asked, machine)],
        data,
        (status, "review" if len(done) < 9 else "pass"),
        edition,
    )


def _case(asked: Asked) -> tuple[str, list[Part], Complaint | None, int]:
    if reference := asked.option("complaint"):
        for row, parts in complaints(asked.ledger, reference):
            if isinstance(row.entry, Complaint):
                return reference, parts, row.entry, row.seq
        raise BadData(f"{asked.ledger.path} holds no complaint {reference!r}; `seewhy complain` notes one")
    part = find_part(asked.ledger, asked.needed("part"), asked.option("lot") or None)
    return part.name, [part], None, 0


def _escape(asked: Asked, parts: list[Part], complaint: Complaint | None) -> list[Block]:
    """What the system said of parts that a customer complains of: an escape is said first."""
    passed = [p for p in parts if p.machine == "pass"]
    if complaint is None or not passed:
        return []
    names = ", ".join(legible(p.name) for p in passed)
    return [callout(asked.say("eight_d.escape"), asked.say("eight_d.escape_text", parts=names), "fail")]
