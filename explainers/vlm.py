"""A local VLM's words about a region: asked only what it can know, checked claim by claim, never needed for a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.canonical import sha256_json
from seewhy.card import Knowledge
from seewhy.drawing import heat_over, label, outline, smaller
from seewhy.errors import UnknownName
from seewhy.explainers import RegionView
from seewhy.explainers.answer import (
    NONE,
    OTHER,
    UNKNOWN,
    Answer,
    UnreadableError,
    answer_schema,
    in_english,
    in_korean,
    look_schema,
    read_answer,
    read_object,
    texts_schema,
)
from seewhy.explainers.claims import check, forbidden, replaced
from seewhy.explainers.client import Client, NoReplyError, Reply, Server, conversation, pictures_of
from seewhy.explainers.knowledge import KnowledgeBase
from seewhy.explainers.measured import MeasuredWords, summary
from seewhy.prompts import sentence
from seewhy.prompts.vlm import CLOSE, HEAT, REFERENCE, WHOLE, prompts_sha256, rendered
from seewhy.record import Asked, Cause, Claim, Explanation, Sentence, Source, Stated, Status, Unexplained
from seewhy.types import Mask, Pixels

P = TypeVar("P", bound=np.generic)
JPEG_QUALITY = 90
AGREED = 0.6  # share of samples that must name the same type
WARM = 0.7  # temperature of samples after the first
GREY = 127
LANGUAGES: Mapping[str, tuple[str, Callable[[str], bool]]] = {"en": ("English", in_english), "ko": ("Korean", in_korean)}


@dataclass(frozen=True, slots=True)
class VlmSettings:
    """What the model is shown and how often it is asked."""

    whole_px: int = 640  # longer side of the whole photo; 32 px x 32 px make a token in Qwen3-VL
    crop_px: int = 384  # longer side of crops
    square: bool = False  # pad pictures to squares, for models of one size
    heat: bool = False  # show the score map too
    causes: int = 6  # most that are offered
    samples: int = 1  # answers for self-consistency
    second_look: bool = True  # ask again whether the type is in the crop
    language: str = "en"  # that its texts are also said in; it is asked what it sees in English alone
    erase: bool = False  # ask again with the region erased: an answer that stays was not about the region


@dataclass(slots=True)
class _Talk:
    """One region's conversation, counted."""

    client: Client
    view: RegionView
    types: tuple[str, ...]
    causes: tuple[Knowledge, ...]
    until: float | None = None  # `time.monotonic()` after which no answer is waited for
    pictures: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    tokens: list[tuple[int, int]] = field(default_factory=list)
    repaired: bool = False

    def reply(self, parts: Sequence[str | bytes], schema: dict[str, Any], **options: Any) -> Reply:
        """One request."""
        if not self.pictures:
            self.pictures += pictures_of(parts)
        made = self.client.ask(conversation(rendered("system.md"), parts), schema, until=self.until, **options)
        self.answers.append(made.text)
        self.tokens.append((made.prompt_tokens, made.completion_tokens))
        return made

    def answer(self, parts: Sequence[str | bytes], **options: Any) -> Answer:
        """A readable answer, asked for once more where the first one isn't."""
        ids = tuple(c.id for c in self.causes)
        schema = answer_schema(self.types, ids)
        try:
            return _read(self.reply(parts, schema, **options), self.types, ids)
        except UnreadableError as error:
            again = rendered("again.md.j2", why=error.detail)
            made = _read(self.reply([*parts, again], schema, **options), self.types, ids)
            self.repaired = True
            return made

    def asked(self, **more: Any) -> Asked:
        """For the record."""
        model, server = self.client.identity
        return Asked(
            model=model,
            server=server,
            prompt_sha256=prompts_sha256(),
            schema_sha256=sha256_json(answer_schema(self.types, tuple(c.id for c in self.causes))),
            pictures=tuple(self.pictures),
            seed=self.client.server.seed,
            temperature=self.client.server.temperature,
            requests=len(self.answers),
            repaired=self.repaired,
            prompt_tokens=sum(p for p, _ in self.tokens),
            completion_tokens=sum(c for _, c in self.tokens),
            answers=tuple(self.answers),
            **more,
        )


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
        if self.settings.language not in LANGUAGES:
            raise UnknownName("language", self.settings.language, LANGUAGES)

    def explain(self, view: RegionView, until: float | None = None) -> Explanation | Unexplained:
        """Words for one region; see the module."""
        talk = _Talk(self.client, view, tuple(d.name for d in view.card.defects), self.offered(view), until)
        try:
            return self._explained(talk)
        except NoReplyError as error:
            return Unexplained(explainer=self.name, reason=error.reason, detail=error.detail[:300])
        except UnreadableError as error:
            return Unexplained(explainer=self.name, reason=error.reason, detail=error.detail[:300], asked=talk.asked())

    def offered(self, view: RegionView) -> tuple[Knowledge, ...]:
        """The causes that the model may choose from."""
        return self._knowledge.causes_for(view, self.settings.causes)

    def _explained(self, talk: _Talk) -> Explanation:
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

    def parts(self, view: RegionView, causes: Sequence[Knowledge], *, erased: bool = False) -> list[str | bytes]:
        """What is shown: what never changes first, so that the server can keep it (prefix cache)."""
        card, settings = view.card, self.settings
        said: list[str | bytes] = [
            rendered("product.md.j2", product=card.name, description=card.description, defects=card.defects, causes=causes)
        ]
        if view.reference is not None:
            said += [REFERENCE, self.jpeg(view.reference, settings.crop_px)]
        whole = smaller(view.whole, settings.whole_px).copy()
        mask = cv2.resize(view.whole_mask.astype(np.uint8), whole.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
        outline(whole, mask)
        ys, xs = np.nonzero(mask)
        if len(xs):
            label(whole, str(view.number), int(xs.min()), int(ys.min()))
        said += [WHOLE, self.jpeg(whole, settings.whole_px)]
        if settings.heat and view.heat is not None:
            said += [HEAT, self.jpeg(heat_over(smaller(view.whole, settings.whole_px), view.heat), settings.crop_px)]
        crop = erased_crop(view) if erased else view.crop
        return [
            *said,
            CLOSE,
            self.jpeg(crop, settings.crop_px),
            rendered("describe.md.j2", past=[p.type for p in self._knowledge.alike(view)]),
        ]

    def jpeg(self, pixels: Pixels, longest: int) -> bytes:
        """A picture as it is sent, its longer side at most `longest`."""
        small = smaller(pixels, longest)
        if self.settings.square:
            small = squared(small, longest, GREY)
        _, data = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        return bytes(data.tobytes())

    def _agreement(self, talk: _Talk, parts: Sequence[str | bytes], answer: Answer) -> float:
        named = Counter([answer.type])
        for number in range(1, self.settings.samples):
            named[talk.answer(parts, seed=self.client.server.seed + number, temperature=WARM).type] += 1
        return round(named[answer.type] / self.settings.samples, 3)

    def _second_look(self, talk: _Talk, answer: Answer, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        """A small question with the crop alone."""
        question: list[str | bytes] = [CLOSE, self.jpeg(talk.view.crop, self.settings.crop_px), rendered("look.md.j2", type=answer.type)]
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

    def _changes_when_erased(self, talk: _Talk, answer: Answer) -> bool:
        other = talk.answer(self.parts(talk.view, talk.causes, erased=True))
        return (other.visible, other.type) != (answer.visible, answer.type)

    def _composed(self, talk: _Talk, answer: Answer, claims: tuple[Claim, ...], more: dict[str, Any]) -> Explanation:
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
                value=answer.visible, source="vlm", status=status["visible"], evidence=(*names, "map")
            ),
            confidence=Stated[Literal["low", "medium", "high"]](value=answer.confidence, source="vlm", status="unverified", evidence=names),
            claims=claims,
            asked=talk.asked(**more),
        )

    def _translated(self, talk: _Talk, texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The texts in the wanted language, by a request that sees words alone; what can't be used stays English, and is counted."""
        name, fits = LANGUAGES[self.settings.language]
        wanted = {field: texts.get(field, "") for field in ("appearance", "difference")}
        try:
            found = read_object(talk.reply([rendered("translate.md.j2", language=name, **wanted)], texts_schema()).text)
        except (NoReplyError, UnreadableError):
            return {}
        good = {field: str(found.get(field, "")) for field in texts}
        return {
            field: {f"text_{self.settings.language}": said} for field, said in good.items() if said and fits(said) and not forbidden(said)
        }


def squared(picture: npt.NDArray[P], side: int, fill: float) -> npt.NDArray[P]:
    """(h, w, …) enlarged or reduced until its longer side is `side`, in the middle of a square of `fill`."""
    scale = side / max(picture.shape[:2])
    width, height = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    y, x = (side - height) // 2, (side - width) // 2
    canvas = np.full((side, side, *picture.shape[2:]), fill, picture.dtype)
    canvas[y : y + height, x : x + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    return canvas


def erased_crop(view: RegionView, mask: Mask | None = None) -> Pixels:
    """The crop without its region (or without `mask`): painted over from around it (Telea, 2004)."""
    over = (view.mask if mask is None else mask).astype(np.uint8)
    reach = max(3, round(0.06 * max(over.shape)))
    grown = cv2.dilate(over, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    made: Pixels = cv2.inpaint(np.ascontiguousarray(view.crop), grown, 5, cv2.INPAINT_TELEA)
    return made


def _read(reply: Reply, types: tuple[str, ...], causes: tuple[str, ...]) -> Answer:
    if reply.refused:
        raise UnreadableError("refused", "the server refused")
    if reply.cut:
        raise UnreadableError("unparseable", "it was cut off at max_tokens")
    return read_answer(reply.text, types, causes)


def _chosen(answer: Answer, causes: Sequence[Knowledge]) -> tuple[Cause, ...]:
    wanted = [c for c in dict.fromkeys((answer.cause, answer.second_cause)) if c != NONE]
    known = {k.id: k for k in causes}
    return tuple(Cause(id=k.id, text=k.cause, check=k.check, stated_by=k.source) for k in (known[c] for c in wanted))


def _tone_of(base: Explanation) -> str:
    """The tone that the embedded explainer measured, as its sentence has it."""
    return str(base.sentence.params["tone"]).removeprefix("@look.")
