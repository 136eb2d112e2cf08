"""Every model of the survey that runs through anomalib, fitted for real on a few photos, with stand-ins where its weights are not here."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.helpers.packages import needs
from tests.helpers.photos import png
from tests.helpers.servers import speaking

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.inspector import Inspection, Inspector
from seewhy.agent.machine.doctor import examine
from seewhy.agent.machine.importing import import_weights
from seewhy.agent.models.options import settings_for
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import decode
from seewhy.card import ProductCard
from seewhy.detectors import DETECTORS
from seewhy.detectors.anomalib.building import built, registered
from seewhy.detectors.anomalib.detector import Anomalib, AnomalibSettings, named
from seewhy.detectors.anomalib.from_disk import from_disk
from seewhy.detectors.anomalib.models import MODELS
from seewhy.detectors.anomalib.room import check_room, in_place
from seewhy.detectors.anomalib.training import quiet, seeded
from seewhy.detectors.weights import datasets, store
from seewhy.errors import BadData, BadModel, MissingWeights, UnknownName, WeightsMismatch
from seewhy.evals.run import alone, peak_mib, resident_mib
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.types import Pixels, ScoreMap

pytestmark = [pytest.mark.slow, needs("anomalib")]


SMALL: dict[str, dict[str, Any]] = {
    "padim": {"options": {"n_features": 20}},
    "cflow": {"options": {"coupling_blocks": 2}},
    "fastflow": {"options": {"flow_steps": 2}},
    "csflow": {"options": {"n_coupling_blocks": 1, "cross_conv_hidden_channels": 64}, "input_px": 128},
    "uflow": {"options": {"backbone": "resnet18", "flow_steps": 1}},
    "stfpm": {"epochs": 2},
    "fre": {"options": {"latent_dim": 16}, "epochs": 2},
    "dfkde": {"options": {"n_pca_components": 2}},
    "reverse_distillation": {"options": {"backbone": "resnet18"}, "input_px": 128},
    "efficient_ad": {"options": {"teacher_out_channels": 64}},
    "ganomaly": {"options": {"n_features": 8}, "input_px": 64},
    "draem": {"input_px": 64},
    "dsr": {"input_px": 64},
    "cfa": {"options": {"backbone": "resnet18"}, "input_px": 128},
    "winclip": {"options": {"class_name": "casting", "scales": [14]}},
    "dinomaly": {"options": {"encoder_name": "vit_small_patch14_reg4_dinov2"}},
    "uninet": {"options": {"student_backbone": "resnet50", "teacher_backbone": "resnet50"}, "input_px": 64},
}
SMALL_CLIP = {  # under the name of the network that anomalib's WinCLIP asks for, which has 800 MB of random numbers
    "embed_dim": 64,
    "vision_cfg": {"image_size": 240, "layers": 2, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2},
}
TELLS = ("padim", "patchcore", "dfm", "stfpm")  # with real weights and a minute of training these see the stain


def small(model: str) -> AnomalibSettings:
    given = SMALL.get(model, {})
    return AnomalibSettings(**{"epochs": 1, **given, "options": {**MODELS[model].lite, **given.get("options", {})}, "stand_ins": True})


@dataclass(frozen=True)
class Fitted:
    folder: Path
    name: str
    weights: tuple[str, ...]
    other: ScoreMap
    bad: ScoreMap
    stain: Inspection


@pytest.fixture(scope="module")
def all_fitted() -> Iterator[dict[str, Fitted]]:
    """All that need no server, saved; they go again with this file's last test."""
    with tempfile.TemporaryDirectory() as folder:
        yield fit_all(Path(folder))


def fit_all(where: Path) -> dict[str, Fitted]:
    import open_clip

    photos = [decode(png(good("cast", i).pixels), f"{i}.png") for i in range(4)]
    stain, other = defective("cast", "stain", 4), good("cast", 51).pixels
    with warnings.catch_warnings(action="ignore"):  # anomalib imports what is deprecated
        prompting = import_module("anomalib.models.image.winclip.prompting")
    made = {}
    for model in MODELS:
        if model == "vlm_ad":
            continue
        folder = where / model
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(prompting, "TEMPLATES", ["a photo of a {}."])  # 21 sentences of random words say no more, and take a minute
            patch.setattr(datasets, "TEXTURES", 8)
            patch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-B-16-plus-240", SMALL_CLIP)
            fitted = ProductModel.fit(photos, named(model)(small(model)), product="part", alpha=0.2).save(folder)
        detector, names = fitted.detector, tuple(w.name for w in fitted.detector.weights)
        inspection = Inspector(fitted, alpha=0.2).inspect(decode(png(stain.pixels), "stain.png"))
        made[model] = Fitted(folder, detector.name, names, detector.score(other), detector.score(stain.pixels), inspection)
    return made


@pytest.fixture(scope="module")
def loaded(all_fitted: dict[str, Fitted], tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What each saved model says of the stain in a new process."""
    photo = tmp_path_factory.mktemp("photo") / "photo.npy"
    np.save(photo, defective("cast", "stain", 4).pixels)
    code = (
        "import json, sys, numpy as np, open_clip; from pathlib import Path\n"
        "from seewhy.agent.models.product import ProductModel\n"
        "pixels, open_clip.factory._MODEL_CONFIGS['ViT-B-16-plus-240'] = np.load(sys.argv[1]), json.loads(sys.argv[2])\n"
        "print(json.dumps({p: ProductModel.load(Path(p)).detector.score(pixels).score for p in sys.argv[3:]}))"
    )
    words = [photo, json.dumps(SMALL_CLIP), *(str(f.folder) for f in all_fitted.values())]
    said = subprocess.run([sys.executable, "-W", "ignore", "-c", code, *words], capture_output=True, text=True, check=True)
    scores = json.loads(said.stdout)
    return {model: scores[str(f.folder)] for model, f in all_fitted.items()}


@pytest.mark.parametrize("model", [m for m in MODELS if m != "vlm_ad"])
def test_every_model_keeps_the_contract(model: str, all_fitted: dict[str, Fitted], loaded: dict[str, float]) -> None:
    """A finite map at the photo's size, what stood in for what, and the same score after save and load in a new process."""
    fitted = all_fitted[model]
    assert fitted.bad.values.shape == good("cast", 51).pixels.shape[:2]
    assert np.isfinite(fitted.bad.values).all()
    if MODELS[model].whole_only:
        assert np.ptp(fitted.bad.values) == 0
    assert loaded[model] == pytest.approx(fitted.bad.score, rel=1e-4, abs=1e-9)
    real = all(store.present(w) for w in fitted.weights if not w.startswith("stand-in") and w != "textures")
    assert real
    stands_in = any(w.startswith("stand-in") or w == "textures" for w in fitted.weights)
    assert stands_in == fitted.name.endswith(" with stand-ins")
    assert stands_in == (not MODELS[model].lite and bool(MODELS[model].weights or MODELS[model].datasets))
    if model in TELLS:
        assert fitted.bad.score > fitted.other.score


def test_no_model_leaves_a_pickle(all_fitted: dict[str, Fitted]) -> None:
    for fitted in all_fitted.values():
        assert {p.suffix for p in fitted.folder.rglob("*") if p.is_file()} <= {
            ".json",
            ".safetensors",
            ".jpg",
            ".faiss",
            ".xml",
            ".bin",
        }  # the last two are OpenVINO's


@pytest.mark.parametrize("model", [m for m in MODELS if m != "vlm_ad"])
def test_records_and_reports_are_as_for_any_detector(model: str, all_fitted: dict[str, Fitted], tmp_path: Path) -> None:
    """And say what stood in for what."""
    fitted = all_fitted[model]
    record = fitted.stain.record
    assert record.provenance.detector == fitted.name
    assert [w["name"] for w in record.provenance.weights] == list(fitted.weights)
    assert record.detectors[-1].because.text.startswith(f"{fitted.name} spoke")
    assert record.decision.score.value == pytest.approx(fitted.bad.score, rel=1e-3, abs=1e-9)
    if record.decision.anomalous:
        assert record.findings
    page = fitted.stain.report(tmp_path / "stain.html").read_text(encoding="utf-8")
    assert fitted.name in page
    for name in fitted.weights:
        assert name in page


def test_whatever_else_anomalib_has_runs_by_its_name() -> None:
    others = set(registered()) - set(MODELS)
    assert others
    detector = DETECTORS.get("anomalib/mh_patchcore")(
        AnomalibSettings(options={**MODELS["patchcore"].lite, "memory_bank_size": 50, "local_coreset_size": 20}, batch=2)
    )
    detector.fit([good("cast", i).pixels for i in range(4)])
    assert np.isfinite(detector.score(good("cast", 9).pixels).values).all()
    with pytest.raises(UnknownName, match="did you mean 'padim'"):
        DETECTORS.get("anomalib/padin")()


def test_patchcore_says_what_memory_it_needs_before_it_learns() -> None:
    with tempfile.TemporaryDirectory() as folder, quiet():
        module, _ = built("patchcore", {**MODELS["patchcore"].lite, "coreset_sampling_ratio": 0.1}, 0, "refuse", Path(folder))
        other, _ = built("stfpm", MODELS["stfpm"].lite, 0, "refuse", Path(folder))
    needed = check_room(module, 1000, "anomalib/patchcore", free_bytes=16 << 30)  # 1,024 patches of length 152 each
    assert needed == pytest.approx(
        1_024_000 * (152 + 2 * 341 + 2 + 0.2 * 152) * 4
    )  # projected to 341 dimensions, which are subtracted from
    assert module.model.embedding_store == []  # the empty photo isn't learned
    assert check_room(other, 1000, "anomalib/stfpm", free_bytes=0) == 0
    with pytest.raises(
        BadData, match=r"1,024,000 patches of 1000 good photos.* 3\.3 GiB of memory, and 3\.2 GiB are free; give fewer photos"
    ):
        check_room(module, 1000, "anomalib/patchcore", free_bytes=int(3.2 * 2**30))


def test_patchcore_chooses_as_anomalib_does_in_the_memory_that_it_says() -> None:
    from anomalib.models.components import KCenterGreedy

    rows = torch.randn(3000, 40, generator=torch.Generator().manual_seed(0))
    with seeded(1), quiet():
        theirs = KCenterGreedy(embedding=rows, sampling_ratio=0.1).select_coreset_idxs()
    with seeded(1), quiet(), in_place():
        sampler = KCenterGreedy(embedding=rows, sampling_ratio=0.1)
        assert sampler.select_coreset_idxs() == theirs
    assert KCenterGreedy.update_distances.__module__.startswith("anomalib")
    photos = [good("cast", i).pixels for i in range(8)]
    settings = AnomalibSettings(options={**MODELS["patchcore"].lite, "coreset_sampling_ratio": 0.1})
    more = alone(fitted_mib, settings, photos)
    assert more < 1000  # of 8,192 patches; it was 4,800


def fitted_mib(settings: AnomalibSettings, photos: list[Pixels]) -> float:
    detector, before = named("patchcore")(settings), resident_mib()
    detector.fit(photos)
    return peak_mib() - before


def test_what_is_missing_is_named_and_nothing_is_fetched() -> None:
    photos = [good("cast", i).pixels for i in range(2)]
    for model, what in {"padim": "timm-resnet18.a1_in1k", "cfa": "torchvision-wide_resnet50_2-9ba9bcbe.pth", "draem": "dtd"}.items():
        with pytest.raises(MissingWeights, match=f"{what}.*seewhy weights import"):
            named(model)().fit(photos)


def test_imported_weights_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of timm and of torchvision: their own networks' tensors, through the file that was imported."""
    import timm
    import torchvision

    monkeypatch.setenv("SEEWHY_WEIGHTS", str(tmp_path / "weights"))
    torch.manual_seed(3)
    theirs = {"timm-resnet18.a1_in1k": timm.create_model("resnet18"), "torchvision-resnet18-0123abcd.pth": torchvision.models.resnet18()}
    for name, net in theirs.items():
        save_file(net.state_dict(), tmp_path / "net.safetensors")
        if name.startswith("torchvision"):
            with pytest.raises(WeightsMismatch, match="expected 0123abcd"):
                import_weights(name, tmp_path / "net.safetensors")
            name = "torchvision-resnet18.pth"
        import_weights(name, tmp_path / "net.safetensors")
    with from_disk() as given:
        made = timm.create_model("resnet18", pretrained=True, features_only=True)
    assert torch.equal(made.conv1.weight, theirs["timm-resnet18.a1_in1k"].conv1.weight)
    assert [w.name for w in given.used] == ["timm-resnet18.a1_in1k"]
    with from_disk() as given, pytest.raises(WeightsMismatch, match="another architecture"):
        given.fill(timm.create_model("resnet50"), "timm-resnet18.a1_in1k", "here")


def test_a_data_set_is_known_by_its_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEWHY_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadData, match="holds no picture"):
        datasets.import_dataset("dtd", tmp_path / "empty")
    monkeypatch.setattr(datasets, "TEXTURES", 8)
    datasets.textures(tmp_path / "dtd")
    kept = datasets.import_dataset("dtd", tmp_path / "dtd")
    assert kept.revision == f"{datasets.TEXTURES} pictures"
    assert datasets.dataset("dtd") == (tmp_path / "dtd", kept)
    detector = named("draem")(AnomalibSettings(epochs=1, input_px=64))
    detector.fit([good("cast", i).pixels for i in range(2)])
    assert (detector.name, detector.weights) == ("anomalib/draem", (kept,))
    next((tmp_path / "dtd").rglob("*.png")).write_bytes(b"other")
    with pytest.raises(WeightsMismatch, match="was changed"):
        datasets.dataset("dtd")


def test_a_vlm_is_asked_through_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its yes is a score of one for the photo as a whole; an answer that is neither is an error, not a pass."""
    said = ["No, all is well."]
    with speaking(lambda *_: {"choices": [{"index": 0, "message": {"role": "assistant", "content": said[-1]}}]}) as (url, server):
        monkeypatch.setenv("OPENAI_API_KEY", "a-secret")
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        photos = [decode(png(good("cast", i).pixels), f"{i}.png") for i in range(2)]
        model = ProductModel.fit(photos, named("vlm_ad")(), product="part").save(tmp_path / "model")
        assert b"a-secret" not in (tmp_path / "model/manifest.json").read_bytes()
        detector: Any = ProductModel.load(tmp_path / "model").detector
        stain = defective("cast", "stain", 4).pixels
        assert detector.score(stain).score == 0
        said.append("**YES**: a stain")
        scored = detector.score(stain)
        assert (scored.score, float(np.ptp(scored.values))) == (1.0, 0.0)
        said.append("It depends.")
        with pytest.raises(BadModel, match="neither yes nor no"):
            detector.score(stain)
        assert server.requests[-1]["model"] == "gpt-4o-mini"
    assert model.detector.name == "anomalib/vlm_ad"
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(BadData, match="set OPENAI_BASE_URL in the environment"):
        named("vlm_ad")().fit([good("cast", 1).pixels])
    with pytest.raises(BadData, match="OPENAI_API_KEY"):
        named("vlm_ad")(AnomalibSettings(options={"api_key": "secret"}))


class Broken(Anomalib):
    """Padim that forgets its mean where it is saved."""

    model = "padim"

    def _loaded(self, data: bytes) -> Any:
        module = super()._loaded(data)
        module.model.gaussian.mean += 5
        return module


def test_a_model_that_saving_would_change_is_refused() -> None:
    with pytest.raises(BadModel, match="keeps something beside its tensors"):
        Broken(small("padim")).fit([good("cast", i).pixels for i in range(3)])


def test_a_detector_that_fails_at_fit_hands_over(tmp_path: Path) -> None:
    folder = tmp_path / "good"
    folder.mkdir()
    for i in range(4):
        (folder / f"{i}.png").write_bytes(png(good("cast", i).pixels))
    inspector = fit(
        folder,
        detector="anomalib/cflow,anomalib/padim,anomalib/patchcore",
        settings=settings_for("anomalib/patchcore", encoder="efficientnet-lite0")
        | {"anomalib/cflow": AnomalibSettings(options={**MODELS["cflow"].lite, "coupling_blocks": -1})},
        alpha=0.2,
    )
    record = inspector.inspect(folder / "0.png").record
    failed, missing, spoke = record.detectors
    assert "anomalib/cflow did not speak" in failed.because.text
    assert "anomalib/padim did not speak: the weights 'timm-resnet18.a1_in1k' are not on this machine" in missing.because.text
    assert (spoke.name, spoke.spoke) == ("anomalib/patchcore/tf_efficientnet_lite0", True)


def test_settings_from_the_command_line() -> None:
    made = settings_for("anomalib/padim", encoder="efficientnet-lite0", options=["n_features=20", "backbone=x"], epochs=2, stand_ins=True)
    assert made["anomalib/padim"] == AnomalibSettings(
        epochs=2, options={**MODELS["padim"].lite, "n_features": 20, "backbone": "x"}, stand_ins=True
    )
    with pytest.raises(BadData, match="can't take --encoder"):
        settings_for("anomalib/fastflow", encoder="efficientnet-lite0")
    with pytest.raises(BadData, match="name=value"):
        settings_for("anomalib/padim", options=["n_features"])
    with pytest.raises(BadData, match="can't be made with"):
        named("padim")(AnomalibSettings(options={"colour": 1}, stand_ins=True)).fit([good("cast", 1).pixels])
    card = ProductCard(name="part", description="a cast bracket")
    assert named("winclip").from_card(card)._settings.options["class_name"] == "a cast bracket"


def test_doctor_says_what_would_run_and_what_the_others_miss(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEEWHY_WEIGHTS", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said = {c.what.removeprefix("detector "): (c.found, c.remedy) for c in examine() if c.what.startswith("detector ")}
    assert said["patchcore"] == ("would run", "")
    assert said["anomalib/ganomaly"] == ("would run", "")
    assert said["anomalib/padim"] == ("would run with --encoder efficientnet-lite0", "seewhy weights import timm-resnet18.a1_in1k FILE")
    assert said["anomalib/draem"] == ("", "seewhy weights import dtd FOLDER")
    assert said["anomalib/vlm_ad"] == ("", "set OPENAI_API_KEY in the environment")


def test_the_kind_leads_back_to_the_class() -> None:
    detector = named("padim")(AnomalibSettings(options={"backbone": "resnet18"}, stand_ins=True))
    assert (detector.kind, detector.name) == ("anomalib/padim", "anomalib/padim/resnet18")
    assert DETECTORS.get(detector.kind).model == "padim"
