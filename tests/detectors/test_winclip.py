"""WinCLIP: its arithmetic against loops and against anomalib's, with random weights of a small ViT."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tests.helpers import TESTS
from tests.helpers.photos import as_photo, noise
from typer.testing import CliRunner

import seewhy
from seewhy.agent.machine.importing import import_weights
from seewhy.agent.photos.images import Photo
from seewhy.cli import app
from seewhy.detectors.weights import store
from seewhy.detectors.winclip.clip import Clip, build, window_patches
from seewhy.detectors.winclip.detector import WinClip, association, harmonic, likeness
from seewhy.detectors.winclip.settings import WinClipSettings
from seewhy.errors import BadData, MissingWeights, SeewhyError, UnknownName, WeightsMismatch
from seewhy.evals.peers.parity import random_clip, winclip
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.prompts.winclip import prompt_set

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny")]

TINY = "seewhy-tiny"  # its architecture; here with random weights
GOLDEN = TESTS / "golden" / "winclip.json"


def random_weights(folder: Path) -> Path:
    file = folder / "tiny.safetensors"
    save_file(random_clip(TINY).net.state_dict(), file)
    return file


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("clip")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEWHY_WEIGHTS", str(folder / "weights"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        store.forget()
        import_weights(f"clip-{TINY}", random_weights(folder))
        yield folder
    store.forget()


def settings(**given: Any) -> WinClipSettings:
    return WinClipSettings(**{"prompt": "steel plate", "model": TINY} | given)


def square(seed: int) -> Any:
    return noise(96, 96, seed)


@pytest.mark.parametrize(("grid", "side"), [((4, 5), 2), ((12, 12), 3), ((3, 3), 3)])
def test_windows_cover_what_they_should(grid: tuple[int, int], side: int) -> None:
    index = window_patches(grid, side)
    places = [(y, x) for y in range(grid[0] - side + 1) for x in range(grid[1] - side + 1)]
    assert index.tolist() == [[(y + dy) * grid[1] + x + dx for dy in range(side) for dx in range(side)] for y, x in places]


def test_the_harmonic_mean_is_the_plain_loop() -> None:
    grid, index = (4, 5), window_patches((4, 5), 2)
    scores = torch.rand(2, len(index)) + 0.1
    made = harmonic(scores, index, grid)
    for b in range(2):
        for cell in range(20):
            covering = [1 / scores[b, w].item() for w in range(len(index)) if cell in index[w]]
            assert made[b, cell // 5, cell % 5].item() == pytest.approx(len(covering) / sum(covering), rel=1e-5)


def test_a_window_is_the_transformer_on_its_own_patches() -> None:
    """The shortcuts (gathered once, class token alone in the last block) change nothing."""
    clip = Clip(TINY)
    images, index = torch.rand(2, 3, 96, 96), window_patches(clip.grid, 2)
    seen = clip.see(images, [index], patches=True)
    visual: Any = clip.net.visual
    with torch.no_grad():
        normed = (images - clip._mean) / clip._std
        assert torch.allclose(seen.image, visual(normed), atol=1e-5)
        tokens = visual._embeds(normed)
        for number in (0, 7, len(index) - 1):
            alone = visual.ln_post(visual.transformer(torch.cat([tokens[:, :1], tokens[:, 1:][:, index[number]]], 1)))[:, 0] @ visual.proj
            assert torch.allclose(seen.windows[0][:, number], alone, atol=1e-5)


def test_batches_and_earlier_calls_change_nothing() -> None:
    clip = Clip(TINY)
    images, index = torch.rand(3, 3, 96, 96), [window_patches(clip.grid, 2)]
    together, alone = clip.see(images, index), [clip.see(image[None], index) for image in images]
    assert torch.allclose(together.windows[0], torch.cat([s.windows[0] for s in alone]), atol=1e-5)
    detector = WinClip(settings())
    detector.fit([])
    first = detector.score(square(0))
    for i in range(5):
        detector.score(square(i))
    again = detector.score(square(0))
    assert first.score == again.score
    assert np.array_equal(first.values, again.values)
    assert not clip.net.visual._forward_hooks


def test_int8_is_close_and_a_photo_does_not_depend_on_its_batch() -> None:
    exact, clip = Clip(TINY), Clip(TINY, dtype="int8")
    images, index = torch.rand(3, 3, 96, 96), [window_patches(clip.grid, 2)]
    wanted, together = exact.see(images, index, patches=True), clip.see(images, index, patches=True)
    assert together.patches is not None
    assert wanted.patches is not None
    for ours, theirs in ((together.image, wanted.image), (together.windows[0], wanted.windows[0]), (together.patches, wanted.patches)):
        assert torch.nn.functional.cosine_similarity(ours, theirs, dim=-1).min() > 0.995
        assert not torch.equal(ours, theirs)
    alone = clip.see(images[:1], index)
    assert torch.allclose(together.windows[0][:1], alone.windows[0], atol=1e-4)
    with pytest.raises(BadData, match="int8 runs on the CPU"):
        Clip(TINY, dtype="int8", device="cuda")


def test_the_order_of_prompts_changes_nothing() -> None:
    clip = Clip(TINY)
    made = prompt_set("plate", ["scratch"])
    turned = type(made)(made.normal[::-1], made.anomalous[::-1], made.defects)
    assert made.sha256 != turned.sha256
    assert torch.allclose(clip.read(made).anomalous, clip.read(turned).anomalous, atol=1e-5)


def test_words_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = prompt_set("bolt", ["crack"])
    first = Clip(TINY).read(made)
    again = Clip(TINY)
    monkeypatch.setattr(again.net, "encode_text", None)  # would fail if it were called
    assert torch.equal(again.read(made).normal, first.normal)


@pytest.mark.parametrize("shots", [0, 1, 4])
def test_numbers_stay_what_they_were(shots: int) -> None:
    """Against numbers that were equal to anomalib 2.7.0's within 1e-4 when they were written (evals/peers/parity.py)."""
    kept = json.loads(GOLDEN.read_text(encoding="utf-8"))[str(shots)]
    detector = WinClip(settings(shots=shots))
    detector.fit([square(100 + i) for i in range(shots)])
    for i, (score, cells) in enumerate(zip(kept["scores"], kept["maps"], strict=True)):
        made, grid = detector._scored(detector._see(square(i), detector._tiles(square(i))[0]))
        assert made == pytest.approx(score, abs=1e-4)
        assert np.abs(grid[::4, ::4].ravel() - np.array(cells)).max() < 1e-4


@pytest.mark.skipif(find_spec("anomalib") is None, reason="anomalib is not installed")
@pytest.mark.filterwarnings("ignore")  # anomalib's own
@pytest.mark.parametrize("shots", [0, 1, 4])
def test_parity_with_anomalib(shots: int) -> None:
    found = winclip(TINY, shots=shots, photos=2)
    assert set(found) >= {"text", "windows_2", "windows_3", "map", "score"}
    assert max(found.values()) <= 1e-4, found


def test_types_are_shared_out_among_the_cards_defects() -> None:
    detector = WinClip(settings(defects=("scratch", "stain", "dent")))
    detector.fit([])
    types = detector.score(good("plate", 0).pixels).types
    assert types is not None
    assert types.names == ("scratch", "stain", "dent")
    assert np.allclose(types.values.sum(0), 1, atol=1e-5)
    tiled = WinClip(settings(defects=("scratch", "stain"), view="tiles"))
    tiled.fit([])
    types = tiled.score(noise(100, 330)).types
    assert types is not None
    assert np.allclose(types.values.sum(0), 1, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (100, 1000), (1000, 1500)])
def test_odd_photos_are_scored_at_their_size(shape: tuple[int, int]) -> None:
    detector = WinClip(settings(scales=(2,)))
    detector.fit([])
    scored = detector.score(noise(*shape))
    assert scored.values.shape == shape
    assert 0 < scored.score < 1


def test_a_good_photo_left_out_is_replaced_by_the_spare() -> None:
    detector = WinClip(settings(shots=2))
    detector.fit([square(i) for i in range(6)])
    left_out = detector.without(detector._numbers[0])
    assert len(left_out._shots) == 2
    assert detector.score(square(0)).score < left_out.score(square(0)).score
    assert detector.without(5 if 5 not in detector._numbers else 4)._shots == detector._shots


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"prompt": "  "}, "has no words"),
        ({"prompt": "x" * 10_000}, "10000 characters"),
        ({"prompt": "a photo of a {}"}, "looks like a template"),
        ({"defects": ("scratch", "scratch")}, "named twice"),
        ({"defects": ("missing [d]",)}, "looks like a template"),
        ({"shots": -1}, "shots is a number"),
        ({"scales": (2, 40)}, "doesn't fit"),
        ({"dtype": "int4"}, "no number format is called 'int4'"),
    ],
)
def test_bad_words_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SeewhyError, match=message):
        WinClip(settings(**given))


def test_too_many_tokens_and_too_few_photos_are_refused() -> None:
    detector = WinClip(settings(prompt="1 " * 80))
    with pytest.raises(BadData, match="tokens long"):
        detector.fit([])
    with pytest.raises(BadData, match="2 good photos and 0 were given"):
        WinClip(settings(shots=2)).fit([])


def test_unknown_models_and_wrong_weights_are_refused(tiny: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'ViT-B-16-plus-240'"):
        build("ViT-B-16-plus-241")
    with pytest.raises(BadData, match="no plain ViT"):
        build("RN50")
    with pytest.raises(UnknownName, match="did you mean 'ViT-B-16'"):
        Clip("ViT-B-61")
    with pytest.raises(MissingWeights, match="seewhy weights import clip-ViT-B-16-plus-240"):
        WinClip()
    with pytest.raises(WeightsMismatch, match="expected 8fb26589"):
        import_weights("clip-ViT-B-16-plus-240", tiny / "tiny.safetensors")
    with pytest.raises(WeightsMismatch, match="another architecture than ViT-S-32-alt"):
        import_weights("clip-ViT-S-32-alt", tiny / "tiny.safetensors")


def test_likeness_and_association_are_what_they_say() -> None:
    a, b = torch.randn(4, 7), torch.randn(3, 7)
    cosine = torch.nn.functional.cosine_similarity(a[:, None], b[None], dim=-1)
    assert torch.allclose(likeness(a, b, 0.07), (cosine / 0.07).softmax(-1), atol=1e-6)
    known = torch.nn.functional.normalize(b, dim=-1)
    assert torch.allclose(association(a[None], known)[0], (1 - cosine.max(1).values) / 2, atol=1e-6)


def test_the_flow_from_words_alone(tmp_path: Path) -> None:
    """Nothing to calibrate with: always review, the strangest places with their likeliest types, all of it said."""
    inspector = seewhy.from_words("steel plate", defects=["scratch", "missing hole"], model=TINY, save=tmp_path / "model")
    made = inspector.inspect(as_photo(defective("plate", "stain", 1)))
    record = made.record
    assert record.verdict.value == "review"
    assert record.decision.calibration == "uncalibrated"
    assert record.decision.threshold.value is None
    assert record.findings
    assert {f.ruling.severity.value for f in record.findings} == {None}  # nothing says that the strangest place is strange
    assert record.severity.value is None
    assert {h.type.value for h in record.findings[0].hypotheses} == {"scratch", "missing hole"}
    assert sum(h.probability for h in record.findings[0].hypotheses) == pytest.approx(1, abs=1e-3)
    assert {h.type.status for h in record.findings[0].hypotheses} == {"unverified"}
    assert record.provenance.prompts_sha256 == inspector.model.detector.learned["prompts_sha256"]
    assert record.detectors[-1].because.text.startswith("winclip spoke: it was asked for 'steel plate'")
    page = made.report(tmp_path / "part.html").read_text(encoding="utf-8")
    assert "a hypothesis" in page
    assert "missing hole" in page
    again = seewhy.load(tmp_path / "model", card=inspector.card).inspect(as_photo(defective("plate", "stain", 1)))
    assert again.record.decision.score == record.decision.score


def test_good_photos_calibrate_words(tmp_path: Path) -> None:
    for i in range(24):
        Image.fromarray(good("plate", i).pixels).save(tmp_path / f"{i}.png")
    inspector = seewhy.from_words("steel plate", good=tmp_path, alpha=0.05, model=TINY, save=tmp_path.parent / "made")
    assert inspector.model.detector.learned["good_photos_compared"] == 4
    assert len(inspector.model.calibration) == 24
    record = inspector.inspect(as_photo(good("plate", 300))).record
    assert record.decision.calibration == "calibrated"
    assert record.decision.threshold.value is not None


def test_without_weights_the_next_detector_speaks_and_says_why(tmp_path: Path, good_plates: list[Photo]) -> None:
    folder = tmp_path / "good"
    folder.mkdir()
    for i in range(4):
        Image.fromarray(good_plates[i].pixels).save(folder / f"{i}.png")
    inspector = seewhy.from_words("steel plate", good=folder)  # the real model's weights aren't here
    first, second = inspector.inspect(good_plates[5]).record.detectors
    assert (first.name, first.spoke) == ("winclip", False)
    assert "weights import clip-ViT-B-16-plus-240" in first.because.text
    assert (second.name, second.spoke) == ("patchcore", True)
    with pytest.raises(MissingWeights):
        seewhy.from_words("steel plate")
    with pytest.raises(BadData, match="has no words"):
        seewhy.from_words("", good=folder)


def test_words_from_the_command_line(tmp_path: Path) -> None:
    Image.fromarray(defective("plate", "pit", 3).pixels).save(tmp_path / "part.png")
    words = ["--prompt", "steel plate", "--defect", "pit", "--clip-model", TINY]
    said = CliRunner().invoke(app, ["inspect", *words, "--json", str(tmp_path / "part.png")])
    assert said.exit_code == 1, said.output
    (entry,) = json.loads(said.stdout)
    assert entry["verdict"]["value"] == "review"
    assert entry["findings"][0]["hypotheses"][0]["type"]["value"] == "pit"
    neither = CliRunner().invoke(app, ["inspect", str(tmp_path / "part.png")])
    assert isinstance(neither.exception, BadData)
