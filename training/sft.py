"""Train a LoRA adapter on conversations, learning exactly what the assistant must write.

    accelerate launch --config_file accelerate_config.yaml training/sft.py \
        --config training/recipes/embedded.yaml \
        --model_name_or_path embedded --dataset_name runs/demo/dataset --output_dir runs/demo/adapter

    accelerate launch --config_file accelerate_config.yaml training/sft.py \
        --config training/recipes/qwen3-0.6b.yaml \
        --model_name_or_path Qwen/Qwen3-0.6B --dataset_name USER/DATASET --output_dir runs/adapter \
        --push_to_hub --hub_model_id USER/ADAPTER

Every option of TRL's `ScriptArguments`, `SFTConfig` and `ModelConfig` works on the command line and in a recipe; what
differs from TRL's defaults stands in training/arguments.py. Model, adapter and dataset are folders or Hub ids. An
interrupted run goes on from its last checkpoint when the same command is given again. `callsmith train` is the same in
fewer words.

Comes in: a dataset of conversations. Goes out: an adapter folder with tokenizer, model card, training log, and the
dropped rows with their reasons. Knows nothing of how the dataset was made.
"""

import contextlib
import os
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import PreTrainedTokenizerBase
from trl import ModelConfig, ScriptArguments, SFTConfig, get_peft_config

from agent.errors import UserError
from agent.models.loading import find
from agent.models.pages import keep_pages
from training import card
from training.arguments import RunArguments, parse
from training.collator import AssistantOnlyCollator, attend_one_by_one, refuse_leak
from training.data import fingerprint, load_rows
from training.failure import told_in_one_line
from training.masks import Masker, template_hash
from training.masks.certify import certify, telling_first
from training.model import load_adapter, load_base, load_tokenizer, short, stop_texts
from training.pushing import UNREACHABLE, check_login, push, push_folder
from training.record import settings_of, training_log
from training.run import LOG, RunFolder, write_json
from training.sequences import Learned, learned, made_once, make_sequences, summary, write_dropped
from training.trainer import AdapterTrainer


def main(script: ScriptArguments, training: SFTConfig, model: ModelConfig, ours: RunArguments) -> None:
    """From arguments to an adapter folder."""
    started, state = time.monotonic(), PartialState()
    if state.device.type == "cpu":
        keep_pages()
    check(script, training, model, ours)

    # What is learned from: rows, each one checked, as the base's own template writes them.
    tokenizer = load_tokenizer(model, training)
    dataset, names = str(script.dataset_name), {"train": script.dataset_train_split}
    if training.eval_strategy != "no":
        names["eval"] = script.dataset_test_split
        if Path(dataset).is_file():
            mend = "give a folder or a Hub id, or leave out --eval_strategy"
            raise UserError("is one file, with nothing apart to evaluate on", where=dataset, mend=mend)
    rows = {
        key: load_rows(dataset, split, script.dataset_config, revision=ours.dataset_revision)
        for key, split in names.items()
    }

    fingerprints = {key: fingerprint(split) for key, split in rows.items()}

    # The folder: a new run, one to go on with, or one that is done.
    hashed = template_hash(tokenizer.chat_template)
    settings = settings_of(script, training, model, ours, rows=fingerprints["train"], template_hash=hashed)
    run = RunFolder(Path(training.output_dir or ""), settings)
    if state.is_main_process:
        run.open(start_over=ours.start_over)
    state.wait_for_everyone()
    if run.finished:
        say(f"{run.folder} holds this run, and it is finished (--start_over trains again)")
        if training.push_to_hub and state.is_main_process:
            say(f"pushed: {push_folder(run.folder, training)}")
        state.destroy_process_group()  # as in AdapterTrainer.end
        return

    # Masks: made once, before any training, so that nothing is found out late.
    masker = Masker(tokenizer, method=cast(Any, ours.mask_method), stops=stop_texts(tokenizer, model, training))
    # Named by the rows, too: of others, as of a split that was mended meanwhile, nothing old is taken.
    places = {key: run.scratch / f"{key}-{fingerprints[key]}" for key in rows}
    found = {key: mask(key, split, masker, training, ours, run.folder, places[key]) for key, split in rows.items()}
    certificate = prove(masker, rows["train"])

    # Training.
    with hints():
        trainer = make_trainer(training, model, ours, tokenizer, found)
        trainer.train(resume_from_checkpoint=checkpoint_to_resume(training, run))
    trainer.save_model()

    # What there is to say about it; the card comes last, as the sign of a finished run.
    seconds = time.monotonic() - started
    log = training_log(trainer, settings, rows["train"], found["train"], certificate, seconds=seconds)
    trainer.card = card.render(log)
    if state.is_main_process:
        write_json(run.folder / LOG, card.for_others(log))
        shutil.rmtree(run.scratch)
    trainer.create_model_card()
    say(f"{run.folder}: {log['steps']:,} steps, loss {log['loss']:.4f}, {log['seconds']:.0f} s")
    try:
        if training.push_to_hub:
            push(trainer)
    finally:
        trainer.end()


def check(script: ScriptArguments, training: SFTConfig, model: ModelConfig, ours: RunArguments) -> None:
    """What can be known before any row is read.

    Raises:
        UserError: A name is missing, an adapter is not there, or a push is asked for by nobody.
    """
    if training.n_gpu > 1:  # one process: it takes one GPU, where transformers would wrap the model for all of them
        say(f"one of {training.n_gpu} GPUs is used; --processes {training.n_gpu} uses all")
        training._n_gpu = 1
    if not model.model_name_or_path or not script.dataset_name:
        missing = "model" if not model.model_name_or_path else "dataset"
        raise UserError(f"no {missing} is named", mend="give --model_name_or_path and --dataset_name")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and PartialState().num_processes == 1:
        what = f"this device ({PartialState().device.type}) trains in one process, and more were started"
        raise UserError(what, mend="leave out --processes")  # each would take itself for the first
    if ours.adapter_name_or_path and not model.use_peft:
        raise UserError("--adapter_name_or_path goes on with an adapter, and --use_peft false trains none")
    check_login(training)
    if ours.adapter_name_or_path:
        find(ours.adapter_name_or_path, "adapter_config.json", "adapter")  # rows are masked before it is loaded


def mask(
    key: str, rows: Dataset, masker: Masker, training: SFTConfig, ours: RunArguments, folder: Path, place: Path
) -> Learned:
    """One split's sequences, kept in `place` until the run ends; what was dropped is said, and listed in `folder`."""
    state = PartialState()

    def make() -> Dataset:
        return make_sequences(rows, masker, max_length=training.max_length, num_proc=training.dataset_num_proc)

    found = learned(made_once(place, make, here=state.is_local_main_process), rows)
    say(summary(found, key))
    if state.is_main_process:
        write_dropped(found.dropped, folder / ("dropped.jsonl" if key == "train" else f"dropped_{key}.jsonl"))
    if not ours.ignore_findings:
        stop_at_findings(found)
    return found


def stop_at_findings(found: Learned) -> None:
    """Raise UserError where the chat template loses something, or where its rows cannot be masked."""
    if found.findings:
        what = f"the chat template loses something of {len(found.findings)} messages, first: {found.findings[0]}"
        raise UserError(what, mend="`callsmith masks audit` lists all; --ignore_findings trains all the same")
    refused = [one for one in found.dropped if one.refused]
    if refused:
        what = f"{len(refused)} of {found.rows} rows cannot be learned under this chat template, first: "
        mend = (
            "`callsmith masks audit` lists all; --ignore_findings leaves them out; --chat_template_path takes another "
            "template, `embedded` for models whose turns are marked as in ChatML"
        )
        raise UserError(what + refused[0].reason, mend=mend)


def prove(masker: Masker, rows: Dataset) -> dict[str, Any]:
    """The certificate of this template and tokenizer, on a few rows that are to be learned.

    Every process makes it for itself: it is the same in each, and none has to wait.

    Raises:
        UserError: One pass would not learn what separate samples would.
    """
    certificate = certify(masker, telling_first(rows), enough=3)
    say(f"certificate: {certificate}")
    if certificate.replies and not certificate.holds:
        mend = "`callsmith masks certify` shows it; --mask_method picks one way of finding the learned tokens"
        raise UserError(f"the masks are not what the model must emit: {certificate}", mend=mend)
    return certificate.as_dict()


def make_trainer(
    training: SFTConfig,
    model: ModelConfig,
    ours: RunArguments,
    tokenizer: PreTrainedTokenizerBase,
    found: dict[str, Learned],
) -> AdapterTrainer:
    """The trainer, on sequences already masked; packing is the collator's work, since the trainer's own cuts calls."""
    if (training.loss_type != "nll" or training.label_smoothing_factor) and _weighted(found["train"]):
        raise UserError("rows with weights are learned with --loss_type nll and without --label_smoothing_factor")
    collator = AssistantOnlyCollator(tokenizer, max_length=training.max_length, packing=training.packing)
    training.packing = False
    training.remove_unused_columns = False  # `weights` is for the collator and the loss, not for the model
    training.dataset_kwargs = {"skip_prepare_dataset": True}
    base = load_base(model, training)
    if base.config.get_text_config() is not base.config:  # images have layers of their own, which no row reaches
        training.ddp_find_unused_parameters = True
    if collator.packing:
        if not getattr(base, "is_quantized", False):
            base.to(training.device)  # where it will train: fast kernels run nowhere else
        attend_one_by_one(base)
        refuse_leak(base)
    training.model_init_kwargs = None
    adapter = ours.adapter_name_or_path
    learner = load_adapter(base, adapter) if adapter else base
    try:
        trainer = AdapterTrainer(
            model=learner,
            args=training,
            data_collator=collator,
            train_dataset=found["train"].dataset,
            eval_dataset=found["eval"].dataset if "eval" in found else None,
            processing_class=tokenizer,
            peft_config=None if adapter else get_peft_config(model),
        )
    except torch.OutOfMemoryError:
        raise  # `hints` words it
    except UNREACHABLE as error:  # the repository is made before anything is trained
        mend = "leave --push_to_hub out; the same command with it pushes a finished run"
        raise UserError(f"cannot push: {short(error)}", where=str(training.hub_model_id or ""), mend=mend) from error
    except (ValueError, ImportError, RuntimeError) as error:  # an option that does not fit, a package that is missing
        mend = "`python training/sft.py --help` lists every option"
        raise UserError(f"these options cannot be trained with: {short(error)}", mend=mend) from error
    trainer.base_name = model.model_name_or_path
    return trainer


def checkpoint_to_resume(training: SFTConfig, run: RunFolder) -> str | None:
    """The checkpoint of `--resume_from_checkpoint`, or the newest whole one of this run; None to begin at step 0."""
    asked = training.resume_from_checkpoint
    if asked and asked.lower() not in ("true", "1", "yes"):
        if not Path(asked).is_dir():
            raise UserError("no such checkpoint", where=asked)
        return asked
    last = run.last_checkpoint()
    if last:
        say(f"going on from {last}")
    return last


def _weighted(found: Learned) -> bool:
    return any(not {0.0, 1.0}.issuperset(weights) for weights in found.dataset["weights"])


@contextlib.contextmanager
def hints() -> Iterator[None]:
    """What goes wrong while training for want of memory or of a package, as one line.

    Raises:
        UserError: There is too little memory, or an option needs a package that is not installed.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        mend = (
            "--dtype bfloat16, --load_in_4bit true, --gradient_checkpointing true, or a smaller "
            "--per_device_train_batch_size or --max_length; where a checkpoint is there, with --start_over"
        )
        raise UserError(f"the device's memory does not suffice: {short(error)}", mend=mend) from error
    except ImportError as error:
        raise UserError(f"a package is missing: {short(error)}", mend="install it, or leave the option out") from error


def say(line: str) -> None:
    """One line for a person, from one process."""
    if PartialState().is_main_process:
        print(line, file=sys.stderr, flush=True)


# TRL turns gradient checkpointing on under the option's old name; the person who reads this cannot change that.
warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated", category=FutureWarning)

if __name__ == "__main__":
    with told_in_one_line():
        main(*parse(sys.argv[1:]))
