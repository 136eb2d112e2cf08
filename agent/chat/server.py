"""The chat as a server: one page for each language over one workspace, and nothing that leaves the machine."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from seewhy.agent.chat.accounts import Accounts
from seewhy.agent.chat.cameras import cameras_of
from seewhy.agent.chat.desk import Desk
from seewhy.agent.chat.incoming import Incoming
from seewhy.agent.chat.jobs import warm
from seewhy.agent.chat.uploads import MOST_BYTES
from seewhy.agent.chat.workspace import Home
from seewhy.errors import BadData, MissingExtra
from seewhy.types import Place

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Before Gradio is imported: it measures nothing, asks nobody for its version, and keeps no runs.
QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_OFFLINE": "1",
}


def application(home: Home, desk: Desk, *, hosts: tuple[str, ...] = (), secure: bool = False, assistant: Any = None) -> Any:
    """The ASGI application of a workspace.

    Args:
        home: the workspace.
        desk: the same at work.
        hosts: names under which it is reached besides this machine's own.
        secure: whether it is reached by HTTPS alone.
        assistant: who answers what is no command.

    Raises:
        MissingExtra: Gradio isn't installed.
    """
    uploads = home.folder / ".uploads"
    shutil.rmtree(uploads, ignore_errors=True)  # of a server before: what was taken is in the products' folders
    uploads.mkdir()
    os.environ.update(QUIET | {"GRADIO_TEMP_DIR": str(uploads)})
    try:
        import gradio as gr
        from fastapi import FastAPI
    except ModuleNotFoundError as error:
        raise MissingExtra("the chat", "chat") from error
    from seewhy.agent.chat.guard import Guard
    from seewhy.agent.chat.page import HEAD, VERSION, page, theme
    from seewhy.agent.chat.routes import LANGUAGES, router

    accounts = Accounts(home.folder / "accounts.json")
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router(desk, accounts, secure=secure))
    for language in LANGUAGES:
        blocks = page(desk, language, accounts, uploads, assistant)
        looks = {"theme": theme(), "head": HEAD % (VERSION, language, language)}
        limits: dict[str, Any] = {"max_file_size": MOST_BYTES, "allowed_paths": [], "show_error": False, "footer_links": []}
        gr.mount_gradio_app(
            app, blocks, path=f"/{language}", run_history=False, mcp_server=False, enable_monitoring=False, **looks, **limits
        )
    return Guard(app, accounts, hosts)


@contextmanager
def serving(
    workspace: Place,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    hosts: tuple[str, ...] = (),
    secure: bool = False,
    explainer: Any = None,
    assistant: Any = None,
    cameras: Sequence[str] = (),
) -> Iterator[Any]:
    """A server of a workspace, ready to `run`; its jobs are stopped at the end.

    Args:
        workspace: its folder; begun where there is none.
        host: where it listens; beyond this machine only with accounts.
        port: likewise.
        hosts: names under which it is reached besides this machine's own.
        secure: whether it is reached by HTTPS alone.
        explainer: who puts words to regions.
        assistant: who answers what is no command.
        cameras: "NAME=SOURCE" each; see `seewhy.agent.chat.cameras`.

    Raises:
        BadData: it would listen beyond this machine, and nobody has an account; or a camera isn't given as it must be.
        MissingExtra: Gradio isn't installed.
    """
    home = Home.at(workspace)
    if host not in LOOPBACK and not Accounts(home.folder / "accounts.json"):
        raise BadData(f"on {host} others can reach the page; add an account first: seewhy chat {workspace} --add-account NAME --role admin")
    desk = Desk(home, explainer, cameras_of(cameras))
    incoming = Incoming(desk)
    try:
        import uvicorn

        app = application(home, desk, hosts=hosts or (("*",) if host not in LOOPBACK else ()), secure=secure, assistant=assistant)
        incoming.start()
        threading.Thread(target=warm, daemon=True, name="seewhy warm").start()
        yield uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning", server_header=False))
    finally:
        incoming.close()
        desk.close()
        if assistant is not None:
            assistant.close()
