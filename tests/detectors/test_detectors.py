from __future__ import annotations

import json
import pickletools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from tests.helpers import ROOT
from tests.helpers.photos import SMALL, noise, png

from seewhy.agent.machine.importing import import_weights
from seewhy.agent.models.choice import REASONS
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import decode
from seewhy.detectors.anomalib.models import MODELS
from seewhy.detectors.catalogue import BORROWED, DETECTORS, ENSEMBLE, FAMILY, OWN, TABLE, Row, as_markdown
from seewhy.detectors.parts.backbones import BACKBONES
from seewhy.detectors.parts.bank import MemoryBank, greedy_k_centre
from seewhy.detectors.parts.encoder import Encoder
from seewhy.detectors.parts.kept import Cells, Kept, Learned
from seewhy.detectors.parts.memory import Memory
from seewhy.detectors.parts.tiles import blend, tiles_for
from seewhy.detectors.parts.whitening import Moments, Whitening
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.detectors.settings import plain, read
from seewhy.detectors.weights import known, store
from seewhy.errors import BadData, BadModel, MissingWeights, UnknownName, WeightsMismatch
from seewhy.evals.synthetic.boards import board, broken
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.nearest import faiss
from seewhy.types import Box, Features, Pixels


@pytest.mark.slow
def test_efficientnet_is_the_published_network() -> None:
    """Against the package that the weights were published for, on the same input."""
    from efficientnet_lite_pytorch import EfficientNet

    state, file = store.load("efficientnet-lite0")
    reference = EfficientNet.from_name("efficientnet-lite0")
    reference.load_state_dict(state)
    reference.eval()
    encoder = Encoder("efficientnet-lite0", layers=(0, 1, 2, 3, 4, 5, 6))
    images = torch.rand(2, 3, 96, 128)
    maps = encoder(images)
    with torch.inference_mode():
        x = reference._bn0(reference._conv_stem(images * 2 - 1))
        x = reference._swish(x)
        ends = [0, 2, 4, 7, 10, 14, 15]
        expected = []
        for number, block in enumerate(reference._blocks):
            x = block(x)
            if number in ends:
                expected.append(x)
    assert len(maps) == len(expected)
    for ours, theirs in zip(maps, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4), (ours - theirs).abs().max()
    assert file.sha256 == known.KNOWN["efficientnet-lite0"].sha256


@pytest.fixture
def own_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEEWHY_WEIGHTS", str(tmp_path / "weights"))
    store.forget()
    return tmp_path


def test_missing_weights_say_where_to_get_and_put_them(own_weights: Path) -> None:
    with pytest.raises(MissingWeights, match=r"download\.pytorch\.org") as caught:
        Encoder("wide-resnet50-2")
    assert str(own_weights / "weights") in str(caught.value)
    assert "seewhy weights import wide-resnet50-2" in str(caught.value)


@pytest.mark.slow
def test_weights_are_checked_on_import_and_on_load(own_weights: Path) -> None:
    wrong = own_weights / "wide.safetensors"
    save_file({"a": torch.zeros(1)}, wrong)
    with pytest.raises(WeightsMismatch, match="expected 95faca4d"):
        import_weights("wide-resnet50-2", wrong)
    with pytest.raises(WeightsMismatch, match="another architecture"):
        import_weights("dinov2-base-reg4", wrong)
    with pytest.raises(UnknownName, match="did you mean 'dinov2-base-reg4'"):
        import_weights("dinov2-base-reg", wrong)


@pytest.mark.slow
def test_other_backbones_go_through_the_same_door(own_weights: Path) -> None:
    """Random weights of the real architecture: imported, loaded, tampered with, refused."""
    row = BACKBONES["dinov2-base-reg4"]
    file = own_weights / "dino.safetensors"
    save_file(row.build().state_dict(), file)
    kept = import_weights("dinov2-base-reg4", file)
    assert len(kept.sha256) == 64
    maps = Encoder("dinov2-base-reg4")(torch.rand(1, 3, 140, 112))
    assert [tuple(m.shape) for m in maps] == [(1, 768, 10, 8)] * 2
    stored = own_weights / "weights" / "dinov2-base-reg4" / "weights.safetensors"
    data = bytearray(stored.read_bytes())
    data[-1] ^= 1
    stored.write_bytes(data)
    store.forget()
    with pytest.raises(WeightsMismatch, match="was changed"):
        store.load("dinov2-base-reg4")


@pytest.mark.parametrize("name", ["wide-resnet50-2"])
@pytest.mark.slow
def test_a_cnn_backbone_gives_its_stages(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state = BACKBONES[name].build().state_dict()
    monkeypatch.setattr(store, "load", lambda _: (state, store.WeightsFile(name, "random", "0" * 64, "none", "test")))
    maps = Encoder(name)(torch.rand(1, 3, 64, 96))
    assert [tuple(m.shape) for m in maps] == [(1, 512, 8, 12), (1, 1024, 4, 6)]


@pytest.mark.parametrize(("rows_", "count"), [(60, 12), (1500, 400), (300, 299)])
def test_greedy_k_centre_is_the_greedy_choice(rows_: int, count: int) -> None:
    rows = np.random.default_rng(0).normal(size=(rows_, 5)).astype(np.float32)
    chosen = greedy_k_centre(rows, count, seed=3)
    taken = [int(chosen[0])]
    distance = np.linalg.norm(rows - rows[taken[0]], axis=1)
    while len(taken) < count:
        taken.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(rows - rows[taken[-1]], axis=1))
    assert taken == chosen.tolist()


def test_greedy_k_centre_takes_no_row_twice_however_many_are_alike() -> None:
    rows = np.repeat(np.random.default_rng(0).normal(size=(10, 5)), 60, axis=0).astype(np.float32)
    assert len(set(greedy_k_centre(rows, 400, seed=3))) == 400


def test_greedy_k_centre_of_few_rows_is_all_of_them() -> None:
    rows = np.zeros((60, 5), np.float32)
    assert greedy_k_centre(rows, 100, seed=0).tolist() == list(range(60))


def test_what_was_not_drawn_of_photos_is_kept_up_to_a_limit_and_handed_out_once() -> None:
    kept, photos = Kept(room_bytes=500), [noise(8, 8, i) for i in range(3)]
    cells = [Cells.of([np.full((2, 15, 5), i, np.float32)]) for i in range(3)]
    learned = Learned(np.arange(18), np.arange(18))  # 12 of 30 patches are left, 240 bytes of each photo
    for number, (photo, own) in enumerate(zip(photos, cells, strict=True)):
        kept.add(number, photo, own, learned)
    assert kept.taken(1, photos[0]) is None  # another photo that looks the same
    assert kept.taken(None, photos[0]) is None
    found = [kept.taken(number, photo) for number, photo in enumerate(photos)]
    assert [one and one.looks[0].tolist() for one in found] == [[[0.0] * 5] * 12, [[1.0] * 5] * 12, None]
    assert found[1] is not None
    assert found[1].middle.tolist() == [1.0] * 5
    assert kept.taken(0, photos[0]) is None
    kept.add(2, photos[2], cells[2], learned)
    assert kept.taken(2, photos[2]) is not None


@pytest.mark.slow
def test_the_bank_is_exact_when_small_and_close_when_large() -> None:
    rng = np.random.default_rng(0)
    bent = np.sin(rng.normal(size=(3050, 3)) @ rng.normal(size=(3, 16)) + rng.uniform(0, 6, 16))  # what patches vary in lies on a surface
    rows, asked = np.split((bent + 0.05 * rng.normal(size=bent.shape)).astype(np.float32), [3000])
    exact = MemoryBank.build(rows)
    distances, numbers = MemoryBank.from_bytes(exact.to_bytes()).search(asked, 3)
    brute = np.linalg.norm(asked[:, None] - rows[None], axis=2)
    assert np.allclose(distances, np.sort(brute, 1)[:, :3], atol=1e-3)
    assert (numbers[:, 0] == brute.argmin(1)).all()
    coarse = MemoryBank.build(rows, exact_limit=100)
    assert coarse.kind == "IndexRefine"
    near, found = MemoryBank.from_bytes(coarse.to_bytes()).search(asked, 3)
    assert (found[:, 0] == brute.argmin(1)).mean() >= 0.98
    assert np.allclose(near, np.take_along_axis(brute, found, 1), atol=0.01)  # exact but for half precision, whichever rows it found
    assert np.allclose(coarse.row(7), rows[7], atol=0.01)
    with pytest.raises(BadModel, match="searched approximately"):
        coarse.vectors()
    before = faiss.index_factory(16, "IVF4,PQ4")  # as models have it that were fitted before
    before.train(rows)
    before.add(rows)
    before.nprobe = 2
    old = MemoryBank.from_bytes(MemoryBank(before).to_bytes())
    assert (old.search(asked, 2)[1] == before.search(asked, 2)[1]).all()
    nearest = old.search(asked[:1], 1)[1][0]
    assert old.excluding(nearest).search(asked[:1], 1)[1][0] != nearest
    for bank in (exact, coarse):
        _, nearest = bank.search(asked, 1)
        without = bank.excluding(np.unique(nearest))
        _, others = without.search(asked, 2)
        assert not np.isin(others, nearest).any()
        assert (bank.search(asked, 1)[1] == nearest).all()  # the bank itself is as it was


PLAIN = PatchCoreSettings(input_px=96, candidate_rows=400, smoothing=0.0, top_share=0, whitened_rows=0)


def rows_of(memory: Memory) -> Features:
    return np.stack([memory.bank.row(i) for i in range(memory.bank.rows)])


def cells_of(detector: PatchCore, pixels: Pixels) -> list[Features]:
    ((_, cells),) = detector._encode(pixels)
    return list(cells.looks)


def test_patchcore_scores_as_a_plain_loop_does() -> None:
    """Distances, density, mean of the strangest cells and eq. 7, against NumPy written out."""
    detector = PatchCore(replace(PLAIN, bank_rows=50, density=3, top_share=0.1, neighbours=3))
    detector.fit([noise(90, 120, i) for i in range(3)])
    pixels = noise(90, 120, 9)
    (flat,) = cells_of(detector, pixels)
    rows = rows_of(detector._memories[0])
    far = np.linalg.norm(flat[:, None] - rows[None], axis=2)
    inner = np.sort(np.linalg.norm(rows[:, None] - rows[None], axis=2), 1)[:, 1:4].mean(1)
    scores = far.min(1) / inner[far.argmin(1)]
    top = np.sort(scores)[-max(1, round(0.1 * len(scores))) :].mean()
    at = scores.argmax()
    star = far[at].argmin()
    around = np.argsort(np.linalg.norm(rows - rows[star], axis=1))[:3]
    weight = 1 - np.exp(far[at, star]) / np.exp(far[at, around]).sum()
    assert detector.score(pixels).score == pytest.approx(weight * top, rel=1e-3)


def test_whitened_distances_are_mahalanobis_distances() -> None:
    """Against the inverse of the shrunk covariance, written out."""
    rng = np.random.default_rng(0)
    known = (rng.standard_normal((500, 6)) @ rng.standard_normal((6, 6)) + 3).astype(np.float32)
    whitening = Whitening.of(Moments.of(known))
    values, vectors = np.linalg.eigh(np.cov(known.T, bias=True))
    kept = whitening.matrix.shape[1]
    assert values[::-1][:kept].sum() >= 0.99 * values.sum() > values[::-1][: kept - 1].sum()
    values, vectors = values[::-1][:kept], vectors[:, ::-1][:, :kept]
    inverse = vectors @ np.diag(1 / (0.93 * values + 0.07 * values.mean())) @ vectors.T
    apart = known[:40] - known[40:80]
    expected = np.sqrt(np.einsum("ni,ij,nj->n", apart, inverse, apart))
    assert np.linalg.norm(whitening(known[:40]) - whitening(known[40:80]), axis=1) == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
def test_several_looks_add_what_each_finds_in_units_of_its_spread() -> None:
    detector = PatchCore(replace(PLAIN, bank_rows=50, density=0, whitened_rows=40))
    photos = [noise(90, 120, i) for i in range(3)]
    detector.fit(photos)
    total = np.float32(0)
    for number, (memory, cells) in enumerate(zip(detector._memories, cells_of(detector, noise(90, 120, 9)), strict=True)):
        far = np.linalg.norm(memory.seen(cells)[:, None] - rows_of(memory)[None], axis=2).min(1)
        left_out = np.concatenate([memory.without(i).distances(cells_of(detector, p)[number])[0] for i, p in enumerate(photos)])
        median, high = np.quantile(left_out, (0.5, 0.99))
        assert memory.spread == pytest.approx(high - median, rel=1e-3)
        total = total + memory.look.weight * far / memory.spread
    assert [(m.look.whitened, m.look.pool, m.look.weight) for m in detector._memories] == [(False, 3, 1), (True, 3, 1), (True, 1, 0.5)]
    assert detector.score(noise(90, 120, 9)).score == pytest.approx(total.max(), rel=1e-3)


def test_a_photo_left_out_leaves_nothing_in_the_bank() -> None:
    """Its rows give way to the patches of other photos that lie nearest to them."""
    detector = PatchCore(replace(PLAIN, bank_rows=20, density=0))
    photos = [noise(90, 120, i) for i in range(4)]
    detector.fit(photos)
    memory = detector._memories[0]
    each = [cells_of(detector, p)[0] for p in photos]
    patches, owners = np.concatenate(each), np.repeat(np.arange(4), [len(e) for e in each])
    rows = rows_of(memory)
    to_rows = np.linalg.norm(patches[:, None] - rows[None], axis=2)
    own, stands = np.flatnonzero(memory.owner == 2), []
    for row in own:
        near = np.flatnonzero((to_rows.argmin(1) == row) & (owners != 2))
        stands += [patches[near[to_rows[near, row].argmin()]]] if len(near) else []
    assert len(own) > len(stands) > 0
    others = np.concatenate([rows[memory.owner != 2], np.stack(stands)])
    expected = np.linalg.norm(each[2][:, None] - others[None], axis=2).min(1).max()
    left_out = detector.without(2)
    assert left_out.score(photos[2]).score == pytest.approx(expected, rel=1e-3)
    assert left_out.score(photos[2]).score > detector.score(photos[2]).score
    with pytest.raises(BadModel, match="just fitted"):
        left_out.without(1)


@pytest.mark.slow
@pytest.mark.parametrize("photos_", [5, 18])  # with few, what whitens is computed anew without a photo
def test_a_photo_left_out_scores_as_if_nothing_were_known_of_what_was_drawn(photos_: int) -> None:
    detector = PatchCore(replace(PLAIN, input_px=160, candidate_rows=20 * photos_, bank_rows=60, density=3, whitened_rows=40))
    photos = [noise(90, 120, i) for i in range(photos_)]
    detector.fit(photos)
    known = [detector.without(i).score(pixels) for i, pixels in enumerate(photos)]
    again = [detector.without(i).score(pixels) for i, pixels in enumerate(photos)]  # what was kept is used up
    for one, other in zip(known, again, strict=True):
        assert one.score == pytest.approx(other.score, rel=1e-5)
        assert np.allclose(one.values, other.values, rtol=1e-4)
        assert np.array_equal(one.descriptor, other.descriptor)
    assert len({one.score for one in known}) == photos_


def test_of_a_bank_the_nearest_row_and_that_of_another_photo_are_found() -> None:
    rng = np.random.default_rng(0)
    rows, asked = rng.normal(size=(3000, 16)).astype(np.float32), rng.normal(size=(400, 16)).astype(np.float32)
    of_rows, owners = rng.integers(0, 3, 3000), rng.integers(0, 4, 400)
    far = np.linalg.norm(asked[:, None] - rows, axis=2)
    others = np.where(of_rows == owners[:, None], np.inf, far)
    found = MemoryBank.build(rows).nearest(asked, owners, of_rows)
    for (distances, numbers), expected in zip(found, (far, others), strict=True):
        assert distances == pytest.approx(expected.min(1), rel=1e-4)
        assert (numbers == expected.argmin(1)).all()
    approximate = MemoryBank.build(rows, exact_limit=100).nearest(asked, owners, of_rows)
    assert (of_rows[approximate[1][1]] != owners).all()
    assert (approximate[1][1] == others.argmin(1)).mean() > 0.9
    assert (MemoryBank.build(rows).nearest(asked, owners, np.zeros(3000, int))[1][0][owners == 0] == np.inf).all()


@pytest.mark.slow
def test_photos_that_are_all_the_same_give_finite_scores() -> None:
    """No distance is divided by a density or a spread of nothing."""
    detector = PatchCore(replace(PLAIN, bank_rows=50, density=5, whitened_rows=40))
    detector.fit([noise(90, 120, 0)] * 4)
    same, other = detector.score(noise(90, 120, 0)), detector.score(noise(90, 120, 1))
    assert np.isfinite(other.values).all()
    assert same.score < other.score


@pytest.mark.slow
def test_turned_copies_are_learned_only_where_parts_lie_in_any_direction() -> None:
    straight = [good("plate", i).pixels for i in range(4)]
    turned = [np.ascontiguousarray(np.rot90(p, i)) for i, p in enumerate(straight)]
    chosen = {}
    for name, photos in (("straight", straight), ("turned", turned)):
        detector = PatchCore(PatchCoreSettings(input_px=192, bank_rows=1000, candidate_rows=6000, turns="auto"))
        detector.fit(photos)
        chosen[name] = detector.learned["turns"], detector.learned["turn_ratio"]
        assert detector.settings.turns == "auto"  # what was asked stays as it was
    assert chosen["straight"][0] == "no", chosen
    assert chosen["turned"][0] == "yes", chosen


SURFACES = [good("cast", i).pixels for i in range(4)], good("cast", 51).pixels, defective("cast", "stain", 4)
BOARDS = [board(p) for p in range(4)], board(2, copy=1), broken(1, "extra", copy=1)
PHOTOS = {"surfaces": SURFACES, "boards": BOARDS}  # good ones to fit on, another good one, and one with a defect


def test_every_detector_has_an_example_or_tests_of_its_own() -> None:
    for row in TABLE:
        assert (row.example is None) == bool(row.tests), row.name
        assert not row.tests or (ROOT / "tests" / "detectors" / f"{row.tests}.py").is_file()
    assert {row.name for row in OWN} | {"ensemble"} == set(DETECTORS.table)
    assert {row.name for row in BORROWED} == {f"anomalib/{name}" for name in MODELS}


@pytest.mark.parametrize("row", [*OWN, ENSEMBLE, FAMILY], ids=lambda row: row.name)
def test_what_a_row_names_is_there(row: Row) -> None:
    settings = row.settings_from(row.candidate or {})
    assert read(type(settings), plain(settings)) == settings
    assert set(row.auto or ()) <= set(REASONS)
    assert DETECTORS.get(row.name if row is not FAMILY else "anomalib/padim").kind


def test_the_docs_show_the_table_as_it_is() -> None:
    assert as_markdown() in (ROOT / "docs/detectors.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", [row for row in TABLE if row.example], ids=lambda row: row.name)
@pytest.mark.slow
def test_every_detector_keeps_the_contract(row: Row, tmp_path: Path) -> None:
    """Fitted on a few photos: finite map at the photo's size, the scratch found, the same after save and load in a new process."""
    assert row.example is not None
    photos, other, drawn = PHOTOS[row.example.photos]
    settings = row.settings_from(row.example.settings)
    detector = DETECTORS.get(row.name)(settings)
    detector.fit(photos)
    assert detector.kind == row.name
    assert detector.settings.__class__ is settings.__class__
    assert json.loads(json.dumps(detector.learned)) == detector.learned
    scored = detector.score(drawn.pixels)
    assert scored.values.shape == drawn.pixels.shape[:2]
    y, x = np.unravel_index(scored.values.argmax(), scored.values.shape)
    ys, xs = np.nonzero(drawn.mask)
    reach = max(scored.resolution_px, drawn.feret_px / 2)
    assert abs(x - xs.mean()) < reach
    assert abs(y - ys.mean()) < reach
    assert scored.score > detector.score(other).score

    folder = tmp_path / "model"
    ProductModel.fit([decode(png(p), f"{i}.png") for i, p in enumerate(photos)], detector, product="part", alpha=0.2).save(folder)
    expected = detector.score(drawn.pixels).score
    np.save(tmp_path / "photo.npy", drawn.pixels)
    code = (
        "import sys, numpy as np, torch; torch.set_num_threads(2); from pathlib import Path;"
        "from seewhy.agent.models.product import ProductModel;"
        "print(ProductModel.load(Path(sys.argv[1])).detector.score(np.load(sys.argv[2])).score)"
    )
    said = subprocess.run([sys.executable, "-c", code, folder, tmp_path / "photo.npy"], capture_output=True, text=True, check=True)
    assert float(said.stdout) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_the_model_folder_holds_no_pickle(model_folder: Path) -> None:
    for path in (p for p in model_folder.rglob("*") if p.is_file()):
        head = path.read_bytes()[:2]
        assert head[:1] != b"\x80" and head != b"PK", path
        with pytest.raises(Exception):  # noqa: B017
            list(pickletools.genops(path.read_bytes()))


@pytest.mark.parametrize(
    "name",
    [
        "detector/bank.faiss",
        "detector/density.safetensors",
        "detector/fine.faiss",
        "detector/coarse.safetensors",
        "products/000/references.safetensors",
        "products/000/references/000.jpg",
    ],
)
def test_a_changed_file_is_refused(tampered: Path, name: str) -> None:
    data = bytearray((tampered / name).read_bytes())
    data[len(data) // 2] ^= 1
    (tampered / name).write_bytes(data)
    with pytest.raises(BadModel, match="was changed"):
        ProductModel.load(tampered)


def test_a_changed_manifest_an_extra_and_a_missing_file_are_refused(tampered: Path) -> None:
    manifest = tampered / "manifest.json"
    original = manifest.read_text()
    facts = json.loads(original)
    facts["products"]["plate"]["calibration"]["scores"][0] *= 2
    manifest.write_text(json.dumps(facts))
    with pytest.raises(BadModel, match="was changed"):
        ProductModel.load(tampered)
    manifest.write_text(original)
    (tampered / "more.bin").write_bytes(b"x")
    with pytest.raises(BadModel, match="does not list"):
        ProductModel.load(tampered)
    (tampered / "more.bin").unlink()
    (tampered / "detector" / "bank.faiss").unlink()
    with pytest.raises(BadModel, match="lacks"):
        ProductModel.load(tampered)
    manifest.write_text("{}")
    with pytest.raises(BadModel, match="fit the model again"):
        ProductModel.load(tampered)
    with pytest.raises(BadModel, match="seewhy fit"):
        ProductModel.load(tampered / "none")


def test_saving_never_replaces_a_folder_that_is_not_a_model(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(BadModel, match="something else"):
        ProductModel.load(model_folder).save(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_fitting_on_nothing_is_refused() -> None:
    with pytest.raises(BadData, match="at least one good photo"):
        PatchCore(SMALL).fit([])
    with pytest.raises(BadModel, match="call fit first"):
        PatchCore(SMALL).score(noise(64, 64))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6000), st.integers(1, 6000))
def test_tiles_cover_the_photo_and_none_is_shrunk_too_much(width: int, height: int) -> None:
    tiles = tiles_for(width, height, 128, 32, 4.0)
    covered_x, covered_y = np.zeros(width, bool), np.zeros(height, bool)
    for tile in tiles:
        assert 0 <= tile.box.x0 < tile.box.x1 <= width
        assert 0 <= tile.box.y0 < tile.box.y1 <= height
        covered_x[tile.box.x0 : tile.box.x1] = True
        covered_y[tile.box.y0 : tile.box.y1] = True
        assert tile.box.width * tile.box.height <= (128 * 4.0 + 1) ** 2 * 1.01
    assert covered_x.all()
    assert covered_y.all()


def test_tiles_are_blended_without_seams() -> None:
    """A smooth surface cut into tiles and blended is the surface again."""
    y, x = np.mgrid[0:900, 0:1500].astype(np.float32)
    surface = x / 1500 + y / 900
    tiles = tiles_for(1500, 900, 128, 32, 4.0)
    assert len(tiles) > 4
    made = blend([(t, np.ascontiguousarray(surface[t.box.slices])) for t in tiles], 1500, 900)
    assert np.abs(made - surface).max() < 1e-5


@pytest.mark.slow
def test_a_large_photo_is_tiled_and_the_dot_is_found() -> None:
    large = np.kron(good("cast", 0).pixels, np.ones((3, 3, 1), np.uint8))
    detector = PatchCore(PatchCoreSettings(input_px=128, max_shrink=3.0, bank_rows=500, candidate_rows=4000))
    detector.fit([np.kron(good("cast", i).pixels, np.ones((3, 3, 1), np.uint8)) for i in range(1, 4)])
    spot = Box(900, 200, 960, 260)
    large[spot.slices] = 250
    scored = detector.score(large)
    y, x = np.unravel_index(scored.values.argmax(), scored.values.shape)
    assert spot.x0 - 30 <= x < spot.x1 + 30
    assert spot.y0 - 30 <= y < spot.y1 + 30


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (40, 2000)])
@pytest.mark.slow
def test_odd_shapes_are_scored(shape: tuple[int, int]) -> None:
    detector = PatchCore(SMALL)
    detector.fit([noise(*shape, seed=i) for i in range(2)])
    assert detector.score(noise(*shape, seed=5)).values.shape == shape
