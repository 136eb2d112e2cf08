"""A lot as a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.prompts import say
from seewhy.record import Entry, InspectionRecord
from seewhy.reports import PictureBytes


class MarkdownReport:
    """One line for each photo: its verdict and the reasons."""

    def render(self, entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str) -> bytes:  # noqa: ARG002
        """See `seewhy.reports.Report`."""
        lines = ["| photo | verdict | reasons |", "|---|---|---|"]
        for entry in entries:
            if isinstance(entry, InspectionRecord):
                reasons = " ".join(say(reason, language) for reason in entry.reasons)
                cells = (entry.photo.name, entry.verdict.value, reasons)
            else:
                cells = (entry.name, "refused", f"{entry.message}; {entry.remedy}")
            lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
        return "\n".join([*lines, "", f"Ledger head: {head}", ""]).encode()
