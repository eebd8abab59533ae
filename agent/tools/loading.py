"""Finds tools by name: the embedded ones, a Python file, a module, an MCP server, or a JSON list of schemas.

Comes in: a source as a person writes it on a command line. Goes out: `list[Tool]`, or a `UserError` that names the file
and the entry. Importing a file runs it: give only files you trust.
"""

import importlib
import importlib.util
import inspect
import json
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from agent.errors import UserError
from agent.messages import ToolSchema
from agent.tools.tool import Tool
from agent.tools.validation import schema_problem, standard_schema

_MEND = 'name "embedded", a Python file or module with @tool functions, mcp:SERVER, or a JSON file of tool schemas'


def load_tools(source: str) -> list[Tool]:
    """The tools at `source`.

    Args:
        source: `embedded`, `path/my_tools.py`, a dotted module, `mcp:COMMAND …` or `mcp:http://…` (a server that is
            started here, or one that runs already), or `tools.json`: a list (or `{"tools": [...]}`) of
            `{"type": "function", "function": {...}}` or bare function schemas. Tools from JSON can be offered but not
            executed; beside its schema an entry may carry `family` and `zh`.

    Raises:
        UserError: Nothing is there, it cannot be read, or a tool in it is broken.
    """
    if source == "embedded":
        tools = importlib.import_module("agent.toolbox").all_tools()
    elif source.startswith("mcp:"):
        tools = _from_server(source.removeprefix("mcp:"))
    elif source.endswith(".json"):
        tools = _from_json(Path(source))
    elif source.endswith(".py"):
        tools = _from_module(_import_file(Path(source)), source)
    else:
        tools = _from_module(_import_module(source), source)
    _check(tools, source)
    return tools


def _from_server(target: str) -> list[Tool]:
    try:
        client = importlib.import_module("agent.mcp.client")
    except ModuleNotFoundError as error:
        raise UserError(f"MCP needs the package {error.name}", mend='pip install "callsmith[mcp]"') from error
    return client.tools_of_server(target)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(f"no such file: {path}", mend=_MEND)
    spec = importlib.util.spec_from_file_location(f"tools_of_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is no Python file", mend=_MEND)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and type hints look their module up by name
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _import_failed(error, str(path)) from error
    return module


def _import_module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise UserError(f"no tools at {name!r}: that is no module name", mend=_MEND)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UserError(f"no tools at {name!r}: there is no such module", mend=_MEND) from error
        raise _import_failed(error, name) from error
    except (Exception, SystemExit) as error:
        raise _import_failed(error, name) from error


def _import_failed(error: BaseException, where: str) -> UserError:
    if isinstance(error, UserError):
        return error
    if isinstance(error, SyntaxError):
        return UserError(f"{error.msg}, line {error.lineno}", where=where)
    frames = traceback.extract_tb(error.__traceback__)
    # The line to mend is the person's own, not the one of ours or of a library in which it was found out.
    own = [frame for frame in frames if frame.filename == where]
    others = [frame for frame in frames if Path(frame.filename).parent != Path(__file__).parent]
    line = (own or others or frames)[-1].lineno
    return UserError(f"importing it raised {type(error).__name__} in line {line}: {error}", where=where)


def _from_module(module: ModuleType, source: str) -> list[Tool]:
    """Every tool the module holds, in the order of its names; one under two names counts once."""
    found = {id(value): value for value in vars(module).values() if isinstance(value, Tool)}
    if not found:
        raise UserError("there is no tool in it", where=source, mend="put @tool (from agent.tools) on its functions")
    return list(found.values())


def _from_json(path: Path) -> list[Tool]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise UserError(f"no such file: {path}", mend=_MEND) from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"is no JSON: {error}", where=str(path)) from error
    if isinstance(entries, dict):
        entries = entries["tools"] if isinstance(entries.get("tools"), list) else [entries]
    if not isinstance(entries, list) or not entries:
        raise UserError("holds no tools", where=str(path), mend="write a JSON list of function schemas")
    return [_from_entry(entry, f"{path}, entry {number}") for number, entry in enumerate(entries, start=1)]


def _from_entry(entry: Any, where: str) -> Tool:
    function = entry.get("function", entry) if isinstance(entry, dict) else None
    if not isinstance(function, dict) or (isinstance(entry, dict) and entry.get("type", "function") != "function"):
        shape = '{"type": "function", "function": {"name", "description", "parameters"}} or the inner object alone'
        raise UserError("is no function schema", where=where, mend=f"write {shape}")
    name = function.get("name")
    if not isinstance(name, str) or not name.strip():
        raise UserError(f"name must be a string, got {name!r}", where=where)
    where = f"{where} ({name})"
    description = function.get("description", "")
    if not isinstance(description, str):
        raise UserError(f"description must be a string, got {description!r}", where=where)
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(parameters, dict):
        raise UserError(f"parameters must be a JSON Schema object, got {parameters!r}", where=where)
    parameters = standard_schema({"type": "object", **parameters})
    if problem := schema_problem(parameters):
        raise UserError(f"parameters is no JSON Schema: {problem}", where=where)
    schema: ToolSchema = {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }
    return Tool(schema=schema, family=str(entry.get("family", "")), zh=entry.get("zh"))


def _check(tools: list[Tool], source: str) -> None:
    seen: set[str] = set()
    for tool in tools:
        if tool.name in seen:
            raise UserError(f"two tools are named {tool.name!r}", where=source)
        seen.add(tool.name)
        code = getattr(inspect.unwrap(tool.function), "__code__", None) if tool.function else None
        where = f"{source}, " + (f"line {code.co_firstlineno}, " if code else "") + f"tool {tool.name}"
        if problem := _translation_problem(tool.zh):
            raise UserError(problem, where=where, mend='zh={"description": "…", "parameters": {"NAME": "…"}}')
        try:
            problem = schema_problem(tool.schema["function"]["parameters"])
        except ValueError as error:
            mend = "each parameter needs a type hint and a line under Args: in the docstring"
            raise UserError(str(error), where=where, mend=mend) from error
        if problem:
            raise UserError(f"its parameters are no JSON Schema: {problem}", where=where)


def _translation_problem(zh: Any) -> str:
    """What is wrong with a tool's descriptions in Chinese; "" where nothing is."""
    if not isinstance(zh, dict):
        return f"zh must be an object, got {zh!r}"
    parameters = zh.get("parameters", {})
    if not isinstance(zh.get("description", ""), str):
        return f"zh: description must be a string, got {zh['description']!r}"
    if not isinstance(parameters, dict) or not all(isinstance(text, str) for text in parameters.values()):
        return f"zh: parameters must be an object of strings, got {parameters!r}"
    return ""
