"""An explainer's words, guarded: its fault must not lose a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.explainers import Explainer, RegionView
from seewhy.explainers.measured import MeasuredWords
from seewhy.explainers.scrub import one_line
from seewhy.record import Explanation, Unexplained
from seewhy.threads import in_order

EMBEDDED = MeasuredWords()


def words_for(
    explainer: Explainer, views: Sequence[RegionView], until: float | None = None
) -> list[tuple[Explanation | Unexplained, Unexplained | None]]:
    """Words for each region, and why the explainer gave none where it was asked: then the embedded one speaks, so that no verdict waits."""
    said = all_words(explainer, views, until)
    return [
        (words, None) if isinstance(words, Explanation) else (guarded(EMBEDDED, view), words)
        for view, words in zip(views, said, strict=True)
    ]


def not_yet(explainer: Explainer, view: RegionView) -> tuple[Explanation | Unexplained, Unexplained]:
    """What stands in a record that is written before the explainer's words are there."""
    return guarded(EMBEDDED, view), Unexplained(explainer=explainer.name, reason="timeout", detail="not yet when the verdict was written")


def all_words(explainer: Explainer, views: Sequence[RegionView], until: float | None = None) -> list[Explanation | Unexplained]:
    """Words for each region, in order, as many at a time as the explainer likes."""
    threads = min(explainer.in_flight, max(1, len(views)))
    return list(in_order(lambda view: guarded(explainer, view, until), views, threads))


def guarded(explainer: Explainer, view: RegionView, until: float | None = None) -> Explanation | Unexplained:
    """Words, or what happened instead: an explainer's fault must not lose a verdict."""
    try:
        return explainer.explain(view, until)
    except Exception as error:
        return Unexplained(explainer=explainer.name, reason="failed", detail=one_line(f"{type(error).__name__}: {error}")[:300])
