"""Synthetic products and defects, seeded, with exact masks, types and sizes. Labelled synthetic wherever they go.

Four products are drawn from noise; three are cut from real CC0 pictures that scikit-image's wheel carries (brick, gravel,
grass). Defects are drawn on either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
from PIL import Image

from seewhy.agent.inspection.shape import mask_feret
from seewhy.errors import MissingExtra, UnknownName
from seewhy.types import Map, Mask, Pixels

Kind: TypeAlias = Literal["scratch", "pit", "stain", "chip"]
KINDS: tuple[Kind, ...] = ("scratch", "pit", "stain", "chip")
SIZE = (400, 320)  # width, height
MM_PER_PX = 0.05
Rng: TypeAlias = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A synthetic photo and the truth about it."""

    pixels: Pixels
    mask: Mask  # True where the defect was drawn
    kind: str  # "good" or a `Kind`

    @property
    def area_px(self) -> int:
        """Pixels of the defect."""
        return int(self.mask.sum())

    @property
    def feret_px(self) -> float:
        """Maximum Feret diameter of the defect, 0 for a good photo."""
        return mask_feret(self.mask)


def good(product: str, seed: int, size: tuple[int, int] = SIZE) -> Drawn:
    """A good photo of `product`: another part, another light, another noise for each seed."""
    if product not in PRODUCTS:
        raise UnknownName("synthetic product", product, PRODUCTS)
    rng = np.random.default_rng([sum(map(ord, product)), seed])
    surface = PRODUCTS[product](rng, size)  # (H, W, 3) float32, 0..255
    light = 1 + 0.05 * rng.standard_normal() + 0.06 * _ramp(rng, size)[..., None]
    pixels = surface * light + rng.normal(0, 2.0, surface.shape)
    return Drawn(np.clip(pixels, 0, 255).astype(np.uint8), np.zeros(size[::-1], bool), "good")


def defective(product: str, kind: Kind, seed: int, size: tuple[int, int] = SIZE, contrast: float = 1.0) -> Drawn:
    """A good photo with one defect drawn on it; `contrast` scales how clearly it shows."""
    base = good(product, seed, size)
    rng = np.random.default_rng([7, sum(map(ord, product + kind)), seed])
    cover = DEFECTS[kind](rng, size)  # (H, W) float32, 0..1, how much of each pixel is defect
    mask = cover >= 0.5
    if not mask.any():
        return defective(product, kind, seed + 100_003, size, contrast)
    change = change_of(kind, cover, rng, contrast)
    return Drawn(np.clip(base.pixels + change, 0, 255).astype(np.uint8), mask, kind)


def change_of(kind: Kind, cover: Map, rng: Rng, contrast: float = 1.0) -> Map:
    """What a defect that covers (H, W) shares of the pixels adds to a photo, (H, W, 3)."""
    sign = 1.0 if kind == "scratch" and rng.random() < 0.4 else -1.0
    tint = np.array([0.45, 0.75, 1.0], np.float32) if kind == "stain" else np.ones(3, np.float32)
    depth = {"scratch": 75.0, "pit": 85.0, "stain": 50.0, "chip": 95.0}[kind] * contrast
    texture = 1 + 0.15 * rng.standard_normal(cover.shape).astype(np.float32)
    made: Map = (sign * depth * texture)[..., None] * tint * cover[..., None]
    return made


def write_dataset(folder: Path, product: str, *, good_train: int, good_test: int, per_kind: int, seed: int = 0) -> Path:
    """Write a data set in MVTec AD layout, with `synthetic.json` beside it: kind, area and Feret diameter of every photo."""
    truth: dict[str, dict[str, object]] = {}

    def put(where: str, drawn: Drawn, number: int) -> None:
        path = folder / where / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.pixels).save(path)
        truth[path.relative_to(folder).as_posix()] = {"kind": drawn.kind, "area_px": drawn.area_px, "feret_px": drawn.feret_px}
        if drawn.kind != "good":
            mask = folder / "ground_truth" / drawn.kind / f"{number:04}_mask.png"
            mask.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(drawn.mask).save(mask)

    for i in range(good_train):
        put("train/good", good(product, 10_000 * seed + i), i)
    for i in range(good_test):
        put("test/good", good(product, 10_000 * seed + 5_000 + i), i)
    for kind in KINDS:
        for i in range(per_kind):
            put(f"test/{kind}", defective(product, kind, 10_000 * seed + 7_000 + i), i)
    facts = {"synthetic": True, "product": product, "seed": seed, "mm_per_px": MM_PER_PX, "photos": truth}
    (folder / "synthetic.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return folder


def random_surface(rng: Rng) -> Map:
    """A random surface: noise of random grain and direction, perhaps stripes, a grid, bores or bars, in a random colour."""
    size = (320, 320)
    level, colour = rng.uniform(70, 200), rng.uniform(0.85, 1.15, 3)
    values = np.full(size, level, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        sx, sy = np.exp(rng.uniform(np.log(0.5), np.log(30), 2))
        raw = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), sigmaX=sx, sigmaY=sy)
        values += rng.uniform(2, 10) * raw / (raw.std() + 1e-6)
    x, y = np.meshgrid(np.arange(320), np.arange(320))
    kind = rng.random()
    if kind < 0.3:
        period, angle = rng.uniform(5, 30), rng.uniform(0, np.pi)
        wave = np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / period)
        cross = np.sin(2 * np.pi * (np.cos(angle) * y - np.sin(angle) * x) / period) if rng.random() < 0.5 else 1.0
        values += rng.uniform(4, 25) * wave * cross
    elif kind < 0.6:
        for _ in range(int(rng.integers(1, 5))):  # bores and bars are of the product: regular, rimmed, large
            at, radius = rng.integers(30, 290, 2), int(rng.integers(12, 26))
            rim, dark = level + rng.uniform(20, 50), rng.uniform(25, 70)
            if rng.random() < 0.6:
                cv2.circle(values, (int(at[0]), int(at[1])), radius + 2, rim, 3, cv2.LINE_AA)
                cv2.circle(values, (int(at[0]), int(at[1])), radius, dark, -1, cv2.LINE_AA)
            else:
                end = (int(np.clip(at[0] + rng.integers(-90, 90), 20, 300)), int(at[1]))
                cv2.line(values, (int(at[0]), int(at[1])), end, rim, radius + 5, cv2.LINE_AA)
                cv2.line(values, (int(at[0]), int(at[1])), end, dark, radius, cv2.LINE_AA)
    ramp = 1 + 0.08 * (np.cos(t := rng.uniform(0, 2 * np.pi)) * x + np.sin(t) * y) / 320
    made: Map = (values * ramp)[..., None].astype(np.float32) * colour.astype(np.float32)
    return made


def _ramp(rng: Rng, size: tuple[int, int]) -> Map:
    """A light gradient in a random direction, about -1..1."""
    angle = rng.uniform(0, 2 * np.pi)
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    made: Map = (np.cos(angle) * x + np.sin(angle) * y).astype(np.float32)
    return made


def _noise(rng: Rng, size: tuple[int, int], sigma_x: float, sigma_y: float) -> Map:
    """Smoothed noise of standard deviation 1, (H, W)."""
    raw = rng.standard_normal((size[1], size[0])).astype(np.float32)
    soft = cv2.GaussianBlur(raw, (0, 0), sigmaX=max(sigma_x, 0.01), sigmaY=max(sigma_y, 0.01))
    made: Map = (soft - soft.mean()) / (soft.std() + 1e-6)
    return made


def _grey(values: Map, tint: tuple[float, float, float] = (1, 1, 1)) -> Map:
    return values[..., None] * np.array(tint, np.float32)


def _brushed(rng: Rng, size: tuple[int, int]) -> Map:
    """Brushed steel: fine streaks along x."""
    return _grey(165 + 9 * _noise(rng, size, 30, 0.6) + 3 * _noise(rng, size, 2, 0.5), (1, 1, 1.02))


def _cast(rng: Rng, size: tuple[int, int]) -> Map:
    """A cast surface: grain of two sizes."""
    return _grey(120 + 7 * _noise(rng, size, 1.2, 1.2) + 5 * _noise(rng, size, 6, 6), (1.0, 0.99, 0.97))


def _woven(rng: Rng, size: tuple[int, int]) -> Map:
    """Plain-woven cloth: crossing threads."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    phase = rng.uniform(0, 8, 2)
    threads = np.sin((x + phase[0]) * np.pi / 4) * np.sin((y + phase[1]) * np.pi / 4)
    return _grey((150 + 22 * threads + 5 * _noise(rng, size, 1, 1)).astype(np.float32), (0.85, 0.95, 1.1))


def _plate(rng: Rng, size: tuple[int, int]) -> Map:
    """A machined plate: turning marks, four bores and a slot, always in the same place within two pixels."""
    width, height = size
    dx, dy = rng.integers(-2, 3, 2)
    x, y = np.meshgrid(np.arange(width) - dx, np.arange(height) - dy)
    rings = np.sin(np.hypot(x - width / 2, y - height / 2) * 1.1 + rng.uniform(0, 0.6))
    surface = (168 + 5 * rings + 3 * _noise(rng, size, 1, 1)).astype(np.float32)
    for cx, cy in ((0.14, 0.17), (0.86, 0.17), (0.14, 0.83), (0.86, 0.83)):
        at = round(cx * width + dx), round(cy * height + dy)
        cv2.circle(surface, at, 17, 205, 3, cv2.LINE_AA)
        cv2.circle(surface, at, 15, 46, -1, cv2.LINE_AA)
    left, right, middle = round(0.38 * width + dx), round(0.62 * width + dx), round(0.5 * height + dy)
    cv2.line(surface, (left, middle), (right, middle), 205, 25, cv2.LINE_AA)
    cv2.line(surface, (left, middle), (right, middle), 52, 20, cv2.LINE_AA)
    return _grey(surface, (0.98, 1.0, 1.04))


def _picture(name: str) -> Callable[[Rng, tuple[int, int]], Map]:
    def cut(rng: Rng, size: tuple[int, int]) -> Map:
        source = _cc0(name)
        width, height = size
        y = int(rng.integers(0, source.shape[0] - height + 1))
        x = int(rng.integers(0, source.shape[1] - width + 1))
        return _grey(source[y : y + height, x : x + width].astype(np.float32))

    return cut


@lru_cache
def _cc0(name: str) -> Pixels:
    """A real picture from scikit-image's wheel (brick, gravel, grass: CC0, Ambient/3D Textures), grey."""
    try:
        from skimage import data
    except ModuleNotFoundError as error:
        raise MissingExtra(f"the picture {name!r}", "demo") from error
    picture: Pixels = getattr(data, name)()
    return picture


def _scratch(rng: Rng, size: tuple[int, int]) -> Map:
    """A bent line, 1.5 to 4 pixels wide."""
    width, height = size
    length = rng.uniform(0.12, 0.45) * min(size)
    angle = rng.uniform(0, np.pi)
    middle = rng.uniform((0.25 * width, 0.25 * height), (0.75 * width, 0.75 * height))
    t = np.linspace(-0.5, 0.5, 24)
    bend = rng.uniform(-0.12, 0.12) * length * (1 - (2 * t) ** 2)
    points = middle + np.stack([length * t * np.cos(angle) - bend * np.sin(angle), length * t * np.sin(angle) + bend * np.cos(angle)], 1)
    return _drawn(size, points, thickness=rng.uniform(1.5, 4.0))


def _drawn(size: tuple[int, int], points: Map, thickness: float) -> Map:
    """A polyline, drawn four times larger and averaged: soft edges at sub-pixel places."""
    big = np.zeros((size[1] * 4, size[0] * 4), np.uint8)
    cv2.polylines(big, [np.rint(points * 4).astype(np.int32)], False, 255, max(1, round(thickness * 4)))
    made: Map = cv2.resize(big, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return made


def _blob(rng: Rng, size: tuple[int, int], radius: float, middle: tuple[float, float], rough: float) -> Map:
    """A round patch whose radius wobbles by `rough`."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wobble = 1 + rough * sum(rng.standard_normal() / k * np.cos(k * angles + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 4))
    squeeze = rng.uniform(0.7, 1.0)
    points = np.stack([middle[0] + radius * wobble * np.cos(angles), middle[1] + radius * squeeze * wobble * np.sin(angles)], 1)
    big = np.zeros((size[1] * 4, size[0] * 4), np.uint8)
    cv2.fillPoly(big, [np.rint(points * 4).astype(np.int32)], 255)
    made: Map = cv2.resize(big, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return made


def _inside(rng: Rng, size: tuple[int, int], margin: float) -> tuple[float, float]:
    return float(rng.uniform(margin, size[0] - margin)), float(rng.uniform(margin, size[1] - margin))


def _pit(rng: Rng, size: tuple[int, int]) -> Map:
    radius = rng.uniform(0.014, 0.035) * min(size)
    return _blob(rng, size, radius, _inside(rng, size, 0.15 * min(size)), 0.08)


def _stain(rng: Rng, size: tuple[int, int]) -> Map:
    radius = rng.uniform(0.07, 0.16) * min(size)
    return _blob(rng, size, radius, _inside(rng, size, 0.25 * min(size)), 0.12)


def _chip(rng: Rng, size: tuple[int, int]) -> Map:
    """A bite out of one border."""
    radius = rng.uniform(0.05, 0.11) * min(size)
    side, along = int(rng.integers(4)), rng.uniform(0.2, 0.8)
    middle = [(0.0, along * size[1]), (float(size[0]), along * size[1]), (along * size[0], 0.0), (along * size[0], float(size[1]))][side]
    return _blob(rng, size, radius, middle, 0.1)


DEFECTS: Mapping[Kind, Callable[[Rng, tuple[int, int]], Map]] = {"scratch": _scratch, "pit": _pit, "stain": _stain, "chip": _chip}
PRODUCTS: Mapping[str, Callable[[Rng, tuple[int, int]], Map]] = {
    "brushed": _brushed,
    "cast": _cast,
    "woven": _woven,
    "plate": _plate,
    "brick": _picture("brick"),
    "gravel": _picture("gravel"),
    "grass": _picture("grass"),
}
