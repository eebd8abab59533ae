"""What is found by a name is what is loaded by it."""

import pytest

from agent.errors import UserError
from agent.models import loading
from agent.models.names import resolve


def test_a_model_in_the_home_folder_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").symlink_to(resolve("embedded"))
    model, tokenizer = loading.load_pretrained("~/mine")
    assert model.config.vocab_size
    assert tokenizer.chat_template


def test_an_adapter_in_the_home_folder_is_loaded(tmp_path, monkeypatch):
    from peft import LoraConfig, get_peft_model

    monkeypatch.setenv("HOME", str(tmp_path))
    model, _ = loading.load_pretrained(resolve("embedded"))
    get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(str(tmp_path / "mine"))
    assert loading.find("~/mine", "adapter_config.json", "adapter")
    model, _ = loading.load_pretrained(resolve("embedded"))
    assert loading.load_adapter(model, "~/mine").peft_config


def test_the_home_of_nobody_is_no_folder():
    with pytest.raises(UserError, match="no such folder"):
        loading.find("~nobody-of-this-name/model", "config.json", "model")
