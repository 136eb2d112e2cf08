"""What a month's review says beside the charts: drift of good parts, people's reviews, complaints, master parts, changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from seewhy.agent.documents.asked import Asked
from seewhy.agent.people.history import complaints
from seewhy.agent.quality.bounds import Share
from seewhy.agent.quality.charts import drift
from seewhy.agent.quality.masters import runs_of
from seewhy.agent.quality.seen import Seen
from seewhy.people import Complaint, Release, Review, SettingsChange
from seewhy.prompts.people import told
from seewhy.record import Drift, Param
from seewhy.reports.documents.blocks import Block, heading, paragraph, rows, table

ALARM = 0.01  # p-value below which a drift is called


def drift_blocks(asked: Asked, photos: Sequence[Seen]) -> list[Block]:
    """Good parts against the calibration of each model, by a test."""
    lines: list[tuple[Any, ...]] = []
    for model in dict.fromkeys(s.model for s in photos if s.calibration):
        own = [s for s in photos if s.model == model and s.verdict == s.machine == "pass" and s.p_value is not None]
        found = drift([s.p_value or 0.0 for s in own], own[0].calibration) if own else None
        if found is not None:
            alarm = found.p_value < ALARM
            way = "higher" if found.above < 0.5 else "lower"
            said = asked.say(f"monthly.drift_{way}") if alarm else asked.say("monthly.no_drift")
            lines.append(
                (
                    model[:12],
                    str(found.parts),
                    str(found.calibration),
                    f"{found.above:.3f}",
                    f"{found.p_value:.2g}",
                    (said, "fail" if alarm else "pass"),
                )
            )
    head = heading(asked.say("monthly.drift"))
    alarms = dict.fromkeys((s.model, s.drift) for s in photos if s.drift is not None)
    head_blocks = [head, *(paragraph(_alarm(asked, model, drift)) for model, drift in alarms)]
    if not lines:
        return [*head_blocks, paragraph(asked.say("monthly.drift_none"), soft=True)]
    columns = [asked.say(f"monthly.{name}") for name in ("model", "good_parts", "calibration", "above", "p_value", "finding")]
    return [
        *head_blocks,
        table(columns, lines, align="lrrrrl", widths=(1, 0.8, 0.8, 0.9, 0.7, 2)),
        paragraph(asked.say("monthly.drift_text"), soft=True),
    ]


def _alarm(asked: Asked, model: str, drift: Drift) -> str:
    """What the watch over the ledger found (`seewhy.agent.quality.martingale`)."""
    facts: dict[str, Param] = {
        "since": drift.since,
        "alarm": drift.alarm,
        "lot": drift.alarm_lot,
        "way": f"@drift.{drift.way}",
        "photos": drift.photos,
    }
    return asked.say("monthly.drift_alarm", model=model[:12], bound=drift.bound, **facts)


def people_blocks(asked: Asked, photos: Sequence[Seen]) -> list[Block]:
    """False rejects, escapes, and how often each reviewer overrules."""
    stopped = [s for s in photos if s.machine == "fail" and s.reviewed is not None]
    looked = [s for s in photos if s.machine == "pass" and s.reviewed is not None]
    named = [
        (asked.say("escapes.rejected"), asked.share(Share(sum(s.verdict == "pass" for s in stopped), len(stopped)))),
        (asked.say("escapes.escaped"), asked.share(Share(sum(s.verdict == "fail" for s in looked), len(looked)))),
    ]
    reviews = [one for s in photos for one in s.people if isinstance(one, Review)]
    lines = []
    for name, count in Counter(one.by for one in reviews).most_common():
        own = Counter((one.opinion, one.verdict) for one in reviews if one.by == name)
        overruled = own["overrule", "pass"] + own["overrule", "fail"]
        told_ = overruled + own["agree", "pass"] + own["agree", "fail"]
        share = asked.percent(overruled / told_, 1) if told_ else "–"
        lines.append(
            (
                name,
                str(count),
                str(told_ - overruled),
                str(own["overrule", "pass"]),
                str(own["overrule", "fail"]),
                str(count - told_),
                share,
            )
        )
    columns = [asked.say(f"monthly.{n}") for n in ("reviewer", "reviews", "agreed", "to_pass", "to_fail", "decided", "overruled")]
    shown = (
        [table(columns, lines, align="lrrrrrr", widths=(1.6, 1, 1, 1.2, 1.2, 1, 1))]
        if lines
        else [paragraph(asked.say("monthly.no_reviews"), soft=True)]
    )
    return [heading(asked.say("monthly.people")), rows(named), *shown]


def incident_blocks(asked: Asked, month: str, product: str) -> list[Block]:
    """Complaints, master parts, what was changed."""
    claims = [
        (str(row.seq), told(row.entry, asked.language), ", ".join(f"{p.name}: {asked.word('outcome', p.machine)}" for p in parts))
        for row, parts in complaints(asked.ledger)
        if isinstance(row.entry, Complaint) and row.at.startswith(month) and row.entry.product == product
    ]
    runs = [one for one in runs_of(asked.book, product) if one[2].startswith(month)]
    missed = sum(len(run.missed) for *_, run, _ in runs)
    changes = [
        (str(seq), asked.when(at), told(entry, asked.language))
        for seq, _, at, entry in asked.book.entries(Release, SettingsChange)
        if at.startswith(month) and entry.product in (product, "")
    ]
    blocks: list[Block] = [
        heading(asked.say("monthly.incidents")),
        rows(
            [
                (
                    asked.say("masters.runs"),
                    asked.say("monthly.masters_value", runs=len(runs), missed=missed) if runs else asked.say("monthly.no_masters"),
                ),
                (asked.say("monthly.complaints"), str(len(claims)) if claims else asked.say("report.none")),
            ]
        ),
    ]
    if claims:
        blocks.append(table([asked.say(f"document.{n}") for n in ("seq", "what", "machine_verdict")], claims, widths=(0, 3, 2)))
    if changes:
        blocks += [
            heading(asked.say("audit.changes")),
            table([asked.say(f"document.{n}") for n in ("seq", "at", "what")], changes, widths=(0, 0, 1)),
        ]
    return blocks
