"""How public templates write calls, and that whatever a model may write under them can be written."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from agent.constrain.layout import Layout
from agent.errors import UserError
from agent.models import load_model
from tests.agent.constrain.random_model import TOOLS, random_model, under, written

pytest.importorskip("llguidance")
FOUND = find_spec("trl")
FOLDER = Path(FOUND.submodule_search_locations[0]) / "chat_templates" if FOUND else Path()
TEMPLATES = sorted(path.stem for path in FOLDER.glob("*.jinja")) if FOUND else []
QWEN = Layout("", '<tool_call>\n{"name": "', '", "arguments": ', "}\n</tool_call>", "\n", "")
LLAMA = Layout("", '{"name": "', '", "parameters": ', "}", "", "", content_end=None, several=False)
# All others know no calls, or write them in another way than JSON.
KNOWN = {
    **dict.fromkeys(
        [
            f"{name}{kind}"
            for name in ("qwen2_5", "qwen3", "qwen3_instruct_2507", "qwen3_vl")
            for kind in ("", "_training")
        ],
        QWEN,
    ),
    **dict.fromkeys(["llama3_1", "llama3_2"], LLAMA),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(random_model(tmp_path_factory.mktemp("random") / "model"))


def with_template(model, name: str):
    text = (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
    return under(model, text.replace("<|eot_id|>", "<|im_end|>"))  # the tiny tokenizer has but this one


@pytest.mark.parametrize("name", TEMPLATES)
def test_under_every_template_replies_are_written_or_refused_in_one_way(model, name):
    model = with_template(model, name)
    if name not in KNOWN:
        with pytest.raises(UserError, match="cannot be constrained"):
            model.check_constrained(TOOLS)
        assert model._call_beginnings == [], "greedy replies are not weighed there"
        return
    layout = model._constrainer.layout
    assert layout == KNOWN[name]
    assert model._call_beginnings
    call = f"{layout.start}now{layout.between}{{}}{layout.after}{layout.closing}"
    wishes = ["好，<b>1 << 4</b>。", call]
    if layout.content_end is not None:
        wishes.append("我来查一下。" + layout.content_end + call)
    if "<think>" in model.tokenizer.chat_template:
        wishes += [f"<think>\n{thought}\n</think>\n\n{call}" for thought in ("", "想")]
    if layout.several:
        wishes.append(call + layout.separator + call)
    for wish in wishes:
        assert written(model, wish, 400) == wish
    assert written(model, call, 400, tool_choice="required") == call
    if not layout.several:
        assert written(model, call + call, 400) == call


def test_a_template_that_refuses_every_call_is_refused(model):
    refuses = "{% for m in messages %}{% if m.tool_calls %}{{ raise_exception('no calls') }}{% endif %}{% endfor %}x"
    bare = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for call in m.tool_calls or [] %}"
        "{{ call.function.name }}\n{{ call.function.arguments | tojson }}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )  # nothing tells a call from a text that begins with a tool's name
    for template in (refuses, bare, "{{ messages[0].nothing.at_all }}", "{{ 1 + messages }}"):
        with pytest.raises(UserError, match="cannot be constrained"):
            under(model, template).check_constrained(TOOLS)


def test_what_stands_between_text_and_calls_is_the_templates_own(model):
    between = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for call in m.tool_calls or [] %}"
        "{% if m.content and loop.first %} -> {% endif %}"
        "@@@{{ call.function.name }}{{ call.function.arguments | tojson }}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    model = under(model, between)
    assert model._constrainer.layout.content_end == " -> "
    for wish in ("好 -> @@@now{}", "@@@now{}@@@now{}"):
        assert written(model, wish, 300) == wish


@pytest.mark.parametrize("special", [False, True], ids=["added", "special"])
def test_marks_that_are_tokens_of_their_own_are_kept_to_as_well(tmp_path, special):
    """As in Qwen3's vocabulary, where they are not called special, and in others, where they are."""
    model = load_model(random_model(tmp_path / "model"))
    tags = ["<tool_call>", "</tool_call>", "<think>", "</think>"]
    model.tokenizer.add_tokens(tags, special_tokens=special)
    model.model.resize_token_embeddings(len(model.tokenizer))
    model = under(model, "{#- <think> #}" + model.tokenizer.chat_template)
    call = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
    thought = "<think>\n想\n</think>\n\n"
    for wish in ("好 <b>。", call, f"{call}\n{call}", f"查。\n{call}", thought + "好。", f"{thought}查。\n{call}"):
        assert written(model, wish, 300) == wish
    for wish in (call, f"查。\n{call}", f"{thought}查。\n{call}"):
        assert written(model, wish, 300, tool_choice="required") == wish
        assert call not in (written(model, wish, 300, tool_choice="none") or "")
    endless = written(model, "<think>\n" + "so " * 200, 160, tool_choice="now")
    assert endless is not None
    assert endless.endswith(call)
    text = "so " * 20
    limit = len(model.tokenizer(text + call)["input_ids"])
    assert call not in (written(model, text + call, limit) or ""), "no call is begun where it might not fit"
    assert written(model, text, limit - 1) == text
