"""Questions, restated so that they can be understood by themselves: "and in Shanghai?" after one about the weather.

Comes in: the user's messages. Goes out: the last one restated, or as it was where the restatement is not to be trusted.
"""

import re
from collections.abc import Sequence

from agent.messages import Message

_ORDER = {
    "en": "Restate the last message of this conversation as one question or request that can be understood without the "
    "rest. Change nothing of what is asked, keep every name and number, add nothing. Write the restated message "
    "only.\n\n{said}",
    "zh": "请把下面对话中的最后一条消息改写成不看上文也能理解的一个问题或请求。不要改变其含义，"
    "保留所有名称和数字，不要添加内容。只写改写后的消息。\n\n{said}",
}
_WHO = {"en": {"user": "User", "assistant": "Assistant"}, "zh": {"user": "用户", "assistant": "助手"}}
_NUMBER = re.compile(r"\d+(?:[.,:/\-]\d+)*")
_QUOTED = re.compile(r"[\"“「『](.+?)[\"”」』]")


def order(messages: Sequence[Message], lang: str) -> list[Message]:
    """What the model is asked: what was said, without calls and results."""
    spoken = "zh" if lang == "zh" else "en"
    colon = "：" if spoken == "zh" else ": "
    lines = [
        f"{_WHO[spoken][message['role']]}{colon}{message['content']}"
        for message in messages
        if message["role"] in _WHO[spoken] and message["content"]
    ]
    return [{"role": "user", "content": _ORDER[spoken].format(said="\n".join(lines))}]


def restated(answer: str, said: str) -> str:
    """The restated message; `said` itself where the answer is empty, rambles, or drops a number or a quotation."""
    text = answer.strip().strip('"“”')
    too_long = len(text) > 3 * len(said) + 200
    drops = set(_NUMBER.findall(said)) - set(_NUMBER.findall(text)) or {
        q for q in _QUOTED.findall(said) if q not in text
    }
    return said if not text or too_long or drops else text
