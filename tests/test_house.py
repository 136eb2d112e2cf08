"""Layers, names and the promises that the package makes of itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import seewhy

ROOT = Path(__file__).parents[1]
FOLDERS = ("agent", "detectors", "prompts", "explainers", "reports", "evals")
MAY_USE = {
    "": set[str](),
    "prompts": {""},
    "detectors": {"", "prompts"},
    "explainers": {"", "prompts"},
    "reports": {"", "prompts"},
    "agent": {"", "prompts", "detectors", "explainers", "reports"},
    "evals": {"", "prompts", "detectors", "explainers", "reports", "agent"},
}
DOORS = {"src/seewhy/__init__.py", "src/seewhy/__main__.py", "agent/cli.py"}  # they open onto everything


def sources() -> list[Path]:
    own = list((ROOT / "src" / "seewhy").glob("*.py"))
    return own + [p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py")]


@pytest.mark.parametrize("path", sources(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_layers(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    layer = name.split("/")[0] if name.split("/")[0] in FOLDERS else ""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names] if isinstance(node, ast.Import) else []
        )
        for module in modules:
            assert module is not None, f"{name} imports relatively"
            assert module.split(".")[0] not in {*FOLDERS, "pickle", "mock"}, f"{name} imports {module}"
            if module.split(".")[0] != "seewhy" or name in DOORS:
                continue
            used = module.split(".")[1] if module.count(".") and module.split(".")[1] in FOLDERS else ""
            assert used == layer or used in MAY_USE[layer], f"{name} ({layer or 'root'}) imports {module}"


def test_links_and_top_level() -> None:
    for folder in FOLDERS:
        link = ROOT / "src" / "seewhy" / folder
        assert link.is_symlink()
        assert link.resolve() == ROOT / folder


def test_importing_seewhy_is_light() -> None:
    code = "import sys, seewhy; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
    assert all(hasattr(seewhy, name) for name in seewhy.__all__)
    with pytest.raises(AttributeError):
        _ = seewhy.nothing


def test_versions_and_extras_agree() -> None:
    from seewhy.agent.machine.doctor import EXTRAS

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == seewhy.__version__
    assert set(project["optional-dependencies"]) == {*EXTRAS, "all", "dev"}
    assert seewhy.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_doctests_run() -> None:
    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--doctest-modules",
            "-p",
            "no:cacheprovider",
            *FOLDERS,
            "src/seewhy/canonical.py",
            "src/seewhy/types.py",
            "src/seewhy/registry.py",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout
    assert int(re.search(r"(\d+) passed", made.stdout)[1]) >= 10  # type: ignore[index]


def test_the_readme_speaks_of_commands_that_exist() -> None:
    from typer.main import get_command

    from seewhy.cli import app

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"^seewhy (\w+)", readme, re.MULTILINE))
    assert named
    assert named <= commands
    assert {"fit", "inspect", "batch", "report", "verify", "eval", "schema", "weights", "doctor"} <= named


def test_the_readmes_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    from seewhy.evals.synthetic.surfaces import defective, good

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    lines = [line for line in block[1].splitlines() if line.strip()]
    assert len(lines) == 5
    (tmp_path / "photos" / "good").mkdir(parents=True)
    for i in range(5):
        Image.fromarray(good("cast", i).pixels).save(tmp_path / "photos" / "good" / f"{i}.png")
    Image.fromarray(defective("cast", "stain", 1).pixels).save(tmp_path / "photos" / "part.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(block[1], "README.md", "exec"), {})
    assert (tmp_path / "part.html").stat().st_size > 10_000
