"""What the page asks for to show: products, jobs, lots, photos, lines, documents. Nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seewhy.agent.chat.accounts import Person
from seewhy.agent.chat.desk import Desk
from seewhy.agent.chat.drafts import form_of
from seewhy.agent.chat.gallery import page_of
from seewhy.agent.chat.jobs import Job
from seewhy.agent.chat.lines import drawn_at, enough_for, standing, steps
from seewhy.agent.chat.papers import offered
from seewhy.agent.chat.problems import Told, problem
from seewhy.agent.chat.showing import address, choices, item_shown, shown
from seewhy.agent.chat.workspace import ProductFolder
from seewhy.agent.people.roles import Kind
from seewhy.agent.tools.toolset import TOOLS

RATES = (0.1, 0.05, 0.01)  # of which the page tells how many good photos they need
ACTS: dict[str, Kind] = {"judge": "review", "inspect": "comment", "set_up": "release", "dispose": "disposition", "sign": "sign_off"}
ACTS |= {"study": "study"}


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, in which language, and the desk that answers."""

    desk: Desk
    person: Person
    language: str
    uploads: Path  # where files lie that were uploaded and not taken yet

    def product(self, key: str) -> ProductFolder:
        """A product of the workspace."""
        return self.desk.home.product(key)


def state(call: Call, product: str = "") -> dict[str, Any]:
    """All that the page shows at a glance, of one product where it is named."""
    products = call.desk.home.products()
    found = next((one for one in products if one.key == product), None)
    return {
        "person": {
            "name": call.person.name,
            "role": call.person.role or "",
            "may": [a for a, kind in ACTS.items() if call.person.may(kind)],
        },
        "cameras": list(call.desk.cameras),
        "products": [{"key": one.key, "name": one.card.name, "learned": bool(one.settings.model)} for one in products],
        "product": None if found is None else _product(call, found),
    }


def _product(call: Call, product: ProductFolder) -> dict[str, Any]:
    settings, good = product.settings, product.good_photos()
    return {
        "key": product.key,
        "form": form_of(product.card).model_dump(),
        "good": [{"file": path.name, "thumbnail": address(product, "good", path.name)} for path in good],
        "causes": choices("cause", call.language),
        "wanted": enough_for(len(good), (*RATES, settings.alpha + settings.review)),
        "few": _few(call, product),
        "model": settings.model,
        "waiting": [name for name in product.models() if name > settings.model][-1:] if settings.model else [],
        "before": [name for name in product.models() if name < settings.model][-1:],
        "lots": product.lots(),
        "lot": call.desk.lot_for_now(product),
        "incoming": str(product.incoming.relative_to(call.desk.home.folder)),
        "job": job_shown(call.desk.jobs.last(product.key), call.language),
    }


def _few(call: Call, product: ProductFolder) -> dict[str, int] | None:
    """On how many good photos the lines rest and how many more let parts pass by themselves; None where they do, or nothing was learned."""
    if not product.model:
        return None
    photos = len(call.desk.inspector(product).model.calibration)
    (rung,) = enough_for(photos, (product.settings.alpha + product.settings.review,))
    return {"photos": photos, "missing": rung["missing"]} if rung["missing"] else None


def job(call: Call, product: str) -> dict[str, Any] | None:
    """How far the product's job is."""
    return job_shown(call.desk.jobs.last(call.product(product).key), call.language)


def job_shown(found: Job | None, language: str) -> dict[str, Any] | None:
    """A job as the page shows it, in a language."""
    if found is None:
        return None
    seconds = found.left_s
    return {
        "id": found.id,
        "kind": found.kind,
        "about": found.about,
        "state": found.state,
        "done": found.done,
        "total": found.total,
        "left_s": None if seconds is None else round(seconds),
        "problem": problem(found.problem, language) if found.problem else "",
    }


def gallery(call: Call, product: str, lot: str, page: int = 0, only: str = "", worst: bool = False) -> dict[str, Any]:
    """A page of a lot."""
    found = call.product(product)
    view = page_of(call.desk.index(found).items(lot), number=page, only=only, worst_first=worst)
    folder = found.folder / "lots" / lot
    photos = sum(1 for _ in folder.iterdir()) if lot in found.lots() else 0
    return view | {"items": [item_shown(found, lot, item, call.language) for item in view["items"]], "photos": photos}


def photo(call: Call, product: str, lot: str, file: str) -> dict[str, Any]:
    """A photo with all that is known of it."""
    found = call.product(product)
    return shown(found, lot, file, call.desk.inspector(found) if found.model else None, call.language)


def similar(call: Call, product: str, entry: int, finding: int) -> list[dict[str, Any]]:
    """Past findings that look like one: "have we seen this before?"."""
    found = call.product(product)
    answer = TOOLS["similar"](call.desk.tools(found, writes=call.person.may("comment")), entry=entry, finding=finding, k=6)
    return list(answer["findings"])


def line(call: Call, product: str, lot: str = "") -> dict[str, Any]:
    """Good scores, the places where a line can be drawn in counts, and the scores of a lot's photos."""
    found = call.product(product)
    inspector, settings = call.desk.inspector(found), found.settings
    calibration = inspector.model.calibration
    items = call.desk.index(found).items(lot or next(iter(found.lots()), ""))
    return {
        "good": [float(score) for score in calibration.scores],
        "steps": steps(calibration),
        "fail": drawn_at(calibration, settings.alpha) if len(calibration) else 0,
        "ask": drawn_at(calibration, settings.alpha + settings.review) if len(calibration) else 0,
        "now": standing(calibration, settings.alpha, settings.review),
        "rates": {"alpha": settings.alpha, "review": settings.review},
        "supported": calibration.supports(settings.alpha),
        "causes": choices("cause", call.language),
        "wanted": enough_for(len(calibration), (settings.alpha + settings.review, settings.alpha)),
        "photos": [
            {"file": i.name, "score": i.score, "stands": i.stands, "known": i.people, "thumbnail": address(found, "thumbnail", lot, i.name)}
            for i in items
            if i.score is not None
        ],
    }


def documents(call: Call, product: str, lot: str, file: str = "") -> list[dict[str, Any]]:
    """What can be made of a lot, the part that is open, and the product; nothing while nothing of the lot was inspected."""
    found = call.product(product)
    if lot not in found.lots():
        raise Told("no_lot", lot=lot[:60])
    items = call.desk.index(found).items(lot)
    if not items:
        return []
    known = file if any(item.name == file for item in items) else ""
    return offered(found, lot, max(item.seq for item in items), known, call.language)
