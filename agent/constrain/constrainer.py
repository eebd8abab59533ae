"""Makes the logits processor for a local model: its tokenizer for llguidance, its layout, grammars that are kept.

Comes in: a model with its tokenizer and template. Goes out: a processor for each call of `generate`, or None where
nothing is to be enforced.
"""

import functools
import json
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import torch

from agent.constrain.grammar import longest_option, mark_of, reply_grammar, shortest_call
from agent.constrain.layout import Layout, template_layout, text_layout
from agent.constrain.processor import Constraint, Ends, Opener, Room, ends_of
from agent.errors import UserError
from agent.messages import Message, ToolSchema
from agent.models.protocol import Sampling

MAX_GRAMMARS = 64


class Constrained(Protocol):
    """What is needed of a model."""

    name: str
    format: str
    tokenizer: Any
    stop_ids: set[int]

    def for_llguidance(self) -> Any: ...

    def rendered(self, messages: Sequence[Message], tools: Sequence[ToolSchema], generation: bool) -> str: ...


class Constrainer:
    """Holds one model's replies to grammars."""

    def __init__(self, model: Constrained):
        self._model = model
        self._grammars: dict[str, Any] = {}
        self._lock = threading.Lock()

    def processor(
        self, tools: Sequence[Sequence[ToolSchema]], sampling: Sampling, prompts: torch.Tensor, limit: int
    ) -> Constraint | None:
        """The processor for one batch.

        Args:
            tools: Of each row.
            sampling: How calls may be made.
            prompts: Token ids, shape (batch, width).
            limit: How many tokens may be written.

        Raises:
            UserError: the template or a schema cannot be followed, or `tool_choice` names no tool.
        """
        if not sampling.enforces:
            return None
        with self._lock:
            rooms = [self._room(row, limit) for row in tools]
            matchers = [
                self._matcher(row, sampling, self._bound(limit - room.call), self._in_thought(prompt))
                for row, prompt, room in zip(tools, prompts, rooms, strict=True)
            ]
        return Constraint(
            matchers, width=prompts.shape[1], limit=limit, rooms=rooms, ends=self._ends, opener=self._opener
        )

    def check(self, tools: Sequence[ToolSchema]) -> None:
        """Make sure that calls to these tools, and to any of them, can be held to their schemas.

        Raises:
            UserError: the template or a schema cannot be followed.
        """
        with self._lock:
            self._compiled(tools, Sampling(constrained=True), bound=16, opened=False)

    def _room(self, tools: Sequence[ToolSchema], limit: int) -> Room:
        call = 3 * len(self._ids(shortest_call(tools, self.layout))) // 2 + 16  # a grammar may cut it into more tokens
        return Room(min(limit * 3 // 4, call), len(self._ids(longest_option(tools))) + 4)

    def _bound(self, spare: int) -> int:
        """How many tokens a thought, and a text before a call that must come, may have where so many are to spare."""
        tags = len(self._ids("<think>\n\n</think>\n\n")) if self._thinks else 0
        mark = len(self._ids((self.layout.content_end or "") + self.layout.mark))  # it counts as the end of a text
        return max(mark, (spare - tags) // 3)

    def _matcher(self, tools: Sequence[ToolSchema], sampling: Sampling, bound: int, opened: bool) -> Any:
        key = json.dumps([list(tools), sampling.tool_choice, sampling.parallel, bound, opened], ensure_ascii=False)
        if key not in self._grammars:
            while len(self._grammars) >= MAX_GRAMMARS:
                del self._grammars[next(iter(self._grammars))]
            self._grammars[key] = self._compiled(tools, sampling, bound, opened)
        return self._grammars[key].deep_copy()

    def _compiled(self, tools: Sequence[ToolSchema], sampling: Sampling, bound: int, opened: bool) -> Any:
        import llguidance  # only where something is enforced

        grammar = reply_grammar(
            tools,
            self.layout,
            choice=sampling.tool_choice,
            parallel=sampling.parallel,
            text_tokens=bound,
            thinks=self._thinks,
            opened_thought=opened,
            special=self._special,
        )
        matcher = llguidance.LLMatcher(self._tokenizer, llguidance.grammar_from("lark", grammar), log_level=0)
        if error := matcher.get_error():
            names = ", ".join(tool["function"]["name"] for tool in tools)
            reason = next((line for line in error.splitlines() if line.strip()), error)[:300]
            mend = "simplify the schema it names, or leave constrained decoding off"
            raise UserError(f"the schemas of {names} cannot be enforced: {reason}", mend=mend)
        return matcher

    @property
    def _thinks(self) -> bool:
        return "<think>" in str(self._model.tokenizer.chat_template)

    @functools.cached_property
    def layout(self) -> Layout:
        """How the model's calls are written; raises `UserError` where its template does not show it."""
        if self._model.format != "native":
            return text_layout(self._model.format)
        stops = [self._model.tokenizer.decode([token]) for token in self._model.stop_ids]
        return template_layout(self._model.rendered, stops, self._model.name)

    @functools.cached_property
    def _tokenizer(self) -> Any:
        return self._model.for_llguidance()

    @functools.cached_property
    def _texts(self) -> list[bytes]:
        tokenizer = self._tokenizer
        return [tokenizer.decode_bytes([token]) for token in range(tokenizer.vocab_size)]

    @functools.cached_property
    def _ends(self) -> Ends:
        return ends_of(self._texts, self._model.stop_ids)

    @functools.cached_property
    def _opener(self) -> Opener:
        return Opener(self._texts, mark_of(self.layout, self._special), self.layout.lead or "")

    @functools.cached_property
    def _special(self) -> dict[str, int]:
        """The tokens that llguidance takes for special: a grammar must name them as such."""
        added: dict[str, int] = self._model.tokenizer.get_added_vocab()
        return {word: token for word, token in added.items() if self._tokenizer.is_special_token(token)}

    def _in_thought(self, prompt: torch.Tensor) -> bool:
        return bool(self._model.tokenizer.decode(prompt[-8:].tolist()).rstrip("\n").endswith("<think>"))

    def _ids(self, text: str) -> list[int]:
        return list(self._model.tokenizer(text, add_special_tokens=False)["input_ids"])
