"""`callsmith masks`: what it prints, and its exit codes."""

import json
import re

import pytest

from agent.cli import main
from training.masks.command import app  # noqa: F401 - the entry point must be importable without heavy modules

CASES = ("one call", "two user turns", "not learned")


@pytest.fixture
def rows(conversations, tmp_path):
    file = tmp_path / "rows.jsonl"
    lines = [{"id": case, "messages": conversations[case][0], "tools": conversations[case][1]} for case in CASES]
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return str(file)


@pytest.fixture
def no_calls(tmp_path):
    file = tmp_path / "no_calls.jinja"
    turn = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    prompt = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    file.write_text("{% for m in messages %}" + turn + "{% endfor %}" + prompt, "utf-8")
    return str(file)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["masks", *arguments])
    out, err = capsys.readouterr()
    return left.value.code, out, err


def test_audit_counts_and_finds_nothing_wrong(rows, capsys):
    code, out, _ = run(capsys, "audit", rows, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["ok"]
    assert found["total"]["rows"] == found["total"]["sequences"] == 3
    assert 0 < found["total"]["trained_tokens"] < found["total"]["tokens"]


def test_audit_finds_what_a_template_leaves_out_and_what_is_too_long(rows, no_calls, capsys):
    code, out, _ = run(capsys, "audit", rows, "--chat-template", no_calls, "--max-length", "20", "--json")
    found = json.loads(out)
    assert code == 1
    assert not found["ok"]
    assert found["total"]["refused"] == found["total"]["dropped_call"] == 1
    assert found["total"]["too_long"] >= 1
    assert "refused" in found["rows"][0]["wrong"]
    code, out, _ = run(capsys, "audit", rows, "--chat-template", no_calls)
    assert code == 1
    assert "tool calls" in out
    assert "no_calls.jinja" in "".join(out.split())


def test_tokens_prints_a_line_for_each_sequence(rows, capsys):
    code, out, _ = run(capsys, "tokens", "--model", "embedded", rows)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["row"] for line in lines] == [0, 1, 2]
    for line in lines:
        assert set(line) == {"row", "input_ids", "labels", "weights"}
        assert len(line["input_ids"]) == len(line["labels"]) == len(line["weights"])
        assert all(label in (-100, token) for label, token in zip(line["labels"], line["input_ids"], strict=True))
    assert set(lines[2]["weights"]) == {0.0, 0.5}


def test_tokens_names_the_rows_it_refuses(rows, no_calls, capsys):
    code, out, err = run(capsys, "tokens", "--chat-template", no_calls, rows)
    assert code == 1
    assert [json.loads(line)["row"] for line in out.splitlines()] == [1, 2]
    assert "row 0: refused" in err


def test_show_writes_one_page_that_loads_nothing(rows, capsys, tmp_path):
    page = tmp_path / "row.html"
    code, _, _ = run(capsys, "show", "one call", "--dataset", rows, "--html", str(page))
    text = page.read_text("utf-8")
    assert code == 0
    assert not re.search(r"(src|href)=|https?://", text)
    assert 'class="t reply"' in text
    assert re.search(r'class="t stop" title="id \d+ · messages\[2\]', text)
    assert "↵" in text
    code, out, _ = run(capsys, "show", "0", "--dataset", rows, "--json")
    rules = {token["rule"] for token in json.loads(out)[0]}
    assert rules == {"system", "user", "template", "reply", "stop", "tool"}


def test_a_character_of_several_tokens_is_shown_as_one(tmp_path, capsys):
    """Every byte of a rare one is a token; what is read is the character, and no token is lost."""
    file = tmp_path / "rows.jsonl"
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "看𠮷🦕!"}]
    file.write_text(json.dumps({"messages": messages, "tools": []}))
    _, out, _ = run(capsys, "show", "0", "--dataset", str(file), "--json")
    reply = [token["text"] for token in json.loads(out)[0] if token["rule"] == "reply"]
    assert "".join(reply).replace("‥", "") == "看𠮷🦕!"
    assert "‥" in reply
    _, out, _ = run(capsys, "tokens", str(file))
    assert len(reply) + 1 == sum(label != -100 for label in json.loads(out)["labels"])


def test_a_row_of_which_nothing_is_learned_is_shown_too(tmp_path, capsys):
    file = tmp_path / "rows.jsonl"
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Bad.", "train": False}]
    file.write_text(json.dumps({"messages": messages}))
    code, out, _ = run(capsys, "show", "0", "--dataset", str(file), "--json")
    (tokens,) = json.loads(out)
    assert code == 0
    assert {token["rule"] for token in tokens} == {"user", "elsewhere"}
    assert "".join(token["text"] for token in tokens if token["rule"] == "user").startswith("<|im_start|>user\nhi")


@pytest.mark.parametrize(
    "template", ["{{ 1 / 0 }}", "{% for i in range(10 ** 9) %}{% endfor %}", "{{ messages.__class__ }}"]
)
def test_whatever_a_template_raises_refuses_the_row(template, rows, tmp_path, capsys):
    file = tmp_path / "raises.jinja"
    file.write_text(template)
    code, out, err = run(capsys, "tokens", "--chat-template", str(file), rows)
    assert (code, out) == (1, "")
    assert err.count("refused") == err.count("\n") == 3


def test_certify_says_whether_it_holds(rows, capsys):
    code, out, _ = run(capsys, "certify", rows, "--json")
    certificate = json.loads(out)
    assert code == 0
    assert certificate["holds"]
    assert certificate["error"] <= 1e-6
    assert certificate["replies"] == 5


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["audit", "nowhere.jsonl"], "nowhere.jsonl"),
        (["audit", "ROWS", "--model", "./nowhere"], "nowhere"),
        (["audit", "ROWS", "--chat-template", "nowhere.jinja"], "nowhere.jinja"),
        (["audit", "ROWS", "--mask-method", "guess"], "guess"),
        (["audit", "ROWS", "--template-kwargs", "{"], "--template-kwargs"),
        (["audit", "ROWS", "--template-kwargs", '{"messages": []}'], "'messages' is no setting"),
        (["audit", "ROWS", "--max-length", "0"], "--max-length"),
        (["show", "99", "--dataset", "ROWS"], "99"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, line, rows, capsys):
    code, out, err = run(capsys, *[rows if argument == "ROWS" else argument for argument in arguments])
    assert code == 2
    assert not out
    assert line in err
    assert err.count("\n") == 1
