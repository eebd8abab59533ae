"""Scenarios that only a mix that names them brings: a call that is tried again, and one tool among a crowd.

Calls that wait for a result: test_sequences.py.
"""

from agent.toolbox import all_tools
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.embedded_teacher.scenarios import FEWEST_DISTRACTORS
from dataset_builder.embedded_teacher.variants import ShownTool
from dataset_builder.verify import why_not

from .laws import check_row  # isort: skip


def solved(scenario, count=120):
    teacher = EmbeddedTeacher(all_tools(), seed=0, mix={scenario: 1})
    pairs = [(question, teacher.solve(question)) for question in teacher.questions(count)]
    for question, conversation in pairs:
        check_row(question, conversation)
    assert {question.lang for question, _ in pairs} == {"zh", "en"}
    assert {question.split for question, _ in pairs} == {"train", "test"}
    return [(question, made) for question, made in pairs if made.scenario == scenario]


def test_what_failed_through_no_fault_of_its_own_is_called_again():
    pairs = solved("tool_recovery")
    assert len(pairs) > 100
    failures = {"train": set(), "test": set()}
    for question, made in pairs:
        first, failed, again, result = made.messages[-5:-1]
        assert [call["function"] for call in first["tool_calls"]] == [call["function"] for call in again["tool_calls"]]
        assert failed["content"].startswith(("Error", "错误"))
        assert not result["content"].startswith(("Error", "错误"))
        assert why_not(made.messages, made.tools, made.scenario) is None
        failures[question.split].add(failed["content"])
    assert failures["train"].isdisjoint(failures["test"])


def test_the_right_tool_stands_in_a_crowd_of_its_own_side_with_its_family_first():
    pairs = solved("distractors")
    assert len(pairs) > 100
    with_family = 0
    for question, made in pairs:
        (call,) = (call for turn in made.messages for call in turn.get("tool_calls", []))
        assert len(made.tools) > FEWEST_DISTRACTORS
        assert call["function"]["name"] in {tool["function"]["name"] for tool in made.tools}
        assert why_not(made.messages, made.tools, made.scenario) is None
        families = [tool.original.family for tool in question.tools if isinstance(tool, ShownTool)]
        with_family += families.count(question.family) > 1
    assert with_family > 0.5 * len(pairs)
