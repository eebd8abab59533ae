"""Which tokens of a conversation a model must emit, on any chat template, or a refusal that says why.

`Masker` is the door; `training/masks/masker.py` tells the whole way. Reads conversations, writes token ids, labels and
weights. Knows nothing of models, trainers or files.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.models.templates import template_hash
    from training.masks.masker import Masker
    from training.masks.reasons import Finding, MaskRefused
    from training.masks.sequences import MaskedSequence, Segment

__all__ = ["Finding", "MaskRefused", "MaskedSequence", "Masker", "Segment", "template_hash"]

_HOME = {
    "Finding": "training.masks.reasons",
    "MaskRefused": "training.masks.reasons",
    "MaskedSequence": "training.masks.sequences",
    "Masker": "training.masks.masker",
    "Segment": "training.masks.sequences",
    "template_hash": "agent.models.templates",
}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the command line reads this package for its help, and transformers takes seconds.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
