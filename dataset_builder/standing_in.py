"""Tools that stand in for those that are only described and cannot be run: recorded results, or a model that simulates.

Comes in: tools that are schemas, a file of recordings, a model. Goes out: tools that can be called. Each notes in the
row's scope which tool gave results that were `recorded` or `simulated`, so that the row can say so.

A recording is a line of JSON: {"tool": NAME, "arguments": {…}, "result": text or any JSON}, with "error": true where
the call is to fail. The same arguments always get the same result; of several recordings of them, the first.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.errors import UserError
from agent.models import ChatModel, Sampling, complete
from agent.tools import Tool, ToolResult
from dataset_builder.journal import current
from dataset_builder.prompting import filled, listed
from dataset_builder.rows import read_jsonl

SIMULATING = Sampling(max_new_tokens=1024)
RECORDED, SIMULATED = "recorded", "simulated"

Recordings = Mapping[tuple[str, str], ToolResult]


class StandIn(Tool):
    """A described tool whose calls are answered by recordings, and by `model` where none is there.

    Args:
        tool: The description.
        recordings: By tool and arguments.
        model: Simulates; None where only recordings may serve.
        said: The prompts, and `lang` their language.
    """

    def __init__(self, tool: Tool, recordings: Recordings, model: ChatModel | None, said: Mapping[str, Any], lang: str):
        super().__init__(None, name=tool.name, schema=tool.schema, family=tool.family, zh=tool.zh)
        self._recordings, self._model, self._said, self._lang = recordings, model, said, lang

    async def call(self, arguments: Any) -> ToolResult:
        here = current()
        async with here.turn:  # what is simulated must agree with what was before, so one after the other
            result = await self._answer(arguments)
            here.results.append(f"{self.name} {_key(arguments)}: {result.content}")
        if result.is_error:
            here.failures.append(f"{self.name}: {result.content}")
        return result

    async def _answer(self, arguments: Any) -> ToolResult:
        arguments, coercions, errors = self.checker.check(arguments)
        if errors:
            return ToolResult(f"Error: {self.name} was not called. {'; '.join(errors)}", True, coercions)
        here = current()
        recorded = self._recordings.get((self.name, _key(arguments)))
        if recorded is not None:
            here.not_executed.setdefault(self.name, RECORDED)
            return recorded
        if self._model is None:
            return ToolResult(f"Error: no result of {self.name} is recorded for {_key(arguments)}", True, coercions)
        here.not_executed[self.name] = SIMULATED
        request = filled(
            self._said["simulate"],
            tool=listed([self], self._lang),
            before="\n".join(here.results) or "-",
            arguments=_key(arguments),
        )
        reply = await complete(self._model, [{"role": "user", "content": request}], [], SIMULATING)
        return _result(reply.message["content"], coercions)


def read_recordings(file: Path) -> dict[tuple[str, str], ToolResult]:
    """The recordings in `file`, by tool and arguments.

    Raises:
        UserError: it cannot be read, or a line is no recording; names the line.
    """
    found: dict[tuple[str, str], ToolResult] = {}
    for number, value in read_jsonl(file):
        known = isinstance(value, dict) and isinstance(value.get("tool"), str) and "result" in value
        if not known or not isinstance(value.get("arguments", {}), dict):
            mend = 'write {"tool": NAME, "arguments": {…}, "result": …}'
            raise UserError("is no recording of a tool's result", where=f"{file}, row {number}", mend=mend)
        result = value["result"]
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        key = value["tool"], _key(value.get("arguments", {}))
        found.setdefault(key, ToolResult(text, bool(value.get("error"))))
    return found


def recorded_only(tools: Sequence[Tool], recordings: Recordings) -> list[str]:
    """The names of described tools for which nothing is recorded."""
    known = {name for name, _ in recordings}
    return [tool.name for tool in tools if not tool.runnable and tool.name not in known]


def _result(text: str, coercions: list[str]) -> ToolResult:
    """What the model wrote, without the fence that many put around JSON."""
    text = text.strip()
    if text.startswith("```"):
        text = text.strip("`").removeprefix("json").strip()
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict) and set(value) == {"error"}:
        return ToolResult(f"Error: {value['error']}", True, coercions)
    return ToolResult(text, not text, coercions)


def _key(arguments: Any) -> str:
    return json.dumps(arguments, ensure_ascii=False, sort_keys=True)
