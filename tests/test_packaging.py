"""A wheel built from the clone, installed with its dependencies in an empty environment, inspects a photo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from PIL import Image

from seewhy.evals.synthetic.surfaces import defective, good
from tests.helpers import ROOT

pytestmark = pytest.mark.slow


FOLDERS = ("agent", "detectors", "prompts", "explainers", "reports", "evals")
OUTSIDE = ("peers", "results", "studies", "tiny")  # rooms of evals that stay in the repository
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
    result = subprocess.run([str(w) for w in words], cwd=cwd, capture_output=True, text=True, env=clean, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=ROOT)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def link_torch(site: Path) -> None:
    """Put torch and the libraries it brings into a folder of packages, as links: they are five gigabytes."""
    for package in metadata.distributions():
        if re.fullmatch(r"torch|triton|nvidia-.*", package.name):
            for file in package.files or ():
                old, new = Path(str(package.locate_file(file))), site / file
                if old.is_file() and ".." not in file.parts:
                    new.parent.mkdir(parents=True, exist_ok=True)
                    try:
                        new.hardlink_to(old)
                    except OSError:  # another disk
                        shutil.copy2(old, new)


def files_below(folder: Path) -> set[Path]:
    """What is written there by hand: all but what `make docs` writes."""
    generated = ROOT / "docs" / "reference" / "api"
    return {
        p
        for p in folder.rglob("*")
        if p.is_file() and not {"__pycache__", "_build"} & set(p.parts) and not (p.parent == generated and p.name.startswith("seewhy"))
    }


@pytest.mark.packaging
def test_the_wheel_holds_the_product_and_nothing_else(built: tuple[Path, Path]) -> None:
    face = {p for p in files_below(ROOT / "src" / "seewhy") if p.relative_to(ROOT / "src" / "seewhy").parts[0] not in FOLDERS}
    wanted = {p.relative_to(ROOT / "src").as_posix() for p in face}
    wanted |= {f"seewhy/{p.relative_to(ROOT).as_posix()}" for folder in FOLDERS for p in files_below(ROOT / folder)}
    outside = {name for name in wanted if name.startswith(tuple(f"seewhy/evals/{room}/" for room in OUTSIDE))}
    assert {name.split("/")[2] for name in outside} == set(OUTSIDE)
    inside = {name for name in zipfile.ZipFile(built[0]).namelist() if ".dist-info/" not in name}
    assert inside == wanted - outside


@pytest.mark.packaging
def test_the_sdist_holds_what_a_reader_and_a_tester_need(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {p for folder in ("docs", "examples", "tests") if (ROOT / folder).is_dir() for p in files_below(ROOT / folder)}
    wanted |= {ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "pyproject.toml")}
    assert {p.relative_to(ROOT).as_posix() for p in wanted} <= inside
    assert {f"src/seewhy/{p.relative_to(ROOT).as_posix()}" for folder in FOLDERS for p in files_below(ROOT / folder)} <= inside


@pytest.mark.packaging
def test_the_readme_needs_no_clone(built: tuple[Path, Path]) -> None:
    wheel = zipfile.ZipFile(built[0])
    described = wheel.read(next(name for name in wheel.namelist() if name.endswith("/METADATA"))).decode()
    assert "](https://raw.githubusercontent.com/seewhy-inspect/seewhy/main/docs/demo.png)" in described
    assert "](https://github.com/seewhy-inspect/seewhy/blob/main/docs/card-and-policy.md#policy)" in described
    assert re.findall(r"\]\((?!https:)[^)]*\)", described) == []
    assert "\nRequires-Dist: torch" in described


@pytest.mark.packaging
def test_it_works_in_an_empty_environment(built: tuple[Path, Path], tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    link_torch(Path(sysconfig.get_path("purelib", "venv", {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")})))
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", built[0], cwd=tmp_path)
    (tmp_path / "good").mkdir()
    for i in range(4):
        Image.fromarray(good("cast", i).pixels).save(tmp_path / "good" / f"{i}.png")
    Image.fromarray(defective("cast", "stain", 1).pixels).save(tmp_path / "part.png")
    said = run(python, "-c", CODE, "good", "part.png", cwd=tmp_path).split()
    assert said[0].startswith(str(tmp_path / "venv"))
    assert said[1] in ("review", "fail")
    assert (tmp_path / "part.html").is_file()
    assert "seewhy[pdf]" in run(tmp_path / "venv" / "bin" / "seewhy", "doctor", cwd=tmp_path)
    listed = run(python, "-m", "seewhy.evals", cwd=tmp_path)
    assert "Sizes, false rejects" in listed
    assert re.search(r"borrowed +\(in the repository", listed)
