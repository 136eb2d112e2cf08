"""The page: Gradio's shell, conversation and uploads; beside them a canvas of seewhy's own that shows photos, lots, lines and documents."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from seewhy.agent.chat.accounts import Accounts, Person
from seewhy.agent.chat.actions import perform
from seewhy.agent.chat.assistant import Assistant
from seewhy.agent.chat.conversation import remembered
from seewhy.agent.chat.desk import Desk
from seewhy.agent.chat.looking import Call
from seewhy.agent.chat.talking import At, talk
from seewhy.prompts import catalogue, text

PERSON = "seewhy.person"  # in a request's scope: who logged in
AT_ONCE = 16  # people who are answered at a time
MOST_SAID = 4000  # characters of one message

CANVAS_JS = """
const begun = import('/static/app.js?v=' + props.version).then((page) => page.start({ element, server, upload, props }));
"""
SHOWS_JS = """watch('value', () => window.dispatchEvent(new CustomEvent('seewhy:show', { detail: props.value })));"""
AT_JS = """
let product = null;
const moved = (at) => {
  props.value = at;
  if (at.product !== product) { product = at.product; trigger('change'); }
};
window.addEventListener('seewhy:at', (event) => moved(event.detail));
if (window.seewhyAt) moved(window.seewhyAt);
"""
HEAD = """
<link rel="stylesheet" href="/static/style.css?v=%s">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<script>
  Object.defineProperty(navigator, 'language', { get: () => '%s' });
  document.documentElement.lang = '%s';
  const dark = localStorage.getItem('seewhy-dark');
  const wanted = dark === null ? matchMedia('(prefers-color-scheme: dark)').matches : dark === '1';
  document.addEventListener('DOMContentLoaded', () => document.body.classList.toggle('dark', wanted));
</script>
"""
VERSION = secrets.token_hex(4)  # of the static files: a new server's page reads them anew


def page(desk: Desk, language: str, accounts: Accounts, uploads: Path, assistant: Assistant | None) -> gr.Blocks:
    """The page in one language.

    Args:
        desk: the workspace at work.
        language: of the catalogue.
        accounts: whose names count where there are any; else everybody gives their own.
        uploads: where Gradio puts what is uploaded.
        assistant: who answers what is no command; None where no language model is there.
    """

    def call_of(request: Any, me: str) -> Call:
        return Call(desk, person_of(request, me, bool(accounts)), language, uploads)

    def act(data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        asked = data if isinstance(data, dict) else {}
        given = asked.get("given")
        return perform(call_of(request, str(asked.get("me", ""))), str(asked.get("name", "")), given if isinstance(given, dict) else {})

    with gr.Blocks(title="seewhy", analytics_enabled=False, fill_width=True) as blocks, gr.Row(elem_id="sw-columns"):
        with gr.Column(elem_id="sw-talk", scale=0, min_width=0):
            state = text("chat.assistant_on" if assistant else "chat.assistant_off", language)
            gr.HTML([text("chat.talk", language), state], html_template=_HEADED)
            messages = gr.Chatbot(
                elem_id="sw-messages", show_label=False, render_markdown=False, buttons=[], feedback_options=None, layout="bubble"
            )
            said = gr.MultimodalTextbox(
                elem_id="sw-say",
                show_label=False,
                label=text("chat.say", language),
                placeholder=text("chat.say", language),
                file_count="multiple",
                sources=["upload"],
                lines=1,
                max_lines=5,
            )
        with gr.Column(elem_id="sw-canvas", min_width=0):
            gr.HTML(
                html_template="<div></div>",
                js_on_load=CANVAS_JS,
                apply_default_css=False,
                server_functions=[act],
                words=_words(language),
                language=language,
                accounts=bool(accounts),
                version=VERSION,
            )
        shows = gr.HTML({}, html_template="", js_on_load=SHOWS_JS, visible="hidden")
        at = gr.HTML({}, html_template="", js_on_load=AT_JS, visible="hidden")
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        handlers = _handlers(call_of, assistant, language)
        said.submit(handlers["say"], [said, messages, at], [messages, said, shows], concurrency_limit=AT_ONCE, **quiet)
        at.change(handlers["history"], [at], [messages], concurrency_limit=AT_ONCE, **quiet)
    return blocks


_HEADED = '<div class="sw-talk-head"><div class="sw-talk-title">{{value.[0]}}</div><div class="sw-talk-state">{{value.[1]}}</div></div>'


def person_of(request: Any, me: str, accounts: bool) -> Person:
    """Who asks: the account that logged in; without accounts whoever they say they are."""
    scope = getattr(request, "request", request).scope
    found = scope.get(PERSON)
    if accounts:
        return found if isinstance(found, Person) else Person("", "viewer")
    return Person(me.strip()[:100])


def _handlers(call_of: Callable[[Any, str], Call], assistant: Assistant | None, language: str) -> Mapping[str, Callable[..., Any]]:
    def say(said: dict[str, Any], messages: list[Any], at: dict[str, Any], request: gr.Request) -> Iterator[tuple[Any, Any, Any]]:
        call, words = call_of(request, str(at.get("me", ""))), str(said.get("text") or "")[:MOST_SAID]
        files = [{"path": str(path), "name": Path(str(path)).name} for path in said.get("files") or ()]
        if not words.strip() and not files:
            yield messages, gr.skip(), gr.skip()
            return
        own = words.strip() or text("talk.photos", language, count=len(files))
        messages = [*messages, {"role": "user", "content": own}]
        yield messages, None, gr.skip()
        for step in talk(call, _at(at), words, files, assistant):
            if step.text or step.title:
                messages = [*messages, _shown("assistant", step.text, step.title)]
            yield messages, gr.skip(), dict(step.show) | {"nonce": secrets.token_hex(4)} if step.show else gr.skip()

    def history(at: dict[str, Any], request: gr.Request) -> list[dict[str, Any]]:
        call, product = call_of(request, ""), str(at.get("product") or "")
        known = {one.key: one for one in call.desk.home.products()}
        folder = known[product].folder if product in known else call.desk.home.folder
        kept = [_shown(one.role, one.text, one.title) for one in remembered(folder)]
        return kept or [_shown("assistant", text("talk.welcome" if product else "talk.begin", language), "")]

    return {"say": say, "history": history}


def _shown(role: str, content: str, title: str) -> dict[str, Any]:
    return {"role": role, "content": content} | ({"metadata": {"title": title, "status": "done"}} if title else {})


def _at(at: Mapping[str, Any]) -> At:
    return At(*(str(at.get(name) or "") for name in ("product", "lot", "file")))


def _words(language: str) -> dict[str, str]:
    """All words of the canvas."""
    return {key.removeprefix("chat."): message for key, message in catalogue(language).items() if key.startswith("chat.")}


def theme() -> gr.themes.Base:
    """Gradio's own parts in the page's fonts and colours; fonts are those of the machine, none is fetched."""
    face = ["Pretendard", "Noto Sans KR", "Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic", "system-ui", "sans-serif"]
    made = gr.themes.Base(primary_hue="teal", neutral_hue="stone", font=face, font_mono=["ui-monospace", "monospace"], radius_size="lg")
    return made.set(
        body_background_fill="#f5f6f3",
        body_background_fill_dark="#121614",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1a1f1d",
        block_border_width="0px",
        block_shadow="none",
        button_primary_background_fill="#0c6455",
        button_primary_background_fill_dark="#5cc3ad",
    )
