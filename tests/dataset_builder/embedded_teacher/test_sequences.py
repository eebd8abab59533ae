"""Calls of which the second takes what the first returned, by the embedded teacher and by a build."""

import json
import random
from collections import Counter

import pytest

from agent.errors import UserError
from agent.toolbox import all_tools
from agent.tools import load_tools
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.embedded_teacher.reading import has_chinese, parameters_of
from dataset_builder.embedded_teacher.sequences import all_pairs, pairs_among
from dataset_builder.embedded_teacher.templates import choose, slots
from dataset_builder.grounding import Said
from dataset_builder.verify import why_not

from .laws import check_row  # isort: skip

TOOLS = {tool.name: tool for tool in all_tools()}
MIX = {"sequential_calls": 1}


@pytest.fixture(scope="module")
def made():
    teacher = EmbeddedTeacher(all_tools(), seed=0, mix=MIX)
    return [(question, teacher.solve(question)) for question in teacher.questions(800)]


def test_there_are_pairs_on_both_sides():
    sides = EmbeddedTeacher(all_tools(), seed=0).sides
    count = Counter(sides[TOOLS[pair.first].family] for pair in all_pairs())
    assert count["train"] >= 12
    assert count["test"] >= 6
    for pair in all_pairs():
        assert sides[TOOLS[pair.first].family] == sides[TOOLS[pair.second].family], "it would never be used"


@pytest.mark.parametrize("pair", all_pairs(), ids=lambda pair: f"{pair.first}-{pair.second}")
def test_each_sentence_of_a_pair_says_all_that_both_tools_need_but_what_is_passed_on(pair):
    first, second = parameters_of(TOOLS[pair.first].schema), parameters_of(TOOLS[pair.second].schema)
    assert pair.takes in {one.name for one in second}
    may = {one.name for one in first} | {f"{one.name}.2" for one in second}
    must = {one.name for one in first if one.required}
    must |= {f"{one.name}.2" for one in second if one.required and one.name not in (pair.takes, *pair.shared)}
    for lang, patterns in pair.requests.items():
        assert len(set(patterns)) >= 4
        for pattern in patterns:
            assert has_chinese(pattern) == (lang == "zh")
            assert must <= slots(pattern) <= may - {f"{pair.takes}.2"}, pattern
            for seed in range(12):  # whatever is left out, nothing that is needed is
                assert must <= slots(choose(pattern, random.Random(seed))), pattern


def test_the_second_call_takes_what_the_first_returned(made):
    for question, row in made:
        check_row(question, row)
        assert row.scenario == question.scenario == "sequential_calls"
        first, result, second, _, answer = row.messages[-5:]
        (one,), (two,) = first["tool_calls"], second["tool_calls"]
        onward = question.plan.onward
        assert [one["function"]["name"], two["function"]["name"]] == [question.plan.calls[0].name, onward.name]
        value = two["function"]["arguments"][onward.takes]
        assert value == json.loads(result["content"])[onward.gives]
        assert answer["content"]
        assert [message["role"] for message in row.messages].count("user") == 1


def test_the_rows_pass_the_checks_of_every_build(made):
    """All but those in which the result happens to be a number that the user said as well."""
    reasons = Counter(why_not(row.messages, row.tools, row.scenario) for _, row in made)
    assert reasons[None] >= 0.98 * len(made)
    assert set(reasons) <= {
        None,
        "scenario: sequential_calls calls for an argument that an earlier result gave and no user said",
    }


def test_every_pair_comes_in_both_languages_and_on_one_side_only(made):
    found, sides = Counter(), EmbeddedTeacher(all_tools(), seed=0).sides
    for question, _ in made:
        original = {tool.name: tool.original.name for tool in question.tools}
        found[original[question.plan.calls[0].name], original[question.plan.onward.name], question.lang] += 1
        assert {sides[tool.original.family] for tool in question.tools} == {question.split}
    assert set(found) == {(pair.first, pair.second, lang) for pair in all_pairs() for lang in ("en", "zh")}
    assert {question.split for question, _ in made} == {"train", "test"}


def test_what_is_passed_on_is_a_value_that_only_the_world_knew(made):
    unsaid = sum(
        Said([question.user]).unsaid(
            row.messages[-3]["tool_calls"][0]["function"]["arguments"][question.plan.onward.takes]
        )
        is not None
        for question, row in made
    )
    assert unsaid >= 0.98 * len(made)


def test_a_first_call_that_fails_is_not_followed_by_a_second():
    teacher = EmbeddedTeacher(all_tools(), seed=0, mix=MIX)
    question = next(one for one in teacher.questions(200) if one.plan.before)  # what it asks for is not there
    broken = type(question)(**{**vars(question), "plan": type(question.plan)(**{**vars(question.plan), "before": ()})})
    row = teacher.solve(broken)
    assert row.scenario == "tool_error"
    assert [message["role"] for message in row.messages[-4:]] == ["user", "assistant", "tool", "assistant"]


def test_the_default_mix_has_none(questions):
    assert not any(question.plan.onward for question in questions)


OWN = '''
from agent.tools import tool

@tool
def ping(host: str) -> dict:
    """Ping a host.

    Args:
        host: name of the host
    """
    return {"host": host}
'''


@pytest.mark.parametrize("mix", [{"sequential_calls": 1}, {"sequential_calls": 1, "single_call": 3}])
def test_tools_without_a_pair_are_refused_in_one_line(tmp_path, mix):
    path = tmp_path / "own.py"
    path.write_text(OWN, encoding="utf-8")
    with pytest.raises(UserError, match="sequential_calls"):
        EmbeddedTeacher(load_tools(str(path)), seed=0, mix=mix)


def test_a_mix_of_which_nothing_is_possible_is_refused_in_one_line(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN, encoding="utf-8")
    with pytest.raises(UserError, match=r"none of the scenarios of the mix \(tool_error\)") as refused:
        EmbeddedTeacher(load_tools(str(path)), seed=0, mix={"tool_error": 1})
    assert "single_call" in refused.value.mend


def test_a_pair_on_one_side_only_is_asked_for_there():
    tools = [tool for tool in all_tools() if tool.family in ("parcels", "notes", "weather", "units", "colors")]
    teacher = EmbeddedTeacher(tools, seed=0, mix=MIX, held_out_share=0.5)
    asked = list(teacher.questions(40))
    assert {question.split for question in asked} == {teacher.side_of("parcels")} == {teacher.side_of("colors")}


def test_a_tool_with_the_name_of_ours_makes_no_pair(tmp_path):
    schema = {"name": "track_parcel", "family": "parcels", "parameters": {"type": "object", "properties": {}}}
    path = tmp_path / "parcels.json"
    path.write_text(json.dumps([{**schema, "description": "Track all parcels"}]), encoding="utf-8")
    assert pairs_among([TOOLS["send_parcel"], *load_tools(str(path))]) == []
    assert len(pairs_among([TOOLS["send_parcel"], TOOLS["track_parcel"]])) == 1
