"""The command line of training: TRL's own three dataclasses and one small one of ours, with errors as one line.

Comes in: flags, or `--config recipe.yaml`, whose values flags override. Goes out: the four dataclasses, filled in.
Knows nothing of what is done with them.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

import torch
import yaml
from trl import ModelConfig, ScriptArguments, SFTConfig, TrlParser

from agent.errors import UserError
from training.masks.masker import METHODS

# Where a library's default suits full fine-tuning of a large model, or no adapter, ours suits a LoRA adapter.
DEFAULTS = {
    "use_peft": True,
    "lora_target_modules": "all-linear",
    "save_total_limit": 2,
    "hub_strategy": "end",  # a push at each checkpoint would send a pickle of every argument
    "max_length": 4096,
    "output_dir": "runs/adapter",
    "ddp_find_unused_parameters": False,
}


ADAPTER_RATE = 2e-4  # an adapter's; TRL's own default suits full fine-tuning


@dataclass
class RunArguments:
    """What only callsmith knows of a training run."""

    dataset_revision: str | None = field(
        default=None, metadata={"help": "Branch, tag or commit of a dataset on the Hub."}
    )
    adapter_name_or_path: str | None = field(
        default=None, metadata={"help": "Go on training this adapter (a folder or Hub id) instead of a new one."}
    )
    mask_method: str = field(
        default="both",
        metadata={
            "help": "How the learned tokens are found: two independent ways that must agree, or one of them alone.",
            "choices": list(METHODS),
        },
    )
    ignore_findings: bool = field(
        default=False, metadata={"help": "Train also where the template loses content or stop tokens of some rows."}
    )
    start_over: bool = field(
        default=False, metadata={"help": "Begin anew where the output folder holds a run, finished or not."}
    )


Parsed = tuple[ScriptArguments, SFTConfig, ModelConfig, RunArguments]


class _Parser(TrlParser):
    def error(self, message: str) -> NoReturn:
        """One line instead of a usage text of two hundred."""
        raise UserError(message, mend="`python training/sft.py --help` lists every option")


def parse(arguments: Sequence[str]) -> Parsed:
    """Every option of `ScriptArguments`, `SFTConfig`, `ModelConfig` and `RunArguments`.

    Raises:
        UserError: An unknown option (the nearest known one is named), a value that does not fit, or a recipe that is
            missing or no YAML.
    """
    kinds: Any = (ScriptArguments, SFTConfig, ModelConfig, RunArguments)
    parser = _Parser(kinds, allow_abbrev=False)
    parser.set_defaults(**DEFAULTS, **_device_defaults(arguments))
    known = [option for action in parser._actions for option in action.option_strings]
    recipe = _recipe(arguments, {action.dest for action in parser._actions}) if "--config" in arguments else {}
    try:
        parsed = parser.parse_args_and_config(list(arguments), return_remaining_strings=True)
    except (ValueError, TypeError) as error:
        raise UserError(str(error), mend="`python training/sft.py --help` lists every option") from error
    unknown = [text for text in parsed[-1] if text.startswith("-")] or parsed[-1]
    if unknown:
        raise _unknown(unknown[0].split("=")[0], known)
    _check_ours(parsed[0], parsed[1])
    if parsed[2].use_peft and not _is_given("learning_rate", arguments, recipe):
        parsed[1].learning_rate = ADAPTER_RATE
    for name in ("seed", "data_seed"):
        value = getattr(parsed[1], name)
        if value is not None and not 0 <= value < 2**32:  # what NumPy takes
            raise UserError(f"--{name} must be from 0 to {2**32 - 1}, got {value}")
    return parsed[0], parsed[1], parsed[2], parsed[3]


# Options that would be without effect, since masks, batches and packing are made here: nobody should believe in them.
MADE_HERE = (
    *("shuffle_dataset", "packing_strategy", "eval_packing", "padding_free", "pad_token", "pad_to_multiple_of"),
    *("completion_only_loss", "truncation_mode", "dataset_streaming", "dataset_text_field"),
)


def _check_ours(script: ScriptArguments, training: SFTConfig) -> None:
    """`assistant_only_loss` is what is done anyway; what callsmith does by itself cannot be asked of TRL.

    Raises:
        UserError: Such an option has another value than its default.
    """
    training.assistant_only_loss = False
    for given in (script, training):
        for option in fields(given):
            if option.name in MADE_HERE and getattr(given, option.name) not in (option.default, None):
                raise UserError(f"--{option.name} has no effect here", mend="callsmith does this itself: leave it out")


def _device_defaults(arguments: Sequence[str]) -> dict[str, bool]:
    """bfloat16 where the device multiplies in it; without an accelerator say so, or two processes never meet."""
    if torch.accelerator.is_available() and "--use_cpu" not in arguments:
        bf16 = not torch.cuda.is_available() or torch.cuda.is_bf16_supported(including_emulation=False)
        return {} if bf16 else {"bf16": False}
    return {"use_cpu": True, "bf16": bool(torch.cpu.get_capabilities().get("avx512_bf16"))}


def _is_given(option: str, arguments: Sequence[str], recipe: Mapping[str, Any]) -> bool:
    return option in recipe or any(text.partition("=")[0] == f"--{option}" for text in arguments)


def _recipe(arguments: Sequence[str], known: set[str]) -> dict[str, Any]:
    """What the recipe says, each of its options known."""
    position = list(arguments).index("--config") + 1
    if position >= len(arguments):
        raise UserError("--config names no file")
    name = arguments[position]
    try:
        with open(name, encoding="utf-8") as file:
            recipe = yaml.safe_load(file)
    except FileNotFoundError as error:
        raise UserError("no such recipe", where=name) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"cannot be read as YAML: {error}", where=name) from error
    if not isinstance(recipe, dict):
        raise UserError("must hold `option: value` lines", where=name)
    for key in recipe:
        if key != "env" and key not in known:
            raise UserError(str(_unknown(str(key), sorted(known))), where=name)
    return recipe


def _unknown(option: str, known: Sequence[str]) -> UserError:
    near = difflib.get_close_matches(option, known, n=1)
    mend = f"did you mean {near[0]}?" if near else "`python training/sft.py --help` lists every option"
    return UserError(f"unknown option {option}", mend=mend)
