"""What a ledger says of a lot's photos already, as far as a run needs it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.reading import standing
from seewhy.agent.photos.images import read_bytes
from seewhy.agent.photos.layouts import Sample
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData, BadImage
from seewhy.record import Entry, RefusedPhoto


def word_of(entry: Entry) -> str:
    """What a tally counts an entry as: passed, failed, review or refused."""
    return "refused" if isinstance(entry, RefusedPhoto) else {"pass": "passed", "fail": "failed"}.get(entry.verdict.value or "", "review")


class Known:
    """The entries of one lot that stand.

    Args:
        inspector: of the run, which skips what it would say again.
    """

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._photos = dict[str, list[_Said]]()  # by name

    def add(self, entry: Entry) -> None:
        """Take note of an entry, in the ledger's order."""
        if isinstance(entry, RefusedPhoto):
            name, said = entry.name, _Said("refused", entry.sha256, entry.content_sha256, ())
        else:
            name, said = entry.photo.name, _Said(word_of(entry), entry.photo.sha256, "", self._inspector.others(entry))
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

    def says(self, entry: Entry) -> bool:
        """Whether the entry is a refusal that stands word for word."""
        return isinstance(entry, RefusedPhoto) and entry.content_sha256 in {said.content for said in self._photos.get(entry.name, ())}

    def words(self) -> Counter[str]:
        """How many photos passed, failed, …; each counts once."""
        return Counter(said.word for photo in self._photos.values() for said in photo)


@dataclass(frozen=True, slots=True)
class _Said:
    word: str
    sha256: str | None
    content: str  # a refusal's content hash
    others: tuple[str, ...]  # what made it that this run hasn't: "model", "card", …

    @property
    def refused(self) -> bool:
        return self.word == "refused"


def _digest(sample: Sample) -> str | None:
    try:
        return sha256_bytes(read_bytes(sample.path, sample.root))
    except BadImage as error:
        return error.sha256
