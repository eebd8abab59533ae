"""`callsmith train`: `accelerate launch training/sft.py` with fewer words.

Comes in: a model, a dataset and an output folder by name, and any option of the script. Goes out: what the script
makes, and its exit code. Knows nothing of how training is done; imports nothing heavy.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
import yaml

from agent.errors import UserError

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "sft.py"
RECIPES = HERE / "recipes"
# At the top of the project; an installed package has it beside this file.
ACCELERATE = next(
    (f / "accelerate_config.yaml" for f in (HERE.parent, HERE) if (f / "accelerate_config.yaml").is_file()), HERE
)


# The script tells what failed; the Hub's client need not count its tries, nor TRL report to anybody that this was run.
QUIET = {"HF_HUB_VERBOSITY": "error", "HF_HUB_DISABLE_TELEMETRY": "1"}


def train(
    context: typer.Context,
    model: Annotated[str | None, typer.Option(help="The base: `embedded`, a Hub id or a folder.")] = None,
    dataset: Annotated[str | None, typer.Option(help="A folder, a Hub id or a .jsonl file.")] = None,
    output: Annotated[Path | None, typer.Option(help="Where the adapter goes.")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="A YAML file, or the name of one in training/recipes; `embedded` for the embedded base."),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes on this machine, one a GPU.")] = 1,
    accelerate_config: Annotated[Path, typer.Option(help="How `accelerate launch` starts the script.")] = ACCELERATE,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """Train a LoRA adapter on a dataset of conversations, learning only what the assistant must write.

    Every option of TRL's SFTConfig and ModelConfig works too, as `--learning_rate 1e-4 --lora_r 32 --push_to_hub`;
    `python training/sft.py --help` lists them. An interrupted run goes on when the same command is given again.
    """
    if recipe is None and model == "embedded" and "--config" not in context.args:
        recipe = "embedded"
    options = [*(["--config", str(_recipe(recipe))] if recipe else [])]
    options += ["--model_name_or_path", model] if model else []
    options += ["--dataset_name", dataset] if dataset else []
    options += ["--output_dir", str(output)] if output else []
    if not accelerate_config.is_file():
        raise UserError("no such file", where=str(accelerate_config), mend="--accelerate-config FILE")
    try:
        yaml.safe_load(accelerate_config.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read as YAML: {error}", where=str(accelerate_config)) from error
    many = ["--multi_gpu", "--num_processes", str(processes)] if processes > 1 else []
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--quiet", "--config_file", str(accelerate_config)]
    _run([*launch, *many, str(SCRIPT), *options, *context.args], quiet_stdout=as_json)
    if as_json:
        print(json.dumps(_result(_folder([*options, *context.args])), ensure_ascii=False))


train.passes_on = True  # type: ignore[attr-defined]


def _recipe(name: str) -> Path:
    if Path(name).is_file():
        return Path(name)
    if (RECIPES / f"{name}.yaml").is_file():
        return RECIPES / f"{name}.yaml"
    known = ", ".join(sorted(path.stem for path in RECIPES.glob("*.yaml")))
    raise UserError(f"there is no recipe {name!r}", mend=f"a YAML file, or one of {known}")


def _folder(options: list[str]) -> Path:
    """The folder that the script was told to write to: by the last option that names it, else by the recipe."""
    given: dict[str, str] = {}
    for place, option in enumerate(options):
        name, equals, value = option.partition("=")
        if name in ("--output_dir", "--config"):
            given[name] = value if equals else "".join(options[place + 1 : place + 2])
    if "--output_dir" in given:
        return Path(given["--output_dir"])
    recipe = yaml.safe_load(Path(given["--config"]).read_text("utf-8")) if "--config" in given else {}
    return Path(recipe.get("output_dir") or "runs/adapter")


def _run(command: list[str], *, quiet_stdout: bool) -> None:
    """Run the launcher; where the script told of a failure, leave with its one line and its exit code.

    What the launcher adds to standard error after that (it ends its other children, and prints tracebacks of its own)
    is not shown.
    """
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "failure.json"
        columns = str(shutil.get_terminal_size((100, 24)).columns)
        environment = {"COLUMNS": columns, **QUIET}
        child = subprocess.Popen(
            command,
            env={**environment, **os.environ, "CALLSMITH_FAILURE": str(note)},
            stdout=sys.stderr if quiet_stdout else None,
            stderr=subprocess.PIPE,
        )
        assert child.stderr is not None
        spoke = threading.Event()
        copying = threading.Thread(target=_copy_until, args=(child.stderr, note, spoke), daemon=True)
        copying.start()
        code = _wait(child)
        copying.join(timeout=5)
        if note.exists():
            told = json.loads(note.read_text("utf-8"))
            sys.stderr.write(f"\n{told['line']}")
            raise typer.Exit(told["code"])
    if code in (130, -signal.SIGINT):
        raise typer.Exit(130)
    if code and spoke.is_set():
        raise typer.Exit(code if code > 0 else 1)
    if code:  # killed, most likely
        mend = "where memory ran out: a smaller --per_device_train_batch_size with --start_over; else the same again"
        raise UserError("training ended without a word", mend=mend)


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for the launcher; on Ctrl-C, which it gets too, until it has ended by itself."""
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def _copy_until(source: BinaryIO, note: Path, spoke: threading.Event) -> None:
    """Copy the script's messages as they come (progress bars end no line) until the note is there; set `spoke` where a
    traceback tells what went wrong.
    """
    while piece := os.read(source.fileno(), 65536):
        if b"Traceback" in piece:
            spoke.set()
        if not note.exists():
            sys.stderr.buffer.write(piece)
            sys.stderr.flush()


def _result(output: Path) -> dict[str, Any]:
    log = json.loads((output / "training_log.json").read_text("utf-8"))
    keys = ("base_model", "steps", "epochs", "loss", "eval_loss", "trained_tokens", "rows", "dropped", "seconds")
    return {"adapter": str(output), **{key: log[key] for key in keys}}
