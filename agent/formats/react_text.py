"""Reads a model's ReAct text: `Thought`, `Action`, `Action Input`, `Final Answer`, in English or Chinese.

Comes in: one reply. Goes out: content, thought and calls in a `Reading`. `react_sections` finds the keywords. What
stands after an `Observation` was made up by the model and is left out. Knows nothing of whole conversations.
"""

import re

from agent.formats.calls import Reading
from agent.formats.hermes import Parts
from agent.formats.mending import OPENING, UnreadableError, read_json, read_json_at
from agent.formats.mentions import is_shown
from agent.formats.pythonic import read_pythonic
from agent.formats.react_sections import Section, sections
from agent.formats.react_spelling import names_tool

# Said of the input right after an action, and anywhere else a word like any other.
_INPUT_AFTER_ACTION = re.compile(
    r"(?:arguments|parameters|params|args|input|输入|参数)[ \t]*\**[ \t]*[:：][ \t]*\**\s*", re.IGNORECASE
)
_VERB = re.compile(r"(?:(?:call|use|invoke|using|calling)\s+(?:the\s+)?|调用|使用|执行)\s*", re.IGNORECASE)
_PAIR = re.compile(r"\s*[\"'“”]?(\w+)[\"'“”]?[ \t]*[:：=＝][ \t]*(.+?)[ \t]*[,，]?\Z")
_NO_TOOL = {
    "",
    "none",
    "无",
    "没有",
    "n/a",
    "na",
    "null",
    "无需工具",
    "不需要",
    "不需要工具",
    "no action",
}
_ANSWERS = {"finish", "final answer", "final_answer", "answer", "最终答案", "最终回答", "完成", "回答"}
_FENCE = re.compile(r"\A```\w*\s*\n?(.*?)\n?```\Z", re.DOTALL)


_BRACKETED = re.compile(r"\s*([^\W\d][\w.\-]*)\s*[\[［]([^\[\]{}\n]*)[\]］]\s*\Z")  # as in the ReAct paper


def looks_like_react(text: str, reading: Reading) -> bool:
    """Whether the text is ReAct and not prose with a colon: an action with an input or a tool's name, or an answer."""
    found = sections(text)
    kinds = {section.kind for section in found}
    if not kinds & {"action", "answer"}:
        return False
    if {"action", "input"} <= kinds:
        return True
    if "answer" in kinds:  # alone behind other words it is a heading, as of a sum that is worked out before it
        return kinds != {"text", "answer"} or not found[0].text.strip()
    actions = [section.text.strip() for section in found if section.kind == "action"]
    return any(names_tool(action, reading) or _holds_call(action, reading) or _finishes(action) for action in actions)


def _finishes(action: str) -> bool:
    """Whether an action is `Finish[the answer]`, as in the ReAct paper."""
    match = _BRACKETED.match(action)
    return match is not None and match.group(1).lower() in _ANSWERS


def _holds_call(action: str, reading: Reading) -> bool:
    """Whether an action is JSON that names a tool, as LangChain's chat agents write it."""
    body = _unfenced(action)
    if body[:1] not in OPENING or not body:
        return False
    try:
        found = Reading(reading.tools).call_in(read_json_at(body, 0)[0])
    except UnreadableError:
        return False
    return found is not None and reading.known_name(found[0]) is not None


def _unfenced(text: str) -> str:
    fence = _FENCE.match(text)
    return fence.group(1).strip() if fence else text


def read_react(text: str, reading: Reading) -> Parts:
    """Take the calls of a ReAct reply; content is the final answer (or what stands outside), thought the thoughts."""
    thoughts: list[str] = []
    answers: list[str] = []
    outside: list[str] = []
    action: str | None = None
    found = _until_observation(sections(text, reading), reading)
    if _is_example(found):
        reading.problem("a tool call is offered as an example and was not made")
        return Parts(text, "")
    for section in found:
        body = section.text.strip()
        if section.kind == "action":
            if action is not None:
                _call_without_input(action, reading)
            action = body
        elif section.kind == "input":
            before = len(reading.calls)
            _call(action, body, reading)
            if len(reading.calls) == before and reading.problems:
                outside.append(f"Action: {action or ''}\nAction Input: {body}")
            action = None
        elif section.kind == "answer":
            answers.append(body)
        elif section.kind == "thought":
            thoughts.append(body)
        elif body and not re.fullmatch(r"```\w*", body):
            outside.append(body)
    if action is not None:
        before = len(reading.problems)
        _call_without_input(action, reading)
        outside += [f"Action: {action}"] if len(reading.problems) > before else []
    if answers:  # what stands around it was said on the way to it
        return Parts("\n".join(answers), "\n".join([*outside, *thoughts]))
    return Parts("\n".join(outside), "\n".join(thoughts))


def _is_example(found: list[Section]) -> bool:
    """Whether the text around an action and its input shows how one is written."""
    last = found[-1]
    if last.kind != "input" or not last.text.lstrip().startswith(tuple(OPENING)):
        return False
    try:
        _, end, _ = read_json_at(last.text, len(last.text) - len(last.text.lstrip()))
    except UnreadableError:
        return False
    return is_shown(found[0].text, last.text[end:])


def _until_observation(found: list[Section], reading: Reading) -> list[Section]:
    for index, section in enumerate(found):
        if section.kind == "observation":
            if section.text.strip() or found[index + 1 :]:
                reading.repaired("made-up observation left out")
            return found[:index]
    return found


def _call(action: str | None, body: str, reading: Reading) -> None:
    """One action with its input."""
    if action is None:
        return reading.problem(f"an action input has no action: {body[:60]!r}")
    name = _without_verb(_plain_name(action), reading)
    if name.lower() in _NO_TOOL:
        return None
    if name.lower() in _ANSWERS and reading.known_name(name) is None:
        return reading.said.append(_answer(body))
    if _FENCE.match(body):
        reading.repaired("fenced JSON")
        body = _unfenced(body)
    if body[:1] == body[-1:] == "`":
        body = body.strip("`")
    if body[:1] in OPENING and body:
        return _call_with_json(name, body, reading)
    if body.lower() in _NO_TOOL:
        return reading.add(name, {})
    if re.match(r"[^\W\d]\w*\s*[=＝]", body) and read_pythonic(f"{name}({body})", reading, known_only=True):
        return reading.repaired("key-value input")
    if pairs := _pairs(name, body, reading):
        reading.repaired("key-value input")
        return reading.add(name, pairs)
    return reading.add(name, body)


def _answer(body: str) -> str:
    """The answer that an action called `finish` was given: its input, or the only text in it."""
    try:
        value, _ = read_json(body) if body[:1] in OPENING and body else (body, [])
    except UnreadableError:
        return body
    texts = [item for item in value.values() if isinstance(item, str)] if isinstance(value, dict) else []
    return texts[0] if len(texts) == 1 else body


def _call_with_json(name: str, body: str, reading: Reading) -> None:
    """An action whose input begins as JSON; what stands after it is said."""
    try:
        value, end, kinds = read_json_at(body, 0)
    except UnreadableError as error:
        known = reading.known_name(name) or name
        return reading.problem(f"the input of {known} cannot be read: {error}")
    rest = body[end:].strip()
    if said := rest.strip("}]｝］` \n"):
        kinds = [*kinds, "text after the input"]
        reading.said.append(said if len(said) < len(rest.strip("` \n")) else rest.strip("` \n"))
    elif rest.strip("` \n"):
        kinds = [*kinds, "extra brace"]
    reading.repaired(*kinds)
    return reading.add(name, value)


def _pairs(name: str, body: str, reading: Reading) -> dict[str, str]:
    """The arguments of an input that says `key: value` line by line, each key a parameter; {} for any other."""
    parameters = reading.parameters(reading.known_name(name) or name)
    found = [_PAIR.match(line) for line in body.splitlines() if line.strip()]
    if not all(match and match.group(1) in parameters for match in found):
        return {}
    return {match.group(1): match.group(2).strip("\"'“”") for match in found if match}


def _call_without_input(action: str, reading: Reading) -> None:
    """An action whose input stands in its own line (`f(x=1)`, `f {"x": 1}`, a whole JSON call), or nowhere."""
    name = _plain_name(action)
    if name.lower() in _NO_TOOL:
        return None
    if (body := _unfenced(action))[:1] in OPENING and body:
        try:
            value, kinds = read_json(body)
        except UnreadableError as error:
            return reading.problem(f"an action cannot be read: {error}")
        reading.repaired("JSON as action", *kinds)
        return reading.add_value(value)
    if read_pythonic(action, reading, known_only=False):
        return None
    if name.lower() in _ANSWERS and reading.known_name(name) is None:
        return None
    match = _BRACKETED.match(action)
    if match and (reading.known_name(match.group(1)) is not None or _finishes(action)):
        reading.repaired("input in brackets")
        return _call(match.group(1), match.group(2), reading)
    first, _, rest = action.partition("\n")
    if keyword := _INPUT_AFTER_ACTION.match(rest.lstrip()):
        reading.repaired("keyword spelling")
        return _call(first, rest.lstrip()[keyword.end() :].strip(), reading)
    brace = next((index for index, letter in enumerate(action) if letter in OPENING), None)
    if brace:
        reading.repaired("missing action input")
        return _call(action[:brace].rstrip(" :：\n"), action[brace:], reading)
    if reading.known_name(_plain_name(first)) is not None and rest.strip():
        reading.repaired("missing action input")
        return _call(first, rest.strip(), reading)
    reading.repaired("missing action input")
    return reading.add(name, {})


def _without_verb(name: str, reading: Reading) -> str:
    """`Call get_weather` as `get_weather`, where that is a tool and the other is not."""
    bare = _VERB.sub("", name)
    if bare == name or reading.known_name(name) is not None or reading.known_name(bare) is None:
        return name
    reading.repaired("words around the name")
    return bare


def _plain_name(action: str) -> str:
    return action.strip().strip("`*\"'“”‘’[]【】 ").rstrip("。.;；")
