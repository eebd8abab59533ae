"""Candidates: several solutions of one question, which of them is kept, and the preference pairs they make.

Comes in: candidates, each with what speaks against it. Goes out: the one to keep, and pairs of it and each that failed.
Knows nothing of teachers and of how faults are found.

Of several good ones, one that makes the calls that most of them make is kept (self-consistency, Wang et al. 2022).
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agent.messages import Message, check_conversation
from dataset_builder.rows import Preference, Row
from dataset_builder.storage import loss


@dataclass(frozen=True)
class Candidate:
    """One solution as a row, the stage that speaks against it ("" for none) and why; `praise` is a judge's reason."""

    row: Row
    stage: str = ""
    reason: str = ""
    praise: str = ""

    def as_json(self, kept: bool) -> dict[str, Any]:
        return {
            "id": self.row["id"],
            "kept": kept,
            "stage": self.stage,
            "reason": self.reason,
            "messages": self.row["messages"],
        }


def best(candidates: Sequence[Candidate]) -> Candidate:
    """The first of the good ones whose calls most of them make; where none is good, the first."""
    good = [each for each in candidates if not each.stage]
    if not good:
        return candidates[0]
    made = Counter(_calls(each.row["messages"]) for each in good)
    return max(good, key=lambda each: made[_calls(each.row["messages"])])


def pairs(kept: Candidate, candidates: Sequence[Candidate]) -> Iterator[Preference]:
    """Each failed candidate beside the kept one, from where the assistant took another way; what never was a
    conversation, and where a user or a tool made the difference, gives no pair.
    """
    ours, tools = kept.row["messages"], kept.row["tools"]
    for number, other in enumerate(candidates):
        theirs = other.row["messages"]
        if not other.stage or not theirs or check_conversation(theirs, tools) or any(map(loss, theirs)):
            continue
        fork = next((at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
        if fork is None or not ours[fork]["role"] == theirs[fork]["role"] == "assistant":
            continue
        why = {"dropped_at": other.stage, "because": other.reason}
        yield {
            "id": f"{kept.row['id']}-{number}",
            "prompt": ours[:fork],
            "chosen": ours[fork:],
            "rejected": _plain(theirs[fork:]),
            "tools": tools,
            "provenance": {**kept.row["provenance"], "rejected": why},
        }


def _plain(messages: Sequence[Message]) -> list[Message]:
    """Without `train`: in a pair nothing is left out."""
    return [{key: value for key, value in each.items() if key != "train"} for each in messages]  # type: ignore[misc]


def _calls(messages: Sequence[Message]) -> str:
    made = [
        [json.dumps(call["function"], sort_keys=True) for call in turn["tool_calls"]]
        for turn in messages
        if turn.get("tool_calls")
    ]
    return json.dumps([sorted(calls) for calls in made])
