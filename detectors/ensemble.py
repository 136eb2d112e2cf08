"""Several detectors, one answer: what each says is first made a conformal p-value, and those are merged; raw scores never are.

A detector's score means nothing beside another's; how rare it is among good photos does. Each member is calibrated on good photos that it
had not learned from. Bonferroni's merged value, k times the smallest p, holds however the members depend on one another. Fisher's, -2 times
the sum of their logarithms, gives more weight to agreement, and its usual chi-squared law asks for independence, which detectors that look
at the same photo don't have: here it is a score like any other, and the threshold comes from what good photos of the product score
(`seewhy.agent.models.calibration`), so that the dependence is in it. The correlation of the members on good photos is kept with the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from seewhy.card import ProductCard
from seewhy.detectors.catalogue import DETECTORS, JOIN
from seewhy.detectors.protocol import Calibrates, Detector, Single, scored_good
from seewhy.detectors.saved import facts_of, restored
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Map, Pixels, Progress, ScoreMap, Vote, silent

FEWEST = 3  # good photos
ASIDE = 5  # every nth photo is set aside for a member that can't leave one out
VALUES_PER_PHOTO = 2048  # of a map, behind its table of p-values
LEVELS = 512  # entries of that table
TAIL = 0.25  # share of the largest good scores whose excess says how p falls beyond all of them
Merge = Literal["bonferroni", "fisher"]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EnsembleSettings:
    """What can be chosen."""

    merge: Merge = "bonferroni"


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """How rare a number is among those of good photos."""

    known: Numbers  # (n,) sorted

    def nats(self, asked: npt.ArrayLike) -> Numbers:
        """-ln p, with the conformal p = (1 + #{known >= asked}) / (n + 1).

        Beyond the largest it goes on in a straight line (an exponential tail with the mean excess of the largest quarter), so that
        what is far beyond all good photos still has an order; that part of it is no p-value.
        """
        values, n = np.asarray(asked, np.float64), len(self.known)
        above = n - np.searchsorted(self.known, values, side="left")
        beyond = np.maximum(values - self.known[-1], 0) / self.excess
        made: Numbers = -np.log((1 + above) / (n + 1)) + beyond
        return made

    def p(self, asked: float) -> float:
        """The conformal p-value alone: never below 1 / (n + 1)."""
        return max(float(np.exp(-self.nats(asked))), 1 / (len(self.known) + 1))

    @property
    def excess(self) -> float:
        """Mean excess of the largest quarter over its smallest."""
        top = self.known[-max(2, round(TAIL * len(self.known))) :]
        return max(float((top - top[0]).mean()), 1e-6 * max(1.0, float(np.abs(top).max())))


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One detector and what good photos score with it."""

    detector: Detector
    scores: Numbers  # (n,) in the order of `numbers`
    numbers: tuple[int, ...]  # of the good photos that were scored
    cells: Numbers  # (LEVELS,) sorted: quantiles of their maps' values

    def without(self, held_out: int) -> Member:
        """As if it had not seen that photo."""
        kept = [i for i, number in enumerate(self.numbers) if number != held_out]
        return replace(
            self, detector=self.detector.without(held_out), scores=self.scores[kept], numbers=tuple(self.numbers[i] for i in kept)
        )

    @property
    def ranks(self) -> Ranks:
        """Of scores."""
        return Ranks(np.sort(self.scores))


class Ensemble(Single):
    """Merged p-values of several detectors.

    Args:
        detectors: unfitted, two or more.
        settings: see `EnsembleSettings`.

    Raises:
        BadData: there are too few, or one learns from a lot, which knows no good photo.
    """

    kind = "ensemble"

    def __init__(self, detectors: Sequence[Detector], settings: EnsembleSettings | None = None) -> None:
        if len(detectors) < 2:
            raise BadData(f"an ensemble is of two or more detectors, not {len(detectors)}")
        lots = [d.name for d in detectors if d.calibrates == "lot"]
        if lots:
            raise BadData(f"{lots[0]} learns from a lot and knows no good photo, so that its scores can't be made p-values; leave it out")
        self._settings = settings or EnsembleSettings()
        if self._settings.merge not in ("bonferroni", "fisher"):
            raise BadData(f"p-values are merged by bonferroni or fisher, not {self._settings.merge!r}")
        self._detectors = tuple(detectors)
        self._members: tuple[Member, ...] = ()
        self._correlation: list[list[float]] = []

    @classmethod
    def from_card(cls, _card: ProductCard | None, settings: Any = None, /, *, device: str = "cpu") -> Self:
        """Refused: members come first.

        Raises:
            BadData: always; name the members, "patchcore+dinomaly".
        """
        raise BadData(f"an ensemble is asked for by its members' names, patchcore{JOIN}dinomaly, not by {settings!r} on {device}")

    @property
    def name(self) -> str:
        """The members' names."""
        return JOIN.join(d.name for d in self._detectors)

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """The members."""
        return self._detectors

    @property
    def calibrates(self) -> Calibrates:
        """By photos left out where all members do; by copies where one must; else by photos held out."""
        ways = {d.calibrates for d in self._detectors}
        return "left_out" if ways == {"left_out"} else "disturbed_copies" if "disturbed_copies" in ways else "held_out"

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """What is merged, and how."""
        return sentence(f"detector.spoke_{self._settings.merge}", name=self.name, photos=good_photos, product=product)

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """All members', each once."""
        return tuple(dict.fromkeys(w for d in self._detectors for w in d.weights))

    @property
    def settings(self) -> EnsembleSettings:
        """As asked."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """The members and their calibration, and how they correlate."""
        return {
            "correlation": self._correlation,
            "members": [
                facts_of(m.detector) | {"scores": m.scores.tolist(), "numbers": list(m.numbers), "cells": m.cells.tolist()}
                for m in self._fitted()
            ],
        }

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """Fit each member, and calibrate it on good photos that it had not learned from.

        Args:
            photos: good ones, (H, W, 3).
            progress: wraps the loops.

        Raises:
            BadData: there are too few photos, or a member's precision is left open.
        """
        if left_open := [d.name for d in self._detectors if getattr(d.settings, "precision", "") == "auto"]:
            raise BadData(f"the precision of {left_open[0]} can't be left open where detectors speak as one; give --precision f32 or bf16")
        if len(photos) < FEWEST:
            raise BadData(f"an ensemble needs at least {FEWEST} good photos, which calibrate its members; there are {len(photos)}")
        self._members = tuple(_member(d, photos, progress) for d in self._detectors)
        self._correlation = _correlation(self._members)

    def without(self, held_out: int) -> Self:
        """The same ensemble as if none of its members had seen that photo, nor been calibrated on it."""
        made = copy(self)
        made._members = tuple(m.without(held_out) for m in self._fitted())
        made._detectors = tuple(m.detector for m in made._members)
        return made

    def copy_of(self, pixels: Pixels, number: int) -> Pixels:
        """As the member copies it that may know each good photo as the only one of its place."""
        return next(d for d in self._detectors if d.calibrates == "disturbed_copies").copy_of(pixels, number)

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3): members' maps and scores as -ln p, merged; what each says is in `votes`."""
        each = [(m, m.detector.score(pixels)) for m in self._fitted()]
        scores = np.array([float(m.ranks.nats(s.score)) for m, s in each])
        maps = [Ranks(m.cells).nats(s.values) for m, s in each]
        values: Map = self._merged(np.stack(maps)).astype(np.float32)
        first = each[0][1]
        compared = next((s for _, s in each if s.reference is not None), first)
        return ScoreMap(
            values,
            float(self._merged(scores[:, None])[0]),
            max(s.resolution_px for _, s in each),
            self.name,
            next((s.descriptor for _, s in each if s.descriptor is not None), None),
            next((s.types for _, s in each if s.types is not None), None),
            compared.reference,
            compared.reference_sha256,
            compared.change,
            tuple(Vote(m.detector.name, m.ranks.p(s.score)) for m, s in each),
        )

    def files(self) -> dict[str, bytes]:
        """Each member's, in a folder of its number."""
        return {f"{i}/{name}": data for i, m in enumerate(self._fitted()) for name, data in m.detector.files().items()}

    @classmethod
    def from_files(cls, settings: EnsembleSettings, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The ensemble that was saved."""
        members = []
        for i, facts in enumerate(learned["members"]):
            own = {name.removeprefix(f"{i}/"): data for name, data in files.items() if name.startswith(f"{i}/")}
            detector = restored(facts, own, device)
            members.append(Member(detector, np.array(facts["scores"]), tuple(facts["numbers"]), np.array(facts["cells"])))
        ensemble = cls([m.detector for m in members], settings)
        ensemble._members, ensemble._correlation = tuple(members), learned["correlation"]
        return ensemble

    def _fitted(self) -> tuple[Member, ...]:
        if not self._members:
            raise BadModel("the ensemble was not fitted; call fit first or load a model")
        return self._members

    def _merged(self, nats: Numbers) -> Numbers:
        """(k, …) of -ln p to (…): -ln of k times the smallest p, or Fisher's statistic."""
        made: Numbers = nats.max(0) - np.log(len(nats)) if self._settings.merge == "bonferroni" else 2 * nats.sum(0)
        return made


def plugin_versions(detector: Detector) -> dict[str, str]:
    """Versions of the distributions that plugged in a detector, or members of an ensemble, by their names; nothing for built-in ones."""
    each = detector.detectors if isinstance(detector, Ensemble) else (detector,)
    return {name: version for one in each for name, version in DETECTORS.plugin_versions(one.kind).items()}


def _member(detector: Detector, photos: Sequence[Pixels], progress: Progress[Any]) -> Member:
    """Fitted, with the scores of good photos by its own best way: left out, set aside, or copied."""
    everything = list(range(len(photos)))
    if detector.calibrates == "held_out":
        numbers = everything[ASIDE - 1 :: ASIDE] or everything[-1:]
        detector.fit([photos[i] for i in everything if i not in set(numbers)], progress)
    else:
        numbers = everything
        detector.fit(photos, progress)
    found, values = list[float](), list[npt.NDArray[np.float32]]()
    for _, scored in scored_good(detector, photos, numbers, progress, f"calibrating {detector.name}"):
        found.append(scored.score)
        flat = scored.values.ravel()
        values.append(flat[:: max(1, len(flat) // VALUES_PER_PHOTO)].copy())
    cells = np.quantile(np.concatenate(values).astype(np.float64), np.linspace(0, 1, LEVELS))
    return Member(detector, np.array(found), tuple(numbers), cells)


def _correlation(members: Sequence[Member]) -> list[list[float]]:
    """Spearman's, over the good photos that all of them were calibrated on; 0 where there are too few."""
    common = sorted(set.intersection(*(set(m.numbers) for m in members)))
    if len(common) < FEWEST:
        return [[float(i == j) for j in range(len(members))] for i in range(len(members))]
    ranks = [np.argsort(np.argsort([m.scores[m.numbers.index(n)] for n in common])) for m in members]
    made: list[list[float]] = np.round(np.atleast_2d(np.corrcoef(np.stack(ranks))), 4).tolist()
    return made
