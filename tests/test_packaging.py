"""A wheel built from the clone, installed with its dependencies in an empty environment, inspects a photo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from seewhy.evals.synthetic.surfaces import defective, good
from tests.helpers import ROOT

CODE = """
import sys, seewhy
from seewhy.detectors.patchcore import PatchCoreSettings
inspector = seewhy.fit(sys.argv[1], settings=PatchCoreSettings(input_px=128, bank_rows=300, candidate_rows=2000))
found = inspector.inspect(sys.argv[2])
found.report("part.html")
print(seewhy.__file__, found.record.verdict.value, len(found.record.findings))
"""


def run(*words: object, cwd: Path) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    made = subprocess.run([str(w) for w in words], cwd=cwd, capture_output=True, text=True, env=clean, check=False)
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    return made.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=ROOT)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@pytest.mark.packaging
def test_wheel_by_way_of_the_sdist_holds_every_file(built: tuple[Path, Path]) -> None:
    inside = set(zipfile.ZipFile(built[0]).namelist())
    for folder in ("agent", "detectors", "prompts", "explainers", "reports", "evals"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".yaml", ".j2", ".typ"):
                assert f"seewhy/{path.relative_to(ROOT).as_posix()}" in inside
    assert "seewhy/py.typed" in inside
    with tarfile.open(built[1]) as sdist:
        assert any(name.endswith("/docs/tutorial.md") for name in sdist.getnames())
        assert not any("/docs/_build/" in name for name in sdist.getnames())
    assert not any(name.startswith(("tests/", "agent/")) for name in inside)


@pytest.mark.packaging
def test_the_readme_needs_no_clone(built: tuple[Path, Path]) -> None:
    wheel = zipfile.ZipFile(built[0])
    metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith("/METADATA"))).decode()
    assert "](https://raw.githubusercontent.com/seewhy-inspect/seewhy/main/docs/demo.png)" in metadata
    assert "](https://github.com/seewhy-inspect/seewhy/blob/main/docs/card-and-policy.md#policy)" in metadata
    assert re.findall(r"\]\((?!https:)[^)]*\)", metadata) == []


@pytest.mark.packaging
def test_it_works_in_an_empty_environment(built: tuple[Path, Path], tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", built[0], cwd=tmp_path)
    (tmp_path / "good").mkdir()
    for i in range(4):
        Image.fromarray(good("cast", i).pixels).save(tmp_path / "good" / f"{i}.png")
    Image.fromarray(defective("cast", "stain", 1).pixels).save(tmp_path / "part.png")
    said = run(python, "-c", CODE, "good", "part.png", cwd=tmp_path).split()
    assert said[0].startswith(str(tmp_path / "venv"))
    assert said[1] in ("review", "fail")
    assert (tmp_path / "part.html").is_file()
    assert "seewhy[pdf]" in run(tmp_path / "venv" / "bin" / "seewhy", "doctor", cwd=tmp_path)
