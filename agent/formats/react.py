"""Conversations as ReAct text, in English (`react`) and Chinese (`react_zh`), and back.

Comes in: canonical messages and tools, or the role/content messages of a ReAct data set, whose first one holds the tool
list and the question. Goes out: the other of the two. A call turn's Thought is its `content`; a final turn's Thought is
its `reasoning_content` and its Final Answer the `content`. `parse_conversation(render(messages, tools))` gives messages
and tools back (call ids aside), or `render` refuses.
"""

import random
import re
from collections.abc import Sequence
from typing import Any

from agent.formats.mending import UnreadableError, read_json
from agent.formats.react_layout import JSON_STYLES, Layout, Turn, json_style
from agent.formats.react_tools import ReactError, instruction, read_instruction
from agent.formats.react_words import WORDS, Words
from agent.messages import Message, ToolCall, ToolSchema, new_call_id, tool_call, tool_message

QUOTES = '"""'


def render(
    messages: Sequence[Message], tools: Sequence[ToolSchema], lang: str = "en", layout: Layout | None = None
) -> list[Message]:
    """A canonical conversation as messages of role and text.

    Args:
        messages: Starting with a user message, or a system and a user message.
        tools: Listed in the first message, each once.
        lang: "en" or "zh", the keywords; `layout` has its own.
        layout: Where whitespace and JSON spacing differ from the plain layout.

    Raises:
        ReactError: The conversation holds what the format cannot say, or would be read back as another one.
    """
    layout = layout or Layout(lang=lang)
    rendered = _rendered(messages, tools, layout)
    try:
        again, tools_again, _ = parse_conversation(rendered)
    except ReactError as error:
        raise ReactError(f"this conversation has no ReAct form that can be read back: {error}") from error
    if _without_ids(again) != _without_ids(messages) or tools_again != list(tools):
        raise ReactError("this conversation has no ReAct form that is read back as the same one")
    return rendered


def parse_conversation(messages: Sequence[Message]) -> tuple[list[Message], list[ToolSchema], Layout]:
    """A conversation in ReAct text as the canonical one, its tools, and its layout.

    Args:
        messages: The first of role `system` (or `user`) with the instruction, the tools and the question; then
            assistant turns, turns that hold a result in triple quotes, and user turns with further questions.

    Raises:
        ReactError: A turn is not what the format wants there; says which and why.
    """
    if not messages:
        raise ReactError("there are no messages")
    reader = _Reader(messages[0])
    for number, message in enumerate(messages[1:], start=1):
        reader.take(number, message)
    if reader.waiting and len(reader.waiting) < len(reader.calls):
        raise ReactError(f"{len(reader.waiting)} of {len(reader.calls)} calls of one turn have no observation")
    return reader.messages, reader.tools, Layout(reader.lang, reader.observation_role or "assistant", reader.turns)


def _rendered(messages: Sequence[Message], tools: Sequence[ToolSchema], layout: Layout) -> list[Message]:
    words = WORDS[layout.lang]
    rest = list(messages)
    system = rest.pop(0)["content"] if rest and rest[0]["role"] == "system" else ""
    if not rest or rest[0]["role"] != "user":
        raise ReactError("messages[0]: a ReAct conversation begins with a question")
    question = rest.pop(0)["content"]
    first = instruction(system, tools, words) + compose(
        [(words.question, question)], layout.turns.get(0, Turn()).gaps, words
    )
    rendered: list[Message] = [{"role": "system", "content": first}]
    for message in rest:
        number = len(rendered)
        turn = layout.turns.get(number, Turn())
        rendered.append(_rendered_turn(message, turn, layout.observation_role, words, f"messages[{number}]"))
    return rendered


def _rendered_turn(message: Message, turn: Turn, observation_role: Any, words: Words, where: str) -> Message:
    if message["role"] == "user":
        return {"role": "user", "content": compose([(words.question, message["content"])], turn.gaps, words)}
    if message["role"] == "tool":
        before, after = turn.gaps or ("", "\n")
        return {"role": observation_role, "content": f"{before}{QUOTES}{message['content']}{QUOTES}{after}"}
    if message["role"] != "assistant":
        raise ReactError(f"{where}: a {message['role']} message has no place here")
    parts: list[tuple[str, str]] = []
    calls, thought = message.get("tool_calls", []), message.get("reasoning_content", "")
    if calls:
        if thought:
            raise ReactError(f"{where}: a turn with calls has one thought, its content; this one has reasoning too")
        parts = [(words.thought, message["content"])] if message["content"] else []
        for index, call in enumerate(calls):
            style = JSON_STYLES[turn.json[index] if index < len(turn.json) else "spaced"]
            parts.append((words.action, call["function"]["name"]))
            parts.append((words.action_input, style(call["function"]["arguments"])))
        parts.append((words.observation, ""))
    else:
        parts = [(words.thought, thought)] if thought else []
        parts.append((words.answer, message["content"]))
    return {"role": "assistant", "content": compose(parts, turn.gaps, words)}


def compose(parts: Sequence[tuple[str, str]], gaps: Sequence[str], words: Words) -> str:
    """Keywords and texts with the whitespace between them: one gap first, then one after each keyword and text.

    Raises `ReactError` where the number of gaps is not 0 (the plain layout) or 1 + 2 for each part.
    """
    gaps = gaps or _plain_gaps(parts, words)
    if len(gaps) != 1 + 2 * len(parts):
        raise ReactError(f"the layout has {len(gaps)} gaps for a turn of {len(parts)} parts")
    text = gaps[0]
    for index, (keyword, body) in enumerate(parts):
        text += keyword + gaps[1 + 2 * index] + body + gaps[2 + 2 * index]
    return text


def decompose(text: str, words: Words) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """The keywords and texts of a turn, and the whitespace between them; the inverse of `compose`.

    A keyword counts at the start of a line; what follows the answer's or the question's is all theirs.
    """
    keywords = (words.action_input, words.action, words.thought, words.observation, words.answer, words.question)
    pattern = re.compile("^(" + "|".join(map(re.escape, keywords)) + ")", re.MULTILINE)
    parts: list[tuple[str, str]] = []
    position = text.find(text.lstrip()[:1]) if text.strip() else len(text)
    gaps = [text[:position]]
    while position < len(text):
        match = pattern.match(text, position)
        if match is None:
            raise ReactError(f"text without a keyword before it: {_shown(text[position:])}")
        keyword = match.group(1)
        following = None if keyword in (words.answer, words.question) else pattern.search(text, match.end())
        end = following.start() if following else len(text)
        body = text[match.end() : end]
        gaps.append(body[: len(body) - len(body.lstrip())])
        gaps.append(body[len(body.rstrip()) :] if body.strip() else "")
        parts.append((keyword, body.strip()))
        position = end
    return parts, tuple(gaps)


def _plain_gaps(parts: Sequence[tuple[str, str]], words: Words) -> tuple[str, ...]:
    gaps = [""]
    for keyword, _ in parts:
        gaps += ["\n", ""] if keyword == words.observation else [words.blank, "\n"]
    return tuple(gaps)


class _Reader:
    """Reads the turns one after the other; the first one is the instruction with tools and question."""

    def __init__(self, first: Message):
        self.lang, system, self.tools, rest = read_instruction(first)
        self.words = WORDS[self.lang]
        self.names = {tool["function"]["name"] for tool in self.tools}
        self.observation_role = ""
        self.turns: dict[int, Turn] = {}
        self.messages: list[Message] = [{"role": "system", "content": system}] if system else []
        self.calls: list[ToolCall] = []
        self.waiting: list[ToolCall] = []
        self._rng = random.Random(rest)
        self._take_question(0, rest)

    def take(self, number: int, message: Message) -> None:
        role, text = message.get("role"), message.get("content")
        where = f"messages[{number}]"
        if not isinstance(text, str):
            raise ReactError(f"{where}.content is no text")
        if self.waiting:
            return self._take_observation(number, str(role), text)
        if role == "user":
            return self._take_question(number, text)
        if role != "assistant":
            raise ReactError(f"{where}: a {role} message has no place here")
        try:
            parts, gaps = decompose(text, self.words)
        except ReactError as error:
            raise ReactError(f"{where}: {error}") from error
        keywords = [keyword for keyword, _ in parts]
        if self.words.answer in keywords:
            return self._take_answer(number, parts, gaps)
        return self._take_calls(number, parts, gaps)

    def _take_question(self, number: int, text: str) -> None:
        parts, gaps = decompose(text, self.words)
        if [keyword for keyword, _ in parts] != [self.words.question]:
            raise ReactError(f"messages[{number}]: a question was expected, got {_shown(text)}")
        self._lay_out(number, Turn(gaps), parts)
        self.messages.append({"role": "user", "content": parts[0][1]})

    def _take_calls(self, number: int, parts: list[tuple[str, str]], gaps: tuple[str, ...]) -> None:
        words, where = self.words, f"messages[{number}]"
        inner = parts[1:] if parts and parts[0][0] == words.thought else parts
        thought = parts[0][1] if len(inner) < len(parts) else ""
        keywords = [keyword for keyword, _ in inner]
        expected = [words.action, words.action_input] * (len(inner) // 2) + [words.observation]
        if keywords != expected or len(inner) < 3 or inner[-1][1]:
            found = " ".join(keyword for keyword, _ in parts) or "nothing"
            plan = f"{words.thought} {words.action} {words.action_input} {words.observation}"
            raise ReactError(f"{where}: expected {plan} or {words.answer}, found {found}")
        self.calls, styles = [], []
        for (_, name), (_, arguments) in zip(inner[0:-1:2], inner[1:-1:2], strict=True):
            call, style = self._call(name, arguments, where)
            self.calls.append(call)
            styles.append(style)
        plain = all(style == "spaced" for style in styles)
        self._lay_out(number, Turn(gaps, () if plain else tuple(styles)), parts)
        self.messages.append({"role": "assistant", "content": thought, "tool_calls": self.calls})
        self.waiting = list(self.calls)

    def _call(self, name: str, arguments: str, where: str) -> tuple[ToolCall, str]:
        if name not in self.names:
            raise ReactError(f"{where}: calls {name!r}; the tools are {', '.join(sorted(self.names)) or 'none'}")
        try:
            value, _ = read_json(arguments)
        except UnreadableError as error:
            raise ReactError(f"{where}: the input of {name} is no JSON object: {error}") from error
        if not isinstance(value, dict):
            raise ReactError(f"{where}: the input of {name} is no JSON object: {_shown(arguments)}")
        return tool_call(name, value, new_call_id(self._rng)), json_style(arguments, value) or "spaced"

    def _take_observation(self, number: int, role: str, text: str) -> None:
        match = re.fullmatch(rf"(\s*){QUOTES}(.*){QUOTES}(\s*)", text, re.DOTALL)
        if match is None or role not in ("assistant", "user", "tool"):
            what = f"an observation in triple quotes was expected, got {role} {_shown(text)}"
            raise ReactError(f"messages[{number}]: {what}")
        if self.observation_role not in ("", role):
            raise ReactError(f"messages[{number}]: observations stand in two roles, {self.observation_role} and {role}")
        self.observation_role = role
        before, result, after = match.groups()
        if (before, after) != ("", "\n"):
            self.turns[number] = Turn((before, after))
        self.messages.append(tool_message(self.waiting.pop(0), result))

    def _take_answer(self, number: int, parts: list[tuple[str, str]], gaps: tuple[str, ...]) -> None:
        keywords = [keyword for keyword, _ in parts]
        if keywords not in ([self.words.answer], [self.words.thought, self.words.answer]):
            raise ReactError(f"messages[{number}]: an answer stands beside {' '.join(keywords[:-1])}")
        if not parts[-1][1]:
            raise ReactError(f"messages[{number}]: the answer is empty")
        self._lay_out(number, Turn(gaps), parts)
        made: Message = {"role": "assistant", "content": parts[-1][1]}
        if len(parts) == 2 and parts[0][1]:
            made["reasoning_content"] = parts[0][1]
        self.messages.append(made)

    def _lay_out(self, number: int, turn: Turn, parts: list[tuple[str, str]]) -> None:
        """Remember a turn's layout where it is not the plain one."""
        if turn.gaps == _plain_gaps(parts, self.words):
            turn = Turn((), turn.json)
        if turn != Turn():
            self.turns[number] = turn


def _without_ids(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """What a text can tell of the messages: no call ids, and no word on training."""
    kept: list[dict[str, Any]] = []
    for message in messages:
        plain = {key: value for key, value in message.items() if key not in ("tool_call_id", "train", "weight")}
        if calls := message.get("tool_calls"):
            plain["tool_calls"] = [call["function"] for call in calls]
        kept.append(plain)
    return kept


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
