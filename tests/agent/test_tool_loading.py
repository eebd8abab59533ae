"""Tools by name: a file, a module or a list in JSON is read, or told in one line what is wrong with it."""

import json

import pytest

from agent.errors import UserError
from agent.tools import load_tools


def refused(path, text, words):
    """A file of this text is none that tools are loaded from, and the error names it and says why."""
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_tools(str(path))
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_json_tools_are_read_in_both_shapes(tmp_path):
    function = {
        "name": "a.b",
        "description": "x",
        "parameters": {"type": "dict", "properties": {"n": {"type": "float"}}},
    }
    path = tmp_path / "tools.json"
    path.write_text(
        json.dumps(
            [{"type": "function", "function": function}, {"name": "c", "family": "g", "zh": {"description": "丙"}}]
        )
    )
    first, second = load_tools(str(path))
    assert first.schema["function"]["parameters"] == {"type": "object", "properties": {"n": {"type": "number"}}}
    assert not first.runnable
    assert (second.family, second.localized("zh")["function"]["description"]) == ("g", "丙")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"items": [{"type": "int"}]}, {"prefixItems": [{"type": "integer"}]}),
        ({"items": [True], "additionalItems": False}, {"prefixItems": [True], "items": False}),
        ({"items": [], "additionalItems": {"type": "string"}}, {"items": {"type": "string"}}),
        ({"items": {"items": [{}]}}, {"items": {"prefixItems": [{}]}}),
        ({"anyOf": [{"items": [{}]}]}, {"anyOf": [{"prefixItems": [{}]}]}),
        ({"properties": {"default": {"items": [{}]}}}, {"properties": {"default": {"prefixItems": [{}]}}}),
        ({"$ref": "#/properties/v/items/0"}, {"$ref": "#/properties/v/prefixItems/0"}),
        ({"items": {}, "default": {"items": [1]}}, {"items": {}, "default": {"items": [1]}}),
        ({"properties": {"items": {"$ref": "#/$defs/items"}}}, {"properties": {"items": {"$ref": "#/$defs/items"}}}),
    ],
)
def test_tuples_of_older_drafts_are_brought_into_the_words_of_this_one(tmp_path, old, new):
    path = tmp_path / "tools.json"
    path.write_text(json.dumps([{"name": "f", "parameters": {"type": "object", "properties": {"v": old}}}]))
    (tool,) = load_tools(str(path))
    assert tool.schema["function"]["parameters"]["properties"]["v"] == new


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "is no JSON"),
        ("[]", "holds no tools"),
        ("[1]", "entry 1: is no function schema"),
        ('[{"name": "a"}, {"description": "b"}]', "entry 2: name must be a string"),
        ('[{"name": "a", "parameters": {"type": 5}}]', "entry 1 (a): parameters is no JSON Schema"),
        ('[{"name": "a", "parameters": "x"}]', "entry 1 (a): parameters must be a JSON Schema object"),
        ('[{"name": "a"}, {"name": "a"}]', "two tools are named 'a'"),
    ],
)
def test_a_broken_tool_list_names_file_and_entry(tmp_path, text, words):
    refused(tmp_path / "tools.json", text, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(:\n", "line 1"),
        ("import no_such_module_here\n", "importing it raised ModuleNotFoundError in line 1"),
        ("x = 1\n", "there is no tool in it"),
        ("from agent.tools import tool\n\n\n@tool\ndef f(x: int): ...\n", "in line 4: @tool: f needs a docstring"),
        ("import json\n\njson.loads('{')\n", "JSONDecodeError in line 3"),
    ],
)
def test_a_broken_tool_file_names_file_and_line(tmp_path, text, words):
    refused(tmp_path / "my_tools.py", text, words)


@pytest.mark.parametrize(
    "zh", ['"查询天气"', '{"description": 3}', '{"parameters": ["x"]}', '{"parameters": {"x": 1}}']
)
def test_a_translation_that_is_none_is_told_before_anything_runs(tmp_path, zh):
    schema = '{"name": "f", "description": "Do.", "parameters": {"type": "object", "properties": {}}'
    (tmp_path / "tools.json").write_text(f'[{schema}, "zh": {zh}}}]', "utf-8")
    with pytest.raises(UserError, match=r"tools\.json, tool f: zh.* must be"):
        load_tools(str(tmp_path / "tools.json"))
    text = f'from agent.tools import tool\n\n\n@tool(zh={zh})\ndef f() -> int:\n    """Do."""\n    return 1\n'
    (tmp_path / "my_tools.py").write_text(text, "utf-8")
    with pytest.raises(UserError, match=r"my_tools\.py, line 4, tool f: zh.* must be"):
        load_tools(str(tmp_path / "my_tools.py"))


def test_a_broken_module_of_tools_names_the_line_in_it(tmp_path, monkeypatch):
    (tmp_path / "broken_tools.py").write_text("from agent.tools import tool\n\n\n@tool\ndef f(x: int): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="in line 4: @tool: f needs a docstring"):
        load_tools("broken_tools")


@pytest.mark.parametrize("source", ["missing.py", "missing.json", "no.such.module", "", "..", "agent.errors"])
def test_a_source_that_is_none_says_what_may_be_named(source):
    with pytest.raises(UserError) as caught:
        load_tools(source)
    told = "put @tool" if source == "agent.errors" else "mcp:SERVER, or a JSON file"
    assert told in str(caught.value) or (source == "missing.json" and "no such file" in str(caught.value))
