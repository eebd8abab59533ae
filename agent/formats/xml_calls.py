"""Calls written as XML: `<function=get_weather><parameter=city>北京</parameter></function>` (Qwen3-Coder, Llama) and
`get_weather<arg_key>city</arg_key><arg_value>北京</arg_value>` (GLM).

Comes in: the text inside a tool call tag. Goes out: calls in a `Reading`, values typed by the tool's schema.
"""

import json
import re
from typing import Any

from agent.formats.calls import Reading
from agent.formats.mending import OPENING, UnreadableError, read_json

_FUNCTION = re.compile(r"<function\s*=\s*\"?([^>\"]+)\"?\s*>(.*?)(?:</function>|(?=<function\s*=)|\Z)", re.DOTALL)
_PARAMETER = re.compile(
    r"<parameter\s*=\s*\"?([^>\"]+)\"?\s*>\r?\n?(.*?)\r?\n?(?:</parameter>|(?=<parameter\s*=)|\Z)", re.DOTALL
)
_PAIR = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|\Z)", re.DOTALL)


def looks_like_xml(text: str) -> bool:
    return bool(_FUNCTION.match(text.strip()) or "<arg_key>" in text)


def read_xml(text: str, reading: Reading) -> None:
    """Take every call of `text`."""
    if "<arg_key>" in text and not _FUNCTION.match(text.strip()):
        name, _, _ = text.partition("<arg_key>")
        return _add(name.strip(), dict(_PAIR.findall(text)), reading)
    for name, body in _FUNCTION.findall(text):
        if body.strip()[:1] in OPENING and body.strip():
            try:
                value, kinds = read_json(body)
            except UnreadableError as error:
                reading.problem(f"the arguments of {name} cannot be read: {error}")
                continue
            reading.repaired("XML call", *kinds)
            reading.add(name, value)
        else:
            _add(name.strip(), dict(_PARAMETER.findall(body)), reading)
    return None


def _add(name: str, texts: dict[str, str], reading: Reading) -> None:
    parameters = reading.parameters(reading.known_name(name) or name)
    reading.repaired("XML call")
    reading.add(name, {key.strip(): _typed(text, parameters.get(key.strip(), {})) for key, text in texts.items()})


def _typed(text: str, schema: Any) -> Any:
    """XML has only text: what the schema does not want as a string is read as JSON where it is JSON."""
    wanted = schema.get("type", "") if isinstance(schema, dict) else ""
    if wanted == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
