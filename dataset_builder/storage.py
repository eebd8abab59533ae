"""The gate before `datasets`' Json() feature: what it cannot hold exactly, found before it is stored.

Json() decodes through pandas' ujson, which rounds: `24.913112` comes back as `24.913111999999998`, `1e-12` as `0.0`,
an integer over 64 bits not at all, and a `.map()` that writes a value rounds once more. A row that would come back
changed must not be published, so every value is decoded, encoded and decoded again, and compared both times.
Knows nothing of rows.
"""

import json
from typing import Any

import pandas

_loads = pandas.io.json.ujson_loads
_dumps = pandas.io.json.ujson_dumps


def encode(value: Any) -> str:
    """The JSON text that is stored for `value`, exactly.

    Raises:
        ValueError, TypeError: `value` holds NaN, an infinity or something that is no JSON.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def loss(value: Any) -> str | None:
    """What Json() would change in `value`, as `path: 24.913112 comes back as …`; None where it comes back exactly."""
    try:
        text = encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        return f"is no JSON value: {error}"
    try:
        first = _loads(text)
        second = _loads(_dumps(first))
    except (ValueError, OverflowError) as error:
        return f"cannot be decoded by datasets' Json(): {error}"
    for decoded in (first, second):
        if encode(decoded) != text:
            return _difference(value, decoded)
    return None


def _difference(before: Any, after: Any, path: str = "") -> str:
    """The first place where two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict) and list(before) == list(after):
        pairs = [(f"{path}.{key}", before[key], after[key]) for key in before]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(f"{path}[{index}]", *pair) for index, pair in enumerate(zip(before, after, strict=True))]
    else:
        pairs = []
    for deeper, old, new in pairs:
        if json.dumps(old) != json.dumps(new):
            return _difference(old, new, deeper)
    place = f"{path.lstrip('.')}: " if path else ""
    return f"{place}{before!r} comes back as {after!r} from datasets' Json()"
