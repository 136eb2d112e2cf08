"""Settings from the command line: any field of any detector, typed, and never silently unused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from seewhy.agent.models.options import settings_for
from seewhy.detectors.catalogue import ENSEMBLE, FAMILY, OWN, Row
from seewhy.detectors.settings import plain
from seewhy.errors import BadData, UnknownName


@pytest.mark.parametrize(
    ("detector", "option", "value"),
    [
        ("patchcore", "bank_rows=300", 300),
        ("patchcore", "max_shrink=2", 2.0),
        ("patchcore", "unit_length=false", False),
        ("patchcore", "turns=no", "no"),
        ("patchcore", "layers=4,5", (4, 5)),
        ("patchcore", "layers=[4]", (4,)),
        ("mutual", "pools=1,3", (1, 3)),
        ("dinomaly", "attention=softmax", "softmax"),
        ("template", "edge_px=4", 4),
        ("winclip", "shots=2", 2),
        ("winclip", "shots=null", None),
        ("winclip", "prompt=3", "3"),
        ("winclip", "defects=scratch,dent", ("scratch", "dent")),
        ("anomalib/padim", "batch=4", 4),
        ("anomalib/padim", "layers=[1]", {"layers": [1]}),
    ],
)
def test_an_option_has_its_fields_type(detector: str, option: str, value: Any) -> None:
    name = option.partition("=")[0]
    made = settings_for(detector, options=[option])[detector]
    assert getattr(made, "options" if isinstance(value, dict) else name) == value


@pytest.mark.parametrize("row", OWN, ids=lambda row: row.name)
def test_every_field_of_every_detector_can_be_given(row: Row) -> None:
    usual = row.settings_from({})
    given = [f"{f.name}={_said(plain(usual)[f.name])}" for f in fields(usual)]
    assert settings_for(row.name, options=given) == {row.name: usual}


def _said(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) and value else "null" if value is None else str(value).replace(" ", "")


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(BadData, match=r"patchcore can't take bank_rows=many: the setting bank_rows can't be 'many'"):
        settings_for("patchcore", options=["bank_rows=many"])
    with pytest.raises(UnknownName, match="no option of patchcore is called 'bank_row'; did you mean 'bank_rows'"):
        settings_for("patchcore", options=["bank_row=3"])
    with pytest.raises(UnknownName, match="there is edge_px, learned_level, level, thinnest_px"):
        settings_for("template", options=["colour=red"])
    with pytest.raises(UnknownName, match="no detector is called 'patchcor'"):
        settings_for("patchcor")
    with pytest.raises(BadData, match="name=value"):
        settings_for("patchcore", options=["bank_rows"])
    with pytest.raises(UnknownName, match="no option of template is called 'steps'"):
        settings_for("template", steps=5)


def test_of_several_those_take_an_option_that_have_it() -> None:
    both = settings_for("patchcore+template", options=["bank_rows=300", "level=0.4"])
    assert (both["patchcore"].bank_rows, both["template"].level) == (300, 0.4)
    chain = settings_for("anomalib/padim,patchcore", options=["bank_rows=300", "n_features=20"], input_px=128)
    assert chain["anomalib/padim"].options == {"n_features": 20}
    assert [s.input_px for s in chain.values()] == [128, 128]
    assert settings_for("auto") == {}
    assert set(settings_for("auto", options=["bank_rows=300"])) == {"patchcore"}
    with pytest.raises(UnknownName, match="no option of"):
        settings_for("auto", options=["bank_row=300"])


def test_flags_are_options() -> None:
    flags = settings_for("dinomaly", encoder="efficientnet-lite0", steps=20, dtype="bfloat16", at_once=4)
    assert flags == settings_for("dinomaly", options=["encoder=efficientnet-lite0", "steps=20", "dtype=bfloat16", "at_once=4"])
    with pytest.raises(BadData, match="dinomaly can't take dtype=half"):
        settings_for("dinomaly", dtype="half")


def test_rows_that_stand_for_others_name_their_settings() -> None:
    assert [type(row.settings_from({})).__name__ for row in (ENSEMBLE, FAMILY)] == ["EnsembleSettings", "AnomalibSettings"]
