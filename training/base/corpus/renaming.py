"""Services that nobody knows, made of known ones: a word that describes the service and asks for it becomes another.

Who has read every line knows which service it asks for; of a renamed one, nothing but the same word in its description
tells. Comes in: a `random.Random`, a `Frame`, a language. Goes out: a `Frame` for requests and lists in that language.
"""

import functools
import random
import re
from collections import Counter
from dataclasses import replace

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


def _shared(frame: Frame, lang: str) -> list[str]:
    """The words by which people ask for it that its descriptions have too, and few others."""
    described = {word for text in frame.about[lang] for word in _words(text, lang)}
    asked = {word for line in frame.asks[lang] for word in _words(always_said(line), lang)}
    common = _descriptions(lang)
    return sorted(word for word in described & asked if common[word] <= _COMMON)


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
