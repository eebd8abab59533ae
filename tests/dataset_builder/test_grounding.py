"""Grounding: what was said may be used; what nobody said is made up."""

import pytest

from dataset_builder.grounding import Said


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("北京明天的天气怎么样？", "北京"),
        ("把 1,200 美元换成人民币", 1200),
        ("三天后提醒我", 3),
        ("两百零三个苹果", 203),
        ("大约三千万人", 30_000_000),
        ("人口3.5万", 35_000),
        ("二〇二六年", 2026),
        ("三点五公里", 3.5),
        ("twenty-five dollars", 25),
        ("a dozen eggs", 12),
        ("two hundred miles", 200),
        ("折扣是25%", 0.25),
        ("打给 139-0013 8000", "139-0013 8000"),
        ("七点半叫我", "7:30"),
        ("下午3点开会", "15:00"),
        ("find hotels in New York under 150", "hotels new york 150"),
        ("Convert ５０ ｋｍ", 50),
        ("北京今天的天气", "北京天气"),
        ("what is 23 times 7?", "23 * 7"),
        ("早上八点二十叫我", "08:20"),
        ("下午三点五十分", "15:50"),
        ("七点四十五", "7:45"),
        ("三点一刻", "3:15"),
        ("八点十五", "08:15"),
        ("三千五", 3500),
        ("一万二", 12000),
        ("两百五", 250),
        ("一亿两千万", 120_000_000),
        ("3千块", 3000),
        ("5百万", 5_000_000),
        ("百分之五", 0.05),
        ("一个半小时", 90),
        ("三萬元", 30_000),
        ("兩百元", 200),
        ("138 0013 8000", "13800138000"),
        ("138-0013-8000", "13800138000"),
        ("learn C++ today", "C++"),
        ("say HELLO", "hello"),
        ("on 2026-03-04 please", "2026-03-04"),
        ("add 3, 4 and 5", [3, 4, 5]),
        ("from -5 to 5", -5),
        ("Tom lives in Paris", {"person": {"name": "Tom"}, "city": "Paris", "extra": None, "fast": True}),
    ],
)
def test_what_was_said_may_be_used(said, value):
    assert Said([said]).unsaid(value) is None


@pytest.mark.parametrize(
    ("said", "value", "unsaid"),
    [
        ("北京明天的天气怎么样？", "上海", "上海"),
        ("what is the weather?", "Paris", "Paris"),
        ("三天后提醒我", 4, 4),
        ("convert 100 km", {"amount": 100, "to": "furlong"}, "furlong"),
        ("what is 23 times 7?", "23 * 8", "23 * 8"),
        ("add 3, 4 and 5", [3, 4, 6], 6),
        ("find hotels in New York", "cheap five star hotels", "cheap five star hotels"),
        ("remind me", 0, 0),
        ("room 15", "5", "5"),
        ("等了13小时", "3小时", "3小时"),
        ("15:30开会", "5:30", "5:30"),
        ("一共110元", "10元", "10元"),
        ("11月3日", "1月3日", "1月3日"),
        ("15公里", "1.5", "1.5"),
        ("I like cats", "C++", "C++"),
        ("you must", "US", "US"),
        ("三千五", 3600, 3600),
    ],
)
def test_what_nobody_said_is_named(said, value, unsaid):
    assert Said([said]).unsaid(value) == unsaid


@pytest.mark.parametrize(
    ("results", "answer"),
    [
        (['{"temperature": 21.46}'], "It is 21.5 degrees, about 21."),
        (['{"items": ["a", "b", "c"]}'], "I found 3 of them:\n1. a\n2. b\n3. c"),
        (["1234567"], "1,234,567 people"),
        (["0.25"], "25%"),
        (["35000"], "大约3.5万"),
        (["晴"], "北京晴。"),
        (["晴"], "**1.** 北京晴\n②没有别的"),
        (["15:00"], "下午3点"),
        (['{"pm25": 35}'], "PM2.5 为 35"),
    ],
)
def test_an_answers_numbers_come_from_results(results, answer):
    said = Said(results)
    for result in results:
        said.add_counts(result)
    assert said.unsaid_number(answer) is None


def test_an_answers_invented_number_is_named():
    assert Said(['{"temperature": 21.46}']).unsaid_number("It is 22.5 degrees") == "22.5"
    assert Said(["晴"]).unsaid_number("北京25度") == "25"
