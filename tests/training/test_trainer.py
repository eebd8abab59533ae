"""What `AdapterTrainer` adds to `SFTTrainer` changes how fast a loss is found, never the loss."""

import sys
from pathlib import Path

import pytest
import torch
import trl.kernels.chunked_logprob
import trl.trainer.utils
from datasets import Dataset
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

from agent.models.names import resolve
from training.arguments import parse
from training.collator import AssistantOnlyCollator
from training.trainer import AdapterTrainer

sys.path[:0] = [str(Path(__file__).parent)]
from test_collator import sequence, tiny  # noqa: E402


@pytest.fixture
def scored(monkeypatch):
    """How many positions each loss sends through the head; TRL as it comes, until an `AdapterTrainer` is made."""
    counts = []
    function = trl.trainer.utils._ChunkedLogProbFunction

    class Counting:
        @staticmethod
        def apply(hidden, *more):
            counts.append(hidden.shape[0])
            return function.apply(hidden, *more)

    monkeypatch.setattr(trl.trainer.utils, "_use_triton", trl.kernels.chunked_logprob._use_triton)
    monkeypatch.setattr(trl.trainer.utils, "_ChunkedLogProbFunction", Counting)
    return counts


def loss_and_gradient(kind, batch, folder):
    torch.manual_seed(0)
    config = SFTConfig(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        max_length=None,
        report_to=[],
        dataset_kwargs={"skip_prepare_dataset": True},
        gradient_checkpointing=False,
    )
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    trainer = kind(
        model=tiny(),
        args=config,
        train_dataset=Dataset.from_list([sequence(3, 4)]),
        processing_class=tokenizer,
        data_collator=AssistantOnlyCollator(tokenizer, max_length=None),
    )
    loss = trainer.compute_loss(trainer.model, dict(batch))
    loss.backward()
    return loss.detach(), torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None])


def test_only_learned_tokens_are_scored_and_the_loss_stays_the_same(scored, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    batch = AssistantOnlyCollator(tokenizer, max_length=None)([sequence(9, 3), sequence(4, 2), sequence(6, 5)])
    batch.pop("weights", None)
    learned = int((batch["labels"] != -100).sum())
    theirs = loss_and_gradient(SFTTrainer, batch, tmp_path / "theirs")
    ours = loss_and_gradient(AdapterTrainer, batch, tmp_path / "ours")
    assert scored == [batch["labels"][:, 1:].numel(), learned]
    assert torch.allclose(theirs[0], ours[0], rtol=1e-6)
    assert torch.allclose(theirs[1], ours[1], rtol=1e-5, atol=1e-8)


def test_a_batch_of_which_nothing_is_learned_has_loss_zero(scored, tmp_path):
    ids = torch.tensor([[5, 6, 7]])
    batch = {"input_ids": ids, "labels": torch.full_like(ids, -100), "attention_mask": torch.ones_like(ids)}
    loss, gradient = loss_and_gradient(AdapterTrainer, batch, tmp_path)
    assert loss == 0
    assert not gradient.any()


def test_a_push_sends_no_pickle_and_comes_at_the_end(tmp_path):
    """At each checkpoint TRL would send `training_args.bin`, in which every argument stands, a token among them."""
    assert parse(["--model_name_or_path", "embedded", "--dataset_name", "x"])[1].hub_strategy == "end"
    config = SFTConfig(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, max_length=None, report_to=[], hub_token="hf_secret",
        dataset_kwargs={"skip_prepare_dataset": True},
    )  # fmt: skip
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    trainer = AdapterTrainer(
        model=tiny(), args=config, train_dataset=Dataset.from_list([sequence(3, 4)]), processing_class=tokenizer,
        data_collator=AssistantOnlyCollator(tokenizer, max_length=None),
    )  # fmt: skip
    (tmp_path / "training_args.bin").write_bytes(b"hf_secret")
    trainer.save_model()
    assert (tmp_path / "config.json").exists()
    assert not list(tmp_path.rglob("training_args.bin"))


def test_a_tokenizer_with_several_templates_is_saved_again_and_again(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    tokenizer.chat_template = {"default": tokenizer.chat_template, "tool_use": tokenizer.chat_template}
    config = SFTConfig(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, max_length=None, report_to=[],
        dataset_kwargs={"skip_prepare_dataset": True},
    )  # fmt: skip
    trainer = AdapterTrainer(
        model=tiny(), args=config, train_dataset=Dataset.from_list([sequence(3, 4)]), processing_class=tokenizer,
        data_collator=AssistantOnlyCollator(tokenizer, max_length=None),
    )  # fmt: skip
    trainer.save_model()
    trainer.save_model()
    assert set(AutoTokenizer.from_pretrained(tmp_path).chat_template) == {"default", "tool_use"}
    assert not (tmp_path / "_saving").exists()
