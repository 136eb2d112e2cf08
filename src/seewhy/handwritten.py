"""YAML that people write: read strictly, so that a slip is an error and never another meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from seewhy.errors import BadData

ModelT = TypeVar("ModelT", bound=BaseModel)
LARGEST_BYTES = 1 << 20
NOTHING = ("", "~", "null")


class _Strict(yaml.BaseLoader):
    """Every scalar is text (so that `no`, `012` and `1` are what was written); doubled keys and anchors are refused."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("anchors and aliases are not read; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is a word, not a list or mapping", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands here twice; keep one", problem_mark=key.start_mark)
            seen.add(key.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return {key: value for key, value in found.items() if value not in NOTHING or not key.isidentifier()}


def read_yaml(path: Path) -> dict[str, Any]:
    """A file that holds a mapping of fields; all values are text, lists or mappings, empty ones are left out.

    Raises:
        BadData: it isn't there, isn't text in UTF-8, or isn't such YAML; says where.
    """
    if not path.exists():
        raise BadData(f"{path} does not exist")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise BadData(f"{path} can't be read ({error.strerror})") from error
    if len(data) > LARGEST_BYTES:
        raise BadData(f"{path} is larger than 1 MiB; a card or policy is a page of text")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        found = yaml.load(text, _Strict)
    except UnicodeDecodeError as error:
        raise BadData(f"{path} is not text in UTF-8; save it again as UTF-8") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).replace("\n", " ")
        raise BadData(f"{path} can't be read as YAML: {said}") from error
    if not isinstance(found, dict):
        kind = {list: "a list", str: "a text", type(None): "nothing"}.get(type(found), type(found).__name__)
        raise BadData(f"{path} must hold a mapping of fields (name: …), not {kind}")
    return found


def validated(model: type[ModelT], data: dict[str, Any], path: Path) -> ModelT:
    """`data` as `model`, or `BadData` that names the first field that doesn't fit, what stands there, and how to mend it."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first, *others = error.errors()
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        value = first.get("input")
        shown = f" ({str(value)[:60]!r})" if isinstance(value, str | int | float) else ""
        raise BadData(f"{path}: {where}{shown}: {first['msg'].removeprefix('Value error, ')}{_hint([first, *others], model)}") from error


def _hint(errors: list[Any], model: type[BaseModel]) -> str:
    if any(_half_a_number(error) for error in errors):
        return "; decimals are written with a point, 0.05"
    if errors[0]["type"] == "extra_forbidden":
        return "; the fields are " + ", ".join(model.model_fields) if len(errors[0]["loc"]) == 1 else "; see `seewhy schema`"
    return ""


def _half_a_number(error: Any) -> bool:
    """0,05 is two words in YAML's braces, and one that is no number elsewhere."""
    unread = error["type"] in ("float_parsing", "int_parsing") and "," in str(error.get("input"))
    return unread or (error["type"] == "extra_forbidden" and str(error["loc"][-1]).isdecimal())
