"""WinCLIP's prompts (Jeong et al., CVPR 2023, fig. 3 and appendix): states and templates in files, words from the product card.

In the files [o] stands for the product, [d] for a defect, [c] for a state in a template.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seewhy.canonical import sha256_json
from seewhy.errors import BadData

HERE = Path(__file__).parent
LONGEST = 200  # characters of a product's or a defect's words


@dataclass(frozen=True, slots=True)
class PromptSet:
    """What a text encoder is asked: many prompts for the good product, many for a defective one, some for each defect."""

    normal: tuple[str, ...]
    anomalous: tuple[str, ...]
    defects: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (name, prompts)

    @property
    def sha256(self) -> str:
        """Of all prompts; it goes into the record."""
        return sha256_json({"normal": self.normal, "anomalous": self.anomalous, "defects": self.defects})

    @property
    def names(self) -> tuple[str, ...]:
        """Of the defects."""
        return tuple(name for name, _ in self.defects)


def prompt_set(product: str, defects: Iterable[str] = ()) -> PromptSet:
    """All prompts for a product; each defect's own prompts are also among the anomalous ones.

    Args:
        product: what the photos show in a few words, "machined aluminium bracket".
        defects: names of the defects that matter, "scratch".

    Raises:
        BadData: words are empty, too long, or hold braces or brackets as templates do.

    >>> made = prompt_set("bracket", ["scratch"])
    >>> len(made.normal), len(made.anomalous), made.anomalous[0]
    (154, 154, 'a cropped photo of the damaged bracket.')
    """
    what = _checked(product, "the product")
    names = [_checked(name, "a defect") for name in defects]
    if len(set(names)) < len(names):
        raise BadData(f"a defect is named twice among {', '.join(names)}; name each once")
    named = tuple((name, _filled([state.replace("[d]", name) for state in _lines("defect")], what)) for name in names)
    own = tuple(prompt for _, prompts in named for prompt in prompts)
    return PromptSet(_filled(_lines("normal"), what), _filled(_lines("anomalous"), what) + own, named)


def _lines(name: str) -> list[str]:
    return [line for line in (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines() if line.strip()]


def _filled(states: Iterable[str], product: str) -> tuple[str, ...]:
    return tuple(template.replace("[c]", state.replace("[o]", product)) for state in states for template in _lines("templates"))


def _checked(words: str, what: str) -> str:
    plain = " ".join(words.split())
    if not plain:
        raise BadData(f"{what} has no words; say in a few what the photos show, for instance 'machined aluminium bracket'")
    if len(plain) > LONGEST:
        raise BadData(f"the words for {what} are {len(plain)} characters long, more than {LONGEST}; CLIP reads a short phrase")
    if set(plain) & set("{}[]"):
        raise BadData(f"{plain!r} looks like a template; give the words alone, without braces or brackets")
    return plain
