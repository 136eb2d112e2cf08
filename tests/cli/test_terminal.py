"""What the command line shows is what there is: no file name can forge a line, no console makes a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.markup import render
from tests.helpers.photos import as_photo
from tests.helpers.servers import speaking
from tests.helpers.vlm import asking, stain
from typer.testing import CliRunner

from seewhy.agent.inspection.inspector import Inspector
from seewhy.cli import app
from seewhy.cli.terminal import plain, print_entry
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import good
from seewhy.prompts import sentence
from seewhy.record import RefusedPhoto

FORGED = "bad\x1b[2K\x1b[1A\x1b[32mpass\x1b[0m good.png"


@pytest.mark.parametrize(
    "name", ["a[b].png", "[/]", "[bold", "x\\\\[red]y", "[red]pass[/red].png", "tail\\\\", FORGED, "\u202egnp.exe", "\udcff.png"]
)
def test_text_from_elsewhere_is_shown_as_text(name: str) -> None:
    shown = render(plain(name)).plain
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert not any("\ud800" <= c <= "\udfff" for c in shown)
    if name.isascii() and name.isprintable():
        assert shown == name
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=200).print(f"[green]x[/] {plain(name)}")
    assert "\x1b[2K" not in out.getvalue()


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "seewhy", *words], capture_output=True, env=os.environ | environment, check=False)


@pytest.mark.slow
def test_a_console_of_another_code_page_makes_no_traceback(tmp_path: Path) -> None:
    photo = tmp_path / "부품.png"
    for encoding in ("cp949", "ascii", "latin-1"):
        made = run("inspect", str(photo), "--model", str(tmp_path / "모델"), PYTHONIOENCODING=encoding)
        assert made.returncode == 2
        assert b"Traceback" not in made.stderr
        assert b"is not a model" in made.stderr.replace(b"\n", b" ")


def test_what_nobody_foresaw_is_one_line_and_a_log(tmp_path: Path) -> None:
    code = "import sys, seewhy.cli as c; c.door = lambda asked: lambda: 1 / 0; c.main()"
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}, check=False
    )
    assert made.returncode == 2
    assert made.stderr.startswith("error: ZeroDivisionError")
    (log,) = tmp_path.glob("seewhy-*.log")
    assert "Traceback" in log.read_text()
    assert log.name in made.stderr


def test_an_inspection_waits_for_nothing_that_it_does_not_need(model_folder: Path, photos: Path) -> None:
    code = (
        "import sys\nfrom seewhy.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, 1)\n"
        "unneeded = {'torch', 'timm', 'tifffile', 'httpx', 'seewhy.people', 'seewhy.studies', 'seewhy.agent.api.learn'}\n"
        "assert not unneeded & set(sys.modules), unneeded & set(sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "inspect", str(photos / "stain.png"), "-m", str(model_folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
def test_a_device_that_is_not_here_is_told(model_folder: Path, tmp_path: Path) -> None:
    made = run("inspect", str(tmp_path / "a.png"), "-m", str(model_folder), "--device", "cuda", CUDA_VISIBLE_DEVICES="")
    assert made.returncode == 2
    assert b"there is no GPU" in made.stderr
    assert b"Traceback" not in made.stderr


@pytest.mark.parametrize("command", ["eval", "recommend"])
def test_a_device_that_is_not_here_is_told_before_data_is_read(command: str, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, [command, "--data", str(tmp_path / "nowhere"), "--device", "cuda:63"])
    assert isinstance(ran.exception, BadData)  # which `main` tells, with exit code 2
    assert "there is no GPU for 'cuda:63'" in str(ran.exception)


@pytest.mark.parametrize(
    ("language", "verdict", "note"),
    [("en", "pass", "16-bit values were scaled"), ("ko", "합격", "16비트 값을 제품 카드의 백색 값 기준으로")],
)
def test_the_console_tells_a_passing_parts_notes(
    inspector: Inspector, language: str, verdict: str, note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record = inspector.inspect(as_photo(good("plate", 300), "grey.tif")).record
    noted = record.photo.model_copy(update={"notes": (sentence("note.16_bit_to_8"),)})
    print_entry(record.model_copy(update={"photo": noted}), language)
    said = capsys.readouterr().out
    assert said.startswith(f"{verdict} grey.tif\n")
    assert note in said


def test_the_console_tells_what_a_vlm_did_not_say(inspector: Inspector, capsys: pytest.CaptureFixture[str]) -> None:
    with speaking(lambda _r, _s: 500) as (url, _):
        record = asking(inspector, url, retries=0).inspect(stain()).record
    for language, said in (("en", "Unexplained (unavailable): the server answered 500"), ("ko", "설명 없음(")):
        print_entry(record, language)
        assert said in capsys.readouterr().out


def test_the_console_says_a_refusal_in_the_language(capsys: pytest.CaptureFixture[str]) -> None:
    refused = RefusedPhoto(
        lot="L", product="p", name="a.png", sha256=None, code="empty", message="a.png is empty", remedy="copy it", inspected_at="2026"
    )
    print_entry(refused, "en")
    print_entry(refused, "ko")
    assert capsys.readouterr().out.splitlines() == [
        "not inspected a.png",
        "  a.png is empty; copy it.",
        "미검사 a.png",
        "  a.png는 빈 파일(0바이트)입니다. 카메라에서 다시 복사하십시오.",
    ]
