from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.agent.photos.matrix import every_kind, picture

from seewhy.agent.photos.images import decode
from seewhy.errors import BadImage
from seewhy.evals.promises.trials import HANG_S, Trials
from seewhy.evals.synthetic.damage import damaged

COUNT = 1200


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it finds damaged
@pytest.mark.slow
def test_damaged_photos_of_every_kind_are_read_or_refused_in_bounded_time() -> None:
    kinds = [kind for kind in every_kind() if kind.pixels is not None]
    trials, rng = Trials(), np.random.default_rng(1)

    def read(data: bytes) -> str:
        photo = decode(data, "photo")
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.ndim == 3
        return "read"

    for number in range(COUNT):
        data = damaged(kinds[number % len(kinds)].data, rng)
        trials.try_(number, "decode", lambda data=data: read(data))  # type: ignore[misc]
    assert trials.unforeseen == []
    assert sum(trials.became.values()) == COUNT
    assert trials.became["decode: damaged"] + trials.became["decode: truncated"] > COUNT / 4
    assert trials.slowest_s < HANG_S


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("packing", [None, "zlib", "lzw", "packbits", "jpeg"])
def test_a_two_page_tiff_cut_off_anywhere_is_never_read_as_one_page(packing: str | None) -> None:
    out, rgb = io.BytesIO(), picture(3, 8)[:20, :24]
    with tifffile.TiffWriter(out) as file:
        for page in (rgb, rgb[::-1]):
            file.write(page, photometric="rgb", compression=packing)
    data = out.getvalue()
    whole = decode(data, "a").pixels
    for length in range(0, len(data), 3):
        try:
            photo = decode(data[:length], "a")
        except BadImage:
            continue
        assert np.array_equal(photo.pixels, whole)
        assert "several_frames" in photo.notes


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP"])
def test_a_photo_cut_off_anywhere_is_refused_or_whole(format_: str) -> None:
    out = io.BytesIO()
    Image.fromarray(picture(3, 8)).save(out, format_)
    data = out.getvalue()
    whole = decode(data, "a").pixels
    refused = 0
    for length in range(0, len(data), 7):
        try:
            assert np.array_equal(decode(data[:length], "a").pixels, whole)
        except BadImage:
            refused += 1
    assert refused > 0.95 * len(data) / 7
