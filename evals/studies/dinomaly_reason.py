"""Why one Dinomaly of all products tells good from bad as it does: its course over the steps, and a bank of the tokens that it restores.

On every fourth test photo of every product. The banks compare each token with all good tokens (exactly, no coreset, no
neighbourhood, no density) and make map and score as the paper does, so that nothing but "nearest good token" against "what the
decoder restores" differs: of the product alone, of a quarter of its photos, and of all products in one. The encoder is
EfficientNet-lite0: figures are of `dinomaly/efficientnet-lite0`, not of the paper's Dinomaly.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seewhy.agent.models.product import learned_and_aside
from seewhy.agent.photos.lazy import Chosen, LazyPhotos, pixels_of
from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.feature_cache import FeatureCache
from seewhy.detectors.dinomaly.net import Restorer, cell_map, paper_map
from seewhy.detectors.dinomaly.tokens import Tokens
from seewhy.detectors.dinomaly.training import Plan, train
from seewhy.evals.metrics import auroc
from seewhy.evals.promises.dinomaly import ALPHA, SETTINGS, SPARSE, facts_of, split
from seewhy.evals.run import measuring
from seewhy.nearest import faiss

STEPS = (600, 1200, 1800)  # of one course
FEW = 4  # a small bank is of every fourth photo

Asked = Mapping[str, Sequence[tuple[Tokens, bool]]]  # test photos by product, and whether each is bad


def main(data: Path, out: Path) -> None:
    """Why one Dinomaly of DATA's products tells good from bad as it does: banks of the tokens that it restores, and its course."""
    train_photos, test = split(data)
    detector = Dinomaly(replace(SETTINGS, steps=STEPS[-1]))
    learned = {n: Chosen(pixels_of(p), learned_and_aside(len(p), ALPHA)[0]) for n, p in train_photos.items()}
    with measuring(out, facts_of(detector.settings, data)) as table, tempfile.TemporaryDirectory() as folder:
        seen = detector.trained.features(Path(folder))
        rows = dict[str, range]()
        for name, photos in learned.items():
            first = max((r.stop for r in rows.values()), default=0)
            seen.add(photos, lambda items, *_: items, name)
            rows[name] = range(first, first + len(photos))
        middle, spread = seen.standardise()
        asked = {
            name: [
                (_standard(detector.trained.encode([detector.trained.square(p.pixels)]), middle, spread), s.kind != "good")
                for s, p in zip(samples[::SPARSE], LazyPhotos(samples[::SPARSE]), strict=True)
            ]
            for name, samples in test.items()
        }
        side = detector.settings.input_px
        everything = cache(lambda: _bank(seen, [r for some in rows.values() for r in some], side))
        banks: dict[str, Callable[[str], Callable[[Tokens], float]]] = {
            "of the product": lambda name: _bank(seen, rows[name], side),
            f"of every {FEW}th photo of the product": lambda name: _bank(seen, rows[name][::FEW], side),
            "of all products": lambda _name: everything(),
        }
        for which, bank in banks.items():
            table.row(("banks of the same tokens", which), _aurocs, asked, bank)
        table.row("one dinomaly of all, by steps", _course, detector, seen, asked)


def _course(detector: Dinomaly, seen: FeatureCache, asked: Asked) -> dict[str, dict[str, float]]:
    """What the decoder tells after each of STEPS, in one training."""
    torch.manual_seed(SETTINGS.seed)
    net, side, course = Restorer(detector.trained.shape()), detector.settings.input_px, dict[str, dict[str, float]]()

    def told(step: int, _loss: float) -> None:
        if step + 1 in STEPS:
            net.eval()
            course[str(step + 1)] = _aurocs(asked, lambda _name: lambda tokens: _restored(net, tokens, side))
            net.train()

    train(net, seen, Plan(**{f.name: getattr(detector.settings, f.name) for f in fields(Plan)}), told=told)
    return course


def _aurocs(asked: Asked, scorer: Callable[[str], Callable[[Tokens], float]]) -> dict[str, float]:
    """Image AUROC of each product, and their mean."""
    made = {}
    for name, photos in asked.items():
        score = scorer(name)
        made[name] = round(auroc(np.array([bad for _, bad in photos]), np.array([score(t) for t, _ in photos])) or 0.0, 4)
    return made | {"mean": round(float(np.mean(list(made.values()))), 4)}


def _bank(seen: FeatureCache, photos: Sequence[int], side: int) -> Callable[[Tokens], float]:
    index: Any = None
    for photo in photos:
        rows = torch.cat([m[0].float() for m in seen([photo])], -1).numpy()
        index = index or faiss.IndexFlatL2(rows.shape[1])
        index.add(np.ascontiguousarray(rows))

    def score(tokens: Tokens) -> float:
        asked = torch.cat([m[0] for m in tokens.maps], -1).contiguous().numpy()
        squares, _ = index.search(asked, 1)
        cells = torch.from_numpy(np.sqrt(np.maximum(squares[:, 0], 0))).view(1, 1, *tokens.grid)
        return float(paper_map(cells, (side, side))[1][0])

    return score


def _restored(net: Restorer, tokens: Tokens, side: int) -> float:
    with torch.inference_mode():
        return float(paper_map(cell_map(tokens.maps, net(tokens.maps), tokens.grid), (side, side))[1][0])


def _standard(tokens: Tokens, middle: Tensor, spread: Tensor) -> Tokens:
    return replace(tokens, maps=[(m - a) / b for m, a, b in zip(tokens.maps, middle, spread, strict=True)])
