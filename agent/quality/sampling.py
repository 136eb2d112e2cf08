"""Single sampling by attributes, ISO 2859-1:1999: code letters, master tables 2-A to 2-C, operating characteristic.

A third edition is in force since January 2026; what it changes could not be read, so everything here names the edition of 1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, gammaln, pdtr

from seewhy.errors import BadData

EDITION = "ISO 2859-1:1999"
Level: TypeAlias = Literal["S-1", "S-2", "S-3", "S-4", "I", "II", "III"]
Severity: TypeAlias = Literal["normal", "tightened", "reduced"]

LETTERS = "ABCDEFGHJKLMNPQRS"  # S stands in table 2-B alone
SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
REDUCED_SIZES = (2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800)
AQLS = (
    *(0.010, 0.015, 0.025, 0.040, 0.065, 0.10, 0.15, 0.25, 0.40, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5, 10.0),  # % nonconforming
    *(15.0, 25.0, 40.0, 65.0, 100.0, 150.0, 250.0, 400.0, 650.0, 1000.0),  # nonconformities per 100 items
)
MOST_PERCENT = 10.0  # AQLs above count nonconformities, not parts
LOTS = (8, 15, 25, 50, 90, 150, 280, 500, 1_200, 3_200, 10_000, 35_000, 150_000, 500_000)  # largest lot of each row of table 1
CODES: dict[Level, str] = {  # table 1, column by column
    "S-1": "AAAABBBBCCCCDDD",
    "S-2": "AAABBBCCCDDDEEE",
    "S-3": "AABBCCDDEEFFGGH",
    "S-4": "AABCCDEEFGGHJJK",
    "I": "AABCCDEFGHJKLMN",
    "II": "ABCDEFGHJKLMNPQ",
    "III": "BCDEFGHJKLMNPQR",
}
# Along a row of a master table the acceptance numbers rise: 0, one or two arrows, then these; see `_cell`.
RISING: dict[Severity, tuple[int, ...]] = {
    "normal": (1, 2, 3, 5, 7, 10, 14, 21, 30, 44),
    "tightened": (1, 2, 3, 5, 8, 12, 18, 27, 41),
    "reduced": (1, 2, 3, 5, 6, 8, 10, 14, 21),
}
LARGE_ROWS = 5  # A to E: only they go on beyond the eighth (tightened, reduced: seventh) number
ZERO: dict[Severity, int] = {"normal": 14, "tightened": 15, "reduced": 14}  # letter's place + AQL's place where the 0 stands
FIRST: dict[Severity, int] = {"normal": 17, "tightened": 18, "reduced": 18}  # and where the 1 does
UP: dict[Severity, int | None] = {"normal": 15, "tightened": None, "reduced": 15}  # and the arrow upward beside the 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many parts are drawn, and up to how many nonconforming ones (or nonconformities) the lot is accepted.

    Attributes:
        letter: code letter that the plan stands at, after arrows; empty for a plan outside the tables.
        size: parts drawn; the whole lot where the table asks for no fewer.
        accept: Ac; Re is one more.
        lot: parts in the lot.
        level: inspection level.
        aql: acceptance quality limit: % nonconforming up to 10, nonconformities per 100 items above.
        severity: normal, tightened or reduced inspection.
        source: the table.
    """

    letter: str
    size: int
    accept: int
    lot: int
    level: Level
    aql: float
    severity: Severity
    source: str

    @property
    def whole(self) -> bool:
        """Whether every part is inspected."""
        return self.size >= self.lot

    def accepts(self, found: int) -> bool:
        """Whether the lot is accepted."""
        return found <= self.accept

    def chance(self, share: float) -> float:
        """That a lot of this quality is accepted (the OC curve): binomial for % nonconforming, Poisson for counts per 100 items.

        Args:
            share: nonconforming parts of parts, or nonconformities per item.
        """
        return float(pdtr(self.accept, self.size * share) if self.aql > MOST_PERCENT else bdtr(self.accept, self.size, share))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in ("letter", "size", "accept", "lot", "level", "aql", "severity", "source")}


def code_letter(lot: int, level: Level = "II") -> str:
    """Of table 1.

    >>> code_letter(1000), code_letter(1000, "S-3")
    ('J', 'E')

    Raises:
        BadData: a lot of less than two parts, or no such level.
    """
    if lot < 2:
        raise BadData(f"{EDITION} samples lots of 2 parts or more, not of {lot}")
    if level not in CODES:
        raise BadData(f"an inspection level is {', '.join(CODES)}, not {level!r}")
    return CODES[level][sum(lot > most for most in LOTS)]


def plan(lot: int, aql: float, level: Level = "II", severity: Severity = "normal") -> Plan:
    """The single sampling plan of a lot.

    Raises:
        BadData: the tables don't hold the lot, level, severity or AQL.
    """
    if aql not in AQLS:
        raise BadData(f"{EDITION} has no AQL of {aql:g}; the nearest are {_near(aql)}")
    if severity not in ZERO:
        raise BadData(f"inspection is normal, tightened or reduced, not {severity!r}")
    letter, accept = resolved(code_letter(lot, level), aql, severity)
    sizes = REDUCED_SIZES if severity == "reduced" else SIZES
    table = {"normal": "2-A", "tightened": "2-B", "reduced": "2-C"}[severity]
    size = min(sizes[LETTERS.index(letter)], lot)
    return Plan(letter, size, accept, lot, level, aql, severity, f"{EDITION}, {table}")


def resolved(letter: str, aql: float, severity: Severity) -> tuple[str, int]:
    """(letter, Ac) of a cell of a master table, after its arrows: the first plan along the arrow, with its own sample size (10.3)."""
    rows = range(len(LETTERS if severity == "tightened" else REDUCED_SIZES))
    own = LETTERS.index(letter)
    down, up = rows[own:], rows[own::-1]
    ways = (up, down) if cell(letter, aql, severity) == "up" else (down, up)  # where an arrow leads out of the table, back
    for at in (*ways[0], *ways[1]):
        number = cell(LETTERS[at], aql, severity)
        if not isinstance(number, str):
            return LETTERS[at], number
    raise BadData(f"{EDITION} holds no plan for code letter {letter} and an AQL of {aql:g}")


def cell(letter: str, aql: float, severity: Severity) -> int | Literal["down", "up"]:
    """What stands in a cell of the master table: an acceptance number or an arrow."""
    row, place = LETTERS.index(letter), LETTERS.index(letter) + AQLS.index(aql)
    if severity == "reduced" and letter in "AB":
        number = _short_rows(row, place)
    else:
        rising = RISING[severity] if row < LARGE_ROWS else RISING[severity][: 8 if severity == "normal" else 7]
        number = 0 if place == ZERO[severity] else _at(rising, place - FIRST[severity])
    if number is not None:
        return number
    return "up" if place == UP[severity] or place > FIRST[severity] else "down"


def _short_rows(row: int, place: int) -> int | None:
    """Rows A and B of table 2-C: their samples are of two parts, as table 2-A's row A, and so are their numbers."""
    return 0 if place == ZERO["reduced"] else _at(RISING["normal"][:9], place - FIRST["normal"] - row)


def _at(numbers: Sequence[int], place: int) -> int | None:
    return numbers[place] if 0 <= place < len(numbers) else None


def _near(aql: float) -> str:
    return ", ".join(f"{value:g}" for value in sorted(sorted(AQLS, key=lambda v: abs(v - aql))[:2]))


def zero_acceptance(lot: int, share: float, confidence: float = 0.95) -> Plan:
    """The least sample without a nonconforming part that shows at most this share in the lot, with this confidence (hypergeometric).

    >>> zero_acceptance(100_000, 0.1).size, zero_acceptance(200, 0.1).size
    (29, 26)

    Raises:
        BadData: the share or confidence isn't between 0 and 1, or the lot has no part.
    """
    if not 0 < share < 1 or not 0 < confidence < 1 or lot < 1:
        raise BadData("a plan with acceptance number 0 needs a lot, and a share and a confidence between 0 and 1")
    bad = int(np.floor(share * lot + 1e-9)) + 1  # the least number that is more than the share
    sizes = np.arange(0, lot + 1)
    missed = _none_drawn(lot, bad, sizes)
    size = int(sizes[np.argmax(missed <= 1 - confidence)]) if (missed <= 1 - confidence).any() else lot
    return Plan("", size, 0, lot, "II", 100 * share, "normal", f"c = 0, {confidence:g}")


def _none_drawn(lot: int, bad: int, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """That none of the bad ones is among so many drawn without replacement."""
    good = lot - bad
    with np.errstate(invalid="ignore"):
        logs = gammaln(good + 1) - gammaln(good - sizes + 1) - gammaln(lot + 1) + gammaln(lot - sizes + 1)
    return np.where(sizes > good, 0.0, np.exp(logs))
