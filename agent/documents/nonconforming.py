"""What doesn't conform, as forms describe it: pictures, findings, requirement, possible causes; and the problem in words."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.inspected import findings, pictured
from seewhy.agent.people.parts import Part
from seewhy.people import Complaint, MissedDefect
from seewhy.prompts.knowledge import cause_in
from seewhy.prompts.legible import legible
from seewhy.record import Explanation, Finding, InspectionRecord
from seewhy.reports.documents.blocks import Block, callout, heading, paragraph, rows, table
from seewhy.reports.facts import ruled, type_of


def description(asked: Asked, part: Part) -> list[Block]:
    """What doesn't conform: pictures, findings, what is required."""
    photo = part.deciding
    blocks: list[Block] = [heading(asked.say("ncr.description")), *pictured(asked, photo), *findings(asked, photo)]
    missed = [entry for _, entry in part.people if isinstance(entry, MissedDefect)]
    for one in missed:
        x0, y0, x1, y1 = one.region.box_px
        place = asked.say("people.place", x0=x0, x1=x1, y0=y0, y1=y1)
        blocks.append(
            callout(
                asked.say("ncr.missed"), asked.say("ncr.missed_text", type=legible(one.type), place=place, by=one.by, why=one.why), "fail"
            )
        )
    if isinstance(photo.entry, InspectionRecord):
        p = photo.entry.provenance
        required = [ruled(f.ruling, asked.language) for f in photo.entry.findings if f.ruling.verdict.value == "fail"]
        blocks += [
            heading(asked.say("ncr.requirement")),
            rows(
                [
                    (asked.say("provenance.policy"), f"{p.policy_name} {p.policy_version}, SHA-256 {p.policy_sha256[:16]}"),
                    (asked.say("ncr.violated"), "\n".join(required) or asked.say("ncr.by_person")),
                ]
            ),
        ]
    return blocks


def hypotheses(asked: Asked, part: Part) -> list[Block]:
    """Causes that the product's knowledge file names, with who says so: hypotheses, never findings."""
    entry = part.deciding.entry
    found: tuple[Finding, ...] = entry.findings if isinstance(entry, InspectionRecord) else ()
    lines = []
    for finding in found:
        words = finding.explanation
        for cause in words.causes if isinstance(words, Explanation) else ():
            why, check, source = cause_in(asked.language, cause)
            lines.append((type_of(finding, asked.language), why, check, source))
    if not lines:
        return [heading(asked.say("ncr.hypotheses")), paragraph(asked.say("report.no_cause"), soft=True)]
    columns = [asked.say(f"ncr.{name}") for name in ("type", "hypothesis", "check", "source")]
    return [heading(asked.say("ncr.hypotheses")), table(columns, list(dict.fromkeys(lines)), widths=(0.8, 2, 2, 1.2))]


def problem(asked: Asked, parts: Sequence[Part], complaint: Complaint | None) -> str:
    """D2 from the entries: what, where, how large, when, how many, how found."""
    lines = []
    if complaint is not None:
        lines.append(asked.say("eight_d.customer_says", why=complaint.why))
    for part in parts:
        entry = part.deciding.entry
        found = entry.findings if isinstance(entry, InspectionRecord) else ()
        types = ", ".join(dict.fromkeys(type_of(f, asked.language) for f in found)) or asked.say("eight_d.nothing_found")
        at = asked.when(entry.inspected_at)
        verdict = asked.word("outcome", part.machine)
        lines.append(asked.say("eight_d.part_line", part=legible(part.name), at=at, verdict=verdict, types=types))
    lot = asked.book.of(lot=parts[0].lot)
    bad = len({s.part for s in lot if s.verdict == "fail"})
    lines.append(asked.say("eight_d.lot_line", lot=legible(parts[0].lot), bad=bad, parts=len({s.part for s in lot})))
    return "\n".join(lines)
