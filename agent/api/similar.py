"""Past findings that look like one."""

from __future__ import annotations

from pathlib import Path

from seewhy.agent.inspection.result import SeenFinding
from seewhy.agent.ledger.similar import Among, Past, similar_to
from seewhy.types import Pixels, Place


def similar(
    finding: SeenFinding | Pixels,
    ledger: Place,
    k: int = 5,
    *,
    product: str = "",
    type_: str = "",
    since: str = "",
    until: str = "",
    confirmed: bool = False,
) -> list[Past]:
    """The `k` findings of a ledger that look most like one, best first; findings of the same photo are left out.

    Args:
        finding: of an inspection (`found.findings[0]`), or a crop (H, W, 3).
        ledger: its file.
        k: how many.
        product: only this product's.
        type_: only of this type, as a person named it where one did.
        since: only inspected then or later, ISO 8601 ("2026-11-01").
        until: only before then.
        confirmed: only those that a person named.

    Raises:
        BadData: `k` is none.
        LedgerError: there is no such ledger, or it was damaged.
    """
    crop, own = (finding.crop, finding.inspection.record.photo.sha256) if isinstance(finding, SeenFinding) else (finding, "")
    return similar_to(crop, Path(ledger), k, Among(product, type_, since, until, confirmed, own))
