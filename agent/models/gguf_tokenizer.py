"""The tokenizer in a GGUF file, with what `LocalModel` needs of one of transformers'.

Comes in: a model as llama.cpp has loaded it. Goes out: token ids, texts, and prompts by the chat template in the file.
Knows nothing of generating.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

from transformers.utils.chat_template_utils import render_jinja_template

LONGEST = 4096  # bytes of a token


class GgufTokenizer:
    """What a GGUF file knows of text.

    Args:
        llama: A `llama_cpp.Llama`.
    """

    def __init__(self, llama: Any):
        import llama_cpp

        self._llama = llama
        self.vocabulary = llama_cpp.llama_model_get_vocab(llama.model)
        self._pieces = _pieces(self.vocabulary, llama.n_vocab())
        self.chat_template: str = llama.metadata.get("tokenizer.chat_template", "")
        self.eos_token_id = _known(llama.token_eos())
        self.bos_token_id = _known(llama.token_bos())
        self.pad_token_id = _known(llama_cpp.llama_vocab_pad(self.vocabulary))
        marked = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
        self._added = {
            self.decode([token]): token
            for token in range(len(self))
            if llama_cpp.llama_vocab_get_attr(self.vocabulary, token) & marked
        }
        self.ends = {token for token in self._added.values() if llama_cpp.llama_vocab_is_eog(self.vocabulary, token)}

    def __len__(self) -> int:
        return len(self._pieces)

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        """Token ids of a text whose special tokens are written out; none is added."""
        return {"input_ids": self._llama.tokenize(text.encode(), add_bos=False, special=True)}

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        """The text of tokens, special ones written out; a character that is not whole yet is U+FFFD."""
        return b"".join(self._pieces[token] for token in ids).decode("utf-8", "replace")

    def get_added_vocab(self) -> dict[str, int]:
        """The special tokens by their text."""
        return self._added

    def apply_chat_template(
        self, conversation: list[Any], tools: Any = None, add_generation_prompt: bool = False, **_: Any
    ) -> str:
        """The conversation as text."""
        special = {
            name: "" if token is None else self.decode([token])
            for name, token in (("bos_token", self.bos_token_id), ("eos_token", self.eos_token_id))
        }
        render: Any = render_jinja_template
        texts, _ = render(
            [conversation],
            tools=tools,
            chat_template=self.chat_template,
            add_generation_prompt=add_generation_prompt,
            **special,
        )
        return str(texts[0])


def _pieces(vocabulary: Any, size: int) -> list[bytes]:
    """The bytes of every token, special ones written out."""
    import llama_cpp

    buffer = ctypes.create_string_buffer(LONGEST)
    lengths = (llama_cpp.llama_token_to_piece(vocabulary, token, buffer, LONGEST, 0, True) for token in range(size))
    return [buffer.raw[: max(0, length)] for length in lengths]


def _known(token: int) -> int | None:
    return token if token >= 0 else None
