from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.agent.photos.matrix import tiff
from tests.helpers.photos import SMALL

from seewhy.agent.api.learn import fit
from seewhy.agent.api.load import load
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.photos.images import decode
from seewhy.agent.photos.levels import brightness, levels_differ
from seewhy.card import load_card
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import good


def twelve_bit(number: int) -> bytes:
    """A good plate as a 12-bit camera saves it in 16 bits."""
    return tiff(good("plate", number).pixels.astype(np.uint16) * 16)


def as_file(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_values_far_from_the_white_level_are_doubted() -> None:
    data = twelve_bit(0)
    assert "dark_16_bit" in decode(data, "a").notes
    assert "over_white" in decode(data, "a", white_level=1023).notes
    photo = decode(data, "a", white_level=4095)
    assert photo.notes == ("16_bit_to_8",)
    assert photo.levels.bits == 16
    assert photo.levels.highest <= 4080
    assert np.abs(photo.pixels.astype(int) - good("plate", 0).pixels).max() <= 1


def test_a_photo_is_compared_with_the_good_ones() -> None:
    known = [brightness(good("plate", i).pixels) for i in range(6)]
    shown = good("plate", 50).pixels
    assert levels_differ(brightness(shown), known) is None
    assert levels_differ(brightness(np.asarray(shown * 0.7, np.uint8)), known) is None
    for wrong in (shown // 4, shown // 16, shown * 0):
        assert levels_differ(brightness(wrong), known) == "levels_differ"
    assert levels_differ(brightness(shown), [k / 4 for k in known]) == "levels_differ"
    assert levels_differ(brightness(shown), []) is None


def test_a_doubt_about_the_pixels_keeps_a_part_from_passing(inspector: Inspector) -> None:
    pixels = good("plate", 100).pixels
    assert inspector.inspect(decode(as_file(pixels), "good")).record.verdict.value == "pass"
    frames = io.BytesIO()
    Image.fromarray(pixels).save(frames, "TIFF", save_all=True, append_images=[Image.fromarray(pixels)])
    record = inspector.inspect(decode(frames.getvalue(), "two views")).record
    assert record.verdict.value == "review"
    assert "note.several_frames" in [reason.key for reason in record.reasons]
    dark = inspector.inspect(decode(as_file(pixels // 4), "dark")).record
    assert dark.verdict.value != "pass"
    assert "note.levels_differ" in [note.key for note in dark.photo.notes]


@pytest.mark.slow
def test_fit_takes_the_white_level_from_the_good_photos_and_keeps_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "good"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.tif").write_bytes(twelve_bit(number))
    fit(folder, save=tmp_path / "model", detector="patchcore", settings=SMALL, alpha=0.2)
    assert "that is white" in caplog.text
    inspector = load(tmp_path / "model")
    assert inspector.card.white_level == 4095
    (tmp_path / "part.tif").write_bytes(twelve_bit(9))
    assert [note.key for note in inspector.inspect(tmp_path / "part.tif").record.photo.notes] == ["note.16_bit_to_8"]
    card = tmp_path / "card.yaml"
    card.write_text("name: plate\n")
    assert load(tmp_path / "model", card=card).card.white_level == 4095


def test_a_number_of_bits_is_no_white_level(tmp_path: Path) -> None:
    card = tmp_path / "card.yaml"
    card.write_text("name: plate\nwhite_level: 12\n")
    with pytest.raises(BadData, match="for 12 bits write 4095"):
        load_card(card)
    card.write_text("name: plate\nwhite_level: 100\n")
    with pytest.raises(BadData, match="255"):
        load_card(card)
