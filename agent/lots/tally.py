"""What became of photos, counted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seewhy.record import Entry, RefusedPhoto


def word_of(entry: Entry) -> str:
    """What a tally counts an entry as: passed, failed, review or refused."""
    return "refused" if isinstance(entry, RefusedPhoto) else {"pass": "passed", "fail": "failed"}.get(entry.verdict.value or "", "review")


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a lot's photos: each counts once, as the last entry about it says."""

    passed: int = 0
    failed: int = 0
    review: int = 0
    refused: int = 0
    skipped: int = 0  # photos of the list about which this run had nothing new to write
    unexplained: int = 0  # of those that were inspected: an explainer was asked, and owes words

    def plus(self, entry: Entry) -> Tally:
        """The tally with one more entry."""
        return replace(self, **{(word := word_of(entry)): getattr(self, word) + 1})

    @property
    def exit_code(self) -> int:
        """0 all passed; 1 something failed, needs a person, or was refused."""
        return int(bool(self.failed or self.review or self.refused))
