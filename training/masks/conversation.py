"""The replies of one conversation under one template, as text: both methods asked, and held against each other.

Comes in: prepared messages and a compiled template. Goes out: for one message its prompt, its reply and its stop token,
with what the template left out, or a refusal. Knows nothing of token ids, labels or sequences.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast

from training.masks import owners, sentinels
from training.masks.left_out import left_out_of_calls, left_out_tags
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
        text, stop = self._parted(index, turn.text[start:], end - start, marked, seen)
        self._check_whole(index, text)
        for tag in left_out_tags(self._messages[index], text):
            findings.append(Finding("dropped_content", index, f"the chat template leaves out {tag} of its content"))
        if not stop:
            findings.append(Finding("missing_stop", index, "no stop token ends this reply"))
        elif self._tokens.declared_stops and stop not in self._tokens.stops:
            findings.append(Finding("missing_stop", index, f"{stop!r} is none of the model's stop tokens"))
        return Reply(index, before, text, stop, weight), findings

    def _parted(
        self, index: int, rest: str, length: int, marked: sentinels.Marked, seen: sentinels.Skeleton
    ) -> tuple[str, str]:
        """A reply without its stop token, and that, which may be written only where another message follows.

        Args:
            index: The message.
            rest: The turn's text from the reply on.
            length: That of the reply.
            marked: The message with sentinels.
            seen: What the template did with it.
        """
        text = rest[:length]
        stop = self._tokens.last_special(text)
        if stop:
            return text.removesuffix(stop), stop
        closing = seen.literals[-1]  # what the template writes after the last string, as `</tool_call>`
        after = self._tail_if_followed(index, marked)
        stop = self._special_after(after, closing)
        if stop and (stop in self._tokens.stops or not closing[-1:].isspace()):
            return rest, stop  # blanks before it are to be written too
        return text, self._special_after(after, closing[: max(0, len(closing) - (len(rest) - length))])

    def _special_after(self, text: str, beginning: str) -> str:
        """The special token that comes right after a beginning of a text, or nothing."""
        if not text.startswith(beginning):
            return ""
        return text[len(beginning) : len(beginning) + self._tokens.stop_after(text[len(beginning) :])]

    def _check_whole(self, index: int, text: str) -> None:
        """Refuse a reply that lacks a part of its calls, or in whose middle a model would stop."""
        message = self._messages[index]
        lost = left_out_of_calls(message, text)
        if lost:
            what = f"the chat template leaves out a part of its tool calls: {', '.join(map(_short, lost))}"
            raise MaskRefused(what, "dropped_call", index)
        own = [text, *self._marked[index].strings.values(), message["content"], message.get("reasoning_content", "")]
        inside = sorted(known for known in self._tokens.stops if any(known in each for each in own))
        if inside:
            raise MaskRefused(f"a model would stop at the {inside[0]!r} inside this reply", "stop_inside", index)

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
            what = f"the chat template leaves out {len(calls)} of its tool calls, or a part of them"
            raise MaskRefused(what, "dropped_call", index)
        return [
            Finding(
                cast(FindingKind, f"dropped_{part}"), index, f"the chat template leaves out its {part}, or a part of it"
            )
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
