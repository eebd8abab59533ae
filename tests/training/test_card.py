"""Laws of the card: the Hub can read it, a person can follow it, and nothing of this machine is in it."""

import re

from huggingface_hub import ModelCard

from training.card import render

LOG = {
    "name": "user/adapter",
    "base_model": "Qwen/Qwen3-0.6B",
    "adapter": None,
    "dataset": {
        "name": "user/dataset",
        "config": None,
        "split": "train",
        "revision": "abc123",
        "fingerprint": "0" * 16,
    },
    "template_hash": "f" * 64,
    "mask_method": "both",
    "processes": 1,
    "hyperparameters": {"learning_rate": 0.001, "packing": False, "seed": 42},
    "lora": {"lora_r": 16, "lora_target_modules": "all-linear"},
    "rows": 1234,
    "languages": ["en", "zh"],
    "scenarios": {"single_call": 1000, "chat": 234},
    "sequences": 1230,
    "tokens": 500000,
    "learned_tokens": 60000,
    "dropped": 4,
    "certificate": {"holds": True, "error": 2.3e-9, "rows": 3, "replies": 7, "template_hash": "f" * 64},
    "steps": 100,
    "epochs": 2.0,
    "trained_tokens": 120000,
    "loss": 0.12345,
    "eval_loss": None,
    "seconds": 99.6,
    "device": "cpu",
    "versions": {"trl": "1.16.0"},
}


def test_the_front_matter_is_what_the_hub_reads():
    data = ModelCard(render(LOG)).data
    assert (data.base_model, data.datasets, data.language) == ("Qwen/Qwen3-0.6B", ["user/dataset"], ["en", "zh"])
    assert (data.library_name, data.pipeline_tag) == ("peft", "text-generation")
    assert {"tool-calling", "lora"} <= set(data.tags)


def test_a_reader_finds_where_it_came_from_and_how_it_went():
    text = render(LOG)
    for found in (
        "abc123",
        "0" * 16,
        "f" * 64,
        "120,000",
        "60,000",
        "0.1235",
        "dropped: 4",
        "relative error 2.3e-09",
        "gradient of 7 separate samples",
        "single_call 1,000",
        "1.16.0",
    ):
        assert found in text, found
    assert "packing" not in text


def test_without_a_proof_the_card_says_so():
    text = render({**LOG, "certificate": {**LOG["certificate"], "holds": False, "rows": 0, "replies": 0}})
    assert "certificate: none" in text


def test_a_base_and_a_dataset_of_this_machine_are_named_without_their_path(tmp_path):
    log = {**LOG, "base_model": "embedded", "dataset": {**LOG["dataset"], "name": str(tmp_path / "rows.jsonl")}}
    text = render(log)
    assert str(tmp_path) not in text
    assert "rows.jsonl" in text
    assert "`embedded`" in text
    data = ModelCard(text).data
    assert data.base_model is None
    assert data.datasets is None


def test_the_python_of_the_card_compiles():
    for base in ("embedded", "Qwen/Qwen3-0.6B"):
        for lora in (LOG["lora"], None):
            (code,) = re.findall(r"```python\n(.*?)```", render({**LOG, "base_model": base, "lora": lora}), re.DOTALL)
            compile(code, "card", "exec")
