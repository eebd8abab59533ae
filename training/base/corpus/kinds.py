"""The sorts of fields that forms have: what they are called, how they are described, how a request weaves them in.

Goes out: `KINDS`, `SWITCHES` and `GENERIC` mentions, and which of them a message has. Knows nothing of whole forms.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from training.base.corpus import values
from training.base.corpus.han import COMMON
from training.base.corpus.values import Make


@dataclass(frozen=True)
class Kind:
    """A sort of field. `mentions` are (English, Chinese) ways to weave `{v}` into a request."""

    type: str
    make: Make
    names: tuple[str, ...]
    about: tuple[tuple[str, str], ...]
    mentions: tuple[tuple[str, str], ...]


def _kind(type_: str, make: Make, names: str, about: str, mentions: str) -> Kind:
    def pairs(text: str) -> tuple[tuple[str, str], ...]:
        return tuple((en, zh) for en, zh in (item.split("|") for item in text.split(";")))

    return Kind(type_, make, tuple(names.split()), pairs(about), pairs(mentions))


KINDS = [
    _kind(
        "string",
        values.person,
        "person guest_name contact owner customer_name recipient assignee author user_name host",
        "Name of the person|人的姓名;Who it is for|给谁;Full name|全名;Person in charge|负责人",
        "for {v}|给{v};under the name {v}|名字是{v};it is for {v}|是给{v}的;the person is {v}|联系人是{v}",
    ),
    _kind(
        "string",
        values.place,
        "city location place town destination area region",
        "Name of the city|城市名称;Where|地点;The city or place|城市或地方;Location|所在地",
        "in {v}|在{v};for {v}|{v}的;at {v}|地点{v};the place is {v}|城市是{v}",
    ),
    _kind(
        "string",
        values.place,
        "from_city origin start_place departure source_city",
        "Where it starts|出发地;City of departure|出发城市;Starting point|起点",
        "from {v}|从{v}出发;leaving {v}|从{v};starting in {v}|起点{v}",
    ),
    _kind(
        "string",
        values.place,
        "to_city destination end_place arrival target_city",
        "Where it ends|目的地;City of arrival|到达城市;End point|终点",
        "to {v}|到{v};heading to {v}|去{v};arriving in {v}|终点{v}",
    ),
    _kind(
        "string",
        values.date,
        "date day on_date due_date start_date deadline",
        "Date, YYYY-MM-DD|日期，格式YYYY-MM-DD;The day as YYYY-MM-DD|哪一天（YYYY-MM-DD）;YYYY-MM-DD|日期YYYY-MM-DD",
        "on {v}|{v}的;for {v}|日期{v};the date is {v}|日期是{v}",
    ),
    _kind(
        "string",
        values.day_as_said,
        "date day on_date due_date start_date deadline",
        "Date|日期;The day|哪一天;Day of the visit|到访日期",
        "on {v}|{v}的;for {v}|日期{v};the date is {v}|日期是{v}",
    ),
    _kind(
        "string",
        values.time_of_day,
        "time at_time start_time hour_of_day clock_time",
        "Time, HH:MM|时间，格式HH:MM;When it starts|开始时间;Time of day|时刻",
        "at {v}|{v};starting at {v}|{v}开始;the time is {v}|时间是{v}",
    ),
    _kind(
        "integer",
        values.count,
        "count quantity number_of_people party_size copies amount_of_items limit days",
        "How many|数量;Number of items|件数;Number of people|人数;How many are wanted|要多少",
        "{v} of them|{v}个;the number is {v}|数量{v};a total of {v}|一共{v}个;for {v} people|{v}个人",
    ),
    _kind(
        "number",
        values.amount,
        "price amount total budget weight distance cost height",
        "The amount|金额;Price|价格;How much|多少;The measured number|数值",
        "for {v}|价格{v};the amount is {v}|金额是{v};worth {v}|值{v};up to {v}|不超过{v}",
    ),
    _kind(
        "number",
        values.signed,
        "temperature latitude longitude offset level degrees value",
        "Degrees|度数;The value|数值;Level|等级",
        "at {v} degrees|{v}度;the value is {v}|数值是{v};with {v}|用{v}",
    ),
    _kind(
        "string",
        values.email,
        "email mail_address contact_email to_address",
        "E-mail address|电子邮箱;Where to write|邮箱地址",
        "to {v}|到{v};the e-mail is {v}|邮箱是{v};by mail to {v}|发邮件到{v}",
    ),
    _kind(
        "string",
        values.phone,
        "phone phone_number mobile telephone",
        "Phone number|电话号码;Number to call|手机号",
        "call {v}|电话{v};the phone number is {v}|手机号是{v}",
    ),
    _kind(
        "string",
        values.url,
        "url link web_address page_url",
        "Web address|网址;Link|链接",
        "from {v}|网址是{v};the link is {v}|链接{v};at {v}|在{v}",
    ),
    _kind(
        "string",
        values.code,
        "id order_id code reference serial_number ticket_id account_id tracking_number",
        "Identifier|编号;Number of the order|订单号;Reference code|参考代码;Which one, by id|哪一个，用编号",
        "with id {v}|编号{v};number {v}|{v}号;the code is {v}|代码是{v};{v}|编号是{v}",
    ),
    _kind(
        "string",
        values.address,
        "address street_address deliver_to site",
        "Street address|街道地址;Where to bring it|送到哪里;Address|地址",
        "at {v}|在{v};to {v}|送到{v};the address is {v}|地址是{v}",
    ),
    _kind(
        "string",
        values.sentence,
        "text message note content body comment title subject",
        "The text|文字内容;What it says|写什么;Message|消息内容;Title|标题",
        'saying "{v}"|内容是“{v}”;with the text "{v}"|写“{v}”;it should say: {v}|内容：{v};title "{v}"|标题是“{v}”',
    ),
    _kind(
        "string",
        values.title,
        "title work caption called named exhibit entry_title",
        "What it is called|叫什么;Title|题名;Name of the work|作品名称;The name it has|名称",
        "called {v}|叫{v};{v}|{v};the title is {v}|题名{v};named {v}|名为{v}",
    ),
    _kind(
        "string",
        values.term,
        "keyword query topic subject item product search_term",
        "What to look for|找什么;Topic|主题;Product|商品;Keyword|关键词",
        "about {v}|关于{v};{v}|{v};for {v}|要{v};the topic is {v}|主题是{v}",
    ),
    _kind(
        "string",
        values.color,
        "color colour paint_color",
        "Color|颜色;Which color|什么颜色",
        "in {v}|{v}的;the color is {v}|颜色是{v}",
    ),
    _kind(
        "string",
        values.language,
        "language target_language to_language locale",
        "Language|语言;Into which language|译成哪种语言",
        "in {v}|用{v};into {v}|成{v};the language is {v}|语言是{v}",
    ),
    _kind(
        "string",
        values.currency,
        "currency currency_code to_currency",
        "Currency code|货币代码;Currency|币种",
        "in {v}|用{v};the currency is {v}|货币是{v}",
    ),
    _kind(
        "string",
        values.dish,
        "dish food meal menu_item",
        "Dish|菜名;What to eat|吃什么",
        "{v}|{v};the dish is {v}|菜是{v};with {v}|要{v}",
    ),
    _kind(
        "string",
        values.path,
        "path file file_path target_file",
        "Path of the file|文件路径;File|文件",
        "the file {v}|文件{v};at {v}|路径是{v};in {v}|在{v}",
    ),
    _kind(
        "array",
        values.several(values.person),
        "names people members attendees",
        "Names|姓名列表;Who takes part|参加的人",
        "with {v}|有{v};for {v}|给{v};the people are {v}|人员是{v}",
    ),
    _kind(
        "array",
        values.several(values.term),
        "items tags keywords topics",
        "List of items|条目列表;Items|各项",
        "with {v}|包括{v};the items are {v}|有{v}",
    ),
    _kind(
        "array",
        values.numbers,
        "numbers data_points readings series",
        "List of numbers|数字列表;The numbers|各个数",
        "of {v}|{v}的;the numbers are {v}|数字是{v};with {v}|用{v}",
    ),
]
GENERIC = (  # `{l}` is what people call the field
    ("the {l} is {v}", "{l}是{v}"),
    ("{l} {v}", "{l}{v}"),
    ("{l}: {v}", "{l}：{v}"),
    ("with {l} {v}", "{l}为{v}"),
    ("set {l} to {v}", "{l}设为{v}"),
    ("{l} = {v}", "{l}={v}"),
    ("{v} as the {l}", "把{v}当作{l}"),
    ("{v} for the {l}", "{v}是{l}"),
    ("take {v} as {l}", "{l}取{v}"),
    ("use {v} for {l}", "{l}写{v}"),
    ("the {l} should be {v}", "{l}要{v}"),
    ("my {l} is {v}", "我的{l}是{v}"),
    ("{l} ({v})", "{l}（{v}）"),
    ("{v} ({l})", "{v}（{l}）"),
    ("a {l} of {v}", "{l}用{v}"),
    ("{v} is the {l}", "{v}作为{l}"),
    ("the {l} goes by {v}", "{l}就是{v}"),
    ("{l}, {v}", "{l}，{v}"),
    ("put {v} under {l}", "{l}那一栏写{v}"),
    ("let {l} be {v}", "以{v}为{l}"),
    ("{v} would be the {l}", "{l}等于{v}"),
    ("our {l}: {v}", "{l}的话，{v}"),
    ("{l} - {v}", "{l} {v}"),
    ("for {l} write {v}", "{l}要的是{v}"),
    ("{v} will do for the {l}", "{l}定在{v}"),
)
_ONE_WAY_SHARE = 0.5  # of the messages: whoever says `the size is 3` says `the color is red`, too
_UNHEARD_SHARE = 0.5  # of those say it with words that nobody knows: what is said twice beside labels is no value


def ways_to_mention(rng: random.Random, mentions: Sequence[tuple[tuple[str, str], ...]]) -> list[tuple[str, str]]:
    """A way to say each value of a message, out of each field's own; at times one for all that have no other."""
    ways = [rng.choice(own) for own in mentions]
    if rng.random() < _ONE_WAY_SHARE:
        several = sum(own is GENERIC for own in mentions) > 1
        one = _unheard_way(rng) if several and rng.random() < _UNHEARD_SHARE else rng.choice(GENERIC)
        ways = [one if own is GENERIC else way for own, way in zip(mentions, ways, strict=True)]
    return ways


def _unheard_way(rng: random.Random) -> tuple[str, str]:
    word, characters = values.scrap(rng).lower(), "".join(rng.sample(COMMON, rng.choice((1, 1, 2))))
    en = rng.choice(("{l} %s {v}", "the {l} %s {v}", "%s {l} {v}", "{v} %s the {l}")) % word
    return en, rng.choice(("{l}%s{v}", "{l}%s{v}", "%s{l}{v}", "{v}%s{l}")) % characters


SWITCHES = [  # yes-or-no fields: label, what says yes, what says no
    (("urgent", "加急"), ("it is urgent", "加急"), ("no hurry", "不用加急")),
    (("gift_wrap", "礼品包装"), ("gift wrapped", "要礼品包装"), ("without gift wrap", "不要礼品包装")),
    (("notify", "通知"), ("let me know", "要通知我"), ("do not notify me", "不用通知我")),
    (("public", "公开"), ("make it public", "公开"), ("keep it private", "不公开")),
    (("repeat", "重复"), ("repeat it", "要重复"), ("only once", "只一次")),
    (("detailed", "详细"), ("with details", "要详细的"), ("without details", "不用详细")),
    (("insured", "保价"), ("with insurance", "要保价"), ("without insurance", "不保价")),
]
