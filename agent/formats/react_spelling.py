"""Brings ReAct text whose keywords are bent into form: a letter off, no colon, an action and its input on one line.

Comes in: a reply. Goes out: the same text with its keywords at the start of lines of their own. Only what stands before
a tool's name or before JSON is touched. Knows nothing of what the keywords mean.
"""

import re

from agent.formats.calls import Reading, one_edit
from agent.formats.mending import OPENING
from agent.formats.mentions import is_announced, is_quoted
from agent.tools.validation import fold

_ON_ONE_LINE = re.compile(
    r"(?P<before>^|[ \t。.；;，,])(?P<action>(?:action|行动|动作)[ \t]*[:：][ \t]*[^\s:：{｛]{1,64})"
    r"[ \t]*[,，;；]?[ \t]*"
    r"(?P<input>(?:action[ _\-]?input|行动输入|动作输入)[ \t]*[:：])",
    re.IGNORECASE | re.MULTILINE,
)
_WORD_LINE = re.compile(r"^[ \t]*([^\W\d][\w \-]{0,13}?)[ \t]*[:：][ \t]*(\S.*)$", re.MULTILINE)
_SPELLED = ("Action Input", "Action", "行动输入", "行动")
_WITHOUT_COLONS = re.compile(
    r"^(action|行动|动作)[ \t]+([\w.\-]+)[ \t]*\n(action input|行动输入|动作输入)[ \t]*(?=[{｛])",
    re.IGNORECASE | re.MULTILINE,
)


def on_lines(text: str, reading: Reading) -> str:
    """The text with an action and its input, written on one line, each on a line of its own."""

    def broken(match: re.Match[str]) -> str:
        if is_announced(text, match.start("action")) or is_quoted(text, match.start("action")):
            return match.group()
        reading.repaired("keywords on one line")
        return f"{match.group('before')}\n{match.group('action')}\n{match.group('input')}"

    text = _with_plain_keywords(text, reading)
    if _WITHOUT_COLONS.search(text):
        reading.repaired("missing colon")
        text = _WITHOUT_COLONS.sub(r"\1: \2\n\3: ", text)
    return _ON_ONE_LINE.sub(broken, text)


def _with_plain_keywords(text: str, reading: Reading) -> str:
    """The text with the keywords of an action spelled as they should be, where one is a letter off."""

    def plain(match: re.Match[str]) -> str:
        word, rest = fold(match.group(1)), match.group(2)
        near = next((key for key in _SPELLED if word != fold(key) and one_edit(word, fold(key))), None)
        fits = near and (rest[:1] in OPENING and rest if "nput" in near or "入" in near else names_tool(rest, reading))
        if not fits:
            return match.group()
        reading.repaired("keyword spelling")
        return f"{near}: {rest}"

    return _WORD_LINE.sub(plain, text)


def names_tool(action: str, reading: Reading) -> bool:
    name = re.match(r"[`\"'“\[【]*([^\W\d][\w.\- ]*)", action.split("\n")[0])
    return name is not None and reading.known_name(name.group(1)) is not None
