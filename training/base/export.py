"""Make the model folder of a pretraining run: `python -m training.base.export runs/base agent/embedded`.

Comes in: a run's `checkpoint.pt`, `log.jsonl` and `sessions.json`, finished or not, and the record of the model that
the run started from, if it did. Goes out: a folder that `AutoModelForCausalLM` and `AutoTokenizer` load, with
`pretraining.json` (the run in numbers) and a model card made of it alone. Replaces the folder's own files only when
all of them are written.
"""

import argparse
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, StrictUndefined
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3ForCausalLM

from agent.errors import UserError, exit_codes
from training.base.corpus.mixture import TASKS
from training.base.model import base_config, exported, grow, random_model
from training.base.pretrain import EARLIER, RECORD, Plan
from training.base.probes import probe
from training.base.tokenizer import corpus_tokenizer

CARD_TEMPLATE = Path(__file__).with_name("card.md.jinja")
SHARD_SIZE = "15MB"
STORED = torch.bfloat16
LOSS_POINTS = 12


def export(
    run: Path, folder: Path, probe_count: int = 100, *, blend: Path | None = None, share: float = 0.5
) -> dict[str, Any]:
    """Write the model of `run` to `folder`; the record that was written.

    Args:
        run: Folder of a pretraining run.
        folder: Where the model goes.
        probe_count: Documents per probed task.
        blend: The model that the run started from, or one before it, to average its weights with the run's: the mean
            of two ends is often better than either (Wortsman et al., "Model soups", 2022).
        share: The part of `blend` in that mean, 0 to 1.

    Raises:
        UserError: `run` holds no checkpoint, or `blend` a model that did not lead to it, or one of another shape.
    """
    if not (run / "checkpoint.pt").exists():
        raise UserError("no checkpoint.pt there", where=str(run), mend="run training.base.pretrain with that --output")
    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    tokenizer = corpus_tokenizer()
    model = trained_model(state, tokenizer)
    earlier = json.loads((run / EARLIER).read_text(encoding="utf-8")) if (run / EARLIER).exists() else None
    part = {"blends": 0.0, "blended_with": 0}
    if blend is not None:
        part = {"blends": share, "blended_with": _stage_of(blend, earlier)}
        average(model, blend, share, state["plan"]["seed"])
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    sessions = json.loads((run / "sessions.json").read_text(encoding="utf-8"))
    probes = probe(model, tokenizer, state["plan"]["seed"], count=probe_count)
    record = make_record(state, model, entries, sessions, probes, part)
    if earlier:
        record = after(earlier, record)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        fresh = Path(name)
        model.save_pretrained(fresh, state_dict=halved(model), max_shard_size=SHARD_SIZE)
        tokenizer.save_pretrained(fresh)
        (fresh / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (fresh / "README.md").write_text(card(record), encoding="utf-8")
        for old in folder.glob("model*"):
            old.unlink()
        for file in fresh.iterdir():
            file.chmod(0o644)
            os.replace(file, folder / file.name)
    return record


def trained_model(state: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """The model of a checkpoint, greedy by default and stopping at the end of a turn."""
    plan = Plan(**state["plan"])
    config = base_config(tokenizer, hidden=plan.hidden, layers=plan.layers, heads=plan.heads, head_dim=plan.head_dim)
    model = Qwen3ForCausalLM(config)
    model.load_state_dict(state["model"])
    stops = [tokenizer.eos_token_id, tokenizer.pad_token_id]
    model.generation_config = GenerationConfig(
        eos_token_id=stops, pad_token_id=tokenizer.pad_token_id, do_sample=False, max_new_tokens=512
    )
    return model.eval()


def halved(model: Qwen3ForCausalLM) -> dict[str, torch.Tensor]:
    """The weights in bf16, half the bytes; the config asks for fp32, in which they are loaded and computed."""
    return {name: weight.to(STORED) for name, weight in model.state_dict().items() if name != "lm_head.weight"}  # tied


def _stage_of(blend: Path, earlier: dict[str, Any] | None) -> int:
    """Which stage of those before the run made `blend`, counted from 1.

    Only of a model that led to the run can its card tell how to make the mean again.
    """
    try:
        record = json.loads((blend / RECORD).read_text(encoding="utf-8"))
        led_here = earlier is not None and _led_to(record, earlier)
    except (OSError, ValueError, KeyError):  # no model there, or a record that export did not write
        led_here = False
    if not led_here:
        raise UserError(
            "is no model that this run started from", where=str(blend), mend="give the folder of --start-from"
        )
    return len(record["stages"])


def _led_to(first: dict[str, Any], last: dict[str, Any]) -> bool:
    """Whether all that `first` tells of its stages is how `last` begins: the same runs, and the same means of them."""
    pairs = [(first["losses"], last["losses"])]
    pairs += zip(_by_stage(first).values(), _by_stage(last).values(), strict=True)
    return all(later[: len(told)] == told for told, later in pairs)


@torch.no_grad()
def average(model: Qwen3ForCausalLM, folder: Path, share: float, seed: int) -> None:
    """Move `model`'s weights towards those of the model in `folder`: `share` of the way.

    A smaller model is grown first, as a run of this `seed` begins with it.

    Raises:
        UserError: there is no model of this shape, or of one that could be grown to it.
    """
    with exported(folder) as other:
        start = random_model(model.config, seed)
        grow(other, start)
        weights = start.state_dict()
        for name, weight in model.named_parameters():  # tied ones once
            weight.lerp_(weights[name], share)


def make_record(
    state: dict[str, Any],
    model: Qwen3ForCausalLM,
    entries: list[dict[str, Any]],
    sessions: list[dict[str, Any]],
    probes: dict[str, float],
    part: dict[str, float],
) -> dict[str, Any]:
    """Every number of the card; `part` tells how much of an earlier stage's model is in the weights, and of which."""
    plan, config = Plan(**state["plan"]), model.config
    steps, tokens, learned_tokens, seconds = state["counts"]
    curve = [entry for entry in entries if "loss" in entry and entry["step"] <= steps]
    chosen = (
        sorted({round(index * (len(curve) - 1) / (LOSS_POINTS - 1)) for index in range(LOSS_POINTS)}) if curve else []
    )
    last = sessions[-1]
    return {
        "architecture": type(model).__name__,
        "parameters": sum(p.numel() for p in model.parameters()),
        "layers": config.num_hidden_layers,
        "hidden": config.hidden_size,
        "heads": config.num_attention_heads,
        "head_dim": config.head_dim,
        "vocabulary": config.vocab_size,
        "positions": config.max_position_embeddings,
        "longest_row": plan.long_length,
        "dtype": str(STORED).removeprefix("torch."),
        "seeds": [plan.seed],
        "muon_rate": plan.muon_rate,
        "adamw_rate": plan.adamw_rate,
        "tokens": tokens,
        "learned_tokens": learned_tokens,
        "steps": steps,
        "minutes": round(seconds / 60, 1),
        "tokens_per_second": round(tokens / seconds) if seconds else 0,
        "hardware": last["hardware"],
        "precision": last["precision"],
        "versions": last["versions"],
        "stages": [options(plan, last["budget"]) + _stopped(last["budget"], tokens, seconds / 60)],
        "processes": [last.get("processes", 1)],
        "rows": [last.get("rows")],
        **{name: [value] for name, value in part.items()},
        "sessions": [{"corpus": one["corpus"], "from_tokens": one["from_tokens"]} for one in sessions],
        "tasks": [task.__name__ for task, _, _ in TASKS],
        "losses": [{"tokens": curve[index]["tokens"], "loss": curve[index]["loss"]} for index in chosen],
        "probes": {name: round(share, 4) for name, share in probes.items()},
    }


def options(plan: Plan, budget: dict[str, Any]) -> str:
    """The flags of `training.base.pretrain` that give this plan and budget."""
    changed = {name: value for name, value in asdict(plan).items() if name != "seed" and value != getattr(Plan(), name)}
    given = {"seed": plan.seed, **{name: value for name, value in budget.items() if value}, **changed}
    return " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in given.items())


def _stopped(budget: dict[str, Any], tokens: int, minutes: float) -> str:
    """What is said behind the flags of a run that was exported before the end of its budget."""
    if tokens >= (budget["tokens"] or 0) and minutes >= (budget["minutes"] or 0):
        return ""
    return f"  # stopped after {tokens:,} tokens, {minutes:.1f} minutes"


def after(earlier: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """`record` with what the stages before it counted: sums, and lists one behind the other."""
    counted = {name: earlier[name] + record[name] for name in ("tokens", "learned_tokens", "steps")}
    counted |= {name: told + record[name] for name, told in _by_stage(earlier).items()}
    minutes = round(earlier["minutes"] + record["minutes"], 1)
    read = earlier["tokens"]
    sessions = [{**one, "from_tokens": one["from_tokens"] + read} for one in record["sessions"]]
    losses = [{**one, "tokens": one["tokens"] + read} for one in record["losses"]]
    changed = ("hardware", "precision")  # from one stage to the next
    return {
        **record,
        **counted,
        **{name: _then(earlier[name], record[name]) for name in changed},
        "minutes": minutes,
        "tokens_per_second": round(counted["tokens"] / (60 * minutes)) if minutes else 0,
        "sessions": earlier["sessions"] + sessions,
        "losses": earlier["losses"] + losses,
    }


def _by_stage(record: dict[str, Any]) -> dict[str, list[Any]]:
    """What is told of every stage in turn; records written before some of it was counted leave that out."""
    stages = len(record["stages"])
    left_out = {
        "rows": [None] * stages,
        "processes": [1] * stages,
        "blends": [0] * stages,
        "blended_with": list(range(stages)),
    }
    told = {name: record.get(name, usual) for name, usual in left_out.items()}
    return {"seeds": record["seeds"], "stages": record["stages"], **told}


def _then(earlier: str, last: str) -> str:
    return earlier if earlier.endswith(last) else f"{earlier}, then {last}"


def card(record: dict[str, Any]) -> str:
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(CARD_TEMPLATE.read_text(encoding="utf-8")).render({**record, **_by_stage(record)})


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.base.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a pretraining run")
    parser.add_argument("folder", type=Path, help="model folder to write")
    parser.add_argument("--probe-count", type=int, default=100, help="documents per probed task (default 100)")
    parser.add_argument(
        "--blend", type=Path, help="the model it started from, or one before, to average the weights of both"
    )
    parser.add_argument("--blend-share", type=float, default=0.5, help="its part in that mean (default 0.5)")
    args = parser.parse_args()
    with exit_codes():
        record = export(args.run, args.folder, args.probe_count, blend=args.blend, share=args.blend_share)
    print(json.dumps(record["probes"], indent=1))


if __name__ == "__main__":
    main()
