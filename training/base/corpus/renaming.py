"""Services that nobody knows, made of known ones: a word that describes the service and asks for it becomes another.

Who has read every line knows which service it asks for; of a renamed one, nothing but the same word in its description
tells. Comes in: a `random.Random`, a `Frame`, a language. Goes out: a `Frame` for requests and lists in that language.
The same is done to rows of a dataset, whose families are few and would soon be known by heart.
"""

import functools
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from training.base.corpus import values, words
from training.base.corpus.frames import Frame, always_said, domains

_COMMON = 25  # descriptions that may have a word in all; what more of them have tells no service
_KNOWN_SHARE = 0.4  # of the new words are those of other things, the rest are of no list
_ENGLISH = re.compile(r"\b[a-z]{4,}\b")
# Characters of Chinese that stand for no thing: two characters with one of them are no word.
_BETWEEN = set(
    "的了着过我你他她它们这那哪谁什么怎几多少个些一两二三四五六七八九十请帮替给要想能可以把被让使在到从由向于对为"
    "按用和与及或并而且是有没无不未再又还都也就才只很最更已将会该应吗呢吧啊呀嘛上下里外中内前后时间号第次每某各所"
    "之其此"
)
_MOST = 3  # words of a row that become others
_OF_ROWS = words.listed(  # what rows and schemas are written with
    "role user assistant system tool tools content name function arguments type description parameters properties "
    "required string number integer boolean array object items enum default minimum maximum train true false null"
)


def renamed(rng: random.Random, frame: Frame, lang: str) -> Frame | None:
    """`frame` by another word, its lines only those that hold the word; None where it has no such word."""
    word = frame.known_by
    if word is None:
        shared = _shared(frame, lang)
        if not shared:
            return None
        word = rng.choice(shared)
    zh, whole = lang == "zh", _whole(word)
    new = rng.choice(words.THINGS) if rng.random() < _KNOWN_SHARE else values.unknown_noun(rng)
    asks = [whole.sub(new[zh], line) for line in frame.asks[lang] if whole.search(always_said(line))]
    about = [whole.sub(new[zh], text) for text in frame.about[lang] if whole.search(text)]
    tells = [whole.sub(new[zh], line) for line in frame.tells[lang]]
    action = rng.choice(rng.choice(words.ACTIONS)[0])
    return replace(
        frame,
        names=[f"{action} {new[0]}", f"{new[0]} {action}"],
        about={**frame.about, lang: about},
        asks={**frame.asks, lang: asks},
        tells={**frame.tells, lang: tells},
        original=frame.original or frame.names[0],
        known_by=new[zh].lower(),
    )


def plainly(frame: Frame, lang: str) -> Frame:
    """`frame` asked for as most people do, by lines that have a word of its descriptions; as it is where none has."""
    described = _described(frame, lang)
    asks = [line for line in frame.asks[lang] if described & _words(always_said(line), lang)]
    return replace(frame, asks={**frame.asks, lang: asks}) if asks else frame


def by_other_words(rng: random.Random, row: Mapping[str, Any], lang: str) -> Mapping[str, Any]:
    """`row` with some of the words that its requests share with its tools' descriptions replaced, wherever they are.

    Its identifiers go along where a word stands in them by itself. What it says stays true: every value, result and
    answer has the new word, too. So do values that are said as they are kept; and functions get names of which their
    meaning tells nothing, so that both are learned to be copied and not to be expected.
    """
    asked = {
        word for message in row["messages"] if message["role"] == "user" for word in _words(message["content"], lang)
    }
    described = {word for text in _descriptions_of(row["tools"]) for word in _words(text, lang)}
    shared = sorted(word for word in asked & described if _descriptions(lang)[word] <= _COMMON and word not in _OF_ROWS)
    text = json.dumps([row["messages"], row["tools"]], ensure_ascii=False)
    for word in rng.sample(shared, min(len(shared), rng.randint(1, _MOST))):
        new = (rng.choice(words.THINGS) if rng.random() < _KNOWN_SHARE else values.unknown_noun(rng))[lang == "zh"]
        if new.isalpha():
            text = _replaced(text, word, new)
    messages, tools = json.loads(_by_other_names(rng, _with_other_values(rng, text)))
    return {**row, "messages": messages, "tools": tools}


_OTHER_VALUES_SHARE = 0.5  # of the values that could be others
_OTHER_NAMES_SHARE = 0.7  # of the functions


def _with_other_values(rng: random.Random, text: str) -> str:
    """JSON of messages and tools; words that a user says and a call takes as they are become words of no list."""
    messages, tools = json.loads(text)
    asked = "\n".join(message["content"] for message in messages if message["role"] == "user")
    calls = [call["function"] for message in messages for call in message.get("tool_calls", [])]
    known = json.dumps(tools, ensure_ascii=False).lower()
    taken = {value for call in calls for value in call["arguments"].values() if isinstance(value, str)}
    for value in sorted(taken, key=lambda value: (-len(value), value)):  # a part of another comes after it
        free = len(value) > 1 and value in asked and value.lower() not in known
        if free and value.replace(" ", "").isalpha() and rng.random() < _OTHER_VALUES_SHARE:
            new = values.coined(rng) if value.isascii() else values.han(rng, 2, 4)
            text = _replaced(text, value, new.lower() if value.islower() else new)
    return text


def _by_other_names(rng: random.Random, text: str) -> str:
    """JSON of messages and tools; most functions' names begin with another word."""
    for name in [tool["function"]["name"] for tool in json.loads(text)[1]]:
        new = other_beginning(rng, name)
        if rng.random() < _OTHER_NAMES_SHARE and f'"{new}"' not in text:
            text = text.replace(f'"name": "{name}"', f'"name": "{new}"')
    return text


def other_beginning(rng: random.Random, name: str) -> str:
    """A name of several words with any word for its first one; of one, with one before it or by one alone."""
    word = rng.choice((values.scrap(rng), values.scrap(rng), rng.choice(rng.choice(words.ACTIONS)[0]))).lower()
    first, mark, rest = name.partition("_")
    return word.replace(" ", "_") + (f"_{rest}" if mark else rng.choice(("", f"_{first}")))


def _descriptions_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if isinstance(schema, dict):
        for key, inner in schema.items():
            if key == "description" and isinstance(inner, str):
                yield inner
            yield from _descriptions_of(inner)


def _replaced(text: str, old: str, new: str) -> str:
    """`text` with `new` wherever `old` stands; as it is where it has `new` already, which would mean two things."""
    if new.lower() in text.lower():
        return text
    return _everywhere(old).sub(functools.partial(_in_its_place, new), text)


def _everywhere(word: str) -> re.Pattern[str]:
    """The word, also as a plural or between the underscores of a name."""
    if not word.isascii():
        return re.compile(re.escape(word))
    return re.compile(rf"(?<![A-Za-z]){re.escape(word)}(?=(?:s|es)?(?![A-Za-z]))", re.IGNORECASE)


def _in_its_place(new: str, old: re.Match[str]) -> str:
    return new[:1].upper() + new[1:] if old[0][:1].isupper() else new


def _shared(frame: Frame, lang: str) -> list[str]:
    """The words by which people ask for it that its descriptions have too, and few others."""
    described = _described(frame, lang)
    asked = {word for line in frame.asks[lang] for word in _words(always_said(line), lang)}
    common = _descriptions(lang)
    return sorted(word for word in described & asked if common[word] <= _COMMON)


def _described(frame: Frame, lang: str) -> set[str]:
    """The words of its descriptions."""
    return {word for text in frame.about[lang] for word in _words(text, lang)}


@functools.cache
def _descriptions(lang: str) -> Counter[str]:
    """How many descriptions have a word."""
    texts = (text for frames in domains().values() for frame in frames for text in frame.about[lang])
    return Counter(word for text in texts for word in _words(text, lang))


def _words(text: str, lang: str) -> set[str]:
    """English words, or any two Chinese characters that may be one."""
    if lang == "en":
        return set(_ENGLISH.findall(text.lower()))
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    return {pair for pair in pairs if all("一" <= character <= "鿿" for character in pair) and not _BETWEEN & set(pair)}


def _whole(word: str) -> re.Pattern[str]:
    """The word where it is one, but not in the `{names}` of values."""
    edge = r"\b" if word.isascii() else ""
    return re.compile(rf"(?<!\{{){edge}{re.escape(word)}{edge}(?![^{{}}]*\}})", re.IGNORECASE)
