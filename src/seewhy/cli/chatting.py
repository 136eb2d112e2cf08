"""The page on which a product is set up, inspected and judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from seewhy.cli.options import Vlm, VlmModel, VlmTimeout
from seewhy.cli.terminal import err


def chat(
    workspace: Annotated[Path, typer.Argument(help="Folder of products, photos, models and ledgers; begun where there is none.")] = Path(
        "seewhy-workspace"
    ),
    host: Annotated[str, typer.Option(help="Where to listen; beyond this machine only with accounts.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 7860,
    name: Annotated[list[str] | None, typer.Option(help="Name under which others reach the page; may be given several times.")] = None,
    https: Annotated[bool, typer.Option("--https", help="Others reach it by HTTPS alone, through a proxy: its cookies say so.")] = False,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    add_account: Annotated[str, typer.Option(help="Add somebody who may log in, asks for a password, and ends.")] = "",
    role: Annotated[
        Literal["viewer", "inspector", "engineer", "admin"], typer.Option(help="With --add-account: what they may do.")
    ] = "inspector",
    camera: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=SOURCE: a USB camera's number, an address (rtsp://…, http://…) or a video file; may be given several times."
        ),
    ] = None,
    vlm: Vlm = "",
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
) -> None:
    """Open the chat: a page that sets up, inspects and judges products, by talking and by hand (extra `chat`)."""
    if add_account:
        _add(workspace, add_account, role)
        return
    from seewhy.agent.chat.server import serving

    explainer, assistant = _speakers(vlm, vlm_model, vlm_timeout)
    with serving(
        workspace,
        host=host,
        port=port,
        hosts=tuple(name or ()),
        secure=https,
        explainer=explainer,
        assistant=assistant,
        cameras=camera or (),
    ) as server:
        address = f"http://{host}:{port}/"
        err.print(address, highlight=False)
        if open_page:
            typer.launch(address)
        server.run()


def _add(workspace: Path, name: str, role: Literal["viewer", "inspector", "engineer", "admin"]) -> None:
    from seewhy.agent.chat.accounts import Accounts
    from seewhy.agent.chat.workspace import Home

    accounts = Accounts(Home.at(workspace).folder / "accounts.json")
    password = typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True)
    accounts.add(name, password, role)
    err.print(f"{name}: {role}", highlight=False)


def _speakers(url: str, model: str, timeout_s: float) -> tuple[object | None, object | None]:
    """Who explains regions and who answers, where a server is given."""
    if not url:
        return None, None
    from seewhy.agent.api.speak import vlm
    from seewhy.agent.chat.assistant import Assistant

    return vlm(url, model=model, timeout_s=timeout_s), Assistant(url, model, timeout_s)
