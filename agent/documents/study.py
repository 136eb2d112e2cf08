"""Capability study report: agreement, detection by size, escapes; its criteria and whether they held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import exp, log
from typing import Any

import numpy as np

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.signing import signed
from seewhy.agent.ledger.store import Row
from seewhy.agent.people.acts import find_entry
from seewhy.agent.quality.bounds import Share
from seewhy.agent.quality.detection import Signal
from seewhy.errors import BadData
from seewhy.prompts.legible import legible
from seewhy.reports.documents.blocks import Block, Tone, callout, chart, heading, kpis, paragraph, rows, table
from seewhy.reports.documents.charts import Line, curves
from seewhy.reports.documents.document import Document
from seewhy.studies import Criterion, StudyDone

USUAL = {"effectiveness": (0.90, 0.80), "miss_rate": (0.02, 0.05), "false_alarm_rate": (0.05, 0.10)}  # AIAG MSA: acceptable, marginal
KAPPA_GOOD = 0.75
RATES = ("effectiveness", "miss_rate", "false_alarm_rate", "escape_share_upper", "false_reject_share_upper", "escapes_unseen_upper")


def study(asked: Asked) -> Document:
    """The report of one study: --entry, or the last one of --protocol or --product.

    Raises:
        BadData: there is none.
    """
    row = _which(asked)
    entry = row.entry
    assert isinstance(entry, StudyDone)
    body = {"agreement": agreement_blocks, "detection": detection_blocks, "escapes": escapes_blocks}[entry.study](asked, entry)
    held = [one.held for one in entry.criteria]
    tone: Tone = "review" if not held else "pass" if all(held) else "fail"
    status = asked.say("study.no_criteria" if not held else "study.held" if all(held) else "study.not_held")
    subject = [
        (asked.say("study.kind"), asked.say(f"study.{entry.study}")),
        (asked.say("document.product"), legible(entry.product) or "–"),
        (asked.say("document.lot"), legible(entry.lot)),
        (asked.say("study.protocol"), legible(entry.protocol)),
        (asked.say("study.done"), asked.say("study.done_value", by=entry.by, at=asked.when(row.at), seq=row.seq)),
        (asked.say("document.why"), entry.why),
    ]
    blocks = [*criteria_blocks(asked, entry), *body, *_independence(asked, entry), *_inputs(asked, entry)]
    machine = [(asked.say("document.entry"), row.hash[:16]), (asked.say("study.rests_on"), str(len(entry.rests_on)))]
    return Document(
        asked.say("study.title"),
        [pair for pair in subject if pair[1]],
        [*blocks, signed(asked, machine)],
        {"seq": row.seq, "hash": row.hash} | entry.model_dump(mode="json"),
        (status, tone),
        row.seq,
    )


def _which(asked: Asked) -> Row:
    if asked.option("entry"):
        row = find_entry(asked.ledger, asked.option("entry"))
        if not isinstance(row.entry, StudyDone):
            raise BadData(f"entry {row.seq} is no study")
        return row
    found = [
        row
        for row in asked.ledger.found("kind = 'study'")
        if isinstance(row.entry, StudyDone)
        and asked.option("protocol") in ("", row.entry.protocol)
        and asked.option("product") in ("", row.entry.product)
    ]
    if not found:
        raise BadData(f"{asked.ledger.path} holds no such study; `seewhy study agreement`, `pod` or `escapes` makes one")
    return found[-1]


def figure(asked: Asked, measure: str, value: float | None) -> str:
    """A measure as people read it."""
    return "–" if value is None else asked.percent(value) if measure in RATES else asked.number(value)


def criteria_blocks(asked: Asked, entry: StudyDone) -> list[Block]:
    """What had to be reached, entered before the test, and what was."""
    if not entry.criteria:
        return [callout(asked.say("document.note"), asked.say("study.without_criteria"))]
    lines = []
    for one in entry.criteria:
        row = find_entry(asked.ledger, one.criterion)
        assert isinstance(row.entry, Criterion)
        c = row.entry
        wanted = asked.say(f"study.{c.relation}", limit=figure(asked, c.measure, c.limit))
        word = asked.say("study.yes" if one.held else "study.no"), "pass" if one.held else "fail"
        lines.append(
            (
                asked.say(f"measure.{c.measure}"),
                wanted,
                figure(asked, c.measure, one.value),
                word,
                f"{row.seq}, {asked.when(row.at)}",
                f"{c.by}: {c.why}",
            )
        )
    columns = [asked.say(f"study.{name}") for name in ("measure", "wanted", "reached", "held_word", "entered", "from")]
    return [heading(asked.say("study.criteria")), table(columns, lines, widths=(1.5, 1, 0.8, 0.7, 1.3, 1.8))]


def agreement_blocks(asked: Asked, entry: StudyDone) -> list[Block]:
    """Appraisers against the truth, each two with each other, all together."""
    told = entry.results
    machine = next(one for one in told["appraisers"] if one["name"] == "machine")
    names = ("effective", "missed", "alarmed")
    top = [
        (asked.percent(machine[n]["value"]), asked.say(f"agreement.{n}"), _usual(m, machine[n]["value"]))
        for n, m in zip(names, USUAL, strict=True)
    ]
    kappa = machine["kappa"]["value"]
    top.append((asked.number(kappa), asked.say("agreement.kappa"), "pass" if kappa is not None and kappa >= KAPPA_GOOD else "review"))
    columns = [asked.say(f"agreement.{n}") for n in ("appraiser", *names, "repeated", "kappa")]
    lines = [
        (
            _appraiser(asked, one["name"]),
            *((asked.share(one[n]), _usual(m, one[n]["value"])) for n, m in zip(names, USUAL, strict=True)),
            asked.share(one["repeated"]),
            kappa_said(asked, one["kappa"]),
        )
        for one in told["appraisers"]
    ]
    pairs = [(_appraiser(asked, one["first"]), _appraiser(asked, one["second"]), kappa_said(asked, one)) for one in told["between"]]
    every = [] if told["all"] is None else [(asked.say("agreement.fleiss"), kappa_said(asked, told["all"]))]
    left = [paragraph(asked.say("agreement.left_out", names=", ".join(told["left_out"])), soft=True)] if told.get("left_out") else []
    return [
        paragraph(asked.say("agreement.text", parts=told["parts"], trials=told["trials"], appraisers=len(told["appraisers"]))),
        kpis(top),
        heading(asked.say("agreement.against_truth")),
        table(columns, lines, widths=(0.8, 1.4, 1.4, 1.4, 1.2, 1.1)),
        paragraph(asked.say("agreement.limits"), soft=True),
        heading(asked.say("agreement.between")),
        table([asked.say(f"agreement.{n}") for n in ("first", "second", "kappa")], pairs),
        rows(every),
        *left,
    ]


def _appraiser(asked: Asked, name: str) -> str:
    return asked.say("agreement.machine") if name == "machine" else legible(name)


def _usual(measure: str, value: float | None) -> Tone:
    """Green, amber, red by AIAG's usual limits."""
    if value is None:
        return ""
    good, fair = USUAL[measure]
    sign = 1 if good > fair else -1  # of effectiveness more is better, of the others less
    return "pass" if sign * value >= sign * good else "review" if sign * value >= sign * fair else "fail"


def kappa_said(asked: Asked, kappa: Mapping[str, Any]) -> str:
    """A kappa with its interval."""
    if kappa["value"] is None:
        return asked.say("agreement.no_kappa")
    if kappa["interval"] is None:
        return f"{kappa['value']:.2f}"
    low, high = kappa["interval"]
    return asked.say("agreement.kappa_value", value=f"{kappa['value']:.2f}", low=f"{low:.2f}", high=f"{high:.2f}")


def detection_blocks(asked: Asked, entry: StudyDone) -> list[Block]:
    """The curve, the sizes, where they come from."""
    told = entry.results
    unit, sizes, found = told["unit"], told["sizes"], told["found"]
    top: list[tuple[str, str, Tone]] = [
        (asked.number(told[name], unit), asked.say(f"measure.{name}"), "") for name in ("a50", "a90", "a90_95", "from_counts")
    ]
    blocks: list[Block] = [
        callout(
            asked.say("document.note"),
            asked.say(f"detection.{told['source']}"),
            "fail" if told["source"] == "found_by_system" else "review",
        )
    ]
    if told["way"] != "fitted":
        blocks.append(callout(asked.say("document.gap"), asked.say(f"detection.{told['way']}")))
    blocks += [paragraph(asked.say("detection.text", count=len(sizes), found=sum(found))), kpis(top)]
    by_signal = told.get("signal")
    lines = [Line(_curve(told, max(sizes)))] if told["way"] == "fitted" else []
    lines += [Line(_signal_curve(by_signal, max(sizes)), dashed=True)] if by_signal else []
    upright = [
        (told[name], asked.say(f"measure.{name}"))
        for name in ("a50", "a90", "a90_95")
        if told[name] is not None and told[name] < 3 * max(sizes)
    ]
    dots = [(size, 1.0 if hit else 0.0, hit) for size, hit in zip(sizes, found, strict=True)]
    drawn = curves(lines, asked.say("detection.x", unit=unit), asked.say("detection.y"), dots=dots, upright=upright)
    blocks.append(chart(drawn, asked.say("detection.alt"), asked.say("detection.caption")))
    if by_signal:
        shown: list[tuple[str, str, Tone]] = [
            (asked.number(by_signal[name], unit), asked.say(f"measure.{name}"), "") for name in ("a50", "a90", "a90_95")
        ]
        blocks += [
            heading(asked.say("detection.signal")),
            paragraph(asked.say("detection.signal_text", count=by_signal["count"])),
            kpis(shown),
        ]
    return [
        *blocks,
        heading(asked.say("detection.by_size")),
        _by_size(asked, sizes, found, unit),
        paragraph(asked.say("detection.method"), soft=True),
    ]


def _curve(told: Mapping[str, Any], largest: float) -> list[tuple[float, float]]:
    xs = np.linspace(largest / 200, 1.1 * largest, 120)
    return [(float(x), 1 / (1 + exp(-(told["intercept"] + told["slope"] * log(x))))) for x in xs]


def _signal_curve(told: Mapping[str, Any], largest: float) -> list[tuple[float, float]]:
    model = Signal(**{field.name: told[field.name] for field in fields(Signal)})
    return [(float(x), model.probability(float(x), 1.0)) for x in np.linspace(largest / 200, 1.1 * largest, 120)]


def _by_size(asked: Asked, sizes: Sequence[float], found: Sequence[bool], unit: str) -> Block:
    """Fifths of the defects by size: how many were found, with the limit."""
    order = sorted(zip(sizes, found, strict=True))
    groups = [order[i * len(order) // 5 : (i + 1) * len(order) // 5] for i in range(5)]
    columns = [asked.say(f"detection.{name}") for name in ("sizes", "tried", "found", "at_least")]
    lines = []
    for group in groups:
        if group:
            share = Share(sum(hit for _, hit in group), len(group))
            low, high = group[0][0], group[-1][0]
            lines.append(
                (f"{asked.number(low)} – {asked.number(high, unit)}", str(share.of), str(share.count), asked.percent(share.lower, 1))
            )
    return table(columns, lines, align="lrrr")


def escapes_blocks(asked: Asked, entry: StudyDone) -> list[Block]:
    """Escapes and false rejects with their bounds."""
    told = entry.results
    named = [
        (
            asked.say("escapes.looked"),
            asked.say("escapes.looked_value", looked=told["escaped"]["of"], passed=told["passed"], photos=told["photos"]),
        ),
        (asked.say("escapes.escaped"), asked.share(told["escaped"])),
        (asked.say("escapes.rejected"), asked.share(told["false_rejects"])),
    ]
    blocks: list[Block] = [
        kpis(
            [
                (asked.percent(told["escaped"]["upper"]), asked.say("measure.escape_share_upper"), ""),
                (asked.percent(told["false_rejects"]["upper"]), asked.say("measure.false_reject_share_upper"), ""),
            ]
        ),
        rows(named),
    ]
    if not told["random"]:
        blocks.append(callout(asked.say("document.note"), asked.say("escapes.not_random")))
    if told["unseen"] is not None:
        share, upper = asked.percent(told["defect_share"]), asked.percent(told["unseen"]["upper"])
        blocks += [
            heading(asked.say("escapes.unseen")),
            paragraph(
                asked.say(
                    "escapes.unseen_text", share=share, upper=upper, good=told["unseen"]["good"]["of"], lot=told["unseen"]["lot"]["of"]
                )
            ),
        ]
    return [*blocks, paragraph(asked.say("escapes.method"), soft=True)]


def _independence(asked: Asked, entry: StudyDone) -> list[Block]:
    """Whether test photos are others than training photos, by hash."""
    told = entry.results.get("independence")
    if told is None:
        return [heading(asked.say("study.independence")), callout(asked.say("document.gap"), asked.say("study.independence_unknown"))]
    key = "study.independent" if told["common"] == 0 else "study.dependent"
    text = asked.say(key, training=told["training"], tested=told["tested"], common=told["common"])
    return [heading(asked.say("study.independence")), callout(asked.say("study.by_hash"), text, "pass" if told["common"] == 0 else "fail")]


def _inputs(asked: Asked, entry: StudyDone) -> list[Block]:
    named = [(document.name, document.sha256) for document in entry.evidence]
    return [heading(asked.say("study.inputs")), rows(named, mono=True)] if named else []
