"""What a training run was asked and what became of it, as JSON: `_run.json` before, `training_log.json` after.

Comes in: the arguments, the rows and the trainer. Goes out: plain values, from which the card is written and by which
two runs are told apart. Knows nothing of files.
"""

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from accelerate import PartialState
from datasets import Dataset
from peft import PeftConfig
from trl import ModelConfig, ScriptArguments, SFTConfig

from agent.models.names import weights_hash
from training.arguments import RunArguments
from training.sequences import Learned
from training.trainer import AdapterTrainer

PACKAGES = ("callsmith", "torch", "transformers", "trl", "peft", "datasets", "accelerate")

# What shapes the result: a run that differs in one of these is another run.
HYPERPARAMETERS = (
    *("learning_rate", "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "num_train_epochs", "max_steps"),
    *("per_device_train_batch_size", "gradient_accumulation_steps", "max_length", "packing", "loss_type", "optim"),
    *("optim_args", "weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm"),
    *("label_smoothing_factor", "neftune_noise_alpha", "bf16", "fp16", "dtype", "load_in_4bit", "load_in_8bit"),
    *("train_sampling_strategy", "eos_token", "seed", "data_seed"),
)
LORA = (
    *("lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "lora_target_parameters", "lora_modules_to_save"),
    *("use_rslora", "use_dora"),
)
# What PEFT calls them, where TRL's command line has another name.
_IN_PEFT = {
    "lora_r": "r",
    "lora_target_modules": "target_modules",
    "lora_target_parameters": "target_parameters",
    "lora_modules_to_save": "modules_to_save",
}


def settings_of(
    script: ScriptArguments,
    training: SFTConfig,
    model: ModelConfig,
    ours: RunArguments,
    *,
    rows: str,
    template_hash: str,
) -> dict[str, Any]:
    """What makes this run this run and no other; `rows` is the fingerprint of those that are learned from."""
    options = {
        name: value.value if isinstance(value, Enum) else value
        for name, value in {**vars(training), **vars(model)}.items()
    }
    return {
        "base_model": model.model_name_or_path,
        "model_revision": model.model_revision,
        "base_weights": weights_hash(model.model_name_or_path or ""),
        "adapter": ours.adapter_name_or_path,
        "dataset": {
            "name": script.dataset_name,
            "config": script.dataset_config,
            "split": script.dataset_train_split,
            "revision": ours.dataset_revision,
            "fingerprint": rows,
        },
        "template_hash": template_hash,
        "mask_method": ours.mask_method,
        "processes": PartialState().num_processes,
        "hyperparameters": {name: options[name] for name in HYPERPARAMETERS},
        "lora": _lora(ours.adapter_name_or_path, options) if model.use_peft else None,
    }


def training_log(
    trainer: AdapterTrainer,
    settings: dict[str, Any],
    rows: Dataset,
    found: Learned,
    certificate: dict[str, Any],
    *,
    seconds: float,
) -> dict[str, Any]:
    """The settings, and how it went.

    `certificate` is that of training/masks/certify.py; `trained_tokens` counts a token once for each time it was
    learned from; `loss` is the last one logged; `seconds` is the time of the process that finished the run.
    """
    history = trainer.state.log_history
    epochs = trainer.state.epoch or 0.0
    return {
        **settings,
        "name": trainer.hub_model_id or Path(str(trainer.args.output_dir)).resolve().name,
        "rows": found.rows,
        "languages": sorted(_counts(rows, "lang")),
        "scenarios": _counts(rows, "scenario"),
        "sequences": len(found.dataset),
        "tokens": found.tokens,
        "learned_tokens": found.trained_tokens,
        "dropped": found.dropped_rows,
        "cut": found.cut_rows,
        "certificate": certificate,
        "steps": trainer.state.global_step,
        "epochs": epochs,
        "trained_tokens": round(found.trained_tokens * epochs),
        "loss": _last(history, "loss", "train_loss"),
        "eval_loss": _of_the_saved(trainer, history),
        "seconds": round(seconds, 1),
        "device": trainer.args.device.type,
        "versions": {name: version(name) for name in PACKAGES},
        "log_history": history,
    }


def _lora(adapter: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of the adapter: of one that is gone on with, its own, whatever the options say."""
    if adapter is None:
        return {name: options[name] for name in LORA}
    config = PeftConfig.from_pretrained(adapter)
    own = {name: getattr(config, _IN_PEFT.get(name, name), None) for name in LORA}
    return {name: sorted(value) if isinstance(value, set) else value for name, value in own.items()}


def _of_the_saved(trainer: AdapterTrainer, history: list[dict[str, Any]]) -> float | None:
    """The evaluation's loss of the weights that are saved: with `--load_best_model_at_end`, of the best ones."""
    best = trainer.state.best_global_step if trainer.args.load_best_model_at_end else None
    chosen = [entry for entry in history if best is None or entry.get("step") == best]
    return _last(chosen, "eval_loss")


def _counts(rows: Dataset, column: str) -> dict[str, int]:
    values = rows[column] if column in rows.column_names else []
    return dict(Counter(str(value) for value in values if value).most_common())


def _last(history: list[dict[str, Any]], *names: str) -> float | None:
    """The last value logged under the first of `names` that was logged at all."""
    for name in names:
        values = [entry[name] for entry in history if name in entry]
        if values:
            return values[-1]
    return None
