from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seewhy.agent.photos.images import Photo, read_photo
from seewhy.agent.photos.masks import checked_masks, read_mask
from seewhy.agent.photos.samples import Sample
from seewhy.errors import BadData

WIDTH, HEIGHT = 48, 32
TRUTH = np.zeros((HEIGHT, WIDTH), bool)
TRUTH[5:12, 30:41] = True
WHITE = TRUTH.astype(np.uint8) * 255


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 120, np.uint8)).save(path)
    return path


def mask_of(photo: Path, mask: Path, kind: str = "hole") -> tuple[Sample, Photo]:
    return Sample(photo, photo.parent, photo.name, "part", "test", kind, mask), read_photo(photo)


def palette(colours: list[int]) -> Image.Image:
    image = Image.fromarray(TRUTH.astype(np.uint8), "P")
    image.putpalette(colours + [0] * (768 - len(colours)))
    return image


def with_alpha() -> Image.Image:
    return Image.fromarray(np.dstack([np.full((HEIGHT, WIDTH, 3), 200, np.uint8), WHITE]), "RGBA")


WAYS = {
    "0 and 255": Image.fromarray(WHITE),
    "0 and 1": Image.fromarray(TRUTH.astype(np.uint8)),
    "classes": Image.fromarray(TRUTH.astype(np.uint8) * 3),
    "LOCO's 236": Image.fromarray(TRUTH.astype(np.uint8) * 236),
    "red": Image.fromarray(np.dstack([WHITE, WHITE * 0, WHITE * 0])),
    "black palette": palette([0] * 6),
    "VOC's palette": palette([0, 0, 0, 128, 0, 0]),
    "palette whose background is white": palette([255, 255, 255, 0, 0, 0]),
    "16 bits, 0 and 1": Image.fromarray(TRUTH.astype(np.uint16)),
    "16 bits, 0 and 65535": Image.fromarray(TRUTH.astype(np.uint16) * 65535),
    "1 bit": Image.fromarray(WHITE).convert("1"),
    "in alpha": with_alpha(),
    "opaque RGBA": Image.fromarray(np.dstack([WHITE, WHITE, WHITE, np.full_like(WHITE, 255)]), "RGBA"),
}


@pytest.mark.parametrize(
    ("way", "ending"), [(way, ending) for way in WAYS for ending in ("png", "tif") if ending == "png" or "palette" not in way]
)
def test_masks_as_people_save_them(way: str, ending: str, photo: Path) -> None:
    path = photo.with_name(f"mask.{ending}")
    WAYS[way].save(path)
    mask = read_mask(*mask_of(photo, path))
    assert mask is not None
    assert np.array_equal(mask, TRUTH)


def test_lossy_masks_are_cut_at_half(photo: Path) -> None:
    path = photo.with_name("mask.jpg")
    Image.fromarray(WHITE).save(path, quality=60)
    mask = read_mask(*mask_of(photo, path))
    assert mask is not None
    assert (mask != TRUTH).mean() < 0.01


def test_a_folder_of_masks_is_their_union(photo: Path) -> None:
    folder = photo.with_name("000")
    folder.mkdir()
    first, second = WHITE.copy(), WHITE.copy()
    first[:8], second[8:] = 0, 0
    Image.fromarray(first).save(folder / "000.png")
    Image.fromarray(second).save(folder / "001.png")
    mask = read_mask(*mask_of(photo, folder))
    assert mask is not None
    assert np.array_equal(mask, TRUTH)


def test_a_mask_drawn_on_the_photo_as_stored_is_turned_with_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    photo, mask = tmp_path / "turned.png", tmp_path / "mask.png"
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 120, np.uint8)).save(photo, exif=exif)
    for drawn in (WHITE, np.rot90(WHITE, -1)):
        Image.fromarray(drawn).save(mask)
        found = read_mask(*mask_of(photo, mask))
        assert found is not None
        assert np.array_equal(found, np.rot90(TRUTH, -1))


def test_polygons_are_drawn(photo: Path) -> None:
    file = photo.with_name("photo.json")
    shape = {"label": "hole", "shape_type": "rectangle", "points": [[30, 5], [41, 12]]}
    file.write_text(json.dumps({"imagePath": photo.name, "imageWidth": WIDTH, "imageHeight": HEIGHT, "shapes": [shape]}))
    mask = read_mask(*mask_of(photo, file))
    assert mask is not None
    assert np.array_equal(mask, TRUTH)


def test_doubtful_masks_are_told(photo: Path, tmp_path: Path) -> None:
    for name, values in (("black", WHITE * 0), ("inverted", 255 - WHITE), ("right", WHITE)):
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    samples = [mask_of(photo, tmp_path / f"{name}.png")[0] for name in ("black", "inverted", "right")]
    without = Sample(photo, photo.parent, "4.png", "part", "test", "hole")
    nothing, inverted, missing = checked_masks([*samples, without])
    assert "black.png marks nothing" in nothing
    assert "inverted.png marks 95% of its photo" in inverted
    assert missing == "1 of 4 defective photos have no mask, for instance 4.png"
    assert read_mask(*mask_of(photo, tmp_path / "black.png")) is None


@pytest.mark.parametrize("fault", ["empty", "text", "half size"])
def test_masks_that_cannot_be_used_are_refused_before_the_fit(fault: str, photo: Path) -> None:
    path = photo.with_name("mask.png")
    if fault == "half size":
        Image.fromarray(WHITE[::2, ::2].copy()).save(path)
    else:
        path.write_bytes(b"" if fault == "empty" else b"no picture")
    with pytest.raises(BadData, match="24 x 16, its photo 48 x 32" if fault == "half size" else r"mask\.png can't be read as a mask"):
        checked_masks([mask_of(photo, path)[0]])
