"""A model that runs here, through transformers: its own chat template, an adapter on top, streaming and batches.

Comes in: a folder or Hub id, and conversations. Goes out: the stream of `agent.models.protocol`, and replies to batches
for evaluation. Generation takes turns within one model, since a seed is the whole process's. Knows nothing of the
execution of tools.
"""

import asyncio
import copy
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import torch
from jinja2.exceptions import TemplateError
from transformers import DynamicCache, GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from agent.constrain import Constrainer
from agent.errors import UserError
from agent.formats.prompting import TextFormat, as_text, stop_texts
from agent.messages import Message, ToolSchema
from agent.models.abilities import abilities
from agent.models.generation import Decoder, Sender, Stopped, StopsAtText, TokenStreamer, seeded
from agent.models.kept_turns import KeptTurns, can_keep
from agent.models.loading import load_adapter, load_pretrained
from agent.models.protocol import Reply, Sampling, TextDelta, Usage
from agent.models.templates import own_template
from agent.models.visible import visible_in
from agent.parse import parse_reply

# Tokens that end a turn in one family's template or another's, without always being named as such in its config.
_TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|end|>", "<|return|>", "<|call|>")
_THINK = "<think>"


class TransformersModel:
    """A causal language model with a chat template.

    Args:
        folder: Folder or Hub id.
        adapter: A PEFT adapter's folder or Hub id. The chat template that it brings along takes the model's place.
        name: What it is called in rows and reports; by default the folder.
        format: How tools are asked for: "native" by the chat template, "hermes", "react" or "react_zh" as text in plain
            roles, "auto" by the template where it knows tools, calls and results, else as hermes.

    Raises:
        UserError: There is no such model, it has no chat template, or the adapter does not fit.
    """

    def __init__(self, folder: str, *, adapter: str | None = None, name: str = "", format: str = "auto"):  # noqa: A002
        self.name = name or folder
        self.model, self.tokenizer = load_pretrained(folder)
        if adapter:
            self.model = load_adapter(self.model, adapter)
            # An adapter knows the conversations of the template that it was trained with, and brings it along.
            self.tokenizer.chat_template = own_template(adapter) or self.tokenizer.chat_template
            self.name = f"{self.name} + {adapter}"
        self.stop_ids = self._stopping_ids()
        pad, start = self.tokenizer.pad_token_id, self.tokenizer.bos_token_id
        self._pad_id: int = pad if pad is not None else min(self.stop_ids, default=0)
        # Tokens that never show. Other special tokens may: in some families one opens a tool call.
        self._hidden_ids = {self._pad_id, *self.stop_ids, *([] if start is None else [start])}
        self._can = abilities(self.tokenizer)
        self.format = format if format != "auto" else "native" if self._can.tools else "hermes"
        self._constrainer = Constrainer(self)
        self._keeps, self._kept = can_keep(self.model), KeptTurns()
        self._turn = threading.Lock()

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> AsyncGenerator[TextDelta | Reply, None]:
        """Write the next message. Leaving the iterator stops the generation at the next token."""
        text = self.prompt(messages, tools)
        inputs = self._encoded([text])
        self._check_length(inputs["input_ids"].shape[1])
        arrived: asyncio.Queue[int | BaseException | None] = asyncio.Queue()
        stop = threading.Event()
        thread = threading.Thread(
            target=self._generate_into,
            args=(inputs, tools, sampling, stop, Sender(arrived)),
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
        for delta in [*visible.feed(decoder.rest()), *visible.finish()]:
            yield delta
        yield self._reply(text, ids, inputs["input_ids"].shape[1], tools)

    def generate_batch(
        self,
        conversations: Sequence[tuple[Sequence[Message], Sequence[ToolSchema]]],
        sampling: Sampling,
        *,
        batch_size: int = 16,
        progress: Callable[[int], None] | None = None,
    ) -> list[Reply]:
        """The next message of each conversation, in their order.

        Prompts of like length are generated together, padded on the left. `progress` is told the number of replies
        finished with each batch.
        """
        prompts = [self.prompt(messages, tools) for messages, tools in conversations]
        replies: dict[int, Reply] = {}
        by_length = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        for start in range(0, len(by_length), batch_size):
            chosen = by_length[start : start + batch_size]
            inputs = self._encoded([prompts[index] for index in chosen])
            width = inputs["input_ids"].shape[1]
            self._check_length(width)
            with self._turn:
                output = self._generate(inputs, [conversations[index][1] for index in chosen], sampling)
            for row, index in enumerate(chosen):
                ids = output[row, width:].tolist()
                tokens = int(inputs["attention_mask"][row].sum())
                replies[index] = self._reply(prompts[index], ids, tokens, conversations[index][1])
            if progress is not None:
                progress(len(chosen))
        return [replies[index] for index in range(len(prompts))]

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

    def _encoded(self, prompts: list[str]) -> dict[str, torch.Tensor]:
        """Token ids and attention mask, each of shape (batch, width), padded on the left."""
        rows = [self.tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts]
        width = max(map(len, rows))
        ids = torch.tensor([[self._pad_id] * (width - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        return {"input_ids": ids.to(self.model.device), "attention_mask": mask.to(self.model.device)}

    def _generate_into(
        self,
        inputs: dict[str, torch.Tensor],
        tools: Sequence[ToolSchema],
        sampling: Sampling,
        stop: threading.Event,
        sender: Sender,
    ) -> None:
        """Generate in this thread; every token, an error, and the end go to `sender`."""
        try:
            while not stop.is_set():  # whoever leaves while waiting for a turn must not have to wait for it
                if not self._turn.acquire(timeout=0.05):
                    continue
                try:
                    prompt = inputs["input_ids"][0].tolist()
                    cache = (self._kept.take(prompt) or DynamicCache(config=self.model.config)) if self._keeps else None
                    options = {} if cache is None else {"past_key_values": cache}
                    streamer = TokenStreamer(sender)
                    written = self._generate(inputs, [tools], sampling, streamer=streamer, stop=stop, **options)
                    self._kept.keep(written[0].tolist(), cache)
                finally:
                    self._turn.release()
                break
        except Exception as error:
            sender.send(error)
        sender.send(None)

    def _generate(
        self,
        inputs: dict[str, torch.Tensor],
        tools: Sequence[Sequence[ToolSchema]],
        sampling: Sampling,
        *,
        stop: threading.Event | None = None,
        **options: Any,
    ) -> torch.Tensor:
        """Token ids of prompt and reply, shape (batch, width + new); `tools` are each row's."""
        width = inputs["input_ids"].shape[1]
        limit = min(sampling.max_new_tokens, self._positions() - width)
        criteria: list[Any] = [Stopped(stop)] if stop else []
        if texts := stop_texts(self.format):
            criteria.append(StopsAtText(self.tokenizer, texts, width))
        processor = self._constrainer.processor(tools, sampling, inputs["input_ids"], limit)
        # All of it is said, since what is left out comes from the model's own defaults, and runs would differ by model.
        how: dict[str, Any] = {"do_sample": False}
        if sampling.temperature > 0:
            how = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        config = GenerationConfig(
            max_new_tokens=limit,
            repetition_penalty=1.0,
            eos_token_id=sorted(self.stop_ids) or None,
            pad_token_id=self._pad_id,
            **how,
        )
        options |= {"stopping_criteria": StoppingCriteriaList(criteria)} if criteria else {}
        options |= {"logits_processor": LogitsProcessorList([processor])} if processor else {}
        with torch.inference_mode(), seeded(sampling.seed):
            return self.model.generate(**inputs, generation_config=config, **options)  # type: ignore[operator]

    def _reply(self, prompt: str, ids: list[int], prompt_tokens: int, tools: Sequence[ToolSchema]) -> Reply:
        end = next((index for index, token in enumerate(ids) if token in self.stop_ids), None)
        written = ids[:end] if end is not None else ids
        raw = self._text([token for token in written if token not in self._hidden_ids])
        stopped = end is not None or any(text in raw for text in stop_texts(self.format))
        parsed = parse_reply(_opened_thought(prompt) + raw, list(tools))
        usage = Usage(prompt_tokens, len(written) + (end is not None))
        return Reply(parsed.message(), usage, "stop" if stopped else "length", raw, parsed.repairs, parsed.problems)

    def _text(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _stopping_ids(self) -> set[int]:
        """Every token that ends a reply: the config's, the tokenizer's, and those the template ends a turn with."""
        named = self.model.generation_config.eos_token_id if self.model.generation_config is not None else None
        ids = set(named if isinstance(named, list) else [named])
        ids.add(self.tokenizer.eos_token_id)
        template = str(self.tokenizer.chat_template)
        vocabulary = self.tokenizer.get_added_vocab()
        ids |= {vocabulary[token] for token in _TURN_ENDS if token in template and token in vocabulary}
        return {token for token in ids if token is not None}

    def _positions(self) -> int:
        return getattr(self.model.config, "max_position_embeddings", None) or 1_000_000

    def _check_length(self, tokens: int) -> None:
        if tokens >= self._positions():
            what = f"the conversation has {tokens} tokens, {self.name} reads at most {self._positions()}"
            raise UserError(what, mend="offer fewer tools, or shorten the conversation")


def _opened_thought(prompt: str) -> str:
    """The opening tag of a thought that the template itself has begun, so that the reply starts inside it."""
    return f"{_THINK}\n" if prompt.rstrip("\n").endswith(_THINK) else ""
