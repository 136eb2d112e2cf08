"""Certificate of a lot: what was inspected, what stands, the sample and its plan, the bound on escapes, the master parts before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from seewhy.agent.documents.asked import TONES, Asked
from seewhy.agent.documents.sampled import escape_blocks, sample_blocks
from seewhy.agent.documents.signing import signed
from seewhy.agent.quality.masters import blocking, runs_of
from seewhy.agent.quality.samples import Judged, judged
from seewhy.agent.quality.seen import Seen
from seewhy.errors import BadData
from seewhy.people import WORST, Disposition, SignOff
from seewhy.prompts.legible import legible
from seewhy.reports.documents.blocks import Block, Tone, callout, chart, columns, heading, kpis, paragraph, rows, table
from seewhy.reports.documents.charts import pareto
from seewhy.reports.documents.document import Document

VERDICTS = ("pass", "fail", "review", "refused")
LISTED = 60  # parts that don't conform, by name


def lot_certificate(asked: Asked) -> Document:
    """The certificate of a lot.

    Raises:
        BadData: the lot has no photo, or a missed master part blocks it.
    """
    lot = asked.lot()
    photos = asked.book.of(lot=lot)
    if not photos:
        raise BadData(f"the lot {lot!r} holds no photo; there is nothing to certify")
    product = photos[0].product
    blocked = blocking(asked.book, product, [s.seq for s in photos])
    if blocked is not None:
        seq, run = blocked
        missed = ", ".join(one.master.name for one in run.missed)
        raise BadData(
            f"the lot {lot!r} can't be certified: in the run of master parts beside it (entry {seq}) {missed} was not judged as it must "
            f"be; run them again, or let a person rule: seewhy study rule LEDGER {seq} continue --by … --role … --why …"
        )
    parts = _parts(photos)
    sample = judged(asked.book, lot)
    status, tone, because = _status(asked, parts, photos, sample)
    blocks: list[Block] = [
        kpis(_figures(asked, parts)),
        callout(status, because, tone),
        *_found(asked, photos),
        *_nonconforming(asked, photos),
        *sample_blocks(asked, sample),
        *escape_blocks(asked, photos, sample),
        *_masters(asked, product, photos),
        *_conditions(asked, photos),
    ]
    subject = [
        (asked.say("document.product"), legible(product)),
        (asked.say("document.lot"), legible(lot)),
        (
            asked.say("document.period"),
            asked.say("report.period", first=asked.when(photos[0].at)[:-4], last=asked.when(photos[-1].at)[:-4]),
        ),
        (asked.say("document.parts"), asked.say("document.parts_value", parts=len(parts), photos=len(photos))),
    ]
    machine = [(asked.say(f"tally.{v}"), str(sum(s.machine == v for s in photos))) for v in VERDICTS]
    data = {
        "lot": lot,
        "product": product,
        "parts": len(parts),
        "verdicts": dict(Counter(parts.values())),
        "machine": dict(Counter(s.machine for s in photos)),
        "sample": None if sample is None else sample.entry.model_dump(mode="json") | {"looked": sample.looked, "found": sample.found},
        "entries": [s.seq for s in photos],
    }
    related = [seq for seq, _, _, entry in asked.book.others if entry.lot == lot]
    edition = max([*(s.seq for s in photos), *related])
    return Document(asked.say("lot_certificate.title"), subject, [*blocks, signed(asked, machine)], data, (status, tone), edition)


def _parts(photos: Sequence[Seen]) -> dict[str, str]:
    """Each part's verdict: the worst of its photos', people's word before the machine's."""
    worst: dict[str, str] = {}
    for seen in photos:
        worst[seen.part] = min(seen.verdict, worst.get(seen.part, "pass"), key=WORST.index)
    return worst


def _undisposed(photos: Sequence[Seen]) -> list[Seen]:
    disposed = {s.part for s in photos for one in s.people if isinstance(one, Disposition)}
    return [s for s in photos if s.verdict == "fail" and s.part not in disposed]


def _status(asked: Asked, parts: dict[str, str], photos: Sequence[Seen], sample: Judged | None) -> tuple[str, Tone, str]:
    """The word on the lot, and why."""
    waiting = sum(v in ("review", "refused") for v in parts.values())
    undisposed = len({s.part for s in _undisposed(photos)})
    if sample is not None and sample.accepted is False:
        return (
            asked.say("lot_certificate.refused"),
            "fail",
            asked.say("lot_certificate.sample_refused", found=sample.found, accept=sample.entry.plan["accept"]),
        )
    if waiting or undisposed or (sample is not None and sample.accepted is None):
        missing = len(sample.entry.photos) - sample.looked if sample is not None else 0
        text = asked.say("lot_certificate.open_text", waiting=waiting, undisposed=undisposed, sample=missing)
        return asked.say("lot_certificate.open"), "review", text
    good = sum(v == "pass" for v in parts.values())
    return asked.say("lot_certificate.accepted"), "pass", asked.say("lot_certificate.accepted_text", good=good, parts=len(parts))


def _figures(asked: Asked, parts: dict[str, str]) -> list[tuple[str, str, Tone]]:
    counts = Counter(parts.values())
    return [(str(counts[v]), asked.word("tally", v), TONES[v]) for v in VERDICTS]


def _found(asked: Asked, photos: Sequence[Seen]) -> list[Block]:
    types = Counter(asked.type(spot.type) for s in photos for spot in s.counted)
    if not types:
        return [heading(asked.say("report.types")), paragraph(asked.say("report.no_findings"), soft=True)]
    bars = sorted(types.items(), key=lambda item: (-item[1], item[0]))
    severities = Counter(spot.severity or "none" for s in photos for spot in s.counted)
    told = [(asked.word("severity", name), str(severities[name])) for name in ("critical", "major", "minor", "none") if severities[name]]
    drawn = chart(pareto(bars[:12], 540), asked.say("monthly.pareto_alt", types=", ".join(f"{n} {c}" for n, c in bars)))
    return [heading(asked.say("report.types")), columns([drawn], [rows(told)], widths=(2.6, 1))]


def _nonconforming(asked: Asked, photos: Sequence[Seen]) -> list[Block]:
    bad = [s for s in photos if s.verdict != "pass"]
    if not bad:
        return []
    names = [asked.say(f"document.{name}") for name in ("part", "machine_verdict", "verdict", "found_types", "disposition", "approved")]
    lines = []
    for s in bad[:LISTED]:
        disposed = next((one for one in s.people if isinstance(one, Disposition)), None)
        approved = next((one.by for one in s.people if isinstance(one, SignOff) and one.meaning == "approval"), "–")
        action = (
            "–" if disposed is None else asked.word("action", disposed.action) + (f" {disposed.concession}" if disposed.concession else "")
        )
        types = ", ".join(dict.fromkeys(asked.type(spot.type) for spot in s.counted)) or "–"
        lines.append((s.part, asked.verdict(s.machine), asked.verdict(s.verdict), types, action, approved))
    more = [paragraph(asked.say("report.more", count=len(bad) - LISTED), soft=True)] if len(bad) > LISTED else []
    return [heading(asked.say("lot_certificate.nonconforming")), table(names, lines, widths=(1.4, 0.8, 0.8, 1.4, 1, 0.8)), *more]


def _masters(asked: Asked, product: str, photos: Sequence[Seen]) -> list[Block]:
    before = [one for one in runs_of(asked.book, product) if one[0] < photos[-1].seq]
    head = heading(asked.say("lot_certificate.masters"))
    if not before:
        return [head, callout(asked.say("document.gap"), asked.say("lot_certificate.no_masters"))]
    seq, _, at, run, ruling = before[-1]
    told: list[tuple[str, str]] = [
        (asked.say("document.entry"), f"{seq}, {asked.when(at)}"),
        (asked.say("masters.by"), run.by),
        (asked.say("masters.result"), asked.say("masters.result_value", held=len(run.results) - len(run.missed), parts=len(run.results))),
    ]
    if ruling is not None:
        told.append((asked.say("masters.ruling"), f"{ruling[2].by}: {asked.say(f'masters.{ruling[2].ruling}')}. {ruling[2].why}"))
    return [head, rows(told)]


def _conditions(asked: Asked, photos: Sequence[Seen]) -> list[Block]:
    models: dict[str, Any] = {}
    for s in photos:
        if s.model:
            models.setdefault(s.model, []).append(s.seq)
    lines = [(asked.say("provenance.model"), f"{model} ({min(seqs)}–{max(seqs)})") for model, seqs in models.items()]
    return [heading(asked.say("document.conditions")), rows([*lines, (asked.say("provenance.head"), asked.ledger.head[1])], mono=True)]
