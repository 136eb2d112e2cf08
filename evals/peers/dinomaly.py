"""Our Dinomaly beside anomalib's: the same random weights and photos; parity and speed in one run.

Speed is measured on the paper's encoder (ViT-B/14 with registers, 392 px). Needs anomalib; weights are random, which changes no
speed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from seewhy.agent.machine.importing import import_weights
from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.encoders import VITS
from seewhy.detectors.dinomaly.feature_cache import FeatureCache
from seewhy.detectors.dinomaly.net import Restorer, cell_map, mining_loss, paper_map
from seewhy.detectors.dinomaly.optimiser import StableAdamW
from seewhy.detectors.dinomaly.settings import PAPERS, DinomalySettings
from seewhy.detectors.dinomaly.tokens import vit
from seewhy.detectors.weights import store
from seewhy.evals.run import measuring, timed
from seewhy.types import Pixels

THEIRS = {"dinov2-with-registers-small": "vit_small_patch14_reg4_dinov2", PAPERS: "vit_base_patch14_reg4_dinov2"}
BATCH, PHOTOS = 4, 16  # of a training step; of an epoch
TURNS = 5


@contextmanager
def random_weights(encoder: str, seed: int = 0) -> Iterator[dict[str, Tensor]]:
    """The encoder's random weights, imported into a weights folder of their own."""
    torch.manual_seed(seed)
    net = vit(VITS[encoder])
    for name, p in net.named_parameters():
        nn.init.normal_(p, 1.0 if "lambda1" in name or ("norm" in name and "weight" in name) else 0.0, 0.02)
    state = dict(net.state_dict())
    before = os.environ.get("SEEWHY_WEIGHTS")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEEWHY_WEIGHTS"] = f"{folder}/weights"
        save_file(state, f"{folder}/random.safetensors")
        import_weights(encoder, Path(folder) / "random.safetensors")
        try:
            yield state
        finally:
            store.forget()
            if before is None:
                del os.environ["SEEWHY_WEIGHTS"]
            else:
                os.environ["SEEWHY_WEIGHTS"] = before


def ours(encoder: str, **settings: Any) -> Dinomaly:
    """Ours with a decoder started from a seed, no bias where anomalib has none."""
    made = Dinomaly(DinomalySettings(encoder=encoder, **settings))
    torch.manual_seed(1)
    net = Restorer(made.trained.shape())
    with torch.no_grad():
        for name, p in net.named_parameters():
            if "norm" not in name:
                p.normal_(0, 0.05)
            if name in ("bottleneck.fc1.bias", "bottleneck.fc2.bias") or (".fc" in name and name.endswith("bias")):
                p.zero_()
    made.trained.net = net.eval()
    return made


def theirs(detector: Dinomaly, state: Mapping[str, Tensor]) -> Any:
    """anomalib's model with the same weights."""
    import timm
    from anomalib.models.image.dinomaly.torch_model import DinomalyModel

    real = timm.create_model
    timm.create_model = lambda *a, **k: real(*a, **{**k, "pretrained": False})
    try:
        made = DinomalyModel(encoder_name=THEIRS[detector._settings.encoder])
    finally:
        timm.create_model = real
    net: Any = next(m for m in made.encoder.modules() if hasattr(m, "patch_embed") and hasattr(m, "blocks"))
    net.load_state_dict(_timm_names(state, len(net.blocks)), strict=False)
    restorer = detector.trained.decoder()
    own = {name.removeprefix("bottleneck."): t for name, t in restorer.state_dict().items() if name.startswith("bottleneck.")}
    made.bottleneck[0].load_state_dict({k: v for k, v in own.items() if k in made.bottleneck[0].state_dict()})
    names = {"qkv": "attn.qkv", "proj": "attn.proj", "fc1": "mlp.fc1", "fc2": "mlp.fc2", "norm1": "norm1", "norm2": "norm2"}
    decoder = {}
    for key, value in restorer.state_dict().items():
        if key.startswith("decoder."):
            _, block, layer, what = key.split(".")
            decoder[f"{block}.{names[layer]}.{what}"] = value
    wanted = made.decoder.state_dict()
    made.decoder.load_state_dict({k: v for k, v in decoder.items() if k in wanted})
    return made.eval()


def _timm_names(state: Mapping[str, Tensor], blocks: int) -> dict[str, Tensor]:
    """transformers' names to timm's; timm's class token has its position added already."""
    e = "embeddings."
    made = {
        "cls_token": state[f"{e}cls_token"] + state[f"{e}position_embeddings"][:, :1],
        "reg_token": state[f"{e}register_tokens"],
        "pos_embed": state[f"{e}position_embeddings"][:, 1:],
        "patch_embed.proj.weight": state[f"{e}patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": state[f"{e}patch_embeddings.projection.bias"],
    }
    same = {"norm1": "norm1", "norm2": "norm2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2", "attn.proj": "attention.o_proj"}
    for i in range(blocks):
        own, at = f"blocks.{i}.", f"encoder.layer.{i}."
        for kind in ("weight", "bias"):
            parts = [state[f"{at}attention.{n}_proj.{kind}"] for n in "qkv"]
            made[f"{own}attn.qkv.{kind}"] = torch.cat(parts)
            made |= {f"{own}{mine}.{kind}": state[f"{at}{other}.{kind}"] for mine, other in same.items()}
        made |= {f"{own}ls{n}.gamma": state[f"{at}layer_scale{n}.lambda1"] for n in (1, 2)}
    return made


def images(detector: Dinomaly, count: int, seed: int = 0) -> tuple[list[Pixels], Tensor]:
    """Photos of noise at the network's size, and as anomalib's network takes them."""
    side = detector._settings.input_px
    photos = [np.random.default_rng([seed, i]).integers(0, 256, (side, side, 3)).astype(np.uint8) for i in range(count)]
    batch = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).float() / 255
    encoder: Any = detector.trained.encoder
    return photos, (batch - encoder._mean) / encoder._std


def compare(encoder: str, input_px: int) -> dict[str, float]:
    """Largest absolute differences of map, score, loss and gradient."""
    with random_weights(encoder) as state:
        mine = ours(encoder, input_px=input_px)
        other = theirs(mine, state)
        photos, batch = images(mine, 2)
        seen = mine.trained.encode(photos)
        restored = mine.trained.decoder()([m.clone() for m in seen.maps])
        before = mine.trained.encoder.prefix
        a, b = [m[:, before:].clone() for m in seen.maps], [r[:, before:] for r in restored]
        smooth, score = paper_map(cell_map(a, b, seen.grid), (input_px, input_px))
        with torch.no_grad():
            en, de = other.get_encoder_decoder_outputs(batch)
            answer = other(batch)
        loss = mining_loss(a, b, 0.45)
        loss.backward()  # type: ignore[no-untyped-call]
        other.bottleneck[0].drop.p = 0.0
        en2, de2 = other.get_encoder_decoder_outputs(batch)
        their_loss = other.loss_fn(encoder_features=en2, decoder_features=de2, global_step=500)
        their_loss.backward()
        mine_grad, their_grad = mine.trained.decoder().bottleneck.fc1.weight.grad, other.bottleneck[0].fc1.weight.grad

    def far(x: Tensor, y: Tensor) -> float:
        return float((x.detach() - y.detach()).abs().max())

    return {
        "encoder_groups": max(far(x, y.flatten(2).transpose(1, 2)) for x, y in zip(a, en, strict=True)),
        "decoder_groups": max(far(x, y.flatten(2).transpose(1, 2)) for x, y in zip(b, de, strict=True)),
        "score": far(score, answer.pred_score),
        "loss": far(loss, their_loss),
        "gradient": far(mine_grad, their_grad) / float(their_grad.abs().max()),  # type: ignore[arg-type]
        "map_range": float(smooth.detach().max()),
    }


def main(out: Path, turns: int = TURNS) -> None:
    """Dinomaly's training, and photos in fp32 and bf16 by torch, beside anomalib's on the paper's encoder, random weights, TURNS turns."""
    with measuring(out, {"weights": f"{PAPERS}, random", "turns": turns}, "anomalib", "open_clip_torch") as table:
        table.row("speed", speed, turns)


def speed(turns: int) -> dict[str, Any]:
    """Medians of turns taken alternately: one photo in fp32 and bf16, a training step, an epoch with and without kept features."""
    with random_weights(PAPERS) as state:
        mine, coarse = ours(PAPERS), ours(PAPERS, dtype="bfloat16")
        other = theirs(mine, state)
        photos, batch = images(mine, max(turns, BATCH))
        spent: dict[str, list[float]] = {name: [] for name in ("ours", "theirs", "ours_bf16", "ours_step", "theirs_step", "ours_bf16_step")}
        scores = list[tuple[float, float]]()
        step_ours, step_coarse = (_our_step(d, photos[:BATCH]) for d in (mine, coarse))
        step_theirs = _their_step(other, batch[:BATCH])
        mine.score(photos[0]), coarse.score(photos[0]), other.eval()(batch[:1]), step_ours(), step_coarse(), step_theirs()
        for i in range(turns):
            spent["ours"].append(timed(mine.score, photos[i])[1])
            with torch.inference_mode():
                spent["theirs"].append(timed(other.eval(), batch[i : i + 1])[1])
            spent["ours_bf16"].append(timed(coarse.score, photos[i])[1])
            scores.append((mine.score(photos[i]).score, coarse.score(photos[i]).score))
            spent["ours_step"].append(timed(step_ours)[1])
            spent["theirs_step"].append(timed(step_theirs)[1])
            spent["ours_bf16_step"].append(timed(step_coarse)[1])
        median = {name: float(np.median(values)) for name, values in spent.items()}
        epochs = _epochs(mine)
    return {
        "seconds_per_photo": {name: round(median[name], 4) for name in ("ours", "theirs", "ours_bf16")},
        "ratio_fp32": round(median["theirs"] / median["ours"], 3),
        "ratio_bf16": round(median["theirs"] / median["ours_bf16"], 3),
        "bf16_largest_change_of_score": round(max(abs(a - b) for a, b in scores), 6),
        "seconds_per_training_step": {name: round(median[f"{name}_step"], 3) for name in ("ours", "theirs", "ours_bf16")},
        "photos_per_training_step": BATCH,
        "ratio_training_step": round(median["theirs_step"] / median["ours_step"], 3),
        "ratio_training_step_bf16": round(median["theirs_step"] / median["ours_bf16_step"], 3),
        **epochs,
    }


def _our_step(mine: Dinomaly, photos: list[Pixels]) -> Callable[[], None]:
    """One training step, encoder and all, as `seewhy.detectors.dinomaly.training.train` does it."""
    net, before = deepcopy(mine.trained.decoder()), mine.trained.encoder.prefix
    own, coarse = StableAdamW(net.parameters()), mine._settings.dtype == "bfloat16"

    def step() -> None:
        net.train()
        seen = [m.clone() for m in mine.trained.encode(photos).maps]
        with torch.autocast("cpu", torch.bfloat16, enabled=coarse):
            restored = net(seen)
        loss = mining_loss([m[:, before:] for m in seen], [r[:, before:].float() for r in restored], 0.45)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(own.parameters, 0.1)
        own.step(1e-6)

    return step


def _their_step(other: Any, batch: Tensor) -> Callable[[], None]:
    """anomalib's, with its own optimiser."""
    from anomalib.models.image.dinomaly.components import StableAdamW as Theirs

    parts = nn.ModuleList([other.bottleneck, other.decoder])
    peer = Theirs([{"params": parts.parameters()}], lr=2e-3, betas=(0.9, 0.999), weight_decay=1e-4, amsgrad=True, eps=1e-8)

    def step() -> None:
        other.train()
        peer.zero_grad()
        other(batch, global_step=500).backward()
        nn.utils.clip_grad_norm_(parts.parameters(), 0.1)
        peer.step()
        other.eval()

    return step


def _epochs(mine: Dinomaly) -> dict[str, Any]:
    """Seconds of a round over the photos: the first, which encodes and keeps, and the next, which reads."""
    photos, _ = images(mine, PHOTOS, seed=7)
    net, before = mine.trained.decoder().train(), mine.trained.encoder.prefix
    own = StableAdamW(net.parameters())

    def round_(features: FeatureCache) -> None:
        for first in range(0, PHOTOS, BATCH):
            seen = features(range(first, first + BATCH))
            loss = mining_loss([m[:, before:] for m in seen], [r[:, before:] for r in net(seen)], 0.45)
            loss.backward()  # type: ignore[no-untyped-call]
            own.step(1e-6)

    with tempfile.TemporaryDirectory() as folder:
        features = mine.trained.features(Path(folder))
        first = timed(features.add, photos)[1] + timed(round_, features)[1]
        later = float(np.median([timed(round_, features)[1] for _ in range(3)]))
    net.eval()
    return {"first_epoch_s": round(first, 2), "later_epoch_s": round(later, 2), "ratio_later_epoch": round(first / later, 3)}
