"""The lot as a QIF document: what others' software reads is what the ledger says."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.helpers.ledgers import golden_record, refusal

from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.people import acts
from seewhy.agent.people.roles import Who
from seewhy.agent.proof.documents import check_document
from seewhy.record import Entry, InspectionRecord, PartIdentity
from seewhy.reports import write_report

QIF = "{http://qifstandards.org/xsd/qif3}"
KIM = Who("Kim", "water, wiped off", "quality")
SCHEMA = os.environ.get("SEEWHY_QIF_SCHEMA", "")


def with_scale(name: str, serial: str) -> InspectionRecord:
    """A record of a part with a serial number, whose findings are measured in millimetres too."""
    record = golden_record(name)
    findings = []
    for finding in record.findings:
        feret = finding.measured.size.feret_mm.model_copy(update={"value": 2.25, "uncertainty": 0.125, "status": "supported"})
        size = finding.measured.size.model_copy(update={"feret_mm": feret})
        findings.append(finding.model_copy(update={"measured": finding.measured.model_copy(update={"size": size})}))
    return record.model_copy(update={"findings": tuple(findings), "part": PartIdentity(serial=serial)})


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("qif") / "l.sqlite"
    with Ledger(path) as book:
        book.append(golden_record("good-1.png"))
        book.append(golden_record("stain.png"))
        book.append(with_scale("front.png", "S-7"))
        book.append(with_scale("back.png", "S-7"))
        book.append(refusal("torn\u0007.png"))
        acts.review(book, "stain.png", "pass", KIM)
        acts.dispose(book, "front.png", "rework", KIM)
    return path


@pytest.fixture(scope="module")
def document(ledger: Path) -> Path:
    with Ledger(ledger, read_only=True) as book:
        return write_report(list(entries(book)), book.evidence, ledger.with_name("lot.qif"), head=book.head[1])


def lot(ledger: Path) -> list[Entry]:
    with Ledger(ledger, read_only=True) as book:
        return list(entries(book))


def attributes(element: ET.Element) -> dict[str, str]:
    return {a.get("name", ""): a.get("value", "") for a in element.findall(f"{QIF}Attributes/{QIF}AttributeStr")}


def test_each_photo_has_its_verdict_and_its_entry(ledger: Path, document: Path) -> None:
    photos = ET.parse(document).getroot().findall(f".//{QIF}MeasurementResults")
    said = {attributes(p)["photo"]: p.findtext(f"{QIF}InspectionStatus/{QIF}InspectionStatusEnum") for p in photos}
    assert said["stain.png"] == "PASS"  # a person's word before the machine's, which stands beside it
    assert {attributes(p)["photo"]: attributes(p).get("machine_verdict") for p in photos}["stain.png"] == "fail"
    assert said["front.png"] == "FAIL"
    assert Counter(said.values()) == Counter({"FAIL": 2, "PASS": 2, "NOT_MEASURED": 1})
    with Ledger(ledger, read_only=True) as book:
        hashes = [row.hash for row in book.rows(kinds=("inspection", "refusal"))]
    assert [attributes(p)["ledger_entry_sha256"] for p in photos] == hashes


def test_findings_keep_their_sizes_and_a_part_its_photos(ledger: Path, document: Path) -> None:
    root = ET.parse(document).getroot()
    records = [e for e in lot(ledger) if isinstance(e, InspectionRecord)]
    named = [a for e in root.iter(f"{QIF}UserDefinedAttributeCharacteristicMeasurement") if "finding" in (a := attributes(e))]
    assert len(named) == sum(len(r.findings) for r in records) > 0
    assert [float(a["feret_px"]) for a in named] == pytest.approx(
        [f.measured.size.feret.value for r in records for f in r.findings], rel=1e-5
    )
    lengths = list(root.iter(f"{QIF}UserDefinedLinearCharacteristicMeasurement"))
    assert len(lengths) == sum(len(r.findings) for r in records if r.part)
    value = lengths[0].find(f"{QIF}Value")
    assert value is not None
    assert (value.text, value.get("combinedUncertainty")) == ("2.25", "0.125")
    parts = {
        p.findtext(f"{QIF}SerialNumber"): p.findtext(f"{QIF}Status/{QIF}InspectionStatusEnum") for p in root.iter(f"{QIF}ActualComponent")
    }
    assert parts["S-7"] == "REWORK"
    assert len(parts) == 4  # two photos show one part


def test_numbers_are_unique_refer_to_something_and_are_counted(document: Path) -> None:
    root = ET.parse(document).getroot()
    numbers = [e.get("id", "") for e in root.iter() if "id" in e.attrib]
    assert sorted(map(int, numbers)) == list(range(1, int(root.get("idMax", "0")) + 1))
    references = [e.text for e in root.iter() if e.tag.endswith("Id") and e.tag != f"{QIF}QPId"]
    assert set(references) <= set(numbers)
    for element in root.iter():
        if "n" in element.attrib:
            assert len(element) == int(element.get("n", "0")), element.tag


def test_it_bears_its_seal_and_is_made_again_alike(ledger: Path, document: Path) -> None:
    found = check_document(document, ledger)
    assert (found.intact, found.notes) == (True, ())
    document_again = document.with_name("again.qif")
    document_again.write_bytes(document.read_bytes().replace(b">FAIL<", b">PASS<", 1))
    assert not check_document(document_again, ledger).intact


@pytest.mark.skipif(not SCHEMA, reason="QIF's schema is not part of seewhy: set SEEWHY_QIF_SCHEMA to its QIFDocument.xsd")
def test_it_is_valid_against_the_published_schema(document: Path) -> None:
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(SCHEMA, etree.XMLParser(huge_tree=True)))
    assert schema.validate(etree.parse(document)), schema.error_log
