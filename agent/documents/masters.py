"""Log of master parts: which ran at the start of a shift, what had to be found, what was."""

from __future__ import annotations

from seewhy.agent.documents.asked import Asked
from seewhy.agent.documents.signing import signed
from seewhy.agent.quality.masters import runs_of
from seewhy.errors import BadData
from seewhy.prompts.legible import legible
from seewhy.reports.documents.blocks import Block, Tone, callout, heading, kpis, rows, table
from seewhy.reports.documents.document import Document
from seewhy.studies import MasterRuling, MasterRun

SHOWN = 40  # runs in full; the earlier ones are in the data


def masters(asked: Asked) -> Document:
    """The log of a product's master parts (--product), of one month (--month) or of all time.

    Raises:
        BadData: no run was entered.
    """
    product, month = asked.option("product"), asked.option("month")
    runs = [one for one in runs_of(asked.book, product) if one[2].startswith(month)]
    if not runs:
        raise BadData(f"{asked.ledger.path} holds no such run of master parts; `seewhy study masters` makes one")
    missed = sum(len(run.missed) for *_, run, _ in runs)
    parts = sum(len(run.results) for *_, run, _ in runs)
    waiting = [seq for seq, _, _, run, ruling in runs if run.missed and ruling is None]
    tone: Tone = "fail" if waiting else "review" if missed else "pass"
    status = asked.say("masters.waiting" if waiting else "masters.missed" if missed else "masters.all_held")
    blocks: list[Block] = [
        kpis(
            [
                (str(len(runs)), asked.say("masters.runs"), ""),
                (str(parts), asked.say("masters.parts"), ""),
                (str(missed), asked.say("masters.misses"), "fail" if missed else "pass"),
            ]
        )
    ]
    if waiting:
        blocks.append(callout(asked.say("document.open"), asked.say("masters.waiting_text", entries=", ".join(map(str, waiting))), "fail"))
    for seq, _, at, run, ruling in reversed(runs[-SHOWN:]):
        by = f"{run.by}{f' ({run.role})' if run.role else ''}: {run.why}"
        ruled = _ruling(asked, *ruling[1:]) if ruling else ""
        told = [(asked.say("masters.by"), by), (asked.say("provenance.model"), run.model_sha256[:16]), (asked.say("masters.ruling"), ruled)]
        blocks += [heading(asked.say("masters.run", seq=seq, at=asked.when(at))), rows(told), _results(asked, run)]
    subject = [
        (asked.say("document.product"), legible(product or runs[-1][3].product)),
        (asked.say("document.period"), f"{runs[0][2][:10]} – {runs[-1][2][:10]}"),
    ]
    machine = [
        (asked.say("document.entries"), f"{runs[0][0]} – {runs[-1][0]}"),
        (asked.say("provenance.model"), runs[-1][3].model_sha256[:16]),
    ]
    data = {"runs": [{"seq": seq, "hash": digest, "at": at, **run.model_dump(mode="json")} for seq, digest, at, run, _ in runs]}
    edition = max([seq for seq, *_ in runs] + [ruling[0] for *_, ruling in runs if ruling])
    return Document(asked.say("masters.title"), subject, [*blocks, signed(asked, machine)], data, (status, tone), edition)


def _ruling(asked: Asked, at: str, ruling: MasterRuling) -> str:
    return f"{ruling.by} ({ruling.role}), {asked.when(at)}: {asked.say(f'masters.{ruling.ruling}')}. {ruling.why}"


def _results(asked: Asked, run: MasterRun) -> Block:
    columns = [asked.say(f"masters.{name}") for name in ("name", "defect", "must", "verdict", "score", "held")]
    lines = [
        (
            one.master.name,
            one.master.defect or "–",
            asked.say(f"masters.must_{one.master.must}"),
            asked.verdict(one.verdict),
            f"{asked.number(one.score)} / {asked.number(one.threshold)}",
            (asked.say("study.yes" if one.held else "study.no"), "pass" if one.held else "fail"),
        )
        for one in run.results
    ]
    return table(columns, lines, widths=(1, 1.6, 0.9, 0.8, 1.1, 0.6))
