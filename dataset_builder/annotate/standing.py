"""How a row stands after what people did to it: actions folded into a status and messages, undone ones left out.

Comes in: actions, oldest first. Goes out: a `Standing`. Pure functions; knows nothing of where actions are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from agent.messages import Message

Status = Literal["open", "accepted", "rejected", "deleted"]
Kind = Literal["edit", "accept", "reject", "delete", "undo"]
STATUSES: tuple[Status, ...] = ("open", "accepted", "rejected", "deleted")
_STATUS_AFTER: dict[str, Status] = {"edit": "open", "accept": "accepted", "reject": "rejected", "delete": "deleted"}

Action = tuple[int, str, str, dict[str, Any]]  # number, kind, act, body


@dataclass(frozen=True)
class Standing:
    """How a row stands.

    Args:
        version: The number of its latest action; 0 where there is none. An action must name it.
        status: What was decided last.
        messages: The conversation as edited; None: as it is in the dataset.
        reason: Why it was rejected.
    """

    version: int = 0
    status: Status = "open"
    messages: list[Message] | None = None
    reason: str = ""


def folded(actions: Iterable[Action]) -> Standing:
    """How a row stands after `actions` (number, kind, act, body), oldest first."""
    actions = list(actions)
    standing = Standing(version=actions[-1][0] if actions else 0)
    for _, kind, _, body in kept_of(actions):
        standing = replace(
            standing,
            status=_STATUS_AFTER[kind],
            messages=body.get("messages", standing.messages),
            reason=body.get("reason", ""),
        )
    return standing


def kept_of(actions: Iterable[Action]) -> list[Action]:
    """The actions that no undo took back; an undo takes back the latest kept one, and all that share its act."""
    kept: list[Action] = []
    for action in actions:
        if action[1] != "undo":
            kept.append(action)
            continue
        act = kept.pop()[2] if kept else ""
        while act and kept and kept[-1][2] == act:
            kept.pop()
    return kept
