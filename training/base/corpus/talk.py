"""Small talk, instructions and short plain texts, so that the model is at home in ordinary sentences."""

import random

from training.base.corpus import values, words
from training.base.corpus.document import FREE, Document, Turn, chat, plain

IDLE_EN = (
    ("Hello!", "Hello! What can I do for you?"),
    ("Hi there", "Hi! How can I help?"),
    ("Thanks, that is all.", "You are welcome!"),
    ("Good morning", "Good morning! How can I help you?"),
    ("Who are you?", "I am an assistant. Tell me what you need."),
    ("Thank you", "You are welcome."),
    ("Tell me a joke.", "Why did the clock go home? It ran out of time."),
    ("How are you today?", "I am fine, thank you. What do you need?"),
    ("Bye", "Goodbye!"),
    ("What do you think about winter?", "Winter is cold and quiet, and I like it."),
)
IDLE_ZH = (
    ("你好！", "你好！有什么可以帮你？"),
    ("在吗", "在的，请说。"),
    ("谢谢，没事了。", "不客气！"),
    ("早上好", "早上好！需要我做什么？"),
    ("你是谁？", "我是一个助手，请告诉我你需要什么。"),
    ("谢谢", "不客气。"),
    ("讲个笑话吧。", "钟为什么回家了？因为它没时间了。"),
    ("今天过得怎么样？", "我很好，谢谢。你需要什么？"),
    ("再见", "再见！"),
    ("你觉得冬天怎么样？", "冬天又冷又安静，我很喜欢。"),
)
_STORY_EN = (
    "{w} went to {p} in the morning. It was {q} there. {w} saw a {t} and a {u}, and bought the {t} for {n} dollars.",
    "There was a {q} {t} near the {u}. Every day {w} walked past it. One day {w} stopped and said hello.",
    "To use the {t}, first open the {u}. Then wait for {n} minutes. After that, the {t} is ready.",
    "The {t} is {q}. The {u} is not. {w} likes the {t} better than the {u}.",
    "{w} works in {p}. At {h} {w} drinks tea, and then looks after the {t}. The {u} can wait until tomorrow.",
)
_STORY_ZH = (
    "早上，{w}去了{p}。那里很{q}。{w}看到了一个{t}和一个{u}，花{n}元买了{t}。",
    "{u}旁边有一个{q}的{t}。{w}每天都从那里走过。有一天，{w}停下来打了个招呼。",
    "使用{t}之前，先打开{u}，再等{n}分钟，然后{t}就可以用了。",
    "{t}很{q}，{u}不是。比起{u}，{w}更喜欢{t}。",
    "{w}在{p}工作。{h}的时候{w}喝茶，然后照看{t}。{u}可以等到明天。",
)
_TASKS_EN = (
    ("Name a color.", words.COLORS),
    ("Name a city.", words.CITIES),
    ("Name a language.", words.LANGUAGES),
    ("Name something to eat.", words.DISHES),
)
_TASKS_ZH = (
    ("说一种颜色。", words.COLORS),
    ("说一个城市。", words.CITIES),
    ("说一种语言。", words.LANGUAGES),
    ("说一种吃的。", words.DISHES),
)


def story(rng: random.Random, lang: str) -> Document:
    zh = lang == "zh"
    texts = rng.sample(_STORY_ZH if zh else _STORY_EN, rng.randint(1, 3))
    names = {
        "w": values.person(rng, lang).said,
        "p": values.place(rng, lang).said,
        "q": rng.choice(words.QUALITIES)[zh],
        "t": rng.choice(words.THINGS)[zh],
        "u": rng.choice(words.THINGS)[zh],
        "n": str(rng.randint(2, 90)),
        "h": values.time_of_day(rng, lang).said,
    }
    return plain([(("" if zh else " ").join(text.format(**names) for text in texts) + "\n", FREE)], "story")


def small_talk(rng: random.Random, lang: str) -> Document:
    zh = lang == "zh"
    turns: list[Turn] = []
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.25:
            ask, pairs = rng.choice(_TASKS_ZH if zh else _TASKS_EN)
            question, answer = ask, rng.choice(pairs)[zh] + ("。" if zh else ".")
        elif rng.random() < 0.3:
            who = values.person(rng, lang).said
            question = f"我叫{who}。" if zh else f"My name is {who}."
            answer = f"你好，{who}！" if zh else f"Nice to meet you, {who}!"
        else:
            question, answer = rng.choice(IDLE_ZH if zh else IDLE_EN)
        turns += [Turn("user", question), Turn("assistant", answer)]
    return chat(turns, "small_talk")


def synonyms(rng: random.Random, lang: str) -> Document:
    """Words that mean the same, and words in the other language: what choosing by description leans on."""
    zh = lang == "zh"
    if rng.random() < 0.5:
        left, right = rng.choice(words.THINGS + words.QUALITIES)
        return plain([(f"{left} = {right}\n" if rng.random() < 0.5 else f"{right} = {left}\n", FREE)], "synonyms")
    en, chinese = rng.choice(words.ACTIONS)
    row = list(chinese if zh else en) + ([rng.choice(en if zh else chinese)] if rng.random() < 0.5 else [])
    rng.shuffle(row)
    return plain([(" = ".join(row) + "\n", FREE)], "synonyms")
