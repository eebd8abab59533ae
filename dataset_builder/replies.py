"""Reads what an LLM wrote when it was asked for a verdict or for a list: more shapes than it was asked for.

Comes in: the text. Goes out: `read_verdict`: yes, no or neither, and why; `read_list`: the strings of the list. Judges
are told to begin with yes or no; many write JSON, markdown, "答案：是", "不符合要求", or think aloud first.
Knows nothing of what was asked.
"""

import re

from json_repair import repair_json

_FILLER = re.compile(
    r"^[\W_]*(?:the\s+|final\s+|最终)*(?:answer|verdict|judge?ment|result|答案|回答|结论|判断|结果)\s*(?:is|是|为)?\s*[\W_]+",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^[\W_]*(?:no\b|not\s+(?:valid|suitable|good|acceptable)\b|invalid\b|false\b"
    r"|否(?:定的)?(?=\W|$)|不(?:是|符合(?:要求)?|合格|满足(?:要求)?|可以|能|对|正确|行|(?=\W|$))|错误(?=\W|$))",
    re.IGNORECASE,
)
_YES = re.compile(
    # A Chinese word ends where no other character follows: 对话 is no 对, 可以看出 no 可以.
    r"^[\W_]*(?:yes\b|valid\b|true\b|correct\b|(?:是的?|对的?|(?:符合|满足)(?:要求)?|合格|可以|正确)的?(?=\W|$))",
    re.IGNORECASE,
)
_BEGINS_AS_JSON = re.compile(r"\W*```|\W*json\b|[^\w{]*\{", re.IGNORECASE)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.S)
_BULLET = re.compile(r"^\s*(?:\d+\s*[.)、：:]|[-*•])\s*(.+)$")
_KEYS = ("verdict", "answer", "valid", "judgement", "judgment", "result", "ok", "判断", "结论", "答案", "结果")
_REASONS = ("reason", "why", "explanation", "原因", "理由")


def read_verdict(text: str) -> tuple[bool | None, str]:
    """The verdict in a judge's reply, and its reason (the reply without the verdict, on one line)."""
    text = _THOUGHT.sub("", text).strip()
    # JSON that does not begin the reply may be a result that the judge quotes: it counts where no line has a verdict.
    if _BEGINS_AS_JSON.match(text) and (found := _from_json(text)):
        return found
    lines = [line for line in text.splitlines() if line.strip()]
    # The first line decides; a judge that thinks aloud first puts its verdict on the last.
    for at in (0, -1) if lines else ():
        line = _FILLER.sub("", lines[at], count=1)
        for pattern, verdict in ((_NO, False), (_YES, True)):
            if match := pattern.match(line):
                lines[at] = line[match.end() :]
                return verdict, _one_line(" ".join(lines))
    return ("{" in text and _from_json(text)) or (None, _one_line(text))


def read_list(text: str) -> list[str]:
    """The strings in a reply that was to be a JSON list; a numbered or bulleted list serves too. `[]` for neither."""
    text = _THOUGHT.sub("", text).strip()
    if "[" in text:
        value = repair_json(text[text.index("[") :], return_objects=True)
        strings = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
        # Brackets in prose read as a list of crumbs; questions are longer than that.
        if strings and max(map(len, strings)) > 3:
            return [item.strip() for item in strings if item.strip()]
    items = (_BULLET.match(line) for line in text.splitlines())
    return [match[1].strip(' "“”') for match in items if match and match[1].strip()]


def _from_json(text: str) -> tuple[bool, str] | None:
    value = repair_json(text[text.index("{") :], return_objects=True)
    value = value[0] if isinstance(value, list) and value else value
    if not isinstance(value, dict):
        return None
    fields = {str(key).casefold(): item for key, item in value.items()}
    verdict = next((fields[key] for key in _KEYS if key in fields), None)
    reason = str(next((fields[key] for key in _REASONS if key in fields), ""))
    if isinstance(verdict, bool):
        return verdict, _one_line(reason)
    if isinstance(verdict, str):
        read, _ = read_verdict(verdict) if "{" not in verdict else (None, "")
        return None if read is None else (read, _one_line(reason))
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split()).strip(" ,.;:，。；：、*-")
