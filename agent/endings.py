"""Why a run ended without an answer, for people to read.

Goes out: `ENDINGS[lang][reason]` for the reasons of `agent.events.Done`; "failed" has none, since what failed says it.
"""

ENDINGS = {
    "zh": {
        "steps": "步数用完了。",
        "repeated calls": "模型一再重复同一个调用。",
        "tokens": "词元用完了。",
        "length": "回答太长，被截断了。",
        "seconds": "时间用完了。",
        "unreadable": "模型写的调用读不懂。",
        "empty": "模型什么也没写。",
    },
    "en": {
        "steps": "all steps are used up.",
        "repeated calls": "the model keeps repeating one call.",
        "tokens": "all tokens are used up.",
        "length": "the answer was too long and was cut.",
        "seconds": "time is up.",
        "unreadable": "a call by the model could not be understood.",
        "empty": "the model wrote nothing.",
    },
}
