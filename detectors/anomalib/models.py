"""The models of the survey that run through anomalib: what each is, and what it wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PREFIX = "anomalib/"  # before their names


@dataclass(frozen=True, slots=True)
class Model:
    """One model."""

    name: str  # of its folder in anomalib
    paradigm: str
    paper: str
    epochs: int  # as the paper or its code trains; 0: it isn't trained
    weights: tuple[str, ...] = ()  # all of them, in the weights table; an own backbone asks for others
    datasets: tuple[str, ...] = ()
    batch: int = 8
    whole_only: bool = False  # it has no score map: the photo as a whole is strange or not
    needs: str = "a few dozen good photos"
    packages: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()  # of the environment
    options: Mapping[str, Any] = field(default_factory=dict)  # beside anomalib's own defaults
    lite: Mapping[str, Any] = field(default_factory=dict)  # options with which it runs on EfficientNet-lite0, whose weights pip brings


WIDE, RESNET18, RESNET50 = "timm-wide_resnet50_2.racm_in1k", "timm-resnet18.a1_in1k", "timm-resnet50.a1_in1k"
TV_WIDE = "torchvision-wide_resnet50_2-9ba9bcbe.pth"
MANY = "a hundred good photos or more, training"
LITE = "efficientnet-lite0"  # in the weights table


def _lite(*layers: int, name: str = "layers", **more: Any) -> dict[str, Any]:
    """EfficientNet-lite0 as timm calls it, and its blocks."""
    blocks = [f"blocks.{n}" for n in layers]
    return {"backbone": "tf_efficientnet_lite0", name: blocks if name == "layers" else blocks[0], **more}


BANK, FLOW, STUDENT, REBUILD, DRAWN, WORDS = (
    "memory bank or distribution of features",
    "normalising flow",
    "teacher and student",
    "reconstruction",
    "drawn defects",
    "words",
)
MODELS: Mapping[str, Model] = {
    m.name: m
    for m in (
        Model("padim", BANK, "Defard et al., ICPR 2021", 1, (RESNET18,), lite=_lite(1, 2, 4, n_features=100)),
        Model("patchcore", BANK, "Roth et al., CVPR 2022", 1, (WIDE,), lite=_lite(2, 4)),
        Model("dfkde", BANK, "Akcay et al., ICIP 2022 (anomalib)", 1, (RESNET18,), whole_only=True, lite=_lite(4)),
        Model("cflow", FLOW, "Gudovskiy et al., WACV 2022", 50, (WIDE,), needs=MANY, lite=_lite(2, 4)),
        Model("fastflow", FLOW, "Yu et al., 2021", 500, (RESNET18,), batch=32, needs=MANY),
        Model(
            "csflow", FLOW, "Rudolph et al., WACV 2022", 240, ("torchvision-efficientnet_b5_lukemelas-1a07897c.pth",), batch=16, needs=MANY
        ),
        Model(
            "uflow", FLOW, "Tailanian et al., 2023", 200, ("timm-cait_m48_448.fb_dist_in1k", "timm-cait_s24_224.fb_dist_in1k"), needs=MANY
        ),
        Model("stfpm", STUDENT, "Wang et al., BMVC 2021", 100, (RESNET18,), batch=32, needs=MANY, lite=_lite(1, 2, 4)),
        Model("fre", REBUILD, "Ndiour et al., 2023", 220, (RESNET50,), batch=32, needs=MANY, lite=_lite(4, name="layer", input_dim=7168)),
        Model("reverse_distillation", STUDENT, "Deng and Li, CVPR 2022", 200, (WIDE,), batch=16, needs=MANY),
        Model(
            "efficient_ad", STUDENT, "Batzner et al., WACV 2024", 300, ("efficientad-teacher-small",), ("imagenette",), batch=1, needs=MANY
        ),
        Model("ganomaly", REBUILD, "Akcay et al., ACCV 2018", 100, batch=32, whole_only=True, needs=MANY),
        Model("draem", DRAWN, "Zavrtanik et al., ICCV 2021", 700, (), ("dtd",), needs=MANY),
        Model("dsr", DRAWN, "Zavrtanik et al., ECCV 2022", 700, ("dsr-vq-128-4096",), needs=MANY),
        Model("dfm", BANK, "Ahuja et al., 2019", 1, (RESNET50,), lite=_lite(4, name="layer")),
        Model("cfa", BANK, "Lee et al., IEEE Access 2022", 30, (TV_WIDE,), batch=4),
        Model("winclip", WORDS, "Jeong et al., CVPR 2023", 0, ("clip-ViT-B-16-plus-240",), needs="words", packages=("open_clip_torch",)),
        Model("dinomaly", REBUILD, "Guo et al., CVPR 2025", 100, ("timm-vit_base_patch14_reg4_dinov2.lvd142m",), needs=MANY),
        Model(
            "vlm_ad",
            WORDS,
            "anomalib; answers of a VLM",
            0,
            whole_only=True,
            needs="a VLM server, whose every answer is a verdict: it rejects many good parts",
            packages=("openai",),
            variables=("OPENAI_API_KEY", "OPENAI_BASE_URL"),
            options={"model": "gpt-4o-mini"},
        ),
        Model("supersimplenet", DRAWN, "Rolih et al., ICPR 2024", 300, ("wide-resnet50-2",), needs=MANY, lite=_lite(2, 4)),
        Model("uninet", STUDENT, "Wei et al., CVPR 2025", 100, (TV_WIDE,), needs=MANY),
    )
}
