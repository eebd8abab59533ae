"""What is read off the rendering of a whole conversation is what rendering each of its beginnings gives.

Templates that look ahead in every way we could think of, and all of TRL's: the short cut may be refused, never wrong.
"""

from pathlib import Path

import pytest
import trl

from training.masks import MaskRefused
from training.masks.render import ChatTemplate

FOLDER = Path(trl.__file__).parent / "chat_templates"
START, END = "<|im_start|>{{ m.role }}\n{{ m.content }}{{ m.tool_calls | tojson if m.tool_calls }}", "<|im_end|>\n"
CLOSED = "{% if m.role != 'tool' or QUESTION %}" + END + "{% endif %}"
COUNT = "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}"
PROMPT = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


def asking(question: str, over: str = "messages", before: str = "", inside: str = "") -> str:
    closed = CLOSED.replace("QUESTION", question)
    return f"{before}{{% for m in {over} %}}{inside}{START}{closed}{{% endfor %}}{PROMPT}"


# name: template, and how many beginnings can be read off
TEMPLATES = {
    "the next is no tool's": (asking("loop.last or messages[loop.index0 + 1].role != 'tool'"), "all"),
    "the next item is no tool's": (asking("loop.last or loop.nextitem.role != 'tool'"), "all"),
    "by another name": (
        asking("loop.last or all[loop.index0 + 1].role != 'tool'", before="{% set all = messages %}"),
        "all",
    ),
    "past the end by another name": (
        asking("loop.length > 0 and all[loop.index0 + 1] is defined", before="{% set all = messages %}"),
        "not all",
    ),
    "over a part": (
        asking("loop.last or rest[loop.index0 + 1].role != 'tool'", "rest", "{% set rest = messages[1:] %}"),
        "some",  # the message before the part is not in the loop
    ),
    "a part and the whole": (asking("loop.last or messages[loop.index + 1].role != 'tool'", "messages[1:]"), "some"),
    "what nothing reads is counted": (
        asking("true", before=COUNT.replace("in messages", "in messages[::-1]")),
        "all",
    ),
    "what is read is counted": (
        asking("ns.n > 4", before=COUNT),
        "not all",
    ),
    "a macro reads it": (
        asking(
            "many() == 'yes'",
            before=COUNT + "{% macro many() %}{% if ns.n > 4 %}yes{% endif %}{% endmacro %}",
        ),
        "not all",
    ),
    "text and an idle loop after the last message": (
        "{% for m in messages %}" + START + END + "{% endfor %}Bye {{ messages | length }}." + COUNT + PROMPT,
        "not all",
    ),
    "only the last": (asking("loop.last"), "not all"),
    "the number of messages": (asking("loop.index == messages | length"), "not all"),
    "the length of the loop": (asking("loop.length > 3"), "not all"),
    "how many are left": (asking("loop.revindex0 < 2"), "not all"),
    "two ahead": (asking("messages[loop.index0 + 2] is defined"), "not all"),
    "from the end": (asking("messages[-1].role == 'assistant'"), "not all"),
    "without a guard": (asking("messages[loop.index0 + 1].role != 'tool'"), "some"),
    "a loop within looks on": (
        asking("true", inside="{% for n in messages[loop.index:] %}{% if n.role == 'tool' %}^{% endif %}{% endfor %}"),
        "not all",
    ),
    "the question remembers": (asking("loop.changed(loop.last)"), "not all"),
    "the question is a macro that counts": (
        asking(
            "step(loop.last) == '3'",
            before="{% set ns = namespace(n=0) %}"
            "{% macro step(last) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{% endmacro %}",
        ),
        "not all",
    ),
}  # fmt: skip


def beginnings(template, messages, tools):
    """For each reply its prompt and its turn: read off (or None), and rendered (or None where that raises)."""
    prepared, offered = template.prepare(messages), template.prepare_tools(tools)
    try:
        whole = template.render(prepared, offered, generation_prompt=False, ends=True)
    except MaskRefused:
        return
    for index, message in enumerate(prepared[:-1]):
        if message["role"] != "assistant":
            continue
        for length, wanted in ((index, True), (index + 1, False)):
            try:
                rendered = template.render(prepared[:length], offered, generation_prompt=wanted)
            except MaskRefused:
                rendered = None
            yield template.beginning(whole, length, generation_prompt=wanted), rendered


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_look_ahead_is_either_harmless_or_seen(name, conversations):
    source, how_many = TEMPLATES[name]
    template = ChatTemplate(source, {})
    pairs = [pair for messages, tools in conversations.values() for pair in beginnings(template, messages, tools)]
    assert all(read == rendered for read, rendered in pairs if read is not None)
    found = [read is not None for read, _ in pairs]
    assert {"all": all(found), "some": any(found), "not all": not all(found)}[how_many]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.jinja")))
def test_every_template_of_trl_is_read_as_it_renders(name, conversations, make_tokenizer, trl_template):
    template = ChatTemplate(trl_template(name), make_tokenizer(trl_template(name), name).special_tokens_map)
    pairs = [pair for messages, tools in conversations.values() for pair in beginnings(template, messages, tools)]
    assert all(read == rendered for read, rendered in pairs if read is not None)
    if name in ("qwen2_5", "qwen3_training", "llama3", "gemma3", "lfm2", "qwen3_instruct_2507"):
        assert all(read is not None for read, _ in pairs), "the short cut is what makes these quick"
