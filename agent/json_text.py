"""JSON that a UTF-8 file can hold, whatever somebody wrote, half of an emoji that was cut included."""

import json
from typing import Any


def as_json(value: Any, **options: Any) -> str:
    """`value` as JSON in its own letters; where UTF-8 cannot hold one of them, all beyond ASCII is escaped.

    `options` are those of `json.dumps`. Either way it reads back as the same value.
    """
    text = json.dumps(value, ensure_ascii=False, **options)
    return text if encodable(text) else json.dumps(value, **options)


def encodable(text: str) -> bool:
    """Whether UTF-8 can hold `text`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
