"""Which documents the page offers of a lot, a part and a product, where each is served, and why one can't be made yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from seewhy.agent.chat.problems import Told, problem
from seewhy.agent.chat.workspace import ProductFolder
from seewhy.agent.documents.kinds import DOCUMENTS, make
from seewhy.agent.ledger.reading import latest
from seewhy.agent.ledger.store import Ledger, Row
from seewhy.agent.people.parts import find_part
from seewhy.agent.quality.masters import blocking
from seewhy.agent.quality.seen import read
from seewhy.prompts import catalogue, text
from seewhy.prompts.legible import legible
from seewhy.reports import REPORTS, document
from seewhy.studies import Criterion, StudyDone

FORMATS = ("html", "pdf")
OF_PART = ("certificate", "ncr", "8d", "audit")
# Kinds that rest on entries which a plant may not have yet: which ones, and what the page says without them.
RESTS_ON: Mapping[str, tuple[str, Told]] = {
    "masters": ("kind = 'master_run'", Told("no_masters")),
    "study": ("kind = 'study'", Told("no_study")),
    "dossier": ("kind = 'criterion'", Told("no_criterion")),
}
CHANGES = "kind IN ('release', 'settings_change', 'good_photo', 'criterion', 'study', 'master_run', 'master_ruling', 'erasure')"
CHOSEN = "kind IN ('master_run', 'study')"  # without them no lot is held back, and none is left out of a month


@dataclass(frozen=True, slots=True)
class Offer:
    """A document that may be made: what it is of, as options of `seewhy.agent.documents.kinds.make`; in words where several are alike."""

    kind: str
    options: Mapping[str, str] = field(default_factory=dict)
    about: str = ""


def offered(product: ProductFolder, lot: str, last: int, file: str, language: str) -> list[dict[str, Any]]:
    """The documents in groups: of the lot, of the part that is open, of the product.

    Args:
        product: whose.
        lot: of which something was inspected.
        last: number of the machine's last entry of it.
        file: the photo that is open; empty for none.
        language: of names, reasons and documents.
    """
    with Ledger(product.ledger, read_only=True) as ledger:
        (row,) = ledger.found("seq = ?", (last,))
        groups = {"lot": (lot, list(_of_lot(row, lot)))}
        if file:
            groups["part"] = (file, [Offer(kind, {"part": file, "lot": lot}) for kind in OF_PART])
        groups["product"] = (product.card.name, list(_of_product(ledger, product.card.name, lot, file)))
        shown: list[dict[str, Any]] = [
            {"group": name, "about": legible(about), "documents": [_shown(ledger, product, offer, language) for offer in offers]}
            for name, (about, offers) in groups.items()
        ]
    shown[0]["documents"].insert(0, _lot_report(product, lot, language))
    return shown


def _of_lot(row: Row, lot: str) -> Iterator[Offer]:
    month = str(getattr(row.entry, "inspected_at", row.at))[:7]
    yield Offer("lot-certificate", {"lot": lot})
    yield Offer("monthly", {"month": month, "product": row.entry.product}, month)
    yield Offer("masters", {"product": row.entry.product})


def _of_product(ledger: Ledger, name: str, lot: str, file: str) -> Iterator[Offer]:
    studies = [row for row in ledger.found("kind = 'study'") if isinstance(row.entry, StudyDone)]
    yield from (Offer("study", {"entry": str(row.seq)}, f"{row.seq}, {row.at[:10]}") for row in reversed(studies))
    protocols = dict.fromkeys(row.entry.protocol for row in ledger.found("kind = 'criterion'") if isinstance(row.entry, Criterion))
    yield from (Offer("dossier", {"protocol": protocol}, legible(protocol)) for protocol in protocols)
    yield from (Offer(kind) for kind, there in (("study", studies), ("dossier", protocols)) if not there)
    yield Offer("validation")
    yield Offer("audit", {"product": name})
    known = {"product": name, "lot": lot, "part": file}
    yield from (Offer(plugin.name, {key: value for key, value in known.items() if value}) for plugin in _working(DOCUMENTS.plugins()))


def _working(plugins: Iterable[Any]) -> list[Any]:
    return [plugin for plugin in plugins if not plugin.problem]


def _shown(ledger: Ledger, product: ProductFolder, offer: Offer, language: str) -> dict[str, Any]:
    reason = why_not(ledger, offer.kind, offer.options)
    place = f"/documents/{quote(product.key)}/of/{quote(offer.kind)}/{language}."
    query = f"?{urlencode(offer.options)}" if offer.options else ""
    return {
        "kind": offer.kind,
        "name": name_of(offer.kind, language),
        "about": offer.about,
        "problem": "" if reason is None else problem(reason, language),
        "formats": [{"format": name, "address": f"{place}{name}{query}"} for name in FORMATS] if reason is None else [],
    }


def _lot_report(product: ProductFolder, lot: str, language: str) -> dict[str, Any]:
    """The report of every photo of a lot: in all formats that the registry of reports knows, those of plug-ins too."""
    formats = [*REPORTS.table, *(plugin.name for plugin in _working(REPORTS.plugins()))]
    place = f"/documents/{quote(product.key)}/{quote(lot)}/{language}."
    found = [{"format": name, "address": place + quote(name)} for name in formats]
    return {"kind": "lot", "name": text("chat.lot_report", language), "about": "", "problem": "", "formats": found}


def name_of(kind: str, language: str) -> str:
    """A kind of document in a language; a plug-in's as it calls itself."""
    key = f"{'eight_d' if kind == '8d' else kind.replace('-', '_')}.title"
    return text(key, language) if kind in DOCUMENTS.table and key in catalogue(language) else legible(kind)


def why_not(ledger: Ledger, kind: str, options: Mapping[str, str]) -> Told | None:
    """The reason why a document can't be made yet; None where nothing is known to stand in its way."""
    if kind in RESTS_ON:
        condition, reason = RESTS_ON[kind]
        return None if ledger.found_stored(condition) else reason
    if kind == "ncr" and options.get("part"):
        return Told("conforms") if find_part(ledger, options["part"], options.get("lot")).verdict == "pass" else None
    if kind == "audit" and not options.get("part"):
        return None if ledger.found_stored(CHANGES) else Told("no_changes")
    if kind in ("lot-certificate", "monthly") and ledger.found_stored(CHOSEN):
        return _held_back(ledger, kind, options)
    return None


def _held_back(ledger: Ledger, kind: str, options: Mapping[str, str]) -> Told | None:
    """A lot beside a missed master part isn't certified; a month of master parts and studies alone has nothing to review."""
    book = read(ledger)
    if kind == "monthly":
        counted = book.production(month=options.get("month", ""), product=options.get("product", ""))
        return None if counted else Told("no_production")
    photos = book.of(lot=options.get("lot", ""))
    return Told("masters_missed") if photos and blocking(book, photos[0].product, [one.seq for one in photos]) else None


def paper(product: ProductFolder, kind: str, format_: str, options: Mapping[str, str], language: str) -> bytes:
    """A document as the ledger reads now.

    Args:
        product: whose ledger.
        kind: of `DOCUMENTS`.
        format_: html, pdf or json.
        options: what it is of.
        language: of its words.

    Raises:
        Told: there is no such format, nothing was inspected yet, or it can't be made yet.
        BadData: an option leads to nothing.
        UnknownName: there is no such kind.
    """
    if format_ not in (*FORMATS, "json"):
        raise Told("no_format", name=format_[:20])
    if not product.ledger.is_file():
        raise Told("no_photos")
    with Ledger(product.ledger, read_only=True) as ledger:
        if reason := why_not(ledger, kind, options):
            raise reason
        return make(ledger, kind, format_, language=language, **options)


def lot_report(product: ProductFolder, lot: str, format_: str, language: str) -> bytes:
    """The report of a lot, of a format of `REPORTS`.

    Raises:
        Told: there is no such lot.
    """
    if lot not in product.lots() or not product.ledger.is_file():
        raise Told("no_lot", lot=lot[:60])
    with Ledger(product.ledger, read_only=True) as ledger:
        found = [entry for _, entry in latest(ledger, lot)]
        if not found:
            raise Told("no_lot", lot=lot[:60])
        return document(found, ledger.evidence, format_, head=ledger.head[1], language=language)
