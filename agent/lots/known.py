"""What a ledger says of a lot's photos, as far as a run needs it, and what the run adds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.verdict import unwatched
from seewhy.agent.ledger.reading import entries, standing, with_later
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.tally import word_of
from seewhy.agent.photos.images import read_bytes
from seewhy.agent.photos.layouts import Sample
from seewhy.agent.quality.drifting import Watches
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData, BadImage
from seewhy.record import Entry, InspectionRecord, LaterWords, RefusedPhoto

Pictured: TypeAlias = dict[str, tuple[str, bytes]]  # (media type, bytes) by SHA-256


class Known:
    """The entries of one lot that stand.

    Args:
        inspector: of the run, which skips what it would say again.
        ledger: open to write.
        lot: its name.
        claim: the run's, see `seewhy.agent.ledger.claims`.
        watch: whether good parts are compared with the calibration, photo by photo; a record says where they aren't.

    Attributes:
        written: photos about which this run had something new to write.

    Raises:
        LedgerError: an earlier entry was changed.
    """

    def __init__(self, inspector: Inspector, ledger: Ledger, lot: str, claim: str, *, watch: bool = True) -> None:
        self._inspector, self._ledger, self._claim, self.written = inspector, ledger, claim, 0
        self._photos = dict[str, list[_Said]]()  # by name
        for entry in entries(ledger, lot):
            self._add(entry)
        self._watches = Watches(ledger, inspector.learned) if watch else None

    def write(self, entry: Entry, pictures: Pictured) -> tuple[str, Entry]:
        """Write a photo's entry, unless it is a refusal that stands word for word.

        Returns:
            The entry's hash, empty where nothing was written; and the entry as it was written.

        Raises:
            LedgerError: as for `Ledger.append`.
        """
        if isinstance(entry, RefusedPhoto) and entry.content_sha256 in {said.content for said in self._photos.get(entry.name, ())}:
            return "", entry
        final = [entry]

        def last_look() -> Entry:
            if isinstance(entry, InspectionRecord):
                final[0] = self._compared(entry)
            return final[0]

        written = self._ledger.append(entry, pictures, claim=self._claim, final=last_look)
        self._add(final[0])
        self.written += 1
        return written, final[0]

    def _compared(self, record: InspectionRecord) -> InspectionRecord:
        if self._watches is None:
            return unwatched(record)
        self._watches.catch_up()
        return self._watches.after(record)

    def follow(self, record: InspectionRecord, words: LaterWords) -> None:
        """Write words that came after their record.

        Raises:
            LedgerError: as for `Ledger.append`.
        """
        self._ledger.append(words, claim=self._claim)
        self._add(with_later(record, words))

    def _add(self, entry: Entry) -> None:
        if isinstance(entry, RefusedPhoto):
            name, said = entry.name, _Said("refused", entry.sha256, entry.content_sha256, (), owed=False)
        else:
            name, owed = entry.photo.name, any(f.unexplained is not None for f in entry.findings)
            said = _Said(word_of(entry), entry.photo.sha256, "", self._inspector.others(entry), owed)
        self._photos[name] = standing(self._photos.get(name, ()), said)

    def refuse_others(self, lot: str) -> None:
        """Refuse a lot that somebody else judged.

        Raises:
            BadData: says what was another.
        """
        others = Counter(what for photo in self._photos.values() for said in photo for what in said.others)
        if others:
            what = ", ".join(f"another {word} ({count})" for word, count in others.items())
            raise BadData(
                f"the lot {lot!r} holds photos that were judged by {what}; give the lot another name, or --again to inspect them anew: "
                "the new entries supersede the old ones, which stay in the ledger"
            )

    def inspected(self, sample: Sample) -> bool:
        """Whether this very file was inspected as the run would; one that can't be read now was, if its name was. A changed one wasn't."""
        own = [said.sha256 for said in self._photos.get(sample.name, ()) if not said.refused and not said.others]
        return bool(own) and _digest(sample) in (None, *own)

    def words(self) -> Counter[str]:
        """How many photos passed, failed, …, each counted once; and of how many words are owed."""
        stand = [said for photo in self._photos.values() for said in photo]
        return Counter(said.word for said in stand) + Counter(unexplained=sum(said.owed for said in stand))


@dataclass(frozen=True, slots=True)
class _Said:
    word: str
    sha256: str | None
    content: str  # a refusal's content hash
    others: tuple[str, ...]  # what made it that this run hasn't: "model", "card", …
    owed: bool  # words of an explainer that was asked

    @property
    def refused(self) -> bool:
        return self.word == "refused"


def _digest(sample: Sample) -> str | None:
    try:
        return sha256_bytes(read_bytes(sample.path, sample.root))
    except BadImage as error:
        return error.sha256
