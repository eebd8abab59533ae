"""The replies of one conversation under one template, as text: both methods asked, and held against each other.

Comes in: prepared messages and a compiled template. Goes out: for one message its prompt, its reply and its stop token,
with what the template left out, or a refusal. Knows nothing of token ids, labels or sequences.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast

from training.masks import owners, sentinels
from training.masks.owners import Rendering
from training.masks.reasons import Finding, FindingKind, MaskRefused, PromptMismatch, Unanswered
from training.masks.render import ChatTemplate
from training.masks.tokens import Tokens

Method = Literal["both", "owners", "sentinels"]
METHODS: tuple[Method, ...] = ("both", "owners", "sentinels")


@dataclass(frozen=True)
class Reply:
    """One reply as text: what comes before it, itself without the stop token, the stop token."""

    message: int
    prompt: str
    text: str
    stop: str
    weight: float


class Conversation:
    """One conversation under one template, whose replies are looked for one by one.

    Two renderings of the whole, the true one and one with sentinels in every reply, are made first: where the template
    looks at no later message, a turn or prompt is read off them, and elsewhere it is rendered by itself.
    """

    def __init__(
        self,
        template: ChatTemplate,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]] | None,
        tokens: Tokens,
        method: Method,
    ):
        self._template, self._messages, self._tools = template, messages, tools
        self._tokens, self._method = tokens, method
        self._marked: dict[int, sentinels.Marked] = {}
        self._strings: dict[str, str] = {}
        for index, message in enumerate(messages):
            if message["role"] == "assistant":
                self._marked[index] = sentinels.mark(message, len(self._strings))
                self._strings |= self._marked[index].strings
        self._whole = self._try(messages)
        marked = [self._marked[i].message if i in self._marked else m for i, m in enumerate(messages)]
        self._whole_marked = self._try(marked)

    def reply(self, index: int, weight: float) -> tuple[Reply, list[Finding]]:
        """The reply of `messages[index]`, and what is wrong with it."""
        marked = self._marked[index]
        try:
            prompt = self._beginning(self._whole, index, True) or self._render(self._messages[:index], True)
            turn = self._beginning(self._whole, index + 1, False) or self._render(self._messages[: index + 1], False)
            seen = self._seen(index, marked)
            findings = self._dropped(index, seen)
            start, end = self._agreed(index, turn, prompt, marked, seen)
        except PromptMismatch as mismatch:
            raise MaskRefused(str(mismatch), "prompt", index) from mismatch
        except Unanswered as unanswered:
            raise MaskRefused(str(unanswered), "unanswered", index) from unanswered
        except MaskRefused as refusal:
            if refusal.message is not None:
                raise
            raise MaskRefused(refusal.reason, refusal.kind, index) from refusal
        if self._method == "both" and self._template.header and turn.text.startswith(self._template.header, start):
            raise MaskRefused(str(PromptMismatch("", start, self._template.header)), "prompt", index)
        before = prompt.text if self._method == "both" else turn.text[:start]
        text, stop = turn.text[start:end], self._tokens.last_special(turn.text[start:end])
        if not stop:
            closing = turn.text[len(turn.text) - len(seen.literals[-1]) : end]
            stop = self._stop_of_next(index, marked, closing)
        if not stop:
            findings.append(Finding("missing_stop", index, "no stop token ends this reply"))
        elif self._tokens.declared_stops and stop not in self._tokens.stops:
            findings.append(Finding("missing_stop", index, f"{stop!r} is none of the model's stop tokens"))
        text = text.removesuffix(stop) if stop and text.endswith(stop) else text
        return Reply(index, before, text, stop, weight), findings

    def _render(self, messages: list[dict[str, Any]], generation_prompt: bool) -> Rendering:
        return self._template.render(messages, self._tools, generation_prompt=generation_prompt)

    def _text(self, messages: list[dict[str, Any]], generation_prompt: bool) -> str:
        return self._render(messages, generation_prompt).text

    def _try(self, messages: list[dict[str, Any]]) -> Rendering | None:
        """A rendering of the whole conversation, where it has one: only its beginnings may have."""
        try:
            return self._template.render(messages, self._tools, generation_prompt=False, ends=True)
        except MaskRefused:
            return None

    def _beginning(self, whole: Rendering | None, length: int, generation_prompt: bool) -> Rendering | None:
        """The rendering of the first messages, where it can be read off a whole one."""
        if whole is None:
            return None
        if length == len(self._messages) and not generation_prompt:
            return whole
        return self._template.beginning(whole, length, generation_prompt=generation_prompt)

    def _seen(self, index: int, marked: sentinels.Marked) -> sentinels.Skeleton:
        """What the template does with the strings of a message."""
        turn = self._beginning(self._whole_marked, index + 1, False)
        if turn is None:
            turn = self._render([*self._messages[:index], marked.message], False)
        return sentinels.skeleton(turn.text, marked)

    def _dropped(self, index: int, seen: sentinels.Skeleton) -> list[Finding]:
        """What the template leaves out of this message; a call left out refuses it."""
        calls = sorted(part for part in seen.missing if part.startswith("call"))
        if calls:
            what = f"the chat template leaves out {len(calls)} of its tool calls"
            raise MaskRefused(what, "dropped_call", index)
        return [
            Finding(cast(FindingKind, f"dropped_{part}"), index, f"the chat template leaves out its {part}")
            for part in sorted(seen.missing)
        ]

    def _agreed(
        self, index: int, turn: Rendering, prompt: Rendering, marked: sentinels.Marked, seen: sentinels.Skeleton
    ) -> tuple[int, int]:
        """Start and end of the reply in the turn's text, stop token included where the text has it."""
        answers = []
        if self._method in ("both", "owners"):
            answers.append(self._by_owner(index, turn, prompt))
        if self._method in ("both", "sentinels"):
            answers.append(self._by_sentinel(index, turn, prompt, marked, seen))
        if answers[0] != answers[-1]:
            one, other = (turn.text[start:end] for start, end in answers)
            reason = f"the two methods differ: by owners the reply is {_short(one)}, by sentinels {_short(other)}"
            raise MaskRefused(reason, "disagreement", index)
        return answers[0]

    def _by_owner(self, index: int, turn: Rendering, prompt: Rendering) -> tuple[int, int]:
        try:
            start, end = owners.reply_region(turn, prompt, index)
        except PromptMismatch as mismatch:
            if self._method == "both":
                raise
            start, end = mismatch.start, max(span.end for span in turn.spans if span.owner == index)
        stop = self._tokens.stop_at_end(turn.text[start:end])
        if stop:
            return start, start + stop
        after = self._tokens.stop_after(turn.text[end:])  # written once, after the last message
        return start, end + after if after else start + len(turn.text[start:end].rstrip())

    def _by_sentinel(
        self, index: int, turn: Rendering, prompt: Rendering, marked: sentinels.Marked, seen: sentinels.Skeleton
    ) -> tuple[int, int]:
        messages = self._messages[: index + 1]
        try:
            region = sentinels.reply_region(self._text, messages, turn.text, prompt.text, marked, seen, self._strings)
            start, payload_end = region
        except PromptMismatch as mismatch:
            if self._method == "both":
                raise
            start, payload_end = mismatch.start, len(turn.text) - len(seen.literals[-1])
        tail = turn.text[payload_end:]
        if self._tokens.groups(tail) > 1:
            # One may stand after the last message only; the reply's own stop is there in mid-conversation too.
            shared = tail[: owners.common_prefix(tail, self._tail_if_followed(index, marked))]
            tail = shared if self._tokens.groups(shared) else tail
        stop = self._tokens.stop_in_tail(tail)
        return start, payload_end + (stop or len(tail.rstrip()))

    def _stop_of_next(self, index: int, marked: sentinels.Marked, closing: str) -> str:
        """The stop token that the template writes only where another message follows, or nothing.

        Args:
            index: The message.
            marked: It, with sentinels.
            closing: What the template writes after its last string, as `</tool_call>`.
        """
        after = self._tail_if_followed(index, marked)
        if not after.startswith(closing):
            return ""
        return after[len(closing) : len(closing) + self._tokens.stop_after(after[len(closing) :])]

    def _tail_if_followed(self, index: int, marked: sentinels.Marked) -> str:
        """What comes after the message's last string where another message follows; nothing where that cannot be."""
        following = self._messages[index + 1 : index + 2]
        if not following or following[0]["role"] == "assistant":  # the same speaker's header would stop nothing
            following = [_probe(self._messages[index])]
        try:
            text = self._text([*self._messages[:index], marked.message, *following], False)
        except MaskRefused:
            return ""
        ends = [text.rfind(sentinel) + len(sentinel) for sentinel in marked.strings if sentinel in text]
        return text[max(ends) :] if ends else ""


def _probe(message: dict[str, Any]) -> dict[str, Any]:
    """A message that may follow a reply: the result of its call, or a user's."""
    calls = message.get("tool_calls")
    if not calls:
        return {"role": "user", "content": "?"}
    call = calls[0]
    return {"role": "tool", "content": "?", "name": call["function"]["name"], "tool_call_id": call.get("id", "")}


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 80 else f"{shown[:38]}…{shown[-38:]}"
