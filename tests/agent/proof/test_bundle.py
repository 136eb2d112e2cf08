"""A bundle shows one part without the others, and whatever is changed in it is found, by seewhy and by the page in it."""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.helpers import TESTS

from seewhy.agent.ledger.checkpoint import PublicKey, make_key, public_key, read_key, signed
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.ledger.verification import Verification
from seewhy.agent.people import acts
from seewhy.agent.people.roles import Who
from seewhy.agent.proof.archive import archive, opened
from seewhy.agent.proof.bundle import Contents, bundle
from seewhy.agent.proof.checking import check_bundle
from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.errors import BadData, NotWritten

GOLDEN = TESTS / "golden" / "schema1"
PHOTOS = GOLDEN / "photos" / "plate"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that an earlier version began and people went on with, a key, and a signed bundle of one part of it."""
    made = tmp_path_factory.mktemp("bundle")
    make_key(made / "key.pem", "works.example", "open sesame")
    with Ledger(Path(shutil.copy(GOLDEN / "ledger.sqlite", made / "book.sqlite"))) as book:
        acts.review(book, "stain.png", "pass", Who("Kim", "water, wiped off"), lot="A")
        name, private = read_key(made / "key.pem", "open sesame")
        signer = (made / "key.pem.pub").read_text()
        contents = Contents(PHOTOS, signed(book.checkpoint, "book", name, private), signer)
        bundle(book, made / "part.zip", lot="A", part="stain.png", contents=contents)
    return made


@pytest.fixture
def part(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(folder / "part.zip", tmp_path))


def test_a_bundle_holds_one_part_and_nothing_of_the_others(folder: Path) -> None:
    files = opened(folder / "part.zip")
    rows = json.loads(files["bundle.json"])["entries"]
    assert {row["photo"] for row in rows} == {"stain.png"}
    assert {row["kind"] for row in rows} >= {"inspection", "review"}
    assert {"report.html", "report.pdf", "verify.html", "checkpoint.txt", "signer.pub", "SHA256SUMS"} <= set(files)
    photo = (PHOTOS / "stain.png").read_bytes()
    assert files[f"photos/{sha256_bytes(photo)}.png"] == photo
    assert "scratch.png" not in "".join(files)
    assert b"scratch.png" not in files["bundle.json"]
    found = check_bundle(folder / "part.zip")
    assert found.intact
    assert f"{len(rows)} of the 11 entries" in found.notes[0]
    assert "compare that with one from them" in found.notes[1]
    assert check_bundle(folder / "part.zip", public_key(files["signer.pub"].decode())).intact


def test_the_sums_are_those_of_the_usual_tool(folder: Path, tmp_path: Path) -> None:
    import subprocess

    shutil.unpack_archive(folder / "part.zip", tmp_path)
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_any_flipped_byte_is_found(part: Path) -> None:
    whole, chance = part.read_bytes(), random.Random(7)
    for _ in range(150):
        at = chance.randrange(len(whole))
        data = bytearray(whole)
        data[at] ^= 1 << chance.randrange(8)
        part.write_bytes(data)
        assert not check_bundle(part).intact, at


def flipped(part: Path, name: str, at: int) -> Verification:
    """What is said of a bundle in which one byte of a file was changed."""
    whole = part.read_bytes()
    data = bytearray(whole)
    data[whole.index(opened(part)[name]) + at] ^= 1
    part.write_bytes(data)
    found = check_bundle(part)
    part.write_bytes(whole)
    assert not found.intact
    assert (found.file, name in found.problem) == (name, True)
    return found


def test_the_file_and_the_entry_of_a_flipped_byte_are_named(part: Path) -> None:
    files, chance = opened(part), random.Random(9)
    rows = json.loads(files["bundle.json"])["entries"]
    inspected = next(row for row in rows if row["kind"] == "inspection")
    pictures = {item["sha256"] for item in json.loads(inspected["body"])["evidence"]} | {inspected["photo_sha256"]}
    own = [name for name in files if name.partition("/")[2].partition(".")[0] in pictures]
    assert len(own) > 3
    for name in own:
        assert flipped(part, name, chance.randrange(len(files[name]))).bad_seq == inspected["seq"]
    for row in rows:
        start = files["bundle.json"].index(b'{"at":"%b"' % row["at"].encode())
        size = len(canonical_json(row))
        for at in (start + 9, start + size // 2, start + size - 40):  # its time, its body, its proof
            assert flipped(part, "bundle.json", at).bad_seq == row["seq"], at
    page = files["report.html"]
    found = flipped(part, "report.html", page.index(b'id="part-1"') + 2000)
    assert (found.bad_seq, "(photo stain.png)" in found.problem) == (inspected["seq"], True)
    for name, at in (("report.html", 40), ("report.pdf", 4000), ("verify.html", 500), ("signer.pub", 3)):
        assert flipped(part, name, at).bad_seq is None  # no entry's


def remade(part: Path, change: dict[str, bytes | None]) -> None:
    """What somebody can do who can make such a zip: files changed or taken out, sums and archive made anew."""
    files = {name: data for name, data in (opened(part) | change).items() if data is not None and name != "SHA256SUMS"}
    listed = sorted(files.items())
    sums = "".join(f"{sha256_bytes(data)}  {name}\n" for name, data in listed).encode()
    part.write_bytes(b"".join(archive([*listed, ("SHA256SUMS", sums)])))


def changed_bundle(part: Path, change: str) -> None:
    described = json.loads(opened(part)["bundle.json"])
    row = next(r for r in described["entries"] if r["kind"] == "review")
    if change == "body":
        row["body"] = row["body"].replace("water", "paint")
    elif change == "path":
        row["proof"] = [*row["proof"][:-1], "0" * 64]
    elif change == "place":
        row["proof"] = row["proof"][:-1]
    elif change == "head":
        described["ledger"]["entries"] += 1
    elif change == "root":
        described["ledger"]["root"] = "0" * 64
    remade(part, {"bundle.json": canonical_json(described)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("body", "it was changed after it was written"),
        ("path", "doesn't lead to the ledger's root"),
        ("place", "doesn't lead to the ledger's root"),
        ("head", "checkpoint is of another ledger"),
        ("root", "checkpoint is of another ledger"),
    ],
)
def test_a_forged_bundle_is_found(part: Path, change: str, said: str) -> None:
    changed_bundle(part, change)
    found = check_bundle(part)
    assert said in found.problem
    assert (found.bad_seq == 11) == (change in ("body", "path", "place"))


def test_what_is_missing_or_swapped_is_found(part: Path, folder: Path) -> None:
    picture = next(name for name in opened(part) if name.startswith("evidence/") and name.endswith(".jpg"))
    remade(part, {picture: None})
    assert "its picture" in check_bundle(part).problem
    shutil.copy(folder / "part.zip", part)
    remade(part, {picture: b"another"})
    assert "is not what lies under that hash" in check_bundle(part).problem
    shutil.copy(folder / "part.zip", part)
    remade(part, {"report.html": opened(part)["report.html"].replace(b"Kim", b"Lee")})
    assert "its bytes are not those of its seal" in check_bundle(part).problem
    shutil.copy(folder / "part.zip", part)
    remade(part, {"checkpoint.txt": None})
    assert check_bundle(part).intact
    assert "no signed checkpoint" in check_bundle(part, public_key((folder / "key.pem.pub").read_text())).problem


def test_one_clear_error_and_no_bundle(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    other = tmp_path / "photos"
    other.mkdir()
    with Ledger(folder / "book.sqlite", read_only=True) as book:
        for said, options in (
            ("is missing; give the folder", {"part": "stain.png", "lot": "A", "contents": Contents(photos=other)}),
            ("holds no lot 'X'", {"lot": "X"}),
            ("no photo or part 'x.png'", {"part": "x.png"}),
        ):
            with pytest.raises(BadData, match=said):
                bundle(book, out, **options)  # type: ignore[arg-type]
        shutil.copy(PHOTOS / "scratch.png", other / "stain.png")
        with pytest.raises(BadData, match="not the photo that entry"):
            bundle(book, out, part="stain.png", lot="A", contents=Contents(photos=other))
        assert not out.exists()
        out.write_text("mine")
        with pytest.raises(NotWritten, match="was left as it is"):
            bundle(book, out, lot="B")
    assert out.read_text() == "mine"
    assert "can't be read" in check_bundle(tmp_path / "none.zip").problem
    assert "no zip" in check_bundle(out).problem


def with_pluses() -> Ed25519PrivateKey:
    """A key whose base64 has pluses nine characters apart, as its hash stands between two."""
    keys = (Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big")) for number in itertools.count(1))
    return next(key for key in keys if re.search(r"\+.{8}\+", str(PublicKey("w", key.public_key().public_bytes_raw()))[11:]))


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
@pytest.mark.slow
def test_the_page_checks_a_bundle_in_a_real_browser(folder: Path, part: Path, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    from seewhy.prompts import text
    from seewhy.reports.verifier import verifier_page

    for language in ("en", "ko"):
        (tmp_path / f"{language}.html").write_bytes(verifier_page(language))
    good, lot, key = folder / "part.zip", tmp_path / "lot.zip", (folder / "key.pem.pub").read_text()
    with Ledger(folder / "book.sqlite", read_only=True) as book:
        bundle(book, lot, lot="B")
        own = with_pluses()
        signer = str(PublicKey("works", own.public_key().public_bytes_raw()))
        bundle(book, tmp_path / "pluses.zip", lot="B", contents=Contents(None, signed(book.checkpoint, "book", "works", own), signer))
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        requests = list[str]()
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "en.html").as_uri())

        def said(file: Path) -> str:
            page.evaluate("document.getElementById('verdict').textContent = ''")
            page.set_input_files("#file", [])
            page.set_input_files("#file", str(file))
            page.locator("#verdict:not(:empty)").wait_for(timeout=20_000)
            return page.inner_text("#verdict")

        intact = text("verifier.intact")
        assert said(good) == intact
        assert said(lot) == intact
        assert said(tmp_path / "pluses.zip") == intact
        assert text("verifier.signed_own", name="works") in page.inner_text("#facts")
        page.fill("#key", key.strip())
        page.dispatch_event("#key", "change")
        page.locator("#verdict:not(:empty)").wait_for(timeout=20_000)
        assert text("verifier.unsigned_but_key") in said(lot)
        assert said(good) == intact
        assert "works.example" in page.inner_text("#facts")
        assert text("verifier.signed", name="works.example") in page.inner_text("#facts")
        page.fill("#key", "")
        for change, wanted in (
            ("body", "entry_changed"),
            ("path", "entry_unproven"),
            ("root", "checkpoint_other"),
            ("head", "checkpoint_other"),
        ):
            shutil.copy(good, part)
            changed_bundle(part, change)
            values = {"seq": 11} if wanted.startswith("entry") else {}
            assert text(f"verifier.{wanted}", **values) in said(part)  # type: ignore[arg-type]
        whole, chance = good.read_bytes(), random.Random(11)
        for _ in range(12):
            at, data = chance.randrange(len(whole)), bytearray(whole)
            data[at] ^= 1 << chance.randrange(8)
            part.write_bytes(data)
            assert said(part).startswith(text("verifier.not_intact")), at
        page.goto((tmp_path / "ko.html").as_uri())
        assert said(good) == text("verifier.intact", "ko")
        browser.close()
    assert [url for url in requests if not url.startswith("file:")] == []
