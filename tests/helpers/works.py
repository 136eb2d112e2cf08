"""A ledger with everything that quality documents are made of."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from seewhy.agent.documents.forms import fill
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.people import acts, releases
from seewhy.agent.people.roles import Who
from seewhy.agent.photos.identity import identified
from seewhy.agent.photos.layouts import surveyed
from seewhy.agent.quality.entering import enter_study, set_criterion
from seewhy.agent.quality.masters import MasterList, run_masters
from seewhy.agent.quality.samples import draw
from seewhy.agent.quality.seen import read
from seewhy.agent.quality.studies import agreement_of, detection_of, escapes_of
from seewhy.agent.quality.tables import reference_of
from seewhy.evals.synthetic.surfaces import defective, good

KIM, LEE = Who("Kim", "seen under the lamp", "inspector"), Who("Lee", "by procedure 7", "quality")
PRODUCT = "plate"


def works(path: Path, inspector: Inspector) -> Path:
    """Master parts, two lots with people's entries, a sample, a complaint, three studies under one protocol, forms.

    Args:
        path: folder.
        inspector: of plates.
    """
    file = path / "works.sqlite"
    with Ledger(file) as book:
        run_masters(book, inspector, *masters(path / "masters"), Who("Kim", "start of the early shift", "inspector"))
        for study, measure, relation, limit in (
            ("agreement", "miss_rate", "at_most", 0.02),
            ("detection", "a90_95", "at_most", 2.0),
            ("escapes", "escape_share_upper", "at_most", 0.9),
        ):
            set_criterion(book, study, measure, relation, limit, LEE, protocol="PQ-1", product=PRODUCT)  # type: ignore[arg-type]
        for lot in ("L-1", "L-2", "L-3"):
            run_batch(inspector, samples(path / lot, int(lot[-1])), book, lot=lot)
        run_batch(inspector, trials(path / "trials"), book, lot="trials")
        _people(book)
        reference = path / "reference.csv"
        reference.write_text(
            "part,truth,size\n" + "".join(f"T{i},{'fail' if i < 2 else 'pass'},{'1.5' if i < 2 else ''}\n" for i in range(4))
        )
        ratings = path / "ratings.csv"
        calls = [f"T{i},Kim,{t},{'fail' if i < 2 else 'pass'}\n" for i in range(4) for t in (1, 2)]
        ratings.write_text("part,appraiser,trial,verdict\n" + "".join(calls))
        known = reference_of(reference)
        made = agreement_of(known, lot="trials", ratings=ratings)
        enter_study(book, "agreement", made, LEE, product=PRODUCT, protocol="PQ-1", lot="trials")
        enter_study(book, "detection", detection_of(lot="trials", product=PRODUCT, reference=known), LEE, product=PRODUCT, protocol="PQ-1")
        enter_study(book, "escapes", escapes_of(product=PRODUCT, defect_share=0.6), LEE, product=PRODUCT, protocol="PQ-1")
        fill(book, "8d", "C-1", "D1", "Kim, Lee", LEE)
        fill(book, "8d", "C-1", "D3", "Stock is held.\nNothing leaves.", LEE)
    return file


def masters(folder: Path) -> tuple[MasterList, Path]:
    """Two master parts and their photos."""
    folder.mkdir(parents=True)
    Image.fromarray(defective("plate", "stain", 1).pixels).save(folder / "stained.png")
    Image.fromarray(good("plate", 400).pixels).save(folder / "good.png")
    parts = [
        {"name": "RM-1", "photo": "stained.png", "must": "stop", "defect": "stain"},
        {"name": "RM-2", "photo": "good.png", "must": "pass"},
    ]
    return MasterList.model_validate({"parts": parts}), folder


def samples(folder: Path, seed: int) -> list:  # type: ignore[type-arg]
    """Four good plates and a stained one, each a part of its own."""
    folder.mkdir()
    for i in range(4):
        Image.fromarray(good("plate", 100 * seed + i).pixels).save(folder / f"{seed}{i}_top.png")
    Image.fromarray(defective("plate", "stain", seed).pixels).save(folder / f"{seed}9_top.png")
    return identified(surveyed(folder).samples, pattern="{serial}_{view}")


def trials(folder: Path) -> list:  # type: ignore[type-arg]
    """Four parts, two of them stained, photographed twice."""
    folder.mkdir()
    for i in range(4):
        shown = (defective("plate", "stain", 1 + i) if i < 2 else good("plate", 300 + i)).pixels
        for t in range(2):
            Image.fromarray(shown).save(folder / f"T{i}_{t}.png")
    return identified(surveyed(folder).samples, pattern="{serial}_{view}")


def _people(book: Ledger) -> None:
    for seen in read(book).of(lot="L-1"):
        if seen.machine != "pass":
            acts.review(book, seen.photo, "fail", KIM)
            acts.dispose(book, seen.photo, "scrap", LEE)
            acts.sign(book, seen.photo, "approval", Who("Park", "all of it read", "manager"))
    row = draw(book, "L-1", LEE, aql=2.5)
    for name in row.entry.photos:  # type: ignore[union-attr]
        acts.review(book, name, "pass", KIM)
    passed = next(s for s in read(book).of(lot="L-2") if s.machine == "pass")
    acts.missed_defect(book, passed.photo, "scratch", (10, 10, 60, 40), KIM)
    releases.complain(book, "C-1", [passed.photo], LEE, customer="Acme")
