"""Which detector for these good photos? Each that can run here is fitted on some of them and tested on defects drawn on the others.

`seewhy recommend --data DIR`. The defects are synthetic, so that a recommendation says which detector sees changes of these kinds on this
product, not which real defects it will find; it says so wherever it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import comb
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.models.candidates import unfitted
from seewhy.agent.photos.layouts import good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos, white_level_for
from seewhy.detectors.catalogue import DETECTORS, row_of, rows
from seewhy.errors import BadData
from seewhy.evals.candidate import ALPHA, Candidate, marked, tried
from seewhy.evals.synthetic.on_photos import defect_on, taken_again
from seewhy.types import Pixels, Progress, silent

MOST_LEARNED, MOST_TESTED = 100, 24  # good photos
LEAST = 6  # good photos
TESTED_EVERY = 4  # every fourth is not learned from
DRAWN_EACH = 3  # defects on each of the photos that are tested
EQUAL = 0.01  # image AUROC; nearer than that, place and time decide
CHANCE = 0.05  # two detectors are level where chance alone stops so many more of the drawn defects so often
WEAK = (
    "Weak evidence: drawn defects are not yours. A choice among detectors by synthetic anomalies picked the best one on 2 of 15 products "
    "(SWSA, arXiv 2310.10461); measure with real defects as soon as you have some (seewhy eval)."
)


@dataclass(frozen=True, slots=True)
class Margin:
    """By what one detector is ahead of another on the same drawn defects."""

    than: str
    only_best: int  # defects that only the one stops
    only_other: int  # and only the other
    p_value: float  # of such a difference or a larger one, if both were equally good (exact two-sided sign test)

    @classmethod
    def between(cls, best: Candidate, other: Candidate) -> Margin:
        """Of two that were tried on the same defects."""
        pairs = list(zip(best.stopped, other.stopped, strict=True))
        ahead, behind = pairs.count((True, False)), pairs.count((False, True))
        count = ahead + behind
        tail = sum(comb(count, k) for k in range(min(ahead, behind) + 1)) / 2**count
        return cls(other.detector, ahead, behind, round(min(1.0, 2 * tail), 4))


@dataclass(frozen=True, slots=True, eq=False)
class Recommendation:
    """The comparison; `best` is empty where no candidate could be tried."""

    product: str
    learned: int
    tested: int
    candidates: tuple[Candidate, ...]
    best: str
    because: str
    margin: Margin | None  # to the next best; None where there is none
    picture: Pixels | None  # a drawn defect, and each candidate's map over it
    made_by: str = "synthetic defects, drawn on good photos that were set aside"
    weak: str = WEAK

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the picture."""
        names = ("product", "learned", "tested", "best", "because", "made_by", "weak")
        facts = {name: getattr(self, name) for name in names} | {"margin": None if self.margin is None else asdict(self.margin)}
        return facts | {"candidates": [{k: v for k, v in asdict(c).items() if k != "stopped"} for c in self.candidates]}


def recommend(
    data: Path,
    *,
    golden: bool = False,
    candidates: dict[str, Any] | None = None,
    device: str = "cpu",
    progress: Progress[Any] = silent,
) -> Recommendation:
    """Compare what can run here on the good photos of one product.

    Args:
        data: a folder of good photos, or a data set (its good training photos; the others are not looked at).
        golden: each photo is the golden one of a place that will be photographed again (a bare board in many fields of view). Then
            all photos are learned, and disturbed copies of some, with and without a change of the pattern, are tested.
        candidates: settings by detector; those that the catalogue's rows name where None.
        device: where they run.
        progress: wraps the loop over candidates.

    Raises:
        BadData: there are too few good photos, or those of several products.
    """
    samples = good_photos(read_layout(data))
    products = sorted({s.product for s in samples})
    if len(products) != 1:
        raise BadData(f"{data} holds {len(products)} products ({', '.join(products[:4])}); give the folder of one of them")
    if len(samples) < LEAST:
        raise BadData(f"recommend needs at least {LEAST} good photos, some to learn and some to draw defects on; {data} has {len(samples)}")
    tested = [s for i, s in enumerate(samples) if i % TESTED_EVERY == TESTED_EVERY - 1][:MOST_TESTED]
    rest = [s for i, s in enumerate(samples) if i % TESTED_EVERY != TESTED_EVERY - 1]
    learned = [rest[int(i)] for i in np.unique(np.linspace(0, len(rest) - 1, min(len(rest), MOST_LEARNED)).round())]
    white = white_level_for(samples)
    known, asked = [p.pixels for p in LazyPhotos(learned, white)], [p.pixels for p in LazyPhotos(tested, white)]
    drawn = [defect_on(p, DRAWN_EACH * i + n, pattern=golden) for i, p in enumerate(asked) for n in range(DRAWN_EACH)]
    if golden:
        known += asked
        asked, drawn = taken_again(asked, drawn)
    trials, pictures = list[Candidate](), list[Pixels]()
    wanted = chosen_from(None) if candidates is None else candidates
    for name in progress(list(wanted), "trying detectors", len(wanted)):
        made, shown = tried(name, lambda n=name: unfitted(n, settings=wanted[n], device=device), known, asked, drawn)  # type: ignore[misc]
        trials.append(made)
        if shown is not None:
            pictures.append(shown)
    best, because, margin = chosen(trials)
    picture = np.concatenate([marked(drawn[0]), *pictures], 1) if pictures else None
    return Recommendation(products[0], len(learned), len(tested), tuple(trials), best, because, margin, picture)


def chosen_from(names: Sequence[str] | None) -> dict[str, Any]:
    """Settings of candidates by name, as their rows have them; of all that are tried unasked where no name is given.

    Models of anomalib run on EfficientNet-lite0 where they can.

    Raises:
        UnknownName: one is no detector.
        MissingExtra: what one needs isn't installed.
    """
    for name in names or ():
        DETECTORS.get(name)
    wanted = [row_of(name) for name in names] if names else [row for row in rows() if row.candidate is not None]
    return {row.name: row.settings_from(row.candidate or {"options": row.lite}) for row in wanted}


def chosen(tried: Sequence[Candidate]) -> tuple[str, str, Margin | None]:
    """(name, why, margin) of the one that lets the fewest drawn defects through; of those level by chance, by AUROC, place and time."""
    able = [c for c in tried if c.escapes is not None]
    if not able:
        return "", "no detector could be tried here: " + "; ".join(f"{c.detector}: {c.why_not}" for c in tried), None
    fewest = min(able, key=lambda c: (c.escapes, -(c.image_auroc or 0.0)))
    level = [c for c in able if Margin.between(fewest, c).p_value > CHANCE]
    top = max(c.image_auroc or 0.0 for c in level)
    near = [c for c in level if (c.image_auroc or 0.0) >= top - EQUAL]
    best = min(near, key=lambda c: (-(c.pixel_auroc or 0.0), c.ms_per_photo or 0.0))
    others = [c.detector for c in level if c is not best]
    shared = f", level with {', '.join(others)} and better by AUROC, place or time" if others else ""
    told = (
        f"at a line that {ALPHA:.0%} of good photos may exceed it lets {best.escapes} of {len(best.stopped)} drawn defects through{shared} "
        f"(image AUROC {best.image_auroc:.3f}, pixel AUROC {best.pixel_auroc:.3f}, {best.ms_per_photo:.0f} ms a photo)"
    )
    following = min((c for c in able if c is not best), key=lambda c: c.escapes or 0, default=None)
    return best.detector, told, None if following is None else Margin.between(best, following)
