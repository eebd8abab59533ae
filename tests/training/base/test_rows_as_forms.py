"""Conversations of a dataset in the corpus: what they keep, what they must not show, and who sees whom in a batch."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from agent.toolbox import all_tools
from dataset_builder.embedded_teacher import EmbeddedTeacher
from training.base.attention import documents
from training.base.corpus.conversations import about_forms
from training.base.corpus.document import READ, Document
from training.base.corpus.mixture import Corpus, document
from training.base.corpus.renaming import by_other_words
from training.base.pretrain import Plan, Pretraining
from training.base.tokenizer import TURN_END, corpus_tokenizer

TOKENIZER = corpus_tokenizer()


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    teacher = EmbeddedTeacher(all_tools(), seed=3)
    solved = (teacher.solve(question) for question in teacher.questions(150))
    return [{"messages": one.messages, "tools": one.tools, "lang": one.lang} for one in solved]


@pytest.fixture(scope="module")
def made(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Document]]:
    return [(row, about_forms(random.Random(number), row, other_words=0)) for number, row in enumerate(rows)]


def test_no_conversation_shows_a_tool_call(made: list[tuple[dict[str, Any], Document]]) -> None:
    banned = re.compile(
        r"tool_call|tool_response|</?tools?>|\"arguments\"|\"type\": \"function\"|<think>|im_start\|>tool"
    )
    for _, one in made:
        assert not banned.search(one.text), one.text


def test_what_is_learned_is_what_the_assistant_said_or_called(made: list[tuple[dict[str, Any], Document]]) -> None:
    for row, one in made:
        replies = [message for message in row["messages"] if message["role"] == "assistant"]
        learned = [text for text, weight in one.pieces if weight != READ]
        assert len(learned) == len(replies)
        for text, message in zip(learned, replies, strict=True):
            calls = [call["function"] for call in message.get("tool_calls", [])]
            if calls:
                objects = list(_objects(text))
                assert [set(map(json.dumps, one.values())) for one in objects] == [
                    {json.dumps(call["name"]), json.dumps(call["arguments"])} for call in calls
                ]
            else:
                assert text == message["content"] + TURN_END


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("{", at)) >= 0:
        found, at = decoder.raw_decode(text, at)
        yield found


def test_every_tool_and_every_result_is_shown(made: list[tuple[dict[str, Any], Document]]) -> None:
    for row, one in made:
        for tool in row["tools"]:
            assert tool["function"]["name"] in one.text
            assert json.dumps(tool["function"]["description"], ensure_ascii=False).strip('"') in one.text
        for message in row["messages"]:
            if message["role"] in ("user", "tool"):
                assert message["content"] in one.text


def test_other_words_stand_wherever_the_old_ones_did(rows: list[dict[str, Any]]) -> None:
    changed = 0
    for number, row in enumerate(rows):
        other = by_other_words(random.Random(number), row, row["lang"])
        assert json.loads(json.dumps(other, ensure_ascii=False)) == other
        assert by_other_words(random.Random(number), row, row["lang"]) == other
        assert [message["role"] for message in other["messages"]] == [message["role"] for message in row["messages"]]
        schemas = {tool["function"]["name"]: tool for tool in other["tools"]}
        assert len(schemas) == len(row["tools"])
        for message in other["messages"]:
            for call in message.get("tool_calls", []):
                assert call["function"]["arguments"].keys() <= _properties(schemas[call["function"]["name"]])
        changed += other != row
    assert changed > len(rows) / 2


def _properties(schema: dict[str, Any]) -> set[str]:
    return set(schema["function"]["parameters"].get("properties", {}))


def test_the_words_of_a_request_are_still_those_of_its_tool() -> None:
    tool = {"type": "function", "function": {"name": "book_cabin", "description": "Book a ferry cabin"}}
    tool["function"]["parameters"] = {"type": "object", "properties": {"cabin": {"type": "string"}}}
    call = {"id": "abcdefgh1", "type": "function", "function": {"name": "book_cabin", "arguments": {"cabin": "B7"}}}
    messages = [{"role": "user", "content": "Ferry cabins, please: B7."}, {"role": "assistant", "tool_calls": [call]}]
    messages.append({"role": "tool", "content": '{"cabin": "B7"}'})
    seen, begun = set(), set()
    for number in range(40):
        other = by_other_words(random.Random(number), {"messages": messages, "tools": [tool], "lang": "en"}, "en")
        described = other["tools"][0]["function"]["description"].removeprefix("Book a ").split()
        asked = other["messages"][0]["content"].removesuffix("s, please: B7.").lower().split()
        assert asked == described
        (name,) = (call["function"]["name"] for call in other["messages"][1]["tool_calls"])
        assert name.endswith(f"_{described[-1]}")
        assert name == other["tools"][0]["function"]["name"]
        begun.add(name.removesuffix(f"_{described[-1]}"))
        assert list(json.loads(other["messages"][2]["content"])) == described[-1:]
        seen.add(tuple(described))
    assert len(seen) > 20
    assert "book" in begun, "not every name becomes another"
    assert len(begun) > 20
    assert {"ferry", "cabin"} & {word for words in seen for word in words}, "not every word becomes another each time"


def test_a_value_that_is_said_as_it_is_kept_becomes_another_wherever_it_stands() -> None:
    tool = {"type": "function", "function": {"name": "seat", "description": "Give a guest a table"}}
    tool["function"]["parameters"] = {"type": "object", "properties": {"who": {"type": "string"}, "at": {}}}
    for lang, who in (("en", "Orsolya Pellworm"), ("zh", "彭沃姆")):
        arguments, told = {"who": who, "at": "guest", "code": "Z9"}, json.dumps({"who": who}, ensure_ascii=False)
        call = {"id": "abcdefgh1", "type": "function", "function": {"name": "seat", "arguments": arguments}}
        messages = [
            {"role": "user", "content": f"{who}: guest, Z9"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "name": "seat", "tool_call_id": "abcdefgh1", "content": told},
            {"role": "assistant", "content": f"{who}."},
        ]
        seen = set()
        for number in range(40):
            other = by_other_words(random.Random(number), {"messages": messages, "tools": [tool], "lang": lang}, lang)
            asked, calling, result, answer = other["messages"]
            (made,) = (call["function"]["arguments"] for call in calling["tool_calls"])
            assert asked["content"].startswith(f"{made['who']}: ")
            assert json.loads(result["content"]) == {"who": made["who"]}
            assert answer["content"] == f"{made['who']}."
            assert made["code"] == "Z9", "no word"
            assert (
                result["name"] == other["tools"][0]["function"]["name"] == calling["tool_calls"][0]["function"]["name"]
            )
            seen.add(made["who"])
        assert who in seen
        assert len(seen) > 10


def test_rows_of_other_datasets_may_lack_what_ours_have() -> None:
    parameters = {"type": "object", "properties": {"x": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}
    tools = [
        {"type": "function", "function": {"name": "bare", "description": ""}},
        {"type": "function", "function": {"name": "loose", "description": "d", "parameters": parameters}},
    ]
    call = {"id": "abcdefgh1", "type": "function", "function": {"name": "loose", "arguments": {"x": "y"}}}
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "unlearned", "train": False},
        {"role": "user", "content": "go on"},
        {"role": "assistant", "content": "I will.", "tool_calls": [call]},
    ]
    for number in range(40):  # every layout
        one = about_forms(random.Random(number), {"messages": messages, "tools": tools})
        (learned,) = [text for text, weight in one.pieces if weight != READ]
        assert learned.startswith("I will.\n")
        assert '{"x": "y"}' in learned
        assert "unlearned" in one.text


def test_rows_have_their_share_of_the_corpus_and_nothing_else_changes(rows: list[dict[str, Any]]) -> None:
    corpus = Corpus(5, rows, 0.4)
    found = [corpus.document(index) for index in range(400)]
    assert found == [corpus.document(index) for index in range(400)]
    of_rows = [one.task == "rows" for one in found]
    assert 0.3 < sum(of_rows) / 400 < 0.5
    assert all(one == document(5, index) for index, one in enumerate(found) if one.task != "rows")
    assert not any(corpus.document(index, stage=0.0).task == "rows" for index in range(100))


def test_a_document_of_a_row_sees_nothing_of_the_one_before() -> None:
    training = Pretraining(Plan(hidden=32, layers=2, heads=2, head_dim=16), TOKENIZER, "cpu")
    end = TOKENIZER.pad_token_id
    first, second = (TOKENIZER(text)["input_ids"] for text in ("一二三四五", "the second one of them"))
    numbers = documents(torch.tensor([[*first, end, *second]]), end).flatten().tolist()
    assert numbers == [0] * (len(first) + 1) + [1] * len(second)

    def hidden(ids: list[int]) -> torch.Tensor:
        inputs = torch.tensor([ids])
        apart = training._documents(inputs)
        with torch.no_grad():
            return training.model.model(input_ids=inputs, attention_mask=apart, use_cache=False).last_hidden_state[0]

    together = hidden([*first, end, *second])[-len(second) :]
    assert torch.allclose(together, hidden(second), atol=1e-5)
    with torch.no_grad():
        unmasked = training.model.model(input_ids=torch.tensor([[*first, end, *second]]), use_cache=False)
    assert not torch.allclose(unmasked.last_hidden_state[0][-len(second) :], hidden(second), atol=1e-3)


def test_rows_that_are_not_there_are_one_line_and_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.base.pretrain", "--output", str(tmp_path / "run"), "--tokens", "512"]
    done = subprocess.run([*command, "--rows", str(tmp_path / "none")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such file or folder" in done.stderr
    assert "Traceback" not in done.stderr
