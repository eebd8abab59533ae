"""Laws of the embedded teacher's rows over the embedded tools."""

import asyncio
import hashlib
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter

import pytest

from agent.errors import UserError
from agent.toolbox import all_tools
from dataset_builder.embedded_teacher import DEFAULT_MIX, EmbeddedTeacher
from dataset_builder.embedded_teacher.answering import said as as_said
from dataset_builder.embedded_teacher.further import Further
from dataset_builder.embedded_teacher.offering import near_to
from dataset_builder.embedded_teacher.phrases import phrases_for
from dataset_builder.embedded_teacher.reading import has_chinese, parameters_of, task_of
from dataset_builder.embedded_teacher.teacher import HELD_OUT_MULTI_TURN
from dataset_builder.embedded_teacher.templates import slots

from .laws import check_row  # isort: skip


def test_every_row_is_sound_and_every_argument_was_said(solved):
    for question, conversation in solved:
        check_row(question, conversation)


def test_the_mix_is_the_declared_one(questions):
    for side, several in (("train", 1.0), ("test", HELD_OUT_MULTI_TURN)):
        counts = Counter(question.scenario for question in questions if question.split == side)
        wanted = {**DEFAULT_MIX, "multi_turn": DEFAULT_MIX["multi_turn"] * several}
        for scenario, share in wanted.items():
            assert abs(counts[scenario] / counts.total() - share / sum(wanted.values())) < 0.05, (side, scenario)
    assert Counter(question.lang for question in questions) == {"en": 1500, "zh": 1500}


def test_hardly_any_question_is_asked_twice(questions):
    texts = [" ".join(question.user.split()) for question in questions]
    assert len(texts) - len(set(texts)) < 0.01 * len(texts)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_rows_in_another_process():
    program = (
        "import hashlib, json\n"
        "from agent.toolbox import all_tools\n"
        "from dataset_builder.embedded_teacher import EmbeddedTeacher\n"
        "teacher = EmbeddedTeacher(all_tools(), seed=5)\n"
        "rows = [teacher.solve(question) for question in teacher.questions(30)]\n"
        "text = json.dumps([[row.messages, row.tools] for row in rows], ensure_ascii=False)\n"
        "print(hashlib.sha256(text.encode()).hexdigest())\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    teacher = EmbeddedTeacher(all_tools(), seed=5)
    rows = [teacher.solve(question) for question in teacher.questions(30)]
    text = json.dumps([[row.messages, row.tools] for row in rows], ensure_ascii=False)
    assert done.stdout.strip() == hashlib.sha256(text.encode()).hexdigest()


def test_another_seed_gives_other_rows(questions):
    others = EmbeddedTeacher(all_tools(), seed=21).questions(300)
    assert len({question.user for question in others} & {question.user for question in questions}) < 10


def test_every_tool_is_asked_for_and_runs(solved, questions):
    asked = {tool.original.name for question in questions for tool in question.tools for turn in question.turns
             for call in turn.plan.calls if call.name == tool.name}  # fmt: skip
    assert asked == {tool.name for tool in all_tools()}
    surprises = 0
    for question, conversation in solved:
        failed = any(m["role"] == "tool" and m["content"].startswith("Error") for m in conversation.messages)
        assert failed == (conversation.scenario == "tool_error"), (question.user, conversation.messages)
        surprises += conversation.scenario != question.scenario
    assert surprises < 0.01 * len(solved)


def test_each_scenario_does_what_it_says(solved):
    for question, conversation in solved:
        turns = [message for message in conversation.messages if message["role"] == "assistant"]
        calls = [len(turn.get("tool_calls", [])) for turn in turns]
        if question.scenario in ("no_suitable_tool", "chat"):
            assert calls == [0], question.user
        elif question.scenario == "missing_parameter":
            assert calls in ([0], [0, 1, 0]), question.user
        elif question.scenario == "parallel_calls":
            assert calls in ([2, 0], [3, 0]), question.user
        elif question.scenario == "multi_turn":
            assert len(question.turns) > 1
            assert [turn.user for turn in question.turns] == [
                m["content"] for m in conversation.messages if m["role"] == "user"
                and m["content"] not in {turn.plan.follow_up for turn in question.turns}
            ]  # fmt: skip
        else:
            assert calls == [1, 0], question.user


def test_a_refusal_is_only_given_where_no_tool_of_that_family_is_offered(questions):
    for question in questions:
        if question.scenario == "no_suitable_tool":
            assert question.family not in {tool.family for tool in question.tools}


def test_a_later_request_is_refused_only_where_nothing_offered_could_serve(teacher):
    """The refused tool's family is drawn from those that are near to none of the offered ones."""
    for lang in ("en", "zh"):
        scenarios = teacher._scenarios[lang, "train"]
        for seed in range(60):
            rng = random.Random(seed)
            offered = scenarios.offering.among_others([], rng)
            further = Further(scenarios, offered)
            families = {tool.family for tool in offered}
            assert not families & {family for tool in further._strangers for family in near_to(tool.family)}
            if offered:
                turn = further.turn(rng)
                assert {call.name for call in turn.plan.calls} <= {tool.name for tool in offered}


def test_the_missing_parameter_is_required_and_asked_for_by_its_name(questions):
    for question in questions:
        if question.scenario == "missing_parameter":
            named = [
                tool.label(one.name, question.lang)
                for tool in question.tools
                for one in parameters_of(tool.schema)
                if one.name == question.plan.missing and one.required
            ]
            assert any(label in question.plan.reply for label in named), question.plan
            assert not re.search(r"\b(p|arg|given)\b", question.plan.reply), question.plan
            assert question.lang == "en" or not re.search("[a-z]", question.plan.reply), question.plan


def _asked(teacher, name, lang, count=60):
    tool = next(tool for tool in all_tools() if tool.name == name)
    return [teacher._scenarios[lang, "train"].ask(tool, random.Random(seed)) for seed in range(count)]


def test_a_light_that_is_switched_off_is_given_no_brightness(teacher):
    asked = [one.arguments for one in _asked(teacher, "switch_light", "en")]
    assert not [call for call in asked if "brightness" in call and not call["on"]]
    assert {True, False} == {call["on"] for call in asked}
    assert any("brightness" in call for call in asked)


def test_letters_are_what_is_changed_to_upper_case(teacher):
    texts = [one.arguments["text"] for one in _asked(teacher, "change_case", "zh")]
    assert all(re.search("[a-zA-Z]", text) for text in texts)


def test_what_is_held_and_invited_to_is_a_noun_in_chinese(teacher):
    asked = _asked(teacher, "add_event", "zh") + _asked(teacher, "invite_guests", "zh")
    assert not [one.text for one in asked if re.search("看牙医|搬家|拍照|献血|看房|参观", one.text)]


def test_a_decimal_number_is_written_in_another_base(teacher):
    assert 10 not in {one.arguments["base"] for one in _asked(teacher, "to_base", "en")}


def test_only_several_passengers_are_us(teacher):
    asked = [one for one in _asked(teacher, "order_taxi", "en", 200) if one.text.startswith("Pick ")]
    assert {" us up " in one.text for one in asked} == {True, False}
    assert all((" us up " in one.text) == ("passengers" in one.arguments) for one in asked)


def test_nothing_is_asked_of_a_single_one_of_many(teacher):
    for name in ("borrow_book", "book_hotel", "rate_restaurant", "buy_tickets", "roll_dice", "set_timer"):
        assert not [one.text for one in _asked(teacher, name, "en") if re.search(r"\b1 [a-z]+s\b", one.text)]


@pytest.mark.parametrize("tool", all_tools(), ids=lambda tool: tool.name)
def test_a_chinese_task_can_follow_please(tool):
    assert not task_of(tool.localized("zh"), "zh").startswith("求")  # 请求 would be another word
    assert not re.search(r"demo|fixed table", task_of(tool.schema, "en"))  # users do not say how a tool is made


def test_answers_state_values_of_the_results_and_no_other_numbers(solved):
    for question, conversation in solved:
        if question.scenario not in ("single_call", "parallel_calls"):
            continue
        results = " ".join(m["content"] for m in conversation.messages if m["role"] == "tool")
        answer = conversation.messages[-1]["content"]
        for number in re.findall(r"\d+(?:\.\d+)?", answer):
            assert number in results, (answer, results)
        values = [as_said(part, question.lang) for m in conversation.messages if m["role"] == "tool"
                  for part in json.loads(m["content"]).values()]  # fmt: skip
        assert any(value in answer for value in values), (answer, results)


def test_chinese_rows_are_chinese(solved):
    for question, conversation in solved:
        if question.lang == "zh":
            for message in conversation.messages:
                if message["role"] in ("user", "assistant") and message["content"]:
                    text = message["content"]
                    told = {turn.plan.follow_up for turn in question.turns}
                    assert has_chinese(text) or text in told, text
                    assert not re.search(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){3,}", text), text
            assert re.search("[。！？，]", conversation.messages[-1]["content"])


def test_english_rows_are_english(solved):
    for question, conversation in solved:
        if question.lang == "en":
            for message in conversation.messages:
                assert message["role"] == "tool" or not has_chinese(message["content"]), message


@pytest.mark.parametrize("tool", all_tools(), ids=lambda tool: tool.name)
def test_every_tool_has_five_phrasings_in_each_language(tool):
    phrases = phrases_for(tool)
    names = {one.name for one in parameters_of(tool.schema)}
    required = {one.name for one in parameters_of(tool.schema) if one.required}
    for lang in ("en", "zh"):
        assert len(set(phrases.requests[lang])) >= 5
        assert phrases.answers[lang]
        for pattern in phrases.requests[lang]:
            assert required <= slots(pattern) <= names, pattern
        for pattern in phrases.both.get(lang, []):
            assert required <= {name.removesuffix(".2") for name in slots(pattern)} <= names, pattern
        assert bool(phrases.failures.get("en")) == bool(phrases.failures.get("zh"))


def test_a_variant_runs_the_original(solved):
    renamed = [
        (q, c) for q, c in solved for tool in q.tools if tool.names and any(k != v for k, v in tool.names.items())
    ]
    assert len(renamed) > 200
    question, _ = renamed[0]
    tool = next(tool for tool in question.tools if any(shown != own for shown, own in tool.names.items()))
    assert set(tool.names) == set(tool.schema["function"]["parameters"]["properties"])
    result = asyncio.run(tool.call({"no such parameter": 1}))
    assert result.is_error


@pytest.mark.parametrize(
    ("options", "word"),
    [({"languages": ("fr",)}, "fr"), ({"languages": ()}, "language"), ({"mix": {"singing": 1.0}}, "singing")],
)
def test_what_the_teacher_cannot_do_is_said_in_one_line(options, word):
    with pytest.raises(UserError, match=word):
        EmbeddedTeacher(all_tools(), seed=0, **options)


def test_no_tools_are_refused():
    with pytest.raises(UserError, match="no tools"):
        EmbeddedTeacher([], seed=0)
