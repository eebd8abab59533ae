"""Schemas as llguidance takes them: nothing valid is lost, and nothing is left open for a weak model to fill."""

import json

import pytest

from agent.constrain.grammar import longest_option, shortest_call
from agent.constrain.layout import text_layout
from agent.models import load_model
from agent.tools import validate_arguments
from tests.agent.constrain.random_model import random_model, tool, written

pytest.importorskip("llguidance")
POINT = {"type": "object", "properties": {"x": {"type": "integer"}, "label": {"type": "string"}}, "required": ["x"]}
NAMED = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(random_model(tmp_path_factory.mktemp("random") / "model"))


def schema_of(parameters: dict) -> dict:
    return {"type": "function", "function": {"name": "f", "description": "f", "parameters": parameters}}


def call(arguments: dict) -> str:
    return f'<tool_call>\n{{"name": "f", "arguments": {json.dumps(arguments, ensure_ascii=False)}}}\n</tool_call>'


def can_write(model, parameters: dict, arguments: dict) -> bool:
    return written(model, call(arguments), 300, [schema_of(parameters)]) == call(arguments)


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        ({"allOf": [{"$ref": "#/$defs/P"}, {"$ref": "#/$defs/N"}]}, [{"x": 1, "label": "a", "name": "b"}]),
        ({"$ref": "#/$defs/P"}, [{"x": 1}, {"x": 1, "label": "a"}]),
        ({"anyOf": [{"$ref": "#/$defs/P"}, {"$ref": "#/$defs/N"}]}, [{"x": 1, "label": "a"}, {"name": "b"}]),
        ({"oneOf": [{"$ref": "#/$defs/P"}, {"$ref": "#/$defs/N"}]}, [{"x": 1, "label": "a"}, {"name": "b"}]),
        (
            {"properties": {"to": {"type": "string"}}, "required": ["to"], "allOf": [{"$ref": "#/$defs/P"}]},
            [{"to": "b", "x": 1, "label": "a"}, {"to": "b", "x": 1}],
        ),
        (
            {
                "properties": {"city": {"type": "string"}, "zip": {"type": "string"}},
                "anyOf": [{"required": ["city"]}, {"required": ["zip"]}],
            },
            [{"city": "a"}, {"zip": "b"}, {"city": "a", "zip": "b"}],
        ),
        (
            {"properties": {"at": {"$ref": "#/$defs/P", "properties": {"note": {"type": "string"}}}}},
            [{"at": {"x": 1, "label": "a", "note": "n"}}, {}],
        ),
        (
            {"properties": {"at": {"anyOf": [{"$ref": "#/$defs/P"}, {"type": "null"}]}}},
            [{"at": None}, {"at": {"x": 1}}],
        ),
        ({"properties": {"at": {"allOf": [{"$ref": "#/$defs/P"}]}}}, [{"at": {"x": 1, "label": "a"}}]),
    ],
)
def test_schemas_that_are_combined_keep_all_their_properties_and_get_no_others(model, parameters, arguments):
    whole = {"type": "object", **parameters, "$defs": {"P": POINT, "N": NAMED}}
    for given in arguments:
        assert validate_arguments(schema_of(whole), given)[2] == []
        assert can_write(model, whole, given), given
        assert not can_write(model, whole, {**given, "made_up": 1}), given
        if isinstance(given.get("at"), dict):
            assert not can_write(model, whole, {"at": {**given["at"], "made_up": 1}}), given


@pytest.mark.parametrize(
    ("inner", "value"),
    [
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ["a", "b"]),
        ({"type": "string", "format": "path"}, "/tmp/x"),
        ({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}]}, "1.5"),
        ({"type": "string", "pattern": r"^(a)\1\Z"}, "aa"),
        ({"oneOf": [{"$ref": "#/$defs/P"}, {"$ref": "#/$defs/N"}]}, {"x": 1}),
        ({"type": "string", "not": {"const": "x"}}, "y"),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "minProperties": 1}, {"a": "x"}),
    ],
    ids=["uniqueItems", "format", "lookahead", "backreference", "oneOf", "not", "minProperties"],
)
def test_what_llguidance_cannot_read_is_left_to_the_check(model, inner, value):
    parameters = {
        "type": "object",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"v": inner},
        "$defs": {"P": POINT, "N": NAMED},
    }
    model.check_constrained([schema_of(parameters)])
    assert can_write(model, parameters, {"v": value})


def test_a_pattern_and_a_format_that_it_can_read_are_held(model):
    parameters = {
        "type": "object",
        "properties": {
            "code": {"type": "string", "pattern": "^[A-Z]{3}$"},
            "day": {"type": "string", "format": "date"},
        },
    }
    assert can_write(model, parameters, {"code": "ABC", "day": "2026-01-31"})
    assert not can_write(model, parameters, {"code": "abc"})
    assert not can_write(model, parameters, {"day": "soon"})


def test_room_for_a_call_is_counted_in_the_letters_that_are_written():
    layout = text_layout("hermes")
    chinese = tool("订票", {"出发城市": {"enum": ["北京南站", "上海虹桥"]}, "备注": {"type": "string"}}, ["出发城市"])
    assert '"出发城市": "北京南站"' in shortest_call([chinese], layout)
    assert longest_option([chinese]) == ', "备注": "xxxx"'
    referring = schema_of({"type": "object", "properties": {"at": {"$ref": "#/$defs/P"}}, "required": ["at"]})
    referring["function"]["parameters"]["$defs"] = {"P": POINT}
    assert '{"at": {"x": 1000}}' in shortest_call([referring], layout)


def test_a_schema_that_refers_to_itself_is_measured():
    node = {"type": "object", "properties": {f"next_{n}": {"$ref": "#/$defs/N"} for n in range(4)}}
    parameters = {"$ref": "#/$defs/N", "$defs": {"N": node}}
    assert longest_option([schema_of(parameters)])


def test_two_chinese_calls_are_written_within_the_room_for_two(model):
    keys = ("出发城市名称", "到达城市名称", "乘客真实姓名", "座位等级要求")
    parameters = {"type": "object", "properties": {key: {"type": "string"} for key in keys}, "required": list(keys)}
    both = "\n".join(call(dict.fromkeys(keys, city)) for city in ("北京", "上海"))
    room = len(model.tokenizer(both)["input_ids"]) + 80
    assert written(model, both, room, [schema_of(parameters)]) == both
