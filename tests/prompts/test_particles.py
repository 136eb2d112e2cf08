from __future__ import annotations

import pytest

from seewhy.prompts.particles import PARTICLES, Filling, with_particle


@pytest.mark.parametrize(
    ("word", "은", "으로"),
    [
        ("점수", "점수는", "점수로"),
        ("판정", "판정은", "판정으로"),
        ("서울", "서울은", "서울로"),  # ㄹ takes 로
        ("긁힘", "긁힘은", "긁힘으로"),
        ("0", "0은", "0으로"),
        ("1", "1은", "1로"),
        ("2", "2는", "2로"),
        ("3", "3은", "3으로"),
        ("4", "4는", "4로"),
        ("5", "5는", "5로"),
        ("6", "6은", "6으로"),
        ("7", "7은", "7로"),
        ("8", "8은", "8로"),
        ("9", "9는", "9로"),
        ("19,954", "19,954는", "19,954로"),
        ("1,000", "1,000은", "1,000으로"),
        ("0.4973", "0.4973은", "0.4973으로"),
        ("1.2e-05", "1.2e-05는", "1.2e-05로"),
        ("95 %", "95 %는", "95 %로"),
        ("0.5 mm", "0.5 mm는", "0.5 mm로"),
        ("44 px", "44 px은", "44 px로"),
        ("patchcore", "patchcore는", "patchcore로"),
        ("winclip", "winclip은", "winclip으로"),
        ("dinomaly", "dinomaly는", "dinomaly로"),
        ("template", "template는", "template로"),
        ("mutual", "mutual은", "mutual로"),
        ("crack", "crack은", "crack으로"),
        ("coating", "coating은", "coating으로"),
        ("stain", "stain은", "stain으로"),
        ("weld line", "weld line은", "weld line으로"),
        ("VLM", "VLM은", "VLM으로"),
        ("PCB", "PCB는", "PCB로"),
        ("URL", "URL은", "URL로"),
        ("부품_1.png", "부품_1.png는", "부품_1.png로"),
        ("“판정”", "“판정”은", "“판정”으로"),
        ("plate (왼쪽)", "plate (왼쪽)은", "plate (왼쪽)으로"),
        ("部品", "部品은(는)", "部品(으)로"),
        ("", "은(는)", "(으)로"),
    ],
)
def test_a_particle_follows_how_the_word_ends_when_it_is_read(word: str, 은: str, 으로: str) -> None:
    assert with_particle(word, "은") == 은
    assert with_particle(word, "으로") == 으로


def test_all_particles_come_in_both_forms() -> None:
    assert [with_particle("값", p) for p in PARTICLES] == ["값은", "값이", "값을", "값과", "값으로"]
    assert [with_particle("점수", p) for p in PARTICLES] == ["점수는", "점수가", "점수를", "점수와", "점수로"]


def test_a_message_takes_a_particle_as_a_format_and_other_formats_as_ever() -> None:
    filled = Filling().vformat("{score:이} {line:을} {share:.1f} {name!r}", (), {"score": "0.7865", "line": 3, "share": 0.25, "name": "a"})
    assert filled == "0.7865가 3을 0.2 'a'"
