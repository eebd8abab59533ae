"""One evaluation from names to numbers: load, ask, judge, count, write.

Comes in: what `callsmith evaluate` was given. Goes out: the table or document, and the files asked for.
"""

import json
import sys
import tempfile
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
from agent.json_text import as_json as as_text
from agent.models import Reply, Sampling
from agent.models.names import is_endpoint
from agent.models.templates import logged, template_hash, trained_hash
from training.data import HELD_OUT_MARK, fingerprint, load_rows, splits, tool_names
from training.evaluate.contender import Contender, contenders
from training.evaluate.copies import Copies
from training.evaluate.decisions import Decision, decisions_of
from training.evaluate.judge import judge
from training.evaluate.kept import KeptReplies
from training.evaluate.predict import fitting, write, written
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
    processes: int = 1,
) -> dict[str, Any]:
    """Run it, print it, and write `output` (the document) and `save` (every reply) where they are named.

    Raises:
        UserError: a model, the adapter or the rows are not there or do not fit, a file cannot be written, calls are to
            be constrained where the model does not run here or cannot follow a schema, or more processes are asked
            for than can be had.
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
    about = _about(source, rows, judged, adapter)
    kept = KeptReplies(save)
    with Copies(judged, model, adapter, processes) as copies:
        replies = _ask(copies, decisions, sampling, kept)
    verdicts = {
        name: [judge(decision, written(reply)) for decision, reply in zip(decisions, found, strict=True)]
        for name, found in replies.items()
    }
    cut = {name: sum(reply.finish == "length" for reply in found) for name, found in replies.items()}
    document = {
        "models": {name: contender.name for name, contender in judged.items()},
        **about,
        "warnings": about["warnings"] + _cut_short(cut, len(decisions), sampling),
        "decisions": len(decisions),
        "left_out_too_long": len(asked) - len(decisions),
        "cut_replies": cut,
        "mended_replies": {name: sum(bool(reply.repairs) for reply in found) for name, found in replies.items()},
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
    _print(document, as_json=as_json)  # first: a disk that is full by now takes nothing away from the terminal
    if output is not None:
        write_json(output, document)
    if save is not None:
        write_whole(save, "".join(_saved(decisions, replies, verdicts)))
        kept.done()
    return document


def _check_writable(file: Path) -> None:
    """Said before the models have written for minutes, not after."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise UserError(f"no file can be made there: {error.strerror}", where=str(file)) from error
    if file.is_dir():
        raise UserError("is a folder", where=str(file), mend="name a file in it")


def _cut_short(cut: Mapping[str, int], asked: int, sampling: Sampling) -> list[str]:
    """A reply that was cut counts as wrong: whoever compares should know how many of each model's are."""
    limit = f"after {sampling.max_new_tokens} tokens (--max-new-tokens)"
    return [f"Warning: {count} of {asked} replies of {name} were cut {limit}" for name, count in cut.items() if count]


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


def _ask(copies: Copies, decisions: list[Decision], sampling: Sampling, kept: KeptReplies) -> dict[str, list[Reply]]:
    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {name: progress.add_task(name, total=len(decisions)) for name in copies.judged}
        return write(copies, decisions, sampling, lambda name, more: progress.advance(tasks[name], more), kept)


def _about(source: Source, rows: Dataset, judged: Mapping[str, Contender], adapter: str | None) -> dict[str, Any]:
    """Where everything came from, and what a reader must know before believing the numbers."""
    tools = tool_names(rows)
    seen = None
    if source.split != "train" and "train" in splits(source.dataset, revision=source.revision):
        seen = sorted(tools & tool_names(load_rows(source.dataset, "train", revision=source.revision)))
    tokenizer = getattr(judged["base"].model, "tokenizer", None)
    hashed = template_hash(tokenizer.chat_template) if tokenizer is not None else None
    warnings = []
    # Of these a build holds out questions: that their tools are trained on is what is wanted.
    keys = rows["split_key"] if "split_key" in rows.column_names else ()
    questions = any(str(key).endswith(HELD_OUT_MARK) for key in keys)
    if seen and not questions:
        warnings.append(f"Warning: {len(seen)} of the {len(tools)} tools were seen in training: {', '.join(seen[:5])}")
    trained_with = trained_hash(adapter) if adapter else None
    if trained_with and trained_with != hashed:
        warnings.append("Warning: the adapter was trained with another chat template than this base has")
    own = getattr(judged["base"].model, "base_template", None)
    if adapter and tokenizer is not None and own != tokenizer.chat_template:
        warnings.append("Warning: the base is asked with the chat template of its adapter, which is not its own")
    weights = judged["base"].weights
    trained_on = logged(adapter, "base_weights") if adapter else None
    if trained_on and trained_on != weights:
        warnings.append("Warning: the adapter was trained on a base with other weights than this one")
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
        "base_weights": weights,
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
        lines.append(as_text(line) + "\n")
    return lines


def _print(document: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(as_text(document))
        return
    console = Console()
    show(document, console if console.is_terminal else Console(width=WIDTH, file=sys.stdout))
