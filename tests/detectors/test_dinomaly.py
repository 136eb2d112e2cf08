"""Dinomaly: the published code's numbers, exact resumption, one model for several products, bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.helpers import ROOT, TESTS
from tests.helpers.dinomaly import INPUT_PX, PREFIX, SIDE, Random, groups, layers, restorer
from tests.helpers.packages import needs
from tests.helpers.photos import ALPHA, as_photo
from torch import Tensor
from typer.testing import CliRunner

import seewhy
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.models.family import Family
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.card import ProductCard, Scale
from seewhy.cli import app
from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.encoders import VITS, VitRow
from seewhy.detectors.dinomaly.net import NetShape, Restorer, cell_map, linear_attention, mining_loss, paper_map
from seewhy.detectors.dinomaly.optimiser import StableAdamW, rate_at
from seewhy.detectors.dinomaly.settings import DinomalySettings
from seewhy.detectors.dinomaly.tokens import VitTokens, token_encoder, vit
from seewhy.detectors.dinomaly.training import Plan, _save, batch_rows, train
from seewhy.detectors.weights import store
from seewhy.errors import BadData, BadImage, BadModel, NotWritten, UnknownName, WeightsMismatch
from seewhy.evals.synthetic.surfaces import defective, good, write_dataset

pytestmark = pytest.mark.slow


GOLDEN: dict[str, Any] = json.loads((TESTS / "golden" / "dinomaly.json").read_text(encoding="utf-8"))


def some(values: Tensor) -> Tensor:
    flat = values.detach().flatten()
    return flat[:: max(1, len(flat) // 24)][:24]


def close(found: Tensor, wanted: Any) -> None:
    torch.testing.assert_close(found.detach(), torch.tensor(wanted, dtype=found.dtype), atol=1e-5, rtol=1e-5)


def without_prefix(maps: list[Tensor]) -> list[Tensor]:
    return [m[:, PREFIX:] for m in maps]


def test_groups_are_the_published_ones() -> None:
    seen = groups(layers())
    for found, wanted in zip(without_prefix(seen), GOLDEN["encoder_groups"], strict=True):
        close(some(found), wanted)
    for found, wanted in zip(without_prefix(restorer()(seen)), GOLDEN["decoder_groups"], strict=True):
        close(some(found), wanted)


@pytest.mark.parametrize("mined", [0.0, 0.3, 0.9])
def test_loss_and_gradient_are_the_published_ones(mined: float) -> None:
    net, seen = restorer(), groups(layers())
    loss = mining_loss(without_prefix(seen), without_prefix(net(seen)), mined)
    loss.backward()  # type: ignore[no-untyped-call]
    wanted = GOLDEN["loss"][str(mined)]
    close(loss, wanted["value"])
    named = dict(net.named_parameters())
    for name in ("bottleneck.fc1.weight", "decoder.7.qkv.weight"):
        gradient = named[name].grad
        assert gradient is not None
        close(some(gradient), wanted[name])
    norm = torch.sqrt(torch.stack([(p.grad**2).sum() for p in net.parameters() if p.grad is not None]).sum())
    close(norm, wanted["norm"])


def test_map_and_score_are_the_published_ones() -> None:
    seen = groups(layers())
    cells = cell_map(without_prefix(seen), without_prefix(restorer()(seen)), (SIDE, SIDE))
    smooth, score = paper_map(cells, (INPUT_PX, INPUT_PX))
    close(some(smooth), GOLDEN["map"])
    close(score, GOLDEN["score"])


def test_the_optimiser_and_its_schedule_are_the_published_ones() -> None:
    weight = torch.nn.Parameter(torch.from_numpy(np.random.default_rng(3).normal(0, 1, (5, 7)).astype(np.float32)))
    optimiser, rng = StableAdamW([weight]), np.random.default_rng(4)
    for step in range(6):
        weight.grad = torch.from_numpy(rng.normal(0, 10.0 ** (step % 3 - 1), (5, 7)).astype(np.float32))
        optimiser.step(2e-3)
    close(some(weight), GOLDEN["optimiser"])
    for step, rate in GOLDEN["rates"].items():
        assert rate_at(int(step), 1000) == pytest.approx(rate, rel=1e-6)


def test_linear_attention_is_its_definition() -> None:
    q, k, v = (torch.randn(2, 3, 7, 4, generator=torch.Generator().manual_seed(i)) for i in range(3))
    weight = torch.einsum("bhid,bhjd->bhij", torch.nn.functional.elu(q) + 1, torch.nn.functional.elu(k) + 1)
    close(linear_attention(q, k, v), ((weight / weight.sum(-1, keepdim=True)) @ v).tolist())


SMALL = DinomalySettings(encoder="efficientnet-lite0", input_px=128, depth=2, steps=150, batch=8, at_once=8, save_every=20)


def trained(checkpoint: Path | None = None, **changes: Any) -> tuple[Restorer, Any]:
    torch.manual_seed(0)
    net = Restorer(NetShape(16, 2, depth=2))
    plan = Plan(**({"steps": 12, "batch": 4, "at_once": 4, "save_every": 3} | changes))
    return net, train(net, Random(), plan, checkpoint=checkpoint)


def same(a: Restorer, b: Restorer) -> bool:
    return all(torch.equal(x, b.state_dict()[name]) for name, x in a.state_dict().items())


def test_every_photo_is_seen_once_in_each_round() -> None:
    for round_ in range(3):
        rows = [row for step in range(round_ * 5, round_ * 5 + 5) for row in batch_rows(10, 2, 7, step)]
        assert sorted(rows) == list(range(10))


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    assert same(trained()[0], trained()[0])
    assert not same(trained()[0], trained(seed=1)[0])


def test_a_batch_in_turns_teaches_as_the_whole_does() -> None:
    """Gradient accumulation; the mined share is of each turn's points, so that only without mining are the two equal."""
    torch.manual_seed(0)
    whole, turns = (trained(steps=1, batch=8, at_once=n)[0] for n in (8, 2))
    for name, value in whole.state_dict().items():
        assert (value - turns.state_dict()[name]).abs().max() < 0.01


STOPPED = """
import os, signal, sys
from pathlib import Path
import torch
from seewhy.detectors.dinomaly.net import NetShape, Restorer
from seewhy.detectors.dinomaly.training import Plan, train
from tests.helpers.dinomaly import Random
torch.set_num_threads(1)
for kill_at in map(int, sys.argv[2:]):
    heard, told = os.pipe()
    child = os.fork()
    if not child:
        torch.manual_seed(0)
        net = Restorer(NetShape(16, 2, depth=2))
        train(net, Random(), Plan(steps=120, batch=4, at_once=4, save_every=1), checkpoint=Path(sys.argv[1]),
              told=lambda step, loss: os.write(told, b"%d\\n" % step))
        os._exit(1)
    os.close(told)
    with os.fdopen(heard) as steps:
        next(line for line in steps if int(line) >= kill_at)
        os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""


def test_killed_at_ten_random_steps_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    checkpoint = tmp_path / "c.safetensors"
    steps = np.sort(np.random.default_rng(5).choice(np.arange(5, 115), 10, replace=False))
    subprocess.run([sys.executable, "-c", STOPPED, str(checkpoint), *map(str, steps)], check=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        went_on, course = trained(checkpoint, steps=120, save_every=1)
        unbroken, _ = trained(steps=120, save_every=1)
    finally:
        torch.set_num_threads(threads)
    assert course.resumed_at > 0
    assert len(course.losses) == 120
    assert same(went_on, unbroken)


SHARED = """
import sys, torch
from safetensors.torch import save_file
from seewhy.detectors.dinomaly.net import NetShape, Restorer
from seewhy.detectors.dinomaly.training import Plan, train
from tests.helpers.dinomaly import Random
torch.manual_seed(0)
torch.set_num_threads(1)
net = Restorer(NetShape(16, 2, depth=2, dropout=0.0))
course = train(net, Random(), Plan(steps=4, batch=8, at_once=8))
import os
if os.environ.get("RANK", "0") == "0":
    save_file(net.state_dict(), sys.argv[1])
"""


def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    """By `accelerate launch`, each with half of the batch; without noise, which each draws for itself."""
    script = tmp_path / "shared.py"
    script.write_text(SHARED)
    alone, shared = tmp_path / "alone.safetensors", tmp_path / "shared.safetensors"
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--mixed_precision", "no"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for command, file in (([sys.executable], alone), (launch, shared)):
        made = subprocess.run([*command, str(script), str(file)], capture_output=True, text=True, env=environment, check=False)
        assert made.returncode == 0, made.stderr[-2000:]
    one, two = load_file(alone), load_file(shared)
    assert all((value - two[name]).abs().max() < 1e-3 for name, value in one.items())


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "c.safetensors"
    trained(checkpoint)
    with pytest.raises(BadModel, match="another training"):
        trained(checkpoint, seed=3)
    checkpoint.write_bytes(checkpoint.read_bytes()[:50])
    with pytest.raises(BadModel, match="can't be read"):
        trained(checkpoint)


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does."""
    checkpoint = tmp_path / "c.safetensors"
    trained(checkpoint, steps=3)
    before = checkpoint.read_bytes()
    (tmp_path / f".c.safetensors.{os.getpid()}.new").symlink_to("/dev/full")
    with pytest.raises(NotWritten, match="could not be written"):
        _save(checkpoint, Restorer(NetShape(16, 2, depth=2)), StableAdamW([]), [], "x")
    assert checkpoint.read_bytes() == before


@pytest.fixture(scope="module")
def photos() -> dict[str, list[Photo]]:
    return {p: [as_photo(good(p, i), f"{p}-{i}.png") for i in range(16)] for p in ("plate", "woven")}


@pytest.fixture(scope="module")
def family(photos: dict[str, list[Photo]], tmp_path_factory: pytest.TempPathFactory) -> tuple[Family, Path]:
    folder = tmp_path_factory.mktemp("models") / "both"
    return Family.fit(photos, Dinomaly(SMALL), alpha=ALPHA).save(folder), folder


def test_one_model_scores_defects_of_both_products_higher(family: tuple[Family, Path]) -> None:
    for name, member in family[0].members.items():
        fine = [member.detector.score(good(name, 500 + i).pixels).score for i in range(6)]
        broken = [member.detector.score(defective(name, "stain", 500 + i).pixels).score for i in range(6)]
        assert np.median(broken) > max(fine), name
        scored = member.detector.score(defective(name, "stain", 501).pixels)
        assert scored.values.shape == (320, 400)
        assert scored.detector == "dinomaly/efficientnet-lite0"


def test_it_is_read_as_it_was_written_and_each_product_has_its_own_line(family: tuple[Family, Path]) -> None:
    made, folder = family
    pixels = defective("woven", "pit", 3).pixels
    for name in ("plate", "woven"):
        loaded = ProductModel.load(folder, product=name)
        assert loaded.detector.score(pixels).score == pytest.approx(made.members[name].detector.score(pixels).score, rel=1e-5)
        assert loaded.calibration.scores.tolist() == made.members[name].calibration.scores.tolist()
        assert loaded.sha256 == made.members[name].sha256
    lines = [m.calibration.threshold(ALPHA) for m in made.members.values()]
    assert lines[0] != lines[1]
    facts = json.loads((folder / "manifest.json").read_text())
    assert facts["learned"]["training"]["products"] == {"plate": 13, "woven": 13}
    assert len(facts["learned"]["training"]["losses"]) == 150
    assert set(Family.load(folder).members) == {"plate", "woven"}
    with pytest.raises(BadData, match="--product: plate, woven"):
        ProductModel.load(folder)
    with pytest.raises(UnknownName, match="did you mean 'plate'"):
        ProductModel.load(folder, product="plat")


def test_a_product_it_has_not_seen_goes_to_the_next_detector(family: tuple[Family, Path], model_folder: Path) -> None:
    plate = family[0].members["plate"]
    alone, chain = Inspector(plate, alpha=ALPHA), Inspector(plate, alpha=ALPHA, then=[ProductModel.load(model_folder)])
    own, other = as_photo(defective("plate", "scratch", 9)), as_photo(good("brick", 9))
    spoke = chain.inspect(own).record
    assert [(d.name, d.spoke) for d in spoke.detectors] == [("dinomaly/efficientnet-lite0", True)]
    assert spoke.detectors[0].familiar_p is not None
    assert spoke.provenance.engine is not None
    assert spoke.provenance.engine.text == "OpenVINO in f32, the network that was exported at the fit"
    handed = chain.inspect(other).record
    assert [(d.name, d.spoke) for d in handed.detectors] == [("dinomaly/efficientnet-lite0", False), ("patchcore", True)]
    assert handed.detectors[0].familiar_p == pytest.approx(1 / 4)
    assert "unlike all good photos of plate" in handed.detectors[0].because.text
    assert handed.provenance.detector == "patchcore"
    nobody = alone.inspect(other).record
    assert nobody.verdict.value != "pass"
    assert "product" in {m.what for m in nobody.missing}


def test_a_detector_that_fails_hands_over_visibly(inspector: Inspector, model_folder: Path) -> None:
    class Broken:
        kind, name, calibrates, weights, settings, learned = "broken", "broken", "left_out", (), None, {}

        def score(self, _pixels: Any) -> Any:
            raise MemoryError("no room")

    broken = replace(inspector.model, detector=Broken())
    photo = as_photo(good("plate", 3))
    with pytest.raises(MemoryError):
        Inspector(broken, alpha=ALPHA).inspect(photo)
    record = Inspector(broken, alpha=ALPHA, then=[ProductModel.load(model_folder)]).inspect(photo).record
    assert [(d.name, d.spoke) for d in record.detectors] == [("broken", False), ("patchcore", True)]
    assert "MemoryError: no room" in record.detectors[0].because.text


def test_a_product_is_added_and_the_old_ones_are_wanted(family: tuple[Family, Path], photos: dict[str, list[Photo]]) -> None:
    new = [as_photo(good("cast", i), f"cast-{i}.png") for i in range(8)]
    start = family[0]
    with pytest.raises(BadData, match="none of plate, woven"):
        Family.fit({"cast": new}, Dinomaly(SMALL), alpha=ALPHA, start=start)
    grown = Family.fit({**photos, "cast": new}, Dinomaly(replace(SMALL, steps=30)), alpha=ALPHA, start=start)
    assert set(grown.members) == {"plate", "woven", "cast"}
    losses = grown.detector.learned["training"]["losses"]
    assert losses[0] < 0.5 * start.detector.learned["training"]["losses"][0]  # it goes on from what was learned


def test_what_the_encoder_saw_is_kept_and_read_again(tmp_path: Path) -> None:
    photos = [good("plate", i).pixels for i in range(4)]
    quick = DinomalySettings(encoder="efficientnet-lite0", input_px=64, depth=2, steps=2, batch=2, at_once=2)
    first, second = Dinomaly(quick), Dinomaly(quick)
    first.fit_products({"plate": photos}, cache=tmp_path)
    looks = list[int]()
    see = second.trained.encoder
    second.trained.encoder = type(
        "Counts", (), {"__call__": lambda _, x: (looks.append(len(x)), see(x))[1], "__getattr__": lambda _, n: getattr(see, n)}
    )()
    second.fit_products({"plate": [*photos, good("plate", 9).pixels]}, cache=tmp_path)
    assert looks[0] == 1  # of five photos only the new one is encoded; what follows is the probe's


@pytest.mark.parametrize("count", [0, 1])
def test_few_photos(count: int) -> None:
    photos = [as_photo(good("plate", i)) for i in range(count)]
    quick = DinomalySettings(encoder="efficientnet-lite0", input_px=64, depth=2, steps=2, batch=2, at_once=2)
    if not count:
        with pytest.raises(BadData, match="at least one good photo of each product; there is none of plate"):
            Family.fit({"plate": photos, "woven": [as_photo(good("woven", 0))]}, Dinomaly(quick))
        return
    made = Family.fit({"plate": photos}, Dinomaly(quick))
    assert not made.members["plate"].calibration.supports(0.01)


def test_photos_of_different_sizes() -> None:
    quick = DinomalySettings(encoder="efficientnet-lite0", input_px=64, depth=2, steps=2, batch=2, at_once=2)
    sizes = [good("plate", 0).pixels, good("plate", 1, (90, 300)).pixels, good("plate", 2, (33, 20)).pixels]
    detector = Dinomaly(quick)
    detector.fit(sizes)
    assert [detector.score(p).values.shape for p in sizes] == [p.shape[:2] for p in sizes]


def test_settings_that_cannot_be_are_told() -> None:
    with pytest.raises(BadData, match="multiples of 32 px, not 100"):
        Dinomaly(DinomalySettings(encoder="efficientnet-lite0", input_px=100))
    with pytest.raises(BadData, match="at least 2 decoder blocks"):
        Dinomaly(DinomalySettings(encoder="efficientnet-lite0", depth=1))
    with pytest.raises(BadData, match="no class token"):
        Dinomaly(DinomalySettings(encoder="efficientnet-lite0", recentre=True))
    with pytest.raises(UnknownName, match="token encoder"):
        token_encoder("dinov9")
    with pytest.raises(BadModel, match="set aside"):
        Dinomaly(SMALL).without(0)


TINY = {
    "dinov2": VitRow(
        "tiny",
        "dinov2",
        tuple(range(8)),
        {
            "hidden_size": 32,
            "num_hidden_layers": 9,
            "num_attention_heads": 2,
            "image_size": 518,
            "patch_size": 14,
            "num_register_tokens": 4,
        },
    ),
    "dinov3": VitRow(
        "tiny",
        "dinov3",
        tuple(range(8)),
        {
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 9,
            "num_attention_heads": 2,
            "patch_size": 16,
            "num_register_tokens": 4,
        },
    ),
}


def _published(name: str) -> str:
    """A tensor's name in the published files, which are older than the library."""
    old = {"q_proj": "attention.query", "k_proj": "attention.key", "v_proj": "attention.value", "o_proj": "output.dense"}
    if name.startswith("encoder."):
        for new, was in old.items():
            name = name.replace(f"attention.{new}", f"attention.{was}")
    return name.removeprefix("model.")


@pytest.mark.parametrize("kind", sorted(TINY))
@pytest.mark.parametrize("side", [392, 448, 112])
def test_a_vit_is_read_as_the_library_runs_it(kind: str, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups against the library's own hidden states; registers, positions at other sizes than trained on, an early stop."""
    row = TINY[kind]
    torch.manual_seed(0)
    net = vit(row).eval()
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    monkeypatch.setitem(VITS, "tiny", row)  # type: ignore[arg-type]
    monkeypatch.setattr(store, "load", lambda _: (net.state_dict(), store.WeightsFile("tiny", "random", "0" * 64, "none", "test")))
    side -= side % row.config["patch_size"]
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    encoder = VitTokens("tiny")
    seen = encoder(images)
    with torch.no_grad():
        states = net((images - encoder._mean) / encoder._std, output_hidden_states=True).hidden_states[1:]
    for group, found in enumerate(seen.maps):
        wanted = torch.stack(states[4 * group : 4 * group + 4]).mean(0)
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    published = {_published(name): value for name, value in net.state_dict().items()}
    monkeypatch.setattr(store, "load", lambda _: (published, store.WeightsFile("tiny", "random", "0" * 64, "none", "test")))
    torch.testing.assert_close(VitTokens("tiny")(images).maps[1], seen.maps[1])
    assert seen.grid == (side // row.config["patch_size"],) * 2
    assert seen.maps[0].shape[1] == encoder.prefix + seen.grid[0] * seen.grid[1]
    recentred = VitTokens("tiny", recentre=True)(images)
    wanted = torch.stack([s[:, 5:] - s[:, :1] for s in states[:4]]).mean(0)
    torch.testing.assert_close(recentred.maps[0], wanted, atol=1e-5, rtol=1e-5)


def test_weights_of_another_architecture_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    small = VitRow("tiny", "dinov2", (0, 1), {**TINY["dinov2"].config, "hidden_size": 64})
    monkeypatch.setitem(VITS, "tiny", TINY["dinov2"])  # type: ignore[arg-type]
    state = vit(small).state_dict()
    monkeypatch.setattr(store, "load", lambda _: (state, store.WeightsFile("tiny", "random", "0" * 64, "none", "test")))
    with pytest.raises(WeightsMismatch, match="another architecture"):
        VitTokens("tiny")


@needs("anomalib")
def test_it_is_anomalibs_at_the_encoders_own_size() -> None:
    """At other sizes anomalib's copy of timm interpolates positions in another way than transformers and the published code."""
    from seewhy.evals.peers.dinomaly import compare

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        far = compare("dinov2-with-registers-small", 518)
    assert max(far[name] for name in ("encoder_groups", "decoder_groups", "loss", "gradient")) < 1e-4, far
    assert far["score"] < 1e-3, far  # its Gaussian repeats the map's border, the published code's and ours pads with zeros


def test_many_products_on_the_command_line(tmp_path: Path) -> None:
    for name in ("plate", "woven"):
        write_dataset(tmp_path / "data" / name, name, good_train=6, good_test=1, per_kind=1)
    said = ["fit", "--detector", "dinomaly", "--data", str(tmp_path / "data"), "--encoder", "efficientnet-lite0", "--steps", "2"]
    made = CliRunner().invoke(app, [*said, "-o", str(tmp_path / "both"), "--alpha", "0.5", "--json"])
    assert made.exit_code == 0, made.output
    facts = json.loads(made.stdout[made.stdout.index("[") :])
    assert [f["product"] for f in facts] == ["plate", "woven"]
    assert not (tmp_path / ".both.training").exists()
    photo = str(tmp_path / "data" / "plate" / "test" / "stain" / "0000.png")
    looked = CliRunner().invoke(app, ["inspect", photo, "-m", str(tmp_path / "both"), "--product", "plate", "--alpha", "0.5", "--json"])
    assert json.loads(looked.stdout)[0]["detectors"][0]["name"] == "dinomaly/efficientnet-lite0"
    bad = CliRunner().invoke(app, ["inspect", photo, "-m", str(tmp_path / "both")])
    assert "--product: plate, woven" in str(bad.exception)


def test_many_products_by_one_call(tmp_path: Path) -> None:
    for name in ("plate", "woven"):
        write_dataset(tmp_path / "data" / name, name, good_train=4, good_test=1, per_kind=1)
    quick = DinomalySettings(encoder="efficientnet-lite0", input_px=64, depth=2, steps=2, batch=2, at_once=2)
    cards = {"woven": ProductCard(name="cloth", scale=Scale(mm_per_px=0.1))}
    inspector = seewhy.fit(tmp_path / "data", save=tmp_path / "m", detector="dinomaly", settings=quick, card=cards, alpha=0.5)
    assert list(inspector.products) == ["plate", "woven"]
    assert inspector.products["plate"] is inspector
    assert inspector.products["woven"].card.name == "cloth"
    loaded = seewhy.load(tmp_path / "m", product="plate", then=[(tmp_path / "m", "woven")])
    assert (loaded.card.name, loaded.alpha) == ("plate", 0.5)
    assert seewhy.load(tmp_path / "m", product="woven").card == cards["woven"]


def test_a_corrupt_photo_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    write_dataset(tmp_path / "plate", "plate", good_train=12, good_test=1, per_kind=1)
    broken = tmp_path / "plate" / "train" / "good" / "0009.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])
    quick = DinomalySettings(encoder="efficientnet-lite0", input_px=64, depth=2, steps=2, batch=2, at_once=2)
    with pytest.raises(BadImage, match=r"0009\.png"):
        seewhy.fit(tmp_path / "plate", save=tmp_path / "model", detector="dinomaly", settings=quick)
    assert not (tmp_path / "model").exists()
    broken.write_bytes(whole)
    seewhy.fit(tmp_path / "plate", save=tmp_path / "model", detector="dinomaly", settings=quick)
    assert ProductModel.load(tmp_path / "model").good_photos == 12


def test_a_photo_that_fails_while_others_are_encoded_costs_nothing_of_them(tmp_path: Path) -> None:
    class Breaks(list[Any]):
        def __getitem__(self, at: Any) -> Any:
            if at == 9:
                raise BadImage("truncated", "9.png is truncated", "copy it again")
            return super().__getitem__(at)

    quick = Dinomaly(DinomalySettings(encoder="efficientnet-lite0", input_px=64, depth=2, steps=2, batch=2, at_once=2))
    with pytest.raises(BadImage):
        quick.fit_products({"plate": Breaks(good("plate", i).pixels for i in range(12))}, cache=tmp_path)
    assert len(list(tmp_path.rglob("*.npy"))) == 9


def test_bfloat16_scores_nearly_the_same_and_saves_float32(family: tuple[Family, Path]) -> None:
    exact = family[0].detector
    by_torch = {name: value for name, value in exact.learned.items() if name != "network"}
    coarse = Dinomaly.from_files(replace(exact.settings, dtype="bfloat16"), by_torch, exact.files())
    for kind in ("stain", "pit"):
        pixels = defective("plate", kind, 4).pixels  # type: ignore[arg-type]
        assert coarse.score(pixels).score == pytest.approx(exact.score(pixels).score, rel=0.05)
    assert coarse.files()["restorer.safetensors"] == exact.files()["restorer.safetensors"]
