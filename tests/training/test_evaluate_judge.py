"""Laws of judging: exact, once, and fair to every model."""

import copy

import pytest

from training.evaluate.counting import count, share
from training.evaluate.decisions import decisions_of
from training.evaluate.judge import Written, canonical, judge, numbers, values

RIGHT = {"name": "add", "arguments": {"a": 3, "b": 2}}


@pytest.fixture
def act(rows):
    return next(one for one in decisions_of(rows) if one.kind == "act" and one.gold_calls == [RIGHT])


@pytest.fixture
def answer(rows):
    return next(one for one in decisions_of(rows) if one.kind == "answer" and one.results == ["5"])


def calls(*found):
    return Written("", [dict(one) for one in found], [])


def test_a_conversation_with_one_call_holds_two_decisions(rows):
    found = decisions_of(rows[:1])
    assert [(one.kind, one.turn, len(one.prompt)) for one in found] == [("act", 1, 1), ("answer", 3, 3)]


def test_a_turn_that_is_not_to_be_learned_is_no_decision(rows):
    rows[0]["messages"][1]["train"] = False
    assert [one.kind for one in decisions_of(rows[:1])] == ["answer"]


def test_the_gold_reply_is_right_in_every_measure(rows):
    for decision in decisions_of(rows):
        verdict = judge(decision, Written(decision.gold["content"], decision.gold_calls, []))
        assert verdict.pop("over_calling", False) is False
        assert all(verdict.values())


def test_numbers_are_equal_as_json_and_nothing_is_fuzzier(act):
    def right(arguments):
        return judge(act, calls({"name": "add", "arguments": arguments}))["right_arguments"]

    assert right({"b": 2.0, "a": 3.0})
    assert not right({"a": "3", "b": 2})
    assert not right({"a": 3})
    assert not right({"a": 3, "b": 2, "c": None})
    assert canonical(1) == canonical(1.0) != canonical(True)
    assert canonical("北京，朝阳区") != canonical("北京,朝阳区")


@pytest.mark.parametrize(
    ("written", "valid", "tool", "arguments", "over"),
    [
        (calls(RIGHT), True, True, True, False),
        (calls({"name": "add", "arguments": {"a": 3, "b": 4}}), True, True, False, False),
        (calls({"name": "add", "arguments": {"a": "three", "b": 2}}), False, True, False, False),
        (calls({"name": "add", "arguments": {"a": "3", "b": 2}}), False, True, False, False),
        (calls({"name": "subtract", "arguments": {}}), False, False, False, False),
        (calls(RIGHT, RIGHT), True, False, False, True),
        (Written("", [dict(RIGHT)], ["half a call"]), False, True, False, False),
        (Written("It is 5.", [], []), False, False, False, False),
    ],
)
def test_each_measure_asks_its_own_question(act, written, valid, tool, arguments, over):
    verdict = judge(act, written)
    assert (verdict["valid_call"], verdict["right_tool"], verdict["right_arguments"]) == (valid, tool, arguments)
    assert verdict["over_calling"] is over
    assert verdict["decision"] is arguments


def test_the_order_of_parallel_calls_does_not_count(rows):
    other = {"name": "add", "arguments": {"a": 7, "b": 7}}
    row = copy.deepcopy(rows[0])
    row["messages"] = row["messages"][:2]
    call = row["messages"][1]["tool_calls"][0]
    row["messages"][1]["tool_calls"] = [{**call, "function": RIGHT}, {**call, "id": "abcdefgh2", "function": other}]
    (decision,) = decisions_of([row])
    assert judge(decision, calls(other, RIGHT))["parallel"]
    assert not judge(decision, calls(RIGHT))["parallel"]
    assert not judge(decision, calls(RIGHT, RIGHT))["parallel"]


@pytest.mark.parametrize(
    ("written", "right"),
    [
        (Written("I have no tool for that.", [], []), True),
        (Written("", [], []), False),
        (Written("babble", [], [], ended=False), False),
        (Written("<tool_call>", [], ["half a call"]), False),
        (calls(RIGHT), False),
    ],
)
def test_abstaining_is_a_reply_in_words_that_ends(rows, written, right):
    row = {**rows[0], "messages": [rows[0]["messages"][0], {"role": "assistant", "content": "No."}]}
    (decision,) = decisions_of([row])
    verdict = judge(decision, written)
    assert verdict["right_abstention"] is verdict["decision"] is right
    assert "valid_call" not in verdict
    assert "right_arguments" not in verdict


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("It is 5.", True),
        ("3 + 2 = 5", True),
        ("５", True),
        ("It is 5.0", True),
        ("It is five.", False),
        ("It is 6.", False),
        ("It is 5, or 6.", False),
        ("It is -5.", False),
    ],
)
def test_an_answer_states_the_result_and_no_other_number(answer, said, right):
    assert judge(answer, Written(said, [], []))["right_answer"] is right


def test_an_answer_repeats_the_texts_that_the_right_one_repeats(rows):
    row = rows[0]
    row["messages"][2]["content"] = '{"city": "Turin", "weather": "rain", "degrees": 12}'
    row["messages"][3]["content"] = "Rain in Turin."
    decision = decisions_of([row])[1]
    assert judge(decision, Written("Turin: rain, 12 degrees", [], []))["right_answer"]
    assert not judge(decision, Written("Sun in Turin", [], []))["right_answer"]


@pytest.mark.parametrize("repair", ["name misspelt", "arguments beside the name", "missing closing tag"])
def test_a_call_that_had_to_be_mended_is_not_exact(act, repair):
    verdict = judge(act, Written("", [dict(RIGHT)], [], repairs=[repair]))
    assert not verdict["valid_call"]
    assert not verdict["right_arguments"]
    assert not verdict["decision"]
    assert verdict["right_tool"] is ("name" not in repair)


def test_a_right_call_that_never_ends_is_not_exact(act):
    assert not judge(act, Written("", [dict(RIGHT)], [], ended=False))["decision"]


def test_a_default_may_be_said_or_left_out(rows, act):
    row = copy.deepcopy(rows[act.row])
    parameters = row["tools"][0]["function"]["parameters"]
    assert row["tools"][0]["function"]["name"] == "add"
    parameters["properties"]["digits"] = {"type": "integer", "description": "digits", "default": 2}
    parameters["required"] = ["a", "b"]
    decision = decisions_of([row])[0]

    def right(arguments):
        return judge(decision, calls({"name": "add", "arguments": arguments}))["right_arguments"]

    assert right({"a": 3, "b": 2, "digits": 2})
    assert right({"a": 3, "b": 2, "digits": 2.0})
    assert not right({"a": 3, "b": 2, "digits": 3})
    assert judge(decision, calls({"name": "add", "arguments": {"a": 3, "b": 2, "digits": 2.0}}))["valid_call"]
    parameters["required"] = ["a", "b", "digits"]  # whoever needs it said takes nothing for granted
    assert not right({"a": 3, "b": 2, "digits": 2})


def _answer_to(rows, result, gold, question="Say it."):
    row = copy.deepcopy(rows[0])
    row["messages"][0]["content"] = question
    row["messages"][1]["tool_calls"][0]["id"] = "a1b2C3d4E"
    row["messages"][2] = {**row["messages"][2], "content": result, "tool_call_id": "a1b2C3d4E"}
    row["messages"][3]["content"] = gold
    return decisions_of([row])[1]


def test_an_answer_of_which_nothing_can_be_checked_is_not_counted(rows):
    decision = _answer_to(rows, "Error: ValueError: nothing found for lamp", "Sorry, there is none.")
    assert judge(decision, Written("Removed.", [], [])) == judge(decision, Written("", [], [])) == {}


def test_a_number_out_of_a_calls_id_comes_from_nowhere(rows):
    decision = _answer_to(rows, '{"removed": "台灯", "left": 1}', "已移除台灯，还剩1件。")
    assert judge(decision, Written("台灯移除了，还剩1件", [], []))["right_answer"]
    assert not judge(decision, Written("已移除台灯，还剩1件，退款4元。", [], []))["right_answer"]


def test_a_number_of_a_date_is_not_the_result(rows):
    question = "From 2024-03-01 to 2024-03-04?"
    decision = _answer_to(rows, '{"days": 3}', "From 2024-03-01 to 2024-03-04 it is 3 days.", question)
    assert judge(decision, Written("3 days", [], []))["right_answer"]
    assert judge(decision, Written("2024年3月1日到2024年3月4日是3天", [], []))["right_answer"]
    assert not judge(decision, Written("From 2024-03-01 to 2024-03-04 it is 4 days.", [], []))["right_answer"]


@pytest.mark.parametrize("said", ["今天是-3度", "气温 -3 度", "-3°C"])
def test_a_minus_behind_chinese_words_is_read(rows, said):
    decision = _answer_to(rows, '{"degrees": -3}', "今天-3度。")
    assert judge(decision, Written(said, [], []))["right_answer"]
    assert not judge(decision, Written("今天3度", [], []))["right_answer"]


def test_a_further_call_after_a_result_is_to_be_decided_too(rows, act):
    row = copy.deepcopy(rows[act.row])
    user, call, result, answer = row["messages"]
    second = copy.deepcopy(call)
    second["tool_calls"][0]["id"] = "abcdefgh9"
    row["messages"] = [user, call, result, second, {**result, "tool_call_id": "abcdefgh9"}, answer]
    found = decisions_of([row])
    assert [(one.kind, one.turn) for one in found] == [("act", 1), ("act", 3), ("answer", 5)]
    assert judge(found[1], calls(RIGHT))["decision"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024-05-01 and 7", {(2024, 5, 1), 7}),
        ("2024年5月1日，7件", {(2024, 5, 1), 7}),
        ("2024/5/1", {(2024, 5, 1)}),
        ("12024-05-01", {12024, 5, 1}),
    ],
)
def test_a_date_is_one_value(text, found):
    assert values(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,234.5 and -3", {1234.5, -3}),
        ("分别是120，450", {120, 450}),
        ("3月-5月", {3, 5}),
        ("相差-120天", {-120}),
        ("on 2024-05-01", {2024, 5, 1}),
        ("３７度", {37}),
        ("1,2,3", {1, 2, 3}),
        ("none", set()),
    ],
)
def test_numbers_are_found_in_any_writing(text, found):
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(0, 10, 0.0, 27.75), (10, 10, 72.25, 100.0), (5, 10, 23.66, 76.34), (81, 263, 25.53, 36.62)],
)
def test_intervals_are_wilsons(right, n, low, high):
    found = share(right, n)
    assert (found["low"], found["high"]) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


def test_a_measure_counts_only_where_it_applies():
    counted = count([{"a": True}, {"a": False}, {"b": True}], ["a", "b", "c"])
    assert [(counted[name]["right"], counted[name]["n"]) for name in "abc"] == [(1, 2), (1, 1), (0, 0)]
    assert counted["c"]["rate"] is None
