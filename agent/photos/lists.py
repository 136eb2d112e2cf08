"""Lists of photos as spreadsheets write them: CSV in any usual encoding, with any usual separator."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seewhy.agent.photos.names import recorded
from seewhy.agent.photos.samples import UNLABELLED, Sample, kind_of
from seewhy.errors import BadData
from seewhy.record import PartIdentity

ENGLISH = ("path", "photo", "image", "file", "filename", "file_name", "filepath", "file_path", "image_path", "img", "img_path")
PATH_COLUMNS = (*ENGLISH, "사진", "파일", "파일명", "경로", "이미지", "datei", "pfad", "bild")
LABEL_COLUMNS = ("label", "kind", "class", "category", "defect", "result", "판정", "라벨", "등급", "ergebnis", "klasse")
MASK_COLUMNS = ("mask", "mask_path", "ground_truth")
PRODUCT_COLUMNS = ("product", "object")
PART_COLUMNS: Mapping[str, tuple[str, ...]] = {  # of the part that a photo shows
    "serial": ("serial", "serial_number", "일련번호", "시리얼"),
    "batch": ("batch", "batch_number", "배치"),
    "station": ("station", "스테이션", "공정"),
    "camera": ("camera", "카메라"),
    "view": ("view", "방향"),
    "shot_at": ("shot_at", "촬영시각", "촬영_시각"),
    "order": ("order", "order_number", "작업지시"),
    "shift": ("shift", "근무조"),
}
KNOWN = {
    *PATH_COLUMNS,
    *LABEL_COLUMNS,
    *MASK_COLUMNS,
    *PRODUCT_COLUMNS,
    "split",
    *(name for names in PART_COLUMNS.values() for name in names),
}
SEPARATORS = ",;\t|"
ENCODINGS = ("utf-8", "cp949", "cp1252")  # Korean and Western spreadsheets, where it isn't UTF-8
BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a list, by the column's name in lower case, with the line that each stands on."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


def read_list(file: Path, root: Path) -> tuple[list[Sample], list[str]]:
    """Samples of a CSV of paths relative to `root`, or of VisA's split, and what had to be assumed to read it.

    Raises:
        BadData: it isn't a list, has no column of paths, or contradicts itself.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadData(f"{recorded(file)} can't be read ({error.strerror})") from error
    _refuse_other_files(data, file)
    tables, refusals = list[tuple[str, Table, list[str]]](), list[BadData]()
    for encoding, text in _decoded(data, file):
        try:
            tables.append((encoding, *_table(text, file, root)))
        except BadData as error:
            refusals.append(error)
    if not tables:
        raise refusals[0]
    encoding, table, assumed = max(tables, key=lambda one: _found(one[1], root))  # of equals the first
    if not encoding.startswith("utf-8"):
        assumed = [f"{recorded(file.name)} was read as {encoding}", *assumed]
    samples = list(_samples(table, file, root, assumed))
    if not samples:
        raise BadData(f"{recorded(file)} lists no photo; give a list with the columns path and label")
    return samples, assumed


def _refuse_other_files(data: bytes, file: Path) -> None:
    name = recorded(file)
    if data.startswith((b"PK\3\4", b"\xd0\xcf\x11\xe0")):
        raise BadData(f"{name} is a workbook; save it as CSV (UTF-8)")
    if data.startswith((b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"BM", b"RIFF")):
        raise BadData(f"{name} is a photo; use `seewhy inspect`, or give the folder that it lies in")


def _decoded(data: bytes, file: Path) -> list[tuple[str, str]]:
    """(encoding, text) for each encoding that fits; which of them is right shows in whether the photos are there."""
    bom = next((encoding for start, encoding in BOMS.items() if data.startswith(start)), None)
    candidates = (bom,) if bom else ("utf-16-le", "utf-16-be") if b"\0" in data else ENCODINGS
    texts = list[tuple[str, str]]()
    for encoding in candidates:
        try:
            texts.append((encoding, data.decode(encoding)))
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8":
            break
    texts = [(encoding, text) for encoding, text in texts if "\0" not in text]
    if bom is None and b"\0" not in data and not (texts and texts[0][0] == "utf-8"):
        texts.append(("bytes that are no text", data.decode("utf-8", "surrogateescape")))  # names on disk may be those very bytes
    if not texts:
        raise BadData(f"{recorded(file)} is not a text that can be read; save it as CSV (UTF-8)")
    return texts


def _table(text: str, file: Path, root: Path) -> tuple[Table, list[str]]:
    """The list's rows, whichever separator and header it has, and what was assumed."""
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    told = SEPARATORS
    if first < len(lines) and lines[first].lower().startswith("sep="):
        told, first = lines[first][4:5] or ",", first + 1
    body = "\n".join(lines[first:])
    for separator in told:
        rows = _rows(body, separator, file)
        header = tuple(cell.strip().lower().replace(" ", "_") for cell in rows[0][1]) if rows else ()
        if set(header) & set(PATH_COLUMNS):
            _refuse_doubled(header, file)
            numbered = tuple((first + number, dict(zip(header, cells, strict=False))) for number, cells in rows[1:])
            assumed = [] if separator == "," else [f"{recorded(file.name)} is separated by {separator!r}"]
            return Table(header, numbered), assumed
    rows = _rows(body, ",", file)
    if rows and all(len(cells) == 1 for _, cells in rows) and _on_disk(rows[0][1][0], root).is_file():
        plain = tuple((first + number, {"path": cells[0]}) for number, cells in rows)
        return Table(("path",), plain), [f"{recorded(file.name)} has no header; its lines were taken as paths"]
    raise BadData(f"{recorded(file)} has no column of paths; name one of its columns {', '.join(ENGLISH[:4])}")


def _rows(body: str, separator: str, file: Path) -> list[tuple[int, list[str]]]:
    """(line, cells) of the rows that hold anything."""
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadData(f"{recorded(file)}, line {reader.line_num}: {error}") from error


def _refuse_doubled(header: tuple[str, ...], file: Path) -> None:
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    paths = sorted(set(header) & set(PATH_COLUMNS))
    if doubled or len(paths) > 1:
        raise BadData(f"{recorded(file)} has the columns {', '.join(doubled or paths)}; keep one of them")


def _found(table: Table, root: Path) -> int:
    """How many of the photos listed are there."""
    column = next(name for name in table.columns if name in PATH_COLUMNS)
    return sum(_on_disk(row.get(column, ""), root).exists() for _, row in table.rows if row.get(column))


def _on_disk(given: str, root: Path) -> Path:
    """The file that a list means: as written, else with / for \\, else with Hangul composed or taken apart as macOS does."""
    forms = [given, given.replace("\\", "/")]
    forms += [unicodedata.normalize(form, written) for written in forms for form in ("NFC", "NFD")]
    return next((root / form for form in forms if "\0" not in form and (root / form).exists()), root / given)


def _samples(table: Table, file: Path, root: Path, assumed: list[str]) -> Iterator[Sample]:
    columns = set(table.columns)
    column = next(name for name in table.columns if name in PATH_COLUMNS)
    label = next((name for name in LABEL_COLUMNS if name in columns), None)
    strange = sorted(columns - KNOWN - {""})
    if strange:
        assumed.append(f"columns of {recorded(file.name)} that were not read: {', '.join(strange)}")
    unlabelled = UNLABELLED if strange and label is None and "split" not in columns else ""
    seen = dict[str, str]()
    for number, row in table.rows:
        if not row[column]:
            raise BadData(f"{recorded(file)}, line {number}: the column {column!r} is empty; give a path or delete the line")
        kind = kind_of(row.get(label, "")) if label else unlabelled
        if row[column] in seen:
            if seen[row[column]] != kind:
                raise BadData(f"{recorded(file)}, line {number}: {row[column]} stands there twice, with different labels; keep one")
            assumed.append(f"line {number} repeats {recorded(row[column])} and was passed over")
            continue
        seen[row[column]] = kind
        path = _on_disk(row[column], root)
        inside = path.is_relative_to(root) and ".." not in path.relative_to(root).parts
        mask = next((row[name] for name in MASK_COLUMNS if row.get(name)), "")
        yield Sample(
            path=path,
            root=root if inside else path.parent,
            name=recorded(path.relative_to(root) if inside else Path(row[column])),
            product=next((row[name] for name in PRODUCT_COLUMNS if row.get(name)), "") or recorded(root.resolve().name),
            split=row.get("split", "").lower(),
            kind=recorded(kind if kind == "good" else kind.lower()),
            mask=_on_disk(mask, root) if mask else None,
            part=_part(row),
        )


def _part(row: Mapping[str, str]) -> PartIdentity | None:
    found = {field: next((row[name] for name in names if row.get(name)), "") for field, names in PART_COLUMNS.items()}
    return PartIdentity(**found) if any(found.values()) else None
