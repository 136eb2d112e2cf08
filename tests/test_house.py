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
from tests.helpers import ROOT

FOLDERS = ("agent", "detectors", "prompts", "explainers", "reports", "evals")
MAY_USE = {
    "": set[str](),
    "prompts": {""},
    "detectors": {"", "prompts"},
    "explainers": {"", "prompts"},
    "reports": {"", "prompts"},
    "agent": {"", "prompts", "detectors", "explainers", "reports"},
    "evals": {"", "prompts", "detectors", "explainers", "reports", "agent"},
    "cli": {"", *FOLDERS},
}
# Rooms of a folder, lowest floor first: a room imports from its own and from floors below, never from a neighbour on the same floor.
FLOORS: dict[str, tuple[set[str], ...]] = {
    "agent": (
        {"photos", "machine"},
        {"detections", "models"},
        {"inspection"},
        {"ledger"},
        {"people"},
        {"quality"},
        {"documents"},
        {"lots", "proof"},
        {"api"},
        {"tools"},
        {"chat"},
    ),
    "detectors": (
        {"weights"},
        {"protocol", "settings", "parts"},
        {"anomalib", "dinomaly", "fine", "mutual", "patchcore", "template", "winclip"},
        {"catalogue"},
        {"saved"},
        {"ensemble"},
        {"__main__"},
    ),
    "evals": (
        {"metrics", "run"},
        {"detect", "overlap", "synthetic"},
        {"candidate"},
        {"recommend"},
        {"benchmarks", "promises"},
        {"peers", "tiny"},  # from here on not in the wheel
        {"studies"},
        {"__main__"},
    ),
}
DOORS = {"seewhy", "seewhy.__main__"}  # they open onto everything
MOST_IMPORTS = 12  # of its own package, for a module outside the command line


def modules() -> dict[str, Path]:
    """All modules of the package by name."""
    found = {}
    roof = ROOT / "src" / "seewhy"
    for base, names in ((roof, ()), *((ROOT / folder, (folder,)) for folder in FOLDERS)):
        for path in sorted(base.rglob("*.py")):
            inside = path.relative_to(base).with_suffix("").parts
            if base == roof and inside[0] in FOLDERS:
                continue
            parts = ("seewhy", *names, *inside)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(module: str) -> set[str]:
    """The package's own modules that it imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            assert node.module is not None
            names = [f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in MODULES else node.module for a in node.names]
        else:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            assert name.split(".")[0] not in {*FOLDERS, "pickle", "mock"}, f"{module} imports {name}"
        found |= {name for name in names if name in MODULES and name != module}
    return found


def layer_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in MAY_USE else ""


def floor_of(module: str) -> tuple[int, str] | None:
    """Of its room in its folder; None for a folder without rooms, or its own face."""
    parts = module.split(".")
    if len(parts) < 3 or parts[1] not in FLOORS:
        return None
    floors = FLOORS[parts[1]]
    at = [number for number, rooms in enumerate(floors) if parts[2] in rooms]
    assert at, f"{module} stands in no room of FLOORS"
    return at[0], parts[2]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_arrow_runs_upward(module: str) -> None:
    if module in DOORS:
        return
    layer, own = layer_of(module), floor_of(module)
    for used in imports_of(module):
        other = layer_of(used)
        assert other == layer or other in MAY_USE[layer], f"{module} imports {used}, a layer above it"
        floor = floor_of(used)
        if other == layer and own is not None and floor is not None:
            assert floor == own or floor[0] < own[0], f"{module} imports {used}, a room that doesn't stand below it"


def test_no_circle() -> None:
    below: dict[str, set[str]] = {}

    def visit(module: str, above: tuple[str, ...]) -> set[str]:
        assert module not in above, f"a circle: {' -> '.join((*above[above.index(module) :], module))}"
        if module not in below:
            below[module] = set()
            below[module] = {m for used in imports_of(module) for m in (used, *visit(used, (*above, module)))}
        return below[module]

    for module in sorted(set(MODULES) - DOORS):
        visit(module, ())


@pytest.mark.parametrize("module", sorted(m for m in set(MODULES) - DOORS if not m.startswith("seewhy.cli")))
def test_no_module_knows_too_many_others(module: str) -> None:
    assert len(imports_of(module)) <= MOST_IMPORTS


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
    assert set(project["optional-dependencies"]) == {*EXTRAS, "all", "dev", "docs"}
    assert seewhy.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_the_readmes_explanation_of_ones_own_mask_runs_and_is_six_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    from seewhy.evals.synthetic.surfaces import defective, good

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    install, block = re.search(
        r"```sh\n(pip install seewhy\n)```\n\n```python\n(import seewhy\n\nfound = seewhy.explain.*?)```", readme, re.DOTALL
    ).groups()  # type: ignore[union-attr]
    assert len([line for line in (install + block).splitlines() if line.strip()]) == 6
    (tmp_path / "photos").mkdir()
    drawn = defective("plate", "stain", 1)
    for name, pixels in (("part.jpg", drawn.pixels), ("mask.png", drawn.mask), ("good.jpg", good("plate", 1).pixels)):
        Image.fromarray(pixels).save(tmp_path / "photos" / name)
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    assert (tmp_path / "explained.html").stat().st_size > 10_000


MOST_PARAMETERS = 10  # more is an object that wants a name; the command line's functions are its options


@pytest.mark.parametrize("module", sorted(m for m in set(MODULES) - DOORS if not m.startswith("seewhy.cli")))
def test_no_function_has_too_many_parameters(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            a = node.args
            names = [n.arg for n in (*a.posonlyargs, *a.args, *a.kwonlyargs) if n.arg not in ("self", "cls")]
            assert len(names) + bool(a.vararg) + bool(a.kwarg) <= MOST_PARAMETERS, f"{node.name} has {len(names)} parameters"
