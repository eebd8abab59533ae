"""Keeps keys out of what is kept: values of secret environment variables never stand in a result.

A tool that fails may quote the address it asked, its key included; from there it would go to the model, into events and
into rows. Comes in: text. Goes out: the text with each such value replaced by the variable's name.
"""

import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 8  # characters; anything shorter occurs in ordinary text
# A number may follow, as in API_KEY_2. PWD alone is the working folder, and PAT within a word is part of PATH.
_SECRET_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|(?:^|_)(?:PAT|PASS)|_PWD)(?:_?\d+)?$", re.IGNORECASE
)
_PASSWORD_IN_URL = re.compile(r"://[^\s:/?#@]*:([^\s/?#]+)@")


def secrets() -> dict[str, str]:
    """The values that must not be shown, in each spelling an address gives them, with the names of their variables."""
    return {
        spelling: name
        for name in list(os.environ)  # which a tool may change meanwhile
        for secret in _secrets_of(name, os.environ.get(name, ""))
        if len(secret) >= SHORTEST
        for spelling in _spellings(secret)
    }


def without(hidden: Mapping[str, str], text: str) -> str:
    """`… sk-abc… …` → `… [OPENAI_API_KEY] …`; the longest value first, of which another may be the beginning."""
    for value in sorted(hidden, key=len, reverse=True):
        text = text.replace(value, f"[{hidden[value]}]")
    return text


def _secrets_of(name: str, value: str) -> Iterator[str]:
    """What is secret in a variable: all of it where its name ends as secrets' do, and the passwords of addresses."""
    if _SECRET_NAME.search(name):
        yield value
    for password in _PASSWORD_IN_URL.findall(value):
        yield from {password, unquote(password)}


def _spellings(secret: str) -> set[str]:
    """The secret as it is, in a path, and in a query."""
    errors = "surrogateescape"  # as Python reads variables that are no UTF-8
    return {secret, quote(secret, errors=errors), quote(secret, "", errors=errors), quote_plus(secret, errors=errors)}
