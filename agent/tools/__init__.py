"""What an agent may ask of seewhy: one set of tools, for LangChain and as an MCP server.

>>> from seewhy.agent.tools import Workspace, langchain_tools  # doctest: +SKIP
>>> tools = langchain_tools(Workspace("line4", model="models/bracket", ledger="book.sqlite"))  # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any

__all__ = ["Workspace", "langchain_tools", "mcp_server"]

_LAZY = {
    "Workspace": "seewhy.agent.tools.workspace",
    "langchain_tools": "seewhy.agent.tools.langchain",
    "mcp_server": "seewhy.agent.tools.server",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'seewhy.agent.tools' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
