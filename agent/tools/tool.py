"""One tool: its name, its schema in two languages, and a call that turns whatever happens into an observation.

Comes in: a typed function with a Google docstring, or a JSON schema with or without a function. Goes out: `Tool`, and
from `Tool.call` a `ToolResult`. Knows nothing of models, conversations or files.
"""

import copy
import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypedDict, overload

from agent.messages import ToolSchema
from agent.tools.running import CallFailedError, call_function
from agent.tools.validation import Checker

DEFAULT_TIMEOUT = 30.0  # seconds
DEFAULT_MAX_CHARS = 20_000  # about 5k tokens of English, 15k of Chinese


class Translation(TypedDict, total=False):
    """A tool's description and its parameters' descriptions (by parameter name) in another language."""

    description: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class ToolResult:
    """What a call came to, as the text a model reads.

    Args:
        content: The result; of a failed call, what went wrong and what would mend it.
        is_error: Whether the call failed.
        coercions: What was changed in the arguments before the call, such as `days: "7" became 7`.
    """

    content: str
    is_error: bool = False
    coercions: list[str] = field(default_factory=list)


class Tool:
    """A tool a model may call. Called itself, it is the plain function.

    Args:
        function: What runs, sync (in a thread) or async; None makes a tool that is only a schema and cannot run.
        name: By default the schema's or the function's.
        schema: By default made from the function's type hints and docstring, when it is first asked for.
        family: Tools that belong together; a dataset that holds families out keeps them together. By default the name.
        zh: The descriptions in Chinese.
        side_effects: Whether a call changes something.
        in_world: Whether what a call finds and changes is the session's own small world (`agent.toolbox.world`) and
            nothing outside: no person need be asked, and in a new world the call may be made again.
        timeout: Seconds after which a call is given up.
        max_chars: A longer result is cut, and says so.
    """

    def __init__(
        self,
        function: Callable[..., Any] | None = None,
        *,
        name: str = "",
        schema: ToolSchema | None = None,
        family: str = "",
        zh: Translation | None = None,
        side_effects: bool = False,
        in_world: bool = False,
        timeout: float = DEFAULT_TIMEOUT,
        max_chars: int = DEFAULT_MAX_CHARS,
    ):
        if function is None and schema is None:
            raise TypeError("a tool needs a function, a schema or both")
        self.function = function
        self.name = name or (schema["function"]["name"] if schema else getattr(function, "__name__", "tool"))
        self.family = family or self.name
        self.zh: Translation = zh or {}
        self.side_effects = side_effects
        self.in_world = in_world
        self.timeout = timeout
        self.max_chars = max_chars
        self._given_schema = schema
        if function is not None:
            functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.function is None:
            raise TypeError(f"{self.name} is only a schema: it has no function to call")
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Tool({self.name!r}, family={self.family!r}{'' if self.runnable else ', not runnable'})"

    @property
    def traits(self) -> dict[str, Any]:
        """What a tool that stands before this one keeps of it, whatever it shows: arguments of `Tool`, by name."""
        return {name: getattr(self, name) for name in ("family", "side_effects", "in_world", "timeout", "max_chars")}

    @property
    def acts_outside(self) -> bool:
        """Whether a call changes something that others see too, so that a person is asked first and it is never
        repeated behind their back.
        """
        return self.side_effects and not self.in_world

    @property
    def runnable(self) -> bool:
        """Whether the tool has a function; one that is only a schema can be offered to a model but not executed."""
        return self.function is not None

    @functools.cached_property
    def schema(self) -> ToolSchema:
        """The tool as `{"type": "function", "function": {...}}`; raises `ValueError` where the function does not say
        enough to make one (a parameter without type hint or description).
        """
        if self._given_schema is not None:
            return self._given_schema
        # Imported here because it brings transformers and torch with it, which takes seconds.
        from agent.tools.schema import schema_of

        assert self.function is not None
        schema = schema_of(self.function)
        schema["function"]["name"] = self.name
        return schema

    @functools.cached_property
    def checker(self) -> Checker:
        """What checks arguments against the schema; raises `ValueError` as `schema` does."""
        return Checker(self.schema)

    def localized(self, lang: str) -> ToolSchema:
        """The schema with its descriptions in `lang` ("en" or "zh"), each where the tool has it in that language."""
        if lang != "zh" or not self.zh:
            return self.schema
        schema = copy.deepcopy(self.schema)
        function = schema["function"]
        function["description"] = self.zh.get("description", function["description"])
        for name, description in self.zh.get("parameters", {}).items():
            if name in function["parameters"].get("properties", {}):
                function["parameters"]["properties"][name]["description"] = description
        return schema

    async def call(self, arguments: Any) -> ToolResult:
        """Validate `arguments`, run the function, and say what came of it: wrong arguments, an exception and a timeout
        are results too. Only cancellation passes through.
        """
        arguments, coercions, errors = self.checker.check(arguments)
        if errors:
            expected = json.dumps(self.schema["function"]["parameters"].get("properties", {}), ensure_ascii=False)
            text = f"Error: {self.name} was not called. {'; '.join(errors)}. Its arguments: {expected}"
            return ToolResult(self._cut(text), True, coercions)
        if self.function is None:
            return ToolResult(f"Error: {self.name} is only described here and cannot be run.", True, coercions)
        try:
            value = await call_function(self.function, self._converted(arguments), self.timeout)
        except (CallFailedError, ValueError) as failure:
            return ToolResult(self._cut(f"Error: {failure}"), True, coercions)
        return ToolResult(self._cut(as_text(value)), False, coercions)

    def _converted(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as the function's type hints want them: an Enum's member for its value, a dataclass for an
        object. Raises `ValueError` where one cannot be made.
        """
        return {
            name: self._converters[name](value) if name in self._converters else value
            for name, value in arguments.items()
        }

    @functools.cached_property
    def _converters(self) -> dict[str, Callable[[Any], Any]]:
        if self._given_schema is not None or self.function is None:
            return {}
        from agent.tools.schema import converters  # imported already, if the schema was made from the function

        return converters(self.function)

    def _cut(self, text: str) -> str:
        # A lone surrogate is no text: it could be neither tokenized nor written to a file.
        text = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
        if len(text) <= self.max_chars:
            return text
        return f"{text[: self.max_chars]}\n[cut here: {self.max_chars} of {len(text)} characters shown]"


def as_text(value: Any) -> str:
    """A tool's return value as the model reads it: a string as it is, everything else as JSON where it has one."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        return str(value)


def _plain(value: Any) -> Any:
    """What `json.dumps` may write for a value it does not know: a dataclass or pydantic model as an object."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return sorted(value, key=str) if isinstance(value, set | frozenset) else str(value)


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(
    *,
    name: str = ...,
    family: str = ...,
    zh: Translation | None = ...,
    side_effects: bool = ...,
    in_world: bool = ...,
    timeout: float = ...,
    max_chars: int = ...,
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a tool of a typed function with a Google docstring; the result stays callable as the function itself.

    Options are those of `Tool`; `agent.toolbox` shows them in use:
    `@tool(family="weather", zh={"description": "查询天气。", "parameters": {"city": "城市"}})`.
    """
    return _decorated(function, **options) if function is not None else functools.partial(_decorated, **options)


def _decorated(function: Callable[..., Any], **options: Any) -> Tool:
    if not callable(function):
        raise TypeError(f"@tool goes on a function, got {function!r}")
    if not inspect.getdoc(function):
        raise ValueError(
            f"@tool: {getattr(function, '__name__', function)} needs a docstring: it is what a model reads"
        )
    return Tool(function, **options)
