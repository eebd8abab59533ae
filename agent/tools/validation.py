"""Checks the arguments a model wrote against a tool's JSON schema (2020-12), mending first what can be mended safely.

Comes in: a tool schema and whatever stood where arguments belong. Goes out: arguments, the coercions made, and errors
worded so that a model can act on them. Knows nothing of functions and of how the arguments were written.
"""

import functools
import json
import re
import unicodedata
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from agent.messages import ToolSchema

MAX_ERRORS = 5  # a model mends a few faults at a time
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\Z", re.ASCII)
# Type names that public tool lists use and JSON Schema does not know.
_TYPE_NAMES = {
    "dict": "object", "map": "object", "list": "array", "tuple": "array", "set": "array", "str": "string",
    "text": "string", "char": "string", "int": "integer", "long": "integer", "float": "number", "double": "number",
    "bool": "boolean", "none": "null",
}  # fmt: skip


def validate_arguments(schema: ToolSchema, arguments: Any) -> tuple[dict[str, Any], list[str], list[str]]:
    """Check `arguments` against `schema["function"]["parameters"]`.

    Returns:
        The arguments (a new value; the given one is left alone), the coercions as `days: "7" became 7`, and the errors
        (`[]` where the arguments are valid).
    """
    return Checker(schema).check(arguments)


_OPEN = {"additionalProperties", "unevaluatedProperties", "patternProperties"}
_ELSEWHERE = {"$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"}


class Checker:
    """A tool schema, ready to check any number of arguments against."""

    def __init__(self, schema: ToolSchema):
        self._parameters = standard_schema(schema["function"]["parameters"])
        closed = self._parameters
        if "properties" in closed and not _OPEN & set(closed):
            # JSON Schema lets unknown properties pass where nothing is said; a function takes none it does not know.
            # Where a part of the schema stands elsewhere, only the dearer of the two words sees into it.
            closed = {**closed, "unevaluatedProperties" if _ELSEWHERE & set(closed) else "additionalProperties": False}
        self._closed = _key({"type": "object", **closed})

    def check(self, arguments: Any) -> tuple[dict[str, Any], list[str], list[str]]:
        """What `validate_arguments` returns."""
        coercions: list[str] = []
        if arguments is None or arguments == "":
            arguments = {}
        whole = {"type": "object", **self._parameters}
        arguments = _coerced(arguments, whole, self._parameters, "arguments", coercions)
        if not isinstance(arguments, dict):
            return {}, [], [f"the arguments must be a JSON object, got {_shown(arguments)}"]
        return arguments, coercions, self._errors(arguments)

    def _errors(self, arguments: dict[str, Any]) -> list[str]:
        try:
            found = list(_validator(self._closed).iter_errors(arguments))
        except (Unresolvable, SchemaError, re.error, RecursionError) as error:
            return [f"this tool's own schema is broken: {' '.join(str(error).split())}"]
        lines = list(dict.fromkeys(_worded(error, self._parameters) for error in found))
        return (
            lines if len(lines) <= MAX_ERRORS else [*lines[:MAX_ERRORS], f"and {len(lines) - MAX_ERRORS} more faults"]
        )


def schema_problem(parameters: dict[str, Any]) -> str:
    """What keeps `parameters` from being a JSON schema of draft 2020-12; `""` if nothing does."""
    try:
        Draft202012Validator.check_schema(parameters)
    except SchemaError as error:
        return f"{error.json_path}: {error.message}"
    return ""


def standard_schema(parameters: dict[str, Any]) -> dict[str, Any]:
    """`parameters` in the words of JSON Schema 2020-12: type names such as `dict` and `float`, OpenAPI's `nullable`,
    and the tuples of earlier drafts, which zod still writes, are replaced by what they mean.
    """
    return _standard(parameters, is_schema=True)


_ITEMS_OF_TUPLE = re.compile(r"/items(?=/\d+(?:/|$))")


def _standard(value: Any, is_schema: bool) -> Any:
    if isinstance(value, list):
        return [_standard(item, True) for item in value]
    if not isinstance(value, dict):
        return value
    if not is_schema:  # a map of names to schemas: its keys are names, not keywords
        return {name: _standard(item, True) for name, item in value.items()}
    made: dict[str, Any] = {}
    for key, item in value.items():
        if key == "type":
            types = [_TYPE_NAMES.get(str(name).lower(), name) for name in (item if isinstance(item, list) else [item])]
            if "any" not in types:
                made[key] = types if isinstance(item, list) else types[0]
        elif key in ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas"):
            made[key] = _standard(item, False)
        elif key in ("enum", "const", "default", "examples", "required"):
            made[key] = item
        elif key != "nullable":
            made[key] = _standard(item, True)
    made = _with_prefix_items(made)
    if value.get("nullable") is True and "type" in made:
        types = made["type"] if isinstance(made["type"], list) else [made["type"]]
        made["type"] = types if "null" in types else [*types, "null"]
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    return made


def _with_prefix_items(schema: dict[str, Any]) -> dict[str, Any]:
    """A list of `items`, which made a tuple until draft 2019-09, and references into one, in today's words."""
    if isinstance(schema.get("$ref"), str):
        schema = {**schema, "$ref": _ITEMS_OF_TUPLE.sub("/prefixItems", schema["$ref"])}
    if not isinstance(schema.get("items"), list):
        return schema
    made = {key: item for key, item in schema.items() if key not in ("items", "additionalItems")}
    made |= {"prefixItems": schema["items"]} if schema["items"] else {}
    return made | ({"items": schema["additionalItems"]} if "additionalItems" in schema else {})


def _coerced(value: Any, schema: Any, root: dict[str, Any], path: str, coercions: list[str]) -> Any:
    """`value` with what can safely be mended mended; the rest as it was, for the validator to judge."""
    schema = _resolved(schema, root)
    if not isinstance(schema, dict):
        return value
    for branch_key in ("anyOf", "oneOf"):
        if branch_key in schema:
            return _coerced_by_branch(value, schema[branch_key], root, path, coercions)
    types = _types(schema)
    mended = _of_type(value, types, schema, root)
    if type(mended) is not type(value) or mended != value:
        coercions.append(f"{path}: {_shown(value)} became {_shown(mended)}")
    if isinstance(mended, dict) and (not types or "object" in types):
        return _coerced_object(mended, schema, root, path, coercions)
    if isinstance(mended, list) and (not types or "array" in types):
        prefix = schema.get("prefixItems", [])
        inner = [*prefix, *[schema.get("items", {})] * max(0, len(mended) - len(prefix))]
        return [_coerced(item, inner[index], root, f"{path}[{index}]", coercions) for index, item in enumerate(mended)]
    return mended


def _coerced_object(
    value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], path: str, coercions: list[str]
) -> dict[str, Any]:
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    other = schema.get("additionalProperties", {})
    made: dict[str, Any] = {}
    for name, item in value.items():
        known = name if name in properties else _folded_name(name, [key for key in properties if key not in value])
        if known != name:
            coercions.append(f"{path}: {name!r} became {known!r}")
        here = known if path == "arguments" else f"{path}.{known}"
        inner = _resolved(properties.get(known, other), root)
        if item is None and known in properties and known not in required and not _is_valid(None, inner, root):
            coercions.append(f"{here}: null was left out")
        else:
            made[known] = _coerced(item, inner, root, here, coercions)
    return made


def _coerced_by_branch(value: Any, branches: list[Any], root: dict[str, Any], path: str, coercions: list[str]) -> Any:
    """The value as the first branch that accepts it wants it: untouched if one does, else mended."""
    if any(_is_valid(value, branch, root) for branch in branches):
        return value
    for branch in branches:
        made: list[str] = []
        mended = _coerced(value, branch, root, path, made)
        if _is_valid(mended, branch, root):
            coercions.extend(made)
            return mended
    return value


def _of_type(value: Any, types: list[str], schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """`value` as one of `types`, where that is safe: it loses nothing and no other reading is near."""
    if isinstance(value, str) and "string" not in types and types:
        value = _from_text(value, types)
    elif isinstance(value, float) and value.is_integer() and "integer" in types and "number" not in types:
        value = int(value)
    elif types == ["string"] and isinstance(value, int | float) and not isinstance(value, bool):
        value = json.dumps(value)
    if isinstance(value, str) and "enum" in schema and value not in schema["enum"]:
        value = _folded_name(value, [choice for choice in schema["enum"] if isinstance(choice, str)])
    if types == ["array"] and not isinstance(value, list) and value is not None:
        items = _resolved(schema.get("items", {}), root)
        mended = _coerced(value, items, root, "", [])
        if items and _is_valid(mended, items, root):
            return [mended]
    return value


def _from_text(text: str, types: list[str]) -> Any:
    """The number, truth value, null, list or object that `text` spells, if it is of one of `types`; else `text`."""
    spelled = unicodedata.normalize("NFKC", text).strip()
    if ("integer" in types or "number" in types) and _NUMBER.match(spelled):
        number: int | float = int(spelled) if re.fullmatch(r"[+-]?\d{1,4000}", spelled) else float(spelled)
        if isinstance(number, float) and "number" not in types:
            return int(number) if number.is_integer() else text
        return number if abs(number) != float("inf") else text
    if "boolean" in types and spelled.lower() in ("true", "false"):
        return spelled.lower() == "true"
    if "null" in types and spelled.lower() in ("null", "none"):
        return None
    if ("object" in types and spelled.startswith("{")) or ("array" in types and spelled.startswith("[")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _folded_name(name: str, known: list[str]) -> str:
    """The one of `known` that differs from `name` only in case, width and separators; else `name`."""
    near = [candidate for candidate in known if fold(candidate) == fold(name)]
    return near[0] if len(near) == 1 else name


def fold(name: str) -> str:
    """A name without case, width and separators: `getWeather`, `get_weather` and `Get Weather` are one."""
    return re.sub(r"[\s_.\-/]+", "", unicodedata.normalize("NFKC", name).casefold())


def _types(schema: dict[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return types if isinstance(types, list) else [types]


def _resolved(schema: Any, root: dict[str, Any]) -> Any:
    """`schema` behind its local `$ref`s (at most a few: a chain that does not end is the validator's to report)."""
    for _ in range(8):
        if not isinstance(schema, dict) or not str(schema.get("$ref", "")).startswith("#/"):
            break
        target: Any = root
        for key in schema["$ref"][2:].split("/"):
            target = target.get(key.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, dict) else {}
        schema = target
    return schema


def _is_valid(value: Any, schema: Any, root: dict[str, Any]) -> bool:
    if not isinstance(schema, dict):
        return schema is not False
    whole = {**{key: root[key] for key in ("$defs", "definitions") if key in root}, **schema}
    try:
        return _validator(_key(whole)).is_valid(value)
    except (Unresolvable, SchemaError, re.error, RecursionError):
        return False


def _worded(error: ValidationError, parameters: dict[str, Any]) -> str:
    """One fault in words a model can act on: which argument, what was seen, what is allowed."""
    path = error.json_path.removeprefix("$").removeprefix(".")
    where = f"argument {path!r}" if path else "the arguments"
    value: Any = error.validator_value
    instance: Any = error.instance
    inside = f" in {path!r}" if path else ""
    if error.validator == "required":
        missing = [name for name in value if name not in instance]
        return f"missing required argument{inside}: {', '.join(repr(name) for name in missing)}"
    if error.validator == "additionalProperties" and isinstance(error.schema, dict):
        known = list(error.schema.get("properties", {}))
        unknown = [name for name in instance if name not in known]
        allowed = ", ".join(repr(name) for name in known) or "none"
        return f"unknown argument{inside}: {', '.join(repr(name) for name in unknown)} (there are: {allowed})"
    if error.validator == "enum":
        allowed = ", ".join(_shown(choice) for choice in value)
        return f"{where} must be one of {allowed}, got {_shown(instance)}"
    if error.validator == "type":
        wanted = " or ".join(value) if isinstance(value, list) else value
        return f"{where} must be of type {wanted}, got {_shown(instance)}"
    return f"{where}: {error.message}"


@functools.lru_cache(maxsize=1024)
def _validator(schema: str) -> Draft202012Validator:
    # An empty registry: a `$ref` to another machine must never be fetched because a tool list says so.
    return Draft202012Validator(json.loads(schema), registry=Registry())


def _key(schema: dict[str, Any]) -> str:
    return json.dumps(schema, sort_keys=True, ensure_ascii=False)


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
