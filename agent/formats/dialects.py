"""Other families' markers of a call, rewritten as the plain `<tool_call>` tags that `tags` reads.

Comes in: a reply in the markers of DeepSeek, Kimi, LFM2, InternLM, Mistral, gpt-oss, MiniMax, Llama or Qwen3-Coder.
Goes out: the same text with `<tool_call>` and `<think>` in their place and without end-of-turn tokens. Knows nothing of
JSON: what stands between the markers stays as it is.
"""

import html
import json
import re

from agent.formats.calls import Reading

_END_TOKENS = re.compile(
    r"(?:\s*(?:<\|(?:im_end|eot_id|eom_id|endoftext|end_of_text|end|return|call|user)\|>|</s>|<eos>|<end_of_turn>"
    r"|<｜end▁of▁sentence｜>))+\s*\Z"
)
# An end that breaks off within itself.
_CUT_END = re.compile(r"(?<=[}\]>\n])\s*<(?:/(?:function|parameter|invoke|arg_value|tool_call)|\|call\|?)\Z")
_GEMMA = re.compile(r"<start_function_call>\s*call:\s*([\w.\-]+)\s*(\{.*?)(?:<end_function_call>|\Z)", re.DOTALL)
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_INVISIBLE_BY_MARKUP = re.compile(rf"(?<=[>\n])[{_INVISIBLE}]+|[{_INVISIBLE}]+(?=[<{{\[])")
_ESCAPED = re.compile(r"&lt;/?tool_?call&gt;|<tool_?call>\s*\{\s*&(?:quot|#34|#39);", re.IGNORECASE)

_MARKERS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), plain)
    for pattern, plain in (
        # gpt-oss: a channel to a function is a call, the analysis a thought, all else content.
        (
            r"(?:<\|start\|>\s*assistant)?\s*(?:to=functions\.[\w\-]+\s*)?<\|channel\|>\s*(?:commentary|analysis)?\s*"
            r"to=functions\.([\w\-]+)[^<]*(?:<\|constrain\|>\w+\s*)?<\|message\|>(.*?)(?=<\|start\|>|<\|call\|>|\Z)"
            r"(?:<\|call\|>)?",
            r"<tool_call>\n\1 \2</tool_call>",
        ),
        (  # its own template names the function before the channel
            r"(?:<\|start\|>\s*assistant)?\s*to=functions\.([\w\-]+)\s*<\|channel\|>\s*(?:commentary|analysis)[^<]*"
            r"(?:<\|constrain\|>\w+\s*)?<\|message\|>(.*?)(?=<\|start\|>|<\|call\|>|\Z)(?:<\|call\|>)?",
            r"<tool_call>\n\1 \2</tool_call>",
        ),
        (
            r"(?:<\|start\|>\s*assistant)?<\|channel\|>\s*analysis\s*<\|message\|>(.*?)(?:<\|end\|>|\Z)",
            r"<think>\1</think>\n",
        ),
        (r"(?:<\|start\|>\s*assistant)?<\|channel\|>\s*(?:final|commentary)(?:(?!to=)[^<])*<\|message\|>", ""),
        # Kimi and DeepSeek: a section of calls, each between its own markers.
        (r"<\|tool_calls_section_(?:begin|end)\|>|<[|｜]tool[▁_]calls[▁_](?:begin|end)[|｜]>", ""),
        (
            r"<\|tool_call_begin\|>\s*(?:functions\.)?([\w.\-]+?)(?::\d+)?\s*<\|tool_call_argument_begin\|>",
            r"<tool_call>\n\1 ",
        ),
        (
            r"<[|｜]tool[▁_]call[▁_]begin[|｜]>\s*(?:function\s*<[|｜]tool[▁_]sep[|｜]>)?\s*([\w.\-]+)\s*"
            r"(?:<[|｜]tool[▁_]sep[|｜]>)?\s*(?:```(?:json)?\s*)?",
            r"<tool_call>\n\1 ",
        ),
        (r"(?:```\s*)?<[|｜]tool[▁_]call[▁_]end[|｜]>", "</tool_call>"),
        (r"<\|tool_call_start\|>", "<tool_call>"),  # LFM2
        (r"(?:<\|action_start\|>\s*)?<\|plugin\|>", "<tool_call>"),  # InternLM
        (r"<\|action_end\|>", "</tool_call>"),
        (r"\[TOOL_CALLS\]\s*([\w.\-]+)\s*(?:\[CALL_ID\]\s*\w+\s*)?\[ARGS\]", r"[TOOL_CALLS]\1 "),  # Mistral
        (r"\A\s*functools\s*(?=\[)", "<tool_call>"),  # Phi-4-mini
        (  # the first Qwen agents
            r"✿FUNCTION✿[:：]\s*(\S+)\s*✿ARGS✿[:：]\s*(.*?)(?=✿FUNCTION✿|\Z)",
            r"<tool_call>\n\1 \2</tool_call>",
        ),
        (r"<name>\s*([\w.\-]+)\s*</name>\s*<(arguments|parameters|input)>(.*?)(?:</\2>|\Z)", r"\n\1 \3"),  # clients
        # Anthropic, MiniMax and DeepSeek 3.2 write XML with names as attributes.
        (r"<(/?)(?:[a-z]+:|[|｜]\w+[|｜])(?=/?(?:invoke|parameter|function_calls|tool_calls?)\b)", r"<\1"),
        (r"<invoke\s+name\s*=\s*[\"']([^\"'>]+)[\"']\s*>", r"<function=\1>"),
        (r"</invoke>", "</function>"),
        (r"<parameter\s+name\s*=\s*[\"']([^\"'>]+)[\"'][^>]*>", r"<parameter=\1>"),
        (r"<tool_call\s+name\s*=\s*[\"']([^\"'>]+)[\"'][^>]*>", r"<tool_call>\n\1 "),
        (r"<tool_call\s+\w+\s*=[^>]{0,80}>", "<tool_call>"),
        # Tags of other names, where what they hold begins like a call.
        (
            r"<(tools?|tool_code|functions?|action|api_call|call)>(?=\s*[\[{｛]\s*[\[{｛]?\s*[\"'“‘]?\w*name\b)"
            r"(.*?)(?:</\1>|\Z)",
            r"<tool_call>\2</tool_call>",
        ),
    )
)
_BARE_FUNCTION = re.compile(r"<function\s*=(?:.*</function>|.*\Z)", re.DOTALL)
_TAG_BEFORE = re.compile(r"<(?:tool_call|function_calls?|tool_calls|\|python_tag\|)>\s*\Z", re.IGNORECASE)


def plain_markers(text: str, reading: Reading) -> str:
    """The text in plain tags; what was rewritten counts as a repair."""
    text = _told(_END_TOKENS.sub("", text), text, "end-of-turn token", reading)
    text = _told(_CUT_END.sub("", text), text, "missing closing tag", reading)
    text = _INVISIBLE_BY_MARKUP.sub("", text.strip(_INVISIBLE))
    if _ESCAPED.search(text):
        text = _told(html.unescape(text), text, "HTML entities", reading)
    plain = text
    if any(mark in text for mark in ("<", "[TOOL_CALLS]", "functools", "✿FUNCTION✿")):
        plain = _GEMMA.sub(_plain_gemma, plain)
        for pattern, replacement in _MARKERS:
            plain = pattern.sub(replacement, plain)
        plain = _with_function_in_tags(plain)
    return _told(plain, text, "markers of another family", reading)


def _plain_gemma(match: re.Match[str]) -> str:
    """A call of FunctionGemma: its keys are bare, its strings between `<escape>` marks."""
    strings = re.sub(
        r"<escape>(.*?)<escape>", lambda one: json.dumps(one[1], ensure_ascii=False), match[2], flags=re.DOTALL
    )
    keyed = re.sub(r"([{,]\s*)([^\W\d]\w*)(?=:)", r'\1"\2"', strings)
    return f"<tool_call>\n{match[1]} {keyed}</tool_call>"


def _with_function_in_tags(text: str) -> str:
    """`<function=…>` without a tag around it, put into one."""
    match = _BARE_FUNCTION.search(text)
    if match is None or _TAG_BEFORE.search(text[: match.start()]):
        return text
    after = text[match.end() :]
    closer = "" if after.lstrip().startswith(("</tool_call>", "</function_calls>")) else "\n</tool_call>"
    return f"{text[: match.start()]}<tool_call>\n{match.group()}{closer}{after}"


def _told(now: str, before: str, kind: str, reading: Reading) -> str:
    if now != before:
        reading.repaired(kind)
    return now
