"""Cuts ReAct text at its keywords, in English or Chinese, in any case, with either colon, in bold or numbered.

Comes in: one reply, or the beginning of one. Goes out: its sections in their order. Knows nothing of calls.
"""

import re
from dataclasses import dataclass

from agent.formats.calls import Reading

_KEYWORDS = {
    "input": r"action[ _\-]?inputs?|action[ _\-]arguments|tool[ _\-]?input|行动输入|动作输入|操作输入|行动参数|动作参数"
    r"|工具输入|工具参数|输入参数",
    "action": r"action|行动|动作|操作|使用工具|调用工具|(?:工具(?:名称?)?|tool(?:[ _\-]name)?|function)"
    # words like any other, unless an input follows
    r"(?=[ \t]*\**[ \t]*[:：][^\n]*\n+[ \t]*\**(?:(?:tool|action)?[ _\-]?input|arg|param|工具|参数|输入|行动输入))",
    "thought": r"thoughts?|思考|想法|思路",
    "observation": r"observation|观察结果|观察|观测|工具返回",
    "answer": r"final[ _\-]?answer|最终答案|最终回答|最终答复|最后答案",
}
_LINE = re.compile(
    r"^[ \t#\-]*(?:\*(?!\*)[ \t]*)?(?P<bold>\*\*)?[ \t]*(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in _KEYWORDS.items())
    + r")[ \t]*\d*[ \t]*\**[ \t]*(?P<colon>[:：])(?(bold)(?:[ \t]*\*\*)?)[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_CANONICAL = {"Thought: ", "Action: ", "Action Input: ", "Final Answer: ", "Observation:", "Observation: "}


@dataclass(frozen=True)
class Section:
    kind: str  # "text" before the first keyword
    text: str


def sections(text: str, reading: Reading | None = None) -> list[Section]:
    """The text cut at its keywords; with `reading`, keywords that are not the plain English ones count as repairs."""
    found = _until_answer(list(_LINE.finditer(text)))
    made = [Section("text", text[: found[0].start()] if found else text)]
    for match, following in zip(found, [*found[1:], None], strict=False):
        end = following.start() if following else len(text)
        made.append(Section(_kind(match), text[match.end() : end]))
        if reading is not None:
            _note_spelling(match, reading)
    return made


def _until_answer(found: list[re.Match[str]]) -> list[re.Match[str]]:
    """The keywords up to the answer: what follows is the answer's text, unless a whole call follows."""
    kinds = [_kind(match) for match in found]
    if "answer" not in kinds or "input" in kinds[kinds.index("answer") :]:
        return found
    return found[: kinds.index("answer") + 1]


def keyword_at(text: str) -> tuple[str, int] | None:
    """The kind of the keyword that `text` begins with (newlines before it aside), and where it ends; None for none."""
    start = len(text) - len(text.lstrip("\n"))
    match = _LINE.match(text, start)
    return None if match is None else (_kind(match), match.end())


def _kind(match: re.Match[str]) -> str:
    return next(kind for kind in _KEYWORDS if match.group(kind) is not None)


def _note_spelling(match: re.Match[str], reading: Reading) -> None:
    if match.group("colon") == "：" and match.group(_kind(match)).isascii():
        reading.repaired("full-width punctuation")
    if match.group(_kind(match)).isascii() and match.group().strip(" :：").strip("*") not in {
        item.strip(" :") for item in _CANONICAL
    }:
        reading.repaired("keyword spelling")
