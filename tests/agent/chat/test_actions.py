"""What the page asks for, without a browser: the same door, the same rules."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.agent.chat.conftest import Asked
from tests.helpers.servers import completion, speaking

from seewhy.agent.chat.accounts import Accounts
from seewhy.agent.chat.actions import ACTIONS, perform
from seewhy.agent.chat.assistant import Assistant
from seewhy.agent.chat.conversation import remembered
from seewhy.agent.chat.gallery import LotIndex
from seewhy.agent.chat.good import heat_of
from seewhy.agent.chat.looking import Call
from seewhy.agent.chat.routes import router
from seewhy.agent.chat.talking import At, talk
from seewhy.agent.chat.workspace import Home
from seewhy.agent.documents.kinds import DOCUMENTS
from seewhy.agent.ledger.reading import latest
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.product import ProductModel
from seewhy.agent.people.good import left_out
from seewhy.agent.people.roles import Who
from seewhy.agent.quality.entering import enter_study, set_criterion
from seewhy.agent.quality.studies import escapes_of
from seewhy.card import ProductCard
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.people import GoodPhoto, SettingsChange, SignOff, people_of, verdict_by
from seewhy.prompts import text
from seewhy.record import InspectionRecord
from seewhy.studies import StudyDone

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

AT = {"product": "plate", "lot": "l1"}


def entries(home: Home) -> list[object]:
    with Ledger(home.product("plate").ledger, read_only=True) as ledger:
        return [row.entry for row in ledger.rows()]


def test_a_lot_is_inspected_shown_and_judged(inspected: Asked, home: Home) -> None:
    lot = inspected("gallery", **AT)
    assert lot["counts"] == {"fail": 2, "review": 0, "refused": 0, "pass": 1}
    assert [item["file"] for item in inspected("gallery", **AT, only="fail", worst=True)["items"]] == ["stain.png", "scratch.png"]
    seen = inspected("photo", **AT, file="stain.png")
    assert (seen["machine"], seen["stands"]) == ("fail", "fail")
    finding = seen["findings"][0]
    x0, y0, x1, y1 = finding["box"]
    (polygon, *_) = finding["outline"]
    assert all(x0 - 12 <= x <= x1 + 12 and y0 - 12 <= y <= y1 + 12 for x, y in polygon)
    assert finding["appearance"][0]["source"]
    assert seen["score"]["good"] == sorted(seen["score"]["good"])
    assert seen["heat"] and seen["good"]
    inspected("fine", **AT, file="stain.png", finding=1, why="a shadow")
    inspected("judge", **AT, file="stain.png", verdict="pass", why="the shadow of the lamp")
    assert inspected("photo", **AT, file="stain.png")["stands"] == "pass"
    assert inspected("gallery", **AT)["counts"]["pass"] == 2
    assert "reviewed" in inspected.problem("judge", **AT, file="stain.png", verdict="fail", why="no")
    inspected("take_back", **AT, file="stain.png")
    assert inspected("photo", **AT, file="stain.png")["stands"] == "fail"
    with Ledger(home.product("plate").ledger, read_only=True) as ledger:
        stain = next(entry for _, entry in latest(ledger) if isinstance(entry, InspectionRecord) and entry.photo.name == "stain.png")
    assert [(one.kind, one.by, one.why) for one in people_of(stain)] == [("false_alarm", "Kim", "a shadow")]


def test_agreeing_takes_one_click_and_overruling_a_reason(inspected: Asked) -> None:
    inspected("judge", **AT, file="good.png", verdict="pass")
    assert "reason" in inspected.problem("judge", **AT, file="scratch.png", verdict="pass")
    assert inspected("photo", **AT, file="good.png")["people"][0]["kind"] == "review"


def test_a_part_is_disposed_of_and_signed_with_a_reason_by_who_may(inspected: Asked, home: Home) -> None:
    stain = AT | {"file": "stain.png"}
    assert "reason" in inspected.problem("dispose", **stain, action="scrap", why=" ")
    assert "conforms" in inspected.problem("dispose", **AT, file="good.png", action="scrap", why="no")
    assert "concession" in inspected.problem("dispose", **stain, action="use_as_is", why="only dark")
    assert "role" in inspected.problem("sign", **stain, meaning="approval", why="seen", role=" ")
    assert "has no disposition" in inspected.problem("sign", **stain, meaning="approval", why="seen", role="quality")
    inspector = Asked(home, role="inspector")
    for act, given in (("dispose", {"action": "scrap"}), ("sign", {"meaning": "approval"})):
        assert "may not do that" in inspector.problem(act, **stain, **given, why="seen")
    assert {"dispose", "sign"} <= set(inspected("state")["person"]["may"]) - set(inspector("state")["person"]["may"])
    inspected("dispose", **stain, action="use_as_is", why="only dark", concession="C-7")
    Asked(home, name="Lee", role="engineer")("sign", **stain, meaning="approval", why="seen")
    seen = inspected("photo", **stain)
    assert [one["kind"] for one in seen["people"]] == ["disposition", "sign_off"]
    assert ["scrap", "scrap"] in seen["action"]
    signed = next(entry for entry in entries(home) if isinstance(entry, SignOff))
    assert (signed.by, signed.role, signed.why) == ("Lee", "engineer", "seen")


def test_what_slipped_through_is_counted_of_what_people_looked_at_again(inspected: Asked, home: Home) -> None:
    assert "Nobody has looked again" in inspected.problem("study", **AT, why="every month")
    inspected("missed", **AT, file="good.png", type="dent", box=[10, 10, 40, 30])
    inspected("judge", **AT, file="good.png", verdict="fail", why="a dent")
    inspected("judge", **AT, file="stain.png", verdict="pass", why="a shadow")
    assert "why" in inspected.problem("study", **AT, why=" ")
    number = inspected("study", **AT, why="every month")
    (found,) = [entry for entry in entries(home) if isinstance(entry, StudyDone)]
    assert (found.by, found.why, found.product, found.lot, len(found.rests_on)) == ("Kim", "every month", "plate", "l1", 2)
    assert (found.results["escaped"]["count"], found.results["false_rejects"]["count"]) == (1, 1)
    study = next(one for group in inspected("documents", **AT) for one in group["documents"] if one["kind"] == "study")
    assert (study["problem"], study["about"].split(",")[0]) == ("", str(number))


def test_a_missed_defect_fails_its_part_and_a_name_is_found_again(inspected: Asked) -> None:
    inspected("missed", **AT, file="good.png", type="dent", box=[10, 10, 40, 30])
    assert inspected("photo", **AT, file="good.png")["stands"] == "fail"
    assert "lie in" in inspected.problem("missed", **AT, file="stain.png", type="dent", box=[10, 10, 9999, 30])
    inspected("name_type", **AT, file="stain.png", finding=1, type="oil stain")
    assert inspected("photo", **AT, file="stain.png")["findings"][0]["type"] == "oil stain"
    seq = inspected("photo", **AT, file="scratch.png")["seq"]
    assert [(past["photo"], past["type"]) for past in inspected("similar", product="plate", entry=seq, finding=1)] == [
        ("stain.png", "oil stain")
    ]


@pytest.mark.usefixtures("inspected")
def test_nothing_is_entered_without_a_name(home: Home) -> None:
    nobody = Asked(home, name=" ")
    before = len(entries(home))
    for action, given in (
        ("judge", {"verdict": "fail"}),
        ("fine", {"finding": 1}),
        ("comment", {"words": "x"}),
        ("missed", {"type": "x", "box": [1, 1, 9, 9]}),
    ):
        told = perform(nobody.call, action, AT | {"file": "stain.png"} | given)
        assert (told["wants"], "name" in told["problem"]) == ("name", True)
    assert len(entries(home)) == before


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("viewer", set()), ("inspector", {"comment"}), ("engineer", {"comment", "release"}), ("admin", {"comment", "release"})],
)
def test_roles_hold_for_every_action(home: Home, role: str, allowed: set[str]) -> None:
    person = Asked(home, role=role)
    for name, action in ACTIONS.items():
        if action.kind is None:
            continue
        refused = "may not do that" in person.problem(name, product="nobody")
        kinds = {"release"} if action.kind in ("release", "disposition", "sign_off", "study") else {"comment"}
        assert refused == (not kinds & allowed), name


def test_lines_are_adopted_with_a_reason_and_judge_the_next_lot(inspected: Asked, home: Home) -> None:
    line = inspected("line", **AT)
    assert line["steps"][line["fail"] - 1]["score"] <= max(line["good"])
    assert {photo["file"] for photo in line["photos"]} == {"good.png", "stain.png", "scratch.png"}
    wider = line["steps"][min(4, len(line["steps"]) - 1)]["rate"]
    assert "why" in inspected.problem("adopt_line", product="plate", alpha=wider, review=0.0, why=" ")
    inspected("adopt_line", product="plate", alpha=wider, review=0.0, why="fewer defects may slip")
    assert home.product("plate").settings.alpha == wider
    change = entries(home)[-1]
    assert isinstance(change, SettingsChange)
    assert (change.by, change.why, change.after["alpha"]) == ("Kim", "fewer defects may slip", repr(wider))
    assert inspected("state", product="plate")["product"]["lot"] != "l1"
    taken = inspected("add_photos", product="plate", files=inspected.upload(next=good("plate", 101).pixels))
    inspected.wait()
    changes = [entry for entry in entries(home) if isinstance(entry, SettingsChange)]
    assert changes == [change]  # the run found nothing that a person hadn't entered
    assert taken["lot"] != "l1"
    assert "nothing is changed" in inspected.problem("adopt_line", product="plate", alpha=wider, review=0.0, why="again")


def test_a_card_is_compared_and_saved(asked: Asked, home: Home) -> None:
    form = asked("state", product="plate")["product"]["form"]
    form["defects"].append({"name": "dent", "description": "a hollow"})
    assert [row["field"] for row in asked("diff", product="plate", form=form)] == ["defects"]
    assert len(home.product("plate").card.defects) == 2  # nothing is saved by that
    assert "reason" in asked.problem("save_card", product="plate", form=form)  # verdicts rest on it
    asked("save_card", product="plate", form=form, why="the customer names it")
    (change,) = entries(home)
    assert isinstance(change, SettingsChange)
    assert (change.by, change.why) == ("Kim", "the customer names it")
    assert {name for name, value in change.after.items() if change.before[name] != value} == {"card"}
    assert [d.name for d in home.product("plate").card.defects] == ["scratch", "pit", "dent"]
    assert home.product("plate").card.knowledge
    assert "defects" in asked.problem("save_card", product="plate", form=form | {"defects": [{"name": "line"}, {"name": "line"}]}, why="x")


def test_a_photo_that_no_model_learned_is_set_aside_and_never_deleted(asked: Asked, home: Home) -> None:
    asked("add_good", product="plate", files=asked.upload(new=good("plate", 7).pixels))
    asked("sort_good", product="plate", keep=["0.png"], drop=["new.png"])
    assert [path.name for path in home.product("plate").good_photos()] == ["0.png", "1.png", "2.png"]
    assert (home.product("plate").folder / "aside" / "new.png").is_file()
    assert entries(home) == []  # nothing rests on it
    assert "no photo" in asked.problem("sort_good", product="plate", keep=[], drop=["../card.yaml"], why="x")


def test_good_photos_are_shown_the_oddest_first_and_copies_pointed_out(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "w")
    product = home.new_product(ProductCard(name="plate"))
    photos = {f"p{i}": good("plate", i).pixels for i in range(5)} | {"odd": defective("plate", "stain", 1).pixels}
    asked = Asked(home)
    asked("add_good", product="plate", files=asked.upload(**photos))
    shutil.copy(product.good / "p2.png", product.good / "z-copy.png")
    (product.good / "z-copy.png").write_bytes((product.good / "p2.png").read_bytes() + b"\0")  # another file of the same scene
    asked("learn", product="plate")
    asked.wait()
    line, few = asked("line", product="plate"), asked("state", product="plate")["product"]["few"]
    assert (line["now"]["ask"], line["supported"]) == (None, False)  # with so few nothing passes by itself …
    assert line["now"]["fail"] >= max(line["good"])  # … and fails only far beyond them
    assert few == {"photos": len(line["good"]), "missing": 16 - len(line["good"])}
    rows = asked("oddest", product="plate")
    assert [row["file"] for row in rows[:2]] == ["z-copy.png", "odd.png"]
    assert "p2.png" in rows[0]["flags"][0]
    assert len(rows) == 7
    model = asked.desk.inspector(home.product("plate")).model
    assert heat_of(model, "odd.png", 1.0) is not None
    assert heat_of(model, "../odd.png", 1.0) is None
    asked("sort_good", product="plate", keep=["odd.png"], drop=["z-copy.png"])  # a copy was not learned: nothing rests on it
    drop = {"product": "plate", "keep": [], "drop": ["p4.png"]}
    for fault in ({"why": "it scores high"}, {"cause": "odd", "why": "it scores high"}, {"cause": "blurred"}):
        assert "a high score is no reason" in asked.problem("sort_good", **drop, **fault)
    assert (product.good / "p4.png").is_file()
    asked("sort_good", **drop, cause="blurred", why="the camera was touched")
    with Ledger(product.ledger, read_only=True) as ledger:
        said = [(row.entry.name, row.entry.decision, row.entry.cause) for row in ledger.rows() if isinstance(row.entry, GoodPhoto)]
        assert said == [("odd.png", "keep", None), ("p4.png", "drop", "blurred")]
        assert [(one.name, one.by, one.why) for one in left_out(ledger, "plate")] == [("p4.png", "Kim", "the camera was touched")]
    rows = asked("oddest", product="plate")
    assert [row["file"] for row in rows if row["kept"]] == ["odd.png"]
    assert rows[-1]["file"] == "odd.png"
    assert not {"z-copy.png", "p4.png"} & {row["file"] for row in rows}
    asked("learn", product="plate")
    asked.wait()
    again = ProductModel.load(product.folder / "models" / "002").good
    assert [(one.name, one.by, one.cause, one.why) for one in again.left_out] == [("p4.png", "Kim", "blurred", "the camera was touched")]
    assert "p4.png" not in dict(again.listed)
    asked("add_good", product="plate", files=asked.upload(back=photos["p4"]))
    with Ledger(product.ledger, read_only=True) as ledger:
        assert left_out(ledger, "plate") == ()
    assert asked("reference", product="plate")["size"] == [photos["p0"].shape[1], photos["p0"].shape[0]]


def test_the_photos_that_tell_most_are_those_that_nobody_has_judged(inspected: Asked) -> None:
    assert set(inspected("telling", **AT)) == {"good.png", "stain.png", "scratch.png"}
    inspected("judge", **AT, file="good.png", verdict="pass")
    assert set(inspected("telling", **AT)) == {"stain.png", "scratch.png"}
    assert inspected("gallery", **AT)["open"] == 2


@pytest.mark.parametrize("path", ["/etc/passwd", "../products/plate/card.yaml", "", "card.yaml"])
def test_only_what_was_uploaded_is_taken(asked: Asked, path: str) -> None:
    assert "no uploaded file" in asked.problem("add_good", product="plate", files=[{"path": path, "name": "a.png"}])


def test_what_does_not_fit_is_a_message_in_the_language(home: Home) -> None:
    korean = Asked(home, language="ko")
    assert "새로 고치십시오" in korean.problem("gallery", product="plate")
    assert "새로 고치십시오" in korean.problem("gallery", product="plate", lot="l", page="many")
    assert "새로 고치십시오" in korean.problem("delete", product="plate")
    assert "찾을 수 없습니다" in korean.problem("photo", product="../plate", lot="l", file="f")


@pytest.mark.usefixtures("inspected")
def test_an_index_of_a_thousand_photos_is_read_once(home: Home, tmp_path: Path) -> None:
    with Ledger(home.product("plate").ledger, read_only=True) as ledger:
        record = next(row.entry for row in ledger.rows() if isinstance(row.entry, InspectionRecord))
    with Ledger(tmp_path / "large.sqlite") as ledger:
        for i in range(1000):
            photo = record.photo.model_copy(update={"name": f"{i:04}.png", "sha256": f"{i:064x}"})
            ledger.append(record.model_copy(update={"photo": photo}))
    index = LotIndex(tmp_path / "large.sqlite")
    assert len(index.items("l1")) == 1000
    began = time.process_time()
    assert len(index.items("l1")) == 1000
    assert time.process_time() - began < 0.2


# ---- the conversation


def said(
    asked: Asked,
    words: str,
    file: str = "",
    product: str = "plate",
    assistant: Assistant | None = None,
    files: list[dict[str, str]] | None = None,
) -> list[str]:
    steps = list(talk(asked.call, At(product, "l1" if product else "", file), words, files or [], assistant))
    return [step.text for step in steps] + [str(dict(step.show)) for step in steps if step.show]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("why 1", "Finding 1"),
        ("왜", "Finding 1"),
        ("show reference", "wipe"),
        ("lot", "3 in all"),
        ("report", "documents"),
        ("ncr", "Nonconformance report of stain.png"),
        ("성적서", "Inspection certificate of stain.png"),
        ("line", "counts"),
        ("seen before", "Past findings"),
        ("have we seen this before?", "Past findings"),
        ("study", "how many defective ones passed"),
        ("similar", "Past findings"),
    ],
)
def test_commands_work_without_a_language_model(inspected: Asked, words: str, told: str) -> None:
    assert told in " ".join(said(inspected, words, "stain.png"))


def test_a_part_that_conforms_has_no_nonconformance_report_and_is_told_so(inspected: Asked, home: Home) -> None:
    assert said(inspected, "ncr", "good.png") == ["The part conforms; a nonconformance report is of one that doesn't."]
    korean = Asked(home, language="ko")
    assert said(korean, "부적합 보고서", "good.png") == ["이 부품은 적합합니다. 부적합 보고서는 적합하지 않은 부품에만 만듭니다."]
    assert said(inspected, "ncr") == ["Open a photo first."]


def papers(asked: Asked, file: str = "") -> dict[str, dict[str, str]]:
    """Kinds with the reason why each can't be made (empty: it can), by group."""
    return {group["group"]: {one["kind"]: one["problem"] for one in group["documents"]} for group in asked("documents", **AT, file=file)}


def test_every_document_is_offered_or_says_why_not(inspected: Asked, home: Home) -> None:
    assert set(papers(inspected)) == {"lot", "product"}
    offered = papers(inspected, "stain.png")
    assert {kind for group in offered.values() for kind in group} == {"lot", *DOCUMENTS.table}
    assert {kind for group in offered.values() for kind, reason in group.items() if reason} == {"masters", "study", "dossier", "audit"}
    assert offered["part"] == dict.fromkeys(("certificate", "ncr", "8d", "audit"), "")
    assert "No study" in offered["product"]["study"]
    assert papers(inspected, "good.png")["part"]["ncr"]
    assert not set(papers(Asked(home, language="ko"), "good.png")["part"]) ^ set(offered["part"])


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_document_that_is_offered_is_made(inspected: Asked, home: Home, language: str) -> None:
    lee = Who("Lee", "drawing 12", "quality")
    with Ledger(home.product("plate").ledger) as ledger:
        set_criterion(ledger, "escapes", "escape_share_upper", "at_most", 0.5, lee, protocol="P/1 ä", product="plate")
        enter_study(ledger, "escapes", escapes_of(lot="l1"), lee, product="plate", protocol="P/1 ä")
    groups = Asked(home, language=language)("documents", **AT, file="stain.png")
    offered = [one for group in groups for one in group["documents"]]
    assert [one["kind"] for one in offered if one["problem"]] == ["masters"]
    app = FastAPI()
    app.include_router(router(inspected.desk, Accounts(home.folder / "accounts.json"), secure=False))
    client = TestClient(app)
    for one in offered:
        for made in (form for form in one["formats"] if form["format"] == "html"):
            found = client.get(made["address"])
            assert (found.status_code, one["kind"] == "lot" or one["name"] in found.text) == (200, True), (made, found.text[:200])
    ncr = client.get(next(one for one in offered if one["kind"] == "ncr")["formats"][1]["address"])
    assert ncr.content.startswith(b"%PDF")
    assert "plate-ncr-stain.png" in ncr.headers["content-disposition"]
    refused = client.get(f"/documents/plate/of/ncr/{language}.pdf?part=good.png&lot=l1")
    assert (refused.status_code, refused.text) == (404, text("problem.conforms", language))


@pytest.mark.parametrize(
    "words", ["mark all as passed", "delete the ledger", "모두 합격 처리", "pass part stain.png", "sign off", "; rm -rf /"]
)
def test_what_nobody_may_ask_changes_nothing(inspected: Asked, home: Home, words: str) -> None:
    before = len(entries(home))
    said(inspected, words, "stain.png")
    assert len(entries(home)) == before


def test_photos_that_are_dropped_into_the_conversation(asked: Asked, home: Home) -> None:
    told = said(asked, "these are good", files=asked.upload(new=good("plate", 50).pixels))
    assert "4 now" in told[0]
    told = said(asked, "", files=asked.upload(part=good("plate", 60).pixels))
    asked.wait()
    assert "Inspecting 1" in told[0]
    assert any(isinstance(entry, InspectionRecord) for entry in entries(home))


@pytest.mark.parametrize("words", ["these are not good", "are they good?", "양품이 아닙니다"])
def test_photos_that_are_not_plainly_called_good_are_not_learned_from(asked: Asked, home: Home, words: str) -> None:
    product, part = home.product("plate"), defective("plate", "stain", 1).pixels
    before = product.good_photos()
    assert "Inspecting 1" in said(asked, words, files=asked.upload(part=part))[0]
    asked.wait()
    fresh = home.new_product(ProductCard(name="bracket"))
    assert "Nothing was learned yet" in said(asked, words, product=fresh.key, files=asked.upload(part=part))[0]
    assert "were not kept" in said(asked, f"This is a bracket. {words}", product="", files=asked.upload(part=part))[0]
    assert (product.good_photos(), fresh.good_photos()) == (before, [])


POLICY = """schema_version: "1"
name: plate
version: "{version}"
rules:
- {{id: all, when: {{}}, severity: minor, verdict: review, because: so}}
"""


def test_a_policy_that_was_written_anew_holds_at_once(inspected: Asked, home: Home) -> None:
    product = home.product("plate")
    for version in ("1", "2"):
        (product.folder / "policy.yaml").write_text(POLICY.format(version=version))
        assert inspected.desk.inspector(product).policy.version == version


def test_a_draft_is_shown_and_not_saved(asked: Asked, home: Home) -> None:
    told = said(asked, "This is a bracket. Dents matter.", product="")
    assert "'draft'" in told[1]
    assert len(home.products()) == 1
    key = asked("create", form={"name": "bracket"})  # what was said of it goes with it
    assert next(one.text for one in remembered(home.product(key).folder)) == "This is a bracket. Dents matter."
    assert remembered(home.folder) == []


def calling(name: str, arguments: str) -> object:
    """A server whose model calls a tool once and then speaks."""
    answers = []

    def behave(request: dict[str, object], _server: object) -> object:
        answers.append(request)
        if len(answers) > 1:
            return completion("Done, with what the tool said.")
        call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
        told = completion("")
        told["choices"][0] |= {"message": {"role": "assistant", "content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}
        return told

    return behave


def test_the_assistant_calls_typed_tools_and_shows_what_they_answer(inspected: Asked) -> None:
    with (
        speaking(calling("seewhy_record", '{"verdict": "fail", "most": 1}')) as (url, server),
        closing(Assistant(url, "scripted")) as assistant,
    ):  # type: ignore[arg-type]
        told = said(inspected, "Which parts failed, and how badly?", assistant=assistant)
    assert '"verdict":"fail"' in told[0]
    assert told[1] == "Done, with what the tool said."
    tools = {tool["function"]["name"] for tool in server.requests[0]["tools"]}
    assert tools == {
        "draft_card",
        "propose_learning",
        "propose_study",
        *(f"seewhy_{name}" for name in ("inspect", "explain", "measure", "similar", "record", "report")),
    }


def test_the_assistant_drafts_a_card_that_a_person_saves(asked: Asked, home: Home) -> None:
    with (
        speaking(calling("draft_card", '{"name": "bracket", "defects": [{"name": "dent"}]}')) as (url, _),
        closing(Assistant(url, "scripted")) as assistant,
    ):  # type: ignore[arg-type]
        told = said(asked, "It's a bracket, watch for dents", product="", assistant=assistant)
    assert "'name': 'bracket'" in told[-1]
    assert len(home.products()) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("pass_part", '{"photo": "stain.png"}'),
        ("seewhy_delete", "{}"),
        ("seewhy_inspect", '{"photo": "../../../etc/passwd"}'),
        ("seewhy_report", '{"format": "exe"}'),
        ("seewhy_inspect", "not json"),
    ],
)
def test_what_a_model_may_not_ask_comes_to_nothing(inspected: Asked, home: Home, name: str, arguments: str) -> None:
    before = len(entries(home))
    with speaking(calling(name, arguments)) as (url, _), closing(Assistant(url, "scripted")) as assistant:  # type: ignore[arg-type]
        said(inspected, "Please pass stain.png for me", "stain.png", assistant=assistant)
    assert len(entries(home)) == before
    assert verdict_by(people_of(next(e for e in entries(home) if isinstance(e, InspectionRecord) and e.photo.name == "stain.png"))) is None


def test_a_server_that_is_down_is_told_and_commands_go_on(inspected: Asked) -> None:
    with closing(Assistant("http://127.0.0.1:9", "scripted", timeout_s=2)) as gone:
        assert "doesn't answer" in said(inspected, "How is it going, friend?", assistant=gone)[0]
        assert "Finding 1" in said(inspected, "why 1", "stain.png", assistant=gone)[0]


REFUSED = [
    ("judge", {"file": "none.png", "verdict": "pass", "why": "이유"}),
    ("judge", {"file": "stain.png", "verdict": "pass", "why": " "}),
    ("judge", {"file": "stain.png", "verdict": "maybe", "why": "이유"}),
    ("fine", {"file": "stain.png", "finding": 9, "why": "이유"}),
    ("missed", {"file": "good.png", "type": "찍힘", "box": [0, 0, 9999, 30]}),
    ("dispose", {"file": "good.png", "action": "scrap", "why": "이유"}),
    ("dispose", {"file": "stain.png", "action": "use_as_is", "why": "이유"}),
    ("sign", {"file": "stain.png", "meaning": "approval", "why": "이유", "role": "품질"}),
    ("take_back", {"file": "stain.png"}),
]


def test_what_is_refused_is_said_in_the_pages_language(inspected: Asked, home: Home) -> None:
    reader = Asked(home, language="ko")
    for act, given in REFUSED:
        told = reader.problem(act, **AT, **given)
        assert korean(told), told
        assert str(home.folder) not in told
        assert not korean(inspected.problem(act, **AT, **given))


CARDS: list[dict[str, object]] = [
    {"name": ""},
    {"name": "x" * 500},
    {"mm_per_px": -1},
    {"mm_per_px": 0.1, "mm_uncertainty": 0.2},
    {"defects": [{"name": "긁힘"}, {"name": "긁힘"}]},
    {"defects": [{"name": "line"}]},
    {"parts": [{"name": "왼쪽", "box": [0.5, 0, 0.2, 1]}]},
    {"parts": [{"name": "왼쪽", "box": "x"}]},
    {"colour": "red"},
]


def test_what_doesnt_fit_a_card_is_said_in_the_pages_language(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "w")
    for changed in CARDS:
        told = Asked(home, language="ko").problem("create", form={"name": "판"} | changed)
        assert korean(told), told
        assert not korean(re.sub("[긁힘왼쪽]", "", Asked(home).problem("create", form={"name": "plate"} | changed)))


def test_why_a_job_failed_is_said_in_each_readers_language(home: Home) -> None:
    english, reader = Asked(home), Asked(home, language="ko")
    reader.desk = english.desk
    reader.call = Call(english.desk, reader.call.person, "ko", reader.uploads)
    for path in home.product("plate").good_photos():
        path.write_bytes(b"no photo any more")
    english("learn", product="plate")
    while english.desk.jobs.running("plate") is not None:
        time.sleep(0.05)
    said, told = english("job", product="plate")["problem"], reader("job", product="plate")["problem"]
    assert said
    assert not korean(said)
    assert korean(told)


def korean(text: str) -> bool:
    """Whether it is a sentence of Korean, what a program says in brackets left out."""
    own = re.sub(r"프로그램이 알린 내용: .*", "", text)
    return bool(re.search("[가-힣]", own)) and not re.search(r"[A-Za-z]{2,}(?: [A-Za-z']{2,}){2,}", own)
