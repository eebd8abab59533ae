"""From real conversations to an adapter, by the commands a person types: architectures, processes, interruption."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import trl
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, Qwen3Config

from agent.models.names import resolve
from training.arguments import parse
from training.sft import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
REACT = ROOT.parent / "shared" / "data" / "annotated_react" / "train.jsonl"
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 4096,
}


def callsmith(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agent.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


def train_here(*flags: object) -> dict[str, Any]:
    """The script in this process, which spares a launcher's start; its log."""
    arguments = parse([*map(str, flags), "--gradient_checkpointing", "false"])
    main(*arguments)
    return json.loads((Path(arguments[1].output_dir) / "training_log.json").read_text())


def script(model: str, dataset: str) -> list[str]:
    return ["--model_name_or_path", model, "--dataset_name", dataset, "--lora_r", "4", "--logging_steps", "1"]


def tiny_model(folder: Path, kind: str) -> str:
    """A random model of an architecture, with a template that rewrites history (Qwen3's own) or one that does not."""
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    if kind == "qwen3":
        tokenizer.chat_template = (Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja").read_text()
    config = {"qwen3": Qwen3Config, "llama": LlamaConfig}[kind]
    more = {"head_dim": 16} if kind == "qwen3" else {}
    torch.manual_seed(0)
    ids = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    model = AutoModelForCausalLM.from_config(config(vocab_size=len(tokenizer), **SIZES, **more, **ids))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def real_rows(tmp_path_factory) -> str:
    if not REACT.is_file():
        pytest.skip("the real conversations are not on this machine")
    folder = tmp_path_factory.mktemp("real") / "dataset"
    callsmith("build", "--import", "react", REACT, "--output", folder)
    return str(folder)


@pytest.fixture
def made_rows(tmp_path) -> str:
    call = {"id": "abcdefgh1", "type": "function", "function": {"name": "now", "arguments": {}}}
    tool = {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}}
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"What time is it, {number}?"},
                {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "content": f"{number}:00", "name": "now", "tool_call_id": "abcdefgh1"},
                {"role": "assistant", "content": f"It is {number}:00."},
            ],
            "tools": [{"type": "function", "function": tool}],
        }
        for number in range(24)
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["embedded", "qwen3", "llama"])
def test_real_conversations_become_an_adapter(kind, real_rows, tmp_path):
    adapter = tmp_path / "adapter"
    size = ["--dataset_train_split", "train[:12]", "--max_steps", "2", "--max_length", "3000"]
    size += ["--per_device_train_batch_size", "1"]
    if kind == "embedded":
        model = kind
        command = ["train", "--model", model, "--dataset", real_rows, "--output", adapter, *size, "--json"]
        told = json.loads(callsmith(*command).stdout)
        assert (told["adapter"], told["steps"], told["rows"]) == (str(adapter), 2, 12)
    else:
        model = tiny_model(tmp_path / "model", kind)
        train_here(*script(model, real_rows), *size, "--output_dir", adapter)

    base = AutoModelForCausalLM.from_pretrained(resolve(model))
    ids = torch.arange(40)[None]
    with torch.no_grad():
        before = base(ids).logits
        after = PeftModel.from_pretrained(base, str(adapter))(ids).logits
    assert (before - after).abs().max() > 0
    template = AutoTokenizer.from_pretrained(resolve(model)).chat_template
    assert AutoTokenizer.from_pretrained(adapter).chat_template == template
    assert json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"] == model
    left = [path.name for path in adapter.iterdir() if path.name.startswith("_") or path.suffix == ".tmp"]
    assert left == ["_run.json"]
    log = json.loads((adapter / "training_log.json").read_text())
    assert log["trained_tokens"] > 0
    assert log["loss"] > 0
    assert log["sequences"] >= (24 if kind == "qwen3" else 12) - 2 * log["dropped"] - log["cut"]


def test_two_processes_are_two_and_learn_the_same(made_rows, tmp_path):
    """Two ranks with one row each, and one with two rows: the same batches, the same loss at every step."""
    model = tiny_model(tmp_path / "model", "llama")
    same = [*script(model, made_rows), "--max_steps", "3", "--lora_dropout", "0", "--learning_rate", "0.01"]
    same += ["--bf16", "false"]  # in full precision, so that the order of sums does not show
    two = tmp_path / "two"
    callsmith("train", *same, "--processes", 2, "--per_device_train_batch_size", "1", "--output", two)
    one = train_here(*same, "--per_device_train_batch_size", "2", "--output_dir", tmp_path / "one")
    other = json.loads((two / "training_log.json").read_text())
    assert (one["processes"], other["processes"]) == (1, 2)
    losses = [[entry["loss"] for entry in log["log_history"] if "loss" in entry] for log in (one, other)]
    assert len(losses[0]) == 3
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


GROUPED = ["--train_sampling_strategy", "group_by_length"]


def _steps_saved(folder):
    return {int(file.parent.name.split("-")[1]) for file in folder.glob("checkpoint-*/trainer_state.json")}


@pytest.mark.parametrize("order", [["--save_steps", "3"], ["--save_steps", "2", *GROUPED]], ids=["random", "by length"])
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(made_rows, tmp_path, capsys, order):
    """With three steps an epoch, a checkpoint of step four or later may lie within an epoch that is not the first."""
    model = tiny_model(tmp_path / "model", "llama")
    steps = ["--max_steps", "16", "--lora_dropout", "0.1", "--gradient_checkpointing", "false"]
    same = [*script(model, made_rows), *steps, *order]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train_here(*same, "--output_dir", whole)

    arguments = [sys.executable, str(ROOT / "training" / "sft.py"), *same, "--output_dir", str(killed)]
    child = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not _steps_saved(killed) & set(range(4, 15)) and child.poll() is None:
        time.sleep(0.02)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (killed / "README.md").exists()

    capsys.readouterr()
    train_here(*same, "--output_dir", killed)
    assert "going on from" in capsys.readouterr().err
    mended, straight = (load_file(folder / "adapter_model.safetensors") for folder in (killed, whole))
    assert all(torch.equal(mended[name], straight[name]) for name in straight)

    train_here(*same, "--output_dir", killed)
    assert "it is finished" in capsys.readouterr().err


def test_an_adapter_goes_on_learning_packed_and_with_an_evaluation(made_rows, tmp_path):
    model = tiny_model(tmp_path / "model", "llama")
    first, second = tmp_path / "first", tmp_path / "second"
    same = [*script(model, made_rows), "--max_steps", "2"]
    train_here(*same, "--output_dir", first)
    data = tmp_path / "dataset" / "data"
    data.mkdir(parents=True)
    for split in ("train", "test"):
        shutil.copy(made_rows, data / f"{split}.jsonl")
    more = ["--packing", "--eval_strategy", "steps", "--eval_steps", "1", "--dataset_name", data.parent]
    log = train_here(*same, "--output_dir", second, "--adapter_name_or_path", first, "--lora_r", "3", *more)
    assert log["eval_loss"] > 0
    assert log["lora"]["lora_r"] == json.loads((first / "adapter_config.json").read_text())["r"] != 3
    assert (log["adapter"], log["dataset"]["name"]) == ("first", "dataset"), "no folder of this machine is told"
    assert "and began as `first`" in (second / "README.md").read_text()
    before, after = (load_file(folder / "adapter_model.safetensors") for folder in (first, second))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    still = ["--learning_rate", "0", "--adapter_name_or_path", first]
    train_here(*same, "--output_dir", tmp_path / "third", *still)
    kept = load_file(tmp_path / "third" / "adapter_model.safetensors")
    assert all(torch.equal(before[name], kept[name]) for name in before), "it begins with the adapter it was given"


def test_a_half_weighted_reply_pulls_half_as_much(made_rows, tmp_path):
    """Every reply at weight 0.5 gives half the loss: the sum is divided by tokens, not by weights."""
    model = tiny_model(tmp_path / "model", "llama")
    rows = [json.loads(line) for line in Path(made_rows).read_text().splitlines()]
    for row in rows:
        for message in row["messages"]:
            if message["role"] == "assistant":
                message["weight"] = 0.5
    half = tmp_path / "half.jsonl"
    half.write_text("".join(json.dumps(row) + "\n" for row in rows))
    losses = [
        train_here(*script(model, name), "--max_steps", "1", "--output_dir", tmp_path / str(number))["loss"]
        for number, name in enumerate((made_rows, str(half)))
    ]
    assert losses[1] == pytest.approx(losses[0] / 2, rel=1e-4)


def test_what_cannot_be_trained_is_one_line_whatever_launches_it(made_rows, tmp_path):
    """A launcher would answer with exit code 1 and tracebacks of its own, several for several processes."""
    (tmp_path / "empty.jsonl").write_text("")
    cases = {
        "unknown option --max_stepz (did you mean --max_steps?)": ["--max_stepz", "3"],
        "holds no rows": ["--dataset", tmp_path / "empty.jsonl", "--processes", "2"],
    }
    for line, more in cases.items():
        basic = ["train", "--model", "embedded", "--dataset", made_rows, "--output", tmp_path / "adapter"]
        done = callsmith(*basic, *more, check=False)
        assert done.returncode == 2
        assert done.stdout == ""
        told = [text for text in done.stderr.splitlines() if text.startswith("callsmith: ")]
        assert len(told) == 1
        assert line in told[0]
        assert "Traceback" not in done.stderr
