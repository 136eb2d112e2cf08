"""Every claim that can be checked is checked: against the mask, the photo, the card."""

from __future__ import annotations

import re

from seewhy.card import DefectType
from seewhy.explainers import RegionView
from seewhy.explainers.answer import OTHER, UNKNOWN, Answer
from seewhy.explainers.measured import looks
from seewhy.prompts import sentence
from seewhy.record import Claim, Status

LONG, COMPACT = 4.0, 2.0  # length to width from which a region is no spot, and below which it is no line
FORBIDDEN = {
    "number": re.compile(r"\d|\b(mm|cm|px|pixels?|percent)\b|%", re.IGNORECASE),
    "place": re.compile(
        r"왼쪽|오른쪽|위쪽|아래쪽|중앙|모서리|\b(left|right|top|bottom|upper|lower|cent(er|re)|corner|middle)\b", re.IGNORECASE
    ),
    "severity": re.compile(
        r"합격|심각|치명|"
        r"\b(critical|severe|serious|major|minor|fatal|harmless|acceptable|reject(ed)?|pass(es|ed)?|fail(s|ed)?|ok|is good)\b",
        re.IGNORECASE,
    ),
}
DARK, LIGHT = (
    re.compile(r"\b(dark\w*|black\w*)\b", re.IGNORECASE),
    re.compile(r"\b(light(er)?|bright\w*|white\w*|pale\w*|shiny)\b", re.IGNORECASE),
)
ELONGATED, ROUND = (
    re.compile(r"\b(long|line|linear|elongated|narrow)\b", re.IGNORECASE),
    re.compile(r"\b(round|circular|dot|compact)\b", re.IGNORECASE),
)
AT_EDGE = re.compile(r"\b(at|along|on) the (edge|border|rim)\b", re.IGNORECASE)


def check(answer: Answer, view: RegionView) -> tuple[Claim, ...]:
    """What the checks make of an answer's claims, in the answer's order.

    A second question to the model and the erasure test are the explainer's to ask; see `VlmWords`.
    """
    return (
        _visible(answer, view),
        _form(answer.form, view),
        _tone(answer.tone, view),
        _type(answer.type, view),
        _text("appearance", answer.appearance, view),
        _text("difference", answer.difference, view),
    )


def replaced(claims: tuple[Claim, ...], name: str, status: Status, key: str, **params: str | float) -> tuple[Claim, ...]:
    """The claims with another result for one of them; what was contradicted stays so."""
    return tuple(
        c.model_copy(update={"status": status, "because": sentence(key, **params)}) if c.name == name and c.status != "contradicted" else c
        for c in claims
    )


def forbidden(text: str) -> str:
    """What a text says that is not the model's to say: "number", "place" or "severity"; empty where nothing.

    >>> forbidden("a long streak"), forbidden("2 mm of it")
    ('', 'number')
    """
    return next((what for what, pattern in FORBIDDEN.items() if pattern.search(text)), "")


def _visible(answer: Answer, view: RegionView) -> Claim:
    stands_out = "check.marked" if view.heat is None else "check.map_stands_out"
    if answer.visible == "no":
        return _claim("visible", "no", "contradicted", stands_out)
    if answer.visible == "uncertain":
        return _claim("visible", "uncertain", "unverified", "check.not_checked")
    return _claim("visible", "yes", "supported", stands_out)


def _form(form: str, view: RegionView) -> Claim:
    shape, measured = view.measured.shape.value or "patch", _ratio(view)
    touches = bool(view.measured.location.touches_border.value)
    wrong = (form == "line" and measured < COMPACT) or (form == "spot" and measured >= LONG) or (form == "edge" and not touches)
    status: Status = "supported" if form == shape else "contradicted" if wrong else "unverified"
    return _claim("form", form, status, "check.form", measured=f"@shape.{shape}", ratio=round(measured, 1))


def _tone(tone: str, view: RegionView) -> Claim:
    measured = _tones(view)
    return _claim("tone", tone, _tone_status(tone, measured), "check.tone", measured=", ".join(measured))


def _tones(view: RegionView) -> list[str]:
    """Against the surroundings, and against the reference where the two can be compared."""
    look, against = looks(view)
    tones: list[str] = [look.tone]
    if against is not None and against.look is not None:
        tones.append(against.look.tone)
    return list(dict.fromkeys(tones))


def _tone_status(tone: str, measured: list[str]) -> Status:
    if tone in measured:
        return "supported"
    clear = {m for m in measured if m in ("darker", "lighter")}
    opposite = {"darker": "lighter", "lighter": "darker"}.get(tone)
    if opposite in clear or (tone == "same" and "same" not in measured):
        return "contradicted"
    return "unverified"


def _type(name: str, view: RegionView) -> Claim:
    if name in (OTHER, UNKNOWN):
        return _claim("type", name, "unverified", "check.not_checked")
    known = next(d for d in view.card.defects if d.name == name)
    zone = view.measured.location.part.value
    if known.zones and zone not in known.zones:
        return _claim("type", name, "contradicted", "check.zone", zones=", ".join(known.zones))
    shape, tones = view.measured.shape.value or "patch", _tones(view)
    if known.shape and shape not in known.shape and _impossible(known, view):
        return _claim("type", name, "contradicted", "check.type_form", measured=f"@shape.{shape}", wanted=", ".join(known.shape))
    if known.tone and all(_tone_status(t, tones) == "contradicted" for t in known.tone):
        return _claim("type", name, "contradicted", "check.type_tone", measured=", ".join(tones), wanted=", ".join(known.tone))
    fits = (known.shape or known.tone) and (not known.shape or shape in known.shape) and (not known.tone or set(known.tone) & set(tones))
    if fits:
        return _claim("type", name, "supported", "check.type_fits")
    if known.shape and shape not in known.shape:
        return _claim("type", name, "unverified", "check.type_form", measured=f"@shape.{shape}", wanted=", ".join(known.shape))
    return _claim("type", name, "unverified", "check.not_checked")


def _impossible(known: DefectType, view: RegionView) -> bool:
    """Whether the region clearly has none of the type's forms."""
    return all(_form(form, view).status == "contradicted" for form in known.shape)


def _text(name: str, text: str, view: RegionView) -> Claim:
    if not text.strip():
        return _claim(name, "", "missing", "check.empty")
    what = forbidden(text)
    if what:
        return _claim(name, text, "missing", "check.forbidden", what=f"@forbidden.{what}")
    tones, ratio = _tones(view), _ratio(view)
    said = [tone for tone, pattern in (("darker", DARK), ("lighter", LIGHT)) if pattern.search(text)]
    if len(said) == 1 and _tone_status(said[0], tones) == "contradicted":
        return _claim(name, text, "contradicted", "check.tone", measured=", ".join(tones))
    if (ELONGATED.search(text) and ratio < COMPACT) or (ROUND.search(text) and ratio >= LONG):
        shape = view.measured.shape.value or "patch"
        return _claim(name, text, "contradicted", "check.form", measured=f"@shape.{shape}", ratio=round(ratio, 1))
    if AT_EDGE.search(text) and not view.measured.location.touches_border.value:
        return _claim(name, text, "contradicted", "check.no_border")
    supported = len(said) == 1 and said[0] in tones
    return _claim(
        name,
        text,
        "supported" if supported else "unverified",
        "check.tone" if supported else "check.not_checked",
        measured=", ".join(tones),
    )


def _ratio(view: RegionView) -> float:
    size = view.measured.size
    return (size.length.value or 1.0) / max(size.width.value or 1.0, 1.0)


def _claim(name: str, value: str, status: Status, key: str, **params: str | float) -> Claim:
    return Claim.model_validate({"name": name, "value": value, "status": status, "because": sentence(key, **params)})
