"""What the page does when a visitor does something: one method for each event.

Comes in: the visitor's `Visit`, what was typed or clicked, the page's language. Goes out: the next `Visit` and updates
of the page. One `Page` serves every visitor and holds nothing of any of them.
"""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

import gradio as gr

from agent.confirming import refuse
from agent.loop import Agent
from agent.messages import ToolSchema
from agent.models import ChatModel, Sampling
from agent.selection import Selector
from agent.tools import Tool
from space.answer import answers
from space.consent import as_html
from space.examples import Example, fitting
from space.feedback import Feedback, as_row
from space.tool_list import OFFERED_AT_FIRST, ticked_first
from space.view import shown
from space.visit import Visit, ask, before, settled
from space.words import WORDS, language_of

Drawn = list[Any]  # messages as `gr.Chatbot` takes them


class Page:
    """Handlers over a model and tools that all visitors share.

    Args:
        model: Who answers.
        tools: Every tool on the page; a visitor's ticks say which of them the model is offered.
        feedback: Where ratings go; None: ratings are not offered.
        questions: Example questions in place of the embedded tools' own.
        sampling: How replies are drawn; None: as the agent does by default.
        warned: Whether the page says that the adapter was trained with another chat template than it is served with.
        patience: Seconds after which a visitor who was asked about a call, and has not answered, has refused it.
    """

    def __init__(
        self,
        model: ChatModel,
        tools: Sequence[Tool],
        feedback: Feedback | None = None,
        questions: Sequence[str] = (),
        *,
        sampling: Sampling | None = None,
        warned: bool = False,
        patience: float = 120.0,
    ):
        self.sampling, self.warned, self.patience = sampling, warned, patience
        self.model, self.tools, self.feedback = model, list(tools), feedback
        known = {tool.name for tool in tools}
        self.examples = [Example(language_of(text), text) for text in questions] or fitting(known)
        self._selector = Selector(self.tools)

    def draw(self, visit: Visit, lang: str) -> Drawn:
        return [line.message for line in shown(visit, WORDS[lang])]

    def asked(self, text: str, visit: Visit, choose: bool, lang: str) -> tuple[Any, Visit, Any, Any]:
        """Put the visitor's text as a question, and with `choose` tick the tools nearest to it; the box is emptied only
        where it was taken.
        """
        after = ask(visit, text)
        if after is visit:
            return gr.skip(), visit, gr.skip(), gr.skip()
        return "", after, self.draw(after, lang), self.nearest(after) if choose else gr.skip()

    def nearest(self, visit: Visit) -> Any:
        """The list of tools, with those ticked that are nearest to the last questions, or were called before."""
        return self.ticked([tool.name for tool in self._selector.for_conversation(visit.messages, OFFERED_AT_FIRST)])

    def ticked(self, names: Collection[str]) -> Any:
        """The list of tools with `names` ticked, those first, since the list may be longer than its box."""
        chosen = [tool.name for tool in self.tools if tool.name in names]
        return gr.CheckboxGroup(choices=ticked_first(self.tools, chosen), value=chosen)

    def example(self, visit: Visit, names: list[str], lang: str, data: gr.SelectData) -> tuple[Visit, Any, Drawn]:
        """Put an example as the question, and offer the tools that it needs in place of as many others."""
        text = data.value["text"]
        needed = next((example.tools for example in self.examples if example.text == text), ())
        others = [name for name in names if name not in needed]
        after = ask(visit, text)
        return after, self.ticked({*needed, *others[: max(0, len(names) - len(needed))]}), self.draw(after, lang)

    async def answer(self, visit: Visit, names: list[str], lang: str) -> AsyncIterator[tuple[Any, ...]]:
        """Run the agent on what waits for it; the last of what is handed out is the turn's number."""
        offered, drawn = [tool for tool in self.tools if tool.name in names], False
        # Calls that act outside come here with their answers; none without.
        confirm = refuse if visit.consent is None else visit.consent.confirm
        agent = Agent(self.model, offered, sampling=self.sampling, lang=_spoken(visit, lang), confirm=confirm)
        async for now in answers(agent, visit, WORDS[lang]):
            drawn = True
            yield now, self.draw(now, lang), gr.Textbox(stop_btn=now.running), now.turn
        if not drawn:  # Gradio empties what a generator says nothing about
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()

    def rest(self, visit: Visit, turn: int, lang: str) -> tuple[Any, ...]:
        """After turn number `turn`: put the question to the visitor that it ended with, or come to rest where it was
        stopped. Another turn that runs by now is left alone.
        """
        if not visit.running or visit.consent is not None or visit.turn != turn:
            return gr.skip(), gr.skip(), gr.skip(), *self.question(visit, lang)
        return self._settled(visit, lang)

    def stopped(self, visit: Visit, lang: str) -> tuple[Any, ...]:
        """Come to rest where calls wait for the visitor's word; a turn that runs does so when it has been cancelled."""
        if visit.consent is None:
            return (gr.skip(),) * 7
        return self._settled(visit, lang)

    def cleared(self) -> tuple[Any, ...]:
        return Visit(), [], gr.Textbox(stop_btn=False), *self.question(Visit(), "en")

    def question(self, visit: Visit, lang: str) -> tuple[Any, Any, Any, Any]:
        """The open question's box, text, ticket and clock; without one, the box is hidden."""
        asked = visit.consent and visit.consent.question
        shown, ticket = asked is not None, asked.ticket if asked else ""
        return gr.Column(visible=shown), self.asked_about(visit, lang), ticket, gr.Timer(active=shown)

    def asked_about(self, visit: Visit, lang: str) -> str:
        """The open question as HTML."""
        asked = visit.consent and visit.consent.question
        if not asked:
            return ""
        tool = next(tool for tool in self.tools if tool.name == asked.call["function"]["name"])
        return as_html(asked.call, tool.localized(lang), WORDS[lang])

    # These are coroutines, so that two answers that come at once are taken one after the other.

    async def allowed(self, ticket: str, visit: Visit, lang: str) -> tuple[Any, ...]:
        return self._said(True, ticket, visit, lang)

    async def refused(self, ticket: str, visit: Visit, lang: str) -> tuple[Any, ...]:
        return self._said(WORDS[_spoken(visit, lang)].refused, ticket, visit, lang)

    async def unanswered(self, ticket: str, visit: Visit, lang: str) -> tuple[Any, ...]:
        """The clock has struck; it may have been set for the question before this one."""
        if visit.consent is None or visit.consent.seconds < 0.9 * self.patience:
            return (gr.skip(),) * 4
        return self._said(WORDS[_spoken(visit, lang)].unanswered, ticket, visit, lang)

    def taken_back(self, visit: Visit, lang: str) -> tuple[Any, Visit, Drawn]:
        """Remove the last question and all that followed; the question returns to the box."""
        earlier, question = _before_last(visit)
        return question or gr.skip(), earlier, self.draw(earlier, lang)

    def again(self, visit: Visit, lang: str) -> tuple[Visit, Drawn]:
        """Put the last question once more."""
        earlier, question = _before_last(visit)
        visit = ask(earlier, question)
        return visit, self.draw(visit, lang)

    def reworded(self, visit: Visit, choose: bool, lang: str, data: gr.EditData) -> tuple[Visit, Drawn, Any]:
        """Ask an edited question, as `asked` does; what followed the old one is dropped."""
        origin = _origin(visit, lang, data.index)
        if visit.running or not str(data.value).strip():  # a blank question takes the place of none
            return visit, self.draw(visit, lang), gr.skip()
        visit = ask(before(visit, origin)[0], str(data.value))
        return visit, self.draw(visit, lang), self.nearest(visit) if choose else gr.skip()

    def rated(self, visit: Visit, names: list[str], lang: str, data: gr.LikeData) -> None:
        """Save the conversation up to the rated answer; a mark that was taken back is saved as such."""
        if self.feedback is None or visit.running:
            return
        origin = _origin(visit, lang, data.index)
        word = "like" if data.liked is True else "dislike" if data.liked is False else str(data.liked or "withdrawn")
        # The mark names the first line of what was answered, be it a call; the answer goes on to the next question.
        end = next((question for question in visit.questions if question > origin), len(visit.messages))
        row = self._row(visit.messages[:end], visit, names, lang, feedback=word)
        self.feedback.save(row)
        gr.Info(WORDS[lang].thanks, duration=3)

    def as_text(self, visit: Visit, names: list[str], lang: str) -> str:
        """The conversation as one JSON line, a dataset row; where there is none, empty, and the visitor is told."""
        visit = settled(visit, WORDS[lang].stopped)
        if not visit.messages:
            gr.Info(WORDS[lang].nothing_yet, duration=3)
            return ""
        return json.dumps(self._row(visit.messages, visit, names, lang), ensure_ascii=False)

    def schemas(self, lang: str) -> list[ToolSchema]:
        return [tool.localized(lang) for tool in self.tools]

    def _said(self, word: bool | str, ticket: str, visit: Visit, lang: str) -> tuple[Any, ...]:
        if visit.consent is not None:
            visit.consent.say(ticket, word)
        return self.question(visit, lang)

    def _settled(self, visit: Visit, lang: str) -> tuple[Any, ...]:
        visit = settled(visit, WORDS[lang].stopped)
        return visit, self.draw(visit, lang), gr.Textbox(stop_btn=False), *self.question(visit, lang)

    def _row(
        self, messages: Sequence[Any], visit: Visit, names: list[str], lang: str, **quality: Any
    ) -> dict[str, Any]:
        called = {call["function"]["name"] for message in messages for call in message.get("tool_calls", [])}
        shown_tools = [tool for tool in self.tools if tool.name in {*names, *called}]
        schemas = [tool.localized(_spoken(visit, lang)) for tool in shown_tools]
        return as_row(messages, schemas, self.model.name, **quality)


def example_cards(examples: Sequence[Example], lang: str, most: int = 6) -> list[Any]:
    """The examples as the chatbot takes them: two thirds in the page's language, the rest in the other."""
    own = [example for example in examples if example.lang == lang]
    other = [example for example in examples if example.lang != lang]
    few = other[: max(most // 3, most - len(own))]
    return [{"text": example.text} for example in [*own[: most - len(few)], *few]]


def _spoken(visit: Visit, lang: str) -> str:
    """The language of the conversation: its first question's, whatever the page's language is."""
    first = next((message["content"] for message in visit.messages if message["role"] == "user"), "")
    return language_of(first, otherwise=lang)


def _before_last(visit: Visit) -> tuple[Visit, str]:
    """The visit before its last question, and that question; a visit that is running must be stopped first."""
    return (visit, "") if visit.running else before(visit, len(visit.messages))


def _origin(visit: Visit, lang: str, index: int | tuple[int, int]) -> int:
    """The transcript message behind the chatbot's message `index`."""
    lines = shown(visit, WORDS[lang])
    position = index if isinstance(index, int) else index[0]
    return lines[min(position, len(lines) - 1)].origin
