"""A model that runs here, through transformers: its own chat template, an adapter on top, streaming and batches.

Comes in: a folder or Hub id, and conversations. Goes out: the stream of `agent.models.protocol`, and replies to batches
for evaluation. Generation takes turns within one model, since a seed is the whole process's. Knows nothing of the
execution of tools.
"""

import os
import threading
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache, GenerationConfig, StoppingCriteriaList

from agent.formats.prompting import stop_texts
from agent.messages import Message, ToolSchema
from agent.models.generation import Sender, Stopped, StopsAtText, TokenStreamer, seeded
from agent.models.kept_turns import KeptTurns, can_keep
from agent.models.loading import find, load_adapter, load_pretrained
from agent.models.local_model import LocalModel
from agent.models.protocol import Reply, Sampling
from agent.models.templates import own_template


class TransformersModel(LocalModel):
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
        adapter = os.path.expanduser(adapter) if adapter else None
        if adapter:
            find(adapter, "adapter_config.json", "adapter")
        self.model, tokenizer = load_pretrained(folder)
        name = name or folder
        self.base_template = tokenizer.chat_template  # what the model knows without an adapter
        if adapter:
            self.model = load_adapter(self.model, adapter)
            # An adapter knows the conversations of the template that it was trained with, and brings it along.
            tokenizer.chat_template = own_template(adapter) or tokenizer.chat_template
            name = f"{name} + {adapter}"
        config = self.model.generation_config
        named = config.eos_token_id if config is not None else None
        super().__init__(name, tokenizer, named if isinstance(named, list) else [named], format)
        self._keeps, self._kept = can_keep(self.model), KeptTurns()

    def for_llguidance(self) -> Any:
        from llguidance.hf import from_tokenizer

        size = max(self.model.config.get_text_config().vocab_size, len(self.tokenizer))
        return from_tokenizer(self.tokenizer, n_vocab=size, eos_token=sorted(self.stop_ids))

    def generate_batch(
        self,
        conversations: Sequence[tuple[Sequence[Message], Sequence[ToolSchema]]],
        sampling: Sampling,
        *,
        batch_size: int = 16,
        stop: threading.Event | None = None,
    ) -> list[Reply]:
        """The next message of each conversation, in their order.

        Prompts of like length are generated together, padded on the left. Once `stop` is set every reply ends where it
        is.
        """
        prompts = [self.prompt(messages, tools) for messages, tools in conversations]
        replies: dict[int, Reply] = {}
        by_length = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        for start in range(0, len(by_length), batch_size):
            chosen = by_length[start : start + batch_size]
            inputs = self._padded([self._ids(prompts[index]) for index in chosen])
            width = inputs["input_ids"].shape[1]
            self._check_length(width)
            with self._turn:
                output = self._generate(inputs, [conversations[index][1] for index in chosen], sampling, stop=stop)
            for row, index in enumerate(chosen):
                ids = output[row, width:].tolist()
                tokens = int(inputs["attention_mask"][row].sum())
                replies[index] = self._reply(prompts[index], ids, tokens, conversations[index][1], sampling)
        return [replies[index] for index in range(len(prompts))]

    def _padded(self, rows: list[list[int]]) -> dict[str, torch.Tensor]:
        """Token ids and attention mask, each of shape (batch, width), padded on the left."""
        width = max(map(len, rows))
        ids = torch.tensor([[self._pad_id] * (width - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        return {"input_ids": ids.to(self.model.device), "attention_mask": mask.to(self.model.device)}

    def _write_tokens(
        self, prompt: list[int], tools: Sequence[ToolSchema], sampling: Sampling, stop: threading.Event, sender: Sender
    ) -> None:
        cache = (self._kept.take(prompt) or DynamicCache(config=self.model.config)) if self._keeps else None
        options = {} if cache is None else {"past_key_values": cache}
        streamer = TokenStreamer(sender)
        written = self._generate(self._padded([prompt]), [tools], sampling, streamer=streamer, stop=stop, **options)
        self._kept.keep(written[0].tolist(), cache)

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
        processors = self._processors(tools, sampling, inputs["input_ids"], limit)
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
        options |= {"logits_processor": processors} if processors else {}
        with torch.inference_mode(), seeded(sampling.seed):
            return self.model.generate(**inputs, generation_config=config, **options)  # type: ignore[operator]

    def _positions(self) -> int:
        return getattr(self.model.config, "max_position_embeddings", None) or 1_000_000
