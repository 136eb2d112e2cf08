"""What other distributions plug in: found by entry points, told where it is broken, never in the way of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from seewhy.agent.machine.doctor import examine
from seewhy.agent.models.choice import choose
from seewhy.detectors.catalogue import DETECTORS, TABLE, row_of, rows
from seewhy.errors import BrokenPlugin, UnknownName
from seewhy.explainers import EXPLAINERS
from seewhy.registry import Entry, Registry
from seewhy.reports import REPORTS

WORKS = """
from seewhy.detectors.catalogue import Row

class Spots:
    row = Row(name="spots", settings="plugged_spots:Settings", auto=("no_such_reason",))
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with six distributions as pip leaves them."""
    plugs = {
        "spots-plug": ("seewhy.detectors", "spots = plugged_spots:Spots", WORKS),
        "broken-plug": ("seewhy.detectors", "broken = plugged_broken:Broken", "raise RuntimeError('out of order')"),
        "rowless-plug": ("seewhy.detectors", "rowless = plugged_rowless:Rowless", "class Rowless: pass"),
        "copy-plug": ("seewhy.detectors", "patchcore = plugged_copy:Copy", "class Copy: pass"),
        "twin-one": ("seewhy.reports", "txt = plugged_one:One", "class One: pass"),
        "twin-two": ("seewhy.reports", "txt = plugged_two:Two", "class Two: pass"),
    }
    for name, (group, line, code) in plugs.items():
        facts = tmp_path / f"{name.replace('-', '_')}-1.2.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (facts / "entry_points.txt").write_text(f"[{group}]\n{line}\n")
        module = line.partition("= ")[2].partition(":")[0]
        (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_without_a_group_nothing_is_plugged_in() -> None:
    registry = Registry("thing", {"one": Entry("seewhy.types:Box")})
    assert registry.plugins() == ()
    assert registry.get("one").__name__ == "Box"


@pytest.mark.usefixtures("installed")
def test_a_plug_in_is_found_by_name_with_its_distribution() -> None:
    assert DETECTORS.get("spots").__name__ == "Spots"
    assert row_of("spots").name == "spots"
    assert DETECTORS.plugin_versions("spots") == {"spots-plug": "1.2"}
    assert DETECTORS.plugin_versions("patchcore") == {}
    assert [row.name for row in rows()[len(TABLE) :]] == ["spots"]
    with pytest.raises(UnknownName, match="did you mean 'spots'"):
        DETECTORS.get("spot")


@pytest.mark.usefixtures("installed")
def test_a_broken_plug_in_is_told_and_breaks_nothing_else() -> None:
    with pytest.raises(BrokenPlugin, match=r"'broken' of broken-plug 1\.2 can't be loaded \(RuntimeError: out of order\)"):
        DETECTORS.get("broken")
    with pytest.raises(BrokenPlugin, match=r"'rowless' of rowless-plug 1\.2 has no `row`"):
        row_of("rowless")
    choices = {c.name: c.why_not for c in choose(None, good=40)}
    assert choices["patchcore"] is None
    assert choices["spots"] is not None
    assert "no_such_reason" in choices["spots"].text
    assert EXPLAINERS.get("measured")


@pytest.mark.usefixtures("installed")
def test_a_built_in_wins_and_twins_are_refused() -> None:
    assert DETECTORS.get("patchcore").__module__ == "seewhy.detectors.patchcore"
    with pytest.raises(BrokenPlugin, match=r"'txt' of twin-one 1\.2 can't be used: twin-two 1\.2 brings"):
        REPORTS.get("txt")


@pytest.mark.usefixtures("installed")
def test_doctor_lists_plug_ins_with_their_distribution() -> None:
    told = {c.what: (c.found, c.remedy) for c in examine() if "1.2)" in c.what}
    assert told["detector spots (spots-plug 1.2)"] == ("would run", "")
    assert "out of order" in told["detector broken (broken-plug 1.2)"][1]
    assert "used instead" in told["detector patchcore (copy-plug 1.2)"][1]
    assert "uninstall one" in told["report format txt (twin-two 1.2)"][1]
    assert len(told) == 6
