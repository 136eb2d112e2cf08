"""How Sphinx builds the documentation: `make docs`. Nothing on the built site is fetched from elsewhere."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sphinx.application import Sphinx

import seewhy

REPOSITORY = "https://github.com/seewhy-inspect/seewhy"

project = "seewhy"
author = "the seewhy authors"
copyright = "the seewhy authors"
version = release = seewhy.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"seewhy {version}"
html_copy_source = False
html_show_search_summary = False  # a summary is fetched, which a page opened from the disk may not
html_theme_options = {"source_repository": REPOSITORY, "source_branch": "main", "source_directory": "docs/"}

myst_heading_anchors = 3
suppress_warnings = ["ref.python"]  # two rooms may each have a Row, and types are written as the source has them
default_role = "code"  # docstrings write `name`, as Markdown does
add_module_names = False
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 100
napoleon_numpy_docstring = False

LINK = re.compile(r"\]\((?P<path>\.\./[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def forget_old_pages(app: Sphinx) -> None:
    """Pages of modules that have moved since the last build."""
    for page in (Path(app.srcdir) / "reference" / "api").glob("seewhy*"):
        page.unlink()


def link_to_the_repository(app: Sphinx, page: str, source: list[str]) -> None:
    """A relative link that leaves docs/ works in a clone; on the site it leads to the repository."""
    docs = Path(app.srcdir)
    here = Path(app.env.doc2path(page)).parent

    def outside(link: re.Match[str]) -> str:
        target = (here / link["path"]).resolve()
        if target.is_relative_to(docs) or not target.exists():
            return link[0]  # Sphinx follows it, or warns
        return f"]({REPOSITORY}/blob/main/{target.relative_to(docs.parent).as_posix()}{link['anchor'] or ''})"

    source[0] = LINK.sub(outside, source[0])


def fields_of(cls: type) -> Iterator[str]:
    """Lines of reStructuredText for the fields that a class declares: name, type, default, and what the comment behind each says."""
    source = textwrap.dedent(inspect.getsource(cls))
    rows = source.encode().splitlines()  # ast counts bytes
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    for node in tree.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.target.id.startswith("_"):
            continue
        assert node.end_lineno is not None
        yield from ("", f".. attribute:: {node.target.id}", "   :no-index:", f"   :type: {ast.unparse(node.annotation)}")
        if node.value:
            yield f"   :value: {ast.unparse(node.value)}"
        yield from ("", "   " + rows[node.end_lineno - 1][node.end_col_offset :].decode().partition("# ")[2], "")


def say_fields(_app: Sphinx, what: str, _name: str, obj: Any, _options: Any, lines: list[str]) -> None:
    """A class of fields lists them below its docstring."""
    if what == "class" and says_fields(obj):
        lines += fields_of(obj)


def says_fields(obj: Any) -> bool:
    """Whether it is a class that is written down as a list of fields."""
    return inspect.isclass(obj) and (issubclass(obj, BaseModel) or is_dataclass(obj) or hasattr(obj, "_fields"))


def say_less(_app: Sphinx, _what: str, _name: str, obj: Any, _options: Any, _signature: str, _returns: str) -> tuple[str, str] | None:
    """Fields follow one by one, and the signature would only say them twice; a protocol is not made at all."""
    return ("", "") if says_fields(obj) or getattr(obj, "_is_protocol", False) else None


def leave_out(_app: Sphinx, _what: str, name: str, obj: Any, _skip: bool, _options: Any) -> bool | None:
    """What pydantic and NamedTuple put into each class says nothing about it."""
    return True if name in vars(BaseModel) or type(obj).__name__ == "_tuplegetter" else None


def unfold_one_branch(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """The sidebar unfolds the branch that a page is in; with all modules on all pages most of a build would go into sidebars."""
    if "toctree" in context:
        whole = context["toctree"]
        context["toctree"] = lambda **how: whole(**(how | {"collapse": True}))


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", forget_old_pages, priority=400)  # before autosummary writes them
    app.connect("html-page-context", unfold_one_branch, priority=400)  # before the theme draws it
    app.connect("source-read", link_to_the_repository)
    app.connect("autodoc-process-docstring", say_fields)
    app.connect("autodoc-process-signature", say_less)
    app.connect("autodoc-skip-member", leave_out)
