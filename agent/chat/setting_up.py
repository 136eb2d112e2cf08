"""What sets a product up, as the page does it: the card, good photos, learning, lines and models."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from PIL import Image

from seewhy.agent.chat import adopting, lots
from seewhy.agent.chat.cameras import seen_by
from seewhy.agent.chat.conversation import hand_on
from seewhy.agent.chat.drafts import card_from, difference
from seewhy.agent.chat.jobs import Job
from seewhy.agent.chat.looking import Call, job_shown
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.uploads import Taken, Upload, take
from seewhy.agent.chat.workspace import photos_in
from seewhy.people import Cause
from seewhy.prompts import catalogue, text

Files = list[dict[str, str]]  # {"path": where Gradio put it, "name": as its owner calls it}


def create(call: Call, form: dict[str, Any]) -> str:
    """Begin a product; its key comes back. What was said before goes with it."""
    product = call.desk.home.new_product(card_from(form))
    hand_on(call.desk.home.folder, product.folder, product.card.name, call.language)
    return product.key


def diff(call: Call, product: str, form: dict[str, Any]) -> list[dict[str, str]]:
    """What a form would change on the card."""
    before = call.product(product).card if product else None
    return difference(before, card_from(form, before))


def save_card(call: Call, product: str, form: dict[str, Any], why: str = "") -> list[dict[str, str]]:
    """Save the card; what was changed comes back. Once something was learned, verdicts rest on it: an entry with a reason."""
    found = call.product(product)
    card = card_from(form, found.card)
    changed = difference(found.card, card)
    if found.settings.model and changed:
        adopting.change_card(call.desk, found, card, call.person.who(_reason(why), "release"))
    elif call.desk.jobs.running(found.key) is not None:
        raise Told("busy")
    else:
        found.save_card(card)
    return changed


def add_good(call: Call, product: str, files: Files) -> dict[str, Any]:
    """Keep good photos; of one that was dropped before it is an entry."""
    found = call.product(product)
    adopting.put_back(call.desk, found, [one.path for one in uploaded(call, files)], call.person, text("chat.put_back", call.language))
    return taken_shown(_taken(call, files, found.good), call.language)


def sort_good(call: Call, product: str, keep: list[str], drop: list[str], cause: str = "", why: str = "") -> None:
    """Keep good photos that were looked at, and take others out again: they are moved, never deleted.

    Of a photo that the model learned it is an entry, and one is dropped for what is wrong with it; nothing rests on others.
    """
    found = call.product(product)
    paths = {path.name: path for path in found.good_photos()}
    if lost := [name for name in (*keep, *drop) if name not in paths]:
        raise Told("no_photo", name=lost[0][:60])
    named: Cause | None = next((known for known in get_args(Cause) if known == cause), None)
    out = [paths[name] for name in dict.fromkeys(drop)]
    adopting.judge_good(call.desk, found, [paths[name] for name in keep], call.person, text("chat.odd_kept"))
    adopting.judge_good(call.desk, found, out, call.person, why, "drop", named)
    for path in out:
        take([Upload(path, path.name)], found.aside)
        path.unlink()


def learn(call: Call, product: str) -> dict[str, Any] | None:
    """Learn the good photos, in the background."""
    return job_shown(call.desk.learn(call.product(product)), call.language)


def learn_as_good(call: Call, product: str, lot: str, file: str) -> dict[str, Any]:
    """Count a photo of a lot among the good ones from the next learning on."""
    found = call.product(product)
    path = next((path for path in photos_in(found.lot(lot)) if path.name == file), None)
    if path is None:
        raise Told("no_photo", name=file[:60])
    adopting.put_back(call.desk, found, [path], call.person, text("chat.put_back", call.language))
    return taken_shown(take([Upload(path, path.name)], found.good), call.language)


def adopt_line(call: Call, product: str, alpha: float, review: float, why: str) -> None:
    """Judge by other lines from now on: an entry with a reason."""
    found = call.product(product)
    adopting.change(call.desk, found, call.person.who(_reason(why), "release"), alpha=alpha, review=review)


def compared(call: Call, product: str, model: str) -> dict[str, Any]:
    """What a model that waits to be adopted makes of the latest lot."""
    return lots.compared(call.product(product), model)


def adopt_model(call: Call, product: str, model: str, why: str) -> None:
    """Let another model speak from now on, or the one before again: an entry with a reason."""
    found = call.product(product)
    adopting.change(call.desk, found, call.person.who(_reason(why), "release"), model=model)


def add_photos(call: Call, product: str, files: Files, lot: str = "") -> dict[str, Any]:
    """Keep photos in a lot and begin to inspect them; those that come while a lot runs wait for its end."""
    found = call.product(product)
    call.desk.inspector(found)
    lot = lot or call.desk.lot_for_now(found)
    return _inspected(call, product, _taken(call, files, found.lot(lot)), lot)


def snapshot(call: Call, product: str, camera: str) -> dict[str, Any]:
    """Take what a camera of the server sees into the lot, and inspect it."""
    found = call.product(product)
    call.desk.inspector(found)
    frame = seen_by(call.desk.cameras, camera)  # (H, W, 3)
    lot = call.desk.lot_for_now(found)
    path = call.uploads / f"{secrets.token_hex(8)}.png"
    Image.fromarray(frame).save(path)
    name = f"{camera}-{datetime.now().strftime('%Y%m%d-%H%M%S')}.png"
    taken = take([Upload(path, name)], found.lot(lot))
    path.unlink()
    return _inspected(call, product, taken, lot)


def _inspected(call: Call, product: str, taken: Taken, lot: str) -> dict[str, Any]:
    found = call.product(product)
    if call.desk.jobs.running(found.key) is None and (taken.kept or taken.there):
        call.desk.inspect(found, lot)
    return taken_shown(taken, call.language) | {"lot": lot}


def go_on(call: Call, product: str, lot: str) -> dict[str, Any] | None:
    """Inspect what of a lot was not inspected yet."""
    return job_shown(call.desk.inspect(call.product(product), lot), call.language)


def pause(call: Call, product: str) -> dict[str, Any] | None:
    """Wait before the next photo, or go on."""
    job = _running(call, product)
    if job.state == "paused":
        job.resume()
    else:
        job.pause()
    return job_shown(job, call.language)


def stop(call: Call, product: str) -> dict[str, Any] | None:
    """End before the next photo; what was inspected stays."""
    job = _running(call, product)
    job.stop()
    return job_shown(job, call.language)


def _running(call: Call, product: str) -> Job:
    job = call.desk.jobs.running(call.product(product).key)
    if job is None:
        raise Told("not_running")
    return job


def _taken(call: Call, files: Files, folder: Path) -> Taken:
    """Keep uploaded photos; what was uploaded is gone then."""
    uploads = uploaded(call, files)
    taken = take(uploads, folder)
    for upload in uploads:
        upload.path.unlink(missing_ok=True)
    return taken


def uploaded(call: Call, files: Sequence[dict[str, str]]) -> list[Upload]:
    """Files that were uploaded: those alone that lie where uploads go, whatever path somebody asks for.

    Raises:
        Told: one of them doesn't.
    """
    found = list[Upload]()
    for one in files:
        path = Path(one.get("path", ""))
        if not path.resolve().is_relative_to(call.uploads.resolve()) or not path.is_file():
            raise Told("not_uploaded")
        found.append(Upload(path, one.get("name") or path.name))
    return found


def taken_shown(taken: Taken, language: str) -> dict[str, Any]:
    """What became of a drop, with the reason for each file that was refused."""
    known = catalogue(language)

    def why(code: str, name: str) -> str:
        key = f"refusal.{code}" if f"refusal.{code}" in known else "refusal.damaged"
        return text(key, language, name=name)

    return {"kept": list(taken.kept), "there": list(taken.there), "refused": [why(one.code, one.name) for one in taken.refused]}


def _reason(why: str) -> str:
    if not why.strip():
        raise Told("no_reason")
    return why.strip()
