"""Laws of the embedded tools: described in two languages, quick, deterministic, safe, and each session to itself."""

import asyncio
import contextlib
import inspect
import json
import time
from datetime import date
from datetime import time as clock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.toolbox import all_tools
from agent.toolbox.calculation import calculate
from agent.toolbox.reading import read_date, read_time, tidy
from agent.toolbox.world import MAX_RECORDS, World, enter_world, new_world
from agent.tools import load_tools

TOOLS = all_tools()


def call(name: str, **arguments):
    tool = next(tool for tool in TOOLS if tool.name == name)
    return asyncio.run(tool.call(arguments))


def test_there_are_many_families_of_tools_with_names_of_their_own():
    assert len({tool.name for tool in TOOLS}) == len(TOOLS) >= 60
    assert len({tool.family for tool in TOOLS}) >= 24


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_is_described_in_both_languages_and_compactly(tool):
    english, chinese = tool.localized("en")["function"], tool.localized("zh")["function"]
    for one, is_chinese in ((english, False), (chinese, True)):
        texts = [
            one["description"],
            *(part["description"] for part in one["parameters"].get("properties", {}).values()),
        ]
        for text in texts:
            assert text
            assert any("\u4e00" <= character <= "\u9fff" for character in text) == is_chinese, text
    assert len(json.dumps(english)) < 800
    assert not inspect.iscoroutinefunction(tool.function)


def test_a_session_sees_only_its_own_notes():
    first, second = World(), World()
    with enter_world(first):
        assert not call("add_note", text="mine").is_error
    with enter_world(second):
        assert call("search_notes", word="mine").is_error
    with enter_world(first):
        assert json.loads(call("search_notes", word="mine").content)["notes"] == ["mine"]


def test_a_number_that_was_given_back_is_not_another_notes():
    with new_world():
        for text in "ab":
            call("add_note", text=text)
        call("delete_note", note_id=1)
        assert json.loads(call("add_note", text="c").content)["note_id"] == 3
        assert json.loads(call("delete_note", note_id=3).content)["text"] == "c"


def test_sorting_changes_no_number_and_a_product_keeps_its_digits():
    assert json.loads(call("sort_numbers", numbers=[3.142, 3.141, 2]).content) == {"sorted": [2, 3.141, 3.142]}
    assert json.loads(call("calculate", expression="2.5*1.25").content) == {"result": 3.125}


def test_one_hour_in_two_writings_is_booked_once():
    with new_world():
        booking = json.loads(call("book_room", room="A", date="2026-10-01", time="9:00").content)
        assert call("book_room", room="a", date="2026-10-01", time="09:00").is_error
        call("cancel_room", booking_id=booking["booking_id"].lower())
        assert not call("book_room", room="A", date="2026-10-01", time="09:00").is_error


def test_a_weekday_has_its_chinese_name():
    assert json.loads(call("weekday_of", date="2026-11-30").content)["weekday_zh"] == "星期一"


def test_exactly_the_tools_that_find_or_change_something_in_the_world_say_so():
    for tool in TOOLS:
        finds = "world()" in inspect.getsource(tool.function)
        assert tool.in_world == (finds or tool.side_effects), tool.name
        assert not tool.acts_outside, tool.name


def test_what_writes_a_real_file_acts_outside():
    assert [tool.name for tool in load_tools("agent.toolbox.memory") if tool.acts_outside] == [
        "remember",
        "revise_note",
        "forget_note",
    ]


def test_the_same_seed_gives_the_same_chance():
    results = []
    for _ in range(2):
        with new_world(seed=7, today=date(2026, 1, 2)):
            results.append([call("roll_dice", count=5).content, call("make_password", length=9).content])
            results[-1].append(call("get_weather", city="Oslo").content)
    assert results[0] == results[1]


def test_a_world_has_an_end():
    with new_world() as world:
        for number in range(MAX_RECORDS):
            world.add("notes", id=number, text="")
        assert call("add_note", text="one more").is_error


def test_what_the_demo_almanac_says_is_called_so():
    for name in ("get_weather", "air_quality"):
        tool = next(tool for tool in TOOLS if tool.name == name)
        assert "demo" in tool.schema["function"]["description"]
        assert "demo" in call(name, city="Lima").content


@pytest.mark.parametrize(
    ("expression", "value"),
    [("2+3*4", 14), ("(2+3)*4", 20), ("7/2", 3.5), ("2**10", 1024), ("-3 + 5", 2), ("6×7", 42), ("10 % 4", 2)],
)
def test_the_calculator_calculates(expression, value):
    assert calculate(expression) == {"result": value}


@pytest.mark.parametrize(
    "expression",
    ["1/0", "9**9**9", "__import__('os')", "(1).__class__", "a+1", "1+", "2**-0.5j", "(-8)**0.5", "1" * 300, "[1]*9"],
)
def test_the_calculator_refuses_the_rest(expression):
    with pytest.raises(ValueError, match=r".+"):
        calculate(expression)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1/3000000", 3.33333e-07),
        ("-1/3000000", -3.33333e-07),
        ("1/10**20", 1e-20),
        ("0.1+0.2-0.3", 0),
        ("1000.1-1000-0.1", 0),
        ("-(0.3-0.1-0.2)*10**20", 0),
        ("10**20+1-10**20", 1),
        ("10 % 4", 2),
        ("-7 % (2+1)", 2),
        ("1/3", 0.333333),
        ("1/8000", 0.000125),
    ],
)
def test_small_results_keep_their_digits_and_what_cancels_out_is_nothing(expression, value):
    assert calculate(expression) == {"result": value}


@pytest.mark.parametrize("expression", ["100-20%+5", "50*20%", "(20% )*50", "20%-5", "100×20％", "20%/2"])
def test_a_percentage_is_no_remainder(expression):
    with pytest.raises(ValueError, match="write a percentage as 20/100"):
        calculate(expression)


def test_a_long_sum_is_worked_out_once():
    started = time.monotonic()
    calculate("(" * 33 + ".1" + "-1)*2" * 33)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("value", "tidied"),
    [
        *[(2.345678, 2.35), (0.0012345678, 0.001235), (0.00012345678, 0.000123457), (2.54e-5, 2.54e-5), (0.5, 0.5)],
        *[(3.0, 3), (1e-6, 1e-6), (-273.15 + 273.15000000000003, 0), (0.0, 0), (-2.5e-8, -2.5e-8)],
    ],
)
def test_a_number_is_tidied_to_the_digits_that_tell_something(value, tidied):
    assert tidy(value) == tidied


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("it's a dog", "It's A Dog"),
        ("THE 3RD DAY, we’ll see", "The 3rd Day, We’ll See"),
        ("o'neill i'll", "O'Neill I'll"),
        ("well-known snake_case 'quoted' words", "Well-Known Snake_Case 'Quoted' Words"),
        ("你好 world\n\tnext  line", "你好 World\n\tNext  Line"),
        ("élan ǆ", "Élan ǅ"),
    ],
)
def test_a_title_has_large_letters_where_words_begin(text, title):
    assert json.loads(call("change_case", text=text, style="title").content) == {"text": title}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789+-*/%.()e_ab ×÷[]'", max_size=60))
def test_the_calculator_never_fails_otherwise(expression):
    with contextlib.suppress(ValueError):
        assert isinstance(calculate(expression)["result"], int | float)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("07:45", (7, 45)), ("7 am", (7, 0)), ("12am", (0, 0)), ("12:30 p.m.", (12, 30)), ("3:05pm", (15, 5)),
        ("下午3点半", (15, 30)), ("晚上八点", (20, 0)), ("15点20分", (15, 20)), ("中午12点", (12, 0)),
        ("十二点一刻", (12, 15)),
        ("夜里11点", (23, 0)), ("晚上1点", (1, 0)), ("晚上0点", (0, 0)), ("下午3:30", (15, 30)), ("零点", (0, 0)),
        ("三点二十", (3, 20)), ("八点四十五分", (8, 45)), ("晚上十点零五分", (22, 5)),
        ("noon", (12, 0)), ("7.30 pm", (19, 30)),
        ("晚上12点", (0, 0)), ("凌晨两点", (2, 0)), ("下午15点", (15, 0)), ("早上7点整", (7, 0)),
    ],
)  # fmt: skip
def test_times_of_day_are_read_as_people_say_them(text, told):
    assert read_time(text) == clock(*told)


@pytest.mark.parametrize(
    "text", ["25:00", "13 pm", "0:30 am", "9:5", "晚上", "二十五点", "noonish", "7点61分", "7.30", "下午0点"]
)
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(ValueError, match="not a time of day"):
        read_time(text)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("128 加 256", 384),
        ("100除以4", 25),
        ("9乘以(3减去1)", 18),
        ("12 plus 3 times 4", 24),
        ("10 divided by 4", 2.5),
        ("3 Plus 4 − 2", 5),
    ],
)
def test_sums_in_words_are_worked_out(text, result):
    assert calculate(text) == {"result": result}


@pytest.mark.parametrize("text", ["2026-03-14", "2026/3/14", "2026年3月14日", "14 March 2026", "March 14, 2026"])
def test_dates_are_read_as_people_write_them(text):
    assert read_date(text) == date(2026, 3, 14)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", 11), ("tomorrow", 12), ("The day after tomorrow", 13), ("yesterday", 10), ("大后天", 14),
        ("明天", 12),
        ("Friday", 13), ("Wednesday", 11), ("next Monday", 16), ("this Monday", 9), ("周五", 13), ("星期天", 15),
        ("下周一", 16), ("下个礼拜三", 18), ("本周一", 9), ("March 14", 14), ("the 14th of March", 14),
        ("14 March", 14),
        ("3月14日", 14), ("3 月 14 号", 14), ("三月十四日", 14), ("the 14th of March 2026", 14), ("Mar. 14", 14),
        ("day after tomorrow", 13), ("下下周一", 23), ("大前天", 8),
    ],
)  # fmt: skip
def test_days_are_read_as_they_are_told_from_today(text, day):
    with new_world(today=date(2026, 3, 11)):  # a Wednesday
        assert read_date(text) == date(2026, 3, day)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "someday", "", "14 Smarch 2026", "2月30日", "February 30", "周八", "Mayhem 14", "Decide 3"]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        read_date(text)
