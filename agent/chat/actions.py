"""The one door behind the page: an action's name, what it takes, who may ask for it."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from seewhy.agent.chat import judging, looking, preparing, setting_up
from seewhy.agent.chat.looking import Call
from seewhy.agent.chat.problems import Told, problem
from seewhy.agent.people.roles import Kind
from seewhy.errors import SeewhyError
from seewhy.prompts import text

LOG = logging.getLogger("seewhy.chat")


@dataclass(frozen=True, slots=True)
class Action:
    """One of them: what it does, and which entry somebody must be allowed to make to ask for it (None: everybody)."""

    does: Callable[..., Any]
    kind: Kind | None = None


ACTIONS: Mapping[str, Action] = {
    "state": Action(looking.state),
    "job": Action(looking.job),
    "gallery": Action(looking.gallery),
    "photo": Action(looking.photo),
    "similar": Action(looking.similar),
    "reference": Action(preparing.reference),
    "oddest": Action(preparing.oddest),
    "telling": Action(preparing.telling),
    "scale_by_clicks": Action(preparing.scale_by_clicks),
    "line": Action(looking.line),
    "documents": Action(looking.documents),
    "compared": Action(setting_up.compared),
    "diff": Action(setting_up.diff),
    "create": Action(setting_up.create, "release"),
    "save_card": Action(setting_up.save_card, "release"),
    "add_good": Action(setting_up.add_good, "release"),
    "sort_good": Action(setting_up.sort_good, "release"),
    "learn_as_good": Action(setting_up.learn_as_good, "release"),
    "learn": Action(setting_up.learn, "release"),
    "adopt_line": Action(setting_up.adopt_line, "release"),
    "adopt_model": Action(setting_up.adopt_model, "release"),
    "snapshot": Action(setting_up.snapshot, "comment"),
    "add_photos": Action(setting_up.add_photos, "comment"),
    "go_on": Action(setting_up.go_on, "comment"),
    "pause": Action(setting_up.pause, "comment"),
    "stop": Action(setting_up.stop, "comment"),
    "judge": Action(judging.judge, "review"),
    "fine": Action(judging.fine, "false_alarm"),
    "missed": Action(judging.missed, "missed_defect"),
    "correct": Action(judging.correct, "correction"),
    "name_type": Action(judging.name_type, "confirmation"),
    "comment": Action(judging.comment, "comment"),
    "dispose": Action(judging.dispose, "disposition"),
    "sign": Action(judging.sign, "sign_off"),
    "study": Action(judging.study, "study"),
    "take_back": Action(judging.take_back, "withdrawal"),
}


def _arguments(does: Callable[..., Any]) -> type[BaseModel]:
    """What an action takes besides who asks, from its signature; nothing else is taken."""
    parameters = list(inspect.signature(does, eval_str=True).parameters.values())[1:]
    fields: dict[str, Any] = {p.name: (p.annotation, ... if p.default is p.empty else p.default) for p in parameters}
    return create_model(does.__name__, __config__=ConfigDict(extra="forbid"), **fields)


_ARGUMENTS = {name: _arguments(action.does) for name, action in ACTIONS.items()}


def perform(call: Call, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the page asks for: {"answer": …}, or {"problem": why not} in the reader's language, with what is wanted to go on.

    Args:
        call: who asks.
        name: of the action.
        given: its arguments, as they came.
    """
    try:
        action = ACTIONS.get(name)
        if action is None:
            raise Told("no_action", name=str(name)[:40])
        if action.kind is not None and not call.person.may(action.kind):
            raise Told("may_not", name=call.person.name, role=call.person.role or "")
        taken = _ARGUMENTS[name].model_validate(given)
        return {"answer": action.does(call, **{field: getattr(taken, field) for field in type(taken).model_fields})}
    except SeewhyError as error:
        wants_name = isinstance(error, Told) and error.sentence.key == "problem.no_name"
        return {"problem": problem(error, call.language)} | ({"wants": "name"} if wants_name else {})
    except ValidationError as error:
        LOG.info("%s was asked with %s", name, error)
        return {"problem": text("problem.arguments", call.language, name=str(name)[:40])}
    except Exception as error:  # the page says so and goes on; the log has the rest
        LOG.exception("%s failed", name)
        return {"problem": text("problem.failed", call.language, why=f"{type(error).__name__}: {str(error)[:200]}")}
