"""From JSON values to calls: which keys hold the name and the arguments, and which tool a name means.

Comes in: values as `mending` reads them. Goes out: calls, with repairs by kind and problems with their reason, gathered
in a `Reading`. Knows nothing of tags and keywords.
"""

import json
import unicodedata
from dataclasses import dataclass, field
from typing import Any, TypedDict

from agent.formats.mending import UnreadableError, read_json
from agent.messages import ToolSchema
from agent.tools.validation import fold

NAME_KEYS = (
    *("name", "tool_name", "function_name", "tool", "action", "function", "recipient_name", "func"),
    *("名称", "工具名称", "工具名", "工具", "函数名", "函数", "行动", "动作"),
)
ARGUMENT_KEYS = (
    *("arguments", "parameters", "args", "params", "input", "action_input", "tool_input", "kwargs", "argument"),
    *("inputs", "tool_args", "tool_arguments", "tool_parameters", "function_args", "function_arguments"),
    *("参数", "输入", "行动输入", "动作输入", "工具参数"),
)
LIST_KEYS = ("tool_calls", "tool_uses", "function_calls", "calls")  # of an object that holds nothing but calls
UNKNOWN_TOOL = "no tool is named"  # how that problem begins
MAX_CALLS = 128  # in one reply; a model that writes more is going round in circles


class ReadCall(TypedDict):
    name: str
    arguments: dict[str, Any]


@dataclass
class Reading:
    """What has been read of one reply so far."""

    tools: list[ToolSchema]
    calls: list[ReadCall] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # what the values that held the calls say beside them

    @property
    def names(self) -> list[str]:
        return [tool["function"]["name"] for tool in self.tools]

    def repaired(self, *kinds: str) -> None:
        """Note each kind of repair once."""
        self.repairs.extend(kind for kind in dict.fromkeys(kinds) if kind not in self.repairs)

    def problem(self, reason: str) -> None:
        if reason not in self.problems:
            self.problems.append(reason)

    def add(self, name: str, arguments: Any) -> None:
        """Take one call, under the tool's own name where one is near; a name that is none is kept, and a problem.

        A call whose arguments cannot be read is only a problem: it must not run with others than were meant.
        """
        if len(self.calls) >= MAX_CALLS:
            return self.problem(f"more than {MAX_CALLS} calls in one reply; the rest was not read")
        known = self.known_name(name)
        if known is None:
            self.problem(unknown_tool(name, self.names))
            known = name.strip()
        elif known != name:
            self.repaired("name case or separator" if fold(known) == fold(plain_name(name)) else "name misspelt")
        try:
            self.calls.append({"name": known, "arguments": self._arguments(known, arguments)})
        except UnreadableError as error:
            self.problem(f"the arguments of {known} cannot be read: {error}")
        return None

    def add_value(self, value: Any) -> None:
        """Take every call that `value` holds; what is none is a problem."""
        if isinstance(value, list):
            if not value:
                return self.problem("the list of calls is empty")
            self.repaired("list of calls")
            for item in value:
                self.add_value(item)
            return None
        if (held := calls_held(value)) is not None:
            return self.add_value(held)
        found = self.call_in(value)
        if found is None:
            return self.problem(f"there is no tool name in {_shown(value)}")
        return self.add(*found)

    def call_in(self, value: Any) -> tuple[str, Any] | None:
        """The name and the arguments in an object, wherever models put them; None where there is no name."""
        if not isinstance(value, dict):
            return None
        folded = {fold(key): key for key in value}
        inner = value.get("function", value.get("tool_call", value.get("function_call")))
        if isinstance(inner, dict) and any(key in inner for key in NAME_KEYS):
            if set(value) - {"function", "type", "id"}:
                self.repaired("wrapped call")
            return self.call_in(inner)
        name_key = next((folded[fold(key)] for key in NAME_KEYS if fold(key) in folded), None)
        if name_key is None and any(fold(key) in folded for key in ARGUMENT_KEYS):
            name_key = _near_key(folded, ("name",))
            self.repaired(*(["key misspelt"] if name_key else []))
        if name_key is not None and isinstance(value[name_key], str) and value[name_key].strip():
            arguments = self._find_arguments(value, name_key)
            return None if self._is_definition(value[name_key], arguments) else (value[name_key], arguments)
        if len(value) == 1:
            [(key, item)] = value.items()
            if self.known_name(key) is not None and isinstance(item, dict | str | None):
                self.repaired("name as key")
                return key, item
        return None

    def _is_definition(self, name: str, arguments: Any) -> bool:
        """Whether a tool is described here and not called: its arguments are a JSON schema."""
        return (
            isinstance(arguments, dict)
            and arguments.get("type") == "object"
            and isinstance(arguments.get("properties"), dict)
            and "properties" not in self.parameters(self.known_name(name) or name)
        )

    def _find_arguments(self, value: dict[str, Any], name_key: str) -> Any:
        folded = {fold(key): key for key in value}
        for key in ARGUMENT_KEYS:
            found = folded.get(fold(key))
            if found is not None and found != name_key:
                if found != "arguments":
                    self.repaired("arguments under another key")
                return value[found]
        others = {name: key for name, key in folded.items() if key != name_key}
        if (near := _near_key(others, ("arguments", "parameters"))) is not None and isinstance(value[near], dict | str):
            self.repaired("key misspelt")
            return value[near]
        rest = {key: item for key, item in value.items() if key not in (name_key, "type", "id")}
        if rest:
            self.repaired("arguments beside the name")
        return rest

    def _arguments(self, name: str, arguments: Any) -> dict[str, Any]:
        """The arguments as an object: a string that spells one is read, a bare value goes to the only parameter.

        Raises `UnreadableError` where neither can be.
        """
        if isinstance(arguments, dict):
            return arguments
        if arguments is None or arguments == "" or arguments == []:
            self.repaired("no arguments")
            return {}
        if isinstance(arguments, str) and (inner := _unquoted(arguments)) != arguments and inner[:1] == "{":
            return self._arguments(name, inner)
        if isinstance(arguments, str) and arguments.strip()[:1] in ("{", "｛"):
            value, kinds = read_json(arguments)
            self.repaired("arguments as a string", *kinds)
            return value
        if isinstance(arguments, list) and len(arguments) == 1 and isinstance(arguments[0], dict):
            self.repaired("arguments in a list")
            return arguments[0]
        only = self.only_parameter(name)
        if only is None:
            raise UnreadableError(f"they are no object: {_shown(arguments)}")
        self.repaired("bare argument")
        return {only: _unquoted(arguments) if isinstance(arguments, str) else arguments}

    def parameters(self, name: str) -> dict[str, Any]:
        found = next((tool["function"]["parameters"] for tool in self.tools if tool["function"]["name"] == name), {})
        return found.get("properties") or {}

    def required(self, name: str) -> list[str]:
        schema = next((tool["function"]["parameters"] for tool in self.tools if tool["function"]["name"] == name), {})
        return list(schema.get("required") or [])

    def only_parameter(self, name: str) -> str | None:
        """The one parameter a bare value can mean: the only one, or the only required one."""
        schema = next((tool["function"]["parameters"] for tool in self.tools if tool["function"]["name"] == name), {})
        candidates = list(schema.get("properties") or {})
        if len(candidates) != 1:
            candidates = self.required(name)
        return candidates[0] if len(candidates) == 1 else None

    def known_name(self, name: str) -> str | None:
        """The tool that `name` means: itself, else the only one near it (case, separators, one letter); else None."""
        names = self.names
        if name in names:
            return name
        cleaned = plain_name(name)
        same = [known for known in names if fold(known) == fold(cleaned)]
        if not same and len(fold(cleaned)) >= 4:
            same = [known for known in names if len(fold(known)) >= 4 and one_edit(fold(known), fold(cleaned))]
        return same[0] if len(same) == 1 else None


def _near_key(folded: dict[str, str], wanted: tuple[str, ...]) -> str | None:
    """The one key that is a letter off from one of `wanted`; None where there is none, or several."""
    near = [key for word, key in folded.items() if any(word != key_ and one_edit(word, key_) for key_ in wanted)]
    return near[0] if len(near) == 1 else None


def plain_name(name: str) -> str:
    """A name without what models wrap it in: quotes, brackets, `functions.`, a full-width form."""
    cleaned = unicodedata.normalize("NFKC", name).strip().strip("`'\"“”‘’*[]()")
    return cleaned.removeprefix("functions.").removeprefix("tools.").removesuffix(".call")


def calls_held(value: Any) -> list[Any] | None:
    """The list of calls in an object such as `{"tool_calls": [...]}` or a whole assistant message; else None."""
    if not isinstance(value, dict) or any(isinstance(value.get(key), str) for key in ("name", "function", "tool")):
        return None
    held = next((value[key] for key in value if fold(key) in map(fold, LIST_KEYS)), None)
    return held if isinstance(held, list) and held and all(isinstance(item, dict) for item in held) else None


def _unquoted(text: str) -> str:
    """A text that is one quoted string and nothing else, without its quotes."""
    if len(text) > 1 and text[0] + text[-1] in ("''", "“”", "‘’", "``") and text[-1] not in text[1:-1]:
        return text[1:-1]
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def unknown_tool(name: str, names: list[str]) -> str:
    """The problem of a call to a tool that is not there."""
    return f"{UNKNOWN_TOOL} {name.strip()!r} (there are: {', '.join(names) or 'none'})"


def one_edit(one: str, other: str) -> bool:
    """Whether the two differ by one letter: added, left out, changed, or two neighbours swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, other_rest = one[start:], other[start:]
    return (
        rest[1:] == other_rest[1:]
        or rest[1:] == other_rest
        or rest == other_rest[1:]
        or (rest[:2] == other_rest[1::-1] and len(rest) > 1 and rest[2:] == other_rest[2:])
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
