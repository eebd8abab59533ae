"""Conversations of a dataset as chats about forms: the same requests, values and answers, in no tool-call format.

Comes in: a row of a dataset (`messages`, `tools`, `lang`) and a `random.Random`. Goes out: a chat in which the tools
are forms in one of the many layouts, and calls are objects in the way of writing that its prompt invents. What a model
learns of them is to choose and to fill; how a tool is called is left to the adapter. Only training rows may be given.
Most of them use other words than the row, so that reading the list is learned and not the dataset's few families.
"""

import random
from collections.abc import Mapping
from typing import Any

from agent.messages import Message, ToolSchema
from training.base.corpus import values
from training.base.corpus.document import FREE, LEARNED, READ, TOLD, Document, Turn, chat
from training.base.corpus.forms import Field, Form, plain_form
from training.base.corpus.kinds import GENERIC
from training.base.corpus.layouts import Writing, invented_tag, make_writing
from training.base.corpus.renaming import by_other_words
from training.base.corpus.services import prompt

_OTHER_WORDS_SHARE = 0.75


def about_forms(rng: random.Random, row: Mapping[str, Any], other_words: float = _OTHER_WORDS_SHARE) -> Document:
    """The conversation of `row`, its tools in any order; with a chance of `other_words`, in other words."""
    lang, writing, tag = row.get("lang") or "en", make_writing(rng), invented_tag(rng)
    if rng.random() < other_words:
        row = by_other_words(rng, row, lang)
    forms = [_form(tool, lang) for tool in row["tools"]]
    rng.shuffle(forms)
    messages = list(row["messages"])
    before = [messages.pop(0)["content"]] if messages[0]["role"] == "system" else []
    if forms:
        before.append(prompt(rng, forms, writing, lang, lang))
    turns = [Turn("system", "\n\n".join(before))] if before else []
    last = ""
    for message in messages:
        turn = _turn(message, last, writing, tag)
        if message["role"] == last == "tool":  # results that came together stand together
            turn = Turn("user", f"{turns.pop().text}\n{turn.text}")
        turns.append(turn)
        last = message["role"]
    return chat(turns, "rows")


def _turn(message: Message, last: str, writing: Writing, tag: str) -> Turn:
    if message["role"] == "tool":
        return Turn("user", f"<{tag}>\n{message['content']}\n</{tag}>")
    if message["role"] == "user":
        return Turn("user", message["content"])
    calls = [call["function"] for call in message.get("tool_calls", [])]
    said = [message["content"]] if message["content"] else []
    weight = LEARNED if calls else TOLD if last == "tool" else FREE
    text = "\n".join([*said, *(writing.one(call["name"], call["arguments"]) for call in calls)])
    return Turn("assistant", text, weight if message.get("train", True) else READ)


def _form(tool: ToolSchema, lang: str) -> Form:
    function = tool["function"]
    parameters = function.get("parameters", {})
    required = parameters.get("required", [])
    fields = [
        Field(
            name,
            {},
            {lang: schema.get("description", "")},
            {key: value for key, value in schema.items() if key != "description"},
            values.anything,  # never asked for: the row has its values
            GENERIC,
            name in required,
        )
        for name, schema in parameters.get("properties", {}).items()
    ]
    return plain_form(function["name"], function.get("description", ""), lang, fields)
