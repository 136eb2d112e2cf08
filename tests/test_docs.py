"""The documentation says what the code does: its commands run, its reference is the code's, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from docs.write_reference import command_line, pages

import seewhy
from seewhy.reports.tables import COLUMNS
from tests.helpers import ROOT

DOCS = ROOT / "docs"
ENGLISH, KOREAN = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_the_reference_is_what_the_code_says() -> None:
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is old; run: python docs/write_reference.py"


def test_the_reference_has_every_command_and_option() -> None:
    page = command_line()
    assert "## seewhy weights import" in page
    assert "| `--out, -o PATH` | Where the model folder goes. | required |" in page
    assert re.search(r"^\| `--calibration auto or split or leave-one-out` \|.*\| `auto` \|$", page, re.MULTILINE)


def test_the_columns_of_the_csv_are_documented_in_order() -> None:
    section = (DOCS / "reports.md").read_text(encoding="utf-8").partition("## Columns of the CSV")[2].partition("\n## ")[0]
    assert re.findall(r"`(\w+)`", section) == COLUMNS


def commands(text: str) -> list[str]:
    """The code of a page without its comments."""
    return [line.partition("#")[0].rstrip() for _, code in BLOCK.findall(text) for line in code.splitlines()]


def prose(text: str) -> str:
    return LINK.sub("", BLOCK.sub("", text))


def test_both_readmes_say_the_same() -> None:
    def levels(text: str) -> list[str]:
        return re.findall(r"^(#+) ", BLOCK.sub("", text), re.MULTILINE)

    def links(text: str) -> list[str]:
        return sorted(link for link in LINK.findall(text) if link not in ("README.md", "README.ko.md"))

    def figures(text: str) -> list[str]:
        return sorted(re.findall(r"\d+(?:[.,]\d+)*", prose(text)))

    def items(text: str) -> list[int]:
        sections = re.split(r"^#+ .*$", BLOCK.sub("", text), flags=re.MULTILINE)
        return [len(re.findall(r"^(?:-|\d\.) ", section, re.MULTILINE)) for section in sections]

    for compared in (levels, commands, links, figures, items):
        assert compared(KOREAN) == compared(ENGLISH), compared.__name__
    assert len(re.findall("[가-힣]", prose(KOREAN))) > 1000


@pytest.mark.parametrize("name", ["README.md", "README.ko.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_at_the_top_lead_somewhere(name: str) -> None:
    for link in LINK.findall((ROOT / name).read_text(encoding="utf-8")):
        assert link.startswith("https://") or (ROOT / link.partition("#")[0]).exists(), link


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == seewhy.__version__
    assert citation["license"] == project["license"]
    assert citation["repository-code"] == project["urls"]["Homepage"]


def test_every_decision_is_in_the_index() -> None:
    index = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    decisions = sorted((DOCS / "decisions").glob("0*.md"))
    assert decisions
    for number, path in enumerate(decisions, start=1):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert title.startswith(f"{number:03}: ")
        assert f"- [{title}]({path.name})" in index


def test_the_front_door_is_documented_whole() -> None:
    page = (DOCS / "reference" / "api" / "index.md").read_text(encoding="utf-8")
    assert {f"seewhy.{name}" for name in seewhy.__all__ if name != "__version__"} <= set(
        re.findall(r":: (seewhy\.\w+)$", page, re.MULTILINE)
    )


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path) -> None:
    """Its commands in order, and its output but for the figures, which another processor may round otherwise."""
    shown = ""
    for kind, code in BLOCK.findall((DOCS / "tutorial.md").read_text(encoding="utf-8")):
        if kind == "yaml":
            (tmp_path / "plate.yaml").write_text(code, encoding="utf-8")
        elif kind == "python":
            shown = run(tmp_path, sys.executable, "-c", code)
        elif kind == "sh" and code.startswith("seewhy"):
            shown = "".join(run(tmp_path, sys.executable, "-m", "seewhy", *words_of(line)) for line in code.splitlines())
        elif kind == "text":
            assert without_figures(code) in without_figures(shown)
    assert {"part.html", "lot.html", "lot.ko.html"} <= {path.name for path in tmp_path.iterdir()}


def words_of(line: str) -> list[str]:
    return shlex.split(line)[1:]


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def without_figures(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\d+(\.\d+)?", "#", text)).strip()


class Page(HTMLParser):
    """What a page of the site links to, loads, and can be linked at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.loads, self.anchors = list[str](), list[str](), {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.loads += [given[name] for name in ("src", "href") if name in given and tag in ("script", "img", "link", "iframe")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    out = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "--fresh-env", "--fail-on-warning", "--keep-going", "--quiet", DOCS, out],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return {path.resolve(): Page(path) for path in out.rglob("*.html")}


def internal(path: Path, links: list[str]) -> Iterator[tuple[Path, str]]:
    """The files and anchors that a page's own links lead to."""
    for link in links:
        parts = urlsplit(link)
        if not parts.scheme and not parts.netloc:
            yield (path.parent / unquote(parts.path)).resolve() if parts.path else path, unquote(parts.fragment)


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_no_link_is_broken(site: dict[Path, Page]) -> None:
    assert any(path.name == "seewhy.agent.ledger.store.html" for path in site)
    for path, page in site.items():
        for target, anchor in internal(path, page.links):
            assert target.exists(), f"{path.name} links to {target}"
            assert target not in site or anchor in site[target].anchors, f"{path.name} links to {target.name}#{anchor}"


@pytest.mark.slow
def test_the_site_needs_no_network(site: dict[Path, Page]) -> None:
    for path, page in site.items():
        assert not [url for url in page.loads if urlsplit(url).netloc], path
