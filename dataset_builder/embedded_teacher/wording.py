"""How people put it who ask a tool that has no sentences of its own: `6 bags`, `on Friday`, `the student is Anna`.

Comes in: parameters and descriptions. Goes out: a purpose of `sentences.yaml` and the words to fill its sentences with.
What has no shape of its own is left to `label: value`. Knows nothing of values and of sides.
"""

import re

from agent.messages import ToolSchema
from dataset_builder.embedded_teacher.kinds import kind_of
from dataset_builder.embedded_teacher.reading import Parameter, has_chinese

Wording = tuple[str, dict[str, str]]

_COUNT_EN = re.compile(r"(?:number|count|amount) of ([a-z]+s|people|children)")
_AMOUNT_EN = re.compile(r"((?:hours|minutes|days|nights|weeks|months|years|pages|drops|copies) of [a-z -]+)")
_UNIT_EN = re.compile(r"(.+) in ([a-z]+(?: [A-Za-z]+)?)")
_ROLE_EN = re.compile(r"(?:the )?(.+)'s (?:name|number|code|id)|(?:name|number|code|id) of (?:the |a )?(.+)")
_COUNT_ZH = re.compile(r"([人袋滴张份件瓶盒箱杯页天晚次双套支只台间位包束颗条片周年])数")
_UNIT_ZH = re.compile(r"(.+?)[（(](克|公斤|千克|吨|毫米|厘米|米|公里|毫升|升|摄氏度|度|秒|分钟|小时|天|元|平方米)[)）]")
_ROLE_ZH = re.compile(r"(.{1,8}?)(?:的)?(?:姓名|名称|名字|编号|号码|单号)")
_SIMPLE = {"date": "day", "iso_date": "day", "time": "hour", "phone": "phone", "email": "email", "address": "address"}
_QUESTION_EN = re.compile(
    r"(?:say|tell|find out|report|show|check|determine|see|work out|calculate|return|estimate)s? "
    r"((?:how|where|when|who|which|what|whether|if)\b.+)",
    re.IGNORECASE,
)
_THING_EN = re.compile(
    r"(?:find|look up|get|give|show|calculate|compute|estimate|quote|fetch|return|retrieve|check)s? (the .+)",
    re.IGNORECASE,
)
_ASKING_ZH = re.compile(r"(?:查询|查看|查找|查|计算|估算|算出|报出|获取)(?:一下)?(.{3,})")
_ASKS_ZH = re.compile(r"哪|什么|多少|几|怎么|如何|是否|多[久长大远高]")


def shape_of(parameter: Parameter, in_both: Parameter, lang: str, *, unit_alone: bool) -> Wording | None:
    """The purpose whose sentences say a value of `parameter`, and the words beside the value; None for `label: value`.

    Args:
        parameter: As it is shown in `lang`.
        in_both: The same, described in both languages: what kind of value it wants is read there.
        unit_alone: No other parameter is measured in the same unit, so that `5 grams` can only mean this one.
    """
    label, type_ = parameter.label(lang), parameter.schema.get("type")
    if type_ in ("boolean", "array", "object"):
        return None
    if parameter.choices():
        return ("option", {}) if any(len(words) > 1 for words in parameter.words().values()) else None
    if type_ in ("integer", "number"):
        if unit := measure_of(parameter, lang):
            thing = _UNIT_EN.fullmatch(label)[1] if lang == "en" and _UNIT_EN.fullmatch(label) else label  # type: ignore[index]
            return ("measure_alone" if unit_alone else "measure"), {"thing": thing, "unit": unit}
        match = (_COUNT_ZH if lang == "zh" else _COUNT_EN).fullmatch(label) or (
            _AMOUNT_EN.fullmatch(label) if lang == "en" else None
        )
        return ("count", {"noun": match[1]}) if match else None
    kind = kind_of(in_both)
    if kind in _SIMPLE:
        return _SIMPLE[kind], {}
    match = (_ROLE_ZH if lang == "zh" else _ROLE_EN).fullmatch(label)
    if match or kind == "person":
        return "role", {"role": next(filter(None, match.groups())) if match else label}
    return None


def measure_of(parameter: Parameter, lang: str) -> str:
    """The unit that a number is given in, as its description tells it, or ""."""
    text = str(parameter.schema.get("description", "")).strip().rstrip(".。")
    match = _UNIT_ZH.match(text) if lang == "zh" else _UNIT_EN.fullmatch(parameter.described("en"))
    return match[2] if match else ""


def question_of(schema: ToolSchema, lang: str) -> Wording | None:
    """What a tool that only tells something is asked, from its description; None for one that does something."""
    text = re.split(r"[.。\n;；!！（(]", schema["function"]["description"].strip(), maxsplit=1)[0].strip()
    if has_chinese(text) != (lang == "zh"):
        return None
    if lang == "zh":
        match = _ASKING_ZH.fullmatch(text)
        return (("know" if _ASKS_ZH.search(match[1]) else "get"), {"question": match[1]}) if match else None
    if match := _QUESTION_EN.fullmatch(text):
        return "know", {"question": match[1]}
    match = _THING_EN.fullmatch(text)
    return ("get", {"question": match[1]}) if match else None
