"""Tool calling for engines that have none: conversations as system, user and assistant text, in one of three formats.

Comes in: canonical messages and tools. Goes out: messages of role and content in which the tools, the calls and their
results are text: `hermes` tags, or ReAct in English (`react`) or Chinese (`react_zh`). `render_reply` is what a model
is shown of its own replies, and `agent.parse` reads it back as the same message. Knows nothing of templates.
"""

import json
import re
from collections.abc import Sequence
from typing import Literal

from agent.formats.react_tools import instruction
from agent.formats.react_words import WORDS, Words
from agent.messages import Message, Role, ToolSchema

TextFormat = Literal["hermes", "react", "react_zh"]

# A keyword of ReAct where a line begins: in a result it would read as the user's words, or as the model's own.
_KEYWORD = re.compile(
    "(?<=\\n)(?=(?:"
    + "|".join(
        word.rstrip(":：")
        for words in WORDS.values()
        for word in (words.question, words.thought, words.action, words.action_input, words.observation, words.answer)
    )
    + ")[ \\t]*[:：])",
    re.IGNORECASE,
)

_HERMES = """# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a JSON object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


def as_text(
    messages: Sequence[Message], tools: Sequence[ToolSchema], form: TextFormat, *, system_role: bool = True
) -> list[Message]:
    """A conversation in plain roles; turns of one role that follow each other are one turn.

    Args:
        messages: Any canonical conversation.
        tools: What may be called; none: the conversation stays as it is, but for the calls in it.
        form: How calls are written.
        system_role: Whether the engine takes a system message; if not, it stands before the first user message.
    """
    rest = list(messages)
    system = rest.pop(0)["content"] if rest and rest[0]["role"] == "system" else ""
    if tools:
        system = _system(system, tools, form)
    turns: list[Message] = [{"role": "system", "content": system}] if system and system_role else []
    before = f"{system}\n\n" if system and not system_role else ""
    for message in rest:
        role: Role = "assistant" if message["role"] == "assistant" else "user"
        text = _text(message, form, asked=bool(tools))
        if role == "user":
            text, before = before + text, ""
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += "\n" + text
        else:
            turns.append({"role": role, "content": text})
    if before:
        turns.insert(0, {"role": "user", "content": before.strip()})
    return turns


def render_reply(message: Message, form: TextFormat) -> str:
    """An assistant message as the text that says it."""
    if form == "hermes":
        return _hermes(message)
    return _react(message, _words(form))


def stop_texts(form: str) -> tuple[str, ...]:
    """What a model writes only where somebody else should speak: it is stopped there."""
    return tuple(f"\n{words.observation}" for words in WORDS.values()) if form.startswith("react") else ()


def _system(system: str, tools: Sequence[ToolSchema], form: TextFormat) -> str:
    if form != "hermes":
        return instruction(system, tools, _words(form)).rstrip("\n")
    listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    return (f"{system}\n\n" if system else "") + _HERMES.format(tools=listed)


def _text(message: Message, form: TextFormat, *, asked: bool) -> str:
    if message["role"] == "assistant":
        return render_reply(message, form) if asked or message.get("tool_calls") else message["content"]
    if message["role"] == "tool":
        return _result(message["content"], form)
    words = _words(form)
    return f"{words.question}{words.blank}{message['content']}" if asked and form != "hermes" else message["content"]


def _result(content: str, form: TextFormat) -> str:
    if form == "hermes":
        return f"<tool_response>\n{content}\n</tool_response>"
    words = _words(form)
    return f"{words.observation}{words.blank}{_KEYWORD.sub(' ', content)}"


def _hermes(message: Message) -> str:
    calls = [
        f"<tool_call>\n{json.dumps(dict(call['function']), ensure_ascii=False)}\n</tool_call>"
        for call in message.get("tool_calls", [])
    ]
    thought = message.get("reasoning_content", "")
    text = "\n".join([*([message["content"]] if message["content"] else []), *calls])
    return f"<think>\n{thought}\n</think>\n\n{text}" if thought else text


def _react(message: Message, words: Words) -> str:
    thought, calls = message.get("reasoning_content", ""), message.get("tool_calls", [])
    lines = [f"{words.thought}{words.blank}{thought}"] if thought else []
    if not calls:
        return "\n".join([*lines, f"{words.answer}{words.blank}{message['content']}"])
    if message["content"]:
        lines.insert(0, message["content"])
    for call in calls:
        arguments = json.dumps(call["function"]["arguments"], ensure_ascii=False)
        lines.append(f"{words.action}{words.blank}{call['function']['name']}")
        lines.append(f"{words.action_input}{words.blank}{arguments}")
    return "\n".join(lines)


def _words(form: TextFormat) -> Words:
    return WORDS["zh" if form == "react_zh" else "en"]
