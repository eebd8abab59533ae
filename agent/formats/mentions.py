"""Tells a call that is made from one that is spoken about: in backquotes, in a fence or line announced as an example.

Comes in: a text and a position in it. Goes out: whether what stands there is an illustration. Knows nothing of calls.
"""

import re

# A line that introduces an illustration: what follows it is shown, not called.
_SHOWS = re.compile(
    r"example|e\.g\.|for instance|such as|format|look(s|ed)? like|schema|syntax|template"
    r"|(would|could) (be|write|call|use)|how to|\b(some|following|sample) code"
    r"|you (can (call|use|write)|sent|gave|wrote|pasted)"
    r"|例如|比如|例子|示例|譬如|格式|形如|样例|模板|可以这样|可以写|写成|写作|以下代码|代码如下"
    r"|用法|像这样|你(发|给|写|贴|提供)的",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n.*?(?:\n[ \t]*```[ \t\r]*$|\Z)", re.DOTALL | re.MULTILINE)


def is_announced(text: str, start: int) -> bool:
    """Whether the line that ends before `start` introduces what begins there as an illustration."""
    return bool(_SHOWS.search(text[:start].rstrip().rsplit("\n", 1)[-1]))


def is_quoted(text: str, position: int) -> bool:
    """Whether `position` lies between backquotes of one line, or in a fence that is announced as an illustration."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    before, after = text[start:position].replace("```", ""), text[position : end if end >= 0 else len(text)]
    if before.count("`") % 2 and "`" in after.replace("```", ""):
        return True
    if "```" not in text:
        return False
    fences = (fence for fence in _FENCE.finditer(text) if fence.start() <= position < fence.end())
    return any(is_announced(text, fence.start()) for fence in fences)


def is_example(text: str, start: int, end: int) -> bool:
    """Whether the text around `start`..`end` offers it as an example: introduced so on its line or the one before, and
    gone on with; or called so right behind it, on its line.
    """
    line = text[text.rfind("\n", 0, start) + 1 : start].strip()
    after = text[end:].split("\n", 1)[0] if line else text[end:]
    if not after.strip() or after.lstrip().startswith("<"):  # the next call is no comment on this one
        return False
    return bool(_SHOWS.search(after)) if line and not _SHOWS.search(line) else is_announced(text, start)


def is_shown(before: str, after: str) -> bool:
    """Whether what stands between the two is an example: announced by the line before it, or called so after it."""
    after = after.strip("` \t\r\n")
    before = re.sub(r"\n?[ \t]*```\w*\s*\Z", "", before)
    return bool(after and (is_announced(before, len(before)) or _SHOWS.search(after.split("\n", 1)[0])))
