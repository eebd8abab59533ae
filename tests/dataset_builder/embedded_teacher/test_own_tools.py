"""The teacher on tools that are nothing like ours: described in one language only, oddly typed, or only schemas."""

import json
import re

import pytest

from agent.errors import UserError
from agent.tools import load_tools
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.embedded_teacher.reading import has_chinese

from .laws import check_row  # isort: skip

ENGLISH = '''
from typing import Literal
from agent.tools import tool

@tool
def rent_bicycle(station: str, hours: int, helmet: bool = False) -> dict:
    """Rents a bicycle at one of the stations.

    Args:
        station: The station where the bicycle is picked up.
        hours: For how many hours.
        helmet: Whether a helmet is wanted.
    """
    return {"rental_id": 77, "station": station, "hours": hours}

@tool
def file_ticket(customer_email: str, title: str, severity: Literal["low", "medium", "high"] = "low",
                labels: list[str] | None = None) -> dict:
    """Open a support ticket for a customer.

    Args:
        customer_email: E-mail of the customer
        title: Short summary of the problem
        severity: How bad it is
        labels: Labels to attach
    """
    return {"ticket": "T-118", "severity": severity}

@tool
async def star_position(star: str, observed_on: str) -> str:
    """Where a star stands in the sky.

    Args:
        star: Name of the star
        observed_on: Date of observation, YYYY-MM-DD
    """
    return f"{star} stands at 41.5 degrees"

@tool
def divide(a: float, b: float) -> float:
    """Divide one number by another. Raises where {b} is 0.

    Args:
        a: what to divide
        b: what to divide by
    """
    return a / b

@tool
def empty_bin() -> None:
    """Empties the bin."""
'''

CHINESE = '''
from typing import Literal
from agent.tools import tool

@tool
def borrow_umbrella(student_id: str, days: int = 1) -> dict:
    """借用校园雨伞。

    Args:
        student_id: 学号
        days: 借用天数
    """
    return {"雨伞编号": 12, "days": days}

@tool
def query_bus(line: str, direction: Literal["上行", "下行"]) -> str:
    """查询公交车的到站时间。

    Args:
        line: 线路名称
        direction: 行驶方向
    """
    return f"{line}还有5分钟到站"

@tool
def report_repair(dormitory: str, problem: str, urgent: bool = False) -> dict:
    """该工具用于报修宿舍设施。

    Args:
        dormitory: 宿舍楼和房间号
        problem: 问题描述
        urgent: 是否紧急
    """
    return {"工单": "W20", "dormitory": dormitory}

@tool
def plan_study(course: str, chapters: list[int], start_date: str) -> dict:
    """制定学习计划

    Args:
        course: 课程名称
        chapters: 要学习的章节
        start_date: 开始日期，格式YYYY-MM-DD
    """
    raise RuntimeError("计划服务没有开放")
'''


def _parameters(**properties):
    return {"type": "object", "properties": properties, "required": list(properties)}


SCHEMAS = [
    {
        "name": "createShipment",
        "description": "Create a shipment.",
        "parameters": _parameters(
            destination={
                "type": "object",
                "description": "Where it goes",
                "properties": {
                    "city": {"type": "string"},
                    "postcode": {"type": "string", "description": "Postal code"},
                },
                "required": ["city", "postcode"],
            },
            parcels={
                "type": "array",
                "description": "Parcels",
                "items": {"type": "object", "properties": {"kg": {"type": "number"}}, "required": ["kg"]},
            },
            express={"type": ["boolean", "null"]},
        ),
    },
    {
        "name": "set_dial",
        "description": "",
        "parameters": _parameters(
            level={"type": "integer", "minimum": 3, "maximum": 7},
            ratio={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            when={"type": "string", "format": "date-time"},
            unit={"anyOf": [{"type": "null"}, {"type": "string", "enum": ["bar", "psi"]}]},
        ),
    },
    {"name": "ping", "description": "Ping the server"},
]


@pytest.fixture(params=["english", "chinese", "schemas"])
def own_tools(request, tmp_path):
    if request.param == "schemas":
        path = tmp_path / "tools.json"
        path.write_text(json.dumps(SCHEMAS), encoding="utf-8")
    else:
        path = tmp_path / f"{request.param}_tools.py"
        path.write_text(ENGLISH if request.param == "english" else CHINESE, encoding="utf-8")
    return load_tools(str(path))


def test_any_tools_make_sound_rows_in_both_languages(own_tools):
    teacher = EmbeddedTeacher(own_tools, seed=3)
    called = set()
    for question in teacher.questions(200):
        conversation = teacher.solve(question)
        check_row(question, conversation)
        if question.lang == "zh":
            assert has_chinese(question.user)
            assert re.search("[，。！？：]", question.user)
        called |= {
            tool.original.name for tool in question.tools if tool.name in {call.name for call in question.plan.calls}
        }
    assert called == {tool.name for tool in own_tools}


def test_a_tool_that_fails_is_told_honestly(tmp_path):
    path = tmp_path / "tools.py"
    path.write_text(CHINESE, encoding="utf-8")
    tools = [tool for tool in load_tools(str(path)) if tool.name == "plan_study"]
    teacher = EmbeddedTeacher(tools, seed=3, mix={"single_call": 1.0})
    for question in teacher.questions(20):
        conversation = teacher.solve(question)
        assert conversation.scenario == "tool_error"
        assert "计划服务没有开放" in conversation.messages[-1]["content"]


def test_few_tools_stand_among_companions_that_are_never_called(own_tools):
    teacher = EmbeddedTeacher(own_tools, seed=3)
    own = {tool.name for tool in own_tools}
    others = 0
    for question in teacher.questions(200):
        called = {call.name for call in question.plan.calls}
        assert {tool.original.name for tool in question.tools if tool.name in called} <= own
        others += any(tool.original.name not in own for tool in question.tools)
    assert others > 100


def test_a_tool_no_sentence_can_satisfy_is_named(tmp_path):
    schema = {"name": "odd", "description": "Odd", "parameters": _parameters(x={"type": "string", "pattern": "^zzz$"})}
    path = tmp_path / "odd.json"
    path.write_text(json.dumps([schema]), encoding="utf-8")
    teacher = EmbeddedTeacher(load_tools(str(path)), seed=0, mix={"single_call": 1.0})
    with pytest.raises(UserError, match="odd"):
        list(teacher.questions(1))


def test_a_tool_with_the_name_of_ours_is_not_taken_for_ours(tmp_path):
    schema = {
        "name": "add_note",
        "family": "notes",
        "parameters": _parameters(pitch={"type": "string", "description": "Pitch"}),
    }
    path = tmp_path / "music.json"
    path.write_text(json.dumps([{**schema, "description": "Add a note to the score"}]), encoding="utf-8")
    teacher = EmbeddedTeacher(load_tools(str(path)), seed=0, mix={"single_call": 1.0}, variants=0.0)
    for question in teacher.questions(20):
        assert [set(call.arguments) for call in question.plan.calls] == [{"pitch"}]
