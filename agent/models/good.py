"""The good photos of a fit: which there were, which a person had left out, and which few of them hold the line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from seewhy.agent.models.looks import Look, look_of, odd_signs, unlike
from seewhy.agent.photos.images import Photo
from seewhy.pictures import jpeg, png, scaled, smaller
from seewhy.types import Descriptor, Map, ScoreMap

ALIKE = 0.8  # people looked at a share of what passed that is at least this part of the share of the rest, or they chose odd parts
MOST_ODD = 8  # photos of which a model keeps the score with a picture
PICTURE_PX, QUALITY = 360, 84  # longest side and JPEG quality of those pictures


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A photo that a person had left out of a fit."""

    name: str
    sha256: str
    by: str
    cause: str  # what is wrong with the photo, see `seewhy.people.GoodPhoto`
    why: str
    entry: str  # hash of the ledger's entry that says so


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A part's photo that a person had let pass before a model learned it."""

    name: str  # lot and photo
    sha256: str
    by: str
    entry: str  # hash of the ledger's inspection that the person reviewed


@dataclass(frozen=True, slots=True)
class FromLedger:
    """The good photos that came from a ledger, and how they came to be reviewed."""

    taken: tuple[Reviewed, ...] = ()
    looked_at: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # by the machine's verdict: parts reviewed, and of how many

    @property
    def of_passed(self) -> tuple[int, int]:
        """Of the parts that the machine let pass: how many people looked at, and of how many."""
        return self.looked_at.get("pass", (0, 0))

    @property
    def of_others(self) -> tuple[int, int]:
        """Likewise of those that it stopped or asked about."""
        others = [both for verdict, both in self.looked_at.items() if verdict in ("fail", "review")]
        return sum(looked for looked, _ in others), sum(of for _, of in others)

    @property
    def chosen(self) -> bool:
        """Whether people mostly looked at what the machine had not let pass: odd parts are too many among the reviewed ones then."""
        (passed, all_passed), (others, all_others) = self.of_passed, self.of_others
        return bool(all_passed and all_others) and passed / all_passed < ALIKE * others / all_others

    def facts(self) -> dict[str, Any]:
        """Plain data."""
        return {"taken": [asdict(one) for one in self.taken], "looked_at": {name: list(both) for name, both in self.looked_at.items()}}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """What gave `facts`."""
        looked = {str(verdict): (int(some), int(all_)) for verdict, (some, all_) in facts["looked_at"].items()}
        return cls(tuple(Reviewed(**one) for one in facts["taken"]), looked)


@dataclass(frozen=True, slots=True, eq=False)
class OddPhoto:
    """One of the good photos that score highest."""

    name: str
    sha256: str
    score: float  # as if the detector hadn't learned from it
    signs: tuple[str, ...]  # in what it differs from the others, see `seewhy.agent.models.looks`
    picture: bytes = b""  # a small JPEG
    map: bytes = b""  # a PNG of its score map, 255 at the map's largest value


@dataclass(frozen=True, slots=True, eq=False)
class GoodPhotos:
    """All of them; empty in models from before they were kept, and in those of a lot."""

    listed: tuple[tuple[str, str], ...] = ()  # (name, SHA-256) of each that was learned from or set aside
    left_out: tuple[LeftOut, ...] = ()
    odd: tuple[OddPhoto, ...] = ()  # the highest scores first
    reviewed: FromLedger = field(default_factory=FromLedger)

    def facts(self) -> dict[str, Any]:
        """Plain data for the model's manifest, beside `files`."""
        odd = [{"name": o.name, "sha256": o.sha256, "score": o.score, "signs": list(o.signs)} for o in self.odd]
        known = {"listed": [list(one) for one in self.listed], "left_out": [asdict(one) for one in self.left_out], "odd": odd}
        return known | ({"reviewed": self.reviewed.facts()} if self.reviewed.taken else {})

    def files(self) -> dict[str, bytes]:
        """The odd ones' pictures."""
        named = ((f"{number:02}", one) for number, one in enumerate(self.odd))
        return {file: data for number, one in named for file, data in ((f"{number}.jpg", one.picture), (f"{number}.png", one.map))}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """What gave `facts` and the files."""
        odd = tuple(
            OddPhoto(o["name"], o["sha256"], float(o["score"]), tuple(o["signs"]), files[f"{i:02}.jpg"], files[f"{i:02}.png"])
            for i, o in enumerate(facts["odd"])
        )
        listed = tuple((str(name), str(digest)) for name, digest in facts["listed"])
        reviewed = FromLedger.from_facts(facts["reviewed"]) if "reviewed" in facts else FromLedger()
        return cls(listed, tuple(LeftOut(**one) for one in facts["left_out"]), odd, reviewed)


class Noticing:
    """Looks at the good photos that calibrate a detector while they are scored, and keeps the oddest.

    Args:
        photos: all good photos, read one at a time.
    """

    def __init__(self, photos: Sequence[Photo]) -> None:
        self._photos, self._scores = photos, list[float]()
        self._looks, self._described, self._odd = dict[int, Look](), dict[int, Descriptor | None](), dict[int, OddPhoto]()

    def __call__(self, maps: Iterable[tuple[int, ScoreMap]]) -> Iterator[tuple[int, ScoreMap]]:
        """The same maps."""
        for number, scored in maps:
            photo = self._photos[number]
            self._scores.append(scored.score)
            self._looks[number], self._described[number] = look_of(photo.pixels), scored.descriptor
            if len(self._odd) < MOST_ODD or scored.score > min(one.score for one in self._odd.values()):
                self._keep(number, photo, scored)
            yield number, scored

    def _keep(self, number: int, photo: Photo, scored: ScoreMap) -> None:
        if len(self._odd) == MOST_ODD:
            del self._odd[min(self._odd, key=lambda at: self._odd[at].score)]
        picture = jpeg(smaller(photo.pixels, PICTURE_PX), QUALITY)
        self._odd[number] = OddPhoto(photo.name, photo.sha256, scored.score, (), picture, png(_levels(scored.values)))

    @property
    def scores(self) -> tuple[float, ...]:
        """Of all of them, in the order in which they were scored."""
        return tuple(self._scores)

    @property
    def odd(self) -> tuple[OddPhoto, ...]:
        """The oddest, the highest score first, each with its signs."""
        signs = odd_signs(self._looks)
        for number in unlike(self._described):
            signs.setdefault(number, []).insert(0, "unlike")
        ordered = sorted(self._odd, key=lambda number: (-self._odd[number].score, number))
        return tuple(replace(self._odd[number], signs=tuple(signs.get(number, ()))) for number in ordered)


def _levels(values: Map) -> npt.NDArray[np.uint8]:
    """A map (H, W) as grey levels, its longer side at half of the pictures'."""
    low, high = float(values.min()), float(values.max())
    scale = min(1.0, PICTURE_PX / 2 / max(values.shape))
    small = scaled(np.asarray(255 * (values - low) / max(high - low, 1e-9), np.uint8), scale)
    return np.asarray(small, np.uint8)
