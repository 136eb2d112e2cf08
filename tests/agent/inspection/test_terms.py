"""A model keeps the card, the policy and the rate that it was fitted with; what a door gives instead is told in the record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from PIL import Image
from tests.helpers.photos import ALPHA, SMALL
from tests.helpers.servers import speaking
from tests.helpers.vlm import saying
from typer.testing import CliRunner

import seewhy
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.lots.owed import explain_missing
from seewhy.agent.photos.layouts import read_layout
from seewhy.card import ProductCard
from seewhy.cli import app
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import good
from seewhy.explainers.client import Server
from seewhy.explainers.vlm import VlmWords
from seewhy.record import InspectionRecord

POLICY = {
    "name": "all minor",
    "version": "7",
    "rules": [{"id": "A1", "when": {}, "severity": "minor", "verdict": "fail", "because": "any"}],
}


@pytest.fixture(scope="module")
def fitted(card: ProductCard, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model fitted with a card, a policy and a rate of its own, by the command line."""
    folder = tmp_path_factory.mktemp("terms")
    (folder / "good").mkdir()
    for i in range(24):
        Image.fromarray(good("plate", i).pixels).save(folder / "good" / f"{i}.png")
    (folder / "card.yaml").write_text(yaml.safe_dump(json.loads(card.model_dump_json())), encoding="utf-8")
    (folder / "policy.yaml").write_text(yaml.safe_dump(POLICY), encoding="utf-8")
    words = ["fit", folder / "good", "--card", folder / "card.yaml", "--policy", folder / "policy.yaml", "--alpha", ALPHA]
    words += ["--option", "input_px=192", "--option", "bank_rows=600", "--option", "candidate_rows=4000", "--detector", "patchcore"]
    run = CliRunner().invoke(app, [*map(str, words), "-o", str(folder / "model")])
    assert run.exit_code == 0, run.output
    return folder / "model"


@pytest.mark.slow
def test_what_was_fitted_with_holds(fitted: Path, photos: Path, card: ProductCard) -> None:
    record = seewhy.load(fitted).inspect(photos / "scratch.png").record
    assert (record.product, record.decision.alpha, record.provenance.card_sha256) == ("plate", ALPHA, card.sha256)
    assert (record.provenance.policy_name, record.provenance.policy_version) == ("all minor", "7")
    assert {f.ruling.rule for f in record.findings} == {"A1"}
    assert record.findings[0].measured.size.feret_mm.value is not None
    assert record.provenance.overrides == ()


@pytest.mark.slow
def test_an_override_is_told(fitted: Path, photos: Path) -> None:
    record = seewhy.load(fitted, alpha=0.2, card=ProductCard(name="other")).inspect(photos / "scratch.png").record
    assert (record.product, record.decision.alpha) == ("other", 0.2)
    assert [s.key for s in record.provenance.overrides] == ["override.card", "override.alpha"]
    assert "0.2" in record.provenance.overrides[1].text
    again = InspectionRecord.model_validate_json(record.model_dump_json())
    assert again.content_sha256 == record.content_sha256


@pytest.mark.slow
def test_words_that_are_owed_need_neither_card_nor_policy(fitted: Path, photos: Path, tmp_path: Path) -> None:
    with speaking(lambda _r, _s: 500) as (url, _), Ledger(tmp_path / "l.sqlite") as ledger:
        run_batch(seewhy.load(fitted, explainer=VlmWords(Server(url=url, retries=0, timeout_s=5.0))), read_layout(photos), ledger, lot="A")
    with speaking(saying(type="pit", form="spot")) as (url, server), Ledger(tmp_path / "l.sqlite") as ledger:
        filled = explain_missing(ledger, VlmWords(Server(url=url, timeout_s=5.0)))
        assert filled.explained == filled.findings > 0
        assert "K-1" in json.dumps(server.requests[0])  # the card's own knowledge was offered
        records = [e for e in entries(ledger) if isinstance(e, InspectionRecord)]
        assert {f.ruling.rule for r in records for f in r.findings} == {"A1"}
        assert ledger.verify().intact


def test_a_card_is_of_one_product(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "data" / name / "train" / "good").mkdir(parents=True)
        for i in range(3):
            Image.fromarray(good("plate", i).pixels).save(tmp_path / "data" / name / "train" / "good" / f"{i}.png")
    with pytest.raises(BadData, match="give cards by product"):
        seewhy.fit(tmp_path / "data", card=ProductCard(name="a"), detector="dinomaly")
    with pytest.raises(BadData, match="patchcore learns one product, and there are 2"):
        seewhy.fit(tmp_path / "data", detector="patchcore", settings=SMALL)
