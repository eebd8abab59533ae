"""A tool's JSON schema as llguidance takes it, and about how long the shortest value is that it allows.

Comes in: the `parameters` of a tool. Goes out: a schema that llguidance can follow. What it cannot read is left out, as
arguments are checked again before a tool runs; objects are closed to properties that nobody names, since what a schema
leaves open a weak model fills for ever. Knows nothing of grammars and tokens.
"""

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

from agent.json_text import as_json
from agent.tools.validation import standard_schema

MAX_NESTING = 8  # of arguments, in the estimate of the shortest value

_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")
_COMBINED = ("$ref", "allOf", "anyOf", "oneOf")
_OWN = ("properties", "patternProperties", "additionalProperties", "items", "prefixItems")


def followed(parameters: dict[str, Any], colon: str) -> dict[str, Any]:
    """The schema of a call's arguments; `colon` is what stands between a key and its value.

    Blanks are bounded to those of `json.dumps`, or weak models would pad for ever.
    """
    schema = _Closing({"type": "object", **_readable(standard_schema(parameters))}).closed()
    if not any(schema.get(key) for key in ("properties", *_COMBINED)):
        schema |= {"properties": {}, "additionalProperties": schema.get("additionalProperties", False)}
    # Lenient: keywords and formats that llguidance does not know are left out, and `oneOf` is read as `anyOf`.
    blanks = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": colon, "lenient": True}
    return schema | {"x-guidance": blanks}


def least(parameters: dict[str, Any]) -> str:
    """Arguments of about the least length, as JSON."""
    schema = standard_schema(parameters)
    return as_json(_least(schema, schema, 0))


def options(parameters: dict[str, Any]) -> Iterator[str]:
    """What arguments may leave out, each at about its least length: a property, or one more item of a list."""
    schema = standard_schema(parameters)
    return _options(schema, schema, 0)


def _readable(schema: Any) -> Any:
    """The schema without what llguidance refuses although it is lenient."""
    if not isinstance(schema, dict):
        return schema
    made = _changed(schema, lambda _, item: _readable(item))
    made.pop("$schema", None)  # its words are those of 2020-12 by now
    if "properties" in made:  # a least or largest number of properties can be held only where none has a name
        made = {key: value for key, value in made.items() if key not in ("minProperties", "maxProperties")}
    if "pattern" in made and not _readable_pattern(str(made["pattern"])):
        del made["pattern"]
    return made


@functools.lru_cache(maxsize=256)
def _readable_pattern(pattern: str) -> bool:
    """Whether llguidance can follow a regular expression: it looks neither ahead nor back."""
    import llguidance  # only where something is enforced

    schema = {"type": "string", "pattern": pattern}
    return not llguidance.LLMatcher.validate_grammar(json.dumps({"grammars": [{"json_schema": schema}]}))


def _changed(schema: dict[str, Any], change: Callable[[str, Any], Any]) -> dict[str, Any]:
    """A copy whose inner schemas are changed: `change` gets the keyword and the schema."""
    made = dict(schema)
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, dict):
            made[key] = {name: change(key, item) for name, item in value.items()}
        elif key in _LISTS and isinstance(value, list):
            made[key] = [change(key, item) for item in value]
        elif key in _SINGLE:
            made[key] = change(key, value)
    return made


class _Closing:
    """Closes the objects of a schema to the properties that are named for them.

    Where several schemas speak of one value (`allOf`, `anyOf` beside `properties`, …), llguidance allows what all of
    them do: one that is closed would forbid what another names. There the whole is closed to the names of all.

    Args:
        root: The whole schema, to which its `$ref`s point.
    """

    def __init__(self, root: dict[str, Any]):
        self._root = root
        self._shared: set[int] = set()  # ids of schemas to which a `$ref` points from beside another schema
        self._seen: set[tuple[str, bool]] = set()
        self._look(root, True)

    def closed(self) -> dict[str, Any]:
        """The schema, closed."""
        made: dict[str, Any] = self._closed(self._root, True)
        return made

    def _look(self, schema: Any, alone: bool) -> None:
        """Find what speaks beside another; `alone` tells that this schema does not."""
        if not isinstance(schema, dict):
            return
        within = alone and _parts(schema) <= 1
        if isinstance(ref := schema.get("$ref"), str):
            target = _target(ref, self._root)
            if not within:
                self._shared.add(id(target))
            if (ref, within) not in self._seen:
                self._seen.add((ref, within))
                self._look(target, within)
        others = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
        _changed(others, lambda _, item: self._look(item, within))

    def _closed(self, schema: Any, alone: bool) -> Any:
        if not isinstance(schema, dict):
            return schema
        alone = alone and id(schema) not in self._shared
        parts = _parts(schema)
        within = alone and parts <= 1
        made = _changed(schema, lambda key, item: self._closed(item, within or key in ("$defs", "definitions")))
        if not alone or "additionalProperties" in schema:
            return made
        names = self._names(schema, frozenset()) if parts > 1 else schema.get("properties")
        if names is not None and (names or parts == 1):
            given = made.get("properties", {})
            made["properties"] = {**given, **{name: True for name in names if name not in given}}
            made["additionalProperties"] = False
        return made

    def _names(self, schema: Any, seen: frozenset[str]) -> dict[str, None] | None:
        """The names of all properties, in order; None where others are allowed in words."""
        if not isinstance(schema, dict):
            return {}
        if any(key in schema for key in ("additionalProperties", "patternProperties", "unevaluatedProperties")):
            return None
        found: dict[str, None] = dict.fromkeys(schema.get("properties", {}))
        inner = [item for key in ("allOf", "anyOf", "oneOf") for item in schema.get(key, [])]
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref not in seen:
            inner.append(_target(ref, self._root))
            seen |= {ref}
        for item in inner:
            names = self._names(item, seen)
            if names is None:
                return None
            found |= names
        return found


def _parts(schema: dict[str, Any]) -> int:
    """How many schemas speak of the value beside each other."""
    several = len(schema["allOf"]) if isinstance(schema.get("allOf"), list) else 0
    return several + any(key in schema for key in _OWN) + sum(key in schema for key in ("$ref", "anyOf", "oneOf"))


def _target(ref: str, root: dict[str, Any]) -> Any:
    """What a `$ref` within the schema points to; None for any other."""
    if not ref.startswith("#"):
        return None
    target: Any = root
    for key in filter(None, ref[1:].split("/")):
        target = target.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
    return target


def _options(schema: Any, root: dict[str, Any], depth: int) -> Iterator[str]:
    if not isinstance(schema, dict) or depth > MAX_NESTING:
        return
    for name, inner in schema.get("properties", {}).items():
        if name not in schema.get("required", []):
            yield f", {as_json({name: _least(inner, root, depth + 1)})[1:-1]}"
        yield from _options(inner, root, depth + 1)
    if "items" in schema:
        yield f", {as_json(_least(schema['items'], root, depth + 1))}"
        yield from _options(schema["items"], root, depth + 1)
    for inner in _beside(schema, root):
        yield from _options(inner, root, depth + 1)


def _least(schema: Any, root: dict[str, Any], depth: int) -> Any:
    """A value of about the least length that the schema takes; of several that it may take, the longest."""
    if not isinstance(schema, dict) or depth > MAX_NESTING:
        return ""
    if "const" in schema or schema.get("enum"):
        return max([schema["const"]] if "const" in schema else schema["enum"], key=_length)
    if beside := _beside(schema, root):
        own = {key: value for key, value in schema.items() if key not in _COMBINED}
        return _together([_least(part, root, depth + 1) for part in (own, *beside) if part])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema or "required" in schema:
        properties = schema.get("properties", {})
        return {name: _least(properties.get(name), root, depth + 1) for name in schema.get("required", [])}
    if kind == "array":
        count = int(schema.get("minItems", 0))
        return [_least(schema.get("items"), root, depth + 1)] * count if count else []
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 0), schema.get("exclusiveMinimum", 0), 1000)
    return "x" * int(schema.get("minLength", 4))


def _beside(schema: dict[str, Any], root: dict[str, Any]) -> list[Any]:
    """The schemas that a schema is combined with: what it refers to, and its branches."""
    branches = [item for key in ("allOf", "anyOf", "oneOf") for item in schema.get(key, [])]
    return [_target(schema["$ref"], root), *branches] if isinstance(schema.get("$ref"), str) else branches


def _together(values: list[Any]) -> Any:
    """The values of schemas that are combined, as one: objects in one object, else the longest."""
    objects = [value for value in values if isinstance(value, dict)]
    merged: dict[str, Any] = {}
    for value in objects:
        merged |= value
    return max([*(value for value in values if value not in objects), merged], key=_length)


def _length(value: Any) -> int:
    return len(as_json(value))
