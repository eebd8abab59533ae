"""Tools: schemas from functions, arguments checked and mended, calls that never raise, sources that name faults."""

import asyncio
import dataclasses
import datetime
import enum
import json
import threading
import time
from typing import Annotated, Literal, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agent.errors import UserError
from agent.messages import check_conversation
from agent.tools import Tool, load_tools, tool, validate_arguments


class Unit(enum.Enum):
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


class Place(TypedDict):
    city: str
    street: str | None


@dataclasses.dataclass
class Guest:
    name: str
    age: int = 0


def call(some_tool, **arguments):
    return asyncio.run(some_tool.call(arguments))


def schema(properties, required=(), **more):
    parameters = {"type": "object", "properties": properties, "required": list(required), **more}
    return {"type": "function", "function": {"name": "f", "description": "", "parameters": parameters}}


@tool(family="weather", zh={"description": "查询天气。", "parameters": {"city": "城市"}})
def forecast(
    city: str,
    days: int = 1,
    unit: Unit = Unit.CELSIUS,
    kind: Literal["short", "long"] = "short",
    tags: list[str] | None = None,
    options: dict[str, int] | None = None,
) -> str:
    """Forecast the weather.

    Args:
        city: The city.
        days: How many days ahead.
        unit: The unit.
        kind: How long the text is.
        tags: Words to add.
        options: Numbers by name.

    Returns:
        The forecast.
    """
    return f"{city} {days} {unit.name} {kind} {tags} {options}"


def test_a_function_says_its_schema():
    function = forecast.schema["function"]
    assert (function["name"], function["description"]) == ("forecast", "Forecast the weather.")
    assert set(function) == {"name", "description", "parameters"}
    assert function["parameters"] == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The city."},
            "days": {"type": "integer", "default": 1, "description": "How many days ahead."},
            "unit": {
                "type": "string",
                "enum": ["celsius", "fahrenheit"],
                "default": "celsius",
                "description": "The unit.",
            },
            "kind": {
                "type": "string",
                "enum": ["short", "long"],
                "default": "short",
                "description": "How long the text is.",
            },
            "tags": {"type": "array", "items": {"type": "string"}, "description": "Words to add."},
            "options": {
                "type": "object",
                "additionalProperties": {"type": "integer"},
                "description": "Numbers by name.",
            },
        },
        "required": ["city"],
    }
    assert check_conversation([{"role": "user", "content": "x"}], [forecast.schema]) == []


def test_a_tool_speaks_chinese_where_it_has_it():
    function = forecast.localized("zh")["function"]
    assert function["description"] == "查询天气。"
    assert function["parameters"]["properties"]["city"]["description"] == "城市"
    assert function["parameters"]["properties"]["days"]["description"] == "How many days ahead."
    assert forecast.localized("en") == forecast.schema
    assert forecast.schema["function"]["description"] == "Forecast the weather."


def test_the_decorated_object_is_still_the_function():
    assert forecast("Paris", days=2) == "Paris 2 CELSIUS short None None"
    assert (forecast.name, forecast.family, forecast.__doc__.splitlines()[0]) == (
        *("forecast", "weather", "Forecast the weather."),
    )


def test_structured_parameters_arrive_as_what_the_function_wants():
    @tool
    def book(place: Place, guests: list[Guest], unit: Unit) -> str:
        """Book a table.

        Args:
            place: Where.
            guests: Who comes.
            unit: Of the temperature.
        """
        return f"{place['city']} {guests[0].age + 1} {unit.name}"

    properties = book.schema["function"]["parameters"]["properties"]
    assert properties["guests"]["items"]["properties"]["age"] == {"type": "integer", "default": 0}
    assert "$ref" not in json.dumps(properties)
    arguments = {"place": {"city": "北京", "street": None}, "guests": [{"name": "A", "age": "4"}], "unit": "celsius"}
    assert call(book, **arguments).content == "北京 5 CELSIUS"


class Stay(BaseModel):
    place: Annotated[dict[str, int], Field(min_length=1)]
    nights: int = Field(1, ge=1)
    unit: Unit | None = None
    guests: list[Guest] = []


def test_pydantic_models_nest_and_say_what_is_wrong_by_its_path():
    @tool
    async def stay(what: Stay, day: datetime.date | None = None) -> str:
        """Stay.

        Args:
            what: What.
            day: When.
        """
        return f"{what.nights} {what.unit} {what.guests} {day}"

    said = stay.schema["function"]["parameters"]["properties"]["what"]
    assert said["properties"]["nights"] == {"default": 1, "minimum": 1, "type": "integer"}
    assert said["required"] == ["place"]
    given = {"place": {"a": 1}, "nights": "2", "unit": "Celsius", "guests": [{"name": "A"}]}
    good = call(stay, what=given, day="2026-03-14")
    assert good.content == "2 Unit.CELSIUS [Guest(name='A', age=0)] 2026-03-14"
    assert good.coercions == ['what.nights: "2" became 2', 'what.unit: "Celsius" became "celsius"']
    assert "argument 'what.nights': 0 is less than" in call(stay, what={"place": {"a": 1}, "nights": 0}).content
    bad = call(stay, what={"place": {"a": 1}}, day="soon")
    assert bad.is_error
    assert bad.content.startswith("Error: argument 'day': Input should be a valid date")
    assert "http" not in bad.content


def test_an_object_that_can_be_called_is_a_function_too():
    class Adder:
        async def __call__(self, n: int) -> int:
            """Add one.

            Args:
                n: To what.
            """
            return n + 1

    assert call(Tool(Adder(), name="add"), n="1").content == "2"


@pytest.mark.parametrize(
    ("head", "args", "reason"),
    [
        ("x", "x: it", "missing a type hint"),
        ("x: int", "y: it", "no description for the argument 'x'"),
        ("x: slice", "x: it", "type hint"),
        ("x: 'Optional[int]'", "x: it", "a type hint cannot be read: NameError"),
        ("x: 'list[int'", "x: it", "a type hint cannot be read: SyntaxError"),
        ("*x: int", "x: it", "takes its arguments by name"),
        ("**x: int", "x: it", "takes its arguments by name"),
    ],
)
def test_a_function_that_says_too_little_names_what_is_missing(head, args, reason, tmp_path):
    source = tmp_path / "tools.py"
    docstring = f'"""Do.\n\n    Args:\n        {args}\n    """'
    source.write_text(f"from agent.tools import tool\n\n@tool\ndef f({head}):\n    {docstring}\n")
    with pytest.raises(UserError, match=r"tools\.py, line 3, tool f") as caught:
        load_tools(str(source))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "given", "got", "coerced"),
    [
        ({"type": "integer"}, "7", 7, True),
        ({"type": "integer"}, "７", 7, True),
        ({"type": "integer"}, 7.0, 7, True),
        ({"type": "integer"}, 7, 7, False),
        ({"type": "number"}, "2.5", 2.5, True),
        ({"type": "number"}, 7, 7, False),
        ({"type": "boolean"}, "True", True, True),
        ({"type": "string"}, 7, "7", True),
        ({"type": "string"}, "7", "7", False),
        ({"type": "array", "items": {"type": "string"}}, "a", ["a"], True),
        ({"type": "array", "items": {"type": "integer"}}, "3", [3], True),
        ({"type": "array", "items": {"type": "integer"}}, "[1, 2]", [1, 2], True),
        ({"type": "array", "items": {"type": "integer"}}, [1, "2"], [1, 2], True),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, '{"a": "1"}', {"a": 1}, True),
        ({"enum": ["celsius", "fahrenheit"]}, "Celsius", "celsius", True),
        ({"type": ["integer", "null"]}, "null", None, True),
        ({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}, "5", 5, True),
        ({"type": "integer", "nullable": True}, None, None, False),
        ({"type": "float"}, "1", 1, True),
        ({"type": "dict"}, {"a": 1}, {"a": 1}, False),
        ({"$ref": "#/$defs/n"}, "1", 1, True),
    ],
)
def test_safe_coercions_are_made_and_recorded(wanted, given, got, coerced):
    arguments, coercions, errors = validate_arguments(
        schema({"x": wanted}, ["x"], **{"$defs": {"n": {"type": "integer"}}}), {"x": given}
    )
    assert errors == []
    assert arguments == {"x": got}
    assert type(arguments["x"]) is type(got)
    assert bool(coercions) is coerced


@pytest.mark.parametrize(
    ("wanted", "given", "words"),
    [
        ({"type": "integer"}, "seven", "'x' must be of type integer, got \"seven\""),
        ({"type": "integer"}, 7.5, "must be of type integer"),
        ({"type": "integer"}, True, "must be of type integer"),
        ({"type": "boolean"}, 1, "must be of type boolean"),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'must be one of "a", "b", got "c"'),
        ({"type": "integer", "minimum": 3}, 1, "'x': 1 is less than the minimum of 3"),
        ({"type": "string"}, None, "must be of type string, got null"),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, {}, "missing required argument in 'x': 'a'"),
        ({"$ref": "http://127.0.0.1:9/schema"}, 1, "this tool's own schema is broken"),
    ],
)
def test_what_is_wrong_is_said_so_that_a_model_can_mend_it(wanted, given, words):
    _, _, errors = validate_arguments(schema({"x": wanted}, ["x"]), {"x": given})
    assert len(errors) == 1
    assert words in errors[0]


def test_missing_and_unknown_arguments_are_named():
    wanted = schema({"city": {"type": "string"}, "days": {"type": "integer"}}, ["city"])
    assert validate_arguments(wanted, {})[2] == ["missing required argument: 'city'"]
    errors = validate_arguments(wanted, {"city": "x", "colour": 1})[2]
    assert errors == ["unknown argument: 'colour' (there are: 'city', 'days')"]
    assert validate_arguments(wanted, {"City": "x", "days": None}) == (
        {"city": "x"},
        ["arguments: 'City' became 'city'", "days: null was left out"],
        [],
    )


def test_what_was_given_is_left_alone():
    given = {"x": ["1"]}
    validate_arguments(schema({"x": {"type": "array", "items": {"type": "integer"}}}), given)
    assert given == {"x": ["1"]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(arguments=VALUES | st.dictionaries(st.sampled_from(["city", "days", "unit", "tags"]), VALUES))
def test_whatever_a_model_writes_is_a_result(arguments):
    result = asyncio.run(forecast.call(arguments))
    assert isinstance(result.content, str)
    result.content.encode("utf-8")


def test_results_are_text():
    @tool
    def give(what: str) -> object:
        """Give.

        Args:
            what: What to give.
        """
        values = {
            "text": "文",
            "number": 1.5,
            "list": ["文", None],
            "none": None,
            "guest": Guest("A"),
            "half": "\ud800",
        }
        return values[what]

    contents = {what: call(give, what=what).content for what in ("text", "number", "list", "none", "guest", "half")}
    assert contents == {
        "text": "文",
        "number": "1.5",
        "list": '["文", null]',
        "none": "null",
        "guest": '{"name": "A", "age": 0}',
        "half": "?",
    }


def test_an_exception_is_an_observation():
    @tool
    def fail(how: str) -> str:
        """Fail.

        Args:
            how: In which way.
        """
        raise {"value": ValueError("no such city"), "exit": SystemExit(3), "stop": StopIteration()}[how]

    assert call(fail, how="value").content == "Error: ValueError: no such city"
    for how in ("exit", "stop"):
        assert call(fail, how=how).is_error


def test_a_slow_tool_is_given_up_sync_or_async():
    @tool(timeout=0.1)
    def hang() -> str:
        """Hang."""
        time.sleep(5)
        return "late"

    @tool(timeout=0.1)
    async def wait() -> str:
        """Wait."""
        await asyncio.sleep(5)
        return "late"

    started = time.monotonic()
    for slow in (hang, wait):
        result = call(slow)
        assert (result.content, result.is_error) == ("Error: gave up after 0.1 seconds", True)
    assert time.monotonic() - started < 2
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "tool")


def test_a_long_result_is_cut_and_says_so():
    @tool(max_chars=10)
    def long() -> str:
        """Talk."""
        return "字" * 100

    assert call(long).content == "字" * 10 + "\n[cut here: 10 of 100 characters shown]"


def test_sync_tools_do_not_hold_up_the_event_loop():
    @tool
    def sleep() -> str:
        """Sleep."""
        time.sleep(0.2)
        return "ok"

    async def five():
        return await asyncio.gather(*(sleep.call({}) for _ in range(5)))

    started = time.monotonic()
    assert [result.content for result in asyncio.run(five())] == ["ok"] * 5
    assert time.monotonic() - started < 0.8


def test_a_schema_can_be_bound_to_a_function_or_stay_a_schema():
    described = schema({"n": {"type": "integer"}}, ["n"])
    assert call(Tool(lambda n: n + 1, schema=described), n="1").content == "2"
    bare = Tool(schema=described)
    assert not bare.runnable
    assert call(bare, n=1).is_error


@pytest.mark.parametrize(
    "parameters",
    [
        {"$ref": "#/definitions/Args", "definitions": {"Args": {"properties": {"city": {"type": "string"}}}}},
        {"anyOf": [{"properties": {"id": {"type": "integer"}}}, {"properties": {"city": {"type": "string"}}}]},
        {"allOf": [{"properties": {"city": {"type": "string"}}}]},
    ],
    ids=["$ref", "anyOf", "allOf"],
)
def test_parameters_that_stand_elsewhere_in_the_schema_may_be_given_and_no_others(parameters):
    whole = {"type": "object", "properties": {}, **parameters}
    schema = {"type": "function", "function": {"name": "f", "description": "Do.", "parameters": whole}}
    assert validate_arguments(schema, {"city": "北京"})[2] == []
    assert validate_arguments(schema, {"town": "北京"})[2] != []
