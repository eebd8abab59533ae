"""How a tool without sentences of its own is asked: its values as people say them, its task as a question."""

import re
from collections import Counter
from typing import Literal

import pytest

from agent.toolbox import all_tools
from agent.tools import tool
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.embedded_teacher.composing import Composer
from dataset_builder.embedded_teacher.phrases import shared_sentences
from dataset_builder.embedded_teacher.reading import Parameter, parameters_in_both, parameters_of, schema_in
from dataset_builder.embedded_teacher.split import SIDES
from dataset_builder.embedded_teacher.wording import measure_of, question_of, shape_of

NEW = ("own_task_with", "know", "know_with", "get", "get_with", "count", "measure", "measure_alone", "role", "day")


@tool(
    zh={
        "description": "查询某块田还要浇多少水。",
        "parameters": {
            "field": "田块名称",
            "depth": "水深（厘米）",
            "pumps": "台数",
            "day": "浇水日期",
            "way": "方式：d=滴灌，s=喷灌",
        },
    }
)
def water_needed(field: str, depth: float, pumps: int, day: str, way: Literal["d", "s"]) -> dict:
    """Say how much water a field still needs.

    Args:
        field: Name of the field.
        depth: Depth of the water in centimetres.
        pumps: Number of pumps.
        day: Day of the watering.
        way: Way: d=drip, s=sprinkler.
    """
    return {"litres": round(depth * pumps)}


@tool(zh={"description": "登记一位帮手。", "parameters": {"helper": "帮手姓名", "phone": "电话", "busy": "是否忙"}})
def enlist(helper: str, phone: str, busy: bool) -> dict:
    """Enlist a helper.

    Args:
        helper: The helper's name.
        phone: Phone number.
        busy: Whether the helper is busy.
    """
    return {"helper": helper}


def shapes(own, lang):
    both = parameters_in_both(own)
    return {
        one.name: shape_of(one, both[one.name], lang, unit_alone=False) for one in parameters_of(schema_in(own, lang))
    }


def test_a_value_has_the_shape_of_its_kind():
    assert shapes(water_needed, "en") == {
        "field": ("role", {"role": "field"}),
        "depth": ("measure", {"thing": "depth of the water", "unit": "centimetres"}),
        "pumps": ("count", {"noun": "pumps"}),
        "day": ("day", {}),
        "way": ("option", {}),
    }
    assert shapes(water_needed, "zh") == {
        "field": ("role", {"role": "田块"}),
        "depth": ("measure", {"thing": "水深", "unit": "厘米"}),
        "pumps": ("count", {"noun": "台"}),
        "day": ("day", {}),
        "way": ("option", {}),
    }
    assert shapes(enlist, "en") == {"helper": ("role", {"role": "helper"}), "phone": ("phone", {}), "busy": None}
    assert shapes(enlist, "zh") == {"helper": ("role", {"role": "帮手"}), "phone": ("phone", {}), "busy": None}


@pytest.mark.parametrize(
    ("description", "lang", "unit"),
    [
        ("Weight of the powder in grams.", "en", "grams"),
        ("Firing temperature in degrees Celsius.", "en", "degrees Celsius"),
        ("The weight.", "en", ""),
        ("釉粉重量（克）", "zh", "克"),
        ("重量", "zh", ""),
        ("备注（可以不填）", "zh", ""),
    ],
)
def test_a_unit_is_read_where_the_description_tells_it(description, lang, unit):
    assert measure_of(Parameter("x", {"type": "number", "description": description}, True), lang) == unit


@pytest.mark.parametrize(
    ("description", "lang", "asked"),
    [
        ("Say how much water a field needs.", "en", ("know", "how much water a field needs")),
        ("Find the shelf of a student.", "en", ("get", "the shelf of a student")),
        ("Book a firing.", "en", None),
        ("查询作品放在哪个架子上。", "zh", ("know", "作品放在哪个架子上")),
        ("计算需要的水量。", "zh", ("get", "需要的水量")),
        ("预约一次烧制。", "zh", None),
        ("Say how much water a field needs.", "zh", None),
    ],
)
def test_what_only_tells_something_is_asked_for_in_a_question(description, lang, asked):
    found = question_of(
        {"type": "function", "function": {"name": "f", "description": description, "parameters": {}}}, lang
    )
    assert found == (None if asked is None else (asked[0], {"question": asked[1]}))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_ones_own_tools_are_asked_in_many_ways_and_every_value_is_said(lang):
    teacher = EmbeddedTeacher(
        [water_needed, enlist], seed=1, languages=(lang,), mix={"single_call": 1}, hold_out="questions", companions=[]
    )
    asked = [question for question in teacher.questions(400) if question.plan.calls]
    assert len(asked) == 400
    shaped = Counter()
    for question in asked:
        for name, value in question.plan.calls[0].arguments.items():
            if isinstance(value, str) and not re.fullmatch("[ds]", value):
                assert value in question.user, (question.user, name)
            elif not isinstance(value, bool | str):
                assert str(value) in question.user, (question.user, name)
        shaped["unit"] += bool(re.search(r"\d (centimetre|pump)|\d ?(厘米|台)", question.user))
        shaped["question"] += "?" in question.user or "？" in question.user
    assert shaped["unit"] > 80
    assert shaped["question"] > 80
    openings = {question.user[:12] for question in asked}
    assert len(openings) > 40, "many ways to begin"
    assert not [question.user for question in asked if re.search(r"(?<![\d.])1 (pumps|centimetres)\b", question.user)]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_these_sentences_are_for_tools_without_their_own(lang):
    composers = [Composer(lang, side) for side in SIDES]
    for purpose in NEW:
        kept = [set(each.sentences[purpose]) for each in composers]
        assert all(kept), purpose
        assert not kept[0] & kept[1], purpose
        assert kept[0] | kept[1] == set(shared_sentences(lang)[purpose])
    said = " ".join(
        question.user for question in EmbeddedTeacher(all_tools(), seed=5, languages=(lang,)).questions(600)
    )
    assert ("A customer wants me to" if lang == "en" else "客人要我") not in said
