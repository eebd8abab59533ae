"""Laws of the script that trains, run in this process on models of a few thousand weights."""

import json
from pathlib import Path

import httpx2
import pytest
import torch
from huggingface_hub import RepoUrl
from transformers import AutoModelForCausalLM, AutoTokenizer, Lfm2Config, LlamaConfig

from agent.errors import UserError
from agent.models.names import resolve
from agent.models.templates import template_hash
from training.arguments import parse
from training.masks.sequences import MaskedSequence
from training.model import stop_texts
from training.sft import check, main

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}
KINDS = {
    "attention": lambda words: LlamaConfig(vocab_size=words, **SIZES),
    "hybrid": lambda words: Lfm2Config(vocab_size=words, layer_types=["conv", "full_attention"], **SIZES),
}


def train(folder: Path, rows_file: str, kind: str, *more: str) -> Path:
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(KINDS[kind](len(tokenizer))).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    flags = ["--model_name_or_path", str(folder / "model"), "--dataset_name", rows_file, "--max_steps", "1"]
    flags += ["--output_dir", str(folder / "adapter"), "--lora_r", "2", "--gradient_checkpointing", "false"]
    main(*parse([*flags, *more]))
    return folder / "adapter"


def test_the_certificate_stands_in_log_and_card(rows_file, tmp_path):
    adapter = train(tmp_path, rows_file, "attention")
    log, card = json.loads((adapter / "training_log.json").read_text()), (adapter / "README.md").read_text()
    certificate = log["certificate"]
    assert certificate["holds"]
    assert certificate["replies"] == 6
    template = AutoTokenizer.from_pretrained(adapter).chat_template
    assert log["template_hash"] == certificate["template_hash"] == template_hash(template)
    assert f"certificate: under this chat template, one pass over {certificate['rows']}" in card
    assert template_hash(template) in card


def test_a_template_without_a_certificate_is_not_trained_on(rows_file, tmp_path, monkeypatch):
    from training.masks import masker

    def careless(turns, findings=()):
        """Replies one after another without their prompts."""
        ids = [i for turn in turns for i in turn.reply_ids]
        return [MaskedSequence(ids, list(ids), [1.0] * len(ids))]

    monkeypatch.setattr(masker, "build_sequences", careless)
    with pytest.raises(UserError, match="the masks are not what the model must emit"):
        train(tmp_path, rows_file, "attention")
    assert not (tmp_path / "adapter" / "README.md").exists()


CHATML_WITHOUT_TOOLS = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def test_a_template_that_leaves_calls_out_stops_training_unless_told_not_to(rows_file, tmp_path):
    (tmp_path / "plain.jinja").write_text(CHATML_WITHOUT_TOOLS)
    plain = ["--chat_template_path", str(tmp_path / "plain.jinja")]
    rows = len(Path(rows_file).read_text().splitlines())
    with pytest.raises(UserError, match=f"none of the {rows} rows can be learned from"):
        train(tmp_path / "all", rows_file, "attention", *plain)
    chat = {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello!"}], "tools": []}
    with Path(rows_file).open("a", encoding="utf-8") as file:
        file.write(json.dumps(chat) + "\n")
    with pytest.raises(UserError, match=f"{rows} of {rows + 1} rows cannot be learned .*dropped_call"):
        train(tmp_path / "most", rows_file, "attention", *plain)
    adapter = train(tmp_path / "rest", rows_file, "attention", *plain, "--ignore_findings")
    assert len((adapter / "dropped.jsonl").read_text().splitlines()) == rows
    assert AutoTokenizer.from_pretrained(adapter).chat_template == CHATML_WITHOUT_TOOLS


def test_packing_is_refused_where_the_model_leaks(rows_file, tmp_path):
    with pytest.raises(UserError, match="train it without --packing"):
        train(tmp_path, rows_file, "hybrid", "--packing")


def test_a_push_by_nobody_is_told_before_anything_is_read(rows_file, tmp_path, monkeypatch):
    monkeypatch.setattr("training.pushing.get_token", lambda: None)
    with pytest.raises(UserError, match="needs to know who you are"):
        train(tmp_path, rows_file, "attention", "--push_to_hub", "true")
    monkeypatch.setattr("training.pushing.get_token", lambda: "hf_mine")
    with pytest.raises(UserError, match=r"--hub_model_id: .*name it USER/NAME"):
        train(tmp_path, rows_file, "attention", "--push_to_hub", "true", "--hub_model_id", "a/b/c")
    assert not (tmp_path / "adapter").exists()


class Hub:
    """Keeps what it is sent; unreachable where `gone`."""

    gone = False

    def __init__(self, **_):
        pass

    def create_repo(self, name, **_):
        if self.gone:
            raise httpx2.ConnectError("no route")
        return RepoUrl(f"https://huggingface.co/{name}")

    def upload_folder(self, *, repo_id, folder_path, ignore_patterns):
        Hub.sent = (repo_id, [file.name for file in Path(folder_path).iterdir()], ignore_patterns)
        Hub.card = (Path(folder_path) / "README.md").read_text("utf-8")


def test_a_finished_run_is_pushed_when_it_is_asked_for_again(rows_file, tmp_path, monkeypatch, capsys):
    train(tmp_path, rows_file, "attention")
    monkeypatch.setattr("training.pushing.get_token", lambda: "hf_mine")
    monkeypatch.setattr("training.pushing.HfApi", Hub)
    flags = ["--push_to_hub", "true", "--hub_model_id", "me/adapter"]
    train(tmp_path, rows_file, "attention", *flags)
    assert Hub.sent[0] == "me/adapter"
    assert "adapter_model.safetensors" in Hub.sent[1]
    assert {"checkpoint-*", "_*", "training_args.bin"} == set(Hub.sent[2])
    assert "# me/adapter" in Hub.card
    assert "'me/adapter'  # folders or Hub ids" in Hub.card
    assert "pushed: https://huggingface.co/me/adapter" in capsys.readouterr().err
    monkeypatch.setattr(Hub, "gone", True)
    with pytest.raises(UserError, match="trained and saved, but was not pushed: no route"):
        train(tmp_path, rows_file, "attention", *flags)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "memory does not suffice.*--per_device_train_batch_size"),
        (ImportError("bitsandbytes is required"), "a package is missing: bitsandbytes"),
    ],
)
def test_what_fails_for_want_of_memory_or_of_a_package_is_one_line(rows_file, tmp_path, monkeypatch, error, says):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("training.sft.AdapterTrainer.train", fail)
    with pytest.raises(UserError, match=says):
        train(tmp_path, rows_file, "attention")


def test_memory_that_runs_out_where_the_model_is_placed_is_told_as_that(rows_file, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("training.sft.AdapterTrainer.__init__", fail)
    with pytest.raises(UserError, match=r"memory does not suffice.*--dtype bfloat16"):
        train(tmp_path / "placed", rows_file, "attention")
    monkeypatch.setattr("training.model.AutoModelForCausalLM.from_pretrained", fail)
    with pytest.raises(UserError, match="memory does not suffice"):
        train(tmp_path / "loaded", rows_file, "attention")


@pytest.mark.parametrize("other", [("--loss_type", "dft"), ("--label_smoothing_factor", "0.1")])
def test_weights_are_refused_where_the_loss_does_not_take_them(rows_file, tmp_path, other):
    rows = [json.loads(line) for line in Path(rows_file).read_text("utf-8").splitlines()]
    rows[0]["messages"][1]["weight"] = 0.5
    Path(rows_file).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with pytest.raises(UserError, match="rows with weights are learned with --loss_type nll"):
        train(tmp_path, rows_file, "attention", *other)


def test_an_adapter_is_gone_on_with_only_where_one_is_trained():
    flags = ["--model_name_or_path", "embedded", "--dataset_name", "rows.jsonl", "--use_peft", "false"]
    with pytest.raises(UserError, match="trains none"):
        check(*parse([*flags, "--adapter_name_or_path", "anywhere"]))


def test_a_stop_id_that_the_tokenizer_does_not_have_is_no_text(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    config = {"eos_token_id": [tokenizer.eos_token_id, 999_999]}
    (tmp_path / "generation_config.json").write_text(json.dumps(config))
    (tmp_path / "config.json").write_text("{}")
    _, training, model, _ = parse(["--model_name_or_path", str(tmp_path), "--dataset_name", "rows.jsonl"])
    assert stop_texts(tokenizer, model, training) == [tokenizer.eos_token]


def test_processes_that_cannot_find_each_other_are_refused(monkeypatch):
    named = parse(["--model_name_or_path", "embedded", "--dataset_name", "rows.jsonl"])
    monkeypatch.setenv("WORLD_SIZE", "2")  # as where the launcher knows no way for a device
    with pytest.raises(UserError, match="trains in one process, and more were started"):
        check(*named)
