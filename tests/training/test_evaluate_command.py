"""Laws of the comparison: one base for both, what it stands on is named, and the table fits a terminal."""

import contextlib
import errno
import json
import multiprocessing
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner

from agent.cli import build_app
from agent.errors import UserError
from agent.models import Reply, Sampling, load_model, resolve
from agent.models.names import weights_hash
from agent.models.protocol import Usage
from agent.models.transformers_model import TransformersModel
from training.evaluate.contender import Contender, contenders
from training.evaluate.copies import Copies
from training.evaluate.decisions import decisions_of
from training.evaluate.kept import KeptReplies
from training.evaluate.predict import fitting, write
from training.evaluate.run import Source, evaluate

SHORT = Sampling(max_new_tokens=6)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """An adapter that changes what the base writes."""
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(resolve("embedded"))
    model = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False))
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def dataset(rows, tmp_path):
    """A folder with two splits; their tools have different names."""
    (tmp_path / "dataset" / "data").mkdir(parents=True)
    for split, name in (("train", "subtract"), ("test", "add")):
        text = "".join(json.dumps(row, ensure_ascii=False).replace('"add"', f'"{name}"') + "\n" for row in rows)
        (tmp_path / "dataset" / "data" / f"{split}.jsonl").write_text(text, "utf-8")
    return str(tmp_path / "dataset")


def run(dataset, adapter=None, limit=3, seed=0, **more):
    sampling = more.pop("sampling", SHORT)
    files = {"output": None, "save": None, "as_json": True, **more}
    return evaluate("embedded", adapter, Source(dataset, "test", None, limit, seed), sampling=sampling, **files)


def test_the_base_beside_an_adapter_is_the_base_alone(rows, adapter):
    asked = decisions_of(rows[:2])
    alone = load_model("embedded").generate_batch([(one.prompt, one.tools) for one in asked], SHORT)
    with Copies(contenders("embedded", adapter), "embedded", adapter) as copies:
        found = write(copies, asked, SHORT, silent, KeptReplies(None))
    assert [reply.raw for reply in found["base"]] == [reply.raw for reply in alone]
    assert [reply.raw for reply in found["adapter"]] != [reply.raw for reply in found["base"]]


def silent(*_):
    """Nobody watches."""


@pytest.fixture
def in_twos(monkeypatch):
    """Batches of two prompts, so that few rows make many."""
    monkeypatch.setattr("training.evaluate.predict.BATCH", 2)


@pytest.mark.slow
def test_two_processes_write_what_one_writes(rows, adapter, in_twos):
    asked, counts = decisions_of(rows[:5]), Counter()
    both = contenders("embedded", adapter)
    with Copies(both, "embedded", adapter) as copies:
        alone = write(copies, asked, SHORT, silent, KeptReplies(None))
    with Copies(both, "embedded", adapter, 2) as copies:
        found = write(copies, asked, SHORT, lambda name, more: counts.update({name: more}), KeptReplies(None))
    assert found == alone
    assert counts == {"base": len(asked), "adapter": len(asked)}
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_a_process_that_is_killed_is_told_in_one_line(rows, in_twos):
    def kill(*_):
        for child in multiprocessing.active_children():
            child.kill()

    with (
        Copies(contenders("embedded", None), "embedded", None, 2) as copies,
        pytest.raises(UserError, match=r"ended before its time .*fewer --processes"),
    ):
        write(copies, decisions_of(rows), SHORT, kill, KeptReplies(None))


@pytest.mark.slow
def test_an_interrupt_waits_for_no_batch(rows, in_twos):
    def interrupt(*_):
        raise KeyboardInterrupt

    asked, long = decisions_of(rows), Sampling(max_new_tokens=60, call_threshold=0, tool_choice="required")
    with Copies(contenders("embedded", None), "embedded", None, 2) as copies, pytest.raises(KeyboardInterrupt):
        write(copies, asked, long, interrupt, KeptReplies(None))
    assert multiprocessing.active_children() == []
    assert [thread.name for thread in threading.enumerate() if "ThreadPool" in thread.name] == []


def test_processes_are_refused_where_there_is_nothing_to_copy_or_no_gpu_for_each(monkeypatch):
    judged = contenders("embedded", None)
    endpoint = {"base": Contender("base", Paid(None), None, contextlib.nullcontext)}
    with pytest.raises(UserError, match="--processes is for models that transformers runs here"):
        Copies(endpoint, Paid.name, None, 2)
    monkeypatch.setattr("training.evaluate.copies.torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("training.evaluate.copies.torch.cuda.device_count", lambda: 1)
    with pytest.raises(UserError, match="2 processes want a GPU each, and there are 1"):
        Copies(judged, "embedded", None, 2)


@pytest.mark.slow
def test_a_stop_loses_no_batch_and_the_rest_is_written_as_without_it(rows, adapter, in_twos, tmp_path, monkeypatch):
    asked, file, told = decisions_of(rows[:3]), tmp_path / "replies.jsonl", []
    both = contenders("embedded", adapter)

    def ask(kept, progress=silent):
        with Copies(both, "embedded", adapter) as copies:
            return write(copies, asked, SHORT, progress, kept)

    def stop_at_the_third(name, more):
        told.append(name)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(KeptReplies(file), stop_at_the_third)
    whole = ask(KeptReplies(None))
    written = []
    generate = TransformersModel.generate_batch
    monkeypatch.setattr(
        TransformersModel, "generate_batch", lambda *a, **k: written.append(len(a[1])) or generate(*a, **k)
    )
    assert ask(KeptReplies(file)) == whole
    assert sum(written) == 2 * len(asked) - 6
    other = {name: replace(one, weights="others") for name, one in both.items()}
    written.clear()
    with Copies(other, "embedded", adapter) as copies:
        write(copies, asked, SHORT, silent, KeptReplies(file))
    assert sum(written) == 2 * len(asked)  # of other weights nothing old is taken


def test_the_document_names_everything_it_stands_on(dataset, adapter, tmp_path, capsys):
    run(dataset, adapter, output=tmp_path / "deep" / "numbers.json", save=tmp_path / "replies.jsonl")
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "deep" / "numbers.json").read_text())
    assert told["models"] == {"base": "embedded", "adapter": adapter}
    assert len(told["dataset"]["fingerprint"]) == 16
    assert len(told["template_hash"]) == 64
    assert told["seed"] == 0
    assert told["versions"]["transformers"]
    share = told["measures"]["all"]["valid_call"]["adapter"]
    assert share["n"] == 3
    assert share["low"] <= share["rate"] <= share["high"]

    replies = [json.loads(line) for line in (tmp_path / "replies.jsonl").read_text("utf-8").splitlines()]
    assert len(replies) == told["decisions"] == 6
    assert all({"prompt", "gold", "base", "adapter"} <= set(reply) for reply in replies)
    right = sum(reply["adapter"]["verdict"].get("right_answer", False) for reply in replies)
    assert right == told["measures"]["all"]["right_answer"]["adapter"]["right"]


def test_the_weights_are_named_and_an_adapter_of_others_is_told(dataset, adapter, tmp_path, capsys):
    log = Path(adapter) / "training_log.json"
    told = run(dataset, adapter)
    assert told["base_weights"] == weights_hash("embedded")
    assert len(told["base_weights"]) == 16
    assert not any("other weights" in warning for warning in told["warnings"])
    try:
        log.write_text(json.dumps({"base_weights": told["base_weights"]}))
        assert not any("other weights" in warning for warning in run(dataset, adapter)["warnings"])
        log.write_text(json.dumps({"base_weights": "0" * 16}))
        assert any("other weights" in warning for warning in run(dataset, adapter)["warnings"])
    finally:
        log.unlink()


def test_weights_have_a_name_of_their_own(tmp_path):
    assert weights_hash(str(tmp_path)) is None
    assert weights_hash("Qwen/Qwen3-0.6B") is None
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = weights_hash(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert first != weights_hash(str(tmp_path)) is not None


def test_a_base_that_is_asked_with_an_adapters_template_is_told(dataset, adapter, capsys):
    template = Path(adapter) / "chat_template.jinja"
    own = load_model("embedded").tokenizer.chat_template
    try:
        template.write_text(own)
        assert not any("which is not its own" in warning for warning in run(dataset, adapter)["warnings"])
        template.write_text(own + "{# another #}")
        assert any("which is not its own" in warning for warning in run(dataset, adapter)["warnings"])
    finally:
        template.unlink()


def test_replies_that_were_cut_are_counted_and_told(dataset, adapter, tmp_path, capsys):
    told = run(dataset, adapter, save=tmp_path / "replies.jsonl")
    replies = [json.loads(line) for line in (tmp_path / "replies.jsonl").read_text("utf-8").splitlines()]
    for name in ("base", "adapter"):
        assert told["cut_replies"][name] == sum(reply[name]["finish"] == "length" for reply in replies)
        assert told["mended_replies"][name] == sum(bool(reply[name]["repairs"]) for reply in replies)
    assert told["cut_replies"]["adapter"] > 0  # six tokens are few
    assert any("replies of adapter were cut after 6 tokens" in warning for warning in told["warnings"])


class Paid:
    """An endpoint that counts, and is gone after so many answers."""

    name = "http://127.0.0.1:9/v1"

    def __init__(self, answers):
        self.answers, self.asked = answers, 0

    async def stream(self, messages, tools, sampling):
        self.asked += 1
        if self.answers is not None and self.asked > self.answers:
            raise UserError("the endpoint is gone")
        yield Reply({"role": "assistant", "content": f"reply {len(messages)} \ud83d"}, Usage(1, 2))


def test_what_an_endpoint_has_written_is_not_asked_for_again(rows, tmp_path):
    asked = decisions_of(rows[:3])
    file = tmp_path / "replies.jsonl"

    def ask(model, kept):
        judged = {"base": Contender("base", model, None, contextlib.nullcontext)}
        with Copies(judged, model.name, None) as copies:
            return write(copies, asked, SHORT, silent, kept)["base"]

    with pytest.raises(UserError, match="gone"):
        ask(Paid(2), KeptReplies(file))
    with (tmp_path / "replies.jsonl.part").open("a") as lines:
        lines.write('{"key": "half')  # as a kill leaves it
    second = Paid(None)
    found = ask(second, KeptReplies(file))
    assert second.asked == len(asked) - 2
    assert [reply.message["content"] for reply in found] == [f"reply {len(one.prompt)} \ud83d" for one in asked]
    third, kept = Paid(None), KeptReplies(file)
    assert ask(third, kept) == found
    assert third.asked == 0
    kept.done()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_told_before_anything_is_asked(dataset, tmp_path, monkeypatch):
    def refused(**_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("training.evaluate.run.tempfile.TemporaryFile", refused)
    with pytest.raises(UserError, match="no file can be made there: Permission denied"):
        run(dataset, output=tmp_path / "numbers.json")


def test_a_train_split_that_is_broken_is_told_before_anything_is_asked(dataset, monkeypatch):
    with open(f"{dataset}/data/train.jsonl", "a", encoding="utf-8") as file:
        file.write("no row\n")
    monkeypatch.setattr("training.evaluate.run.write", lambda *_: pytest.fail("a model was asked"))
    with pytest.raises(UserError):
        run(dataset)


def test_tools_that_training_saw_are_counted(dataset, rows, capsys):
    assert run(dataset)["dataset"]["tools_seen_in_training"] == []
    text = "".join(json.dumps(row) + "\n" for row in rows)
    with open(f"{dataset}/data/train.jsonl", "a", encoding="utf-8") as file:
        file.write(text)
    told = run(dataset)
    assert told["dataset"]["tools_seen_in_training"] == ["add"]
    assert "1 of the 1 tools were seen in training: add" in told["warnings"][0]


def test_the_same_seed_draws_the_same_rows(dataset):
    draws = [[row["id"] for row in Source(dataset, "test", None, 5, seed).rows()] for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_the_table_fits_100_columns_and_shows_both_languages(dataset, adapter, tmp_path, capsys):
    file = tmp_path / "numbers.json"
    run(dataset, adapter, limit=4, output=file)
    capsys.readouterr()
    shown = CliRunner().invoke(build_app("evaluate"), ["evaluate", "--show", str(file)])
    assert shown.exit_code == 0
    table = [line for line in shown.stdout.splitlines() if line.startswith(("│", "┃"))]
    assert table
    assert max(map(len, table)) <= 100
    for found in ("All rows", "中文", "English", "right arguments", "tools also in the train split: 0 of 1"):
        assert found in shown.stdout


def test_constrained_every_call_is_valid_and_the_document_says_so(dataset, adapter, tmp_path, capsys):
    held = Sampling(max_new_tokens=96, constrained=True, tool_choice="required")
    file = tmp_path / "numbers.json"
    told = run(dataset, adapter, limit=4, sampling=held, save=tmp_path / "replies.jsonl", output=file)
    assert told["sampling"] == {"temperature": 0.0, "max_new_tokens": 96, "constrained": True, "call_threshold": 0.5}
    replies = [json.loads(line) for line in (tmp_path / "replies.jsonl").read_text("utf-8").splitlines()]
    written = [reply[name] for reply in replies for name in ("base", "adapter")]
    assert len(written) == 16  # the base alone calls nothing, and this adapter writes noise
    for reply in written:
        assert reply["problems"] == reply["repairs"] == []
        assert {call["function"]["name"] for call in reply["message"]["tool_calls"]} == {"add"}
    capsys.readouterr()
    shown = CliRunner().invoke(build_app("evaluate"), ["evaluate", "--show", str(file)])
    assert "calls held to their schemas" in shown.stdout


def test_an_endpoint_cannot_be_constrained_from_here(dataset):
    with pytest.raises(UserError, match="cannot be held"):
        evaluate(
            "http://127.0.0.1:9/v1",
            None,
            Source(dataset, "test", None, 1, 0),
            sampling=Sampling(constrained=True),
            output=None,
            save=None,
            as_json=True,
        )


def test_prompts_that_do_not_fit_are_counted_and_not_asked(rows):
    model = load_model("embedded")
    asked = decisions_of(rows[:2])
    room = model.model.config.max_position_embeddings
    assert fitting(model, asked, Sampling(max_new_tokens=8)) == asked
    with pytest.raises(UserError, match="none of the prompts fits"):
        fitting(model, asked, Sampling(max_new_tokens=room - 10))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no dataset is named"),
        (["--dataset", "nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["--show", "nowhere.json"], "nowhere.json: no such file"),
    ],
)
def test_bad_input_is_one_line(arguments, says):
    done = CliRunner().invoke(build_app("evaluate"), ["evaluate", *arguments])
    assert isinstance(done.exception, UserError)
    assert says in str(done.exception)
