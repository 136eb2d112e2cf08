"""Inspection certificate of one part: photo, verdict, reason, who decided, and the proof that it is unchanged."""

from __future__ import annotations

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.inspected import conditions, identity, why_section
from seewhy.agent.documents.signing import signed
from seewhy.agent.ledger.tree import inclusion_path, root
from seewhy.agent.people.parts import Part, find_part
from seewhy.people import SignOff
from seewhy.prompts.legible import legible
from seewhy.prompts.people import told
from seewhy.record import Confirmation, InspectionRecord
from seewhy.reports.documents.blocks import Block, callout, heading, page_break, paragraph, rows, table
from seewhy.reports.documents.document import Document


def certificate(asked: Asked) -> Document:
    """The certificate of a part; see `seewhy.agent.documents.kinds`."""
    part = find_part(asked.ledger, asked.needed("part"), asked.option("lot") or None)
    record = next((p.entry for p in part.photos if isinstance(p.entry, InspectionRecord)), None)
    blocks = [*_decided(asked, part), *_photos(asked, part), *people_block(asked, part), *_proof(asked, part)]
    if record is not None:
        blocks += [heading(asked.say("document.conditions")), conditions(asked, record)]
    machine = [
        (asked.say("document.machine_verdict"), asked.word("outcome", part.machine)),
        (asked.say("document.inspected"), asked.when(part.photos[-1].entry.inspected_at)),
        (asked.say("provenance.detector"), record.provenance.detector if record else ""),
        (asked.say("provenance.model"), record.provenance.model_sha256[:16] if record else ""),
    ]
    at = {row.hash: row.at for row in part.history}
    signs = [(digest, at[digest], entry) for digest, entry in part.people if isinstance(entry, SignOff)]
    return Document(
        asked.say("certificate.title"),
        subject_of(asked, part),
        [*blocks, signed(asked, machine, signs)],
        {
            "part": part.name,
            "lot": part.lot,
            "machine": part.machine,
            "verdict": part.verdict,
            "entries": [{"seq": row.seq, "hash": row.hash, "at": row.at} | row.entry.model_dump(mode="json") for row in part.history],
        },
        asked.verdict(part.verdict),
        max(row.seq for row in part.history),
    )


def subject_of(asked: Asked, part: Part) -> list[tuple[str, str]]:
    """Product, part, lot, and what else is known of a part."""
    entry = part.photos[0].entry
    known = identity(asked, entry) if isinstance(entry, InspectionRecord) else []
    return [
        (asked.say("document.product"), legible(entry.product)),
        (asked.say("document.part"), legible(part.name)),
        (asked.say("document.lot"), legible(part.lot) or "–"),
        (asked.say("document.inspected"), asked.when(part.photos[-1].entry.inspected_at)),
        *(pair for pair in known if pair[1] != part.name),
    ]


def _decided(asked: Asked, part: Part) -> list[Block]:
    """Where people's word stands beside the machine's, or nobody has decided yet."""
    if part.verdict != part.machine:
        text = asked.say(
            "document.people_decided", machine=asked.word("outcome", part.machine), verdict=asked.word("outcome", part.verdict)
        )
        return [callout(asked.say("document.note"), text)]
    if part.verdict in ("review", "refused"):
        return [callout(asked.say("document.open"), asked.say("document.nobody_decided"))]
    return []


def _photos(asked: Asked, part: Part) -> list[Block]:
    blocks: list[Block] = []
    for i, photo in enumerate(part.photos):
        blocks += [
            *([page_break()] if i else []),
            heading(asked.say("document.photo", name=legible(photo.name))),
            *why_section(asked, photo),
        ]
    return blocks


def people_block(asked: Asked, part: Part) -> list[Block]:
    """What people entered about the part."""
    at = {row.hash: row.at for row in part.history}
    names = [(row.hash, row.entry) for row in part.history if isinstance(row.entry, Confirmation)]
    entered = sorted([*part.people, *names], key=lambda one: at[one[0]])
    lines = [(asked.when(at[digest]), told(entry, asked.language), digest[:12]) for digest, entry in entered]
    if not lines:
        return [heading(asked.say("document.people_said")), paragraph(asked.say("document.nobody_said"), soft=True)]
    columns = [asked.say(f"document.{name}") for name in ("at", "what", "hash")]
    return [heading(asked.say("document.people_said")), table(columns, lines, widths=(0, 3, 0))]


def _proof(asked: Asked, part: Part) -> list[Block]:
    """The entries by hash, and their place in the tree over the whole ledger (RFC 9162)."""
    size, head = asked.ledger.head
    subtree = asked.ledger.subtree
    photos = {photo.row.hash: photo for photo in part.photos}
    lines = [
        (str(photo.row.seq), digest, photo.sha256 or "–", str(len(inclusion_path(photo.row.seq - 1, size, subtree))))
        for digest, photo in photos.items()
    ]
    columns = [asked.say(f"document.{name}") for name in ("seq", "entry_hash", "photo_hash", "steps")]
    return [
        heading(asked.say("document.proof")),
        paragraph(asked.say("document.proof_text", part=part.name)),
        table(columns, lines, align="clll", widths=(0, 2, 2, 0)),
        rows([(asked.say("provenance.head"), head), (asked.say("document.root"), root(size, subtree).hex())], mono=True),
    ]
