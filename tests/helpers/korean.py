"""English words that are left in a Korean text, once names, codes and what people or models wrote are taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser

from seewhy.record import Entry, Explanation, InspectionRecord

# Units, formats, standards and commands: the same in Korean.
CODES = re.compile(
    r"seewhy (explain --missing|batch)|International Atlas of Casting Defects|white_level|SHA-256|ISO \d+|L\*|a\*b\*"
    r"|(?<![A-Za-z])(px|mm|UTC|VLM|HTML|PDF|EXIF|JPEG|PNG|TIFF|BMP|WebP|RGB|CMYK|anomalib|OpenVINO|GPU|QR|[0-9a-f]{12,}|[A-Z]{1,3}-\d+)(?![A-Za-z])"
)
SPOKEN = ("title", "alt", "aria-label", "placeholder")  # attributes that people read or hear


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.texts += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("style", "script"):
            self.texts.append(data)


def texts_of(page: str) -> str:
    """What people read of an HTML page, attributes among it."""
    parser = _Texts()
    parser.feed(page)
    return " ".join(" ".join(parser.texts).split())


def english_left(text: str, entries: Sequence[Entry]) -> list[str]:
    """Words of two Latin letters or more that nobody but us can have written."""
    text = CODES.sub(" ", text)
    for name in sorted({name for name in _names(entries) if len(name) > 1}, key=len, reverse=True):
        text = text.replace(name, " ")
    return re.findall(r"[A-Za-z][A-Za-z'’]+", text)


def _names(entries: Sequence[Entry]) -> Iterable[str]:
    for entry in entries:
        yield from (entry.lot, entry.product)
        if not isinstance(entry, InspectionRecord):
            yield entry.name
            continue
        yield from (entry.photo.name, entry.photo.format, entry.photo.mode)
        yield from (n.name for n in entry.detectors)
        p = entry.provenance
        yield from (p.detector, p.policy_name, *p.versions, *p.versions.values(), *(v for w in p.weights for v in w.values()))
        for finding in entry.findings:
            yield finding.ruling.rule
            words = finding.explanation
            if not isinstance(words, Explanation):
                continue
            yield from (str(words.sentence.params["type"]), words.type.value or "", str(words.sentence.params["where"]))
            yield from (str(v) for a in words.appearance if a.value and a.source in ("vlm", "human") for v in a.value.params.values())
            yield from (t for c in words.causes for t in (c.id, c.text, c.check, c.stated_by))
            yield from (c.value for c in words.claims if c.name in ("type", "appearance", "difference"))
            if words.asked:
                yield from (words.asked.model, words.asked.server)
            if finding.unexplained:
                yield finding.unexplained.detail
