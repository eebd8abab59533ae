"""How people put it who ask a tool that has no sentences of its own: `6 bags`, `on Friday`, `the student is Anna`.

Comes in: parameters and descriptions. Goes out: a purpose of `sentences.yaml` and the words to fill its sentences with.
A shape must tell which parameter is meant: where two could have it, and where a label says more than the shape would,
there is none, and `label: value` is left. Knows nothing of values and of sides.
"""

import re
from collections import Counter

from agent.messages import ToolSchema
from agent.tools import Tool
from dataset_builder.embedded_teacher.kinds import kind_of
from dataset_builder.embedded_teacher.reading import (
    Parameter,
    has_chinese,
    parameters_in_both,
    parameters_of,
    schema_in,
)

Wording = tuple[str, dict[str, str]]

_UNITS_EN = (
    r"(?:US )?dollars|euros|cents|percent|(?:kilo|milli)?grams|tons|pounds"
    r"|(?:kilo|milli|centi)?met(?:re|er)s|miles|feet|inches"
    r"|(?:milli)?lit(?:re|er)s|(?:square|cubic) met(?:re|er)s|seconds|minutes|hours|days|weeks|months|years"
    r"|degrees(?: Celsius| Fahrenheit)?|watts|volts"
)
_UNIT_EN = re.compile(rf"(.+) in ({_UNITS_EN})")
_UNIT_ZH = re.compile(r"(.+?)[（(](克|公斤|千克|吨|毫米|厘米|米|公里|毫升|升|摄氏度|度|秒|分钟|小时|天|元|平方米)[)）]")
_COUNT_EN = re.compile(r"(?:number|count) of ((?!gas|news|bus|series)[a-z]+(?<!s)s|people|children)")
_COUNT_ZH = re.compile(r"([人袋滴张份件瓶盒箱杯页天晚次双套支只台间位包束颗条片周年])数")
_ROLE_EN = re.compile(
    r"(?:the )?([a-z]+(?: [a-z]+)?)'s (?:name|number|code|id)|(?:name|number|code|id) of (?:the |a )?([a-z ]+)"
)
_ROLE_ZH = re.compile(r"([^的]{1,8})(?:姓名|名称|名字|编号|号码|单号)")
# Whom or what a value is, in one word: `customer`, 收件人.
_ONE_WORD = {
    "en": re.compile(r"(?!level|type|group|prompt|role)[a-z]+"),
    "zh": re.compile(r"[^谁]{1,3}[人员生师者户客手]"),
}
# What a label may be so that its kind alone tells enough: `the day of the visit`, and no date of birth.
_PLAIN = {
    "day": {"en": r"(?:\w+ )?(?:date|day)(?: of the \w+)?", "zh": r".{0,4}(?:日期|日子)"},
    "hour": {"en": r"(?:\w+ )?time(?: of the \w+)?", "zh": r".{0,4}(?:时间|时刻)"},
    "phone": {"en": r"(?:\w+ )?(?:tele)?phone(?: number)?", "zh": r".{0,3}(?:电话|手机|手机号)"},
    "email": {"en": r"(?:\w+ )?e-?mail(?: address)?", "zh": r".{0,3}(?:邮箱|电子邮箱)"},
    "address": {"en": r"(?:\w+ )?address", "zh": r".{0,3}地址"},
}
_NOT_PLAIN = re.compile(r"birth|time zone|cooking|unit|type|生日|出生|单位|类型")
_PURPOSES = {"date": "day", "iso_date": "day", "time": "hour", "phone": "phone", "email": "email", "address": "address"}
_QUESTION_EN = re.compile(
    r"(?:say|tell|find out|show|check|determine|see|work out|calculate|estimate)s? "
    r"((?:how|where|when|who|which|what|whether|if)\b.+)",
    re.IGNORECASE,
)
_THING_EN = re.compile(r"(?:find|look up|calculate|compute|estimate|quote|retrieve)s? (the .+)", re.IGNORECASE)
_TWO_DEEDS_EN = re.compile(r"\b(?:and|then) (?:\w+ )?(?:it|them|the|a|an|if)\b")
_ASKING_ZH = re.compile(r"(?:查询|查看|查找|计算(?![机器])|估算|算出|报出|获取)(?:一下)?(?![并和一看询])([^并且]{2,})")
_ASKS_ZH = re.compile(r"哪|什么|多少|几(?![何乎])|怎么|如何|是否|多[久长大远高]")


def shapes_of(tool: Tool, lang: str) -> dict[str, Wording]:
    """For each parameter of `tool` whose value has a shape that tells it from all others, the purpose and its words."""
    in_both = parameters_in_both(tool)
    found = {one.name: _shape(one, in_both[one.name], lang) for one in parameters_of(schema_in(tool, lang))}
    shapes = {name: shape for name, shape in found.items() if shape}
    counts = Counter(_key(shape) for shape in shapes.values())
    chosen: dict[str, Wording] = {}
    for name, (purpose, words) in shapes.items():
        if counts[_key((purpose, words))] == 1:
            chosen[name] = ("measure_alone" if purpose == "measure" else purpose), words
        elif purpose == "measure":  # its label is said, too
            chosen[name] = purpose, words
    return chosen


def _key(shape: Wording) -> str:
    """What a listener tells a value by: its unit or noun, its role, or its kind."""
    purpose, words = shape
    return words.get("unit") or words.get("noun") or words.get("role") or purpose


def _shape(parameter: Parameter, in_both: Parameter, lang: str) -> Wording | None:
    label, type_ = parameter.label(lang), parameter.schema.get("type")
    if type_ in ("boolean", "array", "object"):
        return None
    if parameter.choices():
        return ("option", {}) if all(len(words) > 1 for words in parameter.words().values()) else None
    if type_ in ("integer", "number"):
        if measured := measure_of(parameter, lang):
            return "measure", dict(zip(("thing", "unit"), measured, strict=True))
        counted = (_COUNT_ZH if lang == "zh" else _COUNT_EN).fullmatch(label)
        return ("count", {"noun": counted[1]}) if counted else None
    role = (_ROLE_ZH if lang == "zh" else _ROLE_EN).fullmatch(label)
    if role:
        return "role", {"role": next(filter(None, role.groups()))}
    kind = kind_of(in_both)
    if kind == "person":
        return ("role", {"role": label}) if _ONE_WORD[lang].fullmatch(label) else None
    purpose = _PURPOSES.get(kind, "")
    plain = bool(purpose) and re.fullmatch(_PLAIN[purpose][lang], label) and not _NOT_PLAIN.search(label)
    return (purpose, {}) if plain else None


def measure_of(parameter: Parameter, lang: str) -> tuple[str, str] | None:
    """What a number measures and the unit that it is given in, as its description tells them."""
    text = str(parameter.schema.get("description", "")).strip().rstrip(".。")
    match = _UNIT_ZH.match(text) if lang == "zh" else _UNIT_EN.fullmatch(parameter.described("en"))
    return (match[1], match[2]) if match else None


def question_of(schema: ToolSchema, lang: str) -> Wording | None:
    """What a tool that only tells something is asked, from its description; None for one that does something."""
    text = re.split(r"[.。\n;；!！（(]", schema["function"]["description"].strip(), maxsplit=1)[0].strip()
    if has_chinese(text) != (lang == "zh"):
        return None
    if lang == "zh":
        match = _ASKING_ZH.fullmatch(text)
        return (("know" if _ASKS_ZH.search(match[1]) else "get"), {"question": match[1]}) if match else None
    if _TWO_DEEDS_EN.search(text):
        return None
    if match := _QUESTION_EN.fullmatch(text):
        return "know", {"question": match[1]}
    match = _THING_EN.fullmatch(text)
    return ("get", {"question": match[1]}) if match else None
