"""What the page asks for while a product is set up and taught: a photo to draw on, a scale, the photos that are worth a look.

Nothing here changes anything.
"""

from __future__ import annotations

from typing import Any

from seewhy.agent.chat.choosing import most_telling
from seewhy.agent.chat.good import looked_at
from seewhy.agent.chat.looking import Call
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.scaling import CLICK_PX, Point, scale_of
from seewhy.agent.chat.showing import address
from seewhy.agent.photos.images import read_photo
from seewhy.prompts import number, text
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
    """The good photos, the oddest first, each with its heat map and what is odd about it; none before something is learned."""
    found = call.product(product)
    return [
        {
            "name": legible(row["file"]),
            "file": row["file"],
            "kept": row["kept"],
            "score": number(row["score"]) if "copy" not in row["flags"] else "",
            "flags": [text(f"chat.good_{flag}", call.language, twin=legible(row["twin"])) for flag in row["flags"]],
            "photo": address(found, "good-photo", row["file"]),
            "heat": address(found, "good-heat", row["file"]) if "copy" not in row["flags"] else "",
            "thumbnail": address(found, "good", row["file"]),
            "findings": [],
        }
        for row in looked_at(found)
    ]


def telling(call: Call, product: str, lot: str) -> list[str]:
    """The photos of a lot that a person's word would tell most about."""
    found = call.product(product)
    inspector, settings = call.desk.inspector(found), found.settings
    drawn = (inspector.model.calibration.threshold(rate) for rate in (settings.alpha, settings.alpha + settings.review))
    return most_telling(found, lot, call.desk.index(found).items(lot), [line for line in drawn if line is not None])
