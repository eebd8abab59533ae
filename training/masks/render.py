"""A chat template, rendered exactly as `tokenizer.apply_chat_template` renders it, with the owner of each character.

Comes in: a Jinja template, the tokenizer's special tokens, a conversation. Goes out: text and spans (instrument.py).
The environment, its filters and the preparation of messages are transformers' own.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
from transformers.utils import chat_template_utils

from training.masks.instrument import Instrumented
from training.masks.owners import Rendering, Span
from training.masks.reasons import MaskRefused
from training.masks.sandbox import make_quick

# Keys that steer the learning; at inference no message has them, so no template may see them.
STEERING = ("train", "weight")
RESERVED = frozenset({"messages", "tools", "documents", "add_generation_prompt"})
"""What a rendering gives the template itself, so that no setting may have these names."""
REMEMBERED = 10_000  # texts of tools and calls kept


class ChatTemplate:
    """One template, compiled once. `header` is what its generation prompt adds after a user's message.

    Args:
        source: The Jinja text.
        variables: What else it may read: the tokenizer's special tokens, and settings such as `enable_thinking`.
    """

    def __init__(self, source: str, variables: Mapping[str, Any]):
        self.source = source
        self._variables = dict(variables)
        self._dumped: dict[tuple[int, str], tuple[Any, str]] = {}
        self._tools: dict[str, list[dict[str, Any]]] = {}
        try:
            # The uncached builder gives an environment that nobody else holds, since instrumenting changes it.
            environment = chat_template_utils._cached_compile_jinja_template("").environment
            self._dump = environment.filters["tojson"]
            environment.filters["tojson"] = self._tojson
            make_quick(environment)
            self._template = Instrumented(environment, source)
        except jinja2.TemplateError as error:
            raise MaskRefused(f"the chat template does not compile: {error}", "render") from error
        self.header = self._header()

    def prepare(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The messages as the template will see them: plain data, without what steers the learning."""
        shown = [{k: v for k, v in message.items() if v is not None and k not in STEERING} for message in messages]
        return chat_template_utils._alias_reasoning_fields(chat_template_utils._plain_template_data(shown))

    def prepare_tools(self, tools: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
        """The tools as the template will see them. An empty list is None, as where a model is asked without tools.

        Rows that offer the same tools get the same object.
        """
        if len(self._dumped) > REMEMBERED:
            self._dumped.clear()
            self._tools.clear()
        if not tools:
            return None
        try:
            key = json.dumps(tools, ensure_ascii=False)  # keeps what == does not: order, and 1 apart from 1.0 and true
        except (TypeError, ValueError):
            return chat_template_utils._plain_template_data(list(tools))
        if key not in self._tools:
            self._tools[key] = chat_template_utils._plain_template_data(list(tools))
        return self._tools[key]

    def render(
        self,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]] | None,
        *,
        generation_prompt: bool,
        ends: bool = False,
    ) -> Rendering:
        """Render prepared messages; with `ends`, so that `beginning` can read it.

        Raises:
            MaskRefused: Where the template raises, in its own words.
        """
        try:
            return self._template(
                messages,
                ends=ends,
                tools=tools,
                documents=None,
                add_generation_prompt=generation_prompt,
                **self._variables,
            )
        except Exception as error:  # a template may divide by zero, or recurse without end
            raise MaskRefused(f"the chat template raises {type(error).__name__}: {error}", "render") from error

    def beginning(self, full: Rendering, length: int, *, generation_prompt: bool) -> Rendering | None:
        """The rendering of the first `length` messages as read off that of all of them; None where it cannot be."""
        end = full.ends.get(length - 1)
        if end is None or not self._template.foresight.ends_with_loop:
            return None
        cut = full.until(end)
        if not generation_prompt:
            return cut
        if not self._template.foresight.constant_prompt:
            return None
        text = cut.text + self.header
        return Rendering(text, [*cut.spans, Span(end, len(text), None)] if self.header else cut.spans)

    def _header(self) -> str:
        """What the generation prompt adds after a user's message; no reply begins with it."""
        asked = [{"role": "user", "content": "?"}]
        try:
            without, prompt = (self.render(asked, None, generation_prompt=wanted).text for wanted in (False, True))
        except MaskRefused:
            return ""
        return prompt[len(without) :] if prompt.startswith(without) else ""

    def _tojson(self, value: Any, *arguments: Any, **options: Any) -> str:
        """Transformers' own filter; renderings share the text of their tools and calls."""
        if not isinstance(value, dict):
            return self._dump(value, *arguments, **options)
        key = (id(value), f"{arguments}{options}")
        if key not in self._dumped:  # the value is kept too, so that its id() stays its own
            self._dumped[key] = value, self._dump(value, *arguments, **options)
        return self._dumped[key][1]
