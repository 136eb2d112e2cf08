"""What the page asks for while a product is set up and taught: a photo to draw on, a scale, the photos that are worth a look.

Nothing here changes anything.
"""

from __future__ import annotations

from typing import Any

from seewhy.agent.chat.choosing import most_telling
from seewhy.agent.chat.good import Worth, worth_a_look
from seewhy.agent.chat.looking import Call
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.scaling import CLICK_PX, Point, scale_of
from seewhy.agent.chat.showing import address
from seewhy.agent.photos.images import read_photo
from seewhy.prompts import number, text, word
from seewhy.prompts.legible import legible


def reference(call: Call, product: str, file: str = "") -> dict[str, Any]:
    """A good photo to draw zones, outline and scale on: the one that is named, else the first."""
    found = call.product(product)
    names = [path.name for path in found.good_photos()]
    name = file or next(iter(names), "")
    if name not in names:
        raise Told("no_photo", name=file[:60]) if file else Told("no_good")
    pixels = read_photo(found.good / name, root=found.good, white_level=found.card.white_level).pixels  # (H, W, 3)
    size = [pixels.shape[1], pixels.shape[0]]
    return {"name": name, "size": size, "photo": address(found, "good-photo", name), "files": names, "findings": []}


def scale_by_clicks(
    call: Call, product: str, first: Point, second: Point, length_mm: float, sure_mm: float = 0.0, click_px: float = CLICK_PX
) -> dict[str, float]:
    """The scale that two clicks on a known length give; nothing is saved."""
    call.product(product)
    found = scale_of(first, second, length_mm, sure_mm, click_px)
    return {"mm_per_px": found.mm_per_px, "mm_uncertainty": found.uncertainty}


def oddest(call: Call, product: str) -> list[dict[str, Any]]:
    """The good photos that are worth a look, the oddest first, with what is odd about each; none before something is learned."""
    found = call.product(product)
    if not found.settings.model:
        return []
    return [
        {
            "name": legible(one.file),
            "file": one.file,
            "kept": one.kept,
            "score": number(one.odd.score) if one.odd else "",
            "flags": _flags(one, call.language),
            "photo": address(found, "good-photo", one.file),
            "heat": address(found, "good-heat", one.file) if one.odd else "",
            "thumbnail": address(found, "good", one.file),
            "findings": [],
        }
        for one in worth_a_look(found, call.desk.inspector(found).model)
    ]


def _flags(one: Worth, language: str) -> list[str]:
    signs = one.odd.signs if one.odd else ()
    copied = [text("chat.good_copy", language, twin=legible(one.copy_of))] if one.copy_of else []
    return copied + [word("sign", sign, language) for sign in signs]


def telling(call: Call, product: str, lot: str) -> list[str]:
    """The photos of a lot that a person's word would tell most about."""
    found = call.product(product)
    inspector, settings = call.desk.inspector(found), found.settings
    drawn = (inspector.model.calibration.threshold(rate) for rate in (settings.alpha, settings.alpha + settings.review))
    return most_telling(found, lot, call.desk.index(found).items(lot), [line for line in drawn if line is not None])
