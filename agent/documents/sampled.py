"""The sample of a lot on a page: its plan, the operating characteristic, what people found, and what may have escaped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seewhy.agent.documents.asked import Asked
from seewhy.agent.quality.bounds import Share
from seewhy.agent.quality.samples import Judged
from seewhy.agent.quality.sampling import Plan
from seewhy.agent.quality.seen import Seen
from seewhy.reports.documents.blocks import Block, chart, columns, heading, paragraph, rows
from seewhy.reports.documents.charts import Line, curves


def sample_blocks(asked: Asked, sample: Judged | None) -> list[Block]:
    """The plan, its operating characteristic, and what people found."""
    head = heading(asked.say("lot_certificate.sample"))
    if sample is None:
        return [head, paragraph(asked.say("lot_certificate.no_sample"), soft=True)]
    plan = Plan(**sample.entry.plan)
    share = Share(sample.found, sample.looked)
    told = [
        (asked.say("sampling.source"), plan.source),
        (
            asked.say("sampling.level"),
            asked.say("sampling.level_value", level=plan.level, severity=asked.say(f"sampling.{plan.severity}")) if plan.letter else "",
        ),
        (asked.say("sampling.aql"), f"{plan.aql:g}"),
        (asked.say("sampling.letter"), plan.letter),
        (asked.say("sampling.size"), asked.say("sampling.size_value", size=plan.size, lot=plan.lot)),
        (asked.say("sampling.accept"), f"Ac {plan.accept}, Re {plan.accept + 1}"),
        (
            asked.say("sampling.looked"),
            asked.say("sampling.looked_value", looked=sample.looked, size=len(sample.entry.photos), found=sample.found),
        ),
        (asked.say("sampling.bound"), asked.share(share) if sample.looked else ""),
        (asked.say("sampling.seed"), f"{sample.entry.seed[:16]}"),
    ]
    most = max(4 * plan.aql / 100, 8 / plan.size)
    points = [(100 * p, plan.chance(float(p))) for p in np.linspace(0, min(most, 1.0), 80)]
    drawn = curves(
        [Line(points)],
        asked.say("sampling.oc_x"),
        asked.say("sampling.oc_y"),
        width=420,
        upright=[(plan.aql, f"AQL {plan.aql:g} %")] if plan.letter else [],
    )
    return [
        head,
        paragraph(asked.say("sampling.means")),
        columns([rows(told)], [chart(drawn, asked.say("sampling.oc_alt"), asked.say("sampling.oc"))], widths=(1, 1.15)),
        paragraph(asked.say("sampling.edition"), soft=True),
    ]


def escape_blocks(asked: Asked, photos: Sequence[Seen], sample: Judged | None) -> list[Block]:
    """How many defective parts may have passed: never "0" without its bound."""
    drawn = set(sample.entry.photos) if sample is not None else None
    looked = [s for s in photos if s.machine == "pass" and s.reviewed is not None and (drawn is None or s.photo in drawn)]
    escaped = Share(sum(s.verdict == "fail" for s in looked), len(looked))
    stopped = [s for s in photos if s.machine == "fail" and s.reviewed is not None]
    rejected = Share(sum(s.verdict == "pass" for s in stopped), len(stopped))
    told = [(asked.say("escapes.escaped"), asked.share(escaped)), (asked.say("escapes.rejected"), asked.share(rejected))]
    note = [] if drawn is not None or not looked else [paragraph(asked.say("escapes.not_random"), soft=True)]
    return [heading(asked.say("escapes.title")), rows(told), *note]
