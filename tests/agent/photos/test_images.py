from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seewhy.agent.photos.images import decode, read_photo
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadImage
from seewhy.evals.synthetic.surfaces import good

PIXELS = good("plate", 0).pixels


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


@pytest.mark.parametrize(("format_", "exact"), [("PNG", True), ("TIFF", True), ("BMP", True), ("JPEG", False), ("WEBP", False)])
def test_every_format_is_read(format_: str, exact: bool) -> None:
    data = encoded(Image.fromarray(PIXELS), format_, **({} if exact else {"quality": 95}))
    photo = decode(data, "a")
    assert photo.sha256 == sha256_bytes(data)
    assert photo.format == format_
    difference = np.abs(photo.pixels.astype(int) - PIXELS)
    assert difference.max() == 0 if exact else difference.mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone_as_pillow_does(orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(PIXELS), "PNG", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    photo = decode(data, "a")
    assert np.array_equal(photo.pixels, expected)
    assert ("turned_by_exif" in photo.notes) == (orientation != 1)


def test_16_bit_grey_uses_the_white_level() -> None:
    grey = (np.arange(64 * 64).reshape(64, 64)).astype(np.uint16)  # 0..4095
    data = encoded(Image.fromarray(grey), "PNG")
    twelve = decode(data, "a", white_level=4095)
    assert twelve.pixels[..., 0].max() == 255
    assert twelve.pixels[0, 0, 0] == 0
    full = decode(data, "a")
    assert full.pixels.max() == round(4095 / 257)
    assert "dark_16_bit" in full.notes


def test_grey_palette_alpha_and_cmyk_become_rgb() -> None:
    image = Image.fromarray(PIXELS)
    assert np.array_equal(decode(encoded(image.convert("L"), "PNG"), "a").pixels[..., 0], np.asarray(image.convert("L")))
    palette = image.convert("P")
    assert np.array_equal(decode(encoded(palette, "PNG"), "a").pixels, np.asarray(palette.convert("RGB")))
    clear = image.convert("RGBA")
    clear.putalpha(0)
    photo = decode(encoded(clear, "PNG"), "a")
    assert (photo.pixels == 255).all()
    assert "alpha_on_white" in photo.notes
    cmyk = decode(encoded(image.convert("CMYK"), "TIFF"), "a")
    assert cmyk.mode == "CMYK"
    assert np.abs(cmyk.pixels.astype(int) - PIXELS).mean() < 3


def raising(error: BaseException) -> Callable[..., None]:
    def fails(*_: object) -> None:
        raise error

    return fails


def bomb() -> bytes:
    """A PNG that claims 60,000 x 60,000 pixels."""
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"hello, I am a text", "not_an_image"),
        (encoded(Image.fromarray(PIXELS), "JPEG")[:2000], "truncated"),
        (encoded(Image.fromarray(PIXELS), "PNG")[:2000], "truncated"),
        (bomb(), "bomb"),
        (encoded(Image.fromarray(np.ones((8, 8), np.float32)), "TIFF"), "depth"),
    ],
)
def test_bad_files_are_refused_with_a_code_and_a_remedy(data: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(BadImage) as caught:
        read_photo(path)
    assert caught.value.code == code
    assert caught.value.remedy


def test_folders_missing_files_and_links_out_are_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out.png"
    inside.mkdir()
    Image.fromarray(PIXELS).save(outside)
    (inside / "link.png").symlink_to(outside)
    (inside / "copy.png").write_bytes(outside.read_bytes())
    (inside / "near.png").symlink_to(inside / "copy.png")
    for path, code in ((inside, "folder"), (inside / "none.png", "missing"), (inside / "link.png", "link_out")):
        with pytest.raises(BadImage) as caught:
            read_photo(path, root=inside)
        assert caught.value.code == code
    assert read_photo(inside / "near.png", root=inside).width == PIXELS.shape[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    path.chmod(0)
    with pytest.raises(BadImage) as caught:
        read_photo(path)
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize(
    "options", [{"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}, {"progressive": True}, {"quality": 30}], ids=str
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_has_the_pixels_that_pillow_gives(mode: str, options: dict[str, Any]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (41, 67, 3), np.uint8)  # odd sides, and all frequencies
    data = encoded(Image.fromarray(noise).convert(mode), "JPEG", **options)
    pillow = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.array_equal(decode(data, "a").pixels, pillow)


def test_a_jpeg_with_a_fault_that_pillow_forgives_is_read_as_before() -> None:
    data = bytearray(encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)), "JPEG"))
    data[len(data) // 2 : len(data) // 2 + 20] = bytes(20)
    assert np.array_equal(decode(bytes(data), "a").pixels, np.asarray(Image.open(io.BytesIO(bytes(data)))))


def test_broken_exif_does_not_lose_the_photo() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    photo = decode(encoded(Image.fromarray(PIXELS), "PNG", exif=exif), "a")
    assert photo.notes == ("broken_exif",)
    assert np.array_equal(photo.pixels, PIXELS)


def test_slivers_are_refused_and_strips_are_read() -> None:
    with pytest.raises(BadImage) as caught:
        decode(encoded(Image.fromarray(np.zeros((1, 4096, 3), np.uint8)), "PNG"), "a")
    assert caught.value.code == "small"
    assert decode(encoded(Image.fromarray(np.zeros((16, 4096, 3), np.uint8)), "PNG"), "a").width == 4096


def test_whatever_a_decoder_raises_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (TypeError("a"), ZeroDivisionError(), MemoryError("b"), RecursionError("c"), KeyError("d")):
        monkeypatch.setattr(np, "rint", raising(error))
        with pytest.raises(BadImage) as caught:
            decode(encoded(Image.fromarray(PIXELS), "PNG"), "a")
        assert caught.value.code == ("memory" if isinstance(error, MemoryError) else "damaged")
        assert caught.value.__cause__ is error


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_photo_for_which_there_is_no_memory_is_not_called_damaged(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((7000, 9000), np.uint8)).save(tmp_path / "large.png")
    code = (
        "import resource, sys; from pathlib import Path; from seewhy.errors import BadImage\n"
        "from seewhy.agent.photos.images import read_photo\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20),) * 2)\n"
        "try: read_photo(Path(sys.argv[1]))\n"
        "except BadImage as error: print(error.code, error)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "large.png")], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("memory there is not enough memory here to read")
