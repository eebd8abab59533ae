"""The embedded model's tokenizer: a byte-level BPE in which a value has the same tokens wherever it stands.

Comes in: words to learn merges from. Goes out: a `PreTrainedTokenizerFast` with the chat template beside this file.
The text is first cut into letters, single digits, single Chinese characters, single spaces, line breaks and single
marks. Merges never cross a cut, so `42` after a space, a quote or a bracket is the same two tokens: copying a value
is copying its tokens. The one exception saves a third of all JSON: the joints between JSON keys and values, such as
`": "`, are one token each. All of them hold a quote, so only a value that starts or ends with a mark *and* touches a
quote there can be cut in another way. Lossless: any text comes back character for character.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from training.base.corpus import words
from training.base.corpus.han import COMMON

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL_TOKENS = (END_OF_TEXT, TURN_START, TURN_END)
CHAT_TEMPLATE_FILE = Path(__file__).with_name("chat_template.jinja")

# Longest first: the cut takes the first alternative that fits.
JSON_JOINTS = ('": {"', '": ["', '"}, "', '"], "', '": "', '", "', '": ', '{"', '"}', '["', '"]')
FULL_WIDTH_MARKS = "，。：；！？、（）《》“”‘’【】「」『』—…·～￥％℃°×÷±→€£"

_LETTERS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_WORD = r"\p{Lu}?\p{Ll}+|\p{Lu}+"  # get|Weather|Report, HTTP
_CUT = "|".join(
    [joint.replace("{", r"\{").replace("}", r"\}").replace("[", r"\[").replace("]", r"\]") for joint in JSON_JOINTS]
    + [r"\p{Han}", r"\p{N}", _WORD, r"[^\s\p{L}\p{N}]", r"\s", r"."]
)


def train_tokenizer(words: Iterable[str], merges: int = 3000) -> PreTrainedTokenizerFast:
    """A tokenizer whose letter merges are learned from `words` (each weighs as often as it occurs).

    Characters of `COMMON`, full-width marks and JSON joints get their tokens by construction, so the vocabulary does
    not depend on how often the corpus happens to use them. Deterministic.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary: dict[str, int] = {token: index for index, token in enumerate([*SPECIAL_TOKENS, *alphabet])}
    rules: list[tuple[str, str]] = []

    def join(left: str, right: str) -> str:
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            rules.append((left, right))
        return left + right

    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for text in [*FULL_WIDTH_MARKS, *COMMON, *JSON_JOINTS]:
        pieces = whole.pre_tokenize_str(text)[0][0]
        token = pieces[0]
        for piece in pieces[1:]:
            token = join(token, piece)
    for left, right in _learn_merges(words, merges, alphabet):
        join(left, right)
    return _wrap(Tokenizer(models.BPE(vocab=vocabulary, merges=rules)))


def corpus_tokenizer(merges: int = 3000) -> PreTrainedTokenizerFast:
    """The tokenizer of the embedded base: merges from the corpus' word lists, as they stand and capitalized."""
    weights: Counter[str] = Counter()
    for word in words.all_english():
        for part in _LETTERS.findall(word):
            weights[part] += 20
            weights[part.capitalize()] += 8
    return train_tokenizer((word for word, weight in weights.items() for _ in range(weight)), merges)


def _learn_merges(words: Iterable[str], count: int, alphabet: list[str]) -> list[tuple[str, str]]:
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = _cutter()
    trainer = trainers.BpeTrainer(vocab_size=len(alphabet) + count, initial_alphabet=alphabet, show_progress=False)
    learner.train_from_iterator(words, trainer)
    return [(left, right) for left, right in json.loads(learner.to_str())["model"]["merges"]]


def _cutter() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CUT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def _wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    tokenizer.pre_tokenizer = _cutter()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        additional_special_tokens=[TURN_START],
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
        padding_side="right",
    )
    fast.chat_template = CHAT_TEMPLATE_FILE.read_text(encoding="utf-8")
    return fast
