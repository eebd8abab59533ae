"""One evaluation from names to numbers: load, ask, judge, count, write.

Comes in: what `callsmith evaluate` was given. Goes out: the table or document, and the files asked for.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from datasets import Dataset
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.errors import UserError
from agent.models import Reply, Sampling
from agent.models.names import is_endpoint
from agent.models.templates import template_hash, trained_hash
from training.data import fingerprint, load_rows, splits, tool_names
from training.evaluate.decisions import Decision, decisions_of
from training.evaluate.judge import judge
from training.evaluate.predict import Contender, contenders, fitting, write, written
from training.evaluate.report import numbers, show
from training.run import write_json, write_whole

PACKAGES = ("callsmith", "torch", "transformers", "peft", "datasets")
WIDTH = 100


@dataclass(frozen=True)
class Source:
    """Which rows are asked about."""

    dataset: str
    split: str
    revision: str | None
    limit: int | None
    seed: int

    def rows(self) -> Dataset:
        rows = load_rows(self.dataset, self.split, revision=self.revision)
        if self.limit is not None and self.limit < len(rows):
            rows = rows.shuffle(seed=self.seed).select(range(self.limit))
        return rows


def evaluate(
    model: str,
    adapter: str | None,
    source: Source,
    *,
    sampling: Sampling,
    output: Path | None,
    save: Path | None,
    as_json: bool,
) -> dict[str, Any]:
    """Run it, print it, and write `output` (the document) and `save` (every reply) where they are named.

    Raises:
        UserError: a model, the adapter or the rows are not there or do not fit, a file cannot be written, or calls are
            to be constrained where the model does not run here or cannot follow a schema.
    """
    started = time.monotonic()
    for file in (output, save):
        if file is not None:
            _check_writable(file)
    if sampling.constrained and is_endpoint(model):
        raise UserError("an endpoint's calls cannot be held to schemas from here", mend="leave out --constrained")
    rows = source.rows()
    judged = contenders(model, adapter)
    asked = decisions_of(rows)
    decisions = fitting(judged["base"].model, asked, sampling)
    if not decisions:
        raise UserError("holds no turn whose right reply is known", where=f"{source.dataset} ({source.split})")
    replies = _ask(judged, decisions, sampling)
    verdicts = {
        name: [judge(decision, written(reply)) for decision, reply in zip(decisions, found, strict=True)]
        for name, found in replies.items()
    }
    document = {
        "models": {name: contender.name for name, contender in judged.items()},
        **_about(source, rows, judged, adapter),
        "decisions": len(decisions),
        "left_out_too_long": len(asked) - len(decisions),
        **numbers(decisions, verdicts),
        "sampling": {
            "temperature": sampling.temperature,
            "max_new_tokens": sampling.max_new_tokens,
            "constrained": sampling.constrained,
            "call_threshold": None if is_endpoint(model) else sampling.call_threshold,
        },
        "seed": source.seed,
        "versions": {name: version(name) for name in PACKAGES},
        "seconds": round(time.monotonic() - started, 1),
    }
    if save is not None:
        write_whole(save, "".join(_saved(decisions, replies, verdicts)))
    if output is not None:
        write_json(output, document)
    _print(document, as_json=as_json)
    return document


def _check_writable(file: Path) -> None:
    """Said before the models have written for minutes, not after."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"no folder can be made for it: {error.strerror}", where=str(file)) from error
    if file.is_dir():
        raise UserError("is a folder", where=str(file), mend="name a file in it")


def show_file(file: Path, *, as_json: bool) -> None:
    """Print a document that an earlier evaluation wrote."""
    try:
        document = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise UserError("no such file", where=str(file)) from error
    except (ValueError, IsADirectoryError) as error:
        raise UserError(f"is no evaluation: {error}", where=str(file)) from error
    if not isinstance(document, dict) or not {"models", "measures", "dataset"} <= set(document):
        raise UserError("is no evaluation", where=str(file), mend="`callsmith evaluate --output FILE` writes one")
    _print(document, as_json=as_json)


def _ask(judged: Mapping[str, Contender], decisions: list[Decision], sampling: Sampling) -> dict[str, list[Reply]]:
    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {name: progress.add_task(name, total=len(decisions)) for name in judged}
        return {
            name: write(contender, decisions, sampling, lambda more, name=name: progress.advance(tasks[name], more))  # type: ignore[misc]
            for name, contender in judged.items()
        }


def _about(
    source: Source, rows: Dataset, judged: Mapping[str, Contender], adapter: str | None
) -> dict[str, dict[str, Any] | list[str] | str | None]:
    """Where everything came from, and what a reader must know before believing the numbers."""
    tools = tool_names(rows)
    seen = None
    if source.split != "train" and "train" in splits(source.dataset, revision=source.revision):
        seen = sorted(tools & tool_names(load_rows(source.dataset, "train", revision=source.revision)))
    tokenizer = getattr(judged["base"].model, "tokenizer", None)
    hashed = template_hash(tokenizer.chat_template) if tokenizer is not None else None
    warnings = []
    if seen:
        warnings.append(f"Warning: {len(seen)} of the {len(tools)} tools were seen in training: {', '.join(seen[:5])}")
    trained_with = trained_hash(adapter) if adapter else None
    if trained_with and trained_with != hashed:
        warnings.append("Warning: the adapter was trained with another chat template than this base has")
    return {
        "dataset": {
            "name": source.dataset,
            "split": source.split,
            "revision": source.revision,
            "fingerprint": fingerprint(rows),
            "rows": len(rows),
            "tools": len(tools),
            "tools_seen_in_training": seen,
        },
        "template_hash": hashed,
        "adapter_template_hash": trained_with,
        "warnings": warnings,
    }


def _saved(
    decisions: Sequence[Decision], replies: Mapping[str, list[Reply]], verdicts: Mapping[str, list[dict[str, bool]]]
) -> list[str]:
    lines = []
    for index, decision in enumerate(decisions):
        line: dict[str, Any] = {
            "row": decision.row,
            "turn": decision.turn,
            "kind": decision.kind,
            "scenario": decision.scenario,
            "lang": decision.lang,
            "prompt": decision.prompt,
            "gold": decision.gold,
        }
        for name, found in replies.items():
            reply = found[index]
            line[name] = {
                "raw": reply.raw,
                "message": reply.message,
                "finish": reply.finish,
                "repairs": reply.repairs,
                "problems": reply.problems,
                "verdict": verdicts[name][index],
            }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return lines


def _print(document: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
        return
    console = Console()
    show(document, console if console.is_terminal else Console(width=WIDTH, file=sys.stdout))
