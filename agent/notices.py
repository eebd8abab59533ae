"""What the loop itself says to a model, in both languages."""

_NOTICES = {
    "unreadable": {
        "en": "Your tool call could not be read: {problem}. Write it again as instructed, or answer without it.",
        "zh": "无法读取你的工具调用：{problem}。请按要求的格式重新写一次，或者不用工具直接回答。",
    },
    "unknown tool": {
        "en": "Error: there is no tool named {name!r}. The tools are: {names}.",
        "zh": "错误：没有名为 {name!r} 的工具。可用的工具有：{names}。",
    },
    "none": {"en": "none", "zh": "无"},
    "repeated": {
        "en": "Error: this very call has been made {count} times already; its result is above.",
        "zh": "错误：这个完全相同的调用已经执行过 {count} 次，结果见上文。",
    },
    "refused": {
        "en": "Not done: {name} changes something, and this call was not allowed: {reason}. Do not repeat it.",
        "zh": "未执行：{name} 会改变外部状态，此调用未获许可：{reason}。请不要重复这个调用。",
    },
    "not allowed": {"en": "it was declined", "zh": "已被拒绝"},
    "out of time": {
        "en": "Error: the time for this run is over; the call was given up.",
        "zh": "错误：本次运行的时间已用完，调用被中止。",
    },
}


def notice(kind: str, lang: str, **values: object) -> str:
    """The notice of that kind in `lang` ("zh", else English), filled in with `values`."""
    text = _NOTICES[kind]
    return text["zh" if lang == "zh" else "en"].format(**values)
