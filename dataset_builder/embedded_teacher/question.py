"""The values the embedded teacher hands out: a question with its plan, and the conversation it becomes."""

from dataclasses import dataclass, field
from typing import Any, Literal

from agent.messages import Message, ToolSchema
from agent.tools import Tool
from dataset_builder.embedded_teacher.split import Side

Scenario = Literal[
    "single_call",
    "parallel_calls",
    "no_suitable_tool",
    "missing_parameter",
    "chat",
    "tool_error",
    "multi_turn",
    # Not in the default mix:
    "tool_recovery",
    "distractors",
    "sequential_calls",
]

DEFAULT_MIX: dict[Scenario, float] = {
    "single_call": 0.2,
    "parallel_calls": 0.08,
    "no_suitable_tool": 0.07,
    "missing_parameter": 0.07,
    "chat": 0.03,
    "tool_error": 0.05,
    "multi_turn": 0.5,
}
ON_REQUEST: tuple[Scenario, ...] = ("tool_recovery", "distractors", "sequential_calls")  # only where the mix names them


@dataclass(frozen=True)
class PlannedCall:
    """A call as the conversation shows it: the shown tool's name, its shown parameters."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class NextCall:
    """A call that waits for a result: one argument of it stands there.

    Args:
        name: The shown tool's name.
        arguments: What the user said of its shown parameters, in their order; None for the one that is waited for.
        takes: The shown name of that one.
        gives: The key of the result.
        last_only: The answer tells only what came of this call.
    """

    name: str
    arguments: dict[str, Any]
    takes: str
    gives: str
    last_only: bool = False

    def after(self, result: dict[str, Any]) -> PlannedCall:
        """The call, now that the result is there."""
        return PlannedCall(self.name, {**self.arguments, self.takes: result[self.gives]})


@dataclass(frozen=True)
class Plan:
    """What the teacher knows: what is to be called, or what is to be said instead.

    Args:
        calls: The right calls, in the order of the request; empty where nothing is to be called.
        reply: What the assistant says before any call: a refusal, the question for what is missing, small talk.
        missing: The shown name of the required parameter that the user left out, or "".
        follow_up: What the user answers to `reply`, upon which `calls` follow, or "".
        system: The system message, or "".
        before: Calls of original tools that prepare the world, unseen: (name, arguments).
        seed: Of the world and of the final wording.
        failure: What comes back from the first try, which does nothing, whereupon the calls are made again; or "".
        onward: A call that follows with what the first of `calls` returned, or None.
    """

    calls: tuple[PlannedCall, ...] = ()
    reply: str = ""
    missing: str = ""
    follow_up: str = ""
    system: str = ""
    before: tuple[tuple[str, dict[str, Any]], ...] = ()
    seed: int = 0
    failure: str = ""
    onward: NextCall | None = None


@dataclass(frozen=True)
class Turn:
    """A further request in the same conversation, of the same tools."""

    user: str
    plan: Plan


@dataclass(frozen=True)
class Question:
    """One user request, and those that follow it in the same conversation (`then`).

    `tools` are those offered, distractors included; `family` is the row's split key. `drawn` is what a teacher drew
    beside scenario, language and tool, by name, for the row's provenance: who asks, how hard the question is.
    """

    id: str
    scenario: Scenario
    lang: str
    tools: list[Tool]
    user: str
    plan: Plan
    family: str
    split: Side
    then: tuple[Turn, ...] = ()
    drawn: dict[str, str] = field(default_factory=dict)

    @property
    def turns(self) -> list[Turn]:
        """Every request, in order."""
        return [Turn(self.user, self.plan), *self.then]


@dataclass(frozen=True)
class Conversation:
    """A question with everything that follows; `tools` are the schemas shown. `scenario` is `tool_error` wherever a
    call really failed, planned or not.
    """

    id: str
    scenario: Scenario
    lang: str
    messages: list[Message]
    tools: list[ToolSchema]
    split_key: str
    split: Side
