"""Patch features that are wanted twice, by learning and by calibrating, and computed once as far as there is room."""

from __future__ import annotations

from collections.abc import Callable

from seewhy.canonical import sha256_bytes
from seewhy.types import Features, Pixels

ROOM_BYTES = 256 << 20  # however many photos there are: those beyond it are looked at again


class Kept:
    """Features by what the network saw, each handed out once."""

    def __init__(self, room_bytes: int = ROOM_BYTES) -> None:
        self._room, self._kept = room_bytes, dict[str, list[Features]]()

    def add(self, seen: Pixels, features: list[Features]) -> None:
        """Keep the features of a tile (h, w, 3) where there is room for them."""
        wanted = sum(one.nbytes for one in features)
        if wanted <= self._room:
            self._room -= wanted
            self._kept[_name(seen)] = features

    def taken(self, seen: Pixels, otherwise: Callable[[Pixels], list[Features]]) -> list[Features]:
        """The features of a tile, which are not kept any longer; from `otherwise` where they weren't."""
        features = self._kept.pop(_name(seen), None) if self._kept else None
        if features is None:
            return otherwise(seen)
        self._room += sum(one.nbytes for one in features)
        return features

    def clear(self) -> None:
        """Keep nothing any longer."""
        self._kept.clear()


def _name(seen: Pixels) -> str:
    return f"{seen.shape}{sha256_bytes(seen.tobytes())}"
