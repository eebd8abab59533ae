"""ReAct text for models without a tool role: thoughts, actions and answers are learned, observations never."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from agent.formats.react_layout import Layout
from agent.models.names import resolve
from training.masks import Masker
from training.masks.react import as_react

REAL = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "annotated_react"


@pytest.fixture(scope="module")
def embedded():
    return AutoTokenizer.from_pretrained(resolve("embedded"))


@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_observation_is_never_learned(role, lang, conversations, embedded, learned):
    messages, tools = conversations["call and content"]
    text = as_react(messages, tools, lang, Layout(lang=lang, observation_role=role))
    replies = list(learned(Masker(embedded)(text, []), embedded).values())
    assert len(replies) == 2
    assert "get_weather" in replies[0]
    assert "Let me look." in replies[0]
    assert "Fine." in replies[1]
    assert not any("degrees" in reply for reply in replies)


def test_parts_of_a_text_are_learned_as_they_are_marked(embedded):
    parts = [("Question: 1+1?\n", False), ("Thought: easy.\nAction:", True), (" 2\n\n", False), ("\nAnswer: 2", True)]
    sequences = Masker(embedded).segments(parts)
    trained = [embedded.decode([i for i in s.labels if i != -100]) for s in sequences]
    assert "".join(trained) == "Thought: easy.\nAction:\nAnswer: 2"


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="no real data here")
def test_imported_conversations_are_learned_without_their_observations(embedded, learned):
    from dataset_builder.import_react import read_react

    rows = read_react([REAL / "test.jsonl"]).rows
    assert rows
    for row in rows:
        replies = learned(Masker(embedded)(as_react(row["messages"], row["tools"]), []), embedded)
        results = [message["content"] for message in row["messages"] if message["role"] == "tool"]
        wanted = [m for m in row["messages"] if m["role"] == "assistant" and m.get("train", True)]
        assert len(replies) == len(wanted)
        assert not any(result[:200] in reply for result in results for reply in replies.values() if len(result) > 40)
