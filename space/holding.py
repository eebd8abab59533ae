"""How replies are drawn on the page: calls are held to the tools' names and schemas wherever that can be done.

Comes in: the model and every tool of the page. Goes out: the `Sampling` for all visitors. A visitor ticks tools freely,
so each tool is tried; one that cannot be followed leaves the model free to write calls to any of them.
"""

import sys
from collections.abc import Sequence

from agent.errors import UserError
from agent.models import ChatModel, Sampling
from agent.tools import Tool


def page_sampling(model: ChatModel, tools: Sequence[Tool]) -> Sampling:
    """Constrained where the model runs here and can follow every schema; else free, with a line that says why.

    An endpoint holds calls to their schemas by its own means, or does not.
    """
    check = getattr(model, "check_constrained", None)  # a local model's; its class would bring torch for an endpoint
    if check is None:
        return Sampling()
    try:
        for tool in tools:
            check([tool.schema])
    except UserError as error:
        print(f"calls are not held to the tools' schemas: {error}", file=sys.stderr)
        return Sampling()
    return Sampling(constrained=True)
