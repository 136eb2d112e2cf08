"""From words to an inspector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.terms import Given, Terms
from seewhy.card import DefectType, ProductCard
from seewhy.detectors.winclip.settings import WinClipSettings
from seewhy.prompts.winclip import prompt_set
from seewhy.types import Place, Progress, silent


def from_words(
    prompt: str,
    *,
    defects: Sequence[str] = (),
    good: Place | None = None,
    model: str = "",
    dtype: str = "float32",
    save: Place | None = None,
    progress: Progress[Any] = silent,
    **given: Unpack[Given],
) -> Inspector:
    """Inspect a new product from words alone, or from words and a few good photos (WinCLIP, WinCLIP+).

    Without good photos nothing can be calibrated: every verdict is review, and the findings are the strangest places.

    Args:
        prompt: what the photos show, "machined aluminium bracket"; overrides the card's description.
        defects: words for the defects that matter, "scratch"; they join the card's.
        good: good photos: up to four, spread over them, are compared with; all of them calibrate.
        model: an open_clip model with a plain ViT; the paper's where empty.
        dtype: of CLIP's arithmetic: float32, bfloat16, float16, or int8 (CPU).
        save: as for `fit`.
        progress: as for `fit`.
        given: as for `fit`.

    Raises:
        BadData: the words can't be used.
        MissingWeights: CLIP's weights aren't on this machine, and there are no good photos for another detector.
    """
    prompt_set(prompt, defects)  # refuses bad words before anything is loaded
    card = Terms.of(given).card or ProductCard(name=prompt[:80])
    named = {d.name for d in card.defects}
    added = tuple(DefectType(name=name) for name in defects if name not in named)
    given["card"] = card.model_copy(update={"description": prompt, "defects": card.defects + added})
    words = WinClipSettings(model=model or WinClipSettings().model, dtype=dtype)
    chain = "winclip" if good is None else "winclip,patchcore"
    return fit(good, save=save, detector=chain, settings={"winclip": words}, progress=progress, **given)
