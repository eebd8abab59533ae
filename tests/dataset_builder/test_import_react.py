"""Importing ReAct text: what fits becomes rows that render back to the same text; what does not says why."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import load_dataset

from agent.cli import main
from agent.errors import UserError
from agent.messages import check_conversation
from dataset_builder.import_react import import_react, read_react
from dataset_builder.rows import read_rows
from dataset_builder.sieve import Sieve

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "annotated_react"
HEAD = (
    "Answer the following questions as best you can. You have access to the following tools:\n\n"
    "Search: Call this tool to interact with the search API. What is the search API useful for? Looks things up. "
    'Parameters: [{"name": "query", "type": "string", "description": "what to look up", "required": true}] '
    "Format the arguments as a JSON object.\n\n"
    "Use the following format:\n\nQuestion: the input question you must answer\n"
    "Thought: you should always think about what to do\nAction: the action to take, should be one of [Search]\n"
    "Action Input: the input to the action\nObservation: the result of the action\n"
    "... (this Thought/Action/Action Input/Observation can be repeated zero or more times)\n"
    "Thought: I now know the final answer\nFinal Answer: the final answer to the original input question\n\n"
    "Begin!\n\nQuestion: {question}\n"
)


def conversation(question="长城有多长？", action="Search", arguments='{"query": "长城"}', role="system", gap="\n"):
    return {
        "messages": [
            {"role": role, "content": HEAD.replace("{question}", question)},
            {
                "role": "assistant",
                "content": f"Thought: 要查一下。{gap}Action: {action}\nAction Input: {arguments}\nObservation:\n",
            },
            {"role": "assistant", "content": '"""两万多公里"""\n'},
            {"role": "assistant", "content": "Thought: 知道了。\n\nFinal Answer: 两万多公里。"},
        ]
    }


def written(folder, *rows, name="train.jsonl"):
    file = folder / name
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def test_a_conversation_becomes_a_row_with_calls_and_results(tmp_path):
    made = read_react([written(tmp_path, conversation())])
    (row,) = made.splits["train"]
    assert made.rejected == []
    assert made.different == []
    assert check_conversation(row["messages"], row["tools"]) == []
    assert [message["role"] for message in row["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert row["messages"][0]["content"] == "长城有多长？"
    call = row["messages"][1]["tool_calls"][0]
    assert call["function"] == {"name": "Search", "arguments": {"query": "长城"}}
    assert row["messages"][1]["content"] == "要查一下。"
    assert row["messages"][2]["content"] == "两万多公里"
    assert row["messages"][3]["content"] == "两万多公里。"
    assert row["tools"][0]["function"]["parameters"]["required"] == ["query"]
    assert (row["lang"], row["scenario"]) == ("zh", "single_call")


def test_whitespace_and_spacing_come_back(tmp_path):
    rows = [conversation(gap="\n\n"), conversation("又一个问题？", arguments='{"query":"长城"}')]
    made = read_react([written(tmp_path, *rows)])
    assert (len(made.rows), made.different) == (2, [])


def test_a_row_whose_text_does_not_come_back_is_named_with_the_place(tmp_path):
    made = read_react([written(tmp_path, conversation(role="user"))])
    assert made.different == [{"id": "train-00001", "why": "messages[0]: role system for user"}]


def test_a_repaired_input_is_said_to_differ(tmp_path):
    made = read_react([written(tmp_path, conversation(arguments='{"query": "长城"'))])
    assert made.different[0]["why"].startswith("messages[1], character")


def test_an_argument_the_schema_does_not_know_is_shown_and_not_learned(tmp_path):
    made = read_react([written(tmp_path, conversation(arguments='{"tool_input": "长城"}'))])
    (row,) = made.rows
    assert row["messages"][1]["train"] is False
    assert "messages[1]" in row["quality"]["not_learned"][0]
    assert made.different == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (conversation(action="Dance"), "Dance"),
        (conversation(arguments="长城"), "messages[1]"),
        ({"messages": []}, "messages"),
        ({"text": "no messages"}, "messages"),
        ({"messages": [{"role": "system", "content": None}]}, "messages[0].content"),
        ([1, 2], "messages"),
        ({"messages": [{"role": "system", "content": "hello"}]}, "messages[0]"),
        ({"messages": [*conversation()["messages"][:2], {"role": "assistant", "content": "no quotes"}]}, "messages[2]"),
    ],
)
def test_what_does_not_fit_is_rejected_with_the_reason_and_the_row(tmp_path, row, said):
    made = read_react([written(tmp_path, conversation(), row)])
    assert len(made.rows) == 1
    (rejected,) = made.rejected
    assert rejected["stage"] == "parse"
    assert said in rejected["reason"]
    assert rejected["row"]["raw"] == row


def test_the_same_conversation_twice_is_one_row(tmp_path):
    files = [written(tmp_path, conversation()), written(tmp_path, conversation(), name="test.jsonl")]
    made = read_react(files)
    assert [len(rows) for rows in made.splits.values()] == [1, 0]
    assert made.rejected[0]["stage"] == "duplicates"


NEARLY = ["请用搜索工具查一查北京的故宫博物院是在哪一年建成的？", "请用搜索工具查一查北京的故宫博物院是在哪年建成的？"]


def imported(tmp_path, capsys, *options):
    """Nearly the same question twice, imported by the command: its report, and what was rejected."""
    file = written(tmp_path, *map(conversation, NEARLY))
    with pytest.raises(SystemExit) as stopped:
        main(["build", "--import", "react", str(file), "--output", str(tmp_path / "set"), "--json", *options])
    printed = capsys.readouterr()
    assert stopped.value.code == 0, printed.err
    rejected = (tmp_path / "set" / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    return json.loads(printed.out), [json.loads(line) for line in rejected]


def test_a_near_duplicate_is_rejected_with_the_row_it_is_near(tmp_path, capsys):
    report, (entry,) = imported(tmp_path, capsys)
    assert (entry["stage"], entry["row"]["id"]) == ("duplicates", "train-00002")
    assert entry["reason"].endswith("alike with train-00001")
    assert entry["row"]["messages"][0]["content"] == NEARLY[1], "what was dropped is not lost"
    assert report["funnel"][-1]["dropped"] == {"near": 1}
    assert "near duplicates dropped from a likeness of: 0.6" in (tmp_path / "set" / "README.md").read_text()


def test_an_import_told_to_drop_only_exact_duplicates_keeps_near_ones(tmp_path, capsys):
    report, rejected = imported(tmp_path, capsys, "--near-duplicates", "0")
    assert (report["rows"]["train"], rejected) == (2, [])


def test_files_are_split_by_name_and_others_by_hash(tmp_path):
    rows = [conversation(f"第{number}个问题？") for number in range(60)]
    by_name = read_react([written(tmp_path, *rows[:3]), written(tmp_path, *rows[3:5], name="test.jsonl")])
    assert {split: len(found) for split, found in by_name.splits.items()} == {"train": 3, "test": 2}
    by_hash = read_react([written(tmp_path, *rows, name="latest.jsonl")])
    assert 0 < len(by_hash.splits["test"]) < 20
    assert by_hash.splits == read_react([tmp_path / "latest.jsonl"]).splits


def test_bad_files_say_what_is_wrong(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_react([tmp_path / "nowhere.jsonl"])
    broken = written(tmp_path, conversation())
    broken.write_text(broken.read_text(encoding="utf-8") + '{"messages": [', encoding="utf-8")
    with pytest.raises(UserError, match=r"train.jsonl, row 2: is not JSON"):
        read_react([broken])
    with pytest.raises(UserError, match="not one of 1 rows fits"):
        import_react([written(tmp_path, {"messages": []})], tmp_path / "out", "unknown", place="out", sieve=Sieve())
    with pytest.raises(UserError, match="not one row"):
        import_react([written(tmp_path)], tmp_path / "out", "unknown", place="out", sieve=Sieve())
    assert not (tmp_path / "out").exists()


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.exists(), reason="the real data is not on this machine")
def test_the_real_conversations_come_in_and_go_back(tmp_path):
    output = tmp_path / "imported"
    files = [str(DATA / "train.jsonl"), str(DATA / "test.jsonl")]
    command = [
        sys.executable,
        "-m",
        "agent.cli",
        "build",
        "--import",
        "react",
        *files,
        "--output",
        str(output),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["round_trip"]["identical"] >= 0.95 * report["round_trip"]["rows"]
    rejected = [json.loads(line) for line in (output / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    assert report["round_trip"]["rows"] + len(rejected) == 206
    assert len(rejected) <= 4
    assert all(entry["reason"] for entry in rejected)
    assert len(read_rows(output, "train")) == report["rows"]["train"]
    opened = load_dataset(str(output), cache_dir=str(tmp_path / "cache"))
    assert set(opened) == {"train", "test"}
    assert opened["test"][0]["messages"][1]["tool_calls"][0]["function"]["name"] in ("Search", "Math", "Python")
