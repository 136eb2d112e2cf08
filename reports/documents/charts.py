"""Drawings of a document as SVG: bars, control charts, curves, a map of zones; the same bytes from the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720.0, 212.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 16.0, 14.0, 34.0
INK, SOFT, LINE, ACCENT, PASS, FAIL, WARN = "#17212b", "#5b6875", "#cfd6de", "#1f3f66", "#1b7f4d", "#b3202f", "#a86400"
FONT = "Source Sans Pro, Noto Sans CJK KR, Noto Sans KR, Malgun Gothic, sans-serif"


@dataclass(frozen=True, slots=True)
class Mark:
    """One sample of a control chart."""

    label: str
    value: float
    lower: float
    upper: float
    flagged: str = ""  # which tests it completes


@dataclass(frozen=True, slots=True)
class Line:
    """One curve or step line; `marks` are drawn as dots, and `dashed` is one that isn't the thing itself (a limit)."""

    points: Sequence[tuple[float, float]]
    colour: str = ACCENT
    dashed: bool = False
    label: str = ""


def pareto(bars: Sequence[tuple[str, int]], width: float = WIDTH) -> bytes:
    """Bars from the most frequent on, each with its count and the cumulated share."""
    total, height = sum(count for _, count in bars) or 1, 26.0
    out, running = [], 0
    for i, (name, count) in enumerate(bars):
        running += count
        y, long = TOP + i * height, (width - 360.0) * count / max(c for _, c in bars)
        out.append(_text(196, y + 15, _short(name), anchor="end"))
        out.append(f'<rect x="206" y="{y + 3:.1f}" width="{long:.1f}" height="16" fill="{ACCENT}"/>')
        out.append(_text(206 + long + 6, y + 15, f"{count}"))
        out.append(_text(width - 4, y + 15, f"{100 * running / total:.1f} %", anchor="end", colour=SOFT))
    return _svg(TOP + len(bars) * height + 6, out, width)


def control(marks: Sequence[Mark], centre: float, *, share: bool) -> bytes:
    """A p- or u-chart: points, centre, stepped limits, flagged points in red with the numbers of their tests."""
    top = max(max(m.upper for m in marks), max(m.value for m in marks)) or 1.0
    area = _Area(0.5, len(marks) + 0.5, 0.0, 1.08 * top)
    out = [*_grid(area, percent=share), _dash(area.x(0.5), area.y(centre), area.x(len(marks) + 0.5), area.y(centre), PASS)]
    for bound in ("upper", "lower"):
        steps = [(i + dx, getattr(m, bound)) for i, m in enumerate(marks, 1) for dx in (-0.5, 0.5)]
        out.append(_path(area, steps, FAIL, dashed=True))
    out.append(_path(area, [(i, m.value) for i, m in enumerate(marks, 1)], ACCENT))
    every = max(1, ceil(len(marks) / 16))
    for i, mark in enumerate(marks, 1):
        out.append(f'<circle cx="{area.x(i):.1f}" cy="{area.y(mark.value):.1f}" r="3.4" fill="{FAIL if mark.flagged else ACCENT}"/>')
        if mark.flagged:
            out.append(_text(area.x(i), area.y(mark.value) - 7, mark.flagged, anchor="middle", colour=FAIL, size=10.5))
        if (i - 1) % every == 0:
            out.append(_text(area.x(i), HEIGHT - 12, _short(mark.label, 14), anchor="middle", colour=SOFT, size=10.5))
    return _svg(HEIGHT, out)


def curves(
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    *,
    dots: Iterable[tuple[float, float, bool]] = (),
    upright: Sequence[tuple[float, str]] = (),
    width: float = WIDTH,
) -> bytes:
    """Curves of a probability (y from 0 to 1) over something.

    Args:
        lines: see `Line`.
        x_label, y_label: of the axes.
        dots: (x, y, whether it counts as a hit).
        upright: (x, text) of lines from bottom to top.
        width: less for a drawing that is set beside something, so that its words keep their size.
    """
    dots = list(dots)
    xs = [x for line in lines for x, _ in line.points] + [x for x, _, _ in dots] + [x for x, _ in upright]
    area = _Area(min(0.0, *xs), max(xs) * 1.02 or 1.0, 0.0, 1.0, width)
    out = [*_grid(area, percent=True, x_ticks=True)]
    for i, (x, said) in enumerate(upright):
        out.append(_dash(area.x(x), area.y(0), area.x(x), area.y(1), WARN))
        out.append(_text(area.x(x) + 4, area.y(0.06 + 0.1 * i), said, colour=WARN, size=11))
    out += [_path(area, line.points, line.colour, dashed=line.dashed) for line in lines]
    for x, y, hit in dots:
        colour = PASS if hit else FAIL
        out.append(f'<circle cx="{area.x(x):.1f}" cy="{area.y(y):.1f}" r="3" fill="none" stroke="{colour}" stroke-width="1.3"/>')
    out.append(_text((LEFT + width - RIGHT) / 2, HEIGHT - 2, x_label, anchor="middle", colour=SOFT))
    out.append(_text(LEFT, TOP - 3, y_label, colour=SOFT))
    return _svg(HEIGHT, out, width)


def zones(
    counts: Sequence[Sequence[int]], parts: Sequence[tuple[str, tuple[float, float, float, float]]] = (), aspect: float = 1.5
) -> bytes:
    """How many findings lie where on the product: a grid of cells, darker where there are more, and the card's zones over it.

    Args:
        counts: rows of cells, from the top left.
        parts: (name, box in shares of the photo).
        aspect: width by height of the photo.
    """
    rows, most = len(counts), max((c for row in counts for c in row), default=0) or 1
    height = min(230.0, 420.0 / aspect)
    width = height * aspect
    x0, y0 = (WIDTH - width) / 2, 8.0
    cell_w, cell_h = width / len(counts[0]), height / rows
    out = [f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{width:.1f}" height="{height:.1f}" fill="#f3f6f9" stroke="{LINE}"/>']
    for r, row in enumerate(counts):
        for c, count in enumerate(row):
            if count:
                x, y, depth = x0 + c * cell_w, y0 + r * cell_h, 0.15 + 0.8 * count / most
                place = f'x="{x:.1f}" y="{y:.1f}" width="{cell_w:.1f}" height="{cell_h:.1f}"'
                out.append(f'<rect {place} fill="{FAIL}" fill-opacity="{depth:.2f}"/>')
                colour = "#ffffff" if count > most / 2 else INK
                out.append(_text(x + cell_w / 2, y + cell_h / 2 + 4, str(count), anchor="middle", colour=colour, size=10.5))
    for name, (left, top, right, bottom) in parts:
        x, y, w, h = x0 + left * width, y0 + top * height, (right - left) * width, (bottom - top) * height
        out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="none" stroke="{ACCENT}" stroke-dasharray="5 3"/>')
        out.append(_text(x + 4, y + 13, _short(name), colour=ACCENT, size=11))
    return _svg(height + 16, out)


@dataclass(frozen=True, slots=True)
class _Area:
    x0: float
    x1: float
    y0: float
    y1: float
    width: float = WIDTH

    def x(self, value: float) -> float:
        return LEFT + (value - self.x0) / ((self.x1 - self.x0) or 1) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.y0) / ((self.y1 - self.y0) or 1) * (HEIGHT - BOTTOM - TOP)


def _grid(area: _Area, *, percent: bool, x_ticks: bool = False) -> list[str]:
    out = []
    for tick in _ticks(area.y0, area.y1):
        y = area.y(tick)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{area.width - RIGHT}" y2="{y:.1f}" stroke="{LINE}" stroke-width="0.7"/>')
        out.append(_text(LEFT - 6, y + 4, f"{100 * tick:g} %" if percent else f"{tick:g}", anchor="end", colour=SOFT, size=10.5))
    below = _ticks(area.x0, area.x1) if x_ticks else []
    return out + [_text(area.x(tick), HEIGHT - BOTTOM + 15, f"{tick:g}", anchor="middle", colour=SOFT, size=10.5) for tick in below]


def _ticks(low: float, high: float, about: int = 5) -> list[float]:
    raw = (high - low) / about or 1.0
    power = 10.0 ** floor(log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    return [round(i * step, 12) for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def _path(area: _Area, points: Iterable[tuple[float, float]], colour: str, *, dashed: bool = False) -> str:
    d = " ".join(f"{'M' if i == 0 else 'L'}{area.x(x):.1f} {area.y(y):.1f}" for i, (x, y) in enumerate(points))
    return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{1.1 if dashed else 1.8}"{_DASHES if dashed else ""}/>'


def _dash(x0: float, y0: float, x1: float, y1: float, colour: str) -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" stroke-width="1.1"{_DASHES}/>'


def _text(x: float, y: float, said: str, *, anchor: str = "start", colour: str = INK, size: float = 12.0) -> str:
    # the CJK font is a variable one, of which a drawing gets the thinnest weight: a stroke brings it to that of the other words
    bold = "" if said.isascii() else f' stroke="{colour}" stroke-width="0.45"'
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size:g}"{bold}>{escape(said)}</text>'


def _short(name: str, most: int = 30) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _svg(height: float, inner: Sequence[str], width: float = WIDTH) -> bytes:
    size = f'viewBox="0 0 {width:g} {height:.1f}" width="{width:g}" height="{height:.1f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}">'
    return (head + "".join(inner) + "</svg>").encode()


_DASHES = ' stroke-dasharray="5 4"'
