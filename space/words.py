"""Every word of the page, in Chinese and in English.

Goes out: `WORDS["zh"]` and `WORDS["en"]`. A word missing in one language is a type error, not a blank on the page.
"""

import re
from dataclasses import dataclass

from agent.endings import ENDINGS

LANGUAGES = {"zh": "中文", "en": "English"}


@dataclass(frozen=True)
class Words:
    title: str
    lead: str
    other_template: str
    placeholder: str
    empty: str
    offered: str
    offered_note: str
    choose: str
    descriptions: str
    no_parameters: str
    required: str
    download: str
    nothing_yet: str
    feedback_note: str
    thanks: str
    thought: str
    notice: str
    call: str
    call_failed: str
    arguments: str
    result: str
    error_result: str
    ask: str
    run_it: str
    do_not_run: str
    refused: str
    unanswered: str
    failed: str
    stopped: str
    model_error: str
    reasons: dict[str, str]


WORDS = {
    "zh": Words(
        title="会用工具的小模型",
        lead="提一个问题，看它选工具、填参数、读结果，再作答。",
        other_template="注意：适配器训练时用的对话模板和现在的不一样，它可能调用不好工具。",
        placeholder="写下问题，按回车发送",
        empty="问点什么，或者从下面选一个例子",
        offered="提供给模型的工具",
        offered_note="点一下即可勾选或取消。模型很小，清单短一些，它读得更准。",
        choose="每次提问，自动挑出最相关的几个",
        descriptions="工具说明",
        no_parameters="没有参数",
        required="必填",
        download="下载对话",
        nothing_yet="还没有可以下载的对话。",
        feedback_note="点 👍 或 👎，这段对话会保存下来，用于改进模型。",
        thanks="谢谢，已保存。",
        thought="想法",
        notice="给模型的提示",
        call="调用",
        call_failed="出错",
        arguments="参数",
        result="结果",
        error_result="结果（出错）",
        ask="模型想运行这个工具，它会对页面以外产生实际影响。要执行吗？",
        run_it="执行",
        do_not_run="不执行",
        refused="用户拒绝执行",
        unanswered="用户一直没有答复",
        failed="没能答完：",
        stopped="已停止，没有结果。",
        model_error="模型出错了，请再试一次。",
        reasons=ENDINGS["zh"],
    ),
    "en": Words(
        title="A small model that calls tools",
        lead="Ask something: watch it choose a tool, fill in the arguments, read the result and answer.",
        other_template="Caution: the adapter was trained with another chat template than this one; it may call badly.",
        placeholder="Write a question, press Enter",
        empty="Ask something, or start from an example",
        offered="Tools offered to the model",
        offered_note="Click to add or remove. The model is small: it reads a short list better.",
        choose="Pick the nearest tools for each question",
        descriptions="What the tools do",
        no_parameters="No parameters",
        required="required",
        download="Download conversation",
        nothing_yet="There is no conversation to download yet.",
        feedback_note="👍 or 👎 saves this conversation, to make the model better.",
        thanks="Thank you, saved.",
        thought="Thought",
        notice="Note to the model",
        call="Call",
        call_failed="failed",
        arguments="Arguments",
        result="Result",
        error_result="Result (error)",
        ask="The model wants to run this tool, whose effects reach beyond this page. Run it?",
        run_it="Run it",
        do_not_run="Do not run",
        refused="the visitor refused",
        unanswered="the visitor did not answer",
        failed="No full answer: ",
        stopped="Stopped before there was a result.",
        model_error="the model failed. Please try again.",
        reasons=ENDINGS["en"],
    ),
}


def language_of(text: str, otherwise: str = "en") -> str:
    """`zh` for text with Chinese characters, `en` for other text with letters; `otherwise` where there are none."""
    if re.search(r"[\u3400-\u9fff]", text):
        return "zh"
    return "en" if re.search(r"[A-Za-z]", text) else otherwise


def preferred_language(accept_language: str, otherwise: str = "en") -> str:
    """The page's language from a browser's `Accept-Language` header (RFC 9110, section 12.5.4, first match wins)."""
    for entry in accept_language.lower().split(","):
        language = entry.split(";")[0].strip()[:2]
        if language in WORDS:
            return language
    return otherwise
