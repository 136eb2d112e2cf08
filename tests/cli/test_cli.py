from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from seewhy.detectors.catalogue import TABLE
from seewhy.evals.synthetic.surfaces import good, write_dataset


def seewhy(*words: object, code: int = 0) -> str:
    made = subprocess.run([sys.executable, "-m", "seewhy", *map(str, words)], capture_output=True, text=True, check=False)
    assert made.returncode == code, made.stdout + made.stderr
    assert "Traceback" not in made.stderr
    return made.stdout if code != 2 else made.stderr


@pytest.fixture(scope="module")
def ledger(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    write_dataset(folder / "plate", "plate", good_train=1, good_test=2, per_kind=1)
    path = folder / "l.sqlite"
    said = json.loads(
        seewhy("batch", folder / "plate" / "test", "-m", model_folder, "-l", path, "--alpha", "0.05", "--lot", "A", "--json", code=1)
    )
    assert said["passed"] + said["failed"] + said["review"] == 6
    return path


def test_inspect_says_what_and_exits_by_verdict(model_folder: Path, photos: Path, tmp_path: Path) -> None:
    common = ("-m", model_folder, "--alpha", "0.05")
    assert "pass" in seewhy("inspect", photos / "good-0.png", *common)
    out = seewhy("inspect", photos / "stain.png", photos / "none.png", *common, "--report", tmp_path / "r.html", "--json", code=1)
    record, refusal = json.loads(out)
    assert record["verdict"]["value"] == "fail"
    assert refusal["code"] == "missing"
    assert (tmp_path / "r.html").is_file()


@pytest.mark.slow
def test_report_and_verify(ledger: Path, tmp_path: Path) -> None:
    for ending in ("html", "pdf", "json", "csv"):
        assert json.loads(seewhy("report", ledger, "-o", tmp_path / f"a.{ending}", "--json"))["entries"] == 6
    assert "intact" in seewhy("verify", ledger)
    head = json.loads(seewhy("verify", ledger, "--json"))["head"]
    assert seewhy("verify", ledger, "--head", head)
    assert "not in the chain" in seewhy("verify", ledger, "--head", "f" * 64, code=1)
    changed = tmp_path / "changed.sqlite"
    data = ledger.read_bytes()
    assert b'"verdict"' in data
    changed.write_bytes(data.replace(b'"verdict"', b'"Verdict"', 1))
    assert json.loads(seewhy("verify", changed, "--json", code=1))["bad_entry"] is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fit", "nowhere", "-o", "m"), "does not exist"),
        (("fit", "PHOTOS", "-o", "m", "--detector", "pachcore"), "did you mean 'patchcore'"),
        (("inspect", "a.png", "-m", "nowhere"), "not a model"),
        (("report", "nowhere.sqlite", "-o", "a.html"), "there is no ledger"),
        (("report", "LEDGER", "-o", "a.docx"), "no report format"),
        (("report", "LEDGER", "-o", "a.html", "--lot", "B"), "no lot 'B'"),
        (("schema", "recard"), "did you mean 'record'"),
        (("weights", "import", "wide-resnet50-2", "none.pth"), "does not exist"),
        (("inspect", "a.png", "-m", "MODEL", "--alpha", "2"), "between 0 and 1"),
    ],
)
@pytest.mark.slow
def test_mistakes_get_one_clear_line_and_exit_2(
    words: tuple[str, ...], said: str, photos: Path, ledger: Path, model_folder: Path, tmp_path: Path
) -> None:
    places = {"PHOTOS": photos, "LEDGER": ledger, "MODEL": model_folder, "m": tmp_path / "m"}
    out = seewhy(*(places.get(w, w) for w in words), code=2)
    assert said in out.replace("\n", " ")
    assert out.splitlines()[-1].startswith("error:")


@pytest.mark.slow
def test_fit_refuses_a_broken_good_photo(tmp_path: Path) -> None:
    folder = tmp_path / "good"
    folder.mkdir()
    Image.fromarray(good("cast", 0).pixels).save(folder / "a.png")
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:999])
    assert "b.png is truncated" in seewhy("fit", folder, "-o", tmp_path / "m", code=2)


@pytest.mark.slow
def test_schema_weights_and_doctor_speak_json() -> None:
    assert json.loads(seewhy("schema"))["properties"]["schema_version"]["const"] == "1"
    assert next(w for w in json.loads(seewhy("weights", "list", "--json")) if w["name"] == "efficientnet-lite0")["here"]
    checks = {c["what"]: c for c in json.loads(seewhy("doctor", "--json"))}
    assert checks["torch"]["found"]
    assert checks["detector patchcore"] == {"what": "detector patchcore", "found": "would run", "remedy": ""}
    assert "winclip" in {row.name for row in TABLE}
    assert bool(checks["detector winclip"]["found"]) != bool(checks["detector winclip"]["remedy"])
    assert ("seewhy[clip]" in checks["extra clip"]["remedy"]) == (importlib.util.find_spec("open_clip") is None)


@pytest.mark.slow
def test_eval_writes_the_promised_figures(tmp_path: Path) -> None:
    write_dataset(tmp_path / "cast", "cast", good_train=10, good_test=6, per_kind=2)
    seewhy("eval", "--data", tmp_path, "--detector", "patchcore", "--json", tmp_path / "r.json", "--alpha", "0.1")
    results = json.loads((tmp_path / "r.json").read_text())
    (row,) = results["products"]
    assert row["image_auroc"] > 0.9
    assert row["pixel_auroc"] > 0.9
    for name in ("aupro", "false_reject_rate", "escape_rate", "seconds_per_photo", "peak_memory_mib"):
        assert row[name] is not None
    assert "efficientnet-lite0" in results["weights"]


def test_a_missing_extra_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from seewhy.errors import MissingExtra
    from seewhy.reports import REPORTS

    monkeypatch.setitem(sys.modules, "typst", None)
    monkeypatch.delitem(sys.modules, "seewhy.reports.pdf", raising=False)
    monkeypatch.delitem(sys.modules, "seewhy.reports.typeset", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'seewhy\[pdf\]'"):
        REPORTS.get("pdf")
