"""Monthly review: how the station and the product did, by charts with their limits, and how people decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.signing import signed
from seewhy.agent.documents.watched import drift_blocks, incident_blocks, people_blocks
from seewhy.agent.quality.charts import Chart, p_chart, u_chart
from seewhy.agent.quality.seen import Seen
from seewhy.card import ProductCard
from seewhy.errors import BadData
from seewhy.prompts.legible import legible
from seewhy.reports.documents.blocks import Block, Tone, chart, heading, kpis, paragraph, table
from seewhy.reports.documents.charts import Mark, control, pareto, zones
from seewhy.reports.documents.document import Document

TYPES, GRID = 6, (10, 15)  # types over time; rows and columns of the map


def monthly(asked: Asked) -> Document:
    """Of a month (--month YYYY-MM) and a product (--product; needed where the month has several).

    Raises:
        BadData: nothing was inspected then.
    """
    month, product = asked.needed("month"), asked.option("product")
    if len(month) != 7 or month[4:5] != "-" or not (month[:4] + month[5:]).isdecimal():
        raise BadData(f"a month is YYYY-MM, not {month!r}")
    photos = asked.book.production(month=month, product=product)
    if not photos:
        raise BadData(f"{asked.ledger.path} holds no photo" + (f" of {product!r}" if product else "") + f" that was inspected in {month}")
    if len(products := sorted({s.product for s in photos})) > 1:
        raise BadData(f"in {month} several products were inspected; give one with --product: {', '.join(products)}")
    groups = grouped(photos)
    blocks: list[Block] = [
        kpis(_figures(asked, photos)),
        *_pareto(asked, photos),
        *_charts(asked, groups),
        *_types(asked, groups),
        *_zones(asked, photos),
        *drift_blocks(asked, photos),
        *people_blocks(asked, photos),
        *incident_blocks(asked, month, products[0]),
    ]
    subject = [
        (asked.say("document.product"), legible(products[0])),
        (asked.say("monthly.month"), month),
        (asked.say("document.parts"), asked.say("document.parts_value", parts=len({(s.lot, s.part) for s in photos}), photos=len(photos))),
        (asked.say("monthly.lots"), str(len({s.lot for s in photos}))),
    ]
    data = {
        "month": month,
        "product": products[0],
        "photos": len(photos),
        "machine": dict(Counter(s.machine for s in photos)),
        "verdicts": dict(Counter(s.verdict for s in photos)),
        "groups": [
            {
                "name": name,
                "photos": len(own),
                "stopped": sum(s.machine != "pass" for s in own),
                "findings": sum(len(s.counted) for s in own),
            }
            for name, own in groups
        ],
        "entries": [photos[0].seq, photos[-1].seq],
    }
    machine = [
        (asked.say("document.entries"), f"{photos[0].seq} – {photos[-1].seq}"),
        (asked.say("monthly.models"), str(len({s.model for s in photos if s.model}))),
    ]
    return Document(asked.say("monthly.title"), subject, [*blocks, signed(asked, machine)], data)


def grouped(photos: Sequence[Seen]) -> list[tuple[str, list[Seen]]]:
    """Samples of the charts: lots where there are several, else days, in order."""
    by_lot = len({s.lot for s in photos}) > 2
    found: dict[str, list[Seen]] = {}
    for seen in photos:
        found.setdefault(seen.lot if by_lot else seen.at[:10], []).append(seen)
    return list(found.items())


def _figures(asked: Asked, photos: Sequence[Seen]) -> list[tuple[str, str, Tone]]:
    total, machine = len(photos), Counter(s.machine for s in photos)
    return [
        (asked.percent(machine["pass"] / total, 1), asked.say("monthly.first_pass"), "pass"),
        (asked.percent(machine["fail"] / total, 1), asked.say("monthly.failed"), "fail"),
        (asked.percent(machine["review"] / total, 1), asked.say("monthly.asked"), "review"),
        (str(machine["refused"]), asked.word("tally", "refused"), "refused"),
        (str(sum(s.reviewed is not None for s in photos)), asked.say("monthly.reviewed"), ""),
    ]


def _pareto(asked: Asked, photos: Sequence[Seen]) -> list[Block]:
    types = Counter(asked.type(spot.type) for s in photos for spot in s.counted)
    if not types:
        return [heading(asked.say("report.types")), paragraph(asked.say("report.no_findings"), soft=True)]
    bars = sorted(types.items(), key=lambda item: (-item[1], item[0]))[:12]
    return [
        heading(asked.say("report.types")),
        chart(pareto(bars), asked.say("monthly.pareto_alt", types=", ".join(f"{n} {c}" for n, c in bars))),
    ]


def _charts(asked: Asked, groups: Sequence[tuple[str, Sequence[Seen]]]) -> list[Block]:
    """p-chart of stopped photos, u-chart of findings, with Nelson's tests."""
    if len(groups) < 2:
        return [heading(asked.say("monthly.charts")), paragraph(asked.say("monthly.one_sample"), soft=True)]
    sizes = [len(own) for _, own in groups]
    names = [name for name, _ in groups]
    p = p_chart([sum(s.machine != "pass" for s in own) for _, own in groups], sizes)
    u = u_chart([sum(len(s.counted) for s in own) for _, own in groups], sizes)
    blocks: list[Block] = [heading(asked.say("monthly.charts"))]
    for made, key in ((p, "p"), (u, "u")):
        told = _flags(asked, made, names)
        caption = asked.say(f"monthly.{key}_chart", centre=asked.percent(made.centre) if key == "p" else asked.number(made.centre))
        marks = [
            Mark(name, point.value, point.lower, point.upper, ",".join(map(str, point.rules)))
            for name, point in zip(names, made.points, strict=True)
        ]
        blocks += [
            chart(control(marks, made.centre, share=key == "p"), f"{caption} {told}", caption),
            paragraph(told, soft=not any(pt.rules for pt in made.points)),
        ]
    return blocks


def _flags(asked: Asked, made: Chart, names: Sequence[str]) -> str:
    flagged = [(name, point.rules) for name, point in zip(names, made.points, strict=True) if point.rules]
    if not flagged:
        return asked.say("monthly.no_flags")
    rules = sorted({rule for _, found in flagged for rule in found})
    where = "; ".join(f"{name}: {', '.join(map(str, found))}" for name, found in flagged[:12])
    return asked.say("monthly.flags", where=where) + " " + " ".join(f"({rule}) {asked.say(f'nelson.{rule}')}" for rule in rules)


def _types(asked: Asked, groups: Sequence[tuple[str, Sequence[Seen]]]) -> list[Block]:
    top = [name for name, _ in Counter(spot.type for _, own in groups for s in own for spot in s.counted).most_common(TYPES)]
    if not top or len(groups) < 2:
        return []
    shown = list(groups)[-24:]
    lines = []
    for name, own in shown:
        counts = Counter(spot.type for s in own for spot in s.counted)
        lines.append((name, str(len(own)), *(str(counts[t]) if counts[t] else "–" for t in top)))
    columns = [asked.say("monthly.sample"), asked.say("monthly.photos"), *(asked.type(t) for t in top)]
    return [
        heading(asked.say("monthly.types")),
        table(columns, lines, align="l" + "r" * (len(top) + 1), widths=(1.6, *[1] * (len(top) + 1))),
    ]


def _zones(asked: Asked, photos: Sequence[Seen]) -> list[Block]:
    """Where findings lie on the product."""
    spots = [(s, spot) for s in photos for spot in s.counted]
    if not spots:
        return []
    counts = [[0] * GRID[1] for _ in range(GRID[0])]
    for _, spot in spots:
        x, y = spot.at
        counts[min(int(y * GRID[0]), GRID[0] - 1)][min(int(x * GRID[1]), GRID[1] - 1)] += 1
    card = _card(asked, photos[-1])
    parts = [(part.name, part.box) for part in card.parts] if card else []
    width, height = photos[-1].size_px
    named = Counter(asked.word("cell", spot.zone) for _, spot in spots if spot.zone)
    most = ", ".join(f"{name} {count}" for name, count in named.most_common(3))
    return [
        heading(asked.say("monthly.zones")),
        chart(
            zones(counts, parts, width / height), asked.say("monthly.zones_alt", most=most), asked.say("monthly.zones_caption", most=most)
        ),
    ]


def _card(asked: Asked, seen: Seen) -> ProductCard | None:
    """The product's card, where the ledger keeps it."""
    row = asked.ledger.found("seq = ?", (seen.seq,))[0]
    digest = getattr(getattr(row.entry, "provenance", None), "card_sha256", "")
    kept = asked.ledger.evidence(digest) if digest else None
    return ProductCard.model_validate_json(kept) if kept else None
