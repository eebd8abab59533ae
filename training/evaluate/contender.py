"""The models that are compared: a base alone, and the same with its adapter, from one copy of the weights.

Comes in: model and adapter by name. Goes out: each as a model that can be asked. Knows nothing of what it is asked.
"""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from agent.models import ChatModel, load_model
from agent.models.names import weights_hash
from agent.models.pages import keep_pages
from agent.models.transformers_model import TransformersModel


@dataclass(frozen=True)
class Contender:
    """A model to be judged; `switched_on` is the context in which `model` is it, and `weights` changes with its
    weights, as far as they lie here.
    """

    name: str
    model: ChatModel
    weights: str | None
    switched_on: Callable[[], AbstractContextManager[Any]]


def contenders(name: str, adapter: str | None) -> dict[str, Contender]:
    """`base`, and `adapter` where one is named.

    Raises:
        UserError: One of them cannot be loaded.
    """
    if not torch.cuda.is_available():
        keep_pages()
    model = load_model(name, adapter=adapter)
    weights = weights_hash(name)
    if not adapter:
        return {"base": Contender(name, model, weights, contextlib.nullcontext)}
    assert isinstance(model, TransformersModel)  # load_model refuses an adapter for anything else
    peft: Any = model.model
    return {
        "base": Contender(name, model, weights, peft.disable_adapter),
        "adapter": Contender(adapter, model, f"{weights} {weights_hash(adapter)}", contextlib.nullcontext),
    }
