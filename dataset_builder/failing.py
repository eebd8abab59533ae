"""A tool that fails when it is called for the first time, so that there is something to recover from.

Comes in: a tool, and what it says when it fails. Goes out: a tool that looks the same. The failing call does nothing.
"""

from typing import Any

from agent.tools import Tool, ToolResult


class FailingOnce(Tool):
    """`tool`, whose first call comes back with `failure`; meant for one conversation."""

    def __init__(self, tool: Tool, failure: str):
        super().__init__(tool.function, name=tool.name, schema=tool.schema, zh=tool.zh, **tool.traits)
        self._tool, self._failure, self._failed = tool, failure, False

    async def call(self, arguments: Any) -> ToolResult:
        if self._failed:
            return await self._tool.call(arguments)
        self._failed = True
        return ToolResult(self._failure, is_error=True)
