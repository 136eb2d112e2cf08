"""The block of signatures: the machine's facts and people's signatures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seewhy.agent.documents.asked import Asked
from seewhy.people import PersonsEntry, SignOff
from seewhy.reports.documents.blocks import Block, signatures

BLANK = ("document.sign_quality", "document.sign_approval")


def signed(asked: Asked, machine: Sequence[tuple[str, str]], entries: Sequence[tuple[str, str, PersonsEntry]] = ()) -> Block:
    """Machine and people.

    Args:
        asked: the document.
        machine: what the machine states, as names and values.
        entries: (hash, at, entry) of signatures in the ledger; without any, lines to sign on.
    """
    signs: list[dict[str, Any]] = [
        {
            "meaning": asked.word("meaning", entry.meaning),
            "name": f"{entry.by} ({entry.role})" if entry.role else entry.by,
            "note": asked.say("document.signed_at", at=asked.when(at), digest=digest[:12]),
        }
        for digest, at, entry in entries
        if isinstance(entry, SignOff)
    ]
    blank = [{"meaning": asked.say(key), "name": "", "note": asked.say("document.sign_line")} for key in BLANK]
    return signatures((asked.say("document.machine"), machine), (asked.say("document.people"), signs or blank))
