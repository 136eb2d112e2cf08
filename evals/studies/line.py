"""Choose PatchCore's looks by what escapes at the asked line, and the line of a model with few good photos; by leaving one product out.

The encoder looks at each photo once; every candidate is then tried in memory, with the code that PatchCore itself runs. For each product
the candidate that is best on the *others* is named, and its figures on the product left out are the honest ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from torch import Tensor

from seewhy.agent.models.calibration import Calibration
from seewhy.agent.photos.images import read_photo
from seewhy.agent.photos.layouts import Sample, learned_and_tested, surveyed
from seewhy.agent.photos.lazy import white_level_for
from seewhy.detectors.parts.encoder import Encoder
from seewhy.detectors.parts.features import joined
from seewhy.detectors.parts.inputs import as_batch
from seewhy.detectors.parts.memory import Look, Memory
from seewhy.detectors.parts.tiles import Tile, blend, tiles_for
from seewhy.evals.detect import image_figures, known_mask, pixel_figures, small_map, small_mask
from seewhy.evals.run import LITE, measuring
from seewhy.types import Features, Map, Mask

PRODUCTS = ("cookie", "magnetic_tile", "ball_screw")
LAYERS, SIDE, SHRINK = (3, 4, 5, 6), 384, 4.0
CANDIDATES_OF_BANK = 40_000
DIRECTIONS = Look((4, 5), 3, True, False, 5000, 5)
COARSE = Look((4, 5, 6), 3, False, True, 1000)
FINE = Look((3, 4, 5, 6), 1, False, True, 1000)
HALF = Look((3, 4, 5, 6), 1, False, True, 1000, weight=0.5)
CANDIDATES: dict[str, tuple[tuple[Look, ...], float]] = {
    f"{name}, top {share}": (looks, share)
    for name, looks in {
        "directions": (DIRECTIONS,),
        "coarse": (COARSE,),
        "fine": (FINE,),
        "directions + coarse": (DIRECTIONS, COARSE),
        "directions + fine": (DIRECTIONS, FINE),
        "directions + coarse + half of fine": (DIRECTIONS, COARSE, HALF),
        "directions + coarse + fine": (DIRECTIONS, COARSE, FINE),
    }.items()
    for share in (0.01, 0.03)
}
ALPHAS = (0.05, 0.01)
FEW, DRAWS, UNSEEN = (4, 8, 16, 24), 8, 60  # good photos that a model starts with, how often, and photos of each class it is asked about
FAR = (0.05, 0.01, 0.001, 0.0001)
LINES = ("largest", *(f"interval {alpha}" for alpha in FAR))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A photo as the encoder saw it."""

    width: int
    height: int
    tiles: tuple[tuple[Tile, dict[int, Tensor]], ...]  # (1, C, h, w) float16 by layer
    good: bool
    mask: Mask | None  # at the size of the pixel metrics


def main(data: Path, out: Path, draws: int = DRAWS) -> None:
    """PatchCore's looks on DATA's products: what escapes, which would be chosen when one is left out, and the lines of few good photos.

    Args:
        data: holds a folder for each product.
        out: where the figures go.
        draws: how often a model starts anew with few photos.
    """
    with measuring(out, {"data": data.name, "weights": LITE, "draws": draws}) as table:
        for product in PRODUCTS:
            learned, tested = _seen(data / product)
            for name, (looks, share) in CANDIDATES.items():
                table.row(("measured", name, product), figures, learned, tested, looks, share)
            looks, share = CANDIDATES["directions + coarse + half of fine, top 0.03"]
            for count in (n for n in FEW if n < len(learned)):
                table.row(("few", product, str(count)), few, learned, tested, looks, share, count, draws)
        measured = table.figures["measured"]
        table.figures |= {"left_one_out": {left: chosen(measured, left) for left in PRODUCTS}, "all": chosen(measured, None)}


def chosen(measured: dict[str, Any], left_out: str | None) -> dict[str, Any]:
    """The candidate with the fewest escapes (those at 1 % half) and the best image AUROC on the others, and how it does on that one."""

    def cost(name: str) -> float:
        rows = [row for product, row in measured[name].items() if product != left_out]
        return float(sum(row["escapes_at_0.05"] + row["escapes_at_0.01"] / 2 + 5 * (1 - row["image_auroc"]) for row in rows))

    best = min(measured, key=cost)
    return {"setting": best} | (measured[best][left_out] if left_out else {})


def figures(learned: Sequence[Seen], tested: Sequence[Seen], looks: Sequence[Look], share: float) -> dict[str, Any]:
    """Of one candidate on one product."""
    memories = _filled(learned, looks)
    good = np.array([_score(_grids([m.without(i) for m in memories], photo), share) for i, photo in enumerate(learned)])
    grids = [_grids(memories, photo) for photo in tested]
    scores, bad = np.array([_score(g, share) for g in grids]), np.array([not photo.good for photo in tested])
    maps = [_map(g, photo) for g, photo in zip(grids, tested, strict=True)]
    row = image_figures(bad, scores) | pixel_figures(maps, [photo.mask for photo in tested])
    lines = Calibration(np.sort(good), np.sort(good), 0.0, 0.0, "left_out")
    for alpha in ALPHAS:
        stopped = scores > (lines.threshold(alpha) or 0.0)
        row |= {f"escapes_at_{alpha}": float((~stopped[bad]).mean()), f"stopped_good_at_{alpha}": int(stopped[~bad].sum())}
    return row


def few(
    learned: Sequence[Seen], tested: Sequence[Seen], looks: Sequence[Look], share: float, count: int, draws: int
) -> dict[str, dict[str, float]]:
    """Of models with `count` good photos: how many unseen good photos lie above each line, and how many defective ones below."""
    out = {line: dict.fromkeys(("stopped_good", "good", "passed_bad", "bad"), 0.0) for line in LINES}
    bad = [photo for photo in tested if not photo.good]
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        order = [learned[i] for i in rng.permutation(len(learned))]
        memories = _filled(order[:count], looks)
        own = np.array([_score(_grids([m.without(i) for m in memories], p), share) for i, p in enumerate(order[:count])])
        lines = Calibration(np.sort(own), np.sort(own), 0.0, 0.0, "left_out")
        at = {"largest": float(own.max())} | {f"interval {a}": lines.far(a) or np.inf for a in FAR}
        unseen = np.array([_score(_grids(memories, p), share) for p in order[count : count + UNSEEN]])
        asked = np.array([_score(_grids(memories, bad[i]), share) for i in rng.permutation(len(bad))[:UNSEEN]])
        for line, value in at.items():
            out[line]["stopped_good"] += int((unseen > value).sum())
            out[line]["passed_bad"] += int((asked <= value).sum())
            out[line]["good"] += len(unseen)
            out[line]["bad"] += len(asked)
    return out


def _seen(folder: Path) -> tuple[list[Seen], list[Seen]]:
    train, test = learned_and_tested(surveyed(folder).samples)
    encoder, white = Encoder("efficientnet-lite0", layers=LAYERS), white_level_for(train)
    learned, tested = ([_look(sample, encoder, white) for sample in part] for part in (train, test))
    return learned, tested


def _look(sample: Sample, encoder: Encoder, white: int) -> Seen:
    photo = read_photo(sample.path, name=sample.name, root=sample.root, white_level=white)
    height, width = photo.pixels.shape[:2]
    tiles = list[tuple[Tile, dict[int, Tensor]]]()
    for tile in tiles_for(width, height, SIDE, encoder.row.multiple_px, SHRINK):
        tiles.append((tile, {n: m.half() for n, m in zip(LAYERS, encoder(as_batch([tile.seen(photo.pixels)])), strict=True)}))
    mask = known_mask(sample, photo)
    return Seen(width, height, tuple(tiles), sample.good, None if mask is None else small_mask(mask))


def _cells(photo: Seen, look: Look) -> list[Features]:
    return [
        joined([maps[n].float() for n in look.layers], tile.input_height, pool=look.pool, unit_length=look.unit_length).numpy()
        for tile, maps in photo.tiles
    ]


def _filled(learned: Sequence[Seen], looks: Sequence[Look]) -> list[Memory]:
    memories = [Memory(look) for look in looks]
    per_photo = -(-CANDIDATES_OF_BANK // len(learned))
    for memory in memories:
        rng = np.random.default_rng(0)
        drawn = list[Features]()
        for photo in learned:
            rows = np.concatenate([c.reshape(-1, c.shape[-1]) for c in _cells(photo, memory.look)])
            drawn.append(rows[np.sort(rng.choice(len(rows), min(per_photo, len(rows)), replace=False))])
        owners: npt.NDArray[np.int64] = np.repeat(np.arange(len(drawn)), [len(rows) for rows in drawn])
        memory.fill(np.concatenate(drawn), owners, 0)
        memory.measure_spread(np.concatenate(drawn), owners)
    return memories


def _grids(memories: Sequence[Memory], photo: Seen) -> list[Map]:
    """The smoothed map of each tile."""
    total: list[Any] = [0.0] * len(photo.tiles)
    for memory in memories:
        for number, cells in enumerate(_cells(photo, memory.look)):
            far = memory.distances(cells.reshape(-1, cells.shape[-1]))[0].reshape(cells.shape[:2])
            total[number] = total[number] + np.float32(memory.look.weight / memory.spread) * far
    return [cv2.GaussianBlur(np.asarray(grid, np.float32), (0, 0), 1.0) for grid in total]


def _score(grids: Sequence[Map], share: float) -> float:
    return max(float(np.sort(g, axis=None)[-max(1, round(share * g.size)) :].mean()) for g in grids)


def _map(grids: Sequence[Map], photo: Seen) -> Map:
    return small_map(blend(list(zip((tile for tile, _ in photo.tiles), grids, strict=True)), photo.width, photo.height))
