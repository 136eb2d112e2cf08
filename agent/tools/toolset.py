"""The tools themselves: what they do, whoever calls them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from seewhy.agent.api.explain import explain
from seewhy.agent.ledger.reading import latest
from seewhy.agent.ledger.similar import Among, crop_of_entry, similar_to
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.photos.images import photo_of
from seewhy.agent.tools import arguments
from seewhy.agent.tools.answers import entry_answer, measures
from seewhy.agent.tools.workspace import Workspace
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData
from seewhy.record import InspectionRecord, RefusedPhoto
from seewhy.reports import write_report

Answer = dict[str, Any]
MEDIA = {"html": "text/html", "csv": "text/csv", "json": "application/json", "pdf": "application/pdf"}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its name, what it takes and does."""

    name: str
    takes: type[BaseModel]
    does: Callable[[Workspace, Any], Answer]
    description: str

    def __call__(self, workspace: Workspace, **given: Any) -> Answer:
        """What it answers.

        Raises:
            BadData: an argument isn't what the tool takes; and what `seewhy` itself raises, each with its remedy.
        """
        try:
            taken = self.takes.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the arguments"
            raise BadData(f"{self.name}: {where}: {first['msg']}; see the tool's schema") from error
        return self.does(workspace, taken)


def inspect_photo(workspace: Workspace, given: arguments.Inspect) -> Answer:
    """Detect, measure, describe and rule, with the workspace's model."""
    found = workspace.inspector.inspect(workspace.inside(given.photo), name=given.photo, root=workspace.folder)
    return entry_answer(found.record, given.language) | {"recorded": workspace.keep(found)}


def explain_regions(workspace: Workspace, given: arguments.Explain) -> Answer:
    """Measure, describe and rule on regions that were given."""
    said: Any = {"detector": given.detector, "version": given.version}
    photo = photo_of(workspace.inside(given.photo), name=given.photo, root=workspace.folder)
    regions = _regions(workspace, given)
    if workspace.model is not None and not given.reference:
        found = workspace.inspector.explain(photo, regions, language=given.language, **said)
    else:
        reference = workspace.inside(given.reference) if given.reference else None
        found = explain(photo, regions, reference=reference, explainer=workspace.explainer, language=given.language, **said)
    return entry_answer(found.record, given.language) | {"recorded": workspace.keep(found)}


def measure_regions(workspace: Workspace, given: arguments.Regions) -> Answer:
    """Sizes and places of regions, and nothing else; nothing is recorded."""
    card = None if workspace.model is None else workspace.inspector.card
    photo = photo_of(workspace.inside(given.photo), name=given.photo, root=workspace.folder)
    found = explain(photo, _regions(workspace, given), card=card).record
    return {"photo": given.photo, "size_px": [photo.width, photo.height], "regions": [measures(f) for f in found.findings]}


def similar_findings(workspace: Workspace, given: arguments.Similar) -> Answer:
    """Past findings that look like one of the ledger."""
    crop, record = crop_of_entry(workspace.book(), given.entry, given.finding)
    among = Among(given.product, given.type, given.since, given.until, given.confirmed, record.photo.sha256)
    found = similar_to(crop, workspace.book(), given.k, among, keep=bool(workspace.role))
    return {"findings": [asdict(past) for past in found]}


def lookup(workspace: Workspace, given: arguments.Lookup) -> Answer:
    """Records that stand, newest first."""
    with Ledger(workspace.book(), read_only=True) as ledger:
        found = [(row.seq, entry) for row, entry in latest(ledger, given.lot or None) if _wanted(entry, given)]
        lots = ledger.lots()
    shown = found[::-1][: given.most]
    return {"count": len(found), "lots": lots, "entries": [entry_answer(entry, given.language, number) for number, entry in shown]}


def report(workspace: Workspace, given: arguments.Report) -> Answer:
    """A report, as a resource; a file as well where the tools may write."""
    with Ledger(workspace.book(), read_only=True) as ledger, tempfile.TemporaryDirectory() as folder:
        entries = [entry for _, entry in latest(ledger, given.lot or None)]
        name = f"report.{given.format}"
        path = write_report(entries, ledger.evidence, Path(folder) / name, head=ledger.head[1], language=given.language)
        data = path.read_bytes()
        digest = sha256_bytes(data)
        workspace.hold({digest: (MEDIA[given.format], data)})
        file = ""
        if workspace.role:
            file = f"reports/{digest[:12]}.{given.format}"
            write_report(entries, ledger.evidence, workspace.inside(file), head=ledger.head[1], language=given.language)
    return {"entries": len(entries), "bytes": len(data), "report": f"seewhy://picture/{digest}", "file": file}


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "inspect",
            arguments.Inspect,
            inspect_photo,
            "Inspect a photo with the fitted model: verdict, findings, measured facts, words with sources. Words explain, rules decide.",
        ),
        Tool(
            "explain",
            arguments.Explain,
            explain_regions,
            "Explain regions that another detector or a person found in a photo: how large, what they look like, how severe by the policy. "
            "Nothing is searched; the verdict follows from the policy alone.",
        ),
        Tool(
            "measure", arguments.Regions, measure_regions, "Measure regions of a photo: place, size, shape; mm where the card has a scale."
        ),
        Tool(
            "similar",
            arguments.Similar,
            similar_findings,
            "Past findings of the ledger that look like one, best first, with who named them.",
        ),
        Tool("record", arguments.Lookup, lookup, "Look up inspections in the ledger by photo, lot or verdict, newest first."),
        Tool("report", arguments.Report, report, "Make a report of a lot, as HTML, PDF, CSV or JSON."),
    )
}


def _regions(workspace: Workspace, given: arguments.Regions) -> Any:
    if given.file and (given.boxes or given.polygons):
        raise BadData("give a file or regions, not both")
    if given.file:
        return workspace.inside(given.file)
    regions = [*given.boxes, *given.polygons]
    if not regions:
        raise BadData("no region is given: boxes, polygons or a file")
    return regions


def _wanted(entry: InspectionRecord | RefusedPhoto, given: arguments.Lookup) -> bool:
    if isinstance(entry, RefusedPhoto):
        return entry.name.endswith(given.photo) and given.verdict in ("", "refused")
    return entry.photo.name.endswith(given.photo) and given.verdict in ("", entry.verdict.value)
