"""What a training run was asked and what became of it, as JSON: `run.json` before, `training_log.json` after.

Comes in: the arguments, the rows and the trainer. Goes out: plain values, from which the card is written and by which
two runs are told apart. Knows nothing of files.
"""

from collections import Counter
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from accelerate import PartialState
from datasets import Dataset
from trl import ModelConfig, ScriptArguments, SFTConfig

from agent.models.names import weights_hash
from training.arguments import RunArguments
from training.data import fingerprint
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


def settings_of(
    script: ScriptArguments,
    training: SFTConfig,
    model: ModelConfig,
    ours: RunArguments,
    *,
    rows: Dataset,
    template_hash: str,
) -> dict[str, Any]:
    """What makes this run this run and no other."""
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
            "fingerprint": fingerprint(rows),
        },
        "template_hash": template_hash,
        "mask_method": ours.mask_method,
        "processes": PartialState().num_processes,
        "hyperparameters": {name: options[name] for name in HYPERPARAMETERS},
        "lora": {name: options[name] for name in LORA} if model.use_peft else None,
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
        "name": trainer.args.hub_model_id or Path(str(trainer.args.output_dir)).resolve().name,
        "rows": found.rows,
        "languages": sorted(_counts(rows, "lang")),
        "scenarios": _counts(rows, "scenario"),
        "sequences": len(found.dataset),
        "tokens": found.tokens,
        "learned_tokens": found.trained_tokens,
        "dropped": len(found.dropped),
        "certificate": certificate,
        "steps": trainer.state.global_step,
        "epochs": epochs,
        "trained_tokens": round(found.trained_tokens * epochs),
        "loss": _last(history, "loss", "train_loss"),
        "eval_loss": _last(history, "eval_loss"),
        "seconds": round(seconds, 1),
        "device": trainer.args.device.type,
        "versions": {name: version(name) for name in PACKAGES},
        "log_history": history,
    }


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
