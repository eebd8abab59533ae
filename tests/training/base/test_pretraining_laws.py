"""The laws of pretraining and export, on a model of a few thousand weights."""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from agent.errors import UserError
from training.base.export import after, card, export
from training.base.model import centre, even_out
from training.base.pretrain import RECORD, Plan, Pretraining, arguments, run
from training.base.tokenizer import corpus_tokenizer

SHIPPED = Path(__file__).resolve().parents[3] / "agent" / "embedded"
TINY = shlex.split(
    "--hidden 16 --layers 1 --heads 1 --head-dim 16 --batch-tokens 512 --early-batch-tokens 256 --early-length 128 "
    "--length 256 --long-length 256 --early-tokens 768 --device cpu --log-every 1 --probe-count 1"
)


def pretrain(folder: Path, tokens: int, *more: str) -> None:
    run(arguments().parse_args(["--output", str(folder), "--tokens", str(tokens), *TINY, *more]))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoint.pt", weights_only=True)["model"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    pretrain(folder, 3072)
    return folder


def test_the_same_seed_gives_the_same_weights(finished: Path, tmp_path: Path) -> None:
    pretrain(tmp_path, 3072)
    assert all(torch.equal(value, weights(finished)[name]) for name, value in weights(tmp_path).items())


def test_batches_made_ahead_by_workers_are_the_same(finished: Path, tmp_path: Path) -> None:
    pretrain(tmp_path, 3072, "--workers", "2")
    assert losses(tmp_path) == losses(finished)
    assert all(torch.equal(value, weights(finished)[name]) for name, value in weights(tmp_path).items())


def test_a_batch_that_no_worker_can_make_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no document fits into rows of 4 tokens"):
        pretrain(tmp_path, 3072, "--workers", "1", "--early-length", "4", "--early-batch-tokens", "16")


def test_a_run_with_workers_saves_when_the_whole_group_is_told_to_stop(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "training.base.pretrain",
        "--output",
        str(tmp_path),
        "--tokens",
        "100000000",
        *TINY,
    ]
    running = subprocess.Popen([*command, "--workers", "1"], start_new_session=True, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: len((tmp_path / "log.jsonl").read_text().splitlines()) > 3, running)
        os.killpg(running.pid, signal.SIGTERM)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, said[-2000:]
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["counts"][0] > 3


def wait_for(happened: Callable[[], bool], running: "subprocess.Popen[str]", seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and running.poll() is None:
        with contextlib.suppress(OSError):
            if happened():
                return
        time.sleep(0.2)
    raise AssertionError(f"it did not happen, exit code {running.poll()}")


def losses(folder: Path) -> list[tuple[int, float]]:
    entries = map(json.loads, (folder / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [(entry["step"], entry["loss"]) for entry in entries if "loss" in entry]


def test_a_run_that_was_killed_goes_on_to_the_same_weights_and_the_same_log(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.base import pretrain as module

    class StoppedError(Exception):
        pass

    def save_after_four_and_stop_after_six(args: object, training: module.Pretraining) -> float:
        if training.steps == 4:
            training.save(tmp_path / "checkpoint.pt")
        if training.steps == 6:
            raise StoppedError
        return training.tokens / 3072

    monkeypatch.setattr(module, "spent", save_after_four_and_stop_after_six)
    with pytest.raises(StoppedError):
        pretrain(tmp_path, 3072)
    monkeypatch.undo()
    assert losses(tmp_path)[-1][0] == 6
    with (tmp_path / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"step": 7, "los')
    pretrain(tmp_path, 3072)
    assert losses(tmp_path) == losses(finished)
    assert all(torch.equal(value, weights(finished)[name]) for name, value in weights(tmp_path).items())
    assert len(json.loads((tmp_path / "sessions.json").read_text())) == 2


def test_the_loss_falls(tmp_path: Path) -> None:
    pretrain(tmp_path, 16_000, "--hidden", "32", "--head-dim", "32", "--warmup-steps", "5")
    losses = [entry["loss"] for entry in map(json.loads, (tmp_path / "log.jsonl").open()) if "loss" in entry]
    assert losses[-1] < losses[0] - 0.5


def test_the_rate_rises_holds_and_ends_at_zero() -> None:
    plan = Plan(warmup_steps=10, decay=0.25)
    assert plan.rate(0, 0.0) == pytest.approx(0.1)
    assert plan.rate(50, 0.5) == 1.0
    assert plan.rate(50, 0.875) == pytest.approx(0.5)
    assert plan.rate(50, 1.0) == 0.0


def as_stored(weight: torch.Tensor) -> torch.Tensor:
    return weight.bfloat16().float()


def test_an_exported_model_gives_the_logits_of_the_run(finished: Path, tmp_path: Path) -> None:
    record = export(finished, tmp_path / "model", probe_count=2)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert model.dtype == torch.float32
    assert all(torch.equal(as_stored(value), model.state_dict()[name]) for name, value in weights(finished).items())
    assert record["tokens"] >= 3072
    stored = list((tmp_path / "model").glob("*.safetensors"))
    assert sum(file.stat().st_size for file in stored) < 2.1 * record["parameters"] + 10_000
    assert (tmp_path / "model" / "README.md").read_text(encoding="utf-8") == card(record)
    assert AutoTokenizer.from_pretrained(tmp_path / "model").chat_template


def test_a_second_stage_begins_with_the_exported_weights_and_its_record_counts_both(
    finished: Path, tmp_path: Path
) -> None:
    first = export(finished, tmp_path / "first", probe_count=2)
    pretrain(tmp_path / "run", 1024, "--start-from", str(tmp_path / "first"), "--seed", "8", "--muon-rate", "0.0",
             "--adamw-rate", "0.0")  # fmt: skip
    begun = weights(tmp_path / "run")
    assert all(torch.equal(as_stored(value), begun[name]) for name, value in weights(finished).items())
    both = export(tmp_path / "run", tmp_path / "second", probe_count=2)
    read = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["counts"][1]
    assert both["tokens"] == first["tokens"] + read > first["tokens"]
    assert both["seeds"] == [7, 8]
    assert both["sessions"][-1]["from_tokens"] == first["tokens"]
    assert both["stages"][0] == first["stages"][0]
    assert "--start-from runs/model1 --seed 8 --tokens 1024" in card(both)


@pytest.mark.parametrize(
    "more",
    ["--layers 3", "--hidden 24", "--hidden 24 --layers 2", "--heads 2", "--hidden 40 --heads 4 --layers 3"],
)
def test_a_larger_second_stage_begins_as_the_model_it_grew_from(finished: Path, tmp_path: Path, more: str) -> None:
    export(finished, tmp_path / "first", probe_count=2)
    small = AutoModelForCausalLM.from_pretrained(tmp_path / "first")
    options = more.split()
    pretrain(tmp_path / "run", 1024, "--start-from", str(tmp_path / "first"), *options, "--muon-rate", "0.0",
             "--adamw-rate", "0.0")  # fmt: skip
    record = export(tmp_path / "run", tmp_path / "second", probe_count=2)
    large = AutoModelForCausalLM.from_pretrained(tmp_path / "second")
    tokens = torch.arange(3, 40)[None]
    config = large.config
    shape = {"layers": config.num_hidden_layers, "hidden": config.hidden_size, "heads": config.num_attention_heads}
    for option, value in zip(options[::2], options[1::2], strict=True):
        assert record[option[2:]] == shape[option[2:]] == int(value)
        assert f"{option} {value}" in record["stages"][1]
    assert large.num_parameters() > small.num_parameters()
    assert _nearly_alike(small(tokens).logits, large(tokens).logits)
    if "--hidden" not in more:  # no norm has zeros to count
        assert torch.allclose(small(tokens).logits, large(tokens).logits, atol=1e-5)


def _nearly_alike(some: torch.Tensor, others: torch.Tensor) -> bool:
    """But for the epsilon of the norms, which weighs more beside zeros."""
    return bool((some - others).norm() < 0.01 * some.norm())


def test_all_that_a_model_has_more_is_learned_and_a_mean_is_with_the_start_as_it_grew(
    finished: Path, tmp_path: Path
) -> None:
    export(finished, tmp_path / "first", probe_count=2)
    pretrain(tmp_path / "run", 2048, "--start-from", str(tmp_path / "first"), "--hidden", "24", "--layers", "2")
    export(tmp_path / "run", tmp_path / "second", probe_count=2)
    export(tmp_path / "run", tmp_path / "start", probe_count=2, blend=tmp_path / "first", share=1.0)
    small, start = (AutoModelForCausalLM.from_pretrained(tmp_path / name) for name in ("first", "start"))
    tokens = torch.arange(3, 40)[None]
    assert _nearly_alike(small(tokens).logits, start(tokens).logits)
    weights = AutoModelForCausalLM.from_pretrained(tmp_path / "second").state_dict()
    assert weights["model.embed_tokens.weight"][:, 16:].abs().sum() > 0
    for name, weight in weights.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            assert weight[16:].abs().sum() > 0, name


def test_what_embeddings_have_of_their_own_is_brought_to_one_length() -> None:
    lengths = torch.linspace(0.1, 2.0, 400)[:, None]
    given = 5.0 + lengths * torch.nn.functional.normalize(torch.randn(400, 16, generator=seeded(1)), dim=1)
    own = (given - given.mean(dim=0)).norm(dim=1)
    same, half, whole = given.clone(), given.clone(), given.clone()
    even_out(same, 0.0)
    even_out(half, 0.5)
    even_out(whole, 1.0)
    assert torch.equal(same, given)
    parts = {name: (rows - given.mean(dim=0)).norm(dim=1) for name, rows in (("half", half), ("whole", whole))}
    wanted = float(own.quantile(0.9))
    reached = own.clamp(max=wanted) * 3 >= wanted
    assert torch.allclose(parts["whole"][reached & (own < wanted)], torch.tensor(wanted), rtol=1e-4)
    assert torch.allclose(parts["whole"][~reached], 3 * own[~reached], rtol=1e-4)
    assert torch.allclose(parts["half"] ** 2, own * parts["whole"], rtol=1e-4)
    cosines = torch.cosine_similarity(given - given.mean(dim=0), whole - given.mean(dim=0))
    assert torch.allclose(cosines, torch.ones(400), atol=1e-4)


def test_no_chance_changes_when_a_head_is_centred() -> None:
    head = 3.0 + torch.randn(50, 8, generator=seeded(2))
    hidden = torch.randn(5, 8, generator=seeded(3))
    before = torch.softmax(hidden @ head.T, dim=-1)
    centre(head, 1.0)
    assert torch.allclose(torch.softmax(hidden @ head.T, dim=-1), before, atol=1e-5)
    assert head.mean(dim=0).abs().max() < 1e-5


def test_a_stage_may_even_out_what_it_starts_with_and_centre_as_it_goes(finished: Path, tmp_path: Path) -> None:
    first = export(finished, tmp_path / "first", probe_count=2)
    begun = as_stored(weights(finished)["model.embed_tokens.weight"])
    still = ("--start-from", str(tmp_path / "first"), "--muon-rate", "0.0", "--adamw-rate", "0.0")
    pretrain(tmp_path / "evened", 1024, *still, "--even-embeddings", "1.0")
    wanted = begun.clone()
    even_out(wanted, 1.0)
    evened = weights(tmp_path / "evened")["model.embed_tokens.weight"]
    assert torch.equal(evened, wanted)
    assert not torch.allclose(evened, begun)
    pretrain(tmp_path / "centred", 1024, *still, "--centre-embeddings", "0.5")
    centred = weights(tmp_path / "centred")["model.embed_tokens.weight"]
    steps = torch.load(tmp_path / "centred" / "checkpoint.pt", weights_only=True)["counts"][0]
    assert torch.allclose(centred.mean(dim=0), begun.mean(dim=0) * 0.5**steps, atol=1e-6)
    again = export(tmp_path / "centred", tmp_path / "second", probe_count=2)
    assert again["tokens"] > first["tokens"]
    assert "--centre-embeddings 0.5" in again["stages"][1]


def seeded(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def test_a_second_stage_with_fewer_layers_is_refused(finished: Path, tmp_path: Path) -> None:
    export(finished, tmp_path / "first", probe_count=2)
    pretrain(tmp_path / "larger", 1024, "--start-from", str(tmp_path / "first"), "--layers", "2")
    export(tmp_path / "larger", tmp_path / "second", probe_count=2)
    with pytest.raises(UserError, match="holds no exported model of this shape"):
        pretrain(tmp_path / "run", 1024, "--start-from", str(tmp_path / "second"))


def test_two_processes_take_the_steps_of_one_with_both_their_batches(tmp_path: Path) -> None:
    """Nothing else tells whether the mean of the gradients is what moves the weights."""
    launched = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    once = [*launched, "-m", "training.base.pretrain", "--output", str(tmp_path / "two"), "--tokens", "512", *TINY]
    done = subprocess.run(once, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    state = torch.load(tmp_path / "two" / "checkpoint.pt", weights_only=True)
    assert state["counts"][:2] == (1, 512)
    session = json.loads((tmp_path / "two" / "sessions.json").read_text())
    assert [one["processes"] for one in session] == [2]
    alone = both_batches_at_once(Plan(**state["plan"]))
    for name, value in weights(tmp_path / "two").items():
        assert torch.allclose(value, alone[name], atol=1e-5), name


def both_batches_at_once(plan: Plan) -> dict[str, torch.Tensor]:
    """The weights after one step by the mean of the gradients of batches 0 and 1, without any process group."""
    halves = []
    for number in (0, 1):
        one = Pretraining(plan, corpus_tokenizer(), "cpu")
        one.rank, one.processes = number, 2
        kept: list[torch.Tensor] = []
        one._share_gradients = lambda one=one, kept=kept: kept.extend(  # type: ignore[method-assign]
            parameter.grad.clone() for parameter in one.model.parameters() if parameter.grad is not None
        )
        one.step(0.0)
        halves.append(kept)
    last = Pretraining(plan, corpus_tokenizer(), "cpu")

    def mean() -> None:
        for parameter, left, right in zip(last.model.parameters(), *halves, strict=True):
            parameter.grad = (left + right) / 2

    last._share_gradients = mean  # type: ignore[method-assign]
    last.step(0.0)
    return last.model.state_dict()


def test_the_card_tells_which_conversations_were_read_and_how_to_make_them(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hello!"}]
    row = {"id": "1", "messages": messages, "tools": [], "scenario": "chat", "lang": "en", "split_key": "chat"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    pretrain(tmp_path / "run", 1024, "--rows", str(tmp_path / "rows.jsonl"))
    record = export(tmp_path / "run", tmp_path / "model", probe_count=2)
    assert "| conversations | 1 training rows, fingerprint" in card(record)
    assert "--rows runs/rows1 --seed 7" in card(record)
    assert "callsmith build" not in card(record)
    assert "conversations of other datasets' training rows" in card(record)
    record["rows"][0]["settings"] = {
        "languages": "zh, en", "rows asked for": 50, "seed": "9", "teacher": "embedded", "tools": "embedded"
    }  # fmt: skip
    build = (
        "callsmith build --tools embedded --teacher embedded --rows 50 --languages zh,en --seed 9 --output runs/rows1\n"
    )
    assert build in card(record)
    assert "conversations of the embedded teacher's training side" in card(record)


def test_a_second_stage_of_another_shape_is_refused(finished: Path, tmp_path: Path) -> None:
    export(finished, tmp_path / "first", probe_count=2)
    with pytest.raises(UserError, match="holds no exported model of this shape"):
        pretrain(tmp_path / "run", 1024, "--start-from", str(tmp_path / "first"), "--head-dim", "32")


def test_a_second_stage_of_a_model_without_its_record_is_refused(finished: Path, tmp_path: Path) -> None:
    export(finished, tmp_path / "first", probe_count=2)
    (tmp_path / "first" / RECORD).unlink()
    with pytest.raises(UserError, match="holds no exported model"):
        pretrain(tmp_path / "run", 1024, "--start-from", str(tmp_path / "first"))


def test_exporting_a_folder_without_a_run_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training.base.export", str(tmp_path / "none"), str(tmp_path / "model")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "checkpoint.pt" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "model").exists()


def test_the_shipped_card_says_what_the_shipped_files_are() -> None:
    record = json.loads((SHIPPED / RECORD).read_text(encoding="utf-8"))
    assert (SHIPPED / "README.md").read_text(encoding="utf-8") == card(record)
    assert card(record).count("| conversations |") == len({one["fingerprint"] for one in record["rows"] if one})
    config = json.loads((SHIPPED / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == [record["architecture"]] == ["Qwen3ForCausalLM"]
    assert (record["layers"], record["hidden"], record["vocabulary"]) == (
        config["num_hidden_layers"], config["hidden_size"], config["vocab_size"],
    )  # fmt: skip
    shards = sorted(SHIPPED.glob("*.safetensors"))
    assert all(shard.stat().st_size < 16 * 2**20 for shard in shards)
    assert sum(shard.stat().st_size for shard in shards) <= 32 * 2**20
    sizes: dict[str, int] = {}
    for shard in shards:
        with safe_open(shard, framework="pt") as tensors:
            sizes |= {name: tensors.get_tensor(name).numel() for name in tensors.keys()}  # noqa: SIM118
    assert sum(sizes.values()) == record["parameters"] <= 16_000_000


def test_the_shipped_model_loads_with_nothing_missing() -> None:
    model, info = AutoModelForCausalLM.from_pretrained(SHIPPED, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    assert model.config.vocab_size == len(tokenizer)
    assert model.generation_config.eos_token_id == [tokenizer.eos_token_id, tokenizer.pad_token_id]


def test_a_card_says_where_a_run_was_stopped_before_its_end(finished: Path, tmp_path: Path) -> None:
    assert "stopped" not in export(finished, tmp_path / "whole", probe_count=2)["stages"][0]
    shutil.copytree(finished, tmp_path / "run")
    sessions = json.loads((tmp_path / "run" / "sessions.json").read_text(encoding="utf-8"))
    sessions[-1]["budget"] = {"tokens": None, "minutes": 90}
    (tmp_path / "run" / "sessions.json").write_text(json.dumps(sessions), encoding="utf-8")
    record = export(tmp_path / "run", tmp_path / "model", probe_count=2)
    assert "--minutes 90 --hidden 16" in record["stages"][0]
    assert record["stages"][0].endswith(f"# stopped after {record['tokens']:,} tokens, {record['minutes']:.1f} minutes")
    assert record["stages"][0] in card(record)


def test_a_record_tells_of_every_kind_of_hardware_and_precision(finished: Path, tmp_path: Path) -> None:
    record = export(finished, tmp_path / "model", probe_count=1)
    first = {**record, "precision": "bf16 autocast"}
    both = after(first, {**record, "precision": "fp32"})
    assert both["precision"] == "bf16 autocast, then fp32"
    assert both["hardware"] == record["hardware"]
    assert after(both, {**record, "precision": "fp32"})["precision"] == "bf16 autocast, then fp32"


def test_a_model_may_be_the_mean_of_a_run_and_what_it_started_from(finished: Path, tmp_path: Path) -> None:
    export(finished, tmp_path / "first", probe_count=1)
    pretrain(tmp_path / "run", 1024, "--start-from", str(tmp_path / "first"), "--seed", "8")
    record = export(tmp_path / "run", tmp_path / "second", probe_count=1, blend=tmp_path / "first", share=0.25)
    before, end = weights(finished), weights(tmp_path / "run")
    mean = AutoModelForCausalLM.from_pretrained(tmp_path / "second").state_dict()
    moved = [name for name, value in before.items() if not torch.equal(value, end[name])]
    assert moved
    for name in moved:
        wanted = 0.25 * as_stored(before[name]) + 0.75 * end[name]
        torch.testing.assert_close(mean[name], wanted, rtol=2**-8, atol=1e-6)
    embeddings = "model.embed_tokens.weight"  # moved by more than what is rounded away: another share would show
    assert not torch.allclose(mean[embeddings], 0.3 * before[embeddings] + 0.7 * end[embeddings], rtol=2**-8, atol=1e-6)
    assert (record["blends"], record["blended_with"]) == ([0, 0.25], [0, 1])
    assert "runs/base2 runs/model2 --blend runs/model1 --blend-share 0.25\n" in card(record)
    assert "runs/base1 runs/model1\n" in card(record)


def test_a_mean_may_be_with_a_model_of_two_stages_before(finished: Path, tmp_path: Path) -> None:
    export(finished, tmp_path / "first", probe_count=1)
    pretrain(tmp_path / "run2", 1024, "--start-from", str(tmp_path / "first"), "--seed", "8")
    export(tmp_path / "run2", tmp_path / "second", probe_count=1)
    pretrain(tmp_path / "run3", 1024, "--start-from", str(tmp_path / "second"), "--seed", "9")
    record = export(tmp_path / "run3", tmp_path / "third", probe_count=1, blend=tmp_path / "first", share=0.25)
    assert (record["blends"], record["blended_with"]) == ([0, 0, 0.25], [0, 0, 1])
    assert "runs/base3 runs/model3 --blend runs/model1 --blend-share 0.25\n" in card(record)


def test_another_mean_of_the_stage_that_a_run_started_from_is_refused(finished: Path, tmp_path: Path) -> None:
    export(finished, tmp_path / "first", probe_count=1)
    pretrain(tmp_path / "run2", 1024, "--start-from", str(tmp_path / "first"), "--seed", "8")
    export(tmp_path / "run2", tmp_path / "second", probe_count=1, blend=tmp_path / "first", share=0.25)
    export(tmp_path / "run2", tmp_path / "other", probe_count=1, blend=tmp_path / "first", share=0.5)
    pretrain(tmp_path / "run3", 1024, "--start-from", str(tmp_path / "second"), "--seed", "9")
    with pytest.raises(UserError, match="is no model that this run started from"):
        export(tmp_path / "run3", tmp_path / "third", probe_count=1, blend=tmp_path / "other")
    (tmp_path / "other" / "pretraining.json").write_text('{"stages": [', encoding="utf-8")
    with pytest.raises(UserError, match="is no model that this run started from"):
        export(tmp_path / "run3", tmp_path / "third", probe_count=1, blend=tmp_path / "other")
    assert export(tmp_path / "run3", tmp_path / "third", probe_count=1, blend=tmp_path / "second")["blends"][1] == 0.25


def test_a_mean_with_another_model_is_refused(finished: Path, tmp_path: Path) -> None:
    export(finished, tmp_path / "first", probe_count=1)
    with pytest.raises(UserError, match="is no model that this run started from"):
        export(finished, tmp_path / "second", probe_count=1, blend=tmp_path / "first")
    assert not (tmp_path / "second").exists()
