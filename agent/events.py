"""What happens while an agent runs, as plain values in the order in which it happens."""

from dataclasses import dataclass

from agent.around.distilling import Fact
from agent.messages import Message, ToolCall
from agent.models.protocol import Usage


@dataclass(frozen=True)
class Thought:
    """A piece of the model's reasoning, while it writes it."""

    text: str


@dataclass(frozen=True)
class Delta:
    """A piece of the model's visible text, while it writes it."""

    text: str


@dataclass(frozen=True)
class Replied:
    """The model's message is whole and part of the conversation now."""

    message: Message


@dataclass(frozen=True)
class Called:
    """A call is about to run."""

    call: ToolCall


@dataclass(frozen=True)
class Result:
    """A call's tool message; results come in the order of their calls. `seconds` is how long the call took."""

    message: Message
    is_error: bool
    seconds: float


@dataclass(frozen=True)
class Repaired:
    """Something was mended: in what the model wrote, or in a call's arguments."""

    what: str


@dataclass(frozen=True)
class Failed:
    """Something went wrong and could not be mended; whether the run goes on, the events after it tell."""

    reason: str


@dataclass(frozen=True)
class Planned:
    """The model's plan, before it acts; again, revised, after a call has failed. It is the next message's content."""

    text: str


@dataclass(frozen=True)
class Distilled:
    """The facts that stand for a long result before the model; none where it is shown the beginning instead."""

    call_id: str
    facts: list[Fact]


@dataclass(frozen=True)
class Restated:
    """The user's last message as the model is shown it."""

    text: str


@dataclass(frozen=True)
class Used:
    """Tokens of one reply."""

    usage: Usage


@dataclass(frozen=True)
class Done:
    """The run is over.

    Args:
        reason: "answered"; "length" where the answer was cut at `max_new_tokens`; "steps", "repeated calls", "tokens"
            or "seconds" where that limit was reached; "unreadable" where a call could not be understood twice; "empty"
            where the model wrote nothing; "failed" where it could not be reached.
        messages: The whole conversation, from which the run can be continued.
    """

    reason: str
    messages: list[Message]


Event = Thought | Delta | Replied | Called | Result | Repaired | Failed | Planned | Distilled | Restated | Used | Done
