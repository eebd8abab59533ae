"""What the model is shown of a conversation: distilled results, a restated question, fences around data.

Comes in: the conversation, which is left as it is. Goes out: the messages for the model. What the model was asked for
it is remembered, so that each result and each question is worked on once, however often a run is continued.
"""

from collections.abc import Sequence

from agent.around import distilling, rewriting
from agent.around.asking import ask
from agent.events import Distilled, Event, Restated
from agent.messages import Message
from agent.models.protocol import ChatModel, Sampling
from agent.notices import notice
from agent.progress import Progress
from agent.safety.marking import as_data

REMEMBERED = 256  # answers
# What the loop says in the user's place, before and after the problem it names. It is known by its words, since a run
# that is taken up again brings it along among the messages.
_OWN_WORDS = [notice("unreadable", lang, problem="\0").split("\0") for lang in ("en", "zh")]


class View:
    """What one agent's model is shown.

    Args:
        model: Is asked for facts and restatements.
        sampling: How its replies are drawn.
        lang: In which language it is asked.
        seed: Names the fence.
        mark: Whether results are fenced (see `agent.safety.marking`).
        distill: Results longer than so many characters are distilled; None for none.
        rewrite: Whether the last question is restated.
    """

    def __init__(
        self,
        model: ChatModel,
        sampling: Sampling,
        lang: str,
        seed: int,
        *,
        mark: bool,
        distill: int | None,
        rewrite: bool,
    ):
        self._model, self._sampling, self._lang, self._seed = model, sampling, lang, seed
        self._mark, self._distill, self._rewrite = mark, distill, rewrite
        self._remembered: dict[tuple[str, ...], str] = {}

    async def of(self, progress: Progress, told: list[Event]) -> list[Message]:
        """The messages to show; what was done for it is added to `told`. Raises `UserError` and `OutOfTimeError`."""
        shown = list(progress.messages)
        if self._rewrite:
            await self._restate(shown, progress, told)
        if self._distill is not None:
            await self._shorten(shown, self._distill, progress, told)
        return as_data(shown, self._lang, self._seed) if self._mark else shown

    async def _restate(self, shown: list[Message], progress: Progress, told: list[Event]) -> None:
        last = max((at for at, message in enumerate(shown) if _is_users(message)), default=None)
        if last is None:
            return
        said = [message for message in shown[: last + 1] if message["role"] != "user" or _is_users(message)]
        asked = rewriting.order(said, self._lang)
        answer, is_new = await self._asked(asked, progress, told)
        text = rewriting.restated(answer, shown[last]["content"])
        if is_new and text != shown[last]["content"]:
            told.append(Restated(text))
        shown[last] = {**shown[last], "content": text}

    async def _shorten(self, shown: list[Message], limit: int, progress: Progress, told: list[Event]) -> None:
        question = ""
        for at, message in enumerate(shown):
            raw = message["content"]
            if _is_users(message):
                question = raw
            if message["role"] != "tool" or len(raw) <= limit:
                continue
            answer, is_new = await self._asked(distilling.order(question, raw, self._lang), progress, told)
            facts = distilling.facts_in(answer, raw)
            if is_new:
                told.append(Distilled(message["tool_call_id"], facts))
            shown[at] = {**message, "content": distilling.shown(facts, raw, limit, self._lang)}

    async def _asked(self, messages: Sequence[Message], progress: Progress, told: list[Event]) -> tuple[str, bool]:
        key = tuple(message["content"] for message in messages)
        is_new = key not in self._remembered
        if is_new:
            answer = await ask(self._model, messages, self._sampling, progress, told)
            while len(self._remembered) >= REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[key] = answer
            return answer, True
        return self._remembered[key], False


def _is_users(message: Message) -> bool:
    """Whether the user said it, and not the loop in the user's place."""
    text = message["content"]
    own = any(text.startswith(before) and text.endswith(after) for before, after in _OWN_WORDS)
    return message["role"] == "user" and not own
