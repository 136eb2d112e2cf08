"""Kinds of image files, each with the pixels that it must be read as, or the code of its refusal.

The right pixels come from the array that a file was written from (lossless kinds), or from imagecodecs called directly (lossy ones):
never from the reader under test. `tests.agent.photos.page` writes docs/what-seewhy-reads.md from them.
"""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageCms

SIDE = 37, 52  # rows, columns: no multiple of a tile's side or of eight


@dataclass(frozen=True)
class Kind:
    """One kind of file."""

    group: str  # a row of the page
    name: str
    data: bytes
    pixels: Any = None  # (H, W, 3) uint8 that it must be read as; None: it is refused
    code: str = ""  # of the refusal
    notes: tuple[str, ...] = ()  # that must be there
    white_level: int = 65535


def picture(channels: int, bits: int) -> Any:
    """A picture in which no two rows, columns or channels are alike, and which uses black and white."""
    rows, columns = np.mgrid[: SIDE[0], : SIDE[1]]
    waves = [(np.sin(rows / (3 + c)) + np.cos(columns / (5 + 2 * c)) + 2) / 4 for c in range(channels)]
    values = np.rint(np.stack(waves, axis=2) * (2**bits - 1))
    values[0, 0], values[0, 1] = 0, 2**bits - 1
    return values.astype(np.uint8 if bits <= 8 else np.uint16)


def shown(values: Any, white: int, *, inverted: bool = False) -> Any:
    """(H, W, 3) 8-bit pixels of (H, W, 1 or 3) values."""
    share = np.clip(values.astype(np.float64) / white, 0, 1)
    eight = np.rint((1 - share if inverted else share) * 255).astype(np.uint8)
    return np.repeat(eight, 3, axis=2) if eight.shape[2] == 1 else eight


def on_white(values: Any, white: int) -> Any:
    """Of (H, W, 4) with straight alpha, to within rounding."""
    share = values.astype(np.float64) / white
    return np.rint((share[..., :3] * share[..., 3:] + 1 - share[..., 3:]) * 255).astype(np.uint8)


def tiff(values: Any, **how: Any) -> bytes:
    """Written by tifffile."""
    out = io.BytesIO()
    options = {"photometric": "minisblack" if values.ndim == 2 else "rgb", "metadata": None} | how
    tifffile.imwrite(out, values, **options)
    return out.getvalue()


def bare_tiff(rows: bytes, bits: tuple[int, ...], photometric: int, *more: tuple[int, str, tuple[int, ...]]) -> bytes:
    """Written by hand, one strip, little-endian; `more` tags as (number, struct letter, values)."""
    tags = [(256, "I", (SIDE[1],)), (257, "I", (SIDE[0],)), (258, "H", bits), (259, "H", (1,)), (262, "H", (photometric,))]
    tags += [(273, "I", (8,)), (277, "H", (len(bits),)), (278, "I", (SIDE[0],)), (279, "I", (len(rows),)), *more]
    after = rows + b"\0" * (len(rows) % 2)
    entries = b""
    for number, letter, values in sorted(tags):
        packed = struct.pack(f"<{len(values)}{letter}", *values)
        if len(packed) > 4:
            where, after = 8 + len(after), after + packed
            packed = struct.pack("<I", where)
        entries += struct.pack("<HHI", number, {"H": 3, "I": 4}[letter], len(values)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8 + len(after)) + after + struct.pack("<H", len(tags)) + entries + bytes(4)


def encoded(image: Image.Image, format_: str, **how: Any) -> bytes:
    """Written by Pillow."""
    out = io.BytesIO()
    image.save(out, format_, **how)
    return out.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes], interlaced: int = 0) -> bytes:
    """Written by hand, as ISO/IEC 15948 says; `rows` with their filter bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    body = b"".join(chunk(kind, data) for kind, data in (*chunks, (b"IDAT", zlib.compress(rows))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def png_rows(values: Any) -> bytes:
    """Unfiltered rows of (H, W, C), 8 or 16 bits."""
    big = values.astype(">u2") if values.dtype == np.uint16 else values
    return b"".join(b"\0" + row.tobytes() for row in big)


def every_kind() -> Iterator[Kind]:
    """All of them."""
    for kinds in (tiff_layouts, tiff_depths, tiff_colours, tiff_frames, pngs, jpegs, bmps, webps, turned, profiled, foreign):
        yield from kinds()


def tiff_layouts() -> Iterator[Kind]:
    """Depth, channels, planes, strips and tiles, compression, byte order: all with all."""
    shapes = {"grey": (1, "contig"), "RGB": (3, "contig"), "RGB in planes": (3, "separate"), "RGBA": (4, "contig")}
    layouts = {"one strip": {}, "strips of 5 rows": {"rowsperstrip": 5}, "tiles of 16 x 16": {"tile": (16, 16)}}
    packings = ("none", "zlib", "lzw", "packbits")
    for bits, shape, layout, packing, order in itertools.product((8, 16), shapes, layouts, packings, "<>"):
        channels, planes = shapes[shape]
        values = picture(channels, bits)
        laid = values[..., 0] if channels == 1 else np.moveaxis(values, 2, 0) if planes == "separate" else values
        how: dict[str, Any] = dict(layouts[layout])
        if channels > 1:
            how["planarconfig"] = planes
        if channels == 4:
            how["extrasamples"] = ("unassalpha",)
        data = tiff(np.ascontiguousarray(laid), compression=None if packing == "none" else packing, byteorder=order, **how)
        right = on_white(values, 2**bits - 1) if channels == 4 else shown(values, 2**bits - 1)
        name = f"{shape}, {bits} bits, {layout}, {packing}, {'little' if order == '<' else 'big'}-endian"
        yield Kind(
            f"TIFF, {shape}, 8 and 16 bits, strips and tiles, uncompressed, Deflate, LZW, PackBits, both byte orders", name, data, right
        )


def tiff_depths() -> Iterator[Kind]:
    """Bits, signs and photometric interpretation."""
    group = "TIFF, packed grey and RGB of 1 to 15 bits, black or white at zero"
    for bits, photometric in itertools.product((1, 2, 4, 6, 10, 12, 14), ("minisblack", "miniswhite")):
        values = picture(1, bits)
        data = tiff(values[..., 0], bitspersample=bits, photometric=photometric)
        yield Kind(group, f"grey, {bits} bits, {photometric}", data, shown(values, 2**bits - 1, inverted=photometric == "miniswhite"))
    for bits in (10, 12):
        values = picture(3, bits)
        yield Kind(group, f"RGB, {bits} bits packed", tiff(values, bitspersample=bits), shown(values, 2**bits - 1))
    group = "TIFF and PNG, 16 bits by the card's white level"
    for bits in (10, 12, 14):
        grey, rgb, white = picture(1, bits), picture(3, bits), 2**bits - 1
        yield Kind(group, f"grey TIFF of a {bits}-bit camera", tiff(grey[..., 0]), shown(grey, white), white_level=white)
        yield Kind(group, f"RGB TIFF of a {bits}-bit camera", tiff(rgb), shown(rgb, white), white_level=white)
        white_at_zero = tiff(grey[..., 0], photometric="miniswhite")
        yield Kind(
            group, f"grey TIFF of a {bits}-bit camera, white at zero", white_at_zero, shown(grey, white, inverted=True), white_level=white
        )
        yield Kind(group, f"RGB PNG of a {bits}-bit camera", imagecodecs.png_encode(rgb), shown(rgb, white), white_level=white)
        yield Kind(group, f"grey PNG of a {bits}-bit camera", imagecodecs.png_encode(grey[..., 0]), shown(grey, white), white_level=white)
    group = "TIFF, 8 and 16 bits, white at zero"
    for bits in (8, 16):
        grey = picture(1, bits)
        yield Kind(group, f"{bits} bits", tiff(grey[..., 0], photometric="miniswhite"), shown(grey, 2**bits - 1, inverted=True))
    for dtype in ("int8", "int16", "int32", "uint32", "uint64", "float16", "float32", "float64", "complex64"):
        data = tiff(picture(1, 8)[..., 0].astype(dtype))
        yield Kind("TIFF, signed, floating-point or more than 16 bits", dtype, data, code="depth")


def tiff_colours() -> Iterator[Kind]:
    """Palettes, inks, alpha, other colour spaces, other compressions."""
    rgb, grey = picture(3, 8), picture(1, 8)
    group = "TIFF, palette"
    for bits, eight in ((8, False), (8, True), (4, False), (1, False)):
        index = picture(1, bits)[..., 0]
        palette = np.random.default_rng(bits).integers(0, 256, (3, 2**bits)).astype(np.uint16)
        written = palette if eight else palette * 257
        rows = b"".join(_packed(row, bits) for row in index)
        data = bare_tiff(rows, (bits,), 3, (320, "H", tuple(int(value) for value in written.ravel())))
        right = np.moveaxis(palette[:, index], 0, 2).astype(np.uint8)
        yield Kind(group, f"{bits} bits{', palette of 8-bit software' if eight else ''}", data, right)
    rows = grey.tobytes()
    yield Kind("TIFF, palette missing or black", "black", bare_tiff(rows, (8,), 3, (320, "H", (0,) * 768)), code="palette")
    yield Kind("TIFF, palette missing or black", "missing", bare_tiff(rows, (8,), 3), code="palette")
    backwards = bytes(int(f"{byte:08b}"[::-1], 2) for byte in rows)
    yield Kind("TIFF, bits in reverse order (FillOrder 2)", "grey", bare_tiff(backwards, (8,), 1, (266, "H", (2,))), shown(grey, 255))
    yield Kind("TIFF, channels of different depth", "5-6-5 bits", bare_tiff(rows * 2, (5, 6, 5), 2), code="depth")
    ink = picture(4, 8)
    right = np.asarray(Image.fromarray(ink, "CMYK").convert("RGB"))
    yield Kind("TIFF, CMYK", "8 bits", tiff(ink, photometric="separated"), right, notes=("cmyk_to_rgb",))
    yield Kind("TIFF, CMYK", "16 bits", tiff(ink.astype(np.uint16) * 257, photometric="separated"), right, notes=("cmyk_to_rgb",))
    group = "TIFF, alpha laid on white"
    alpha = picture(4, 8)
    multiplied = np.dstack([np.rint(alpha[..., :3] * (alpha[..., 3:] / 255)).astype(np.uint8), alpha[..., 3]])
    yield Kind(group, "premultiplied", tiff(multiplied, extrasamples=("assocalpha",)), on_white(alpha, 255), notes=("alpha_on_white",))
    both = picture(2, 8)
    right = on_white(np.dstack([both[..., :1]] * 3 + [both[..., 1:]]), 255)
    yield Kind(group, "grey and alpha", tiff(both, photometric="minisblack", planarconfig="contig", extrasamples=("unassalpha",)), right)
    group = "TIFF, further channels that nothing explains"
    yield Kind(group, "RGB and one", tiff(alpha, extrasamples=("unspecified",)), code="channels")
    yield Kind(
        group, "grey and one", tiff(both, photometric="minisblack", planarconfig="contig", extrasamples=("unspecified",)), code="channels"
    )
    yield Kind(group, "five", tiff(picture(5, 8), photometric="minisblack", planarconfig="contig"), code="channels")
    group = "TIFF, L*a*b*, colour filters and other colour spaces"
    for photometric in ("cielab", "icclab", "cfa", "linear_raw"):
        values = grey[..., 0] if photometric == "cfa" else rgb
        yield Kind(group, photometric, tiff(values, photometric=photometric), code="colour")
    yield Kind(group, "YCbCr without JPEG", bare_tiff(rgb.tobytes(), (8, 8, 8), 6, (530, "H", (1, 1))), code="colour")
    group = "TIFF, compressed by zstd, LZMA, JPEG 2000, JPEG XL, WebP, CCITT group 4, with and without predictor"
    for packing in ("zstd", "lzma", "jpeg2000", "jpegxl", "webp"):
        options = {"compressionargs": {"lossless": True}} if packing in ("webp", "jpegxl") else {}
        yield Kind(group, packing, tiff(rgb, compression=packing, **options), rgb)
    for packing in ("zlib", "lzw"):
        deep = picture(3, 16)
        yield Kind(group, f"{packing}, predictor, 8 bits", tiff(rgb, compression=packing, predictor=True), rgb)
        yield Kind(group, f"{packing}, predictor, 16 bits", tiff(deep, compression=packing, predictor=True), shown(deep, 65535))
        yield Kind(
            group, f"{packing}, predictor, tiles", tiff(deep, compression=packing, predictor=True, tile=(16, 16)), shown(deep, 65535)
        )
    one = picture(1, 1)
    facsimile = encoded(Image.fromarray(one[..., 0] * 255).convert("1"), "TIFF", compression="group4")
    yield Kind(group, "CCITT group 4", facsimile, shown(one, 1))
    group = "TIFF, JPEG-compressed, RGB and YCbCr"
    for name, kept in (("RGB", "RGB"), ("YCbCr", "YCBCR")):
        data = tiff(rgb, compression="jpeg", compressionargs={"level": 95, "outcolorspace": kept})
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page: Any = file.pages[0]
            strip = data[page.dataoffsets[0] :][: page.databytecounts[0]]
            right = imagecodecs.jpeg8_decode(strip, tables=page.jpegtables, colorspace=kept, outcolorspace="RGB")
        assert np.abs(right.astype(int) - rgb).mean() < 3, "the truth itself is in the wrong colours"
        yield Kind(group, name, data, right)
    yield Kind("TIFF, BigTIFF", "RGB", tiff(rgb, bigtiff=True), rgb)
    yield Kind("TIFF, BigTIFF", "big-endian, tiles", tiff(rgb, bigtiff=True, byteorder=">", tile=(16, 16)), rgb)
    truncated = tiff(rgb, rowsperstrip=4, metadata=None)
    yield Kind("Damaged files", "TIFF whose last strip is cut off", _strip_cut_off(truncated), code="truncated")


def _strip_cut_off(data: bytes) -> bytes:
    """The last strip's offset points past the end of the file."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        last = struct.pack("<I", file.pages[0].dataoffsets[-1])
    return data.replace(last, struct.pack("<I", len(data) - 1))


def tiff_frames() -> Iterator[Kind]:
    """More pictures than one in a file."""
    rgb = picture(3, 8)
    group = "Several pictures in one file: the first is inspected, the part never passes by itself"
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        file.write(rgb, photometric="rgb", metadata=None)
        file.write(rgb[::-1], photometric="rgb", metadata=None)
    yield Kind(group, "TIFF, two pages", out.getvalue(), rgb, notes=("several_frames",))
    out = io.BytesIO()
    tifffile.imwrite(out, np.stack([rgb, rgb[::-1]]), photometric="rgb", imagej=True)
    yield Kind(group, "TIFF, ImageJ's stack", out.getvalue(), rgb, notes=("several_frames",))
    for format_ in ("WEBP", "PNG", "MPO"):
        how = {"lossless": True} if format_ == "WEBP" else {"quality": 95} if format_ == "MPO" else {}
        first, second = Image.fromarray(rgb), Image.fromarray(rgb[::-1].copy())
        data = encoded(first, format_, save_all=True, append_images=[second], **how)
        right = imagecodecs.jpeg_decode(data) if format_ == "MPO" else rgb
        yield Kind(
            group,
            {"WEBP": "animated WebP", "PNG": "animated PNG", "MPO": "MPO (two JPEGs)"}[format_],
            data,
            right,
            notes=("several_frames",),
        )
    group = "Previews beside the picture, left alone"
    preview = Image.fromarray(rgb[:16, :16].copy())
    data = encoded(Image.fromarray(rgb), "MPO", save_all=True, append_images=[preview], quality=95)
    yield Kind(group, "MPO of a phone", data, imagecodecs.jpeg_decode(data))
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        file.write(rgb, photometric="rgb", metadata=None)
        file.write(rgb[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
    yield Kind(group, "TIFF", out.getvalue(), rgb)
    out = io.BytesIO()
    tifffile.imwrite(out, rgb[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
    yield Kind("TIFF that holds a preview alone (cameras' raw files)", "DNG-like", out.getvalue(), code="preview")


def pngs() -> Iterator[Kind]:
    """PNG's fifteen ways of pixels, and what stands beside them."""
    group = "PNG, every depth and colour type"
    for bits in (1, 2, 4):
        values = picture(1, bits)
        rows = b"".join(b"\0" + _packed(row, bits) for row in values[..., 0])
        yield Kind(group, f"grey, {bits} bits", png(SIDE[1], SIDE[0], bits, 0, rows), shown(values, 2**bits - 1))
    for bits in (1, 2, 4, 8):
        index = picture(1, bits)[..., 0]
        palette = np.random.default_rng(bits).integers(0, 256, (2**bits, 3)).astype(np.uint8)
        rows = b"".join(b"\0" + _packed(row, bits) for row in index)
        yield Kind(group, f"palette, {bits} bits", png(SIDE[1], SIDE[0], bits, 3, rows, (b"PLTE", palette.tobytes())), palette[index])
    for bits, colour, channels in itertools.product((8, 16), (0, 2), (1, 3)):
        if (colour == 0) == (channels == 1):
            values = picture(channels, bits)
            name = f"{'grey' if channels == 1 else 'RGB'}, {bits} bits"
            yield Kind(group, name, png(SIDE[1], SIDE[0], bits, colour, png_rows(values)), shown(values, 2**bits - 1))
    for bits in (8, 16):
        rgba, both = picture(4, bits), picture(2, bits)
        right = on_white(np.dstack([both[..., :1]] * 3 + [both[..., 1:]]), 2**bits - 1)
        alpha = ("alpha_on_white",)
        yield Kind(group, f"RGBA, {bits} bits", png(SIDE[1], SIDE[0], bits, 6, png_rows(rgba)), on_white(rgba, 2**bits - 1), notes=alpha)
        yield Kind(group, f"grey and alpha, {bits} bits", png(SIDE[1], SIDE[0], bits, 4, png_rows(both)), right, notes=alpha)
    group = "PNG, interlaced, one transparent colour, written by OpenCV"
    rgb, deep = picture(3, 8), picture(3, 16)
    yield Kind(group, "interlaced, 8 bits", png(SIDE[1], SIDE[0], 8, 2, _interlaced(rgb), interlaced=1), rgb)
    yield Kind(group, "interlaced, 16 bits", png(SIDE[1], SIDE[0], 16, 2, _interlaced(deep), interlaced=1), shown(deep, 65535))
    clear = rgb.copy()
    clear[3:5, 3:5] = (9, 8, 7)
    right = clear.copy()
    right[3:5, 3:5] = 255
    key = (b"tRNS", struct.pack(">HHH", 9, 8, 7))
    yield Kind(group, "one transparent colour", png(SIDE[1], SIDE[0], 8, 2, png_rows(clear), key), right, notes=("alpha_on_white",))
    for name, values in (("RGB, 8 bits", rgb), ("RGB, 16 bits", deep), ("RGBA, 16 bits", picture(4, 16))):
        data = cv2.imencode(".png", np.ascontiguousarray(values[..., [2, 1, 0, 3][: values.shape[2]]]))[1].tobytes()
        right = on_white(values, 65535) if values.shape[2] == 4 else shown(values, 255 if values.dtype == np.uint8 else 65535)
        yield Kind(group, f"OpenCV's, {name}", data, right)
    lost = png(SIDE[1], SIDE[0], 8, 3, b"".join(b"\0" + row.tobytes() for row in picture(1, 8)[..., 0]))
    yield Kind("PNG, palette missing", "8 bits", lost, code="palette")
    yield Kind("PNG, 16 bits with one transparent colour", "RGB", png(SIDE[1], SIDE[0], 16, 2, png_rows(deep), key), code="colour")
    yield Kind("Damaged files", "PNG cut off", png(SIDE[1], SIDE[0], 8, 2, png_rows(rgb))[:-400], code="truncated")


def _packed(row: Any, bits: int) -> bytes:
    spread = (row[:, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(spread.astype(np.uint8).ravel()).tobytes()


def _interlaced(values: Any) -> bytes:
    """Adam7 (ISO/IEC 15948, 8.2)."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    return b"".join(png_rows(values[y::down, x::right]) for y, x, down, right in passes)


def jpegs() -> Iterator[Kind]:
    """JPEG."""
    group = "JPEG, grey, RGB, sub-sampled, progressive"
    rgb, grey = Image.fromarray(picture(3, 8)), Image.fromarray(picture(1, 8)[..., 0])
    for name, image, how in (
        ("grey", grey, {}),
        ("4:4:4", rgb, {"subsampling": 0}),
        ("4:2:2", rgb, {"subsampling": 1}),
        ("4:2:0", rgb, {"subsampling": 2}),
        ("progressive", rgb, {"progressive": True}),
        ("low quality", rgb, {"quality": 10}),
    ):
        data = encoded(image, "JPEG", **how)
        right = imagecodecs.jpeg8_decode(data)
        yield Kind(group, name, data, np.repeat(right[..., None], 3, axis=2) if right.ndim == 2 else right)
    stored_rgb = imagecodecs.jpeg8_encode(picture(3, 8), level=95, colorspace="RGB", outcolorspace="RGB")
    yield Kind(group, "RGB without YCbCr", stored_rgb, imagecodecs.jpeg8_decode(stored_rgb))
    ink = encoded(rgb.convert("CMYK"), "JPEG", quality=95)
    right = np.asarray(Image.fromarray(255 - imagecodecs.jpeg8_decode(ink, outcolorspace="CMYK"), "CMYK").convert("RGB"))
    yield Kind("JPEG, CMYK", "Adobe's", ink, right, notes=("cmyk_to_rgb",))
    group = "JPEG of 12 or 16 bits, lossless JPEG"
    yield Kind(group, "12 bits", imagecodecs.jpeg8_encode(picture(1, 12)[..., 0], bitspersample=12), code="not_an_image")
    yield Kind(group, "lossless, 16 bits", imagecodecs.ljpeg_encode(picture(1, 16)[..., 0]), code="not_an_image")
    yield Kind("Damaged files", "JPEG cut off", encoded(rgb, "JPEG", quality=95)[:-300], code="truncated")


def bmps() -> Iterator[Kind]:
    """BMP."""
    group = "BMP, 1 to 32 bits, palette, bit fields, bottom up and top down"
    rgb, grey = picture(3, 8), picture(1, 8)
    yield Kind(group, "24 bits", encoded(Image.fromarray(rgb), "BMP"), rgb)
    yield Kind(group, "24 bits, OpenCV's", cv2.imencode(".bmp", rgb[..., ::-1])[1].tobytes(), rgb)
    yield Kind(group, "grey, 8 bits", encoded(Image.fromarray(grey[..., 0]), "BMP"), shown(grey, 255))
    one = picture(1, 1)
    yield Kind(group, "1 bit", encoded(Image.fromarray(one[..., 0] * 255).convert("1"), "BMP"), shown(one, 1))
    indexed = Image.fromarray(rgb).quantize(64)
    yield Kind(group, "palette, 8 bits", encoded(indexed, "BMP"), np.asarray(indexed.convert("RGB")))
    padded = np.zeros((SIDE[0], SIDE[1] * 3 + (-SIDE[1] * 3) % 4), np.uint8)
    padded[:, : SIDE[1] * 3] = rgb[..., ::-1].reshape(SIDE[0], -1)
    yield Kind(group, "24 bits, top down", _bmp(padded.tobytes(), 24, -SIDE[0]), rgb)
    filled = np.dstack([rgb[..., ::-1], np.zeros(SIDE, np.uint8)])[::-1]
    yield Kind(group, "32 bits, fourth byte unused", _bmp(filled.tobytes(), 32, SIDE[0]), rgb)
    five = rgb >> np.array([3, 2, 3], np.uint8)
    packed = (five[..., 0].astype("<u2") << 11) | (five[..., 1].astype("<u2") << 5) | five[..., 2]
    right = (five.astype(np.uint16) * 255 // np.array([31, 63, 31])).astype(np.uint8)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    yield Kind(group, "16 bits, 5-6-5", _bmp(packed[::-1].astype("<u2").tobytes(), 16, SIDE[0], 3, masks), right)


def _bmp(rows: bytes, bits: int, height: int, packing: int = 0, masks: bytes = b"") -> bytes:
    offset = 14 + 40 + len(masks)
    header = struct.pack("<IiiHHIIiiII", 40, SIDE[1], height, 1, bits, packing, len(rows), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + header + masks + rows


def webps() -> Iterator[Kind]:
    """WebP."""
    rgb, rgba = picture(3, 8), picture(4, 8)
    lossy = encoded(Image.fromarray(rgb), "WEBP", quality=80)
    yield Kind("WebP, lossy, lossless, alpha", "lossy", lossy, imagecodecs.webp_decode(lossy))
    yield Kind("WebP, lossy, lossless, alpha", "lossless", encoded(Image.fromarray(rgb), "WEBP", lossless=True), rgb)
    clear = encoded(Image.fromarray(rgba), "WEBP", lossless=True, exact=True)
    yield Kind("WebP, lossy, lossless, alpha", "alpha", clear, on_white(rgba, 255), notes=("alpha_on_white",))


def turned() -> Iterator[Kind]:
    """Orientation: TIFF's tag and EXIF."""
    rgb = picture(3, 8)
    swaps = {
        1: rgb,
        2: rgb[:, ::-1],
        3: rgb[::-1, ::-1],
        4: rgb[::-1],
        5: rgb.transpose(1, 0, 2),
        6: np.rot90(rgb, -1),
        7: rgb[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(rgb, 1),
    }
    for value, right in swaps.items():
        exif = Image.Exif()
        exif[274] = value
        notes = ("turned_by_exif",) if value != 1 else ()
        group = "EXIF and TIFF orientation, all eight"
        yield Kind(group, f"PNG, {value}", encoded(Image.fromarray(rgb), "PNG", exif=exif), right, notes=notes)
        yield Kind(group, f"WebP, {value}", encoded(Image.fromarray(rgb), "WEBP", lossless=True, exif=exif), right, notes=notes)
        data = encoded(Image.fromarray(rgb), "JPEG", quality=95, exif=exif)
        plain = imagecodecs.jpeg8_decode(data)
        again = {5: (1, 0, 2), 7: (1, 0, 2)}.get(value)
        moved = {2: plain[:, ::-1], 3: plain[::-1, ::-1], 4: plain[::-1], 6: np.rot90(plain, -1), 8: np.rot90(plain, 1)}.get(value, plain)
        moved = (plain[::-1, ::-1] if value == 7 else moved).transpose(again) if again else moved
        yield Kind(group, f"JPEG, {value}", data, moved, notes=notes)
        tagged = tiff(rgb, extratags=[(274, "H", 1, value, True)])
        yield Kind(group, f"TIFF, {value}", tagged, right, notes=notes)


def profiled() -> Iterator[Kind]:
    """Colour profiles."""
    rgb = picture(3, 8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    group = "Colour profiles: sRGB as it is, others converted to sRGB"
    yield Kind(group, "PNG, sRGB", encoded(Image.fromarray(rgb), "PNG", icc_profile=srgb), rgb)
    swapped = _red_and_green_swapped(srgb)
    note = ("icc_to_srgb",)
    yield Kind(group, "PNG, another", encoded(Image.fromarray(rgb), "PNG", icc_profile=swapped), rgb[..., [1, 0, 2]], notes=note)
    yield Kind(group, "TIFF, another", tiff(rgb, iccprofile=swapped), rgb[..., [1, 0, 2]], notes=note)
    deep = picture(3, 16)
    right = shown(deep, 65535)[..., [1, 0, 2]]
    yield Kind(group, "TIFF of 16 bits, another", tiff(deep, iccprofile=swapped), right, notes=note)
    broken = encoded(Image.fromarray(rgb), "PNG", icc_profile=b"no profile at all" * 10)
    yield Kind("Colour profiles that can't be read: colours taken as they are", "PNG", broken, rgb, notes=("broken_icc",))


def _red_and_green_swapped(profile: bytes) -> bytes:
    """A profile under which red is sRGB's green and green its red: the two entries of the tag table change places."""
    name = "sRGB".encode("utf-16-be")
    assert name in profile
    other = profile.replace(name, "test".encode("utf-16-be"))
    return other.replace(b"rXYZ", b"@XYZ").replace(b"gXYZ", b"rXYZ").replace(b"@XYZ", b"gXYZ")


def foreign() -> Iterator[Kind]:
    """What isn't read."""
    group = "Other formats (GIF, JPEG 2000, JPEG XL, AVIF, PNM, TGA, PDF, text)"
    rgb = Image.fromarray(picture(3, 8))
    for format_ in ("GIF", "JPEG2000", "PPM", "TGA", "PDF", "ICO"):
        yield Kind(group, format_, encoded(rgb, format_), code="not_an_image")
    yield Kind(group, "JPEG XL", imagecodecs.jpegxl_encode(picture(3, 8)), code="not_an_image")
    yield Kind(group, "AVIF", imagecodecs.avif_encode(picture(3, 8)), code="not_an_image")
    yield Kind(group, "text", b"lot 7, all good", code="not_an_image")
    yield Kind(group, "OLE (Thumbs.db)", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), code="not_an_image")
    claimed = png(60_000, 60_000, 8, 0, bytes(100))
    yield Kind("More than 64 million pixels", "PNG that claims 60,000 x 60,000", claimed, code="bomb")
