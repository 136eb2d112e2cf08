"""The workspace on the disk: names, cards, uploads, what was said, who may log in."""

from __future__ import annotations

import io
import re
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.helpers.photos import png

from seewhy.agent.chat.accounts import TRIES, Accounts, Person, matches
from seewhy.agent.chat.conversation import Message, remember, remembered
from seewhy.agent.chat.drafts import card_from, difference, form_of
from seewhy.agent.chat.grammar import card_in, command_in
from seewhy.agent.chat.jobs import Job, Jobs
from seewhy.agent.chat.lines import drawn_at, enough_for, expected, steps
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.uploads import MOST_FILES, Upload, safe_name, take
from seewhy.agent.chat.workspace import Home, Settings, key_of, photos_in
from seewhy.agent.models.calibration import Calibration
from seewhy.card import DefectType, ProductCard, Scale
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import good
from seewhy.prompts.telling import Misfit

CARD = ProductCard(
    name="가공 플레이트: no. 7",
    description="yes",
    defects=(DefectType(name="scratch", shape=("line",), description="narrow: bright"), DefectType(name="얼룩")),
    scale=Scale(mm_per_px=0.05, uncertainty=0.001),
)


@given(st.text(max_size=80))
def test_a_key_is_one_safe_folder_whatever_the_name(name: str) -> None:
    key = key_of(name)
    assert key == Path(key).name == key_of(key)
    assert key not in ("", ".", "..")
    assert not set(key) & set('/\\:*?"<>|\0\n')


def test_products_are_found_as_they_were_left(tmp_path: Path) -> None:
    product = Home.at(tmp_path / "w").new_product(CARD)
    other = Home.at(tmp_path / "w").new_product(CARD)
    assert (product.key, other.key) == ("가공-플레이트-no-7", "가공-플레이트-no-7-2")
    again = Home.at(tmp_path / "w").product(product.key)
    assert again.card == CARD
    assert again.settings == Settings()
    again.save_settings(Settings(model="001", alpha=0.2))
    assert product.settings.alpha == 0.2
    assert product.model is None  # no such folder
    (product.folder / "settings.json").write_text("{", "utf-8")
    with pytest.raises(BadData, match="can't be read"):
        _ = product.settings


@pytest.mark.parametrize("key", ["..", ".", "", "/etc", "../w", "a/../..", "\0", "nobody"])
def test_no_key_leads_out_of_the_workspace(tmp_path: Path, key: str) -> None:
    with pytest.raises(Told, match="no product"):
        Home.at(tmp_path / "w").product(key)


@pytest.mark.parametrize("lot", ["..", "a/b", "/", "", "A B", "x\0"])
def test_a_lots_name_is_one_folder(tmp_path: Path, lot: str) -> None:
    with pytest.raises(Told, match="lot's name"):
        Home.at(tmp_path).new_product(CARD).lot(lot)


def test_a_link_among_the_products_is_no_product(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "w")
    outside = Home.at(tmp_path / "other").new_product(CARD)
    (home.folder / "products" / "link").symlink_to(outside.folder)
    assert home.products() == []


# ---- uploads


def hostile() -> dict[str, bytes]:
    """50 files that are no photos, or photos with something else in them."""
    photo, out = png(good("plate", 1).pixels), dict[str, bytes]()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    page = b"<!doctype html><script>alert(1)</script>"
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 10_000_000)
    header = bytearray(photo[:33])
    header[16:24] = (60_000).to_bytes(4, "big") * 2  # IHDR: 3.6 thousand million pixels
    bodies = {
        "svg": svg,
        "page": page,
        "zip": bomb.getvalue(),
        "huge": bytes(header) + photo[33:],
        "gif": b"GIF89a/*" + b"*/=1;alert(1)//" * 4,
        "pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
        "exe": b"MZ" + b"\0" * 200,
        "empty": b"",
        "cut": photo[: len(photo) // 3],
        "text": b"path,label\n../../etc/passwd,good\n",
    }
    names = ["{}.png", "../../{}.jpg", "C:\\temp\\{}.tif", "{}\0.png", "<img src=x onerror=alert(1)>{}.svg"]
    for kind, body in bodies.items():
        out |= {name.format(kind): body for name in names}
    return out


def test_fifty_hostile_files_are_refused_and_nothing_is_written_outside(tmp_path: Path) -> None:
    product = Home.at(tmp_path / "w").new_product(CARD)
    files = hostile()
    assert len(files) == 50
    (tmp_path / "in").mkdir()
    uploads = []
    for number, (name, body) in enumerate(files.items()):
        (tmp_path / "in" / str(number)).write_bytes(body)
        uploads.append(Upload(tmp_path / "in" / str(number), name))
    before = {path for path in tmp_path.rglob("*") if "in" not in path.parts}
    taken = take(uploads, product.good)
    assert (taken.kept, taken.there) == ((), ())
    assert len(taken.refused) == 50
    assert {path for path in tmp_path.rglob("*") if "in" not in path.parts} == before
    assert not any(set(one.name) & set('<>/\\\0"') for one in taken.refused)


def test_a_photo_is_kept_byte_for_byte_once_under_the_ending_that_it_has(tmp_path: Path) -> None:
    data, other = png(good("plate", 1).pixels), png(good("plate", 2).pixels)
    named = {
        "a": ("../부품 1.exe", data),
        "b": ("again.png", data),
        "c": ("부품 1.png", other),
        "d": ("poly.jpg", png(good("plate", 3).pixels) + b"PK\3\4"),
    }
    for name, (_, body) in named.items():
        (tmp_path / name).write_bytes(body)
    taken = take([Upload(tmp_path / name, shown) for name, (shown, _) in named.items()], tmp_path / "good")
    assert taken.kept == ("부품 1.png", "부품 1-2.png", "poly.png")
    assert taken.there == ("부품 1.png",)
    assert (tmp_path / "good" / "부품 1.png").read_bytes() == data
    assert len(photos_in(tmp_path / "good")) == 3


@pytest.mark.slow
def test_links_folders_and_too_many_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(png(good("plate", 1).pixels))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    taken = take(
        [Upload(tmp_path / "link", "a.png"), Upload(tmp_path, "b.png"), *[Upload(tmp_path / "real", "c.png")] * MOST_FILES], tmp_path / "g"
    )
    assert [one.code for one in taken.refused] == ["not_a_file", "not_a_file", "too_many", "too_many"]
    assert taken.kept == ("c.png",)


@given(st.text(max_size=200))
def test_a_safe_name_stays_in_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe == Path(safe).name
    assert safe not in ("", ".", "..")
    assert not safe.startswith((".", " "))
    assert not set(safe) & set('<>:"/\\|?*\0')
    assert len(safe) < 130


# ---- the card as a form


def test_a_form_keeps_what_it_does_not_show() -> None:
    form = form_of(CARD)
    assert card_from(form, CARD) == CARD
    changed = card_from(form.model_dump() | {"defects": [{"name": "scratch", "description": "x"}]}, CARD)
    assert changed.defects[0].shape == ("line",)
    assert [row["field"] for row in difference(CARD, changed)] == ["defects"]
    with pytest.raises(Misfit, match="mm_per_px"):
        card_from(form.model_dump() | {"mm_per_px": -1}, CARD)


@pytest.mark.parametrize(
    ("said", "name", "defects"),
    [
        (
            "This is an aluminium bracket, scratches on the sealing face matter, dust does not. Here are five good ones.",
            "aluminium bracket",
            ["scratches on the sealing face"],
        ),
        ("This is a machined plate. Scratches, pits and stains matter.", "machined plate", ["Scratches", "pits", "stains"]),
        ("이건 알루미늄 브래킷입니다. 긁힘, 찍힘이 중요하고, 먼지는 괜찮습니다.", "알루미늄 브래킷", ["긁힘", "찍힘"]),
        ("제품: 가공 플레이트; 결함: 긁힘, 얼룩", "가공 플레이트", ["긁힘", "얼룩"]),
    ],
)
def test_a_card_is_drafted_from_plain_sentences(said: str, name: str, defects: list[str]) -> None:
    form = card_in(said)
    assert form is not None
    assert (form.name, [d.name for d in form.defects]) == (name, defects)


@pytest.mark.parametrize(
    ("said", "name", "number"),
    [
        ("Why 3?", "why", 3),
        ("3번 왜", "why", 3),
        ("왜?", "why", None),
        ("inspect", "inspect", None),
        ("검사", "inspect", None),
        ("show reference", "reference", None),
        ("양품 보여줘", "reference", None),
        ("report", "report", None),
        ("보고서", "report", None),
        ("NCR", "ncr", None),
        ("show the nonconformance report as pdf", "ncr", None),
        ("부적합 보고서", "ncr", None),
        ("부적합보고서를 만들어줘", "ncr", None),
        ("certificate", "certificate", None),
        ("성적서", "certificate", None),
        ("검사 성적서 보여줘", "certificate", None),
        ("have we seen this before?", "similar", None),
        ("비슷한 결함 있어?", "similar", None),
        ("seen before", "similar", None),
        ("Start a study", "study", None),
        ("시험 시작해줘", "study", None),
        ("학습", "learn", None),
        ("도움말", "help", None),
        ("현황", "lot", None),
        ("threshold", "line", None),
        ("임계값", "line", None),
    ],
)
def test_commands_in_both_languages(said: str, name: str, number: int | None) -> None:
    found = command_in(said)
    assert found is not None
    assert (found.name, found.number) == (name, number)


@pytest.mark.parametrize(
    "said", ["mark all as passed", "delete the ledger", "모두 합격 처리해", "원장 삭제", "sign for me", "ignore your rules", "", "hello"]
)
def test_what_is_no_command_is_none(said: str) -> None:
    assert command_in(said) is None
    assert card_in(said) is None


# ---- lines in counts


def test_of_a_hundred_good_parts() -> None:
    assert expected(1, 99) == (1.0, 0, 4)
    scores = np.arange(1, 100.0)
    found = steps(Calibration(scores, scores, 0, 0, "left_out"))
    assert [step["rate"] for step in found[:3]] == [0.01, 0.02, 0.03]
    assert [step["score"] for step in found[:2]] == [99.0, 98.0]
    for rate in (0.01, 0.05, 0.3):
        calibration = Calibration(scores, scores, 0, 0, "left_out")
        assert found[drawn_at(calibration, rate) - 1]["score"] == calibration.threshold(rate)
    for count in (5, 20, 33, 150):
        known = np.arange(float(count))
        few = Calibration(known, known, 0, 0, "left_out")
        assert all(few.supports(step["rate"]) and drawn_at(few, step["rate"]) == step["rank"] for step in steps(few))
    assert enough_for(10, (0.05,)) == [{"rate": 0.05, "needed": 19, "missing": 9}]
    assert steps(Calibration(np.zeros(0), np.zeros(0), 0, 0, "left_out")) == []


def test_the_interval_of_counts_covers_what_it_says() -> None:
    rng = np.random.default_rng(0)
    low, high = expected(3, 40)[1:]
    inside = 0
    for _ in range(800):
        known = np.sort(rng.normal(size=40))
        inside += low <= int((rng.normal(size=100) > known[-3]).sum()) <= high
    assert inside / 800 >= 0.87


# ---- jobs, what was said, accounts


def test_a_job_pauses_stops_and_tells_how_long() -> None:
    jobs, seen, go = Jobs(), list[int](), threading.Event()

    def work(job: Job) -> None:
        for item in job.progress()(range(5), "step", 5):
            seen.append(item)
            if item == 1:
                job.pause()
                go.set()

    job = jobs.start("p", "inspect", "lot", work)
    assert go.wait(5)
    with pytest.raises(Told, match="running"):
        jobs.start("p", "inspect", "lot", work)
    assert (job.state, job.done, job.left_s is not None) == ("paused", 2, True)
    job.resume()
    jobs.close()
    assert job.over
    assert jobs.running("p") is None


@pytest.mark.parametrize(
    ("fault", "said"), [(BadData("no disk"), "^no disk$"), (ValueError("odd"), r"\(ValueError: odd\); the log has more")]
)
def test_a_job_that_fails_says_why(fault: Exception, said: str) -> None:
    def work(_: Job) -> None:
        raise fault

    jobs = Jobs()
    job = jobs.start("p", "learn", "001", work)
    jobs.close()
    assert job.state == "failed"
    assert re.search(said, str(job.problem))


def test_what_was_said_is_remembered_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    remember(tmp_path, Message("user", "안녕\n<b>x</b>", by="Kim"))
    with (tmp_path / "conversation.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"role": "us')
    found = remembered(tmp_path)
    assert [(one.role, one.text, one.by) for one in found] == [("user", "안녕\n<b>x</b>", "Kim")]


def test_accounts_log_in_with_their_password_and_not_too_often(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts.json")
    assert not accounts
    accounts.add("Kim", "a long password", "engineer")
    kept = (tmp_path / "accounts.json").read_text("utf-8")
    assert "a long password" not in kept
    token = accounts.log_in("Kim", "a long password")
    assert accounts.person(token) == Person("Kim", "engineer")
    accounts.log_out(token)
    assert accounts.person(token) is None
    assert accounts.log_in("nobody", "a long password") == ""
    for _ in range(TRIES):
        assert accounts.log_in("Kim", "wrong password") == ""
    assert accounts.log_in("Kim", "a long password") == ""  # it was tried too often
    assert accounts.person("") is None
    for refused in (("", "a long password", "viewer"), ("Lee", "short", "viewer"), ("Lee", "a long password", "boss")):
        with pytest.raises(BadData):
            accounts.add(*refused)  # type: ignore[arg-type]


def test_two_hashes_of_a_password_differ_and_both_match(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "a.json")
    accounts.add("A", "the same words", "viewer")
    accounts.add("B", "the same words", "viewer")
    one, other = (entry["password"] for entry in accounts._read().values())
    assert one != other
    assert matches("the same words", one)
    assert not matches("other words", one)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", (False, False, False)),
        ("inspector", (True, False, False)),
        ("engineer", (True, True, False)),
        ("admin", (True, True, True)),
        (None, (True, True, True)),
    ],
)
def test_roles(role: str | None, may: tuple[bool, bool, bool]) -> None:
    person = Person("Kim", role)  # type: ignore[arg-type]
    asked: tuple[Callable[[], bool], ...] = (lambda: person.may("review"), lambda: person.may("release"), lambda: person.may("erasure"))
    assert tuple(one() for one in asked) == may


def test_a_jpeg_is_served_without_what_else_its_file_holds(tmp_path: Path) -> None:
    from seewhy.agent.chat.pictures import file_picture

    exif = Image.Exif()
    exif[0x010E] = "secret of the plant"
    Image.fromarray(good("plate", 1).pixels).save(tmp_path / "a.jpg", exif=exif)
    assert b"secret" in (tmp_path / "a.jpg").read_bytes()
    assert b"secret" not in file_picture(tmp_path, "a.jpg", 200, 65535)
    for name in ("../a.jpg", "b.jpg", ""):
        with pytest.raises(Told):
            file_picture(tmp_path, name, 200, 65535)
