"""Templates written to mislead a masker: each is masked right or refused with a reason, and never silently wrong.

What is right is written by hand beside each template, for one conversation in which every role speaks.
"""

import pytest

from training.masks import Masker, MaskRefused
from training.masks.certify import certify

TURN = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
CALLS = "{% for c in m.tool_calls or [] %}<call>{{ c.function | tojson }}</call>{% endfor %}"
PROMPT = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
CALL = '<call>{"name": "get_weather", "arguments": {"city": "巴黎", "days": 3}}</call>'

# name: template, and what is learned of messages 2 and 4, or the kind of refusal
NASTY = {
    "a namespace counts turns and decides the header": (
        "{% set ns = namespace(turns=0) %}{% for m in messages %}{% set ns.turns = ns.turns + 1 %}"
        "<|im_start|>{{ m.role }} #{{ ns.turns }}\n{{ m.content }}" + CALLS + "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant #{{ ns.turns + 1 }}\n{% endif %}",
        [f"我看看。{CALL}<|im_end|>", "It is 21 degrees.<|im_end|>"],
    ),
    "a macro writes each turn": (
        "{% macro turn(m) %}<|im_start|>{{ m.role }}\n{{ m.content }}" + CALLS + "<|im_end|>\n{% endmacro %}"
        "{% for m in messages %}{{ turn(m) }}{% endfor %}" + PROMPT,
        [f"我看看。{CALL}<|im_end|>", "It is 21 degrees.<|im_end|>"],
    ),
    "a macro holds the whole loop": (
        "{% macro all(list) %}{% for m in list %}<|im_start|>{{ m.role }}\n{{ m.content }}" + CALLS + "<|im_end|>\n"
        "{% endfor %}{% endmacro %}{{ all(messages) }}" + PROMPT,
        [f"我看看。{CALL}<|im_end|>", "It is 21 degrees.<|im_end|>"],
    ),
    "the loop runs over numbers": (
        "{% for i in range(messages | length) %}{% set m = messages[i] %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        + CALLS
        + "<|im_end|>\n{% endfor %}"
        + PROMPT,
        [f"我看看。{CALL}<|im_end|>", "It is 21 degrees.<|im_end|>"],
    ),
    "the next header is written ahead": (
        "{% for m in messages %}{% if loop.first %}<|im_start|>{{ m.role }}\n{% endif %}{{ m.content }}"
        + CALLS
        + "<|im_end|>\n{% if not loop.last %}<|im_start|>{{ loop.nextitem.role }}\n{% endif %}{% endfor %}"
        + PROMPT,
        [f"我看看。{CALL}<|im_end|>", "It is 21 degrees.<|im_end|>"],
    ),
    "the end of a turn is written by the next": (
        "{% for m in messages %}{% if not loop.first %}<|im_end|>\n{% endif %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        + CALLS
        + "{% endfor %}{% if add_generation_prompt %}<|im_end|>\n<|im_start|>assistant\n{% endif %}",
        [f"我看看。{CALL}<|im_end|>", "It is 21 degrees.<|im_end|>"],
    ),
    "only the end of the text has an end token": (
        "{% for m in messages %}[{{ m.role }}] {{ m.content }}" + CALLS + "{% endfor %}"
        "{% if add_generation_prompt %}[assistant] {% else %}<|im_end|>{% endif %}",
        [f"我看看。{CALL}<|im_end|>", "It is 21 degrees.<|im_end|>"],
    ),
    "tool results stand inside the model's turn": (
        "{% for m in messages %}{% if m.role == 'tool' %}<result>{{ m.content }}</result>{% else %}"
        "{% if m.role != 'assistant' or messages[loop.index0 - 1].role != 'tool' %}"
        "<|im_start|>{{ m.role }}\n{% endif %}"
        "{{ m.content }}" + CALLS + "{% if not m.tool_calls %}<|im_end|>\n{% else %}<|stop|>{% endif %}{% endif %}"
        "{% endfor %}{% if add_generation_prompt and messages[-1].role != 'tool' %}<|im_start|>assistant\n{% endif %}",
        [f"我看看。{CALL}<|stop|>", "It is 21 degrees.<|im_end|>"],
    ),
    "the date and a note stand after the conversation": (
        "{{ strftime_now('%Y') }}\n{% for m in messages %}" + TURN.replace("<|im_end|>", CALLS + "<|im_end|>")
        + "{% endfor %}" + PROMPT
        + "{% if not add_generation_prompt %}Be <|note|> kind.{% endif %}",
        [f"我看看。{CALL}<|im_end|>", "It is 21 degrees.<|im_end|>"],
    ),
    "the generation prompt opens a thought that no turn has": (
        "{% for m in messages %}" + TURN.replace("<|im_end|>", CALLS + "<|im_end|>") + "{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}",
        "prompt",
    ),
    "the system text moves to the last question": (
        "{% set sys = messages[0].content %}{% for m in messages[1:] %}<|im_start|>{{ m.role }}\n"
        "{% if loop.last and m.role == 'user' %}{{ sys }}\n{% endif %}{{ m.content }}" + CALLS
        + "<|im_end|>\n{% endfor %}" + PROMPT,
        [f"我看看。{CALL}<|im_end|>", "It is 21 degrees.<|im_end|>"],
    ),
    "calls are left out": ("{% for m in messages %}" + TURN + "{% endfor %}" + PROMPT, "dropped_call"),
    "numbers are left out of calls": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}"
        "<call>{{ c.function.name }}{% for k, v in c.function.arguments.items() if v is string %} {{ k }}={{ v }}"
        "{% endfor %}</call>{% endfor %}<|im_end|>\n{% endfor %}" + PROMPT,
        "dropped_call",
    ),
    "names of arguments are left out of calls": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}"
        "<call>{{ c.function.name }}({{ c.function.arguments.values() | join(', ') }})</call>{% endfor %}"
        "<|im_end|>\n{% endfor %}" + PROMPT,
        "dropped_call",
    ),
    "strings are left out of calls": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}"
        "<call>{{ c.function.name }} city days={{ c.function.arguments.days }}</call>{% endfor %}"
        "<|im_end|>\n{% endfor %}" + PROMPT,
        "dropped_call",
    ),
    "the reply goes on after its stop token": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}" + CALLS + "<|im_end|>\n"
        "{% if m.role == 'assistant' %}(said: {{ m.content }}){% endif %}{% endfor %}" + PROMPT,
        "stop_inside",
    ),
    "contents are shouted": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | upper }}" + CALLS + "<|im_end|>\n{% endfor %}"
        + PROMPT,
        "unanswered",
    ),
    "everything is gathered first and written at the end": (
        "{% set ns = namespace(text='') %}{% for m in messages %}{% set ns.text = ns.text ~ '<|im_start|>' ~ m.role ~ "
        "'\n' ~ m.content ~ (m.tool_calls | tojson if m.tool_calls else '') ~ '<|im_end|>\n' %}{% endfor %}"
        "{{ ns.text }}" + PROMPT,
        "unanswered",
    ),
    "it raises on what it does not like": (
        "{% for m in messages %}{% if m.tool_calls %}{{ raise_exception('no calls here') }}{% endif %}" + TURN
        + "{% endfor %}" + PROMPT,
        "render",
    ),
    "the reply is written twice": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}" + CALLS + "<|im_end|>\n{% endfor %}"
        "{% if not add_generation_prompt %}Last: {{ messages[-1].content }}<|im_end|>{% endif %}" + PROMPT,
        "disagreement",
    ),
}  # fmt: skip


@pytest.fixture
def conversation(conversations):
    system, question, _, answer, final = conversations["one call"][0]
    call = {
        "role": "assistant",
        "content": "我看看。",
        "tool_calls": [
            {
                "id": "call00001",
                "type": "function",
                "function": {"name": "get_weather", "arguments": {"city": "巴黎", "days": 3}},
            }
        ],
    }
    return [system, question, call, answer, final], conversations["one call"][1]


@pytest.mark.parametrize("name", NASTY)
def test_right_or_refused(name, make_tokenizer, conversation, learned):
    template, expected = NASTY[name]
    tokenizer = make_tokenizer(template)
    masker = Masker(tokenizer)
    messages, tools = conversation
    if isinstance(expected, str):
        with pytest.raises(MaskRefused) as refusal:
            masker(messages, tools)
        assert refusal.value.kind == expected
        assert refusal.value.reason
    else:
        assert list(learned(masker(messages, tools), tokenizer).values()) == expected
        assert certify(masker, [{"messages": messages, "tools": tools}]).holds


def test_a_part_of_the_content_that_is_left_out_is_found(make_tokenizer, conversation):
    """Of a text with several thoughts, templates of Qwen's kind write the first and what comes after the last."""
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>') | last }}"
        + CALLS + "<|im_end|>\n{% endfor %}" + PROMPT
    )  # fmt: skip
    masker = Masker(make_tokenizer(template))
    messages, tools = conversation
    for content, kinds in (("Fine.", []), ("a</think>b", ["dropped_content"]), ("<b></think>c", ["dropped_content"])):
        sequences = masker([*messages[:-1], {"role": "assistant", "content": content}], tools)
        assert [finding.kind for sequence in sequences for finding in sequence.findings] == kinds


@pytest.mark.parametrize("content", ["It ends <|im_end|>", "It <|im_end|> ends", "<|im_end|>"])
def test_a_reply_that_holds_its_own_stop_token_is_refused(content, make_tokenizer, conversation):
    """No model can write it: it would have stopped there."""
    template = "{% for m in messages %}" + TURN.replace("<|im_end|>", CALLS + "<|im_end|>") + "{% endfor %}" + PROMPT
    messages, tools = conversation
    with pytest.raises(MaskRefused) as refusal:
        Masker(make_tokenizer(template))([*messages[:-1], {"role": "assistant", "content": content}], tools)
    assert refusal.value.kind in ("stop_inside", "disagreement")


def test_blanks_before_a_stop_token_that_the_next_message_writes_are_learned(make_tokenizer, conversation, learned):
    template, _ = NASTY["the end of a turn is written by the next"]
    tokenizer = make_tokenizer(template)
    messages, tools = conversation
    replies = learned(
        Masker(tokenizer)([*messages[:-1], {"role": "assistant", "content": "Fine. \n"}], tools), tokenizer
    )
    assert replies[4] == "Fine. \n<|im_end|>"


def test_one_method_may_be_chosen(make_tokenizer, conversation, learned):
    """What both together refuse, a person may take from one."""
    template, _ = NASTY["contents are shouted"]
    tokenizer = make_tokenizer(template)
    replies = learned(Masker(tokenizer, method="owners")(*conversation), tokenizer)
    assert replies[4] == "IT IS 21 DEGREES.<|im_end|>"
    template, _ = NASTY["everything is gathered first and written at the end"]
    tokenizer = make_tokenizer(template)
    replies = learned(Masker(tokenizer, method="sentinels")(*conversation), tokenizer)
    assert replies[4] == "It is 21 degrees.<|im_end|>"
