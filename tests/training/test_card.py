"""Laws of the card: the Hub can read it, a person can follow it, and nothing of this machine is in it."""

import re

import huggingface_hub.constants
import pytest
from huggingface_hub import ModelCard
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from agent.models import resolve
from training.card import render

LOG = {
    "name": "user/adapter",
    "base_model": "Qwen/Qwen3-0.6B",
    "model_revision": "c1899de",
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
    "cut": 2,
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


def test_the_licence_of_the_base_is_said_where_its_card_is_here(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    for name, licence in (("embedded", "apache-2.0"), (str(folder), None), ("nobody/has-this", None)):
        assert ModelCard(render({**LOG, "base_model": name})).data.to_dict().get("license") == licence, name
    front = "license: other\nlicense_name: their-own\nlicense_link: {link}"
    for link, kept in (("LICENSE", None), ("https://example.org/licence", "https://example.org/licence")):
        (folder / "README.md").write_text(f"---\n{front.format(link=link)}\n---\n# Base\n")
        data = ModelCard(render({**LOG, "base_model": str(folder)})).data.to_dict()
        assert (data["license"], data["license_name"], data.get("license_link")) == ("other", "their-own", kept)
    (folder / "README.md").write_text("---\n: {\n---\n")
    assert "license" not in ModelCard(render({**LOG, "base_model": str(folder)})).data.to_dict()


def test_the_licence_of_a_base_from_the_hub_is_that_of_the_copy_here(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--Qwen--Qwen3-0.6B" / "snapshots" / "c1899de"
    snapshot.mkdir(parents=True)
    (snapshot / "README.md").write_text("---\nlicense: mit\n---\n")
    assert ModelCard(render(LOG)).data.license == "mit"


def test_the_revision_of_a_base_from_the_hub_is_named_and_loaded():
    text = render(LOG)
    assert "`Qwen/Qwen3-0.6B` (revision `c1899de`)" in text
    assert "from_pretrained(base, revision='c1899de')" in text
    assert "c1899de" not in render({**LOG, "base_model": "embedded"})


def test_a_reader_finds_where_it_came_from_and_how_it_went():
    text = render(LOG)
    for found in (
        "abc123",
        "0" * 16,
        "f" * 64,
        "120,000",
        "60,000",
        "0.1235",
        "rows dropped: 4, rows of which a part is learned: 2",
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


@pytest.mark.parametrize("lora", [LOG["lora"], None], ids=["adapter", "model"])
def test_the_python_of_the_card_runs(lora, tmp_path, capsys):
    model = AutoModelForCausalLM.from_pretrained(resolve("embedded"))
    (get_peft_model(model, LoraConfig(r=2)) if lora else model).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(resolve("embedded")).save_pretrained(tmp_path)
    text = render({**LOG, "name": str(tmp_path), "base_model": "embedded", "lora": lora})
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code.replace("max_new_tokens=512", "max_new_tokens=2"), {})
    printed = capsys.readouterr().out
    assert "get_weather" in printed
    assert "What is the weather in Paris?" in printed
