"""A tool of which every call fails is told on the terminal and in the card; where none answers, nothing is written."""

import json

import pytest
from commanding import run
from llm_server import LLMServer

from dataset_builder.calls import Calls
from dataset_builder.rows import read_rows

BROKEN = '''
from agent.tools import tool

@tool
def {name}(course: str) -> dict:
    """{what} a course.

    Args:
        course: name of the course
    """
    {body}
'''
WORKS, RAISES = 'return {"course": course, "places": 12}', 'raise RuntimeError("the service is closed")'
SOMETIMES = 'if len(course) % 2:\n        raise RuntimeError("no such course")\n    return {"course": course}'


def tools(folder, **bodies):
    file = folder / "courses.py"
    whats = {"describe_course": "Describe", "cancel_course": "Cancel", "start_course": "Start"}
    file.write_text("".join(BROKEN.format(name=name, what=whats[name], body=body) for name, body in bodies.items()))
    return file


def card_of(folder):
    return (folder / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def half(tmp_path):
    return ["--tools", tools(tmp_path, describe_course=WORKS, cancel_course=RAISES), "--rows", 40, "--license", "mit"]


def test_a_tool_that_never_answers_is_told_on_the_terminal_and_in_the_card(tmp_path, capsys, half):
    code, out, err = run(capsys, *half, "--output", tmp_path / "set")
    assert code == 0, err
    (warning,) = [line for line in out.splitlines() if "warning" in line]
    assert "cancel_course never answered: each of its " in warning
    assert "**These tools never answered:** `cancel_course` (" in card_of(tmp_path / "set")
    assert "`describe_course` (" not in card_of(tmp_path / "set")
    code, out, _ = run(capsys, *half, "--output", tmp_path / "again", "--json")
    counts = json.loads(out)["unanswered"]
    assert list(counts) == ["cancel_course"]
    assert f"each of its {counts['cancel_course']} calls failed" in warning
    # By the rows themselves: as many results of that tool, all of them errors; none of them was wanted as one.
    of_it = [row for row in read_rows(tmp_path / "set") if row["scenario"] == "tool_error"]
    assert 0 < len(of_it) <= counts["cancel_course"]


def test_a_run_that_goes_on_from_its_journal_says_the_same(tmp_path, capsys, half):
    assert run(capsys, *half, "--output", tmp_path / "set")[0] == 0
    first = card_of(tmp_path / "set")
    assert run(capsys, *half, "--output", tmp_path / "set", "--overwrite")[0] == 0
    assert card_of(tmp_path / "set") == first


def test_where_no_tool_ever_answers_nothing_is_written(tmp_path, capsys):
    file = tools(tmp_path, describe_course=RAISES, cancel_course=RAISES)
    code, out, err = run(capsys, "--tools", file, "--rows", 20, "--output", tmp_path / "set")
    assert (code, out) == (2, "")
    lines = [line for line in err.splitlines() if line.startswith("callsmith: ")]
    assert len(lines) == 1
    assert "no tool ever answered" in lines[0]
    assert "cancel_course, describe_course" in lines[0]
    assert not (tmp_path / "set").exists()


def test_a_tool_that_fails_now_and_then_is_not_blamed(tmp_path, capsys):
    file = tools(tmp_path, describe_course=SOMETIMES)
    code, out, err = run(capsys, "--tools", file, "--rows", 40, "--output", tmp_path / "set")
    assert code == 0, err
    assert any(row["scenario"] == "tool_error" for row in read_rows(tmp_path / "set"))
    assert "never answered" not in out + card_of(tmp_path / "set")


def test_calls_that_are_to_fail_count_for_nothing(tmp_path, capsys):
    code, out, err = run(capsys, "--mix", "tool_error", "--rows", 12, "--output", tmp_path / "set")
    assert code == 0, err
    assert {row["scenario"] for row in read_rows(tmp_path / "set")} == {"tool_error"}
    assert "never answered" not in out + card_of(tmp_path / "set")


def test_a_build_in_which_nothing_is_called_is_one_like_any_other(tmp_path, capsys):
    code, out, err = run(capsys, "--mix", "chat,no_suitable_tool", "--rows", 10, "--output", tmp_path / "set")
    assert code == 0, err
    assert "never answered" not in out


def test_shards_say_it_together_and_what_one_of_them_saw_answering_is_not_blamed(tmp_path, capsys, half):
    for which in (1, 2):
        assert run(capsys, *half, "--output", tmp_path / "set", "--shard", f"{which}/2")[0] == 0
    code, out, _ = run(capsys, "--output", tmp_path / "set", "--merge", "--json")
    assert code == 0
    counts = [
        json.loads((tmp_path / "set.shards" / f"0000{which}-of-00002" / "callsmith.json").read_text())["unanswered"]
        for which in (1, 2)
    ]
    assert json.loads(out)["unanswered"] == {"cancel_course": sum(each["cancel_course"] for each in counts)}
    # The tool is mended, and its second shard made anew: the whole has answers now.
    mended = ["--tools", tools(tmp_path, describe_course=WORKS, cancel_course=WORKS), *half[2:]]
    assert run(capsys, *mended, "--output", tmp_path / "set", "--shard", "2/2", "--overwrite")[0] == 0
    code, out, _ = run(capsys, "--output", tmp_path / "set", "--merge", "--overwrite", "--json")
    assert code == 0
    assert "unanswered" not in json.loads(out)


def test_appended_rows_that_answer_take_the_warning_back(tmp_path, capsys, half):
    assert run(capsys, *half, "--output", tmp_path / "set")[0] == 0
    code, out, _ = run(capsys, *half, "--output", tmp_path / "set", "--append", "--json")
    assert code == 0
    assert json.loads(out)["unanswered"]["cancel_course"] > 0
    mended = ["--tools", tools(tmp_path, describe_course=WORKS, cancel_course=WORKS), *half[2:]]
    code, out, _ = run(capsys, *mended, "--output", tmp_path / "set", "--append", "--json")
    assert code == 0
    assert "unanswered" not in json.loads(out)


def test_a_models_build_is_refused_too(tmp_path, capsys):
    """Its failed calls drop their rows, and the small talk that is left would be a dataset without one call."""
    file = tmp_path / "mine.py"
    names = ("get_weather", "population", "local_time", "sister_city")
    body = BROKEN.replace("course: str", "city: str").replace("course: name of the course", "city: The city.")
    file.write_text("".join(body.format(name=name, what="Look up", body=RAISES) for name in names))
    with LLMServer() as server:
        told = ["--tools", file, "--teacher", f"{server.url}#rules", "--rows", 12, "--mix", "single_call=1,chat=1"]
        code, out, err = run(capsys, *told, "--output", tmp_path / "set")
    assert (code, out) == (2, "")
    assert "no tool ever answered" in err
    assert not (tmp_path / "set").exists()


def test_counts_of_several_rows_add_up():
    one, two = Calls(), Calls()
    for failed in (True, True):
        one.count("a", failed)
    two.count("a", False)
    two.count("b", True)
    assert one.unanswered() == {"a": 2}
    assert one.none_answered()
    one.add(two)
    assert one.unanswered() == {"b": 1}
    assert not one.none_answered()
    assert not Calls().none_answered()
