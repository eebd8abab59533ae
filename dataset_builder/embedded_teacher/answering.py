"""Says in the user's language what a tool returned: its values, and no others.

Comes in: the original tool, the arguments it was called with, its `ToolResult`. Goes out: one or two sentences: the
tool's own where it has some, or every value beside its name.
"""

import json
import random
import re
from typing import Any

from agent.tools import Tool, ToolResult
from dataset_builder.embedded_teacher.composing import YES_NO, Composer, capitalized
from dataset_builder.embedded_teacher.phrases import phrases_for
from dataset_builder.embedded_teacher.reading import label_in
from dataset_builder.embedded_teacher.templates import choose, fill, slots
from dataset_builder.embedded_teacher.values import join_words

MAX_VALUE = 160  # characters of one value that an answer repeats
MAX_VALUES = 6
# Of the training side's results are told by their names alone, also where the tool has sentences of its own: nobody can
# say those of a tool never seen before, and an adapter that learned nothing else makes up words and loses values.
PLAIN_SHARE = 0.8
_MANNERS = {  # of naming one value, and what stands between two
    "en": (("{l} {v}", ", "), ("{l}: {v}", ", "), ("{l}: {v}", "; "), ("the {l} is {v}", ", "), ("{l} = {v}", ", ")),
    "zh": (("{l}是{v}", "，"), ("{l}：{v}", "，"), ("{l}：{v}", "；"), ("{l}为{v}", "，"), ("{l} {v}", "，")),
}
_PREFIX = re.compile(r"^Error: (?:\w+(?:Error|Exception): )?")


def answer(tool: Tool, arguments: dict[str, Any], result: ToolResult, composer: Composer, rng: random.Random) -> str:
    """The sentence for one call; of a failed call it says that it failed."""
    phrases = phrases_for(tool)
    if result.is_error:
        patterns = phrases.failures.get(composer.lang, []) if phrases else []
        patterns = [pattern for pattern in patterns if slots(pattern) <= set(arguments)]
        if patterns:
            return _filled(rng.choice(patterns), arguments, composer.lang, rng)
        return _ended(composer.pick("tool_error", rng, error=_PREFIX.sub("", result.content)), composer.lang)
    value = _json(result.content)
    manner = None
    if composer.side == "train" and rng.random() < PLAIN_SHARE:
        manner = rng.choice(_MANNERS[composer.lang])
    elif phrases and isinstance(value, dict):
        patterns = [one for one in phrases.answers.get(composer.lang, []) if slots(one) <= set(value)]
        if patterns:
            return _filled(rng.choice(patterns), value, composer.lang, rng)
    return _ended(composer.pick("done", rng, result=_all_of(value, composer.lang, manner)), composer.lang)


def _filled(pattern: str, values: dict[str, Any], lang: str, rng: random.Random) -> str:
    return fill(choose(pattern, rng), lambda name: said(values[name], lang))


def said(value: Any, lang: str) -> str:
    """A JSON value as text, numbers exactly as the tool wrote them."""
    if isinstance(value, bool):
        return YES_NO[lang][value][0]
    if isinstance(value, list):
        return join_words([said(item, lang) for item in value[:20]], lang) or ("nothing" if lang == "en" else "无")
    if isinstance(value, dict):
        return _all_of(value, lang)
    if value is None:
        return "nothing" if lang == "en" else "无"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"


def _all_of(value: Any, lang: str, manner: tuple[str, str] | None = None) -> str:
    """Every value of an object beside its name; of an object of one value, the value."""
    if not isinstance(value, dict):
        return said(value, lang)
    pairs = list(value.items())[:MAX_VALUES]
    if len(pairs) == 1:
        return said(pairs[0][1], lang)
    one, between = manner or _MANNERS[lang][0]
    return between.join(one.format(l=label_in(key, lang), v=said(item, lang)) for key, item in pairs)


def _json(content: str) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError:
        return content


def _ended(text: str, lang: str) -> str:
    text = text.strip()
    if lang == "zh":
        return (
            re.sub(r"[.。]?[.。]$", "。", text)
            if text.endswith((".", "。"))
            else text
            if text[-1:] in "？！"
            else f"{text}。"
        )
    return capitalized(re.sub(r"\.+$", ".", text) if text[-1:] in ".?!" else f"{text}.")
