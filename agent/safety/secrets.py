"""Keeps keys out of what is kept: values of secret environment variables never stand in a result.

A tool that fails may quote the address it asked, its key included; from there it would go to the model, into events and
into rows. Comes in: text. Goes out: the text with each such value replaced by the variable's name.
"""

import os
import re
from collections.abc import Mapping

SHORTEST = 8  # characters; anything shorter occurs in ordinary text
_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)


def secrets() -> dict[str, str]:
    """The values that must not be shown, with the names of their variables: those whose names end as secrets' do."""
    names = filter(_SECRET_NAME.search, list(os.environ))
    return {value: name for name in names if len(value := os.environ.get(name, "")) >= SHORTEST}


def without(hidden: Mapping[str, str], text: str) -> str:
    """`… sk-abc… …` → `… [OPENAI_API_KEY] …`."""
    for value, name in hidden.items():
        text = text.replace(value, f"[{name}]")
    return text
