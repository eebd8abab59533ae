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
from dataset_builder.embedded_teacher.reading import Parameter
from dataset_builder.embedded_teacher.split import SIDES
from dataset_builder.embedded_teacher.wording import measure_of, question_of, shapes_of

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


@tool(zh={"description": "订一条船。", "parameters": {"start": "开始日期", "end": "结束日期", "boat": "船名"}})
def rent_boat(
    start: str, end: str, boat: str, birthday: str = "", cabin: Literal["S", "L"] = "S", hours: int = 1
) -> dict:
    """Rent a boat.

    Args:
        start: First day.
        end: Last day.
        boat: Name of the boat.
        birthday: Date of birth.
        cabin: Size: S=small, L=large.
        hours: Place in line.
    """
    return {"boat": boat}


def test_a_value_has_the_shape_of_its_kind():
    assert shapes_of(water_needed, "en") == {
        "field": ("role", {"role": "field"}),
        "depth": ("measure_alone", {"thing": "depth of the water", "unit": "centimetres"}),
        "pumps": ("count", {"noun": "pumps"}),
        "day": ("day", {}),
        "way": ("option", {}),
    }
    assert shapes_of(water_needed, "zh") == {
        "field": ("role", {"role": "田块"}),
        "depth": ("measure_alone", {"thing": "水深", "unit": "厘米"}),
        "pumps": ("count", {"noun": "台"}),
        "day": ("day", {}),
        "way": ("option", {}),
    }
    assert shapes_of(enlist, "en") == {"helper": ("role", {"role": "helper"}), "phone": ("phone", {})}
    assert shapes_of(enlist, "zh") == {"helper": ("role", {"role": "帮手"}), "phone": ("phone", {})}


def test_a_shape_tells_which_parameter_is_meant():
    """Two days are told by their labels; so is what is no day of its own, and a number without a unit."""
    assert shapes_of(rent_boat, "en") == {"boat": ("role", {"role": "boat"}), "cabin": ("option", {})}
    assert shapes_of(rent_boat, "zh").keys() <= {"cabin"}


@pytest.mark.parametrize(
    ("description", "lang", "unit"),
    [
        ("Weight of the powder in grams.", "en", ("weight of the powder", "grams")),
        ("Firing temperature in degrees Celsius.", "en", ("firing temperature", "degrees Celsius")),
        ("The weight.", "en", None),
        ("Quantity in stock.", "en", None),
        ("釉粉重量（克）", "zh", ("釉粉重量", "克")),
        ("重量", "zh", None),
        ("备注（可以不填）", "zh", None),
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
        ("Return the rented bicycle to a station.", "en", None),
        ("Find the words in a text and replace them.", "en", None),
        ("Check if the lamp is on, and if so switch it off.", "en", None),
        ("查收新邮件。", "zh", None),
        ("查找并替换文本中的词。", "zh", None),
        ("查询一下余额。", "zh", ("get", "余额")),
        ("计算几何图形的面积。", "zh", ("get", "几何图形的面积")),
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
    assert shaped["unit"] > 60
    assert shaped["question"] > 60
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
