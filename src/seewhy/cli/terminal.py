"""What the command line prints, and how."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from seewhy.cli.stopping import NOW
from seewhy.prompts.legible import legible

out, err = Console(), Console(stderr=True)
COLOURS = {"pass": "green", "fail": "red", "review": "yellow", "refused": "magenta"}


def counted(number: int, one: str, many: str = "") -> str:
    """A number and its noun: 1 photo, 2 photos.

    >>> counted(1, "entry", "entries"), counted(0, "photo")
    ('1 entry', '0 photos')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def print_entry(entry: Any, language: str) -> None:
    """One entry, a line for each reason."""
    from seewhy.prompts import say, word
    from seewhy.prompts.entries import reasons, refusal, silence

    refused = entry.kind == "refusal"
    verdict, name = ("refused", entry.name) if refused else (entry.verdict.value, entry.photo.name)
    lines = [refusal(entry, language)] if refused else reasons(entry, language) + [say(note, language) for note in entry.photo.notes]
    lines += [] if refused else dict.fromkeys(silence(f.unexplained, language) for f in entry.findings if f.unexplained)
    out.print(f"[{COLOURS[verdict]} bold]{word('outcome', verdict, language)}[/] {plain(name)}", highlight=False)
    for line in lines:
        out.print(f"  {plain(line)}", highlight=False, soft_wrap=True)


def print_fitted(models: Sequence[Any], folder: Path, alpha: float, review: float, json_: bool) -> None:
    """What was fitted; a list where it is of several products."""
    if json_:
        facts = [_facts_of(m, folder, alpha, review) for m in models]
        return print_json(facts if len(facts) > 1 else facts[0])
    for m in models:
        _tell_what_was_fitted(m, folder)
        _tell_of_its_photos(m, folder)
        _tell_of_its_line(m, alpha, review)
    return None


def _facts_of(m: Any, folder: Path, alpha: float, review: float) -> dict[str, Any]:
    from seewhy.agent.inspection.chain import engine_of

    return {
        "model": str(folder),
        "product": m.product,
        "detector": m.detector.name,
        "considered": {name: why.text for name, why in m.considered},
        "copies": [list(pair) for pair in m.copies],
        "good_photos": m.good_photos,
        "calibrated": m.calibration.supports(alpha),
        "threshold": m.calibration.threshold(alpha),
        "review_threshold": m.calibration.threshold(alpha + review),
        "sha256": m.sha256,
        "precision": m.detector.learned.get("precision"),
        "engine": engine.text if (engine := engine_of(m.detector)) else None,
        "left_out": [out.name for out in m.good.left_out],
        "reviewed": [one.name for one in m.good.reviewed.taken],
        "oddest": [{"name": one.name, "score": one.score, "signs": list(one.signs)} for one in m.good.odd],
    }


def _tell_what_was_fitted(m: Any, folder: Path) -> None:
    from seewhy.agent.inspection.chain import engine_of
    from seewhy.agent.models.calibration import LOT

    photos = counted(m.good_photos, "photo") + " of a lot" if m.calibration.method == LOT else counted(m.good_photos, "good photo")
    out.print(f"[bold]{plain(m.product)}[/]: {m.detector.name} fitted on {photos}, saved to {folder}")
    for _, why in m.considered:
        out.print(f"[dim]{plain(why.text)}[/]", highlight=False, soft_wrap=True)
    if chosen := m.detector.learned.get("precision"):
        tried = [
            f"{name}: {one['times_as_fast']} times as fast, tau {one['kendall_tau']}, verdicts changed: {one['verdicts_changed']}"
            for name, one in chosen["tried"].items()
        ]
        why = "; ".join(tried) or "nothing faster can be tried here"
        out.print(f"[dim]precision {chosen['taken']} ({why})[/]", highlight=False, soft_wrap=True)
    if (engine := engine_of(m.detector)) and engine.key != "engine.openvino":
        out.print(f"[dim]run by {plain(engine.text)}[/]", highlight=False, soft_wrap=True)


def _tell_of_its_photos(m: Any, folder: Path) -> None:
    if m.copies:
        out.print(
            f"[yellow]{counted(len(m.copies), 'copy', 'copies')}[/] of other good photos left out: a scene counts once", highlight=False
        )
        for copy, of in m.copies[:5]:
            out.print(f"[dim]  {plain(copy)} = {plain(of)}[/]", highlight=False, soft_wrap=True)
    for dropped in m.good.left_out:
        out.print(f"[dim]left out by {plain(dropped.by)} ({dropped.cause}): {plain(dropped.name)}[/]", highlight=False, soft_wrap=True)
    if taken := m.good.reviewed.taken:
        by = ", ".join(plain(name) for name in dict.fromkeys(one.by for one in taken))
        out.print(f"{counted(len(taken), 'good photo')} of parts that people let pass ({by})", highlight=False, soft_wrap=True)
    if m.good.odd:
        names = ", ".join(f"{plain(one.name)} ({one.score:.4g})" for one in m.good.odd[:3])
        told = f"the line is held by {names}; look at them with `seewhy oddest {folder} -o odd.html`"
        out.print(f"[dim]{told}[/]", highlight=False, soft_wrap=True)


def _tell_of_its_line(m: Any, alpha: float, review: float) -> None:
    from seewhy.agent.models.calibration import LOT, needed

    if m.calibration.method == LOT:
        out.print("[yellow]uncalibrated[/]: no photo is known to be good; no part passes without a person")
    elif not m.calibration.supports(alpha):
        passing = needed(alpha + review)
        done = "parts pass" if len(m.calibration) >= passing else f"parts pass from {passing} good photos on"
        fails = f"a false-reject rate of {alpha} needs {needed(alpha)}, and until then a part fails only far beyond the good ones"
        out.print(f"[yellow]uncalibrated[/]: {done}; {fails}", highlight=False, soft_wrap=True)


def print_oddest(found: dict[str, Any], language: str, json_: bool) -> None:
    """The good photos that hold the line, the highest score first."""
    if json_:
        return print_json(found)
    from seewhy.prompts import number, text
    from seewhy.reports.oddest import left_out_line

    def shown(value: float | None) -> str:
        return "–" if value is None else number(value)

    said = {"alpha": found["alpha"], "rate": round(found["alpha"] + found["review"], 6)}
    provisional = "" if found["calibrated"] else f" ({text('odd.provisional', language)})"
    out.print(f"{text('odd.line', language, **said)}: {shown(found['line'])}{provisional}", highlight=False)
    out.print(f"{text('odd.review_line', language, **said)}: {shown(found['review_line'])}", highlight=False)
    drawn = found["drawn"]
    columns = ["name", "score", "without_line", "without_review", *(["without_escapes"] if drawn else []), "signs"]
    table = Table(*(text(f"odd.{name}", language) for name in columns), box=None)
    for row in found["rows"]:
        signs = ", ".join(text(f"sign.{sign}", language) for sign in row["signs"])
        escapes = [text("odd.escapes_value", language, escaped=row["escaped"], drawn=drawn)] if drawn else []
        table.add_row(plain(row["name"]), *map(shown, (row["score"], row["line"], row["review_line"])), *escapes, signs)
    out.print(table)
    for one in found["left_out"]:
        out.print(plain(left_out_line(one, language)), highlight=False, soft_wrap=True)
    if drawn:
        told = text("odd.escapes_value", language, escaped=found["escaped"], drawn=drawn)
        out.print(f"{text('odd.escapes', language)}: {told}", highlight=False)
    for name in ("drawn_text" if drawn else "not_drawn", "by_score", "to_drop"):
        out.print(f"[dim]{plain(text(f'odd.{name}', language))}[/]", highlight=False, soft_wrap=True)
    return None


def print_lines(found: Any, language: str, json_: bool) -> None:
    """Lines beside known defects, and the one that keeps the promise."""
    if json_:
        return print_json(found.to_json())
    from seewhy.prompts import number, text

    level = f"{found.level:.0%}"
    out.print(plain(text("lines.title", language, product=found.product, defects=found.defects, good=found.good)), highlight=False)
    heads = [text(f"lines.{name}", language) for name in ("rate", "line", "passed")]
    table = Table(*heads, text("lines.at_most", language, level=level), "", box=None)
    own = {found.alpha: "lines.own_alpha", round(found.alpha + found.review, 6): "lines.own_review"}
    for row in found.rows:
        told = text(own[row.rate], language) if row.rate in own else ""
        passed = text("lines.passed_value", language, count=row.passed.count, of=row.passed.of)
        table.add_row(f"{row.rate:.1%}", number(row.value), passed, f"{row.passed.upper:.1%}", told)
    out.print(table)
    out.print(plain(_promise(found, language, level)), highlight=False, soft_wrap=True)
    return None


def _promise(found: Any, language: str, level: str) -> str:
    """Which line keeps the promise about what passes, or why none does."""
    from seewhy.prompts import number, text

    escapes, line = f"{100 * found.escapes:.3g}%", found.chosen
    if line is None:
        key = "lines.none" if found.defects < found.needed else "lines.none_kept"
        return text(key, language, escapes=escapes, needed=found.needed, defects=found.defects)
    said = {"line": number(line.value), "level": level, "escapes": escapes, "rate": f"{line.rate:.1%}"}
    if line.rate <= found.alpha:
        return text("lines.chosen", language, alpha=f"{line.rate:.4g}", **said)
    return text("lines.chosen_band", language, given=f"{found.alpha:g}", alpha=f"{line.rate - found.alpha:.4g}", **said)


def print_recommendation(found: Any, picture: Path | None, json_: bool) -> None:
    """The comparison, and what made it."""
    if picture is not None and found.picture is not None:
        from PIL import Image

        Image.fromarray(found.picture).save(picture)
    if json_:
        return print_json(found.to_json())
    table = Table("detector", "weights", "escapes", "image AUROC", "pixel AUROC", "fit s", "ms/photo", "model MiB")
    for c in found.candidates:
        if c.why_not:
            table.add_row(c.detector, "[yellow]not tried[/]")
        else:
            figures = (c.image_auroc, c.pixel_auroc, c.fit_seconds, c.ms_per_photo, c.model_mib)
            escaped = f"{c.escapes} of {len(c.stopped)}"
            table.add_row(c.detector, c.weights, escaped, *("none" if f is None else f"{f:g}" for f in figures))
    out.print(table)
    for c in (c for c in found.candidates if c.why_not):
        out.print(f"[yellow]{c.detector}[/]: {plain(c.why_not)}", highlight=False, soft_wrap=True)
    out.print(f"[bold]{found.best or 'none'}[/]: {plain(found.because)}", highlight=False, soft_wrap=True)
    if (margin := found.margin) is not None:
        told = f"it alone stops {margin.only_best} of them, {margin.than} alone {margin.only_other} (p = {margin.p_value:g} by chance)"
        out.print(told, highlight=False, soft_wrap=True)
    out.print(f"made by {found.made_by}: {found.tested} photos, each with three defects and without", highlight=False, soft_wrap=True)
    out.print(f"[dim]{found.weak}[/]", highlight=False, soft_wrap=True)
    return None


def print_verification(found: Any, json_: bool) -> None:
    """Whether a ledger is intact, and what lies beside it."""
    if json_:
        facts = {"intact": found.intact, "entries": found.entries, "head": found.head, "bad_entry": found.bad_seq, "problem": found.problem}
        return print_json(facts | {"file": found.file, "notes": list(found.notes)})
    if found.intact:
        out.print(f"[green]intact[/]: {counted(found.entries, 'entry', 'entries')}, head {found.head}", highlight=False, soft_wrap=True)
    else:
        where = f"entry {found.bad_seq}: " if found.bad_seq else ""
        out.print(f"[bold red]not intact[/]: {where}{plain(found.problem)}", highlight=False, soft_wrap=True)
    for note in found.notes:
        out.print(f"[yellow]note[/]: {plain(note)}", highlight=False, soft_wrap=True)
    return None


def print_entered(row: Any, json_: bool) -> None:
    """One entry that a person has made."""
    if json_:
        return print_json({"seq": row.seq, "hash": row.hash, **row.entry.model_dump(mode="json")})
    return out.print(f"{_in_a_line(row)}\nhash {row.hash}", highlight=False, soft_wrap=True)


def print_history(state: dict[str, Any], rows: Sequence[Any], json_: bool) -> None:
    """Entries in order, and what they come to."""
    if json_:
        entries = [{"seq": row.seq, "at": row.at, "hash": row.hash, **row.entry.model_dump(mode="json")} for row in rows]
        return print_json({**state, "entries": entries})
    for row in rows:
        out.print(_in_a_line(row), highlight=False, soft_wrap=True)
    for name, value in state.items():
        out.print(f"[bold]{name}[/]: {plain('none' if value is None else str(value))}", highlight=False, soft_wrap=True)
    return None


def print_table(columns: Sequence[str], rows: Sequence[dict[str, Any]], json_: bool) -> None:
    """Rows of figures."""
    if json_:
        return print_json(list(rows))
    table = Table(*(name.replace("_", " ") for name in columns), box=None)
    for row in rows:
        table.add_row(
            *(plain(f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)) for value in row.values())
        )
    return out.print(table)


def _in_a_line(row: Any) -> str:
    """An entry for people: number, when, who, what, why."""
    from seewhy.prompts.people import told

    return f"[dim]{row.seq}[/] {row.at[:19].replace('T', ' ')} {plain(told(row.entry))}"


def print_json(data: Any) -> None:
    """For machines; on a console that can't write everything, in ASCII."""
    print(json.dumps(data, indent=1, ensure_ascii=(sys.stdout.encoding or "").lower().replace("-", "") != "utf8"))


def plain(text: str) -> str:
    """Text from elsewhere (file names, servers, people): no markup, nothing that moves the cursor or turns the line around."""
    return "\n".join(escape(legible(line)) for line in text.splitlines())


def progress(items: Iterable[Any], title: str, total: int | None = None) -> Iterable[Any]:
    """A bar with count, elapsed and remaining time on a terminal; nothing elsewhere."""
    items = NOW.counted(items, title, total)
    if not err.is_terminal:
        yield from items
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        yield from bar.track(items, total=total, description=title)


def tell_of_photos(lines: Iterable[str] = ()) -> None:
    """What was taken and left out, and from now on whatever is assumed or doubted of photos and masks."""

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            err.print(plain(record.getMessage()), highlight=False, soft_wrap=True)

    for line in lines:
        err.print(plain(line), highlight=False, soft_wrap=True)
    logging.getLogger("seewhy.photos").handlers = [Told()]


def tell_losses() -> None:
    """Every fiftieth step of a training; the bar beside it says how long it will take."""

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if isinstance(record.args, tuple) and record.args and isinstance(record.args[0], int) and record.args[0] % 50 == 0:
                err.print(record.getMessage(), highlight=False)

    log = logging.getLogger("seewhy.training")
    log.setLevel(logging.INFO)
    log.handlers = [Told()]
