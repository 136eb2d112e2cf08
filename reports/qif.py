"""A lot's results as QIF 3.0 (ISO 23952:2020, Quality Information Framework), for the quality software of others.

QIF knows dimensions; what a visual inspection says goes into its user-defined characteristics: the verdict on a photo and the type of
a finding as attributes, a finding's Feret diameter as a length where the scale is known. Everything else that was measured stands as
attributes beside them, in pixels.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from seewhy.people import WORST, Disposition, outcome, people_of, place_of
from seewhy.prompts.legible import legible
from seewhy.record import Entry, Finding, InspectionRecord
from seewhy.reports import PictureBytes
from seewhy.reports.facts import type_of
from seewhy.reports.seal import marks

NAMESPACE = "http://qifstandards.org/xsd/qif3"
STATUS = {"pass": "PASS", "fail": "FAIL", "review": "UNKNOWN", "refused": "NOT_MEASURED"}  # InspectionStatusEnumType
JUDGED = {"pass": "PASS", "fail": "FAIL", "review": "INDETERMINATE", "refused": "NOT_ANALYZED"}  # CharacteristicStatusEnumType
REWORKED = ("rework", "repair")
VERDICT, TYPE, FERET = ("Verdict", "Finding", "Feret diameter")
WHAT = {
    VERDICT: "Whether the photo of the part passes: by the detector's score and the policy, a person's word before the machine's",
    TYPE: "What a finding is called, by the one who named it",
    FERET: "Largest distance between two points of a finding's outline",
}


class QifReport:
    """The lot as a QIF document; the ledger's head and the document's seal stand in its header."""

    def render(self, entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str) -> bytes:  # noqa: ARG002
        """See `seewhy.reports.Report`. Types are in the report's language, everything else is QIF's own words or English."""
        ET.register_namespace("", NAMESPACE)
        data: bytes = ET.tostring(_Document(entries, head, language).root, encoding="utf-8", xml_declaration=True)
        return data


@dataclass
class _Part:
    """A part, of one photo or several."""

    id: str
    verdict: str
    reworked: bool


class _Document:
    """A QIF document as it grows: numbers are given in order, so equal entries give equal bytes."""

    def __init__(self, entries: Sequence[Entry], head: str, language: str) -> None:
        self._language, self._last = language, 0
        self.root = ET.Element(_tag("QIFDocument"), versionQIF="3.0.0")
        name = f"{head}/{entries[0].lot}/{language}/" + "".join(e.content_sha256 for e in entries)
        _text(self.root, "QPId", str(uuid.uuid5(uuid.NAMESPACE_URL, name)))
        self._header(entries, head)
        self._items = self._characteristics()
        self._results(entries)
        self.root.set("idMax", str(self._last))

    def _id(self) -> str:
        self._last += 1
        return str(self._last)

    def _header(self, entries: Sequence[Entry], head: str) -> None:
        header = _under(self.root, "Header")
        _text(_under(header, "Application"), "Name", "seewhy")
        _text(header, "Description", marks(head))
        _text(header, "Scope", f"lot {legible(entries[0].lot)}, product {legible(entries[0].product)}")
        unit = _under(_under(_under(self.root, "FileUnits"), "PrimaryUnits"), "LinearUnit")
        _text(unit, "SIUnitName", "meter")
        _text(unit, "UnitName", "mm")
        _text(_under(unit, "UnitConversion"), "Factor", "0.001")

    def _characteristics(self) -> Mapping[str, str]:
        """Definition, nominal and item of each characteristic; the items' numbers."""
        standards = ET.Element(_tag("StandardsDefinitions"), n="1")
        standard = _under(standards, "Standard", id=self._id())
        _text(_under(standard, "Organization"), "OtherStandardsOrganization", "seewhy")
        _text(standard, "Designator", "visual inspection")
        self.root.insert(2, standards)  # before the units, as the schema has it
        aspects = _under(self.root, "Characteristics")
        _text(aspects, "FormalStandardId", standard.get("id") or "")
        defined, nominals, items = (
            _under(aspects, f"Characteristic{kind}s", n=str(len(WHAT))) for kind in ("Definition", "Nominal", "Item")
        )
        numbers = {}
        for name, what in WHAT.items():
            prefix = _kind(name)
            definition = _under(defined, f"{prefix}Definition", id=self._id())
            _text(definition, "Name", name)
            if name == FERET:
                _text(definition, "NonTolerance", "MEASURED")
            _text(definition, "WhatToMeasure", what)
            nominal = _under(nominals, f"{prefix}Nominal", id=self._id())
            _text(nominal, "CharacteristicDefinitionId", definition.get("id") or "")
            if name == VERDICT:
                for kind, value in (("PassValues", "pass"), ("FailValues", "fail")):
                    _text(_under(nominal, kind, n="1"), "StringValue", value)
            item = _under(items, f"{prefix}Item", id=self._id())
            _text(item, "Name", name)
            _text(item, "CharacteristicNominalId", nominal.get("id") or "")
            numbers[name] = item.get("id") or ""
        return numbers

    def _results(self, entries: Sequence[Entry]) -> None:
        results, parts = _under(self.root, "Results"), dict[str, _Part]()
        photos = _under(results, "MeasurementResultsSet", n=str(len(entries)))
        for entry in entries:
            self._photo(photos, entry, self._part(entry, parts))
        components = _under(_under(results, "ActualComponentSets", n="1"), "ActualComponentSet", n=str(len(parts)))
        for serial, part in parts.items():
            component = _under(components, "ActualComponent", id=part.id)
            _text(component, "SerialNumber", legible(serial))
            _status(component, "Status", "REWORK" if part.reworked else STATUS[part.verdict])

    def _part(self, entry: Entry, parts: dict[str, _Part]) -> _Part:
        """The part that a photo shows: by its serial number, else by the photo's name."""
        serial = (entry.part.serial if entry.part else "") or _name(entry)
        part = parts.setdefault(serial, _Part("", "pass", False))
        part.id = part.id or self._id()
        part.verdict = min(part.verdict, _verdict(entry), key=WORST.index)
        part.reworked |= any(isinstance(one, Disposition) and one.action in REWORKED for one in people_of(entry))
        return part

    def _photo(self, photos: ET.Element, entry: Entry, part: _Part) -> None:
        result, verdict = _under(photos, "MeasurementResults", id=self._id()), _verdict(entry)
        _attributes(result, _of_photo(entry))
        _text(_under(result, "InspectionTraceability"), "InspectionEnd", entry.inspected_at)
        findings = entry.findings if isinstance(entry, InspectionRecord) else ()
        measured = _under(_under(result, "MeasuredCharacteristics"), "CharacteristicMeasurements")
        self._measurement(measured, VERDICT, verdict, part, {}, verdict)
        for finding in findings:
            self._finding(measured, finding, part)
        measured.set("n", str(len(measured)))
        _status(result, "InspectionStatus", STATUS[verdict])
        _text(_under(result, "ActualComponentIds", n="1"), "Id", part.id)

    def _finding(self, measured: ET.Element, finding: Finding, part: _Part) -> None:
        judged, feret = finding.ruling.verdict.value or "review", finding.measured.size.feret_mm
        self._measurement(measured, TYPE, judged, part, _of_finding(finding), type_of(finding, self._language))
        if feret.value is not None:
            named = {"finding": str(finding.number)}
            value = self._measurement(measured, FERET, judged, part, named, f"{feret.value:.6g}")
            if feret.uncertainty is not None:
                value.set("combinedUncertainty", f"{feret.uncertainty:.6g}")

    def _measurement(self, measured: ET.Element, what: str, judged: str, part: _Part, named: Mapping[str, str], value: str) -> ET.Element:
        one = _under(measured, f"{_kind(what)}Measurement", id=self._id())
        _attributes(one, named)
        status = _under(one, "Status")
        _text(status, "CharacteristicStatusEnum", JUDGED[judged])
        _text(one, "CharacteristicItemId", self._items[what])
        _text(one, "ActualComponentId", part.id)
        return _text(one, "Value", value)


def _of_photo(entry: Entry) -> dict[str, str]:
    place = place_of(entry)
    said = {"photo": _name(entry), "photo_sha256": (entry.photo.sha256 if isinstance(entry, InspectionRecord) else entry.sha256) or ""}
    if place is not None:
        said |= {"ledger_entry": str(place.seq), "ledger_entry_sha256": place.sha256}
    if isinstance(entry, InspectionRecord):
        made_by = entry.provenance
        said |= {"machine_verdict": entry.verdict.value or "review", "severity": entry.severity.value or "", "detector": made_by.detector}
        said |= {"model_sha256": made_by.model_sha256, "policy_sha256": made_by.policy_sha256, "card_sha256": made_by.card_sha256}
    else:
        said |= {"refused_because": entry.message}
    if entry.part is not None:
        said |= {name: value for name, value in entry.part.model_dump().items() if isinstance(value, str)}
    return said


def _of_finding(finding: Finding) -> dict[str, str]:
    size, location = finding.measured.size, finding.measured.location
    box = location.box_px.value
    numbers = {"area_px": size.area.value, "length_px": size.length.value, "width_px": size.width.value, "feret_px": size.feret.value}
    return {
        "finding": str(finding.number),
        "severity": finding.ruling.severity.value or "",
        "rule": finding.ruling.rule or "",
        "box_px": "" if box is None else " ".join(str(v) for v in box),
    } | {name: "" if value is None else f"{value:.6g}" for name, value in numbers.items()}


def _name(entry: Entry) -> str:
    return entry.photo.name if isinstance(entry, InspectionRecord) else entry.name


def _verdict(entry: Entry) -> str:
    machine = (entry.verdict.value or "review") if isinstance(entry, InspectionRecord) else "refused"
    return outcome(machine, people_of(entry))


def _kind(name: str) -> str:
    return f"UserDefined{'Linear' if name == FERET else 'Attribute'}Characteristic"


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _under(parent: ET.Element, name: str, /, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, _tag(name), attributes)


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = _under(parent, name)
    element.text = text
    return element


def _status(parent: ET.Element, name: str, value: str) -> None:
    _text(_under(parent, name), "InspectionStatusEnum", value)


def _attributes(parent: ET.Element, said: Mapping[str, str]) -> None:
    """Names and values, in order; what is empty is left out."""
    filled = {name: legible(value) for name, value in said.items() if value}
    if filled:
        attributes = _under(parent, "Attributes", n=str(len(filled)))
        for name, value in filled.items():
            _under(attributes, "AttributeStr", name=name, value=value)
