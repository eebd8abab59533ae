"""Laws of the sentence patterns and of reading tool schemas."""

import random

import pytest

from dataset_builder.embedded_teacher.kinds import kind_of
from dataset_builder.embedded_teacher.reading import Parameter, be, label_in, name_in, name_words, task_of
from dataset_builder.embedded_teacher.templates import choose, fill, may_lack, parse, slots


def test_a_pattern_gives_every_one_of_its_variants():
    made = {choose("(Add|Save) it[ now]", random.Random(seed)) for seed in range(60)}
    assert made == {"Add it", "Save it", "Add it now", "Save it now"}


def test_what_is_needed_stays_and_what_is_lacking_goes():
    pattern = "Book {room}[ on {date}][ at {time}]"
    for seed in range(40):
        text = choose(pattern, random.Random(seed), needed={"room", "date"}, without={"time"})
        assert text == "Book {room} on {date}"
    assert slots(pattern) == {"room", "date", "time"}
    assert may_lack(pattern, "date")
    assert not may_lack(pattern, "room")
    assert fill("Book {room}", {"room": "{x}"}.__getitem__) == "Book {x}"


@pytest.mark.parametrize("pattern", ["(a|b", "a)", "[a", "a]b", "a|b", "{a"])
def test_brackets_that_do_not_match_are_refused(pattern):
    with pytest.raises(ValueError, match="brackets do not match"):
        parse(pattern)


@pytest.mark.parametrize("name", ["sendParcel", "send_parcel", "send.parcel", "SendParcel", "send-parcel"])
def test_names_are_read_in_every_style(name):
    assert name_words(name) == ["send", "parcel"]
    assert name_in(name, "zh") == "发送包裹"


@pytest.mark.parametrize("name", ["p_member", "given_member", "memberArg"])
def test_what_a_renamed_parameter_has_around_it_is_not_said_in_chinese(name: str) -> None:
    assert name_in(name, "zh") == "成员"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("stops_left", "剩余站数"),
        ("hoursLeft", "剩余小时"),
        ("city", "城市"),
        ("xyzzy_left", "xyzzy left"),
        ("xyzzy", "xyzzy"),
    ],
)
def test_a_value_of_a_result_is_named_in_one_language(name: str, label: str) -> None:
    assert label_in(name, "zh") == label


@pytest.mark.parametrize(
    ("name", "description", "lang", "task"),
    [
        ("send_parcel", "Sends a parcel.", "en", "send a parcel"),
        ("send_parcel", "Sends a parcel.", "zh", "发送包裹"),
        ("x", "Returns the current price. Fast.", "en", "get the current price"),
        ("return_book", "Return a book.", "en", "return a book"),
        ("x", "Returns a list of prices", "en", "get a list of prices"),
        ("x", "Look up the weather (in a demo almanac).", "en", "look up the weather"),
        ("x", "Where a star stands", "en", "find out where a star stands"),
        ("x", "The weather of a city", "en", "get the weather of a city"),
        ("x", "该工具用于查询天气。", "zh", "查询天气"),
        ("get_weather", "查询天气（演示）", "en", "get weather"),
        ("frobnicate", "Twists the knob", "zh", "执行“frobnicate”"),
    ],
)
def test_a_task_reads_as_a_request(name, description, lang, task):
    schema = {"type": "function", "function": {"name": name, "description": description, "parameters": {}}}
    assert task_of(schema, lang) == task


@pytest.mark.parametrize(
    ("name", "description", "lang", "label"),
    [
        ("to", "The recipient's name, as written.", "en", "recipient's name"),
        ("to", "收件人：姓名", "zh", "收件人"),
        ("helmet", "Whether a helmet is wanted", "en", "helmet"),
        ("urgent", "是否紧急", "zh", "紧急"),
        ("startDate", "", "en", "start date"),
        ("recipient", "Who gets it", "zh", "收件人"),
        ("unit", "unit: km=kilometers, mi=miles", "en", "unit"),
    ],
)
def test_a_label_is_what_a_person_calls_it(name, description, lang, label):
    assert Parameter(name, {"type": "string", "description": description}, True).label(lang) == label


@pytest.mark.parametrize(
    ("label", "verb"),
    [
        ("hours", "are"),
        ("beats per minute", "are"),
        ("hours left", "are"),
        ("people", "are"),
        ("number of guests", "is"),
        ("radius", "is"),
        ("address", "is"),
        ("analysis", "is"),
        ("guest's", "is"),
    ],
)
def test_an_english_label_and_its_verb_agree(label: str, verb: str) -> None:
    assert be(label) == verb


def test_declared_words_stand_for_values():
    schema = {"enum": ["km", "mi"], "description": "单位：km=公里，mi=英里"}
    assert Parameter("unit", schema, True).words() == {'"km"': ["km", "公里"], '"mi"': ["mi", "英里"]}
    ended = {"enum": ["cup", "gal"], "description": "The unit: gal=gallons, cup=cups."}
    assert Parameter("unit", ended, True).words()['"cup"'] == ["cup", "cups"]
    switch = {"type": "boolean", "description": "switch: true=on, false=off"}
    assert Parameter("on", switch, True).words() == {"true": ["on"], "false": ["off"]}


@pytest.mark.parametrize(
    ("name", "schema", "kind"),
    [
        ("customer_email", {"type": "string"}, "email"),
        ("收件人", {"type": "string"}, "person"),
        ("when", {"type": "string", "format": "date"}, "iso_date"),
        ("visit_date", {"type": "string", "description": "Day of the visit, YYYY-MM-DD."}, "iso_date"),
        ("开始日期", {"type": "string", "description": "格式YYYY-MM-DD HH:MM"}, "moment"),
        ("visit_date", {"type": "string", "description": "Day of the visit."}, "date"),
        ("people", {"type": "integer"}, "integer:1:12"),
        ("level", {"type": "integer", "minimum": 3, "maximum": 7}, "integer:3:7"),
        ("x", {"anyOf": [{"type": "null"}, {"type": "number", "minimum": 5}]}, "number:5:200"),
        ("blob", {"type": "string"}, "free"),
    ],
)
def test_the_kind_of_a_value_is_guessed(name, schema, kind):
    assert kind_of(Parameter(name, schema, True)) == kind
