"""When inspection becomes tightened, reduced or is stopped: ISO 2859-1:1999, 9.3 and 9.4."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seewhy.agent.quality.sampling import AQLS, Plan, Severity, resolved
from seewhy.errors import BadData

ENOUGH_SCORE = 30  # of the switching score (9.3.3.2)
TIGHTENED_REFUSED = 5  # lots under tightened inspection until it is discontinued (9.4)


@dataclass(frozen=True, slots=True)
class State:
    """Where a scheme stands after the lots so far.

    Attributes:
        severity: of the next lot.
        score: the switching score; it counts under normal inspection alone.
        recent: whether each of the last lots was accepted, since the last switch, five at most.
        refused: lots not accepted under tightened inspection, since it began.
        stopped: acceptance procedures are discontinued until the supplier has acted (9.4).
    """

    severity: Severity = "normal"
    score: int = 0
    recent: tuple[bool, ...] = ()
    refused: int = 0
    stopped: bool = False

    @property
    def may_reduce(self) -> bool:
        """Whether the score allows reduced inspection; steady production and the responsible authority's word are needed too (9.3.3.1)."""
        return self.severity == "normal" and self.score >= ENOUGH_SCORE


def after(state: State, plan: Plan, found: int) -> State:
    """The state after one more lot, on original inspection.

    Args:
        state: before.
        plan: that the lot was inspected with; its severity is the state's.
        found: nonconforming parts in its sample.

    Raises:
        BadData: the plan is of another severity, or acceptance was discontinued.
    """
    if state.stopped:
        raise BadData("acceptance by sampling is discontinued (ISO 2859-1:1999, 9.4); begin again under tightened inspection")
    if plan.severity != state.severity:
        raise BadData(f"the lot was inspected under {plan.severity} inspection, and {state.severity} inspection was due")
    accepted = plan.accepts(found)
    recent = (*state.recent, accepted)[-5:]
    if state.severity == "reduced":
        return replace(state, recent=recent) if accepted else State()
    if state.severity == "tightened":
        refused = state.refused + (not accepted)
        if len(recent) == 5 and all(recent):
            return State()
        return State("tightened", 0, recent, refused, refused >= TIGHTENED_REFUSED)
    if recent.count(False) >= 2:
        return State("tightened")
    return State("normal", _score(state.score, plan, found), recent)


def reduced(state: State, *, steady: bool, approved: bool) -> State:
    """Switch to reduced inspection.

    Raises:
        BadData: the score doesn't allow it, production isn't steady, or nobody approved.
    """
    if not (state.may_reduce and steady and approved):
        raise BadData(
            f"reduced inspection needs a switching score of {ENOUGH_SCORE} under normal inspection (it is {state.score}), steady "
            "production and the responsible authority's approval"
        )
    return State("reduced")


def normal(state: State) -> State:
    """Back to normal inspection from reduced, because production became irregular or otherwise asks for it (9.3.4 b to d)."""
    return State() if state.severity == "reduced" else state


def _score(score: int, plan: Plan, found: int) -> int:
    """Three for a lot that the next tighter AQL accepts too, two where Ac is 0 or 1; a lot that isn't accepted sets it to zero."""
    if not plan.accepts(found):
        return 0
    if plan.accept <= 1:
        return score + 2
    tighter = AQLS.index(plan.aql) - 1
    _, accept = resolved(plan.letter, AQLS[tighter], "normal")
    return score + 3 if found <= accept else 0
