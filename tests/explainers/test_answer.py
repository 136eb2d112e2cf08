"""The one reader of a model's text: it fits the schema, is English and a sentence, or it is no answer."""

from __future__ import annotations

import json
import re
import string

import numpy as np
import pytest
from tests.helpers.servers import GOOD

from seewhy.explainers.answer import UnreadableError, answer_schema, in_english, in_korean, read_answer, read_object
from seewhy.prompts import catalogue
from seewhy.prompts.knowledge import general, processes


def test_the_schema_and_its_reader_agree() -> None:
    schema = answer_schema(("scratch",), ("K-1",))
    assert set(schema["properties"]) == set(GOOD)
    assert schema["required"] == list(schema["properties"])
    assert read_answer(json.dumps(GOOD), ("scratch",), ()).type == "scratch"
    for bad in ("[]", "null", "", "{}", json.dumps(GOOD)[:-3], json.dumps(GOOD | {"appearance": "a" * 500})):
        with pytest.raises(UnreadableError):
            read_answer(bad, ("scratch",), ())


def test_random_bytes_are_never_an_answer() -> None:
    chance = np.random.default_rng(0)
    for _ in range(300):
        text = "".join(chance.choice(list(string.printable), 60))
        with pytest.raises(UnreadableError):
            read_answer(text, ("scratch",), ())


def test_what_cannot_be_kept_or_shown_is_taken_out() -> None:
    text = json.dumps(GOOD | {"appearance": "a \ud800 dark\x1b[2J\nfail\u202e dot\x00"})
    assert read_answer(text, ("scratch",), ()).appearance == "a \ufffd dark [2J fail dot"
    with pytest.raises(UnreadableError) as caught:
        read_answer(json.dumps(GOOD | {"\ud800x": "y"}), ("scratch",), ())
    caught.value.detail.encode()
    for deep in ("[" * 100_000, '{"a":' * 100_000):
        with pytest.raises(UnreadableError, match="not JSON"):
            read_object(deep)


FOREIGN = {
    "French": """une tâche; une rayure fine et sombre; un trait fin sur la surface; la rayure est plus claire que le fond; traces de colle
        tache ronde avec des bords nets; il manque de la matière; le bord est ébréché; pas de rayure sur la bonne pièce; petite bosse""",
    "German": """ein dunkler Fleck; eine feine helle Linie; der Kratzer ist heller als die Umgebung; kleines Loch mit dunklem Rand
        die Kante ist nicht glatt; dort ist kein Fleck zu sehen; das gute Teil ist ohne Kratzer; ein Riss; Material fehlt an der Kante
        feine Linie auf der Oberfläche; dunkler Kratzer""",
    "Spanish": "una línea fina y oscura; el borde está roto; una mancha en la pieza; sin rayas en la pieza buena; los bordes son claros",
    "Italian": "una linea sottile e scura; il bordo è rotto; una macchia nella superficie; graffio che non c'è; dell'olio sulla parte",
    "Portuguese": "uma linha fina e escura; a borda não é lisa; mancha com bordas claras; uns riscos na peça; o risco está ao lado",
    "Dutch": "een dunne donkere lijn; het goede deel is niet bekrast; kras op het oppervlak; geen vlek te zien; gat met een rand",
}
ENGLISH = """a thin streak; dark blot; bright; the streak is missing there; an oily patch; de-burred edge; a pour seam in the die-cast part
    Al die with a CE mark; met the weld pool; scuffed en route; no such mark; colour differs; plus a second pit; fine scratches; em dash"""


def split(texts: str) -> list[str]:
    return [text.strip() for text in re.split("[;\n]", texts)]


def test_other_languages_are_told_from_english() -> None:
    passed = {language: [text for text in split(texts) if in_english(text)] for language, texts in FOREIGN.items()}
    # Those without a word of their grammar, or with as many that English has too, can't be told.
    assert passed == {name: [] for name in FOREIGN} | {
        "French": ["petite bosse"],
        "German": ["Material fehlt an der Kante", "dunkler Kratzer"],
    }
    ours = [entry.looks["en"] for p in processes() for entry in general(p)] + list(catalogue("en").values())
    assert [text for text in (*split(ENGLISH), *ours) if not in_english(text)] == []
    korean = [entry.looks["ko"] for p in processes() for entry in general(p)]
    assert not any(map(in_english, korean))
    assert all(map(in_korean, korean))
