"""Is a reply right? Exact, and the same for every model: nothing here is fuzzier than JSON equality.

Comes in: a decision and what a model wrote. Goes out: for each measure that applies, true or false. Knows nothing of
models.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.messages import ToolSchema
from agent.tools import validate_arguments
from training.evaluate.decisions import Decision

MEASURES = {
    "decision": "right decision",
    "valid_call": "valid call",
    "right_tool": "right tool",
    "right_arguments": "right arguments",
    "parallel": "parallel calls exact",
    "right_abstention": "right abstention",
    "over_calling": "over-calling (less is better)",
    "right_answer": "right answer after a result",
}
MEANING = {
    "decision": "of all turns where a call may be right: exactly the right calls, or none where none is right",
    "valid_call": "where calls are right: there are calls, none had to be mended, all name offered tools and fit their "
    "schemas",
    "right_tool": "where calls are right: the called names are the right ones, each as often as it should be",
    "right_arguments": "where calls are right: names and all arguments equal as JSON (1 equals 1.0, left out equals "
    "the schema's default), nothing had to be mended, and the reply comes to its end",
    "parallel": "where several calls are right at once: all of them exact",
    "right_abstention": "where no call is right: a reply in words that comes to its end, and no try at a call",
    "over_calling": "of all turns where a call may be right: more calls than are right",
    "right_answer": "after true results: states the values of them that the right answer states, where it states any, "
    "and no number from nowhere",
}

# A minus has no letter, digit or stop before it; between 3月 and 5月 stands no minus either.
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?<!\d[\u3400-\u9fff])-\d+(?:\.\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
)
_DATE = re.compile(r"(?<!\d)(\d{4})(?:[-/](\d{1,2})[-/](\d{1,2})(?!\d)|\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号])")


@dataclass(frozen=True)
class Written:
    """What a model wrote, parsed: `calls` as `{"name", "arguments"}`, `problems` what could not be understood.

    `ended` is false where the longest reply cut it short; `repairs` are what the parser had to mend to read the calls.
    """

    content: str
    calls: list[dict[str, Any]]
    problems: list[str]
    ended: bool = True
    repairs: Sequence[str] = ()

    @property
    def is_clean(self) -> bool:
        """Whether the calls are as they were written: an agent may mend them, but what was mended was not exact."""
        return not self.problems and not self.repairs

    @property
    def is_text(self) -> bool:
        """Whether this is a reply in words: babble that never ends is none, nor is half a call."""
        return self.ended and bool(self.content.strip()) and not self.calls and not self.problems


def judge(decision: Decision, written: Written) -> dict[str, bool]:
    """The measures that apply to this decision, and whether each holds of the reply."""
    if decision.kind == "answer":
        stated = _stated(decision)
        return {"right_answer": _right_answer(decision, written, *stated)} if any(stated) else {}
    right = decision.gold_calls
    over = {"over_calling": len(written.calls) > len(right)}
    if not right:
        abstained = written.is_text
        return {"decision": abstained, "right_abstention": abstained, **over}
    schemas = {tool["function"]["name"]: tool for tool in decision.tools}
    exact = _bag(written.calls, schemas) == _bag(right, schemas) and written.is_clean and written.ended
    named = Counter(call["name"] for call in written.calls) == Counter(call["name"] for call in right)
    return {
        "decision": exact,
        "valid_call": _valid(schemas, written),
        "right_tool": named and not any("name" in repair for repair in written.repairs),
        "right_arguments": exact,
        **({"parallel": exact} if len(right) > 1 else {}),
        **over,
    }


def canonical(value: Any) -> str:
    """The same text for values that are equal as JSON: 1 and 1.0 are, 1 and true are not, key order does not count."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def numbers(text: str) -> set[float]:
    """The numbers written in a text, full-width digits and thousands commas included; a date is three of them."""
    plain = unicodedata.normalize("NFKC", text.replace("，", " ， "))  # between two numbers it is no thousands' comma
    return {float(found.replace(",", "")) for found in _NUMBER.findall(plain)}


def values(text: str) -> set[float | tuple[int, ...]]:
    """The dates written in a text as (year, month, day), and the numbers that stand outside of them."""
    plain = unicodedata.normalize("NFKC", text.replace("，", " ， "))
    dates = {tuple(int(part) for part in found if part) for found in _DATE.findall(plain)}
    return dates | numbers(_DATE.sub(" ", plain))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _bag(calls: Sequence[dict[str, Any]], schemas: Mapping[str, ToolSchema]) -> Counter[tuple[str, str]]:
    return Counter((call["name"], canonical(_told(call, schemas.get(call["name"])))) for call in calls)


def _told(call: dict[str, Any], schema: ToolSchema | None) -> Any:
    """The arguments without those that say what is true without them: an optional parameter's own default."""
    arguments = call["arguments"]
    if schema is None or not isinstance(arguments, dict):
        return arguments
    parameters = schema["function"]["parameters"]
    required = parameters.get("required", [])
    defaults = {
        name: canonical(one["default"])
        for name, one in parameters.get("properties", {}).items()
        if "default" in one and name not in required
    }
    return {name: value for name, value in arguments.items() if canonical(value) != defaults.get(name)}


def _valid(schemas: Mapping[str, ToolSchema], written: Written) -> bool:
    if not written.calls or not written.is_clean:
        return False
    for call in written.calls:
        if call["name"] not in schemas:
            return False
        fitted, _, errors = validate_arguments(schemas[call["name"]], call["arguments"])
        if errors or canonical(fitted) != canonical(call["arguments"]):  # "7" had to be made 7; 7.0 is 7
            return False
    return True


def _stated(decision: Decision) -> tuple[set[float | tuple[int, ...]], set[str]]:
    """The dates and numbers, and the texts, of the results that the right answer states."""
    gold = decision.gold["content"]
    texts = {text for result in decision.results for text in _texts(result, gold)}
    return values(gold) & values(" ".join(decision.results)), texts


def _right_answer(decision: Decision, written: Written, wanted: set[float | tuple[int, ...]], texts: set[str]) -> bool:
    """No call, every value that is `wanted`, all `texts`, and no number that stands nowhere before."""
    if not written.is_text:
        return False
    said = written.content
    spoken = [*decision.results, *(message["content"] for message in decision.prompt), decision.gold["content"]]
    called = [call["function"]["arguments"] for one in decision.prompt for call in one.get("tool_calls", [])]
    if numbers(said) - numbers(" ".join(spoken)) - numbers(json.dumps(called, ensure_ascii=False)):
        return False
    return wanted <= values(said) and all(_folded(text) in _folded(said) for text in texts)


def _texts(result: str, gold: str) -> set[str]:
    """The texts of a result that the gold answer repeats: JSON's strings, or the longest tail of a plain text."""
    try:
        strings = list(_strings(json.loads(result)))
    except ValueError:
        parts = result.split(": ")  # an error's kind comes before what it says
        tails = [": ".join(parts[start:]) for start in range(len(parts))]
        strings = [tail for tail in tails if _folded(tail) in _folded(gold)][:1]
    return {text for text in strings if text.strip() and _folded(text) in _folded(gold)}


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for one in inner for text in _strings(one)]


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
