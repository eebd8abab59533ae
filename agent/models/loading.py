"""Loads a model, its tokenizer and an adapter, and says in one line why one cannot be loaded.

Comes in: a folder or Hub id. Goes out: transformers' objects, or `UserError`. Where no Hub answers, what the
cache holds is used, and what it does not hold is reported at once instead of waited for.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from agent.errors import UserError

HUB_TIMEOUT = 10.0  # seconds until the Hub counts as out of reach
_NAMES = "`embedded`, a model's folder, or a Hub id such as Qwen/Qwen3-0.6B"


def load_pretrained(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model in evaluation mode, on the accelerator where there is one, and its tokenizer.

    Raises:
        UserError: There is no such model, its files are broken, or it has no chat template.
    """
    offline = find(name, "config.json", "model")
    name = os.path.expanduser(name)  # transformers would look for a folder named ~
    if (threads := os.environ.get("OMP_NUM_THREADS", "")).isdigit():
        torch.set_num_threads(int(threads))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=offline)
        if not tokenizer.chat_template:
            mend = "use an instruct model, or put its chat_template.jinja into the folder"
            raise UserError(f"the model {name} has no chat template, so it cannot hold a conversation", mend=mend)
        # bfloat16 crawls on most CPUs.
        dtype: Any = "auto" if device == "cuda" else torch.float32
        model: Any = AutoModelForCausalLM.from_pretrained(name, dtype=dtype, local_files_only=offline)
    except UserError:
        raise
    except Exception as error:  # transformers raises a dozen kinds for broken folders
        raise UserError(f"the model {name} cannot be loaded: {_first_line(error)}", mend=f"name {_NAMES}") from error
    return model.to(device).eval(), tokenizer


def load_adapter(model: PreTrainedModel, adapter: str) -> PreTrainedModel:
    """The model with a PEFT adapter on top; raises `UserError` where it does not fit.

    Whether there is one, `find` tells before the base model is loaded, which takes longer.
    """
    from peft import PeftModel

    try:
        with warnings.catch_warnings():
            # peft asks transformers for a name that is going away; nobody who reads it here can mend that.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            return PeftModel.from_pretrained(model, os.path.expanduser(adapter)).eval()  # type: ignore[return-value]
    except Exception as error:
        mend = "an adapter fits only the model it was trained on; its adapter_config.json names that one"
        raise UserError(f"the adapter {adapter} cannot be loaded: {_first_line(error)}", mend=mend) from error


def find(name: str, file: str, kind: str) -> bool:
    """Make sure that `name` is a folder or a Hub repository that holds `file`.

    Returns:
        Whether it must be read without the Hub: it is a folder, or the Hub is out of reach and the cache has it.
    """
    mend = f"name {_NAMES}" if kind == "model" else f"name the folder or the Hub id of {kind} weights"
    folder = Path(os.path.expanduser(name))  # unlike Path.expanduser, it leaves the home of nobody as it stands
    if name and folder.is_dir():
        if not (folder / file).is_file():
            raise UserError(f"there is no {kind} in the folder {name}: {file} is missing", mend=mend)
        return True
    if name.count("/") > 1 or name.startswith(("/", ".", "~")) or not name:
        raise UserError(f"there is no {kind} at {name!r}: no such folder", mend=mend)
    try:
        HfApi().repo_info(name, timeout=HUB_TIMEOUT)
    except (RepositoryNotFoundError, GatedRepoError, HFValidationError) as error:
        what = f"{name!r} is neither a folder nor a {kind} on the Hub that you may read"
        raise UserError(what, mend=f"{mend}; for a private or gated one set HF_TOKEN") from error
    except Exception as error:  # no route, no name, a timeout, offline mode: all one to the reader
        if isinstance(try_to_load_from_cache(name, file), str):
            return True
        what = f"there is no folder {name!r}, and the Hugging Face Hub cannot be reached: {_first_line(error)}"
        raise UserError(what, mend="use `embedded` or a local folder, or go online") from error
    return False


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]
