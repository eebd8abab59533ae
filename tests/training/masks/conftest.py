"""What the tests of masks share: small tokenizers made here, and the conversations that every template renders."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import trl
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TRL_TEMPLATES = Path(trl.__file__).parent / "chat_templates"

# What these templates use as one token; the longest family of names first.
SPECIAL = re.compile(
    r"<\|[A-Za-z_0-9/>-]+?\|>|<｜[^｜<>]+｜>|<(?:start_of_turn|end_of_turn|end_of_utterance)>|</s>|\[gMASK\]|<sop>|"
    r"<\|(?:turn|tool_call|tool_response|channel|tool|think)>|<(?:turn|tool_call|tool_response|channel|tool)\|>"
)
END = {
    "cohere": "<|END_OF_TURN_TOKEN|>",
    "deepseek": "<｜end▁of▁sentence｜>",
    "diffusion": "<turn|>",
    "gemma": "<end_of_turn>",
    "gemma4": "<turn|>",
    "glm": "<|endoftext|>",
    "gptoss": "<|return|>",
    "idefics": "<end_of_utterance>",
    "llama3": "<|eot_id|>",
    "llava": "</s>",
    "muse": "<|eot|>",
    "phi": "<|endoftext|>",
    "smol": "<end_of_utterance>",
}
QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@lru_cache
def _trained_bpe() -> str:
    """A byte-level BPE of 2,000 entries in which, as in real ones, runs of newlines are one token."""
    tokenizer = Tokenizer(models.BPE())
    words = pre_tokenizers.Split(Regex(QWEN_WORDS), "isolated")
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, bytes_])
    tokenizer.decoder = decoders.ByteLevel()
    lines = [path.read_text("utf-8") for path in sorted(TRL_TEMPLATES.glob("*.jinja"))]
    lines += ["你好，今天北京的天气怎么样？请查询一下。", "a\n\n b\n\n\n c: \n"] * 20
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=2000, initial_alphabet=alphabet, special_tokens=["<|pad|>"])
    trainer.show_progress = False
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer.to_str()


def tokenizer_for(template: str, name: str = "", end: str | None = None) -> PreTrainedTokenizerFast:
    """A tokenizer with `template`, its special tokens, and the end token of its family."""
    families = sorted((family for family in END if name.startswith(family)), key=len)
    end = end or (END[families[-1]] if families else "<|im_end|>")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_trained_bpe()), eos_token=end, bos_token="<|bos|>", pad_token="<|pad|>"
    )
    special = sorted({*SPECIAL.findall(template), end, "<|bos|>"})
    tokenizer.add_tokens([AddedToken(text, special=True, normalized=False) for text in special], special_tokens=True)
    tokenizer.chat_template = template
    return tokenizer


def user(content: str) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def call(number: int, **arguments: Any) -> dict[str, Any]:
    return {"id": f"call0000{number}", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


def result(number: int, content: str = '{"degrees": 21}') -> dict[str, Any]:
    return {"role": "tool", "content": content, "name": "get_weather", "tool_call_id": f"call0000{number}"}


SYSTEM = {"role": "system", "content": "You are kind."}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "the city"},
                "days": {"type": "integer", "description": "how many"},
            },
            "required": ["city"],
        },
    },
}
PARIS = {"tool_calls": [call(1, city="Paris", days=3)]}
CONVERSATIONS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "no tools": ([user("Hello there"), assistant("Hi, how are you?")], []),
    "two user turns": ([SYSTEM, user("Hello"), assistant("Hi!"), user("你好吗？"), assistant("我很好，谢谢。")], []),
    "one call": (
        [SYSTEM, user("Paris?"), assistant("", **PARIS), result(1), assistant("It is 21 degrees.")],
        [WEATHER],
    ),
    "no system": ([user("Paris?"), assistant("", **PARIS), result(1), assistant("It is 21 degrees.")], [WEATHER]),
    "parallel calls": (
        [
            user("Paris and Rome?"),
            assistant("", tool_calls=[call(1, city="Paris"), call(2, city="Rome")]),
            result(1),
            result(2, "cold"),
            assistant("Both fine."),
        ],
        [WEATHER],
    ),
    "call and content": (
        [
            user("Paris?"),
            assistant("Let me look.", tool_calls=[call(1, city="Pa\"r'is\n")]),
            result(1),
            assistant("Fine."),
        ],
        [WEATHER],
    ),
    "thoughts": (
        [
            user("2+2?"),
            assistant("Four.", reasoning_content="Two and two make four."),
            user("And 3+3?"),
            assistant("Six.", reasoning_content="Easy."),
        ],
        [],
    ),
    "thought and call": (
        [
            user("Paris?"),
            assistant("", reasoning_content="I need the tool.", **PARIS),
            result(1),
            assistant("Sunny.", reasoning_content="It said so."),
        ],
        [WEATHER],
    ),
    "tool error": (
        [
            user("Paris?"),
            assistant("", **PARIS),
            result(1, "Error: no such city <b>"),
            assistant("", tool_calls=[call(2, city="Paris, FR")]),
            result(2),
            assistant("Fine."),
        ],
        [WEATHER],
    ),
    "consecutive turns": ([user("Hello"), assistant("One."), assistant("Two.")], []),
    "unicode": ([user("表情 🙂"), assistant("日本 🇯🇵 e\u0301 \u200d 𝔘.")], []),
    "leading newlines": ([user("Code"), assistant("\n\nprint(1)\n"), user("More"), assistant("\n  x = 2  ")], []),
    "not learned": ([user("Hello"), assistant("Bad.", train=False), user("Again"), assistant("Good.", weight=0.5)], []),
}


def replies_of(sequences: list[Any], tokenizer: Any) -> dict[int, str]:
    """What is learned of each message, as text; fails where one is learned twice."""
    found: dict[int, str] = {}
    for sequence in sequences:
        for segment in sequence.segments:
            if segment.rule == "reply":
                assert segment.message not in found, "learned twice"
            if segment.message is not None:
                ids = sequence.labels[segment.start : segment.end]
                assert ids == sequence.input_ids[segment.start : segment.end]
                found[segment.message] = found.get(segment.message, "") + tokenizer.decode(ids)
            else:
                assert set(sequence.labels[segment.start : segment.end]) == {-100}
    return found


@pytest.fixture(scope="session")
def trl_template() -> Callable[[str], str]:
    return lambda name: (TRL_TEMPLATES / f"{name}.jinja").read_text("utf-8")


@pytest.fixture(scope="session")
def make_tokenizer() -> Callable[..., PreTrainedTokenizerFast]:
    return tokenizer_for


@pytest.fixture(scope="session")
def conversations() -> dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    return CONVERSATIONS


@pytest.fixture(scope="session")
def learned() -> Callable[[list[Any], Any], dict[int, str]]:
    return replies_of
