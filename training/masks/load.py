"""A masker for a model by name: its tokenizer, its chat template or another one, and the tokens at which it stops."""

import json
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, GenerationConfig

from agent.errors import UserError
from agent.models.names import resolve
from training.masks.conversation import METHODS, Method
from training.masks.masker import Masker
from training.masks.reasons import MaskRefused
from training.masks.render import RESERVED


def load_masker(
    model: str, *, chat_template: Path | None = None, method: str = "both", template_kwargs: str = ""
) -> Masker:
    """The masker of a model.

    Args:
        model: `embedded`, a folder with a tokenizer, or a Hub id.
        chat_template: A Jinja file to use instead of the model's own template.
        method: How masks are found; one of `METHODS`.
        template_kwargs: A JSON object of settings for the template, such as `{"enable_thinking": false}`.

    Raises:
        UserError: No such model or file, no chat template, or one that does not compile.
    """
    if method not in METHODS:
        raise UserError(f"no mask method {method!r}", where="--mask-method", mend=f"one of {', '.join(METHODS)}")
    name = resolve(model)
    if name.startswith((".", "/", "~")) and not Path(name).is_dir():
        raise UserError("no such folder", where=model, mend="--model takes a folder, a Hub id or `embedded`")
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"no tokenizer can be loaded ({_first_line(error)})", where=model) from error
    source = _read(chat_template) if chat_template is not None else None
    try:
        return Masker(tokenizer, source, _method(method), _stops(name, tokenizer), _settings(template_kwargs))
    except MaskRefused as refusal:
        where = str(chat_template) if chat_template is not None else model
        raise UserError(refusal.reason, where=where, mend="give a template with --chat-template FILE") from refusal


def _method(name: str) -> Method:
    return next(method for method in METHODS if method == name)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read ({_first_line(error)})", where=str(file)) from error


def _stops(name: str, tokenizer: Any) -> list[str]:
    """The stop tokens of the model's generation config, where it has one."""
    try:
        return named_stops(GenerationConfig.from_pretrained(name), tokenizer)
    except (OSError, ValueError):
        return []


def named_stops(config: GenerationConfig, tokenizer: Any) -> list[str]:
    """The texts of the tokens at which a generation config says to stop; of an id that the tokenizer lacks, none."""
    found = config.eos_token_id
    ids = found if isinstance(found, list) else [] if found is None else [found]
    return [text for text in tokenizer.convert_ids_to_tokens(ids) if text]


def _settings(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text) if text else {}
    except ValueError as error:
        raise UserError(f"is no JSON: {error}", where="--template-kwargs") from error
    if not isinstance(settings, dict):
        raise UserError("must be a JSON object", where="--template-kwargs")
    taken = sorted(RESERVED & settings.keys())
    if taken:
        raise UserError(f"{taken[0]!r} is no setting: each rendering has its own", where="--template-kwargs")
    return settings


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
