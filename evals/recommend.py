"""Which detector for these good photos? Each that can run here is fitted on some of them and tested on defects drawn on the others.

`seewhy recommend --data DIR`. The defects are synthetic, so that a recommendation says which detector sees changes of these kinds on this
product, not which real defects it will find; it says so wherever it goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seewhy.agent.models.fitting import unfitted
from seewhy.agent.photos.layouts import good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos, white_level_for
from seewhy.detectors.catalogue import DETECTORS, row_of, rows
from seewhy.detectors.protocol import Detector
from seewhy.detectors.template.detector import disturbed
from seewhy.drawing import heat_over, outline, smaller
from seewhy.errors import BadData, SeewhyError
from seewhy.evals.detect import image_figures, pixel_figures
from seewhy.evals.synthetic.surfaces import KINDS, Drawn, draw_on
from seewhy.types import Map, Mask, Pixels, Progress, silent

MOST_LEARNED, MOST_TESTED = 100, 24  # good photos
LEAST = 6  # good photos
TESTED_EVERY = 4  # every 4th is not learned from
FAINT = 0.6  # of the drawn defects' usual strength: easier ones tell no detectors apart
USUAL_CONTRAST = 100.0  # grey levels between a photo's darkest and lightest, for which that strength is meant
DRAWN_EACH = 3  # defects on each of the photos that are tested
PASTES = 12  # places that a pasted defect is tried at
EQUAL = 0.01  # image AUROC; nearer than that, place and time decide
PICTURE_PX = 320


@dataclass(frozen=True, slots=True)
class Candidate:
    """What became of one detector."""

    detector: str
    weights: str = ""
    image_auroc: float | None = None
    pixel_auroc: float | None = None
    fit_seconds: float | None = None
    ms_per_photo: float | None = None
    model_mib: float | None = None
    why_not: str = ""  # where it could not be tried


@dataclass(frozen=True, slots=True, eq=False)
class Recommendation:
    """The comparison; `best` is empty where no candidate could be tried."""

    product: str
    learned: int
    tested: int
    candidates: tuple[Candidate, ...]
    best: str
    because: str
    picture: Pixels | None  # a drawn defect, and each candidate's map over it
    made_by: str = "synthetic defects, drawn on good photos that were set aside"

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the picture."""
        names = ("product", "learned", "tested", "best", "because", "made_by")
        return {name: getattr(self, name) for name in names} | {"candidates": [asdict(c) for c in self.candidates]}


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
    drawn = [_drawn(p, DRAWN_EACH * i + n, pattern=golden) for i, p in enumerate(asked) for n in range(DRAWN_EACH)]
    if golden:
        known += asked
        asked = [disturbed(p, i) for i, p in enumerate(asked)]
        drawn = [Drawn(disturbed(d.pixels, i), d.mask, d.kind) for i, d in enumerate(drawn)]
    tried, pictures = list[Candidate](), list[Pixels]()
    wanted = chosen_from(None) if candidates is None else candidates
    for name in progress(list(wanted), "trying detectors", len(wanted)):
        made, shown = _tried(name, lambda n=name: unfitted(n, settings=wanted[n], device=device), known, asked, drawn)  # type: ignore[misc]
        tried.append(made)
        if shown is not None:
            pictures.append(shown)
    best, because = _chosen(tried)
    picture = np.concatenate([_marked(drawn[0]), *pictures], 1) if pictures else None
    return Recommendation(products[0], len(learned), len(tested), tuple(tried), best, because, picture)


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


def _tried(
    name: str, make: Callable[[], Detector], known: Sequence[Pixels], asked: Sequence[Pixels], drawn: Sequence[Drawn]
) -> tuple[Candidate, Pixels | None]:
    try:
        detector = make()
        began = time.perf_counter()
        detector.fit(known, silent)
        fit_s = time.perf_counter() - began
        scores, maps, masks, spent = list[float](), list[Map](), list[Mask | None](), list[float]()
        for pixels, mask in [*((p, np.zeros(p.shape[:2], bool)) for p in asked), *((d.pixels, d.mask) for d in drawn)]:
            began = time.perf_counter()
            scored = detector.score(pixels)
            spent.append(time.perf_counter() - began)
            scores.append(scored.score)
            size = mask.shape[1] // 2, mask.shape[0] // 2
            maps.append(cv2.resize(scored.values, size, interpolation=cv2.INTER_AREA))
            masks.append(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0)
            if pixels is drawn[0].pixels:
                shown = heat_over(_sized(pixels), cv2.resize(_unit(scored.values), _sized(pixels).shape[1::-1]))
    except SeewhyError as error:
        return Candidate(name, why_not=str(error)), None
    figures = image_figures(np.arange(len(scores)) >= len(asked), np.array(scores)) | pixel_figures(maps, masks)
    row = Candidate(
        name,
        ", ".join(w.name for w in detector.weights) or "none",
        figures["image_auroc"],
        figures["pixel_auroc"],
        round(fit_s, 1),
        round(1000 * float(np.median(spent)), 1),
        round(sum(len(f) for f in detector.files().values()) / 2**20, 1),
    )
    return row, shown


def _chosen(tried: Sequence[Candidate]) -> tuple[str, str]:
    """The best by image AUROC; among equals by where they point, then by time."""
    able = [c for c in tried if c.image_auroc is not None]
    if not able:
        return "", "no detector could be tried here: " + "; ".join(f"{c.detector}: {c.why_not}" for c in tried)
    top = max(c.image_auroc or 0.0 for c in able)
    equal = sorted(
        (c for c in able if (c.image_auroc or 0.0) >= top - EQUAL), key=lambda c: (-(c.pixel_auroc or 0.0), c.ms_per_photo or 0.0)
    )
    best = equal[0]
    others = (
        ""
        if len(equal) == 1
        else f", level with {', '.join(c.detector for c in equal[1:])} and better at the place ({best.pixel_auroc:.3f})"
    )
    return (
        best.detector,
        f"it tells drawn defects from good photos best (image AUROC {best.image_auroc:.3f}{others}), {best.ms_per_photo:.0f} ms a photo",
    )


def _drawn(pixels: Pixels, number: int, *, pattern: bool) -> Drawn:
    """A defect on a good photo: a drawn mark, as strong as the photo's own contrast, or a piece of another place pasted in.

    Of a printed `pattern`, always the latter: a defect there is a change of the pattern.
    """
    if pattern or number % 2:
        return _pasted(pixels, number)
    made = draw_on(pixels, KINDS[number // 2 % len(KINDS)], number)
    low, high = np.percentile(pixels[::4, ::4], (2, 98))
    strength = FAINT * max(1.0, float(high - low) / USUAL_CONTRAST)
    changed = pixels + strength * (made.pixels.astype(np.float32) - pixels)
    return Drawn(np.clip(np.rint(changed), 0, 255).astype(np.uint8), made.mask, made.kind)


def _pasted(pixels: Pixels, number: int) -> Drawn:
    """A rectangle from elsewhere in the photo (CutPaste; Li et al., CVPR 2021): of many tries, the one that changes most."""
    rng = np.random.default_rng([13, number])
    height, width = pixels.shape[:2]
    best: tuple[float, Pixels, Mask] | None = None
    for _ in range(PASTES):
        h, w = (max(4, round(float(rng.uniform(0.03, 0.09)) * side)) for side in (height, width))
        (y, x), (v, u) = ((int(rng.integers(0, height - h)), int(rng.integers(0, width - w))) for _ in range(2))
        piece, place = pixels[v : v + h, u : u + w], pixels[y : y + h, x : x + w]
        change = float(np.abs(piece.astype(np.int16) - place).mean())
        if best is None or change > best[0]:
            canvas, mask = pixels.copy(), np.zeros((height, width), bool)
            canvas[y : y + h, x : x + w] = piece
            mask[y : y + h, x : x + w] = True
            best = change, canvas, mask
    assert best is not None
    return Drawn(best[1], best[2], "pasted")


def _sized(pixels: Pixels) -> Pixels:
    made: Pixels = cv2.resize(smaller(pixels, PICTURE_PX), (PICTURE_PX, round(PICTURE_PX * pixels.shape[0] / pixels.shape[1])))
    return made


def _marked(drawn: Drawn) -> Pixels:
    canvas = _sized(drawn.pixels).copy()
    outline(canvas, cv2.resize(drawn.mask.astype(np.uint8), canvas.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)
    return canvas


def _unit(values: Map) -> Map:
    low, high = float(values.min()), float(values.max())
    made: Map = ((values - low) / max(high - low, 1e-9)).astype(np.float32)
    return made
