"""What people say of findings, as entries of their own."""

from __future__ import annotations

from datetime import UTC, datetime

from seewhy.agent.ledger.reading import about, latest
from seewhy.agent.ledger.store import Ledger
from seewhy.errors import BadData
from seewhy.record import Confirmation, InspectionRecord


def confirm(ledger: Ledger, photo: str, finding: int, type_: str, *, by: str, comment: str = "", lot: str | None = None) -> Confirmation:
    """Note what a person says a finding is. It passes and fails nothing; later inspections learn from it what such a crop is.

    Raises:
        BadData: there is no such photo or finding, or two lots have it.
    """
    found = [(row, e) for row, e in latest(ledger, lot) if isinstance(e, InspectionRecord) and e.photo.name == photo]
    if not found:
        raise BadData(f"{ledger.path} holds no inspected photo {photo!r}")
    if len({row.entry.lot for row, _ in found}) > 1:
        raise BadData(f"{photo!r} is in several lots; give one with --lot: {', '.join(sorted({row.entry.lot for row, _ in found}))}")
    row, record = found[-1]
    if finding not in {f.number for f in record.findings}:
        raise BadData(f"{photo!r} has {len(record.findings)} findings, none numbered {finding}")
    if not by.strip() or not type_.strip():
        raise BadData("a confirmation needs a type and who says so")
    made = Confirmation(
        **about(record, row.hash),
        finding=finding,
        type=type_.strip(),
        by=by.strip(),
        comment=comment,
        confirmed_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    ledger.append(made)
    return made
