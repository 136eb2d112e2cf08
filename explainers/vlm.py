"""A local VLM's words about a region: asked only what it can know, checked claim by claim, never needed for a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from seewhy.card import Knowledge
from seewhy.explainers import RegionView
from seewhy.explainers.answer import (
    LONGEST_TEXT,
    NONE,
    OTHER,
    UNKNOWN,
    Answer,
    Language,
    UnreadableError,
    language_called,
    look_schema,
    read_object,
    texts_schema,
)
from seewhy.explainers.claims import check, forbidden, replaced
from seewhy.explainers.client import Client, Server
from seewhy.explainers.knowledge import KnowledgeBase
from seewhy.explainers.measured import MeasuredWords, summary
from seewhy.explainers.patience import NoReplyError
from seewhy.explainers.question import VlmSettings as VlmSettings
from seewhy.explainers.question import describe, look, translate
from seewhy.explainers.talk import Talk
from seewhy.prompts import sentence
from seewhy.record import Cause, Claim, Explanation, Sentence, Source, Stated, Status, Unexplained

AGREED = 0.6  # share of samples that must name the same type
WARM = 0.7  # temperature of samples after the first
LONGEST_DETAIL = 300


class VlmWords:
    """Describes regions through a server; without an answer it says so and nothing else changes.

    Args:
        server: where the model is.
        settings: what it is shown.
        knowledge: where causes come from besides the card.

    Raises:
        BadData: the address can't be one.
        UnknownName: there is no such language.
    """

    name = "vlm"
    source: Source = "vlm"

    def __init__(self, server: Server, settings: VlmSettings | None = None, *, knowledge: KnowledgeBase | None = None) -> None:
        self.client, self.settings, self.in_flight = Client(server), settings or VlmSettings(), server.in_flight
        self._knowledge, self._embedded = knowledge or KnowledgeBase(), MeasuredWords()
        self._language: Language = language_called(self.settings.language)

    def explain(self, view: RegionView, until: float | None = None) -> Explanation | Unexplained:
        """Words for one region; see the module."""
        talk = Talk(self.client, view, tuple(d.name for d in view.card.defects), self.offered(view), until)
        try:
            return self._explained(talk)
        except NoReplyError as error:
            return Unexplained(explainer=self.name, reason=error.reason, detail=error.detail[:LONGEST_DETAIL])
        except UnreadableError as error:
            return Unexplained(explainer=self.name, reason=error.reason, detail=error.detail[:LONGEST_DETAIL], asked=talk.asked())

    def offered(self, view: RegionView) -> tuple[Knowledge, ...]:
        """The causes that the model may choose from."""
        return self._knowledge.causes_for(view, self.settings.causes)

    def parts(self, view: RegionView, causes: Sequence[Knowledge], *, erased: bool = False) -> list[str | bytes]:
        """The question about a region, as it is asked."""
        return describe(view, causes, [p.type for p in self._knowledge.alike(view)], self.settings, erased=erased)

    def _explained(self, talk: Talk) -> Explanation:
        view, settings = talk.view, self.settings
        parts = self.parts(view, talk.causes)
        answer = talk.answer(parts)
        claims = check(answer, view)
        more: dict[str, Any] = {}
        if settings.samples > 1:
            agreement = self._agreement(talk, parts, answer)
            more |= {"samples": settings.samples, "agreement": agreement}
            if agreement < AGREED:
                claims = replaced(claims, "type", "unverified", "check.disagreed", share=round(100 * agreement))
        doubtful = any(c.name == "type" and c.status == "contradicted" for c in claims)
        if settings.second_look and answer.visible != "no" and answer.type in talk.types and not doubtful:
            try:
                claims = self._second_look(talk, answer, claims)
            except (NoReplyError, UnreadableError):  # the answer stands, its type is not more certain
                claims = replaced(claims, "type", "unverified", "check.second_none")
        if settings.erase and answer.visible != "no":
            changed = self._changes_when_erased(talk, answer)
            more["when_erased"] = "changed" if changed else "unchanged"
            if not changed:
                claims = replaced(claims, "type", "unverified", "check.erased")
        more["past"] = tuple(p.where for p in self._knowledge.alike(view))
        return self._composed(talk, answer, claims, more)

    def _agreement(self, talk: Talk, parts: Sequence[str | bytes], answer: Answer) -> float:
        named = Counter([answer.type])
        for number in range(1, self.settings.samples):
            named[talk.answer(parts, seed=self.client.server.seed + number, temperature=WARM).type] += 1
        return round(named[answer.type] / self.settings.samples, 3)

    def _second_look(self, talk: Talk, answer: Answer, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        """A small question with the crop alone."""
        question = look(talk.view.crop, answer.type, self.settings)
        present = read_object(talk.reply(question, look_schema()).text).get("present")
        if present == "no":
            return replaced(claims, "type", "contradicted", "check.second_no")
        if present == "yes":
            return tuple(
                c.model_copy(update={"status": "supported", "because": sentence("check.second_yes")})
                if c.name == "type" and c.because.key == "check.not_checked"
                else c
                for c in claims
            )
        raise UnreadableError("unparseable", "the second look was neither yes nor no")

    def _changes_when_erased(self, talk: Talk, answer: Answer) -> bool:
        other = talk.answer(self.parts(talk.view, talk.causes, erased=True))
        return (other.visible, other.type) != (answer.visible, answer.type)

    def _composed(self, talk: Talk, answer: Answer, claims: tuple[Claim, ...], more: dict[str, Any]) -> Explanation:
        """The embedded explainer's words, with what the model said and no check contradicted."""
        view = talk.view
        base = self._embedded.explain(view)
        status: dict[str, Status] = {c.name: c.status for c in claims}
        trusted = answer.visible != "no" and status["type"] != "contradicted" and answer.type not in (OTHER, UNKNOWN)
        names = view.evidence[:1] + view.evidence[2:]
        type_ = Stated[str](value=answer.type, source="vlm", status=status["type"], evidence=names) if trusted else base.type
        texts = {"appearance": answer.appearance, "difference": answer.difference}
        shown = {n: t for n, t in texts.items() if status[n] in ("supported", "unverified") and answer.visible != "no"}
        others: dict[str, dict[str, str]] = {}
        if shown and self.settings.language != "en":
            others = self._translated(talk, shown)
            more["untranslated"] = tuple(name for name in shown if name not in others)
        said = [
            Stated[Sentence](
                value=sentence(f"said.{name}", text=text, **others.get(name, {})), source="vlm", status=status[name], evidence=names
            )
            for name, text in shown.items()
        ]
        return Explanation(
            explainer=self.name,
            type=type_,
            appearance=(*base.appearance, *said),
            causes=_chosen(answer, talk.causes) if trusted else base.causes,
            sentence=summary(view, type_.value or "unknown", _tone_of(base)),
            visible=Stated[Literal["yes", "no", "uncertain"]](
                value=answer.visible,
                source="vlm",
                status=status["visible"],
                evidence=(*names, *(("map",) if view.heat is not None else ())),
            ),
            confidence=Stated[Literal["low", "medium", "high"]](value=answer.confidence, source="vlm", status="unverified", evidence=names),
            claims=claims,
            asked=talk.asked(**more),
        )

    def _translated(self, talk: Talk, texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The texts in the wanted language, by a request that sees words alone; what can't be used stays English, and is counted."""
        try:
            found = read_object(talk.reply(translate(texts, self._language.name), texts_schema()).text)
        except (NoReplyError, UnreadableError):
            return {}
        translated = {field: " ".join(text.split()) for field in texts if isinstance(text := found.get(field), str)}
        return {
            field: {f"text_{self._language.code}": text}
            for field, text in translated.items()
            if 0 < len(text) <= LONGEST_TEXT and self._language.fits(text) and not forbidden(text)
        }


def _chosen(answer: Answer, causes: Sequence[Knowledge]) -> tuple[Cause, ...]:
    wanted = [c for c in dict.fromkeys((answer.cause, answer.second_cause)) if c != NONE]
    known = {k.id: k for k in causes}
    return tuple(Cause(id=k.id, text=k.cause, check=k.check, stated_by=k.source) for k in (known[c] for c in wanted))


def _tone_of(base: Explanation) -> str:
    """The tone that the embedded explainer measured, as its sentence has it."""
    return str(base.sentence.params["tone"]).removeprefix("@look.")
