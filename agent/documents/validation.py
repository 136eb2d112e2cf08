"""Validation summary: which of our records bear on which clause, what is ours and what is the plant's; no claim of compliance."""

from __future__ import annotations

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.signing import signed
from seewhy.reports.documents.blocks import callout, table
from seewhy.reports.documents.document import Document

# clause, kinds of entries that bear on it; what is ours and what is the plant's stands in the catalogue under the clause's key
CLAUSES = (
    ("iso9001_851", "ISO 9001:2015, 8.5.1", ("release", "settings_change")),
    ("iso9001_86", "ISO 9001:2015, 8.6", ("inspection", "sign_off", "sample")),
    ("iso9001_87", "ISO 9001:2015, 8.7", ("review", "disposition")),
    ("iatf_71511", "IATF 16949:2016, 7.1.5.1.1", ("study", "master_run")),
    ("cfr_1110", "21 CFR 11.10", ("criterion", "release", "withdrawal")),
    ("cfr_1150", "21 CFR 11.50, 11.70", ("sign_off",)),
    ("ai_12", "EU AI Act, Art. 12", ("inspection", "refusal", "explanation")),
    ("ai_13", "EU AI Act, Art. 13", ("study", "criterion")),
    ("ai_14", "EU AI Act, Art. 14", ("review", "disposition", "comment")),
    ("annex22", "EU GMP Annex 22 (draft 2025)", ("criterion", "study", "release")),
)


def validation(asked: Asked) -> Document:
    """One page for the whole ledger."""
    counts: dict[str, int] = {}
    for clause_kinds in {kind for _, _, kinds in CLAUSES for kind in kinds}:
        counts[clause_kinds] = (
            len(asked.ledger.found_stored("kind = ?", (clause_kinds,))) if clause_kinds != "inspection" else _inspections(asked)
        )
    lines = []
    for key, clause, kinds in CLAUSES:
        held = ", ".join(f"{asked.say(f'kind.{kind}')} {counts[kind]:,}" for kind in kinds)
        lines.append((clause, asked.say(f"validation.{key}_ours"), asked.say(f"validation.{key}_plant"), held))
    columns = [asked.say(f"validation.{name}") for name in ("clause", "ours", "plants", "here")]
    blocks = [callout(asked.say("document.note"), asked.say("validation.no_claim")), table(columns, lines, widths=(1, 2.2, 1.9, 1.1))]
    subject = [(asked.say("validation.ledger"), asked.ledger.path.name), (asked.say("document.entries"), f"{asked.ledger.head[0]:,}")]
    machine = [(asked.say("provenance.head"), asked.ledger.head[1][:16])]
    return Document(asked.say("validation.title"), subject, [*blocks, signed(asked, machine)], {"entries": counts})


def _inspections(asked: Asked) -> int:
    return sum(s.machine != "refused" for s in asked.book.photos)
