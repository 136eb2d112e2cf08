"""The tools for LangChain: one `StructuredTool` each, with typed arguments.

Nothing of a call is traced, whatever the environment says, unless tracing is asked for: results hold the names, the texts and the
addresses of the pictures of a plant.
"""

from __future__ import annotations

import json
from typing import Any

from seewhy.agent.tools.toolset import TOOLS, Tool
from seewhy.agent.tools.workspace import Workspace
from seewhy.errors import MissingExtra, SeewhyError


def langchain_tools(workspace: Workspace, *, trace: bool = False) -> list[Any]:
    """The tools as `langchain_core.tools.StructuredTool`, answering compact JSON.

    Args:
        workspace: where they work.
        trace: let LangChain's tracers (LangSmith, callbacks) see calls and answers.

    Raises:
        MissingExtra: langchain isn't installed.
    """
    try:
        from langchain_core.tools import StructuredTool
    except ModuleNotFoundError as error:
        raise MissingExtra("tools for LangChain", "agent") from error
    base = StructuredTool if trace else _untraced()
    return [
        base.from_function(
            func=_answering(tool, workspace),
            name=f"seewhy_{tool.name}",
            description=tool.description,
            args_schema=tool.takes,
            handle_tool_error=True,
        )
        for tool in TOOLS.values()
    ]


def _untraced() -> Any:
    """A `StructuredTool` whose runs no tracer and no callback hears of."""
    from langchain_core.callbacks import CallbackManager
    from langchain_core.tools import StructuredTool
    from langsmith import tracing_context

    class Untraced(StructuredTool):
        """Runs outside of LangSmith's context and without the callbacks of whoever calls."""

        def run(self, tool_input: Any, *args: Any, **more: Any) -> Any:
            more |= {"callbacks": CallbackManager(handlers=[]), "config": {"callbacks": []}}
            with tracing_context(enabled=False):
                return super().run(tool_input, *args, **more)

        async def arun(self, tool_input: Any, *args: Any, **more: Any) -> Any:
            from langchain_core.runnables.config import run_in_executor

            more |= {"callbacks": None, "config": None}
            return await run_in_executor(None, lambda: self.run(tool_input, *args, **more))

    return Untraced


def _answering(tool: Tool, workspace: Workspace) -> Any:
    """What LangChain calls: JSON, or an error that the model can read and act upon."""

    def answer(**given: Any) -> str:
        from langchain_core.tools import ToolException

        plain = {name: value.model_dump() if hasattr(value, "model_dump") else value for name, value in given.items()}
        try:
            return json.dumps(tool(workspace, **plain), ensure_ascii=False, separators=(",", ":"))
        except SeewhyError as error:
            raise ToolException(str(error)) from error

    return answer
