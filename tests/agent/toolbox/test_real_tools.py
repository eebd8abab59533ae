"""Tools that reach beyond the embedded world: caged Python, the clock, lasting notes, documents that are found."""

import asyncio
import json
import time
from datetime import date
from pathlib import Path

import pytest

from agent.toolbox.clock import current_time
from agent.toolbox.knowledge import PASSAGE, search_knowledge, split
from agent.toolbox.memory import MAX_TEXT, forget_note, recall, remember, revise_note
from agent.toolbox.python import MAX_CODE, MAX_OUTPUT, run_python


def call(tool, **arguments):
    return asyncio.run(tool.call(arguments))


def value(tool, **arguments):
    result = call(tool, **arguments)
    assert not result.is_error, result.content
    return json.loads(result.content)


@pytest.mark.parametrize(
    "tool",
    [run_python, current_time, remember, recall, revise_note, forget_note, search_knowledge],
    ids=lambda t: t.name,
)
def test_each_is_described_in_both_languages(tool):
    english, chinese = tool.localized("en")["function"], tool.localized("zh")["function"]
    assert english["description"] != chinese["description"]
    for name, parameter in english["parameters"].get("properties", {}).items():
        assert parameter["description"] != chinese["parameters"]["properties"][name]["description"]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("sum(range(10))", {"value": "45"}),
        ("print('你好')", {"printed": "你好\n"}),
        ("print(1)\n2", {"printed": "1\n", "value": "2"}),
        ("x = 1", {"value": "None"}),
        ("import math\nround(math.pi, 2)", {"value": "3.14"}),
    ],
)
def test_python_says_what_it_prints_and_its_last_value(code, answer):
    assert value(run_python, code=code) == answer


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("open('/etc/passwd').read()", "PermissionError"),
        ("from pathlib import Path\nPath('/etc/passwd').read_text()", "PermissionError"),
        ("import os\nos.system('id')", "AttributeError"),
        ("import os\nos.environ['HOME']", "Error"),
        ("import subprocess", "ModuleNotFoundError"),
        ("import socket", "ModuleNotFoundError"),
        ("__import__('os')", "NameError"),
        ("().__class__.__bases__[0].__subclasses__()", "AttributeError"),
        ("(lambda: 0).__globals__", "AttributeError"),
        ("print.__self__", "AttributeError"),
        ("'a' * 10**10", "MemoryError"),
        ("x = []\nwhile True:\n    x.append('a' * 1000)", "MemoryError"),
        ("10 ** 10 ** 9", "MemoryError"),
        ("def f():\n    return f()\nf()", "RecursionError"),
        ("import time\ntime.sleep(60)", "TimeoutError"),
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:", "Expected"),
        ("#" * (MAX_CODE + 1), "at most"),
    ],
)
def test_python_has_no_way_out_and_says_why(code, reason):
    started = time.monotonic()
    result = call(run_python, code=code)
    assert result.is_error
    assert reason in result.content
    assert "root:" not in result.content
    assert time.monotonic() - started < 5


def test_an_endless_loop_ends_and_the_next_call_works(monkeypatch):
    monkeypatch.setattr("agent.toolbox.python._LIMITS", {"max_feed_duration_secs": 0.3, "max_memory": 10_000_000})
    started = time.monotonic()
    result = call(run_python, code="print('before')\nwhile True:\n    pass")
    assert "time limit" in result.content
    assert "before" in result.content
    assert time.monotonic() - started < 3
    assert value(run_python, code="1 + 1") == {"value": "2"}


def test_one_call_leaves_nothing_for_the_next_and_long_output_is_cut():
    value(run_python, code="secret = 1")
    assert "NameError" in call(run_python, code="secret").content
    assert len(value(run_python, code="print('x' * 50000)")["printed"]) < MAX_OUTPUT + 40


def test_the_clock_knows_zones_and_says_the_weekday_in_both_languages():
    now = value(current_time, zone="UTC")
    assert (now["utc_offset"], now["zone"]) == ("+00:00", "UTC")
    assert f"星期{'一二三四五六日'[date.fromisoformat(now['date']).weekday()]}" in now["weekday"]
    assert value(current_time, zone="Asia/Shanghai")["utc_offset"] == "+08:00"
    assert value(current_time)["date"]
    for zone in ("Mars/Base", "../etc/passwd", " "):
        assert "is no time zone" in call(current_time, zone=zone).content
    assert value(current_time, zone="")["date"]  # as if none was named


@pytest.fixture
def notes(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "notes.sqlite"
    monkeypatch.setenv("CALLSMITH_NOTES", str(path))
    return path


def test_notes_are_stored_queried_changed_and_deleted(notes):
    first = value(remember, text="小王对花生过敏")["note_id"]
    second = value(remember, text="Ann likes 50%_off tea")["note_id"]
    assert [note["note_id"] for note in value(recall)["notes"]] == [second, first]
    assert value(recall, words="花生 小王")["notes"][0]["text"] == "小王对花生过敏"
    assert value(recall, words="ann TEA")["found"] == 1
    assert value(recall, words="50%_")["found"] == 1
    assert value(recall, words="5_%")["found"] == 0, "no character is a wildcard"
    value(revise_note, note_id=first, text="小王对虾过敏")
    assert value(recall, words="花生")["found"] == 0
    value(forget_note, note_id=first)
    assert [note["note_id"] for note in value(recall)["notes"]] == [second]
    assert value(remember, text="new")["note_id"] > second, "a number is never given twice"


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        (remember, {"text": "  "}, "cannot be empty"),
        (remember, {"text": "x" * (MAX_TEXT + 1)}, "at most"),
        (revise_note, {"note_id": 99, "text": "x"}, "there is no note 99"),
        (forget_note, {"note_id": 99}, "there is no note 99"),
    ],
)
def test_what_cannot_be_noted_is_said(notes, tool, arguments, words):
    result = call(tool, **arguments)
    assert result.is_error
    assert words in result.content


def test_a_note_is_text_and_never_a_command(notes):
    text = "x'); DROP TABLE notes; --"
    value(remember, text=text)
    assert value(recall, words="'); DROP")["notes"][0]["text"] == text


def test_parallel_writers_lose_nothing(notes):
    async def twenty():
        return await asyncio.gather(*(remember.call({"text": f"note {number}"}) for number in range(20)))

    assert not any(result.is_error for result in asyncio.run(twenty()))
    assert value(recall)["found"] == 20


def test_a_broken_notes_file_is_an_observation(notes):
    notes.parent.mkdir()
    notes.write_text("this is no database, but long enough to look like one" * 50)
    result = call(recall)
    assert result.is_error
    assert "CALLSMITH_NOTES" in result.content


@pytest.fixture
def documents(tmp_path, monkeypatch):
    folder = tmp_path / "documents"
    (folder / "deep").mkdir(parents=True)
    (folder / "茶.md").write_text("# 茶\n\n龙井是绿茶，产于杭州。\n\n普洱产于云南，可以存放多年。", encoding="utf-8")
    (folder / "deep" / "coffee.txt").write_text("Espresso is brewed under pressure.\n\nFilters drip slowly.")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    monkeypatch.setenv("CALLSMITH_KNOWLEDGE", str(folder))
    return folder


def test_documents_are_found_in_either_language_with_file_and_line(documents):
    (tea,) = value(search_knowledge, query="杭州出产什么绿茶？", count=1)["passages"]
    assert (tea["file"], tea["line"]) == ("茶.md", 1)
    assert "龙井" in tea["text"]
    (coffee,) = value(search_knowledge, query="how is an ESPRESSO made", count=1)["passages"]
    assert coffee["file"] == "deep/coffee.txt"
    assert value(search_knowledge, query="qqq 㐀")["passages"] == []


def test_documents_are_read_anew_when_they_change(documents):
    value(search_knowledge, query="tea")
    (documents / "new.txt").write_text("Rooibos grows in the Cederberg.")
    assert value(search_knowledge, query="Rooibos")["passages"][0]["file"] == "new.txt"


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8-sig"])
def test_documents_are_found_in_the_encodings_that_chinese_files_come_in(documents, encoding):
    (documents / "藏茶.txt").write_bytes("藏茶\r\n产于雅安".encode(encoding))
    (found,) = value(search_knowledge, query="雅安藏茶", count=1)["passages"]
    assert found == {"file": "藏茶.txt", "line": 1, "text": "藏茶\n产于雅安"}


def test_a_document_that_cannot_be_read_hides_no_other(documents, monkeypatch):
    read = Path.read_text

    def unreadable(path, *arguments, **options):
        if path.name == "coffee.txt":
            raise PermissionError(path)
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert value(search_knowledge, query="龙井 espresso", count=1)["passages"][0]["file"] == "茶.md"


def test_each_passage_names_the_line_that_it_begins_on():
    paragraphs = [f"{number} " + "字" * (number * 37 % 500) for number in range(60)]
    text = "".join(paragraph + "\n" * (1 + number % 4) for number, paragraph in enumerate(paragraphs))
    lines = text.split("\n")
    passages = split("f", text)
    assert len(passages) > 20
    assert all(lines[one.line - 1].endswith(one.text.split("\n")[0]) for one in passages)


def test_a_link_out_of_the_folder_is_not_followed(documents, tmp_path):
    (tmp_path / "secret.txt").write_text("the launch code is zanzibar")
    (documents / "innocent.txt").symlink_to(tmp_path / "secret.txt")
    assert value(search_knowledge, query="zanzibar launch code")["passages"] == []


def test_without_documents_it_says_what_is_needed(documents, monkeypatch, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in ("", str(tmp_path / "nowhere"), str(empty)):
        monkeypatch.setenv("CALLSMITH_KNOWLEDGE", folder)
        result = call(search_knowledge, query="x")
        assert result.is_error
        assert "CALLSMITH_KNOWLEDGE" in result.content


def test_passages_hold_the_whole_text_and_are_short():
    text = "甲乙丙。" * 400 + "\n\n" + "word " * 300 + "x" * 2000
    passages = split("f", text)
    assert "".join("".join(one.text.split()) for one in passages) == "".join(text.split())
    assert max(len(one.text) for one in passages) <= PASSAGE
