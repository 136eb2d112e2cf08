"""Doors for agents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from seewhy.cli.options import Vlm, VlmModel, VlmTimeout
from seewhy.cli.terminal import err


def mcp(
    folder: Annotated[Path, typer.Argument(help="The workspace: nothing outside it is read or written.")] = Path(),
    model: Annotated[Path | None, typer.Option("--model", "-m", help="Model folder, below the workspace.")] = None,
    product: Annotated[str, typer.Option(help="Which product, where the model is of several.")] = "",
    ledger: Annotated[Path | None, typer.Option("--ledger", "-l", help="Ledger, below the workspace, to look up in.")] = None,
    role: Annotated[str, typer.Option(help="Write findings into the ledger under this role; without it nothing is written.")] = "",
    transport: Annotated[Literal["stdio", "http"], typer.Option(help="stdio, or streamable HTTP at /mcp.")] = "stdio",
    host: Annotated[str, typer.Option(help="With http: where to listen; nothing protects a server that others can reach.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With http: port.")] = 8770,
    vlm: Vlm = "",
    vlm_model: VlmModel = "",
    vlm_timeout: VlmTimeout = 60.0,
) -> None:
    """Serve seewhy's tools to agents by the Model Context Protocol (extra `agent`); read-only unless it has a ledger and a role."""
    from seewhy.agent.api.speak import vlm as words
    from seewhy.agent.tools.server import mcp_server
    from seewhy.agent.tools.workspace import Workspace

    explainer = words(vlm, model=vlm_model, timeout_s=vlm_timeout) if vlm else None
    server = mcp_server(Workspace(folder, model=model, product=product, ledger=ledger, role=role, explainer=explainer))
    if transport == "http":
        err.print(f"http://{host}:{port}/mcp")
        server.run("streamable-http", host=host, port=port)
    else:
        server.run("stdio")
