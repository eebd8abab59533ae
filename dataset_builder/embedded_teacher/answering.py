"""Says in the user's language what a tool returned: its values, and no others.

Comes in: the original tool, the arguments it was called with, its `ToolResult`. Goes out: one or two sentences: the
tool's own where it has some, or every value beside its name. In Chinese a code is said by its word: 公里 for km.
"""

import functools
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.tools import Tool, ToolResult
from dataset_builder.embedded_teacher.composing import YES_NO, Composer, capitalized, words_for
from dataset_builder.embedded_teacher.phrases import phrases_for
from dataset_builder.embedded_teacher.reading import be, label_in, parameters_of, schema_in
from dataset_builder.embedded_teacher.templates import choose, fill, slots
from dataset_builder.embedded_teacher.values import join_words

MAX_VALUE = 160  # characters of one value that an answer repeats
MAX_VALUES = 6
# Of the training side's results are told by their names alone, also where the tool has sentences of its own: nobody can
# say those of a tool never seen before, and an adapter that learned nothing else makes up words and loses values.
PLAIN_SHARE = 0.8
_MANNERS = {  # of naming one value, and what stands between two
    "en": (("{l} {v}", ", "), ("{l}: {v}", ", "), ("{l}: {v}", "; "), ("the {l} {be} {v}", ", "), ("{l} = {v}", ", ")),
    "zh": (("{l}是{v}", "，"), ("{l}：{v}", "，"), ("{l}：{v}", "；"), ("{l}为{v}", "，"), ("{l} {v}", "，")),
}
_PREFIX = re.compile(r"^Error: (?:\w+(?:Error|Exception): )?")


@dataclass(frozen=True)
class Wording:
    """How one tool's results are said in one language: names for their keys, words for their texts, and for the codes
    that stand under a key.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def word(self, text: str, key: str) -> str:
        return self.codes.get(key, {}).get(text) or self.words.get(text, text)


_AS_IT_IS = Wording()


def answer(tool: Tool, arguments: dict[str, Any], result: ToolResult, composer: Composer, rng: random.Random) -> str:
    """The sentence for one call; of a failed call it says that it failed."""
    phrases, wording = phrases_for(tool), _wording_of(tool, composer.lang)
    if result.is_error:
        patterns = phrases.failures.get(composer.lang, []) if phrases else []
        patterns = [pattern for pattern in patterns if slots(pattern) <= set(arguments)]
        if patterns:
            return _filled(rng.choice(patterns), arguments, composer.lang, wording, rng)
        return _ended(composer.pick("tool_error", rng, error=_PREFIX.sub("", result.content)), composer.lang)
    value = _json(result.content)
    patterns = phrases.answers.get(composer.lang, []) if phrases and isinstance(value, dict) else []
    patterns = [pattern for pattern in patterns if slots(pattern) <= set(value)]
    # "Done. Mark Yates." says of an action neither what was done nor to whom.
    bare = bool(patterns) and tool.side_effects and len(value) == 1
    manner = None
    if composer.side == "train" and not bare and rng.random() < PLAIN_SHARE:
        manner = rng.choice(_MANNERS[composer.lang])
    elif patterns:
        return _filled(rng.choice(patterns), value, composer.lang, wording, rng)
    told = _all_of(value, composer.lang, wording, manner)
    text = composer.pick("acted" if tool.side_effects else "done", rng, result=told)
    if isinstance(value, dict) and len(value) > 1:  # a sentence of its own, unlike a value that stands alone
        text = text.replace(f". {told}", f". {capitalized(told)}")
    return _ended(text, composer.lang)


@functools.lru_cache(maxsize=4096)
def _wording_of(tool: Tool, lang: str) -> Wording:
    """The tool's own labels and words, and in Chinese those that its parameters declare for their choices: a code under
    another key may well mean something else.
    """
    phrases = phrases_for(tool)
    if lang != "zh":
        return Wording(phrases.labels.get(lang, {}), phrases.words.get(lang, {})) if phrases else _AS_IT_IS
    codes = {
        parameter.name: {
            choice: words_for(parameter, choice, lang)[0] for choice in parameter.choices() if isinstance(choice, str)
        }
        for parameter in parameters_of(schema_in(tool, lang))
    }
    if phrases is None:
        return Wording(codes=codes)
    codes |= {key: codes[name] for key, name in phrases.same_as.items()}
    return Wording(phrases.labels.get(lang, {}), phrases.words.get(lang, {}), codes)


def _filled(pattern: str, values: dict[str, Any], lang: str, wording: Wording, rng: random.Random) -> str:
    return fill(choose(pattern, rng), lambda name: said(values[name], lang, wording, name))


def said(value: Any, lang: str, wording: Wording = _AS_IT_IS, key: str = "") -> str:
    """A JSON value as text, numbers exactly as the tool wrote them; `key` is the one that it stands under."""
    if isinstance(value, bool):
        return YES_NO[lang][value][0]
    if isinstance(value, list):
        items = [said(item, lang, wording, key) for item in value[:20]]
        return join_words(items, lang) or ("nothing" if lang == "en" else "无")
    if isinstance(value, dict):
        return _all_of(value, lang, wording)
    if value is None:
        return "nothing" if lang == "en" else "无"
    text = wording.word(value, key) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"


def _all_of(value: Any, lang: str, wording: Wording, manner: tuple[str, str] | None = None) -> str:
    """Every value of an object beside its name; of an object of one value, the value."""
    if not isinstance(value, dict):
        return said(value, lang, wording)
    pairs = list(value.items())[:MAX_VALUES]
    if len(pairs) == 1:
        return said(pairs[0][1], lang, wording, pairs[0][0])
    one, between = manner or _MANNERS[lang][0]
    named = [(wording.labels.get(key, label_in(key, lang)), said(item, lang, wording, key)) for key, item in pairs]
    return between.join(one.format(l=label, be=be(label), v=text) for label, text in named if label)


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
