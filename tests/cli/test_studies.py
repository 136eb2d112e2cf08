"""The commands of studies, samples, forms and documents: what they write, print and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.test_people import run, told
from tests.helpers.ledgers import golden_record
from typer.testing import CliRunner

from seewhy.agent.ledger.store import Ledger
from seewhy.cli import app
from seewhy.errors import BadData

WHO = ("--by", "Lee", "--why", "by procedure 7", "--role", "quality")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.sqlite"
    with Ledger(path) as ledger:
        for i in range(12):
            ledger.append(golden_record(f"good-{i}.png", serial=f"S-{i}"))
        ledger.append(golden_record("stain.png", serial="S-12"))
    return path


def test_a_criterion_a_study_and_its_dossier(book: Path, tmp_path: Path) -> None:
    words = ("study", "criterion", book, "escapes", "escape_share_upper")
    with pytest.raises(BadData, match="one limit"):
        run(*words, "--protocol", "P", "--product", "plate", *WHO)
    run(*words, "--at-most", 0.5, "--protocol", "P", "--product", "plate", *WHO)
    for i in range(8):
        run("review", book, f"good-{i}.png", "pass", *WHO)
    done = told("study", "escapes", book, "--lot", "L", "--protocol", "P", "--defect-share", 0.2, *WHO)
    assert done["measures"]["escape_share_upper"] == pytest.approx(0.3123, abs=1e-3)
    assert [one["held"] for one in done["criteria"]] == [True]
    out = tmp_path / "d.json"
    assert told("report", book, "--kind", "dossier", "--protocol", "P", "--out", out)["kind"] == "dossier"
    assert json.loads(out.read_text())["status"] == "criteria met"
    assert "intact" in run("verify", out, "--ledger", book)


def test_a_study_that_misses_its_criterion_ends_with_1(book: Path) -> None:
    run("study", "criterion", book, "escapes", "escape_share_upper", "--at-most", 0.001, "--protocol", "P", "--product", "plate", *WHO)
    result = CliRunner().invoke(app, [str(w) for w in ("study", "escapes", book, "--protocol", "P", *WHO)])
    assert result.exit_code == 1 and "not met" in result.output


def test_detection_by_signal_stands_beside_hit_and_miss(tmp_path: Path) -> None:
    sizes, path = [0.2 + 0.1 * i for i in range(12)], tmp_path / "signals.sqlite"
    with Ledger(path) as ledger:
        for i, size in enumerate(sizes):
            record = golden_record(f"p-{i}.png", serial=f"S-{i}")
            line = record.decision.threshold.value or 0.0
            score = record.decision.score.model_copy(update={"value": line * size * (1.1 if i % 2 else 1 / 1.1)})
            ledger.append(record.model_copy(update={"decision": record.decision.model_copy(update={"score": score})}))
    reference = tmp_path / "truth.csv"
    reference.write_text("part,truth,size\n" + "".join(f"S-{i},fail,{size}\n" for i, size in enumerate(sizes)))
    with pytest.raises(BadData, match="takes a --reference"):
        run("study", "pod", path, "--by-signal", *WHO)
    results = told("study", "pod", path, "--reference", reference, "--by-signal", *WHO)["results"]
    assert results["signal"]["a50"] == pytest.approx(1.0, rel=0.05)  # where the score reaches its line
    assert 1.0 < results["signal"]["a90"] < results["signal"]["a90_95"] < 1.5
    for language, words in (("en", "â versus a"), ("ko", "â 대 a")):
        out = tmp_path / f"{language}.html"
        run("report", path, "--kind", "study", "--out", out, "--language", language)
        assert words in out.read_text()


def test_a_sample_lists_its_parts_and_its_certificate_shows_the_plan(book: Path, tmp_path: Path) -> None:
    said = run("study", "sample", book, "--lot", "L", "--aql", 6.5, *WHO)
    assert "draws 2 of 12 parts that passed (ISO 2859-1:1999, 2-A)" in said
    run("report", book, "--kind", "lot-certificate", "--lot", "L", "--out", tmp_path / "l.html")
    assert "ISO 2859-1:1999, 2-A" in (tmp_path / "l.html").read_text()


def test_a_form_is_filled_in_by_text_or_file(book: Path, tmp_path: Path) -> None:
    run("review", book, "stain.png", "fail", *WHO)
    file = tmp_path / "cause.txt"
    file.write_text("원인: 세척 불량", encoding="utf-8")
    run("fill", book, "ncr", "S-12", "cause", "--file", file, *WHO)
    run("report", book, "--kind", "ncr", "--part", "S-12", "--out", tmp_path / "n.html")
    assert "원인: 세척 불량" in (tmp_path / "n.html").read_text()
    for given, message in ((("cause",), "by --text or by --file"), (("beauty", "--text", "x"), "has the fields")):
        with pytest.raises(BadData, match=message):
            run("fill", book, "ncr", "S-12", *given, *WHO)


def test_what_a_document_lacks_is_one_error(book: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="needs --part"):
        run("report", book, "--kind", "certificate", "--out", tmp_path / "c.pdf")
    with pytest.raises(BadData, match=r"is \.html, \.pdf or \.json"):
        run("report", book, "--kind", "validation", "--out", tmp_path / "c.csv")
