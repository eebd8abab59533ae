"""What the test is made of: families of tools that training never shows, or questions about tools that it does."""

import json
from collections import Counter
from pathlib import Path

import pytest

from agent.cli import main
from agent.toolbox import all_tools
from agent.tools import load_tools
from dataset_builder.duplicates import NEAR, Duplicates
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.embedded_teacher.composing import Composer
from dataset_builder.embedded_teacher.phrases import phrases_for
from dataset_builder.embedded_teacher.split import SIDES, family_of, held_out_key
from dataset_builder.existing import Existing
from dataset_builder.grid import HELD_OUT_EVERY, Grid
from dataset_builder.rows import iter_rows
from training.data import HELD_OUT_MARK

TOOLS = str(Path(__file__).with_name("my_tools.py"))
LANGUAGES = ("zh", "en")


MIXED = '''
from typing import Literal
from agent.tools import tool

ZH = {"guest": "客人姓名", "size": "大小：s=小间，m=中间", "desks": "桌数"}

@tool(zh={"description": "订一间工作室。", "parameters": ZH})
def rent_studio(guest: str, size: Literal["s", "m"], desks: int, quiet: bool = False) -> dict:
    """Rent a studio.

    Args:
        guest: The guest's name.
        size: Size: s=a small one, m=a middle one.
        desks: Number of desks.
        quiet: Whether it must be quiet.
    """
    return {"guest": guest, "desks": desks}
'''


def _tools(folder, text, name="more.py"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def called(row) -> set[str]:
    """The tools that a row calls, by their own names."""
    renamed = row["provenance"].get("stands_for", {})
    names = {call["function"]["name"] for turn in row["messages"] for call in turn.get("tool_calls", [])}
    return {renamed.get(name, {}).get("tool", name) for name in names}


def built(output, *options, code=0, read=True):
    with pytest.raises(SystemExit) as left:
        main(["build", "--tools", TOOLS, "--rows", "120", "--output", str(output), *map(str, options)])
    assert left.value.code == code
    return {side: list(iter_rows(output, side)) for side in SIDES} if code == 0 and read else {}


def test_of_ones_own_tools_each_is_trained_on_and_tested(tmp_path):
    rows = built(tmp_path / "set")
    own = {tool.name for tool in load_tools(TOOLS)}
    for side in SIDES:
        assert own <= set().union(*map(called, rows[side])), side
    assert 0.08 < len(rows["test"]) / 120 < 0.25
    keys = {side: {row["split_key"] for row in rows[side]} for side in SIDES}
    assert not keys["train"] & keys["test"]
    assert {held_out_key(name) for name in own} <= keys["test"]
    assert all(family_of(key) == key for key in keys["train"])


def test_no_question_and_no_word_of_the_test_is_one_of_training(tmp_path):
    rows = built(tmp_path / "set", "--tools", _tools(tmp_path, MIXED), "--rows", 400)
    said = {
        side: {turn["content"] for row in rows[side] for turn in row["messages"] if turn["role"] == "user"}
        for side in SIDES
    }
    assert not {text for text in said["train"] & said["test"] if len(text) > 12}, "but for answers such as `No.`"
    given = {
        side: {
            value
            for row in rows[side]
            for turn in row["messages"]
            for call in turn.get("tool_calls", [])
            for value in call["function"]["arguments"].values()
            if isinstance(value, str) and value not in ("s", "m")
        }
        for side in SIDES
    }
    assert len(given["test"]) > 30
    assert not given["train"] & given["test"]


def test_the_card_and_the_manifest_say_which_it_is(tmp_path):
    built(tmp_path / "set")
    card = " ".join((tmp_path / "set" / "README.md").read_text(encoding="utf-8").split())
    assert "other questions about the tools of `train`, of the families `get_weather`" in card
    built(tmp_path / "apart", "--hold-out", "families")
    card = " ".join((tmp_path / "apart" / "README.md").read_text(encoding="utf-8").split())
    assert "other questions about the tools of `train`" not in card
    told = [json.loads((tmp_path / name / "callsmith.json").read_text())["settings"] for name in ("set", "apart")]
    assert [settings["held out"] for settings in told] == ["questions", "families"]


def test_families_are_held_out_where_that_is_asked_for(tmp_path):
    rows = built(tmp_path / "set", "--hold-out", "families")
    own = {tool.name for tool in load_tools(TOOLS)}
    sides = {side: set().union(*map(called, rows[side])) & own for side in SIDES}
    assert all(sides.values())
    assert not sides["train"] & sides["test"]


def test_rows_are_appended_only_where_the_same_is_held_out(tmp_path, capsys):
    built(tmp_path / "set")
    before = {file: file.read_bytes() for file in (tmp_path / "set").rglob("*") if file.is_file()}
    capsys.readouterr()
    built(tmp_path / "set", "--append", "--hold-out", "families", code=2)
    said = capsys.readouterr().err.strip()
    assert "holds out questions, and this build families" in said
    assert "--hold-out questions" in said
    assert len(said.splitlines()) == 1
    assert before == {file: file.read_bytes() for file in (tmp_path / "set").rglob("*") if file.is_file()}
    rows = built(tmp_path / "set", "--append")  # as it was
    assert sum(map(len, rows.values())) == 240
    assert not {row["split_key"] for row in rows["train"]} & {row["split_key"] for row in rows["test"]}


def test_appending_goes_on_as_it_was_begun(tmp_path):
    built(tmp_path / "set", "--hold-out", "families")
    rows = built(tmp_path / "set", "--append")
    own = {tool.name for tool in load_tools(TOOLS)}
    sides = {side: set().union(*map(called, rows[side])) & own for side in SIDES}
    assert sum(map(len, rows.values())) == 240
    assert not sides["train"] & sides["test"]


def test_what_names_nothing_is_refused_in_one_line(tmp_path, capsys):
    built(tmp_path / "set", "--hold-out", "rows", code=2)
    said = capsys.readouterr().err.strip()
    assert "--hold-out 'rows'" in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_tools_own_sentences_are_divided_where_it_is_on_both_sides(lang):
    whole, sides = Composer(lang, "train"), [Composer(lang, side, divided=True) for side in SIDES]
    for tool in all_tools():
        phrases = phrases_for(tool)
        assert phrases is not None
        patterns = phrases.requests[lang]
        assert whole.own(patterns) == patterns
        kept = [set(each.own(patterns)) for each in sides]
        assert all(kept), tool.name
        assert not kept[0] & kept[1], tool.name
        assert kept[0] | kept[1] == set(patterns), tool.name


def test_the_embedded_tools_can_be_held_out_by_questions_too():
    teacher = EmbeddedTeacher(all_tools(), seed=0, hold_out="questions", held_out_share=0.5)
    families = {side: set() for side in SIDES}
    for question in teacher.questions(900):
        assert teacher.side_of(question.family) == question.split
        families[question.split].add(family_of(question.family))
    tools = {tool.family for tool in all_tools()}
    assert tools <= families["train"]
    assert tools <= families["test"]


def test_training_knows_a_held_out_question_by_its_key():
    """Training may not import the builder, so the mark stands there, too."""
    assert held_out_key("parcels") == f"parcels{HELD_OUT_MARK}"


def test_a_model_is_asked_about_every_tool_for_both_sides():
    tools = load_tools(TOOLS)
    grid = Grid(tools, LANGUAGES, 0, hold_out="questions")
    cells = [grid.cell(number) for number in range(40 * HELD_OUT_EVERY)]
    found = Counter((cell.side, cell.target.name) for cell in cells)
    assert {name for side, name in found if side == "test"} == {tool.name for tool in tools}
    assert {name for side, name in found if side == "train"} == {tool.name for tool in tools}
    assert sum(cell.side == "test" for cell in cells) == 40
    assert len({tool.name for cell in cells[:60] for tool in grid.offered(cell)}) == len(tools)
    assert grid.tool_sides == {}


def test_shards_that_hold_out_different_things_are_not_merged(tmp_path, capsys):
    built(tmp_path / "set", "--shard", "1/2", "--hold-out", "families", read=False)
    built(tmp_path / "set", "--shard", "2/2", read=False)
    capsys.readouterr()
    built(tmp_path / "set", "--merge", code=2)
    assert "00002-of-00002: holds out questions, and 00001-of-00002 families" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()
    built(tmp_path / "set", "--shard", "1/2", "--overwrite", read=False)
    rows = built(tmp_path / "set", "--merge")
    assert not {row["split_key"] for row in rows["train"]} & {row["split_key"] for row in rows["test"]}
    assert any(family_of(row["split_key"]) != row["split_key"] for row in rows["test"])


def test_rows_are_appended_to_what_people_have_reviewed(tmp_path):
    built(tmp_path / "set")
    with pytest.raises(SystemExit) as left:
        main(["annotate", str(tmp_path / "set"), "--export", str(tmp_path / "reviewed"), "--unreviewed"])
    assert left.value.code == 0
    assert Existing(tmp_path / "reviewed").holds_out == "questions"
    rows = built(tmp_path / "reviewed", "--append")
    assert sum(map(len, rows.values())) == 240
    own = {tool.name for tool in load_tools(TOOLS)}
    assert all(own <= set().union(*map(called, rows[side])) for side in SIDES)


def test_a_tool_that_was_only_company_before_is_not_lost_silently(tmp_path, capsys):
    alone = '''
from agent.tools import tool

@tool
def greet(name: str) -> str:
    """Greet somebody.

    Args:
        name: The name.
    """
    return f"Hello {name}!"
'''
    built(tmp_path / "set", "--tools", _tools(tmp_path / "a", alone), "--rows", 200)
    keys = {row["split_key"] for row in iter_rows(tmp_path / "set", "test")}
    family = next(key for key in sorted(keys) if not key.startswith("chat_") and family_of(key) == key)
    part = alone.replace("greet", "part").partition("@tool")[2]
    more = [
        f'@tool(family="{name}")' + part.replace("def part", f"def part_{name}") for name in (family, "x", "y", "z")
    ]
    more = alone + "\n\n" + "\n\n".join(more)
    capsys.readouterr()
    built(tmp_path / "set", "--tools", _tools(tmp_path / "b", more), "--append", code=2)
    assert f"rows of {family} are in test there" in capsys.readouterr().err


def test_what_is_there_already_is_not_told_apart_again(tmp_path, capsys):
    built(tmp_path / "set", "--merge", "--hold-out", "questions", code=2)
    assert "leave out --hold-out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("scenario", "said"), [("distractors", "{q}"), ("multi_turn", "{q}!"), ("single_call", "{q} ")]
)
def test_a_models_question_does_not_come_again_on_the_other_side(scenario, said):
    question = "Could you look up what the weather will be like in Lisbon on the third of May?"
    across, along = Duplicates(NEAR, across=True), Duplicates(NEAR)
    first = row_of("single_call", "get_weather", question, {"city": "Lisbon"})
    again = row_of(scenario, held_out_key("get_weather"), said.format(q=question), {"city": "lisbon"})
    other = row_of(scenario, held_out_key("get_weather"), "Is it raining in Porto?", {"city": "Porto"})
    for each in (across, along):
        each.add(first)
    assert "on the other side of the split" in across.against(again) or scenario == "single_call"
    assert across.against(again)
    assert bool(along.against(again)) == (scenario == "single_call"), "else each scenario is compared with itself"
    assert not across.against(other)


def row_of(scenario, key, question, arguments):
    return {
        "id": f"{scenario} {key}",
        "scenario": scenario,
        "split_key": key,
        "messages": [
            {"role": "user", "content": question},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"function": {"name": "get_weather", "arguments": arguments}}],
            },
        ],
    }
