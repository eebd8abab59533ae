"""A tool schema from a typed Python function.

Comes in: a function with type hints and a Google docstring. Goes out: its `ToolSchema`, and `converters` for hints that
JSON has no value for (an Enum, a TypedDict, a dataclass, a pydantic model). The plain hints go through
`transformers.utils.get_json_schema`, the others through pydantic. Importing this takes seconds: import it late.
"""

import enum
import functools
import inspect
import json
import types
import typing
from collections.abc import Callable
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

import typing_extensions
from pydantic import PydanticUserError, TypeAdapter, ValidationError
from transformers.utils import get_json_schema
from transformers.utils.chat_template_utils import DocstringParsingException, TypeHintParsingException

from agent.messages import ToolSchema

_PLAIN = (int, float, str, bool, type(None), Any, list, dict)


def schema_of(function: Callable[..., Any]) -> ToolSchema:
    """The schema of `function`; raises `ValueError` naming the function and what it lacks."""
    name = getattr(function, "__name__", type(function).__name__)
    for taken in inspect.signature(function).parameters.values():
        if taken.kind not in (taken.POSITIONAL_OR_KEYWORD, taken.KEYWORD_ONLY):
            raise ValueError(f"{name}: a tool takes its arguments by name, so {str(taken)!r} cannot be one of them")
    hints = _hints(function)
    try:
        structured = {parameter: _adapter(hint) for parameter, hint in hints.items() if not is_plain(hint)}
    except PydanticUserError as error:
        raise ValueError(f"{name}: a type hint has no JSON schema: {error}") from error
    try:
        made = get_json_schema(_stand_in(function, hints))["function"]
    except (TypeHintParsingException, DocstringParsingException) as error:
        raise ValueError(f"{name}: {error}") from error
    parameters = made["parameters"]
    for parameter, adapter in structured.items():
        description = parameters["properties"][parameter]["description"]
        parameters["properties"][parameter] = {**_inlined(adapter, name, parameter), "description": description}
    for parameter, default in _defaults(function).items():
        _note_default(parameters["properties"][parameter], default)
    for parameter in parameters.get("required", []):
        _null_as_type(parameters["properties"][parameter])
    return {
        "type": "function",
        "function": {"name": name, "description": made["description"], "parameters": parameters},
    }


def converters(function: Callable[..., Any]) -> dict[str, Callable[[Any], Any]]:
    """For each parameter whose hint is no plain JSON type: what makes its value from the JSON value, or raises a
    `ValueError` worded for the model that wrote it.
    """
    return {
        parameter: functools.partial(_converted, _adapter(hint), parameter)
        for parameter, hint in _hints(function).items()
        if not is_plain(hint)
    }


def _converted(adapter: TypeAdapter[Any], parameter: str, value: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        faults = [(".".join(map(str, (parameter, *fault["loc"]))), fault["msg"]) for fault in error.errors()]
        raise ValueError("; ".join(f"argument {path!r}: {what}" for path, what in faults)) from error


def is_plain(hint: Any) -> bool:
    """Whether values of this hint are JSON values themselves."""
    origin = get_origin(hint)
    if origin is None:
        return any(hint is plain for plain in _PLAIN)
    if origin is Literal:
        return not any(isinstance(value, enum.Enum) for value in get_args(hint))
    if origin in (list, dict, Union, types.UnionType):
        return all(is_plain(inner) for inner in get_args(hint))
    return False


def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(_for_pydantic(hint))


def _for_pydantic(hint: Any) -> Any:
    """The hint with each `typing.TypedDict` rebuilt: pydantic takes those only from Python 3.12 on."""
    if typing.is_typeddict(hint):
        fields = {
            name: (Required if name in hint.__required_keys__ else NotRequired)[_for_pydantic(inner)]
            for name, inner in typing.get_type_hints(hint).items()
        }
        return typing_extensions.TypedDict(hint.__name__, fields)  # type: ignore[operator]
    origin, inner = get_origin(hint), tuple(map(_for_pydantic, get_args(hint)))
    if origin in (Union, types.UnionType):
        return Union[inner]  # noqa: UP007, the members are only known here
    return origin[inner] if origin in (list, dict, tuple) else hint


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    named = function if inspect.isroutine(function) else type(function).__call__  # an object that can be called
    try:
        hints = typing.get_type_hints(named)
    except Exception as error:  # a name that was not imported, half a hint in quotes, whatever an annotation does
        name = getattr(function, "__name__", type(function).__name__)
        raise ValueError(f"{name}: a type hint cannot be read: {type(error).__name__}: {error}") from error
    hints.pop("return", None)
    return hints


def _stand_in(function: Callable[..., Any], hints: dict[str, Any]) -> Callable[..., Any]:
    """A function that looks like `function` but for the hints that `get_json_schema` cannot read, and the result's."""

    def stand_in() -> None: ...

    stand_in.__name__ = getattr(function, "__name__", type(function).__name__)
    stand_in.__doc__ = inspect.getdoc(function if inspect.isroutine(function) else type(function).__call__)
    stand_in.__annotations__ = {name: hint if is_plain(hint) else dict for name, hint in hints.items()}
    stand_in.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return stand_in


def _inlined(adapter: TypeAdapter[Any], function: str, parameter: str) -> dict[str, Any]:
    """Pydantic's schema without `$defs` and titles: models read what stands in place better than references."""
    try:
        schema = adapter.json_schema()
    except PydanticUserError as error:
        raise ValueError(
            f"{function}: parameter {parameter!r} has a type hint without a JSON schema: {error}"
        ) from error
    definitions = schema.pop("$defs", {})

    def inline(value: Any, inside: tuple[str, ...]) -> Any:
        if isinstance(value, list):
            return [inline(item, inside) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            name = value["$ref"].rsplit("/", 1)[-1]
            if name in inside:
                raise ValueError(f"{function}: parameter {parameter!r} contains itself through {name}; give it a depth")
            value = {**definitions[name], **{key: item for key, item in value.items() if key != "$ref"}}
            inside = (*inside, name)
        kept = {key: item for key, item in value.items() if not (key == "title" and isinstance(item, str))}
        return {key: inline(item, inside) for key, item in kept.items()}

    return inline(schema, ())


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.items()
    return {name: parameter.default for name, parameter in parameters if parameter.default is not parameter.empty}


def _note_default(schema: dict[str, Any], default: Any) -> None:
    """Say the default of an optional parameter; one that is None by default is simply left out by the model."""
    schema.pop("nullable", None)
    if default is None:
        return
    default = default.value if isinstance(default, enum.Enum) else default
    try:
        json.dumps(default, allow_nan=False)
    except (TypeError, ValueError):
        return
    description = schema.pop("description", None)
    schema["default"] = default
    if description is not None:
        schema["description"] = description


def _null_as_type(schema: dict[str, Any]) -> None:
    """Write OpenAPI's `nullable` of a required parameter as JSON Schema does."""
    if not schema.pop("nullable", False):
        return
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    if "anyOf" in schema:
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    elif "type" in schema:
        allowed = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*allowed, "null"]
