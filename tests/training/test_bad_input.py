"""Laws of bad input to a training run: one line that names what is wrong and where, and nothing written."""

import json
import shutil
import sys

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from agent.errors import UserError
from agent.models.names import resolve
from training.arguments import parse


@pytest.fixture
def train(rows_file, tmp_path):
    """The script's main, in this process: what it refuses, it refuses before any training."""
    from training.sft import main

    def run(*flags):
        output = tmp_path / "adapter"
        basic = ["--model_name_or_path", "embedded", "--dataset_name", rows_file, "--output_dir", str(output)]
        with pytest.raises(UserError) as caught:
            main(*parse([*basic, "--max_steps", "1", *map(str, flags)]))
        assert not output.exists() or not list(output.glob("adapter_model*"))
        return str(caught.value)

    return run


def test_a_row_that_breaks_the_format_is_named_with_its_field(train, rows, tmp_path):
    rows[5]["messages"][2]["tool_call_id"] = "another1"
    file = tmp_path / "broken.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "row 5, messages[2].tool_call_id: answers no open call, got 'another1'" in train("--dataset_name", file)


def test_a_model_that_is_not_there_is_said(train, tmp_path):
    assert "no such folder" in train("--model_name_or_path", tmp_path / "nothing")


def test_a_folder_that_is_no_model_is_said(train, tmp_path):
    (tmp_path / "folder").mkdir()
    assert "config.json is missing" in train("--model_name_or_path", tmp_path / "folder")


def test_a_model_without_a_chat_template_is_refused_unless_one_is_given(train, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    template, tokenizer.chat_template = tokenizer.chat_template, None
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    assert "has no chat template (name an instruct model, or give" in train("--model_name_or_path", tmp_path / "model")
    (tmp_path / "mine.jinja").write_text(template)
    given = ["--model_name_or_path", tmp_path / "model", "--chat_template_path", tmp_path / "mine.jinja"]
    assert "no whole reply" in train(*given, "--max_length", "4")  # it got as far as the rows


def test_a_template_file_that_is_not_there_is_said(train):
    assert "no such file" in train("--chat_template_path", "nowhere.jinja")


def test_an_adapter_that_is_not_there_is_said_before_anything_is_done(train, tmp_path):
    run = tmp_path / "run"
    assert "no such folder" in train("--adapter_name_or_path", tmp_path / "nothing", "--output_dir", run)
    assert not run.exists()


def test_an_output_that_cannot_be_a_folder_is_said(train, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "a file is in the way" in train("--output_dir", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_checkpoint_that_is_not_there_is_said(train, tmp_path):
    assert "no such checkpoint" in train("--resume_from_checkpoint", tmp_path / "checkpoint-3")


def test_a_model_or_dataset_that_is_not_named_is_said(train):
    assert "no model is named" in train("--model_name_or_path", "")
    assert "no dataset is named" in train("--dataset_name", "")


def test_one_file_has_nothing_apart_to_evaluate_on(train):
    assert "is one file, with nothing apart" in train("--eval_strategy", "steps", "--eval_steps", "1")


def test_what_was_refused_and_mended_may_go_on_in_the_same_folder(train, tmp_path):
    output = tmp_path / "adapter"
    assert "none of the 20 rows can be learned from" in train("--max_length", "5")
    assert (output / "_run.json").exists()
    assert "holds a run" not in train("--max_length", "4")
    (output / "checkpoint-1").mkdir()
    assert "holds a run with another max_length" in train("--max_length", "5")


def test_a_split_that_is_not_there_is_said(train, rows, tmp_path):
    assert "Unknown split" in train("--dataset_name", folder(rows, tmp_path), "--dataset_train_split", "training")


def test_nothing_left_to_learn_is_refused(train):
    assert "none of the 20 rows can be learned from" in train("--max_length", "5")


def test_a_template_that_loses_text_is_refused_unless_allowed(train, tmp_path):
    """This template writes no stop token after a reply, so a model trained on it would never stop."""
    template = (
        "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content }}"
        "{% for call in message.tool_calls %}{{ call.function | tojson }}{% endfor %}\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    (tmp_path / "loses.jinja").write_text(template)
    assert "missing_stop" in train("--chat_template_path", tmp_path / "loses.jinja")


def folder(rows, tmp_path):
    (tmp_path / "dataset" / "data").mkdir(parents=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "dataset" / "data" / "train.jsonl").write_text(text)
    return tmp_path / "dataset"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--lora_target_modules", "q_proj,v_proj"], "these options cannot be trained with: Target modules"),
        (["--attn_implementation", "flash_attention_2"], "embedded: cannot be loaded: "),
        (["--report_to", "wandb"], "these options cannot be trained with: "),
        (["--seed", "-1"], "--seed must be from 0 to 4294967295, got -1"),
        (["--seed", "5000000000"], "--seed must be from 0"),
    ],
)
def test_options_that_cannot_be_trained_with_are_one_line(train, flags, says, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert says in train(*flags)


def test_weights_that_are_pointers_of_git_lfs_are_said(train, tmp_path):
    shutil.copytree(resolve("embedded"), tmp_path / "model")
    for file in (tmp_path / "model").glob("*.safetensors"):
        file.write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "model: cannot be loaded" in train("--model_name_or_path", tmp_path / "model")
