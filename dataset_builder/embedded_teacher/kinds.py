"""Guesses what kind of value a parameter wants, from its schema, its name and its description.

Comes in: a `Parameter`. Goes out: a kind for `Values.draw`, or the parts a nested value is made of.
"""

import functools
import math
import re
from typing import Any

from dataset_builder.embedded_teacher.reading import Parameter, name_words, plain_schema

# A format that is asked for is kept, whatever the name says: "visit date | YYYY-MM-DD".
_TOLD_FORMATS = [(r"yyyy-mm-dd['\"]?[t ]['\"]?hh", "moment"), (r"yyyy-mm-dd|iso[ -]?date", "iso_date")]
# The first pattern found in "name words | description" decides. Chinese words are looked for as they are.
_STRING_KINDS = [
    (r"e-?mail|邮箱|电子邮件", "email"),
    (r"phone|mobile|telephone|电话|手机", "phone"),
    (r"\burl\b|link|website|网址|链接", "url"),
    (r"datetime|timestamp|iso ?8601", "moment"),
    (r"\bdate\b|\bday\b|birthday|deadline|日期|生日|哪天", "date"),
    (r"\btime\b|\bhour\b|clock|时间|时刻|几点", "time"),
    (r"hex|颜色代码|colou?r code", "hex_color"),
    (r"expression|formula|算式|公式", "expression"),
    (r"user ?name|login|nickname|用户名|账号名", "user_name"),
    (r"\b(id|number|no|code|sku|serial|plate|isbn|iban|reference|tracking)\b|编号|单号|号码|代码|车牌|序列号", "code"),
    (r"address|street|地址", "address"),
    (r"city|town|城市|country|国家", "city"),
    (r"doctor|医生", "doctor"),
    (r"\bpet\b|dog|宠物", "pet"),
    (
        r"recipient|sender|person|customer|guest|patient|student|employee|author|artist|user|teacher|member|driver|client"
        r"|owner|contact|full name|first name|last name|\bwho\b",
        "person",
    ),
    (r"收件人|寄件人|姓名|客户|客人|患者|学生|员工|作者|歌手|用户|老师|成员|司机|主人|联系人|谁", "person"),
    (r"colou?r|颜色", "color"),
    (r"company|supplier|vendor|brand|公司|供应商|品牌", "company"),
    (r"restaurant|cafe|餐厅", "restaurant"),
    (r"hotel|酒店", "hotel"),
    (r"meeting room|conference|会议室", "meeting_room"),
    (r"\broom\b|房间", "house_room"),
    (r"place|location|venue|destination|origin|station|pickup|airport|地点|目的地|车站|位置|站点", "place"),
    (r"song|book|movie|film|title|album|歌曲|书名|电影|标题", "title"),
    (r"product|item|article|goods|part\b|device|商品|物品|产品|零件", "product"),
    (r"ingredient|food|dish|meal|食材|食物|菜", "ingredient"),
    (r"message|greeting|body|消息|短信|正文", "message"),
    (r"task|todo|job|任务|事项", "task"),
    (r"event|meeting|appointment|活动|日程", "event"),
    (r"reason|why|cause|原因|理由", "reason"),
    (r"comment|review|feedback|评语|评论|反馈", "comment"),
    (r"subject|topic|主题", "topic"),
    (r"problem|issue|fault|defect|damage|描述|故障|毛病", "fact"),
    (r"question|问题", "question"),
    (r"course|lesson|school subject|课程|科目", "subject"),
    (r"drink|beverage|饮品|饮料", "drink"),
    (r"dormitory|building|宿舍|楼", "place"),
    (r"sentence|text|content|文本|内容|句子", "sentence"),
    (r"note|memo|remark|description|instruction|备注|笔记|描述|说明|留言", "note"),
    (r"tag|label|标签", "tag"),
    (r"\bkey\b|setting|键", "key"),
    (r"word|term|keyword|query|关键词|词", "word"),
    (r"\bname\b|名字|名称", "pseudo"),
]
_NUMBER_RANGES = [
    (r"\bage\b|年龄|岁", 2, 95),
    (r"cups|bottles|boxes|bags|sheets|杯数|瓶数|盒数|袋数|张数|份", 1, 20),
    (r"chapter|page|lesson|floor|章节|页码|楼层", 1, 60),
    (r"\byear\b|年份", 1950, 2035),
    (r"month\b|月份", 1, 12),
    (r"percent|discount|tip|rate\b|百分比|折扣|率", 1, 50),
    (r"people|guests|persons|passengers|seats|adults|children|人数|座位", 1, 12),
    (r"stars|rating|星", 1, 5),
    (r"score|grade|points|分数", 40, 100),
    (r"minutes|mins|分钟", 2, 120),
    (r"hours|小时", 1, 24),
    (r"days|nights|weeks|天数|晚数|周数", 1, 30),
    (r"years|年数", 1, 30),
    (r"count|quantity|copies|pieces|tickets|数量|个数|份数", 1, 40),
    (r"price|amount|cost|budget|salary|total|fee|money|金额|价格|费用|预算|工资", 5, 5000),
    (r"latitude|纬度", -60, 60),
    (r"longitude|经度", -150, 150),
    (r"temperature|degrees|温度", 5, 35),
    (r"weight|mass|重量|体重", 1, 90),
]
_FORMATS = {"date": "iso_date", "date-time": "moment", "time": "time", "email": "email", "uri": "url", "uuid": "uuid"}


def kind_of(parameter: Parameter, schema: dict[str, Any] | None = None) -> str:
    """The kind of a string or number parameter, or of the items of a list."""
    schema = plain_schema(parameter.schema if schema is None else schema)
    if schema.get("type") in ("integer", "number"):
        return _number_kind(_said(parameter), schema)
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    return _string_kind(_said(parameter))


def _said(parameter: Parameter) -> str:
    return f"{' '.join(name_words(parameter.name))} | {str(parameter.schema.get('description', '')).lower()}"


@functools.lru_cache(maxsize=4096)
def _string_kind(said: str) -> str:
    # The name speaks before the description: "recipient | address of the house" is a person.
    name, _, description = said.partition(" | ")
    tried = ((description, _TOLD_FORMATS), (name, _STRING_KINDS), (description, _STRING_KINDS))
    return next((kind for text, kinds in tried for pattern, kind in kinds if re.search(pattern, text)), "free")


def _number_kind(said: str, schema: dict[str, Any]) -> str:
    low: float
    high: float
    low, high = next(((low, high) for pattern, low, high in _NUMBER_RANGES if re.search(pattern, said)), (1, 200))
    whole = schema["type"] == "integer"
    step = 1 if whole else 0.01
    if "minimum" in schema or "exclusiveMinimum" in schema:
        low = schema["minimum"] if "minimum" in schema else schema["exclusiveMinimum"] + step
    if "maximum" in schema or "exclusiveMaximum" in schema:
        high = schema["maximum"] if "maximum" in schema else schema["exclusiveMaximum"] - step
    if high < low:  # only one end is given, and the guess lies beyond it
        low, high = (high - 100, high) if "maximum" in schema or "exclusiveMaximum" in schema else (low, low + 100)
    if whole:
        return f"integer:{math.ceil(low)}:{math.floor(high)}"
    return f"number:{low}:{high}"
