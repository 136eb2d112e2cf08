"""The example of a plug-in, installed into an environment of its own and used by name."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seewhy.agent.inspection.inspector import Inspector
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.record import Explanation
from tests.helpers import ROOT
from tests.helpers.photos import ALPHA, as_photo

pytestmark = pytest.mark.slow


EXAMPLE = ROOT / "examples" / "plugin"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing of its own but the plug-in; it reads this one's packages, so that nothing is fetched."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(folder, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    (site / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT / 'src'}\n")
    source = shutil.copytree(EXAMPLE, folder.with_name("plugin"))  # pip builds beside the source
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    run([*pip, "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", source])
    return folder / "bin" / "python"


def run(words: list[object], **more: str) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    made = subprocess.run([str(w) for w in words], capture_output=True, text=True, env=clean | more, check=False)
    assert made.returncode in (0, 1), made.stdout[-3000:] + made.stderr[-3000:]  # 1: a part for review
    return made.stdout


@pytest.mark.packaging
def test_the_example_runs_by_name(environment: Path, tmp_path: Path) -> None:
    def seewhy(*words: object) -> str:
        return run([environment, "-m", "seewhy", *words])

    (tmp_path / "good").mkdir()
    for i in range(8):
        Image.fromarray(good("cast", i).pixels).save(tmp_path / "good" / f"{i}.png")
    Image.fromarray(defective("cast", "stain", 1).pixels).save(tmp_path / "part.png")

    doctor = {check["what"]: check["found"] for check in json.loads(seewhy("doctor", "--json"))}
    assert doctor["detector contrast (seewhy-contrast 0.1.0)"] == "would run"
    assert doctor["report format md (seewhy-contrast 0.1.0)"] == "can be used"

    model, ledger = tmp_path / "model", tmp_path / "lot.sqlite"
    seewhy("fit", tmp_path / "good", "-o", model, "--detector", "contrast", "--option", "window_px=9", "--alpha", "0.2")
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["kind"], manifest["settings"]["window_px"]) == ("contrast", 9)
    record = json.loads(seewhy("inspect", tmp_path / "part.png", "-m", model, "--alpha", "0.2", "--json"))
    record = record[0] if isinstance(record, list) else record
    assert record["provenance"]["detector"] == "contrast"
    assert record["provenance"]["versions"]["seewhy-contrast"] == "0.1.0"
    assert record["verdict"]["value"] != "pass"

    seewhy("batch", tmp_path / "good", "-m", model, "--ledger", ledger, "--lot", "A", "--alpha", "0.2")
    seewhy("report", ledger, "-o", tmp_path / "lot.md")
    assert "| 3.png |" in (tmp_path / "lot.md").read_text(encoding="utf-8")


def test_the_explainer_of_the_how_to_speaks(inspector: Inspector) -> None:
    page = (ROOT / "docs" / "how-to" / "add-an-explainer.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {}
    exec(compile(block[1], "add-an-explainer.md", "exec"), names)
    house = Inspector(inspector.model, card=inspector.card, alpha=ALPHA, explainer=names["HouseWords"]())
    record = house.inspect(as_photo(defective("plate", "scratch", 2))).record
    words = [f.explanation for f in record.findings if isinstance(f.explanation, Explanation)]
    assert {w.explainer for w in words} == {"house"}
    assert any(cause.id == "H-7" for w in words for cause in w.causes)
