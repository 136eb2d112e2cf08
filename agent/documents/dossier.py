"""Qualification dossier of a station: what is installed, what it had to reach, what it reached, the control plan, the log of tests."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.audit import trail
from seewhy.agent.documents.forms import boxes, revisions
from seewhy.agent.documents.installed import control_plan, installed
from seewhy.agent.documents.signing import signed
from seewhy.agent.documents.study import agreement_blocks, criteria_blocks, detection_blocks, escapes_blocks, figure
from seewhy.agent.ledger.store import Row
from seewhy.errors import BadData
from seewhy.prompts.legible import legible
from seewhy.reports.documents.blocks import Block, Tone, callout, heading, paragraph, table
from seewhy.reports.documents.document import Document
from seewhy.studies import Criterion, StudyDone

BODIES = {"agreement": agreement_blocks, "detection": detection_blocks, "escapes": escapes_blocks}


def dossier(asked: Asked) -> Document:
    """Of a protocol (--protocol): its criteria, the tests that closed it, and what the station is.

    Raises:
        BadData: no criterion of that protocol was entered.
    """
    protocol = asked.needed("protocol")
    criteria = _rows(asked, "criterion", protocol)
    studies = _rows(asked, "study", protocol)
    if not criteria:
        raise BadData(f"no criterion of the protocol {protocol!r} was entered; `seewhy study criterion` enters one, before its test")
    product = criteria[0].entry.product
    held = [one.held for row in studies if isinstance(row.entry, StudyDone) for one in row.entry.criteria]
    judged = {one.criterion for row in studies if isinstance(row.entry, StudyDone) for one in row.entry.criteria}
    waiting = [row for row in criteria if row.hash not in judged]
    tone: Tone = "review" if waiting or not held else "pass" if all(held) else "fail"
    status = asked.say("dossier.waiting" if tone == "review" else "study.held" if tone == "pass" else "study.not_held")
    blocks: list[Block] = [
        paragraph(asked.say("dossier.text")),
        heading(asked.say("dossier.requirement")),
        boxes(asked, "dossier", protocol, ("user_requirement",)),
        heading(asked.say("dossier.protocol")),
        _criteria(asked, criteria, studies),
        *installed(asked, product),
        *_tests(asked, studies),
        *control_plan(asked, product, protocol),
        heading(asked.say("dossier.log")),
        paragraph(asked.say("dossier.log_text"), soft=True),
        trail(asked, sorted([*criteria, *studies, *_runs(asked, product)], key=lambda row: row.seq)),
        *revisions(asked, "dossier", protocol),
    ]
    subject = [
        (asked.say("study.protocol"), legible(protocol)),
        (asked.say("document.product"), legible(product)),
        (asked.say("dossier.tests"), str(len(studies))),
    ]
    machine = [
        (asked.say("document.entries"), ", ".join(str(row.seq) for row in [*criteria, *studies][:12])),
        (asked.say("provenance.head"), asked.ledger.head[1][:16]),
    ]
    data = {
        "protocol": protocol,
        "criteria": [{"seq": row.seq, "at": row.at, "hash": row.hash, **row.entry.model_dump(mode="json")} for row in criteria],
        "studies": [{"seq": row.seq, "at": row.at, "hash": row.hash, **row.entry.model_dump(mode="json")} for row in studies],
    }
    edition = max(row.seq for row in [*criteria, *studies])
    return Document(asked.say("dossier.title"), subject, [*blocks, signed(asked, machine)], data, (status, tone), edition)


def _rows(asked: Asked, kind: str, protocol: str) -> list[Row]:
    return [row for row in asked.ledger.found("kind = ?", (kind,)) if getattr(row.entry, "protocol", "") == protocol]


def _criteria(asked: Asked, criteria: Sequence[Row], studies: Sequence[Row]) -> Block:
    """Each criterion with the entry that set it and the one that tested it."""
    results = {one.criterion: (row.seq, one) for row in studies if isinstance(row.entry, StudyDone) for one in row.entry.criteria}
    lines = []
    for row in criteria:
        c = row.entry
        assert isinstance(c, Criterion)
        seq, held = results.get(row.hash, (None, None))
        word: tuple[str, Tone] = (
            (asked.say("dossier.untested"), "review")
            if held is None
            else (asked.say("study.yes" if held.held else "study.no"), "pass" if held.held else "fail")
        )
        wanted = asked.say(f"study.{c.relation}", limit=figure(asked, c.measure, c.limit))
        lines.append(
            (
                str(row.seq),
                f"{asked.say(f'study.{c.study}')}: {asked.say(f'measure.{c.measure}')}",
                wanted,
                figure(asked, c.measure, held.value) if held else "–",
                word,
                str(seq or "–"),
                f"{c.by}: {c.why}",
            )
        )
    columns = [asked.say(f"dossier.{n}") for n in ("set_in", "criterion", "wanted", "reached", "held", "tested_in", "from")]
    return table(columns, lines, align="c", widths=(0, 2.2, 1.1, 0.9, 0.8, 0.8, 1.6))


def _tests(asked: Asked, studies: Sequence[Row]) -> list[Block]:
    """OQ and PQ: each study of the protocol."""
    blocks: list[Block] = []
    for row in studies:
        if isinstance(row.entry, StudyDone):
            phase = "pq" if row.entry.study == "escapes" else "oq"
            blocks += [
                heading(asked.say(f"dossier.{phase}", study=asked.say(f"study.{row.entry.study}"), seq=row.seq)),
                *criteria_blocks(asked, row.entry),
                *BODIES[row.entry.study](asked, row.entry),
            ]
    return blocks or [heading(asked.say("dossier.oq_none")), callout(asked.say("document.gap"), asked.say("dossier.no_test"))]


def _runs(asked: Asked, product: str) -> list[Row]:
    """The last runs of master parts."""
    return [row for row in asked.ledger.found("kind = 'master_run'") if row.entry.product == product][-5:]
