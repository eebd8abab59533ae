"""The output folder of a training run: what was asked of it, how far it got, and whether it is finished.

Comes in: a folder and the run's settings. Goes out: begin anew, go on from a checkpoint, or already done; and files
that are either whole or not there. Knows nothing of models.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.errors import UserError
from agent.json_text import as_json

SETTINGS = "_run.json"  # written first: what this folder is for; not pushed, since it tells of folders here
_BEFORE = "run.json"  # what it was called
LOG = "training_log.json"  # written when training has ended
CARD = "README.md"  # written last: the sign of a finished run
SCRATCH = "_sequences"  # names with a leading underscore are not pushed to the Hub

# What a run writes besides. A tokenizer has some of these names, which depends on its kind.
_CONFIG = "adapter_config.json"
_DROPPED = ("dropped.jsonl", "dropped_eval.jsonl")
_TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "additional_chat_templates"),
    *("special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "tokenizer.model"),
    *("spiece.model", "sentencepiece.bpe.model"),
)
_ADAPTER = ("adapter_model.safetensors", _CONFIG)
_MODEL = (
    *("config.json", "generation_config.json", "model.safetensors", "model.safetensors.index.json"),
    "model-*-of-*.safetensors",
)
_PASSING = (SCRATCH, "_saving", "training_args.bin", *(f"{name}.tmp" for name in (CARD, LOG, SETTINGS, *_DROPPED)))


class RunFolder:
    """One run's folder.

    Args:
        folder: Where the adapter goes.
        settings: Everything that shapes the result, as JSON; the same settings mean the same run.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]):
        self.folder = folder
        self.settings = json.loads(json.dumps(settings, default=str))

    def open(self, *, start_over: bool = False) -> None:
        """Make the folder this run's own; with `start_over`, throw away the run that it holds.

        Raises:
            UserError: The folder cannot be written, holds something else, or holds a run with other settings.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if start_over and (self._file is not None or self._is_left_over):
                self._clear()
            else:
                self._go_on()
            write_json(self.folder / SETTINGS, self.settings)
            (self.folder / _BEFORE).unlink(missing_ok=True)
        except (NotADirectoryError, FileExistsError) as error:
            raise UserError("cannot be a folder: a file is in the way", where=str(self.folder)) from error
        except PermissionError as error:
            raise UserError("cannot be written: not allowed", where=str(self.folder)) from error

    def _go_on(self) -> None:
        """Check that the folder is empty or holds this run."""
        held = self._held()
        if held is None and any(self.folder.iterdir()):
            mend = "--start_over" if self._is_left_over else "name an empty folder or one that does not exist"
            raise UserError("is not empty and holds no training run", where=str(self.folder), mend=mend)
        if held is not None and self._begun:
            self._check_same(held)
        elif held is not None:  # it was refused before its first step, and what it was told has been mended
            shutil.rmtree(self.scratch, ignore_errors=True)

    @property
    def _file(self) -> Path | None:
        """The file that tells which run the folder holds; a `run.json` may be another program's."""
        file, before = self.folder / SETTINGS, self.folder / _BEFORE
        if file.exists():
            return file
        return before if before.is_file() and '"base_model"' in before.read_text("utf-8", "replace") else None

    @property
    def _is_left_over(self) -> bool:
        """Whether all that is here is what starting over once left of a run: neither weights nor settings."""
        names = {path.name for path in self.folder.iterdir()}
        return _CONFIG in names and names <= {_CONFIG, *_DROPPED, *_TOKENIZER}

    @property
    def _begun(self) -> bool:
        """Whether anything was learned here."""
        return any(any(self.folder.glob(name)) for name in ("checkpoint-*", "*.safetensors", LOG))

    @property
    def finished(self) -> bool:
        """Whether this very run has ended and all of it is written."""
        return (self.folder / CARD).is_file() and (self.folder / LOG).is_file()

    @property
    def scratch(self) -> Path:
        return self.folder / SCRATCH

    def last_checkpoint(self) -> str | None:
        """The newest checkpoint that was written to its end; one that was cut short is passed over."""
        for path in reversed(self._checkpoints()):
            try:  # the trainer writes this file after weights, optimizer and random state
                json.loads((path / "trainer_state.json").read_text("utf-8"))
            except (OSError, ValueError):
                continue
            return str(path)
        return None

    def _held(self) -> dict[str, Any] | None:
        file = self._file
        if file is None:
            return None
        try:
            return json.loads(file.read_text("utf-8"))
        except ValueError as error:
            raise UserError(f"is no JSON: {error}", where=str(file), mend="--start_over") from error

    def _check_same(self, held: Mapping[str, Any]) -> None:
        theirs, ours = _flat(held), _flat(self.settings)
        for key in sorted({*theirs, *ours}):
            before, now = theirs.get(key), ours.get(key)
            if before != now:
                what = f"holds a run with another {key.split('.')[-1]} ({before!r} there, {now!r} here)"
                mend = "another --output, the same settings to go on, or --start_over to begin anew"
                raise UserError(what, where=str(self.folder), mend=mend)

    def _checkpoints(self) -> list[Path]:
        """The trainer's checkpoints, oldest first."""
        steps = {path: path.name.removeprefix("checkpoint-") for path in self.folder.glob("checkpoint-*")}
        return sorted((path for path, step in steps.items() if step.isdigit()), key=lambda path: int(steps[path]))

    def _clear(self) -> None:
        """Delete what the run wrote, and nothing else that has come to lie here.

        The card goes first: without it the run is not finished. The settings stay until new ones take their place, and
        the adapter's configuration, which tells what is left over, goes late: this may be cut short at any file.
        """
        weights = _ADAPTER if self._had_adapter else _MODEL
        for name in (CARD, LOG, *_DROPPED, *_TOKENIZER, *_PASSING, *weights):
            for path in self.folder.glob(name):
                _delete(path)
        for path in self._checkpoints():
            _delete(path)

    @property
    def _had_adapter(self) -> bool:
        """Whether the run made an adapter and no whole model; so it is where settings that are broken do not tell."""
        try:
            return (self._held() or {}).get("lora", True) is not None
        except UserError:
            return True


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`{"dataset": {"name": 1}}` as `{"dataset.name": 1}`."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": one for inner, one in _flat(value).items()}
        else:
            flat[key] = value
    return flat


def write_json(file: Path, value: Any) -> None:
    write_whole(file, as_json(value, indent=1, default=str) + "\n")


def write_whole(file: Path, text: str) -> None:
    """Write under a temporary name in the same folder, then rename: a reader sees all of it or none."""
    part = file.with_name(f"{file.name}.tmp")
    try:
        part.write_text(text, "utf-8")
        os.replace(part, file)
    except OSError as error:
        part.unlink(missing_ok=True)  # half a file, as on a full disk
        error.filename = error.filename or str(file)  # a write that fails does not know its file
        raise
