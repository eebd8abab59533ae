"""`SFTTrainer` with five things of ours: weighted tokens, only learned ones scored, whole files, our card, a clean end.

Comes in: what `SFTTrainer` takes, with a collator that may add `weights`. Goes out: the same. Knows nothing of masks.
"""

import gc
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
import torch.distributed.nn.functional  # now: loaded once there is a process group, its defaults hold it for ever
import trl.trainer.utils
from torch import Tensor, nn
from transformers.trainer_pt_utils import LengthGroupedSampler
from trl import SFTTrainer
from trl.kernels.chunked_logprob import _use_triton

from training.run import CARD, write_whole

# A pickle that no one needs beside an adapter, and what PEFT writes where our own card goes.
LEFT_OUT = {"training_args.bin", CARD}


class AdapterTrainer(SFTTrainer):
    """Set `card` to the model card's text once training has ended: a card is the sign of a finished run.

    `base_name` is what the adapter's folder calls its base: `embedded`, a Hub id or a folder.
    """

    card: str | None = None
    base_name: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.args.device.type == "cpu":
            score_learned_tokens_only()

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """As `SFTTrainer`, with each token's log-probability times its weight (`weights`, shaped as `labels`).

        The sum is still divided by the number of learned tokens, so that weight 0.5 halves a token's pull and changes
        no other token's.
        """
        weights: Tensor | None = inputs.pop("weights", None)
        if weights is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

        def weigh(_module: nn.Module, _args: Any, outputs: Any) -> Any:
            outputs.log_probs = outputs.log_probs * weights[:, 1:].to(outputs.log_probs)
            return outputs

        hook = model.register_forward_hook(weigh)  # the one place where SFTTrainer shows per-token values
        try:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        finally:
            hook.remove()

    def _run_epoch(self, model: Any, epoch: int, train_dataloader: Any, *args: Any, **kwargs: Any) -> Any:
        """As `SFTTrainer`; rows grouped by length come in an order that the seed and the epoch alone decide, so that a
        run that goes on within an epoch has the rest of the same order.
        """
        sampler = getattr(train_dataloader, "batch_sampler", None)
        while sampler is not None and not isinstance(sampler, LengthGroupedSampler):
            sampler = getattr(sampler, "batch_sampler", None) or getattr(sampler, "sampler", None)
        if sampler is not None:
            seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
            sampler.generator = torch.Generator().manual_seed(seed + epoch)
        return super()._run_epoch(model, epoch, train_dataloader, *args, **kwargs)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save; into the output folder itself, by way of a temporary folder, so that a file there is always whole."""
        folder = Path(str(self.args.output_dir))
        if output_dir is not None and Path(output_dir) != folder:
            super().save_model(output_dir, _internal_call)
            return
        part = folder / "_saving"
        super().save_model(str(part), True)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            self._name_base(part / "adapter_config.json")
            for file in sorted(part.iterdir()):
                if file.name in LEFT_OUT:
                    continue
                if file.is_dir():  # of chat templates; a filled folder cannot be replaced
                    shutil.rmtree(folder / file.name, ignore_errors=True)
                else:
                    file.chmod(0o644)  # safetensors files come out closed to everybody else
                os.replace(file, folder / file.name)
            shutil.rmtree(part)
            (folder / "training_args.bin").unlink(missing_ok=True)  # a push of a checkpoint leaves it, keys included

    def end(self) -> None:
        """As `SFTTrainer`; after it, no thread of the process group is left.

        A worker of gloo that lets go of its last tensor while Python shuts down aborts the process, whose work is done.
        Its threads end with the group, and the group when nothing holds it any more; the wrapped model does.
        """
        self.model_wrapped = self.model  # type: ignore[assignment]
        self.accelerator.free_memory()
        super().end()
        gc.collect()

    def _name_base(self, file: Path) -> None:
        """Put the base's name where PEFT wrote the folder that the base was loaded from on this machine."""
        if file.exists() and self.base_name:
            config = json.loads(file.read_text("utf-8"))
            file.write_text(json.dumps({**config, "base_model_name_or_path": self.base_name}, indent=2), "utf-8")

    def create_model_card(self, *_args: Any, **_kwargs: Any) -> None:
        """Ours in place of the general one; at a checkpoint there is none yet."""
        if self.card is not None and self.is_world_process_zero():
            write_whole(Path(str(self.args.output_dir)) / CARD, self.card)


def score_learned_tokens_only() -> None:
    """On a CPU too, put only positions with a label through the language model's head; loss and gradient stay the same.

    TRL does so on a GPU and scores every position elsewhere, for devices that compile anew for each shape; a CPU does
    not, and in tool conversations six positions of seven have no label.
    """
    trl.trainer.utils._use_triton = _scores_compactly


def _scores_compactly(device: torch.device) -> bool:
    return device.type == "cpu" or _use_triton(device)
