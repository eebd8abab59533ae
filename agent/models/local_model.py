"""A model that runs here, whatever computes it: its chat template asks, its text is streamed and read.

Comes in: conversations. Goes out: the stream of `agent.models.protocol`. What is common to `transformers_model` and
`gguf_model`, which bring the tokenizer and write the tokens. Generation takes turns within one model. Knows nothing of
the execution of tools.
"""

import asyncio
import copy
import functools
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any

import torch
from jinja2.exceptions import TemplateError
from transformers import LogitsProcessorList

from agent.constrain import Constrainer, read_held
from agent.errors import UserError
from agent.formats.prompting import TextFormat, as_text, stop_texts
from agent.messages import Message, ToolSchema
from agent.models.abilities import abilities
from agent.models.deciding import CallOrText, beginnings
from agent.models.generation import Decoder, Sender
from agent.models.protocol import Reply, Sampling, TextDelta, Usage
from agent.models.visible import visible_in
from agent.parse import parse_reply

# Tokens that end a turn in one family's template or another's, without always being named as such in its config.
_TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|end|>", "<|return|>", "<|call|>")
_THINK = "<think>"
_FREE = Sampling()


class LocalModel(ABC):
    """What every model that runs here does.

    Args:
        name: What it is called in rows and reports.
        tokenizer: transformers' own, or what does the same.
        stop_ids: Tokens that end a reply, beside those that the template ends a turn with.
        format: How tools are asked for: "native" by the chat template, "hermes", "react" or "react_zh" as text in plain
            roles, "auto" by the template where it knows tools, calls and results, else as hermes.
    """

    def __init__(self, name: str, tokenizer: Any, stop_ids: Iterable[int | None], format: str):  # noqa: A002
        self.name = name
        self.tokenizer = tokenizer
        ends = _turn_ends(str(tokenizer.chat_template), tokenizer.get_added_vocab())
        self.stop_ids = {token for token in (*stop_ids, tokenizer.eos_token_id, *ends) if token is not None}
        pad, start = tokenizer.pad_token_id, tokenizer.bos_token_id
        self._pad_id: int = pad if pad is not None else min(self.stop_ids, default=0)
        # Tokens that never show. Other special tokens may: in some families one opens a tool call.
        self._hidden_ids = {self._pad_id, *self.stop_ids, *([] if start is None else [start])}
        self._can = abilities(tokenizer)
        self.format = format if format != "auto" else "native" if self._can.tools else "hermes"
        self._constrainer = Constrainer(self)
        self._turn = threading.Lock()

    @abstractmethod
    def for_llguidance(self) -> Any:
        """The tokenizer as llguidance takes it."""

    @abstractmethod
    def _positions(self) -> int:
        """How many tokens the model reads at most."""

    @abstractmethod
    def _write_tokens(
        self, prompt: list[int], tools: Sequence[ToolSchema], sampling: Sampling, stop: threading.Event, sender: Sender
    ) -> None:
        """Generate, sending each token, until the reply ends or `stop` is set; called in a thread, in turn."""

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> AsyncGenerator[TextDelta | Reply, None]:
        """Write the next message. Leaving the iterator stops the generation at the next token."""
        text = self.prompt(messages, tools)
        prompt = self._ids(text)
        self._check_length(len(prompt))
        arrived: asyncio.Queue[int | BaseException | None] = asyncio.Queue()
        stop = threading.Event()
        thread = threading.Thread(
            target=self._generate_into,
            args=(prompt, tools, sampling, stop, Sender(arrived)),
            name="generate",
            daemon=True,
        )
        decoder, visible = Decoder(self.tokenizer), visible_in(self.format)
        for delta in visible.feed(_opened_thought(text)):
            yield delta
        ids: list[int] = []
        thread.start()
        try:
            while (token := await arrived.get()) is not None:
                if isinstance(token, BaseException):
                    raise token
                ids.append(token)
                if token not in self._hidden_ids:
                    for delta in visible.feed(decoder.add(token)):
                        yield delta
        finally:
            stop.set()
            while thread.is_alive():  # at most one token's time; joining would block the event loop
                await asyncio.sleep(0.002)
        reply = self._reply(text, ids, len(prompt), tools, sampling)
        for delta in [*visible.feed(decoder.rest()), *visible.finish(calls="tool_calls" in reply.message)]:
            yield delta
        yield reply

    def check_constrained(self, tools: Sequence[ToolSchema]) -> None:
        """Make sure that calls to `tools` can be held to their schemas while they are written.

        Raises:
            UserError: they cannot, and why.
        """
        self._constrainer.check(tools)

    def _processors(
        self, tools: Sequence[Sequence[ToolSchema]], sampling: Sampling, prompts: torch.Tensor, limit: int
    ) -> LogitsProcessorList:
        """What changes the scores of one batch: `tools` are each row's, `prompts` token ids of shape (batch, width)."""
        found = LogitsProcessorList()
        if sampling.decides and any(tools) and self._call_beginnings:
            rows, width = [bool(row) for row in tools], prompts.shape[1]
            found.append(CallOrText(self._call_beginnings, width=width, rows=rows, threshold=sampling.call_threshold))
        if constraint := self._constrainer.processor(tools, sampling, prompts, limit):
            found.append(constraint)
        return found

    @functools.cached_property
    def _call_beginnings(self) -> list[int]:
        """The tokens that begin a call; none where the template does not show how calls are written."""
        try:
            start = self._constrainer.layout.start
        except UserError:
            return []
        return beginnings(start, self._ids, self._text)

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> str:
        """The text the model continues; raises `UserError` where its template refuses the conversation."""
        try:
            # Copies: a few public templates write into what they are given.
            conversation, offered = copy.deepcopy((self._in_roles(messages, tools), self._offered(tools)))
            render: Any = self.tokenizer.apply_chat_template
            return str(render(conversation, tools=offered, add_generation_prompt=True, tokenize=False))
        except (TemplateError, TypeError, ValueError, KeyError) as error:
            raise UserError(f"the chat template of {self.name} refuses the conversation: {error}") from error

    def rendered(self, messages: Sequence[Message], tools: Sequence[ToolSchema], generation: bool) -> str:
        """The conversation by the chat template, natively; `generation` adds the beginning of a reply."""
        render: Any = self.tokenizer.apply_chat_template
        return str(render(list(messages), tools=list(tools), add_generation_prompt=generation, tokenize=False))

    def _in_roles(self, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> list[Message]:
        """The conversation in roles that the template takes."""
        form: TextFormat = "hermes" if self.format == "native" else self.format  # type: ignore[assignment]
        begins_with_system = bool(messages) and messages[0]["role"] == "system"
        if self.format == "native" and (self._can.system or not begins_with_system):
            return list(messages)
        if self.format == "native" and self._can.tools:  # only the system message has no place
            system, first, *rest = messages
            return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]
        return as_text(messages, tools, form, system_role=self._can.system)

    def _offered(self, tools: Sequence[ToolSchema]) -> list[ToolSchema] | None:
        return (list(tools) or None) if self.format == "native" else None

    def _generate_into(
        self, prompt: list[int], tools: Sequence[ToolSchema], sampling: Sampling, stop: threading.Event, sender: Sender
    ) -> None:
        """Generate in this thread; every token, an error, and the end go to `sender`."""
        try:
            while not stop.is_set():  # whoever leaves while waiting for a turn must not have to wait for it
                if not self._turn.acquire(timeout=0.05):
                    continue
                try:
                    self._write_tokens(prompt, tools, sampling, stop, sender)
                finally:
                    self._turn.release()
                break
        except Exception as error:
            sender.send(error)
        sender.send(None)

    def _reply(
        self,
        prompt: str,
        ids: list[int],
        prompt_tokens: int,
        tools: Sequence[ToolSchema],
        sampling: Sampling = _FREE,
    ) -> Reply:
        end = next((index for index, token in enumerate(ids) if token in self.stop_ids), None)
        written = ids[:end] if end is not None else ids
        raw = self._text([token for token in written if token not in self._hidden_ids])
        stopped = end is not None or any(text in raw for text in stop_texts(self.format))
        text = _opened_thought(prompt) + raw
        if sampling.enforces:
            parsed = read_held(text, tools, None if sampling.tool_choice == "none" else self._constrainer.layout)
        else:
            parsed = parse_reply(text, tools)
        usage = Usage(prompt_tokens, len(written) + (end is not None))
        return Reply(parsed.message(), usage, "stop" if stopped else "length", raw, parsed.repairs, parsed.problems)

    def _text(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _check_length(self, tokens: int) -> None:
        if tokens >= self._positions():
            what = f"the conversation has {tokens} tokens, {self.name} reads at most {self._positions()}"
            raise UserError(what, mend="offer fewer tools, or shorten the conversation")


def _turn_ends(template: str, vocabulary: Mapping[str, int]) -> set[int]:
    """The tokens with which a template ends a turn.

    Where it has a word for the end of all (`<|return|>`), `<|end|>` only ends a part: a thought, or text before a call.
    """
    ends = {token for token in _TURN_ENDS if token in template and token in vocabulary}
    return {vocabulary[token] for token in (ends - {"<|end|>"} if "<|return|>" in ends else ends)}


def _opened_thought(prompt: str) -> str:
    """The opening tag of a thought that the template itself has begun, so that the reply starts inside it."""
    return f"{_THINK}\n" if prompt.rstrip("\n").endswith(_THINK) else ""
