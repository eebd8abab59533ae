"""Says a problem to the person at the page: where it is, by the numbers on the cards, and what, in their language.

Comes in: a problem whose field is a path. Goes out: text. A sentence that has no translation here is quoted.
"""

import re

from agent.messages import Problem
from dataset_builder.annotate.words import Words

_PATH = re.compile(r"messages\[(\d+)\](?:\.tool_calls\[(\d+)\])?(?:\.([\w.]+))?$")

# What the checks say in English, as patterns; the groups stand in the translation.
_ZH = tuple(
    (re.compile(f"{pattern}$", re.DOTALL), text)
    for pattern, text in (
        (r"is not JSON: (.+) \(line (\d+), column (\d+)\)", r"不是合法的 JSON（第 \2 行第 \3 列）：\1"),
        (r"is not JSON: (.+) is no JSON", r"不是合法的 JSON：JSON 里没有 \1"),
        (r"must be a JSON object, as .+", r'必须是 JSON 对象，例如 {"参数名": 值}'),
        (r"the last calls have no results yet", r"最后的调用还没有结果"),
        (r"an assistant message needs content or a tool call", r"助手消息要有文字或工具调用"),
        (r"\w+ speaks while calls wait for their results: .+", r"前面的工具调用还没有结果，这里不能说话"),
        (r"(?:calls '', which is not in tools|must be a name, got '')", r"没有写工具名"),
        (r"calls '(.+)', which is not in tools", r"调用的 \1 不在可用的工具里"),
        (r"answers no open call, got .+", r"没有与它对应的工具调用"),
        (r"a system message is only allowed first", r"系统消息只能放在最前面"),
        (r"missing required argument(?: in '(.+)')?: (.+)", r"缺少必填的参数：\2"),
        (r"unknown argument(?: in '(.+)')?: (.+) \(there are: (.+)\)", r"没有这个参数：\2（只有 \3）"),
        (r"argument '(.+)' must be one of (.+), got (.+)", r"参数 \1 只能是 \2 之一，现在是 \3"),
        (r"argument '(.+)' must be of type (.+), got (.+)", r"参数 \1 的类型应当是 \2，现在是 \3"),
        (r"(.+): (.+) became (.+)", r"参数 \1：\2 应当写成 \3"),
        (r"(.+): null was left out", r"参数 \1：不要写 null，没有就不写"),
        (r"and (\d+) more faults", r"还有 \1 处不对"),
        (r"argument '(.+)': (.+) is less than the minimum of (.+)", r"参数 \1 不能小于 \3，现在是 \2"),
        (r"argument '(.+)': (.+) is greater than the maximum of (.+)", r"参数 \1 不能大于 \3，现在是 \2"),
        (r"argument '(.+)': (.+) is less than or equal to the minimum of (.+)", r"参数 \1 要大于 \3，现在是 \2"),
        (r"argument '(.+)': (.+) is greater than or equal to the maximum of (.+)", r"参数 \1 要小于 \3，现在是 \2"),
        (r"argument '(.+)': (.+) is not a multiple of (.+)", r"参数 \1 要是 \3 的倍数，现在是 \2"),
        (r"argument '(.+)': (.+) (?:is too short|should be non-empty)", r"参数 \1 太短：\2"),
        (r"argument '(.+)': (.+) (?:is too long|is expected to be empty)", r"参数 \1 太长：\2"),
        (r"argument '(.+)': (.+) does not match (.+)", r"参数 \1 要符合 \3，现在是 \2"),
        (r"argument '(.+)': (.+) was expected", r"参数 \1 只能是 \2"),
        (r"argument '(.+)': (.+) has non-unique elements", r"参数 \1 里有重复的值：\2"),
        (r"argument '(.+)': (.+) is not valid under any of the given schemas", r"参数 \1 的值不合要求：\2"),
        (r"is blank", r"是空的"),
        (r"holds no reply to learn from", r"没有一条助手消息是用来训练的"),
        (r"is not JSON: (\S+) is too large a number", r"\1 这个数太大"),
        (r"is not JSON: it is nested too deeply", r"JSON 嵌套得太深"),
        (r"(?:(.+): )?(.+) comes back as (.+) from datasets' Json\(\)", r"数据集存不下这个值：\2 会变成 \3"),
        (r"call id '(.+)' is used twice", r"调用的编号 \1 用了两次"),
        (r"must be the called tool '(.*)', got .+", r"结果的工具名要和调用的一样：\1"),
        (r"exists and was not made by callsmith", r"已经有这个文件夹，而且不是 callsmith 写的"),
        (r"cannot be written: (.+)", r"写不进去：\1"),
        (r"no row was accepted yet", r"接受了的对话都不能写入"),
        (r"(.+)", r"没有通过检查（\1）"),  # what has no words of its own here
    )
)


def told(problem: Problem, words: Words) -> str:
    """The whole problem on one line."""
    return words.problem.format(field=place(problem["field"], words), what=what(problem["what"], words))


def place(field: str, words: Words) -> str:
    """`messages[1].tool_calls[0].function.arguments` as "message 2, arguments": cards are counted from 1."""
    found = _PATH.match(field)
    if found is None:
        return words.fields.get(field, field)
    message, call, rest = found.groups()
    number = int(call) + 1 if call is not None else None
    parts = [words.card.format(number=int(message) + 1)]
    parts += [words.nth_call.format(number=number)] if number is not None and number > 1 else []
    parts += [words.fields.get(rest, rest)] if rest and rest != "content" else []
    return words.within.join(parts)


def what(text: str, words: Words) -> str:
    if words.translates:
        for pattern, translation in _ZH:
            if found := pattern.match(text):
                return found.expand(translation)
    return text
