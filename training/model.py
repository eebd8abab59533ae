"""Base model, tokenizer and adapter by name, with the failures a person can mend as one line.

Comes in: a name (`embedded`, a folder or a Hub id) and TRL's dataclasses. Goes out: loaded objects. Knows nothing of
data.
"""

from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase
from trl import ModelConfig, SFTConfig, get_quantization_config

from agent.errors import UserError
from agent.models.loading import find
from agent.models.names import resolve
from training.masks.load import named_stops


def load_tokenizer(model: ModelConfig, training: SFTConfig) -> PreTrainedTokenizerBase:
    """The base's tokenizer, with the chat template of `--chat_template_path` (a Jinja file or another model) if given.

    Raises:
        UserError: There is no such model, or it has no chat template.
    """
    name = model.model_name_or_path or ""
    tokenizer = from_pretrained(AutoTokenizer, name, model, training)
    other, training.chat_template_path = training.chat_template_path, None  # the trainer would add tokens for it
    if other and Path(other).is_file():
        tokenizer.chat_template = Path(other).read_text("utf-8")
    elif other:
        tokenizer.chat_template = from_pretrained(AutoTokenizer, other, model, training).chat_template
    if not tokenizer.chat_template:
        mend = "name an instruct model, or give a template with --chat_template_path FILE.jinja"
        raise UserError("has no chat template", where=name, mend=mend)
    if training.eos_token is not None:
        if training.eos_token not in tokenizer.get_vocab():
            raise UserError(f"--eos_token {training.eos_token!r} is not in its vocabulary", where=name)
        tokenizer.eos_token = training.eos_token
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def stop_texts(tokenizer: PreTrainedTokenizerBase, model: ModelConfig, training: SFTConfig) -> list[str]:
    """The tokens at which the base stops writing, as its generation config names them; none where it names none."""
    try:
        config = from_pretrained(GenerationConfig, model.model_name_or_path or "", model, training)
    except UserError:
        return []
    return named_stops(config, tokenizer)


def load_base(model: ModelConfig, training: SFTConfig) -> Any:
    """The base, in the precision and with the quantization that were asked for."""
    quantization = get_quantization_config(model)
    more = training.model_init_kwargs or {}
    assert isinstance(more, dict)  # the parser has read it
    return from_pretrained(
        AutoModelForCausalLM,
        model.model_name_or_path or "",
        model,
        training,
        dtype=model.dtype,
        attn_implementation=model.attn_implementation,
        quantization_config=quantization,
        # Quantized weights are made on the device where they stay.
        device_map={"": PartialState().local_process_index} if quantization is not None else None,
        **more,
    )


def load_adapter(base: Any, name: str) -> PeftModel:
    """An adapter to go on training with, on top of its base."""
    try:
        return PeftModel.from_pretrained(base, name, is_trainable=True)
    except Exception as error:  # peft and safetensors raise a dozen kinds for broken folders
        if getattr(error, "errno", None) is not None:
            raise  # the disk, not the name
        raise UserError(f"cannot be loaded as an adapter: {short(error)}", where=name) from error


def from_pretrained(loader: Any, name: str, model: ModelConfig, training: SFTConfig, **options: Any) -> Any:
    """`loader.from_pretrained` of `name`.

    Raises:
        UserError: No such folder, a name that the Hub does not know, a Hub out of reach, or files that do not fit.
    """
    if name.endswith((".jinja", ".j2")):  # a template file was meant, and is not there
        raise UserError("no such file", where=name)
    offline = find(resolve(name), "config.json", "model")
    if name == model.model_name_or_path:
        options["revision"] = model.model_revision
    options |= {"trust_remote_code": training.trust_remote_code, "local_files_only": offline}
    try:
        return loader.from_pretrained(resolve(name), **options)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # a package that is missing, half a file: they raise a dozen kinds
        if getattr(error, "errno", None) is not None:
            raise  # the disk, not the name
        what = f"cannot be loaded: {short(error)}"
        raise UserError(what, where=name, mend="a model is `embedded`, a folder or a Hub id") from error


def short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
