"""Speed of masks, sequences and packing, each side by side with its alternative in one run, as ratios.

    OMP_NUM_THREADS=1 python tests/bench/masks.py [--rows 100] [--rounds 5] [--only PART] [--json]

The two sides of each comparison take turns, and medians of processor time are compared, so that a busy machine says the
same as a quiet one. Rows are the imported real ones where ../shared/data is there, else tool conversations made here.
"""

import argparse
import json
import platform
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import trl
from datasets import Dataset, Features, Json, List, disable_caching, disable_progress_bars
from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM
from transformers.utils import logging

from agent.models.names import resolve
from training.collator import AssistantOnlyCollator, attend_one_by_one
from training.masks import Masker, MaskRefused
from training.masks.sequences import IGNORED, MaskedSequence
from training.sequences import make_sequences

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "annotated_react"
TEMPLATES = Path(trl.__file__).parent / "chat_templates"
CONVERSATION = Features({"messages": List(Json()), "tools": List(Json())})
WORDS = "weather,city,tool,please,today,tomorrow,price,train,ticket,result,北京,上海,天气,查询,温度".split(",")  # noqa: SIM905


def compare(one: Callable[[], Any], other: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Median seconds of processor time of each, all threads together, after one round that is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for side, run in zip(times, (one, other), strict=True):
            start = time.process_time()
            run()
            if number:
                side.append(time.process_time() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def tool_rows(count: int, rounds: int, seed: int = 0) -> list[dict[str, Any]]:
    """Tool conversations of `rounds` questions, each a call, its result and an answer, over ten families of tools."""
    rng = random.Random(seed)

    def text(words: int) -> str:
        return " ".join(rng.choices(WORDS, k=words))

    def tool(name: str) -> dict[str, Any]:
        city = {"type": "string", "description": text(6)}
        parameters = {"type": "object", "properties": {"city": city}, "required": ["city"]}
        return {"type": "function", "function": {"name": name, "description": text(12), "parameters": parameters}}

    families = [[tool(f"tool_{family}_{i}") for i in range(4)] for family in range(10)]
    rows = []
    for row in range(count):
        tools = families[row % len(families)]
        messages: list[dict[str, Any]] = [{"role": "system", "content": "You are a helpful assistant."}]
        for turn in range(rounds):
            name, call_id = tools[turn % 4]["function"]["name"], f"{row:05d}{turn:04d}"
            call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": {"city": text(2)}}}
            messages += [
                {"role": "user", "content": text(15)},
                {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "content": text(20), "name": name, "tool_call_id": call_id},
                {"role": "assistant", "content": text(25)},
            ]
        rows.append({"messages": messages, "tools": tools})
    return rows


def real_rows(count: int) -> list[dict[str, Any]]:
    """The imported real conversations; `[]` where the data is not there."""
    if not REAL.is_dir():
        return []
    from dataset_builder.import_react import read_react

    rows = read_react([REAL / "train.jsonl"]).rows
    return [{"messages": row["messages"], "tools": row["tools"]} for row in rows[:count]]


def bench_masks(rows: list[dict[str, Any]], template: str, rounds: int) -> dict[str, Any]:
    """Our masks against `SFTTrainer`'s own preparation with `assistant_only_loss`, one process each."""
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    tokenizer.chat_template = (TEMPLATES / f"{template}.jinja").read_text("utf-8")
    shown = [[{k: v for k, v in m.items() if k not in ("train", "weight")} for m in row["messages"]] for row in rows]
    data = {"messages": shown, "tools": [row["tools"] for row in rows]}
    dataset = Dataset.from_dict(data, features=CONVERSATION)
    arguments = trl.SFTConfig(
        output_dir=tempfile.gettempdir(),
        assistant_only_loss=True,
        max_length=None,
        report_to=[],
        use_cpu=True,
        bf16=False,
    )
    trainer = trl.SFTTrainer(
        model=small_model(len(tokenizer)), args=arguments, train_dataset=dataset, processing_class=tokenizer
    )

    def theirs() -> None:
        trainer._prepare_dataset(dataset, tokenizer, arguments, False, None, "train")

    def ours() -> None:
        make_sequences(dataset, Masker(tokenizer), max_length=None)

    our_time, their_time = compare(ours, theirs, rounds)
    return {
        "template": template,
        "rows": len(rows),
        "ours_rows_per_cpu_second": round(len(rows) / our_time, 1),
        "trl_rows_per_cpu_second": round(len(rows) / their_time, 1),
        "ratio": round(their_time / our_time, 2),
    }


def small_model(words: int) -> Qwen3ForCausalLM:
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=words,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
    )
    return Qwen3ForCausalLM(config)


def step(model: Qwen3ForCausalLM, collator: AssistantOnlyCollator, batches: list[list[MaskedSequence]]) -> None:
    """Loss and gradient of every batch."""
    for batch in batches:
        rows = [{"input_ids": s.input_ids, "labels": s.labels} for s in batch]
        model(**collator(rows), use_cache=False).loss.backward()
        model.zero_grad(set_to_none=True)


def in_batches(sequences: list[MaskedSequence], size: int) -> list[list[MaskedSequence]]:
    return [sequences[start : start + size] for start in range(0, len(sequences), size)]


def bench_one_pass(rounds: int, count: int = 4) -> dict[str, Any]:
    """One pass over conversations of five questions against a sample for each reply."""
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    masker = Masker(tokenizer)
    whole: list[MaskedSequence] = []
    single: list[MaskedSequence] = []
    for row in tool_rows(count, 5):
        for sequence in masker(row["messages"], row["tools"]):
            whole.append(sequence)
            for message in sorted({s.message for s in sequence.segments if s.message is not None}):
                own = [segment for segment in sequence.segments if segment.message == message]
                start, end = own[0].start, own[-1].end
                labels = [IGNORED] * start + sequence.labels[start:end]
                single.append(MaskedSequence(sequence.input_ids[:end], labels, sequence.weights[:end]))
    model, collator = small_model(len(tokenizer)), AssistantOnlyCollator(tokenizer, max_length=None)
    trained = sum(sequence.trained for sequence in whole)
    together, apart = compare(
        lambda: step(model, collator, in_batches(whole, 4)),
        lambda: step(model, collator, in_batches(single, 4)),
        rounds,
    )
    return {
        "replies": len(single),
        "sequences": len(whole),
        "one_pass_trained_tokens_per_cpu_second": round(trained / together),
        "separate_trained_tokens_per_cpu_second": round(trained / apart),
        "ratio": round(apart / together, 2),
    }


def bench_packing(rows: list[dict[str, Any]], rounds: int, batch: int = 8) -> dict[str, Any]:
    """Packed against padded batches of the same rows in the same order, shuffled as a trainer shuffles them."""
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    answers = Masker(tokenizer).many((row["messages"], row["tools"]) for row in rows)
    sequences = [sequence for answer in answers if not isinstance(answer, MaskRefused) for sequence in answer]
    random.Random(0).shuffle(sequences)
    model = small_model(len(tokenizer))
    attend_one_by_one(model)
    trained = sum(sequence.trained for sequence in sequences)
    packed, padded = compare(
        lambda: step(
            model, AssistantOnlyCollator(tokenizer, max_length=None, packing=True), in_batches(sequences, batch)
        ),
        lambda: step(model, AssistantOnlyCollator(tokenizer, max_length=None), in_batches(sequences, batch)),
        rounds,
    )
    lengths = sorted(len(sequence.input_ids) for sequence in sequences)
    return {
        "sequences": len(sequences),
        "tokens_median": lengths[len(lengths) // 2],
        "tokens_longest": lengths[-1],
        "packed_trained_tokens_per_cpu_second": round(trained / packed),
        "padded_trained_tokens_per_cpu_second": round(trained / padded),
        "ratio": round(padded / packed, 2),
    }


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Speed of masks and packing, as ratios.")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="run only those whose name holds this")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    disable_progress_bars()
    disable_caching()
    logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    real = real_rows(options.rows)
    rows = real or tool_rows(options.rows, 2)
    found: dict[str, Any] = {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}",
        "rows": "imported annotated ReAct" if real else "made here",
    }
    made = tool_rows(options.rows, 2)
    benches: dict[str, Callable[[], dict[str, Any]]] = {
        "masks_against_trl": lambda: bench_masks(rows, "qwen2_5_training", options.rounds),
        "masks_against_trl_on_qwen3": lambda: bench_masks(rows, "qwen3_training", options.rounds),
        "masks_against_trl_on_short_rows": lambda: bench_masks(made, "qwen2_5_training", options.rounds),
        "masks_against_trl_on_ten_replies": lambda: bench_masks(
            tool_rows(options.rows, 5), "qwen3_training", options.rounds
        ),
        "masks_against_trl_where_every_prompt_is_rendered": lambda: bench_masks(
            made, "qwen3_5_think_training", options.rounds
        ),
        "one_pass_against_separate": lambda: bench_one_pass(options.rounds),
        "packed_against_padded": lambda: bench_packing(rows[:16], min(options.rounds, 2)),
    }
    for name, bench in benches.items():
        if options.only not in name:
            continue
        found[name] = bench()
        if not options.json:
            print(f"{name}: {found[name]}", flush=True)
    if options.json:
        print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
