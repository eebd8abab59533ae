"""Plans: the model decomposes the task before it acts, and revises its plan after a call has failed.

Comes in: a conversation. Goes out: a plan, which the model then reads as its own words and which stays in the
conversation as the content before the calls: so it is there when a run goes on, can be edited, and goes into rows.
"""

from collections.abc import Sequence

from agent.around.asking import ask
from agent.events import Event
from agent.messages import Message, ToolSchema
from agent.models.protocol import ChatModel, Sampling
from agent.progress import Progress

_ORDER = {
    "en": "Do not answer yet, and call nothing. Write a short numbered plan: which of these tools to use, "
    "in which order, and with what. If no tool is needed, write exactly: no plan.\n{tools}",
    "zh": "先不要回答，也不要调用工具。请写一个简短的分步计划（编号）：依次使用下面的哪些工具、各自传入什么。"
    "如果不需要工具，只写：无需计划。\n{tools}",
}
_REVISE = {
    "en": "The last call failed. Do not call anything yet. Write what is left to do as a short numbered plan that "
    "avoids the failure. If nothing is left that can be done, write exactly: no plan.\n{tools}",
    "zh": "上一次调用失败了。先不要调用工具。请针对失败原因修改计划，只写剩下的步骤（编号）。"
    "如果已经没有可做的步骤，只写：无需计划。\n{tools}",
}
_GO = {"en": "Now carry out the plan, beginning with its first step.", "zh": "现在按计划执行，从第一步开始。"}
_NONE = ("no plan", "无需计划", "不需要计划")


async def plan(
    model: ChatModel,
    shown: Sequence[Message],
    tools: Sequence[ToolSchema],
    sampling: Sampling,
    progress: Progress,
    lang: str,
    told: list[Event],
) -> str:
    """The model's plan for what `shown` asks; `""` where it sees nothing to plan."""
    spoken = "zh" if lang == "zh" else "en"
    listed = "\n".join(f"- {tool['function']['name']}: {tool['function']['description']}" for tool in tools)
    order = (_REVISE if progress.failed else _ORDER)[spoken].format(tools=listed)
    text = await ask(model, _with_order(shown, order), sampling, progress, told)
    return "" if text.casefold().strip(" .。\"'“”`").startswith(_NONE) else text


def to_carry_out(shown: Sequence[Message], made: str, lang: str) -> list[Message]:
    """The conversation with the plan as the model's own words, and the word to begin."""
    go = _GO["zh" if lang == "zh" else "en"]
    return [*shown, {"role": "assistant", "content": made}, {"role": "user", "content": go}]


def _with_order(shown: Sequence[Message], order: str) -> list[Message]:
    """The order as the end of the last question, or as a message of its own after results: roles alternate."""
    if shown and shown[-1]["role"] == "user":
        return [*shown[:-1], {**shown[-1], "content": f"{shown[-1]['content']}\n\n{order}"}]
    return [*shown, {"role": "user", "content": order}]
