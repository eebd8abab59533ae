"""`callsmith demo`: the whole way on the embedded defaults, as the very commands that a person would type.

Comes in: nothing but a folder to work in. Goes out: a dataset, an adapter, a comparison and the Space. Each step is a
`callsmith` command in a process of its own; a step whose settings and result are unchanged since the last run is
not done again. Knows nothing of how a step works.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from agent.errors import UserError
from agent.listening import check_address
from agent.models.names import gguf_file, is_endpoint, weights_hash

BATCH = 8  # rows a step, over all processes
EPOCHS = 0.5  # of the embedded base's adapter: how a call is written is soon learned, and the minutes go into the base
ROOM_TO_THINK = 1024  # tokens of a reply: other bases may think first, and what is cut counts as wrong
HELD_OUT = 150  # rows compared: intervals of about 8 points, in some two minutes on two cores


@dataclass(frozen=True)
class Step:
    """One command of the way. `result` is the file that only a finished step leaves behind; `base` tells the weights
    that it stands on, where they are here; `anew` are options that throw away what other settings have left there.
    """

    title: str
    arguments: list[str]
    result: Path
    base: str | None = None
    anew: tuple[str, ...] = ()


def way(model: str, folder: Path, rows: int, seed: int, template: str | None = None) -> list[Step]:
    """The steps from tools to comparison, in order; the adapter is trained with `template` where one is named."""
    dataset, adapter, comparison = folder / "dataset", folder / "adapter", folder / "comparison.json"
    build = ["--tools", "embedded", "--teacher", "embedded", "--rows", str(rows), "--languages", "zh,en"]
    train = ["--model", model, "--dataset", str(dataset), "--output", str(adapter), "--seed", str(seed)]
    base = weights_hash(model)
    if model == "embedded":
        train += ["--num_train_epochs", str(EPOCHS)]
    if template:
        train += ["--chat_template_path", template]
    processes = _processes()
    train += ["--processes", str(processes), "--per_device_train_batch_size", str(BATCH // processes)]
    evaluate = ["--model", model, "--adapter", str(adapter), "--dataset", str(dataset), "--limit", str(HELD_OUT)]
    evaluate += ["--output", str(comparison), "--save", str(folder / "replies.jsonl"), "--processes", str(processes)]
    if model != "embedded":
        evaluate += ["--max-new-tokens", str(ROOM_TO_THINK)]
    return [
        Step(
            "Build a dataset: questions, checks, tools really executed",
            ["build", *build, "--seed", str(seed), "--output", str(dataset), "--overwrite"],
            dataset / "README.md",
        ),
        Step(
            "Train a LoRA adapter on the assistant's tokens only",
            ["train", *train],
            adapter / "README.md",
            base,
            ("--start_over",),
        ),
        Step("Compare base and adapter on tools never seen in training", ["evaluate", *evaluate], comparison, base),
    ]


def _processes() -> int:
    """Two on a CPU that has the cores, since models as small as the embedded one gain nothing from more threads.

    One where there may be an accelerator. Apple's is one that `accelerate` cannot share: each of two processes would
    believe that it is the only one.
    """
    accelerated = sys.platform == "darwin" or any(map(shutil.which, ("nvidia-smi", "rocm-smi")))
    return 1 if accelerated else min(2, os.cpu_count() or 1)


def demo(
    model: Annotated[str, typer.Option(help="The base: `embedded`, a Hub id or a folder.")] = "embedded",
    folder: Annotated[Path, typer.Option(help="Where dataset, adapter and comparison go.")] = Path("runs/demo"),
    rows: Annotated[int, typer.Option(min=50, help="How many conversations to build.")] = 4000,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Makes the run repeatable.")] = 0,
    chat_template: Annotated[
        str | None,
        typer.Option(help="Another chat template: a Jinja file, a model, or `embedded` for one in ChatML's marks."),
    ] = None,
    serve: Annotated[bool, typer.Option(help="Open the Space at the end.")] = True,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The Space's port on 127.0.0.1.")] = 7860,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """The whole way, once: build a dataset, train an adapter, compare it with its base, open the Space."""
    started = time.monotonic()
    _check_model(model)
    if serve:
        check_address("127.0.0.1", port)
    done = _Done(folder)
    steps = way(model, folder, rows, seed, chat_template)
    fresh, mark = False, ""
    for number, step in enumerate(steps, start=1):
        mark = _fingerprint(step, mark)
        if done.knows(step, mark):
            _say(f"[{number}/{len(steps)}] {step.title}: already there ({step.result})")
            continue
        fresh = True
        goes_on, left = done.begin(mark), step.result.parent.exists()
        arguments = [*step.arguments, *(step.anew if left and not goes_on else ())]
        _say(f"[{number}/{len(steps)}] {step.title}\n      callsmith {' '.join(arguments)}")
        _run(arguments, quiet_stdout=as_json)
        done.add(step, mark)
    comparison = steps[-1].result
    seconds = time.monotonic() - started
    if as_json:
        document = {
            "folder": str(folder),
            "seconds": round(seconds, 1),
            "comparison": json.loads(comparison.read_text()),
        }
        print(json.dumps(document, ensure_ascii=False))
    elif not fresh:
        _run(["evaluate", "--show", str(comparison)], quiet_stdout=False)
    _say(f"Done in {seconds / 60:.1f} minutes. Everything is in {folder}/")
    if serve:
        _say(f"Opening the Space on http://127.0.0.1:{port} (Ctrl-C ends it)")
        _run(
            ["serve", "--model", model, "--adapter", str(folder / "adapter"), "--port", str(port)], quiet_stdout=as_json
        )


def _check_model(model: str) -> None:
    """Raises UserError where it cannot be trained, before a dataset has been built for it."""
    if is_endpoint(model) or gguf_file(model):
        mend = "name `embedded`, a Hub id or a folder of safetensors weights"
        raise UserError(f"{model} can be talked to, but not trained", mend=mend)
    if model != "embedded":
        from agent.models.loading import find  # brings transformers: only where it is asked for

        find(model, "config.json", "model")


class _Done:
    """Which steps are done, and which one was begun: `steps.json` in the demo's folder, by fingerprints."""

    def __init__(self, folder: Path):
        self._file = folder / "steps.json"
        self._seen: dict[str, str] = {}
        if self._file.exists():
            try:
                self._seen = json.loads(self._file.read_text())
            except ValueError as error:
                mend = "delete it to do every step again"
                raise UserError(f"is no JSON: {error}", where=str(self._file), mend=mend) from error

    def knows(self, step: Step, mark: str) -> bool:
        return step.result.exists() and self._seen.get(step.arguments[0]) == mark

    def begin(self, mark: str) -> bool:
        """Whether this very step was begun before, so that it goes on; from now on it is the one that was."""
        before = self._seen.get(_BEGUN)
        self._seen[_BEGUN] = mark
        self._write()
        return before == mark

    def add(self, step: Step, mark: str) -> None:
        self._seen[step.arguments[0]] = mark
        self._write()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_suffix(".tmp")
        part.write_text(json.dumps(self._seen, indent=1))
        os.replace(part, self._file)


_BEGUN = "begun"


def _fingerprint(step: Step, before: str) -> str:
    """Of a step and, since it stands on them, of all before it."""
    return hashlib.sha256(json.dumps([step.arguments, step.base, before]).encode()).hexdigest()[:16]


def _run(arguments: list[str], *, quiet_stdout: bool) -> None:
    """Run one command; its own message has been printed where it fails, so only its exit code goes on."""
    command = [sys.executable, "-m", "agent.cli", *arguments]
    code = subprocess.run(command, check=False, stdout=sys.stderr if quiet_stdout else None).returncode
    if code < 0 and -code != signal.SIGINT:
        what = f"`callsmith {arguments[0]}` was killed by {signal.Signals(-code).name}"
        raise UserError(what, mend="memory may have run out; the same command goes on where it stood")
    if code:
        raise typer.Exit(code if code > 0 else 130)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
