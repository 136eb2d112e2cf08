"""What is done about what somebody says: a command where it is one, else the assistant where a language model is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seewhy.agent.chat.assistant import Assistant
from seewhy.agent.chat.conversation import LONGEST, Message, remember, remembered
from seewhy.agent.chat.grammar import Command, called_good, card_in, command_in
from seewhy.agent.chat.looking import Call, documents, photo, similar
from seewhy.agent.chat.problems import Told, problem
from seewhy.agent.chat.setting_up import Files, add_good, add_photos, go_on, learn
from seewhy.agent.people.roles import Kind
from seewhy.errors import SeewhyError
from seewhy.prompts import text, word
from seewhy.prompts.legible import legible

CHANGES: Mapping[str, Kind] = {"learn": "release", "good": "release", "inspect": "comment"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is answered: words, and what the page shows beside them."""

    text: str
    title: str = ""  # of a tool's result
    show: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class At:
    """Where the page is: a product, a lot and a photo, each empty where none is open."""

    product: str = ""
    lot: str = ""
    file: str = ""


def talk(call: Call, at: At, said: str, files: Files, assistant: Assistant | None = None) -> Iterator[Step]:
    """Answer; what is said and answered is kept.

    Args:
        call: who speaks.
        at: what they look at.
        said: their words.
        files: photos that they dropped beside them.
        assistant: who answers what is no command; None where no language model is there.
    """
    folder = call.product(at.product).folder if at.product else call.desk.home.folder
    before = remembered(folder)
    remember(folder, Message("user", said[:LONGEST] or text("talk.photos", call.language, count=len(files)), by=call.person.name))
    try:
        for step in _answer(call, at, said.strip(), files, assistant, before):
            remember(folder, Message("assistant", step.text, step.title))
            yield step
    except SeewhyError as error:
        told = problem(error, call.language)
        remember(folder, Message("assistant", told))
        yield Step(told)


def _answer(call: Call, at: At, said: str, files: Files, assistant: Assistant | None, before: Sequence[Message]) -> Iterator[Step]:
    command = command_in(said)
    if not at.product:
        yield from _begin(call, said, files, command, assistant, before)
    elif files:
        yield _kept(call, at, files, said)
    elif command is not None:
        yield _obey(call, at, command)
    elif assistant is not None:
        yield from _asked(call, at, said, assistant, before)
    elif (form := card_in(said)) is not None:
        yield Step(text("talk.drafted", call.language), show={"tab": "setup", "draft": form.model_dump(exclude_unset=True)})
    else:
        yield Step(text("talk.no_model", call.language))


def _begin(
    call: Call, said: str, files: Files, command: Command | None, assistant: Assistant | None, before: Sequence[Message]
) -> Iterator[Step]:
    """Before there is a product: a card is drafted from what was said."""
    form = card_in(said)
    if files and called_good(said) is False:
        yield Step(text("talk.not_good", call.language, count=len(files)))
        files = []
    if assistant is not None and said and command is None:
        yield from _asked(call, At(), said, assistant, before, files)
    elif form is not None:
        yield Step(text("talk.drafted", call.language), show={"tab": "setup", "draft": form.model_dump(exclude_unset=True), "files": files})
    else:
        yield Step(text("talk.begin", call.language), show={"tab": "setup", "files": files} if files else {})


def _asked(
    call: Call,
    at: At,
    said: str,
    assistant: Assistant,
    before: Sequence[Message],
    files: Files = (),  # type: ignore[assignment]
) -> Iterator[Step]:
    found = call.product(at.product) if at.product else None
    tools = None if found is None else call.desk.tools(found, writes=call.person.may("comment"))
    for told in assistant.answer(said, before, "" if found is None else found.card.name, tools, call.language):
        show = dict(told.show) | ({"files": list(files)} if "draft" in told.show and files else {})
        yield Step(told.text, told.title, show)


def _kept(call: Call, at: At, files: Files, said: str) -> Step:
    """Photos: good ones where they are called so or nothing was learned yet, else they are inspected."""
    good = called_good(said)
    if good or (good is None and not call.product(at.product).settings.model):
        _allowed(call, "good")
        taken = add_good(call, at.product, files)
        count = len(call.product(at.product).good_photos())
        told = text("talk.good", call.language, kept=len(taken["kept"]), count=count)
        return Step("\n".join([told, *taken["refused"]]), show={"tab": "setup"})
    _allowed(call, "inspect")
    taken = add_photos(call, at.product, files)
    told = text("talk.inspecting", call.language, kept=len(taken["kept"]), lot=taken["lot"])
    return Step("\n".join([told, *taken["refused"]]), show={"tab": "inspect", "lot": taken["lot"]})


def _obey(call: Call, at: At, command: Command) -> Step:
    if command.name in CHANGES:
        _allowed(call, command.name)
    return OBEYED[command.name](call, at, command)


def _allowed(call: Call, name: str) -> None:
    if not call.person.may(CHANGES[name]):
        raise Told("may_not", name=call.person.name, role=call.person.role or "")


def _help(call: Call, at: At, command: Command) -> Step:  # noqa: ARG001
    return Step(text("talk.help", call.language))


def _learn(call: Call, at: At, command: Command) -> Step:  # noqa: ARG001
    learn(call, at.product)
    return Step(text("talk.learning", call.language, count=len(call.product(at.product).good_photos())), show={"tab": "setup"})


def _inspect(call: Call, at: At, command: Command) -> Step:  # noqa: ARG001
    lots = call.product(at.product).lots()
    lot = at.lot or next(iter(lots), "")
    if not lot:
        raise Told("no_photos")
    go_on(call, at.product, lot)
    return Step(text("talk.going_on", call.language, lot=lot), show={"tab": "inspect", "lot": lot})


def _good(call: Call, at: At, command: Command) -> Step:  # noqa: ARG001
    return Step(text("talk.drop_good", call.language), show={"tab": "setup"})


def _why(call: Call, at: At, command: Command) -> Step:
    """The sentence and the ruling of a finding, or of the photo as a whole."""
    seen = _open(call, at)
    if not seen["findings"]:
        return Step("\n".join(seen["reasons"]), show={"tab": "inspect", "file": at.file})
    number = command.number or seen["findings"][0]["number"]
    finding = next((f for f in seen["findings"] if f["number"] == number), None)
    if finding is None:
        raise Told("no_finding", number=number)
    causes = [f"{cause['text']} ({cause['stated_by']})" for cause in finding["causes"]]
    told = [finding["sentence"], *(a["text"] for a in finding["appearance"]), finding["ruled"], *causes]
    return Step("\n".join(told), show={"tab": "inspect", "file": at.file, "finding": number})


def _reference(call: Call, at: At, command: Command) -> Step:  # noqa: ARG001
    seen = _open(call, at)
    if not seen.get("good"):
        raise Told("no_reference")
    return Step(text("talk.reference", call.language), show={"tab": "inspect", "file": at.file, "layer": "good"})


def _similar(call: Call, at: At, command: Command) -> Step:
    seen = _open(call, at)
    number = command.number or next((f["number"] for f in seen["findings"]), 0)
    if not number:
        raise Told("no_finding", number=command.number or 1)
    past = similar(call, at.product, seen["seq"], number)
    if not past:
        return Step(text("talk.not_seen", call.language), show={"tab": "inspect", "file": at.file, "finding": number})
    lines = [
        text(
            "talk.past",
            call.language,
            photo=one["photo"],
            type=word("type", one["type"] or "unknown", call.language),
            share=round(100 * one["likeness"]),
        )
        for one in past
    ]
    return Step("\n".join([text("talk.seen", call.language, count=len(past)), *lines]), show={"tab": "inspect", "finding": number})


def _lot(call: Call, at: At, command: Command) -> Step:  # noqa: ARG001
    product = call.product(at.product)
    lot = at.lot or next(iter(product.lots()), "")
    items = call.desk.index(product).items(lot)
    if not items:
        raise Told("no_photos")
    counts = {verdict: sum(item.stands == verdict for item in items) for verdict in ("pass", "fail", "review", "refused")}
    told = ", ".join(f"{word('tally', verdict, call.language)} {count}" for verdict, count in counts.items())
    return Step(text("talk.lot", call.language, lot=lot, count=len(items), told=told), show={"tab": "inspect", "lot": lot})


def _line(call: Call, at: At, command: Command) -> Step:  # noqa: ARG001
    call.desk.inspector(call.product(at.product))
    return Step(text("talk.line", call.language), show={"tab": "line"})


def _report(call: Call, at: At, command: Command) -> Step:
    lot = at.lot or next(iter(call.product(at.product).lots()), "")
    if not documents(call, at.product, lot):
        raise Told("no_photos")
    return Step(text("talk.report", call.language, lot=lot), show={"tab": "documents", "lot": lot, "kind": "lot", "format": command.words})


def _study(call: Call, at: At, command: Command) -> Step:  # noqa: ARG001
    """What a study counts, and the button that does one: it is an entry with a reason."""
    lot = at.lot or next(iter(call.product(at.product).lots()), "")
    if not documents(call, at.product, lot):
        raise Told("no_photos")
    return Step(text("talk.study", call.language, lot=lot), show={"tab": "documents", "lot": lot, "kind": "study"})


def _of_part(call: Call, at: At, command: Command) -> Step:
    """A document of the open part, or the reason why there is none yet."""
    if not at.file:
        raise Told("open_a_photo")
    groups = documents(call, at.product, at.lot, at.file)
    found = next((one for group in groups if group["group"] == "part" for one in group["documents"] if one["kind"] == command.name), None)
    if found is None:
        raise Told("no_photo", name=at.file[:60])
    if found["problem"]:
        return Step(found["problem"])
    told = text("talk.of_part", call.language, name=found["name"], part=legible(at.file))
    return Step(told, show={"tab": "documents", "file": at.file, "kind": command.name, "format": command.words})


def _open(call: Call, at: At) -> dict[str, Any]:
    """The photo that is open.

    Raises:
        Told: none is.
    """
    if not at.file:
        raise Told("open_a_photo")
    return photo(call, at.product, at.lot, at.file)


OBEYED: Mapping[str, Callable[[Call, At, Command], Step]] = {
    "help": _help,
    "learn": _learn,
    "inspect": _inspect,
    "good": _good,
    "why": _why,
    "reference": _reference,
    "similar": _similar,
    "lot": _lot,
    "line": _line,
    "report": _report,
    "study": _study,
    "ncr": _of_part,
    "certificate": _of_part,
}
