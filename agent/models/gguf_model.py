"""A GGUF file, run here by llama.cpp (extra `gguf`): its own chat template, streaming, constrained decoding.

Comes in: the file, and conversations. Goes out: the stream of `agent.models.protocol`. llama.cpp gives the scores of
the next token; drawing from them is done here, so that sampling and grammars are those of other local models. Keys and
values of the last conversation are kept, so that its next turn costs only its new tokens.
"""

import ctypes
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agent.errors import UserError
from agent.formats.prompting import stop_texts
from agent.messages import ToolSchema
from agent.models.generation import Sender
from agent.models.gguf_tokenizer import GgufTokenizer
from agent.models.local_model import LocalModel
from agent.models.protocol import Sampling

MAX_CONTEXT = 16_384  # tokens; memory for all of them is taken at once
_TAIL = 24  # tokens in which a text to stop at is looked for


class GgufModel(LocalModel):
    """A model in a GGUF file.

    Args:
        file: Its path.
        name: What it is called in rows and reports; by default the path.
        format: As for `TransformersModel`.

    Raises:
        UserError: llama-cpp-python is not installed, or the file is not there, broken, or without a chat template.
    """

    def __init__(self, file: str, *, name: str = "", format: str = "auto"):  # noqa: A002, the field's word
        self._llama = _loaded(file)
        tokenizer = GgufTokenizer(self._llama)
        if not tokenizer.chat_template:
            mend = "use an instruct model, converted with its chat template"
            raise UserError("holds no chat template, so it cannot hold a conversation", where=file, mend=mend)
        super().__init__(name or file, tokenizer, tokenizer.ends, format)

    def for_llguidance(self) -> Any:
        from llguidance.llamacpp import lltokenizer_from_vocab

        return lltokenizer_from_vocab(self.tokenizer.vocabulary, eos_token=sorted(self.stop_ids))

    def _positions(self) -> int:
        import llama_cpp

        return min(self._llama.n_ctx(), llama_cpp.llama_model_n_ctx_train(self._llama.model))

    def _write_tokens(
        self, prompt: list[int], tools: Sequence[ToolSchema], sampling: Sampling, stop: threading.Event, sender: Sender
    ) -> None:
        for token in self._drawn(prompt, tools, sampling):
            sender.send(token)
            if stop.is_set():
                return

    def _drawn(self, prompt: list[int], tools: Sequence[ToolSchema], sampling: Sampling) -> Iterator[int]:
        """The tokens of the reply, the one that ends it included."""
        limit = min(sampling.max_new_tokens, self._positions() - len(prompt))
        ids = torch.tensor([prompt])
        processors: Any = self._processors([tools], sampling, ids, limit)
        generator = torch.Generator()
        generator.seed() if sampling.seed is None else generator.manual_seed(sampling.seed)
        texts, written = stop_texts(self.format), list[int]()
        self._keep_beginning(prompt)
        unread = prompt[self._llama.n_tokens :]
        while len(written) < limit:
            self._llama.eval(unread)
            scores = processors(ids, self._scores())
            token = drawn(scores[0], sampling, generator)
            written.append(token)
            yield token
            tail = self.tokenizer.decode(written[-_TAIL:]) if texts else ""
            if token in self.stop_ids or any(text in tail for text in texts):
                return
            ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
            unread = [token]

    def _keep_beginning(self, prompt: list[int]) -> None:
        """Go back to where the prompt differs from what was read last; its last token is read anew, for its scores."""
        import llama_cpp

        seen = self._llama.input_ids[: min(self._llama.n_tokens, len(prompt) - 1)]
        differs = np.flatnonzero(seen != np.array(prompt[: len(seen)], dtype=seen.dtype))
        common = int(differs[0]) if len(differs) else len(seen)
        # Models with a state instead of keys and values cannot go back: they begin again.
        if llama_cpp.llama_memory_seq_rm(llama_cpp.llama_get_memory(self._llama.ctx), -1, common, -1):
            self._llama.n_tokens = common
        else:
            self._llama.reset()

    def _scores(self) -> torch.Tensor:
        """The scores of the next token, shape (1, vocabulary)."""
        import llama_cpp

        pointer = llama_cpp.llama_get_logits_ith(self._llama.ctx, -1)
        array = np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float)), (len(self.tokenizer),))
        return torch.from_numpy(array.copy())[None]


def drawn(scores: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """A token drawn from scores of shape (vocabulary,): the likeliest, or by temperature and then `top_p`."""
    if sampling.temperature == 0:
        return int(scores.argmax())
    chances, order = torch.softmax(scores.double() / sampling.temperature, dim=-1).sort(descending=True)
    chances[chances.cumsum(-1) - chances >= sampling.top_p] = 0
    return int(order[torch.multinomial(chances, 1, generator=generator)])


def _loaded(file: str) -> Any:
    try:
        from llama_cpp import Llama
    except ImportError as error:
        what = f"{file} needs llama-cpp-python, which is not installed"
        served = f"llama-server -m {file} --jinja --port 8080, then name the model http://127.0.0.1:8080/v1"
        raise UserError(what, mend=f"pip install 'callsmith[gguf]', or serve it: {served}") from error
    if not Path(file).expanduser().is_file():
        raise UserError(f"no such file: {file}", mend="name a GGUF file")
    asked = os.environ.get("OMP_NUM_THREADS", "")
    threads = int(asked) if asked.isdigit() else None
    try:
        return Llama(
            model_path=str(Path(file).expanduser()),
            verbose=False,
            n_ctx=MAX_CONTEXT,
            n_gpu_layers=-1,
            n_threads=threads,
            n_threads_batch=threads,
        )
    except (ValueError, RuntimeError, OSError) as error:
        raise UserError(
            f"cannot be loaded by llama.cpp: {error}", where=file, mend="is it a whole GGUF file?"
        ) from error
