"""Constrained decoding: names only from the given tools, arguments valid against their schemas, whatever the weights.

Comes in: a local model's tokenizer and template, the tools and how they may be called. Goes out: a logits processor for
`generate`. `layout` finds how the template writes calls, `grammar` says what may follow, `processor` masks tokens.
"""

from agent.constrain.constrainer import Constrainer
from agent.constrain.layout import Layout

__all__ = ["Constrainer", "Layout"]
