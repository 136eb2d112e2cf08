"""A past inspection, run again: is it what it was, and if not, what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.terms import terms_of
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.product import ProductModel, load_members
from seewhy.agent.people.acts import find_entry
from seewhy.agent.photos.images import decode
from seewhy.agent.photos.names import on_disk
from seewhy.agent.proof import archive
from seewhy.agent.quality.drifting import watched_again
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData, BadModel
from seewhy.record import InspectionRecord

TOLERANCE = 1e-3  # of a number, relative: what other processors, thread counts and versions make of the same arithmetic
WORDS = ("explanation", "unexplained", "ruling", "missing", "reasons")  # where a VLM had spoken, which isn't asked again
APART = ("versions", "engine", "inspected_at", "timings_ms")  # the model is the same by its hash, and so is what runs it
PICTURES = ("sha256", "width_px", "height_px")  # an encoder of another version writes other bytes


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found.

    Attributes:
        result: equal (every field but time and speed), within tolerance (numbers differ by less than that), or different.
        differences: "field: now instead of then", beyond the tolerance where the result is "different".
        versions: software that is another one now.
        words: whether words were left out because a VLM had given them.
    """

    result: Literal["equal", "within tolerance", "different"]
    differences: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    words: bool = True

    @property
    def holds(self) -> bool:
        """Whether the inspection came to the same."""
        return self.result != "different"


def replay(ledger: Ledger, entry: str, model: Path, place: Path, *, tolerance: float = TOLERANCE, device: str = "cpu") -> Replayed:
    """Run an inspection of a ledger again, with the card, policy and rate that its record names.

    Args:
        ledger: that holds it.
        entry: its number or hash.
        model: the model's folder.
        place: the photo's file, the folder that held the lot, or a bundle with photos.
        tolerance: relative, for numbers.
        device: "cpu", "cuda", ….

    Raises:
        BadData: the entry is no inspection; the photo is missing or another one; the ledger keeps neither its card nor its policy.
        BadModel: the folder holds another model than the record names, or a changed one.
    """
    row = find_entry(ledger, entry)
    then = row.entry
    if not isinstance(then, InspectionRecord):
        raise BadData(f"entry {row.seq} is no inspection; give the number of one (`seewhy history`)")
    if then.provenance.external is not None:
        by = then.provenance.external.name
        raise BadData(f"the regions of entry {row.seq} were given by {by!r}; seewhy can't find them again: explain them anew and compare")
    card, policy = terms_of(then, ledger.evidence)
    photo = decode(_photo(place, then), then.photo.name, white_level=card.white_level)
    inspector = Inspector(_model(model, then, device), card=card, policy=policy, alpha=then.decision.alpha, device=device)
    now = inspector.inspect(photo, lot=then.lot, part=then.part).record
    now = watched_again(now, then, row.seq, ledger, inspector.learned)
    return compared(then, now, tolerance)


def _photo(place: Path, record: InspectionRecord) -> bytes:
    """The photo's bytes, from wherever they lie."""
    wanted, name = record.photo.sha256, record.photo.name
    if place.is_file() and place.suffix.lower() == ".zip":
        data = next((d for n, d in archive.opened(place).items() if n.startswith(f"photos/{wanted}")), None)
    else:
        path = place / on_disk(name) if place.is_dir() else place
        data = path.read_bytes() if path.is_file() else None
    if data is None:
        raise BadData(f"{place} holds no photo {name!r}; give its file, the folder that held the lot, or a bundle made with --photos")
    if sha256_bytes(data) != wanted:
        raise BadData(f"the photo {name!r} in {place} is another one than was inspected: its bytes have another SHA-256")
    return data


def _model(folder: Path, record: InspectionRecord, device: str) -> ProductModel:
    members = load_members(folder, device=device)
    first = next(iter(members.values()))
    if first.sha256 != record.provenance.model_sha256:
        raise BadModel(f"{folder} is another model than made this record ({record.provenance.model_sha256[:12]}…); give that one")
    if record.product not in members and len(members) > 1:
        raise BadModel(f"{folder} is of several products, and none is called {record.product!r}, as this record's is")
    return members.get(record.product, first)


def compared(then: InspectionRecord, now: InspectionRecord, tolerance: float = TOLERANCE) -> Replayed:
    """Two records of one photo.

    Args:
        then: as the ledger has it.
        now: as it was made again.
        tolerance: relative, for numbers.
    """
    asked = any(f.unexplained is not None or getattr(f.explanation, "asked", None) is not None for f in then.findings)
    before, after = then.provenance.versions, now.provenance.versions
    versions = tuple(
        f"{name}: {after.get(name, 'none')} instead of {before.get(name, 'none')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )
    left_out = WORDS if asked else ()
    exact = tuple(_differences(now.model_dump(mode="json"), then.model_dump(mode="json"), 0.0, left_out))
    if not exact:
        return Replayed("equal", (), versions, not asked)
    beyond = tuple(_differences(now.model_dump(mode="json"), then.model_dump(mode="json"), tolerance, left_out))
    return Replayed("different" if beyond else "within tolerance", beyond or exact, versions, not asked)


def _differences(now: Any, then: Any, tolerance: float, left_out: tuple[str, ...], at: str = "") -> Iterator[str]:
    if isinstance(now, dict) and isinstance(then, dict):
        names = sorted({n for n in (*now, *then) if n not in (*APART, *left_out)})
        loose = PICTURES if tolerance and "media_type" in now else ()
        texts = ("text",) if tolerance and "params" in now else ()  # a sentence's numbers are compared in its values
        for name in names:
            if name not in (*loose, *texts):
                yield from _differences(now.get(name), then.get(name), tolerance, left_out, f"{at}.{name}" if at else name)
    elif isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        for number, (a, b) in enumerate(zip(now, then, strict=True)):
            yield from _differences(a, b, tolerance, left_out, f"{at}[{number}]")
    elif not _same(now, then, tolerance):
        yield f"{at}: {_short(now)} instead of {_short(then)}"


def _same(now: Any, then: Any, tolerance: float) -> bool:
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (now, then))
    return now == then or (numbers and abs(now - then) <= tolerance * max(abs(then), 1.0))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
