"""The collator's laws: what it pads, packs, cuts and leaves out, and that packing changes no loss and no gradient."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, MambaConfig, MambaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from agent.errors import UserError
from agent.models.names import resolve
from training.collator import AssistantOnlyCollator, attend_one_by_one, kept_length, packing_leak, refuse_leak
from training.collator.apart import ONE_BY_ONE
from training.masks.sequences import IGNORED


def sequence(prompt: int, reply: int, start: int = 5, weight: float = 1.0) -> dict[str, list]:
    ids = list(range(start, start + prompt + reply))
    return {
        "input_ids": ids,
        "labels": [IGNORED] * prompt + ids[prompt:],
        "weights": [0.0] * prompt + [weight] * reply,
    }


def tiny(dtype=torch.float32, **more):
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=200,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        **more,
    )
    return Qwen3ForCausalLM(config).to(dtype)


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(resolve("embedded"))


ROWS = [sequence(3, 4), sequence(9, 2, 40), sequence(1, 12, 80), sequence(20, 5, 100)]


def test_padding_is_on_the_right_and_never_learned(tokenizer):
    batch = AssistantOnlyCollator(tokenizer, max_length=None)(ROWS)
    for row, mask, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True):
        length = int(mask.sum())
        assert mask[:length].all()
        assert (row[length:] == tokenizer.pad_token_id).all()
        assert (labels[length:] == IGNORED).all()
    assert "weights" not in batch


def test_packing_keeps_every_token_and_numbers_each_sequence_from_zero(tokenizer):
    batch = AssistantOnlyCollator(tokenizer, max_length=None, packing=True)(ROWS)
    assert batch["input_ids"].tolist() == [[i for row in ROWS for i in row["input_ids"]]]
    assert batch["position_ids"].tolist() == [[i for row in ROWS for i in range(len(row["input_ids"]))]]
    assert batch["cu_seq_lens_q"].tolist() == [0, 7, 18, 31, 56]
    assert batch["max_length_q"] == 25
    assert "attention_mask" not in batch
    assert (batch["labels"][0, batch["cu_seq_lens_q"][:-1].long()] == IGNORED).all()


@pytest.mark.parametrize("attention", ["sdpa", "eager", ONE_BY_ONE])
def test_packed_loss_and_gradient_equal_padded(tokenizer, attention):
    model = tiny()
    model.set_attn_implementation(attention)
    found = []
    for packing in (False, True):
        model.zero_grad()
        batch = AssistantOnlyCollator(tokenizer, max_length=None, packing=packing)(ROWS)
        loss = model(**batch, use_cache=False).loss
        loss.backward()
        found.append((loss.item(), [p.grad.clone() for p in model.parameters()]))
    (padded, padded_gradient), (packed, packed_gradient) = found
    assert packed == pytest.approx(padded, rel=1e-5)
    for one, other in zip(padded_gradient, packed_gradient, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_attention_goes_one_by_one_only_where_it_is_the_same_function():
    model = tiny()
    attend_one_by_one(model)
    assert model.config._attn_implementation == ONE_BY_ONE
    assert packing_leak(model) < 1e-5
    for other in (tiny(sliding_window=8, use_sliding_window=True, max_window_layers=1), tiny()):
        if set(other.config.layer_types) == {"full_attention"}:
            other.set_attn_implementation("eager")
        before = other.config._attn_implementation
        attend_one_by_one(other)
        assert other.config._attn_implementation == before


def test_a_model_that_keeps_its_boundaries_to_itself_stays_as_it_was(monkeypatch):
    model = tiny()
    inner = model.model.forward
    monkeypatch.setattr(model.model, "forward", lambda *a, cu_seq_lens_q=None, **k: inner(*a, **k))
    attend_one_by_one(model)
    assert model.config._attn_implementation == "sdpa"
    refuse_leak(model)


def test_a_label_of_weight_zero_is_not_learned_as_one(tokenizer):
    row = {"input_ids": [5, 6, 7], "labels": [IGNORED, 6, 7], "weights": [0.0, 0.0, 1.0]}
    assert AssistantOnlyCollator(tokenizer, max_length=None)([row])["weights"].tolist() == [[0.0, 0.0, 1.0]]


def test_weights_come_along_where_any_differs(tokenizer):
    rows = [sequence(3, 4, weight=0.5), sequence(2, 2)]
    for packing in (False, True):
        batch = AssistantOnlyCollator(tokenizer, max_length=None, packing=packing)(rows)
        assert batch["weights"].shape == batch["labels"].shape
        assert set(batch["weights"][batch["labels"] != IGNORED].tolist()) == {0.5, 1.0}


def test_a_cut_falls_after_a_whole_reply():
    x = IGNORED
    labels = [x, x, 1, 2, x, x, 3, 4, 5, x, 6]
    kept = {limit: kept_length(labels, limit) for limit in range(2, 12)}
    assert kept == {2: 0, 3: 0, 4: 4, 5: 4, 6: 4, 7: 4, 8: 4, 9: 9, 10: 9, 11: 11}


def test_what_is_left_out_is_counted_with_its_reason(tokenizer):
    collator = AssistantOnlyCollator(tokenizer, max_length=8)
    nothing = {"input_ids": [5, 6], "labels": [IGNORED, IGNORED]}
    batch = collator([sequence(3, 4), sequence(9, 2), nothing])
    assert batch["input_ids"].shape[0] == 1
    assert dict(collator.dropped) == {"no whole reply fits into 8 tokens": 1, "no token of it is learned": 1}
    empty = collator([nothing])
    assert (empty["labels"] == IGNORED).all()


def test_conversations_are_masked_on_the_way(tokenizer):
    rows = [
        {"messages": [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "你好！"}], "tools": []},
        {"messages": [{"role": "user", "content": "Hello"}], "tools": []},
    ]
    collator = AssistantOnlyCollator(tokenizer, max_length=64)
    batch = collator(rows)
    assert tokenizer.decode(batch["labels"][0][batch["labels"][0] != IGNORED]) == "你好！<|im_end|>"
    assert dict(collator.dropped) == {"nothing in it is to be learned": 1}


def test_a_model_that_leaks_is_refused():
    refuse_leak(tiny())
    assert packing_leak(tiny()) < 1e-5
    torch.manual_seed(0)
    state_space = MambaForCausalLM(MambaConfig(vocab_size=200, hidden_size=32, num_hidden_layers=1))
    with pytest.raises(UserError, match="--packing"):
        refuse_leak(state_space)


TRAINING = """
import json, sys, torch
from pathlib import Path
from datasets import Dataset
from transformers import AutoTokenizer
from trl import SFTConfig
sys.path[:0] = [{tests!r}]
from test_collator import sequence, tiny
from agent.models.names import resolve
from training.collator import AssistantOnlyCollator
from training.trainer import AdapterTrainer

def run(packing):
    rows = [sequence(3 + i, 1 + 5 * i % 7, 5 + i, weight=1.0 if i % 3 else 0.5) for i in range(16)]
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    config = SFTConfig(
        output_dir={output!r}, max_steps=2, per_device_train_batch_size=2, gradient_accumulation_steps=2, use_cpu=True,
        bf16=False, max_length=None, report_to=[], save_strategy="no", remove_unused_columns=False, disable_tqdm=True,
        dataset_kwargs={{"skip_prepare_dataset": True}}, learning_rate=0.1, optim="sgd", lr_scheduler_type="constant",
        max_grad_norm=1e9, logging_steps=1, gradient_checkpointing=False, average_tokens_across_devices=True,
    )
    trainer = AdapterTrainer(
        model=tiny(), args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
        data_collator=AssistantOnlyCollator(tokenizer, max_length=None, packing=packing),
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    weights = torch.cat([p.detach().flatten() for p in trainer.model.parameters()])
    return losses, weights, trainer

(padded, padded_weights, first), (packed, packed_weights, second) = run(False), run(True)
moved = float((padded_weights - packed_weights).abs().max())
accelerator = first.accelerator
first.end()
second.end()
threads = [name.read_text() for name in Path("/proc/self/task").glob("*/comm")]
workers = sum("gloo" in name for name in threads)
if accelerator.is_main_process:
    found = {{"processes": accelerator.num_processes, "padded": padded, "packed": packed, "apart": moved}}
    print(json.dumps({{**found, "workers": workers}}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_packed_training_equals_padded_over_accumulation_and_processes(processes, tmp_path):
    """Two steps of SGD, whose weights differ only if a gradient did; then no worker is left to crash the exit."""
    import json

    script = tmp_path / "both.py"
    script.write_text(TRAINING.format(tests=str(Path(__file__).parent), output=str(tmp_path / "out")))
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc_per_node={processes}", "--standalone"]
    command = [*command, str(script)] if processes > 1 else [sys.executable, str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"processes"')))
    assert found["processes"] == processes
    assert found["packed"] == pytest.approx(found["padded"], rel=1e-5)
    assert found["apart"] < 1e-5
    assert found["workers"] == 0
