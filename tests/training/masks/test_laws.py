"""Laws that hold for every conversation, checked on conversations nobody thought of."""

import json
import re
from pathlib import Path

import pytest
import trl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from agent.models.names import resolve
from training.masks import Masker, MaskRefused
from training.masks.render import STEERING, ChatTemplate
from training.masks.sequences import Turn, build_sequences

TRL_TEMPLATES = Path(trl.__file__).parent / "chat_templates"
TOOL = {
    "type": "function",
    "function": {"name": "look_up", "description": "查询", "parameters": {"type": "object", "properties": {}}},
}
# Text as people and models write it: both languages, blanks at the edges, quotes, tags, and what templates look for.
words = st.sampled_from(
    [*"\"'\\{} \n\t🙂é", "天气", "，", "hello", "\n\n", "  x", "<b>", "</think>", "<tool_call>", "1.50"]
)
texts = st.lists(words, min_size=1, max_size=6).map("".join)
spoken = texts.filter(lambda text: text.strip())
values = st.one_of(texts, st.integers(-9, 9), st.booleans(), st.lists(st.integers(0, 3), max_size=2))
arguments = st.dictionaries(st.sampled_from(["city", "城市", "n"]), values, max_size=2)


@st.composite
def conversations(draw):
    """A conversation as `check_conversation` wants it."""
    messages = [{"role": "system", "content": draw(texts)}] if draw(st.booleans()) else []
    calls = 0
    for _ in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(spoken)})
        for asked in draw(st.lists(st.integers(1, 2), max_size=2)):
            message = {"role": "assistant", "content": draw(st.one_of(st.just(""), spoken)), "tool_calls": []}
            results = []
            for _ in range(asked):
                calls += 1
                function = {"name": "look_up", "arguments": draw(arguments)}
                message["tool_calls"].append({"id": f"{calls:09d}", "type": "function", "function": function})
                results.append(
                    {"role": "tool", "content": draw(texts), "name": "look_up", "tool_call_id": f"{calls:09d}"}
                )
            messages += [message, *results]
        final = {"role": "assistant", "content": draw(spoken)}
        if draw(st.booleans()):
            final["reasoning_content"] = draw(spoken)
        if draw(st.integers(0, 3)) == 0:
            final["train"] = False
        messages.append(final)
    return messages


@pytest.fixture(scope="module")
def embedded():
    return AutoTokenizer.from_pretrained(resolve("embedded"))


def payload(message):
    """What the model must emit under the embedded template, by hand."""
    thought = f"<think>\n{message['reasoning_content']}\n</think>\n\n" if message.get("reasoning_content") else ""
    calls = [
        '<tool_call>\n{"name": '
        + json.dumps(call["function"]["name"], ensure_ascii=False)
        + ', "arguments": '
        + json.dumps(call["function"]["arguments"], ensure_ascii=False)
        + "}\n</tool_call>"
        for call in message.get("tool_calls", [])
    ]
    parts = [message["content"], *calls] if message["content"] else calls
    return thought + "\n".join(parts) + "<|im_end|>"


checked = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@checked
@given(messages=conversations())
def test_the_trained_tokens_are_exactly_the_payload(messages, embedded, learned):
    replies = learned(Masker(embedded)(messages, [TOOL]), embedded)
    expected = {
        index: payload(message)
        for index, message in enumerate(messages)
        if message["role"] == "assistant" and message.get("train", True)
    }
    assert replies == expected


@checked
@given(messages=conversations())
def test_every_reply_stands_after_the_prompt_that_inference_gives(messages, embedded):
    masker = Masker(embedded)
    for sequence in masker(messages, [TOOL]):
        for segment in sequence.segments:
            if segment.rule == "reply":
                shown = [{k: v for k, v in m.items() if k not in STEERING} for m in messages[: segment.message]]
                assert sequence.input_ids[: segment.start] == masker.prompt_ids(shown, [TOOL])


NAMES = sorted(path.stem for path in TRL_TEMPLATES.glob("*.jinja") if not path.stem.endswith("_training"))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=conversations())
def test_on_any_template_right_or_refused(name, messages, trl_template, make_tokenizer):
    """Judged by transformers' own rendering: each reply after its prompt, whole, and nothing beyond its stop."""
    tokenizer = make_tokenizer(trl_template(name), name)
    masker = Masker(tokenizer)
    try:
        sequences = masker(messages, [TOOL])
    except MaskRefused:
        return
    shown = [{k: v for k, v in m.items() if k not in STEERING} for m in messages]
    wanted = [i for i, m in enumerate(messages) if m["role"] == "assistant" and m.get("train", True)]
    seen = []
    lost = {(finding.message, finding.kind) for sequence in sequences for finding in sequence.findings}
    for sequence in sequences:
        for segment in [s for s in sequence.segments if s.rule == "reply"]:
            index = segment.message
            seen.append(index)
            assert sequence.input_ids[: segment.start] == masker.prompt_ids(shown[:index], [TOOL])
            stop = [s for s in sequence.segments if s.rule == "stop" and s.message == index]
            reply = tokenizer.decode(sequence.input_ids[segment.start : segment.end])
            turn, prompt = (
                tokenizer.apply_chat_template(shown[:end], tools=[TOOL], tokenize=False, add_generation_prompt=asked)
                for end, asked in ((index + 1, False), (index, True))
            )
            if turn.startswith(prompt):
                assert turn[len(prompt) :].startswith(reply)
                stopped = reply + "".join(tokenizer.decode(sequence.input_ids[s.start : s.end]) for s in stop)
                assert stop or (index, "missing_stop") in lost
                assert stopped.startswith(turn[len(prompt) :].rstrip()) or turn[len(prompt) :].startswith(stopped)
            if (index, "dropped_content") not in lost:
                for piece in re.split("</?think>", messages[index]["content"]):  # tags of thoughts are written anew
                    assert piece.strip() in reply
            if messages[index].get("reasoning_content") and (index, "dropped_reasoning") not in lost:
                assert messages[index]["reasoning_content"].strip() in reply
            assert reply.count("look_up") >= len(messages[index].get("tool_calls", []))
    assert sorted(seen) == wanted


@pytest.mark.parametrize("name", ["qwen3", "qwen2_5", "llama3_1", "gemma3", "gptoss", "chatml", "phi3"])
def test_what_is_read_off_a_whole_rendering_is_what_rendering_gives(
    name, trl_template, make_tokenizer, conversations, monkeypatch
):
    """The short cut through `ChatTemplate.beginning` changes no sequence."""
    template = CHATML if name == "chatml" else trl_template(name)
    tokenizer = make_tokenizer(template, name)

    def answers():
        found = []
        for messages, tools in conversations.values():
            try:
                found.append(Masker(tokenizer)(messages, tools))
            except MaskRefused as refusal:
                found.append(str(refusal))
        return found

    quick = answers()
    monkeypatch.setattr(ChatTemplate, "beginning", lambda *_, **__: None)
    assert answers() == quick


CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ c | tojson }}{% endfor %}"
    "{% if loop.last %}<|im_end|>{% else %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.mark.parametrize("name", ["qwen3", "llama3_1", "gemma4_v5", "gptoss", "deepseekv3", "muse_glimmer"])
def test_rendering_is_that_of_apply_chat_template(name, trl_template, make_tokenizer, conversations):
    tokenizer = make_tokenizer(trl_template(name), name)
    template = Masker(tokenizer).template_for(None)
    for messages, tools in conversations.values():
        for wanted in (False, True):
            shown = [{k: v for k, v in m.items() if k not in STEERING} for m in messages]
            try:
                expected = tokenizer.apply_chat_template(
                    shown, tools=tools or None, add_generation_prompt=wanted, tokenize=False
                )
            except Exception as error:
                with pytest.raises(MaskRefused, match=type(error).__name__):
                    template.render(template.prepare(messages), template.prepare_tools(tools), generation_prompt=wanted)
                continue
            rendering = template.render(
                template.prepare(messages), template.prepare_tools(tools), generation_prompt=wanted
            )
            assert rendering.text == expected
            assert [span.start for span in rendering.spans] == [0, *(span.end for span in rendering.spans[:-1])]
            assert rendering.spans[-1].end == len(expected)


def test_stretches_are_tokenized_as_the_whole_text(make_tokenizer, embedded):
    text = "<|im_start|>user\n你好 \n\n x<|im_end|>\n\n<|im_start|><|im_start|> a  b<|im_end|>"
    for tokenizer in (make_tokenizer("{{ messages }}<|im_start|>"), embedded):
        masker = Masker(tokenizer, "{{ messages }}")
        assert masker.tokens.encode(text) == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_rewritten_history_opens_a_sequence_and_nothing_else_does():
    def turn(message, prompt, reply):
        return Turn(message, prompt, reply, 1, 1.0)

    chain = [turn(1, [1], [2, 3]), turn(3, [1, 2, 3, 4], [5]), turn(5, [1, 2, 3, 4, 5, 6], [7])]
    assert len(build_sequences(chain)) == 1
    rewritten = [turn(1, [1], [2, 3]), turn(3, [1, 3, 4], [5]), turn(5, [1, 2, 3, 9], [7])]
    sequences = build_sequences(rewritten)
    assert [sequence.input_ids for sequence in sequences] == [[1, 2, 3, 9, 7], [1, 3, 4, 5]]
    assert [sequence.labels for sequence in sequences] == [[-100, 2, 3, -100, 7], [-100, -100, -100, 5]]


@pytest.mark.parametrize("scheme", ["first", "always", "never"])
def test_a_reply_has_no_blank_of_its_own_where_the_tokenizer_puts_one_at_a_beginning(scheme, trl_template):
    """Tokenizers of SentencePiece's kind; in this one a newline merges with a brace."""
    letters = sorted({*trl_template("qwen2_5"), *"▁hi{a}<b>"})
    words = {word: index for index, word in enumerate(["<unk>", *letters, "\n{"])}
    backend = Tokenizer(models.BPE(words, [("\n", "{")], unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    backend.decoder = decoders.Metaspace(prepend_scheme="never")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>", unk_token="<unk>")
    tokenizer.add_tokens(["<|im_start|>", "<|im_end|>"], special_tokens=True)
    tokenizer.chat_template = trl_template("qwen2_5")
    for content in ("{a}", "<b>", "hi"):
        messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": content}]
        (sequence,) = Masker(tokenizer)(messages, [])
        assert sequence.input_ids[: sequence.segments[0].end] == Masker(tokenizer).prompt_ids(messages[:1], [])
        assert tokenizer.decode([label for label in sequence.labels if label != -100]) == f"{content}<|im_end|>"
