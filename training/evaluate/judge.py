"""Is a reply right? Exact, and the same for every model: nothing here is fuzzier than JSON equality.

Comes in: a decision and what a model wrote. Goes out: for each measure that applies, true or false. Knows nothing of
models.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    "decision": "of all turns after a user: exactly the right calls, or none where none is right",
    "valid_call": "where calls are right: there are calls, all parse, name offered tools and fit their schemas",
    "right_tool": "where calls are right: the called names are the right ones, each as often as it should be",
    "right_arguments": "where calls are right: names and all arguments equal as JSON (1 equals 1.0)",
    "parallel": "where several calls are right at once: all of them exact",
    "right_abstention": "where no call is right: a reply in words that comes to its end, and no try at a call",
    "over_calling": "of all turns after a user: more calls than are right",
    "right_answer": "after true results: states the values that the right answer states, and no number from nowhere",
}

_NUMBER = re.compile(r"(?<![\w.])-\d+(?:\.\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Written:
    """What a model wrote, parsed: `calls` as `{"name", "arguments"}`, `problems` what could not be understood.

    `ended` is false where the longest reply cut it short.
    """

    content: str
    calls: list[dict[str, Any]]
    problems: list[str]
    ended: bool = True

    @property
    def is_text(self) -> bool:
        """Whether this is a reply in words: babble that never ends is none, nor is half a call."""
        return self.ended and bool(self.content.strip()) and not self.calls and not self.problems


def judge(decision: Decision, written: Written) -> dict[str, bool]:
    """The measures that apply to this decision, and whether each holds of the reply."""
    if decision.kind == "answer":
        return {"right_answer": _right_answer(decision, written)}
    right = decision.gold_calls
    over = {"over_calling": len(written.calls) > len(right)}
    if not right:
        abstained = written.is_text
        return {"decision": abstained, "right_abstention": abstained, **over}
    exact = _bag(written.calls) == _bag(right) and not written.problems
    return {
        "decision": exact,
        "valid_call": _valid(decision, written),
        "right_tool": Counter(call["name"] for call in written.calls) == Counter(call["name"] for call in right),
        "right_arguments": exact,
        **({"parallel": exact} if len(right) > 1 else {}),
        **over,
    }


def canonical(value: Any) -> str:
    """The same text for values that are equal as JSON: 1 and 1.0 are, 1 and true are not, key order does not count."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def numbers(text: str) -> set[float]:
    """The numbers written in a text, full-width digits and thousands commas included."""
    return {float(found.replace(",", "")) for found in _NUMBER.findall(unicodedata.normalize("NFKC", text))}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _bag(calls: Sequence[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((call["name"], canonical(call["arguments"])) for call in calls)


def _valid(decision: Decision, written: Written) -> bool:
    schemas = {tool["function"]["name"]: tool for tool in decision.tools}
    if not written.calls or written.problems:
        return False
    for call in written.calls:
        if call["name"] not in schemas:
            return False
        _, coerced, errors = validate_arguments(schemas[call["name"]], call["arguments"])
        if coerced or errors:
            return False
    return True


def _right_answer(decision: Decision, written: Written) -> bool:
    """No call, every value of the results that the gold answer states, and no number that stands nowhere before."""
    if not written.is_text:
        return False
    gold, said = decision.gold["content"], written.content
    known = " ".join([*decision.results, *(message["content"] for message in decision.prompt), gold])
    calls = " ".join(json.dumps(message.get("tool_calls", [])) for message in decision.prompt)
    if numbers(said) - numbers(known) - numbers(calls):
        return False
    wanted = numbers(gold) & numbers(" ".join(decision.results))
    texts = {text for result in decision.results for text in _texts(result, gold)}
    return wanted <= numbers(said) and all(_folded(text) in _folded(said) for text in texts)


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
