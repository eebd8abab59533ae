"""Tool conversations for models without a tool role: as ReAct text, with the observations masked.

Comes in: canonical messages and tools. Goes out: messages of role and text, which any chat template renders, in which
an observation is never learned, whether it stands in the user's role or, as in some data sets, in the assistant's.
"""

from collections.abc import Sequence

from agent.formats import react
from agent.formats.react_layout import Layout
from agent.messages import Message, ToolSchema


def as_react(
    messages: Sequence[Message], tools: Sequence[ToolSchema], lang: str = "en", layout: Layout | None = None
) -> list[Message]:
    """The conversation as ReAct text messages, to be masked with no tools.

    Args:
        messages: A canonical conversation; its `train` and `weight` are kept.
        tools: Listed in the first message.
        lang: "en" or "zh", the language of the keywords.
        layout: Whitespace, and the role in which observations stand.

    Raises:
        ReactError: The conversation cannot be said in ReAct text.
    """
    rendered = react.render(messages, tools, lang, layout)
    # The first text message holds the system message, the tools and the question; then they go one to one.
    for text, message in zip(reversed(rendered), reversed(messages), strict=False):
        if text["role"] != "assistant":
            continue
        if message["role"] == "tool":
            text["train"] = False
        if "train" in message:
            text["train"] = message["train"]
        if "weight" in message:
            text["weight"] = message["weight"]
    return rendered
