"""A card, and an inspector that asks a server."""

from __future__ import annotations

from typing import Any

from seewhy.agent.inspection.inspector import Inspector
from seewhy.card import DefectType, Part, ProductCard
from seewhy.explainers.client import Server
from seewhy.explainers.vlm import VlmSettings, VlmWords
from seewhy.record import InspectionRecord
from tests.helpers.photos import ALPHA
from tests.helpers.servers import GOOD, Behaviour, kind_of, obedient

CARD = ProductCard(
    name="plate",
    description="a machined plate",
    defects=(
        DefectType(name="scratch", shape=("line",)),
        DefectType(name="pit", shape=("spot",), tone=("darker",)),
        DefectType(name="stain"),
        DefectType(name="leak", zones=("seal",)),
    ),
    parts=(Part(name="seal", box=(0.97, 0.97, 1, 1)),),
    processes=("machining",),
)


def asking(inspector: Inspector, url: str, settings: VlmSettings | None = None, **server: Any) -> Inspector:
    words = VlmWords(Server(url=url, **({"timeout_s": 5.0} | server)), settings)
    return Inspector(inspector.model, card=CARD, alpha=ALPHA, explainer=words)


def saying(**fields: Any) -> Behaviour:
    return lambda request, _: GOOD | {"form": "patch", "type": "stain"} | fields if kind_of(request) == "describe" else obedient(request)


def verdicts(record: InspectionRecord) -> list[Any]:
    return [record.verdict.value, record.severity.value, *((f.ruling.verdict.value, f.ruling.severity.value) for f in record.findings)]
