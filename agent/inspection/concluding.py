"""What follows once a photo was measured: words, rulings, the record."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.agent.inspection.recording import Examined, Said, record_of
from seewhy.agent.inspection.result import Inspection
from seewhy.agent.inspection.words import words_for
from seewhy.explainers import Explainer
from seewhy.prompts import catalogue


def concluded(e: Examined, explainer: Explainer, *, language: str = "en") -> Inspection:
    """Words, rulings and the record of a photo that was measured; waits for the explainer.

    Args:
        e: what was measured.
        explainer: who is asked for words.
        language: of what the inspection says to people.

    Raises:
        UnknownName: there is no such language.
    """
    catalogue(language)
    return recorded(e, said_of(e, explainer), explainer, language=language)


def said_of(e: Examined, explainer: Explainer, until: float | None = None) -> list[Said]:
    """Words for each region; waits for the explainer, no longer than `until` (`time.monotonic()`)."""
    with e.clock("words"):
        return words_for(explainer, e.views, until)


def recorded(e: Examined, said: Sequence[Said], explainer: Explainer, *, language: str = "en") -> Inspection:
    """Rulings and the record, with whatever words there are by now; changes nothing that was measured."""
    with e.clock("record"):
        record = record_of(e, said, explainer=explainer)
    agreed = e.basis.agreed
    timed = record.model_copy(update={"timings_ms": dict(e.clock.spent)})
    return Inspection(
        timed, e.pictures.bytes, dict(agreed.documents), e.photo.pixels, e.regions, e.good, agreed.policy, e.basis.link, language
    )
