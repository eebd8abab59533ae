"""Example questions for the embedded tools, in Chinese and English.

Goes out: the examples whose tools are on the page. Knows nothing of how they are answered.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A question, its language, and the names of the tools that answer it (none: it should be answered without)."""

    lang: str
    text: str
    tools: tuple[str, ...] = ()


EXAMPLES = (
    Example("zh", "北京明天天气怎么样？", ("get_weather",)),
    Example("zh", "把 200 美元换成人民币。", ("convert_currency",)),
    Example("zh", "128 加 256 等于多少？再告诉我 2026 年 10 月 1 日是星期几。", ("calculate", "weekday_of")),
    Example("zh", "提醒我：待办里加一条“买牛奶”，优先级高。", ("add_task",)),
    Example("en", "How many miles are 42 km?", ("convert_length",)),
    Example("en", "It is 09:00 in London. What time is it in Tokyo?", ("convert_time",)),
    Example("en", "Split a bill of 96 dollars between 4 people.", ("split_bill",)),
    Example("en", "Set a timer of 15 minutes for the tea.", ("set_timer",)),
)


def fitting(known: Collection[str]) -> list[Example]:
    """The examples that the tools in `known` can answer; none at all where none of the tools is one of ours."""
    return [example for example in EXAMPLES if example.tools and set(example.tools) <= set(known)]
