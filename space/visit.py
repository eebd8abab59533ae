"""What one visitor's conversation is, and how it changes: asking, each event of the agent, stopping, taking back.

Comes in: a `Visit` and what happened. Goes out: the next `Visit`. Every function is pure, and every `Visit` that is
not `running` holds a conversation in the one format, so a generation may be stopped between any two events.
Knows nothing of Gradio, of models, or of how a conversation looks.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.events import Delta, Done, Event, Failed, Replied, Result, Thought
from agent.messages import Message, tool_message
from agent.toolbox.world import World, own_chance
from space.consent import Consent


@dataclass(frozen=True)
class CallNote:
    """What the transcript itself does not say of a finished call."""

    seconds: float
    is_error: bool


@dataclass(frozen=True)
class Visit:
    """One visitor's state.

    `messages` is the true transcript (a chat component drops `tool_calls`); `thought` and `text` are what the model is
    writing at this moment; `notes` is keyed by call id; `turn` is the number of the last turn, `failure` why it ended
    without an answer.
    `questions` are the indices of what the visitor said: the agent's own notices to the model are user turns too.
    `world` is what the embedded tools remember of this visitor: made with the first question, so that it knows the
    day; `worlds` are what they remembered as each question was put, so that a question can be taken back with all that
    its calls did. `consent` is set while calls at the end wait for the visitor's word. `world` and `consent` change in
    place, nothing else.
    """

    messages: tuple[Message, ...] = ()
    questions: tuple[int, ...] = ()
    notes: Mapping[str, CallNote] = field(default_factory=dict)
    thought: str = ""
    text: str = ""
    failure: str = ""
    running: bool = False
    turn: int = 0
    world: World | None = None
    worlds: tuple[World, ...] = ()
    consent: Consent | None = None


def ask(visit: Visit, question: str) -> Visit:
    """Put a question; a blank one, or one put while an answer is being written, changes nothing."""
    question = question.strip()
    if not question or visit.running:
        return visit
    kept = before(visit, len(visit.messages))[0] if waits_for_answer(visit) else visit
    asked: Message = {"role": "user", "content": question}
    world = kept.world or World(own_chance())
    return replace(
        kept,
        messages=(*kept.messages, asked),
        questions=(*kept.questions, len(kept.messages)),
        failure="",
        world=world,
        worlds=(*kept.worlds, copy.deepcopy(world)),
    )


def waits_for_answer(visit: Visit) -> bool:
    """Whether the last word is the visitor's."""
    return bool(visit.questions) and visit.questions[-1] == len(visit.messages) - 1


def started(visit: Visit) -> Visit:
    return replace(visit, running=True, turn=visit.turn + 1, failure="", thought="", text="", consent=None)


def advance(visit: Visit, event: Event) -> Visit:
    """The visit after one event of the agent."""
    match event:
        case Thought(text=text):
            return replace(visit, thought=visit.thought + text)
        case Delta(text=text):
            return replace(visit, text=visit.text + text)
        case Replied(message=message):
            return replace(visit, messages=(*visit.messages, message), thought="", text="")
        case Result(message=message, is_error=is_error, seconds=seconds):
            notes = {**visit.notes, message["tool_call_id"]: CallNote(seconds, is_error)}
            return replace(visit, messages=(*visit.messages, message), notes=notes)
        case Failed(reason=reason):
            return replace(visit, failure=reason)
        case Done(reason=reason, messages=messages):
            failure = "" if reason == "answered" else visit.failure or reason
            return replace(visit, messages=tuple(messages), failure=failure, thought="", text="", running=False)
    return visit


def settled(visit: Visit, unanswered: str) -> Visit:
    """The visit as it stands when its turn ends early: what was read stays, and each open call is answered.

    Args:
        visit: Any visit, running or not.
        unanswered: The content of the tool turns that stand in for results which never came.
    """
    messages = list(visit.messages)
    answered = {message["tool_call_id"] for message in messages if message["role"] == "tool"}
    notes = dict(visit.notes)
    for call in [call for message in visit.messages for call in message.get("tool_calls", [])]:
        if call["id"] not in answered:
            messages.append(tool_message(call, unanswered))
            notes[call["id"]] = CallNote(0.0, is_error=True)
    if visit.text:
        messages.append(_written(visit))
    return replace(visit, messages=tuple(messages), notes=notes, thought="", text="", running=False, consent=None)


def before(visit: Visit, index: int) -> tuple[Visit, str]:
    """The visit before the last question at or before `messages[index]`, and that question; unchanged without one.

    What the embedded tools remember is as it was then, too.
    """
    earlier = [position for position in visit.questions if position <= index]
    if not earlier:
        return visit, ""
    at, number = earlier[-1], len(earlier) - 1
    messages = visit.messages[:at]
    called = {call["id"] for message in messages for call in message.get("tool_calls", [])}
    kept = replace(
        visit,
        messages=messages,
        questions=tuple(earlier[:-1]),
        notes={name: note for name, note in visit.notes.items() if name in called},
        failure="",
        world=copy.deepcopy(visit.worlds[number]),  # the snapshot stays as it is, for another time
        worlds=visit.worlds[:number],
    )
    return kept, visit.messages[at]["content"]


def _written(visit: Visit) -> Message:
    """What the model has written so far, as a message."""
    message: Message = {"role": "assistant", "content": visit.text}
    if visit.thought:
        message["reasoning_content"] = visit.thought
    return message
