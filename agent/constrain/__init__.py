"""Constrained decoding: names only from the given tools, arguments valid against their schemas, whatever the weights.

Comes in: a local model's tokenizer and template, the tools and how they may be called. Goes out: a logits processor for
`generate`. `layout` finds how the template writes calls, `schemas` says what arguments may be, `grammar` what may come
after what; `processor` masks tokens, and `held` reads what was written.
"""

from agent.constrain.constrainer import Constrainer
from agent.constrain.held import read_held
from agent.constrain.layout import Layout

__all__ = ["Constrainer", "Layout", "read_held"]
