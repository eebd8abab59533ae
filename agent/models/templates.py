"""The name of a chat template, and the template that an adapter was trained with.

Comes in: a template, or an adapter's folder or Hub id. Goes out: a hash, or the adapter's own template. Knows nothing
of what templates write.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download

HUB_TIMEOUT = 10.0  # seconds
LOG = "training_log.json"
TEMPLATE = "chat_template.jinja"
"""What training leaves in an adapter's folder."""


def template_hash(template: str | Mapping[str, str]) -> str:
    """SHA-256 of a chat template's text, in hexadecimal; of several by name, that of their sorted JSON."""
    text = template if isinstance(template, str) else json.dumps(dict(template), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def other_template(model: Any, adapter: str | None) -> bool:
    """Whether a loaded model renders conversations by another chat template than its adapter was trained with.

    False too where nobody can tell: an endpoint's template is not seen, and an adapter may have no log.
    """
    template = getattr(getattr(model, "tokenizer", None), "chat_template", None)
    if not adapter or not template:
        return False
    trained = trained_hash(adapter)
    return trained is not None and trained != template_hash(template)


def own_template(adapter: str) -> str | None:
    """The chat template that an adapter brings along; None where it brings none."""
    return _read(adapter, TEMPLATE)


def trained_hash(adapter: str) -> str | None:
    """The hash of the template that an adapter was trained with; None where its log does not tell or is not there."""
    return logged(adapter, "template_hash")


def logged(adapter: str, what: str) -> str | None:
    """A text that an adapter's training log holds by the name of `what`; None where it does not, or is not there."""
    try:
        found = json.loads(_read(adapter, LOG) or "null")
    except ValueError:
        return None
    value = found.get(what) if isinstance(found, dict) else None
    return value if isinstance(value, str) else None


def _read(adapter: str, name: str) -> str | None:
    """The text of a file of an adapter, in a folder or on the Hub."""
    folder = Path(adapter).expanduser()
    try:
        file = folder / name if folder.is_dir() else Path(hf_hub_download(adapter, name, etag_timeout=HUB_TIMEOUT))
        return file.read_text("utf-8")
    except (OSError, ValueError):  # the Hub's errors are of these kinds too
        return None
