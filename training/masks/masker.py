"""Conversation in, training sequences out: each reply after its true prompt, its own tokens learned and no others.

For each assistant message that is to be learned:

1. its *prompt* is rendered: the messages before it, with the generation prompt, as inference renders them;
2. its *turn* is rendered: the messages up to and including it;
3. two independent methods (owners.py, sentinels.py) say where in the turn's text the reply lies, and must agree;
4. the reply ends with its stop token, also where the template writes that one only before the next message;
5. prompt and reply are tokenized apart, since at inference the reply's tokens come after the prompt's;
6. the replies are laid into as few sequences as the template's rewriting of history allows (sequences.py).

Comes in: messages and tools in the Hugging Face chat format. Goes out: `MaskedSequence`s, or `MaskRefused`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.masks.conversation import METHODS, Conversation, Method, Reply
from training.masks.reasons import Finding, MaskRefused
from training.masks.render import ChatTemplate
from training.masks.sequences import MaskedSequence, Turn, build_sequences
from training.masks.tokens import Tokens

Row = tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]] | None]
"""Messages and tools."""


@dataclass(frozen=True)
class Replies:
    """The replies of one conversation that are to be learned, and what is wrong with them."""

    replies: list[Reply] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class Masker:
    """Makes training sequences for one tokenizer and chat template.

    Args:
        tokenizer: A transformers tokenizer.
        chat_template: Jinja text to use instead of the tokenizer's own.
        method: `both` refuses where the two methods differ or one cannot answer; `owners` and `sentinels` take one's
            word, also where the generation prompt is not what the template writes (its prompt is then the template's).
        stops: Texts of tokens that end a turn, where they are known; the tokenizer's end-of-sequence token is one.
        template_kwargs: Settings that the template reads, as `apply_chat_template` takes them
            (`{"enable_thinking": False}`); they must be the ones of inference.

    Raises:
        MaskRefused: Where there is no chat template or it does not compile.

    Example:

        masker = Masker(AutoTokenizer.from_pretrained("Qwen/Qwen3-0.6B"))
        for sequence in masker(messages, tools):
            print(sequence.trained, "of", len(sequence.input_ids), "tokens are learned")
    """

    def __init__(
        self,
        tokenizer: Any,
        chat_template: str | None = None,
        method: Method = "both",
        stops: Iterable[str] = (),
        template_kwargs: Mapping[str, Any] | None = None,
    ):
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        self.tokenizer, self.method = tokenizer, method
        self.tokens = Tokens(tokenizer, stops)
        self._chosen = chat_template
        self._settings = dict(template_kwargs or {})
        self._variables = {**tokenizer.special_tokens_map, **self._settings}
        self._templates: dict[str, ChatTemplate] = {}
        self.template_for(None)

    def __call__(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None = None
    ) -> list[MaskedSequence]:
        """The sequences of one conversation; none where no message of it is to be learned.

        Raises:
            MaskRefused: Where no mask is certain.
        """
        return self.sequences(self.replies(messages, tools))

    def many(self, rows: Iterable[Row]) -> list[list[MaskedSequence] | MaskRefused]:
        """One answer per row, in order; what the rows share is tokenized once, and the rest in one call."""
        found: list[Replies | MaskRefused] = []
        for messages, tools in rows:
            try:
                found.append(self.replies(messages, tools))
            except MaskRefused as refusal:
                found.append(refusal)
        self.tokens.prefetch(
            text
            for answer in found
            if isinstance(answer, Replies)
            for reply in answer.replies
            for text in (reply.prompt, reply.text + reply.stop)
        )
        return [self.sequences(answer) if isinstance(answer, Replies) else answer for answer in found]

    def segments(self, parts: Iterable[tuple[str, bool]]) -> list[MaskedSequence]:
        """The sequences of a text in parts, each learned (True) or not: for formats that are no chat template.

        Each learned part is tokenized apart from what stands before it, as it is when it is generated.
        """
        turns: list[Turn] = []
        before = ""
        for number, (text, learned) in enumerate(parts):
            if learned and text:
                turns.append(Turn(number, self.tokens.encode(before), self.tokens.encode_reply(text), 0, 1.0))
            before += text
        return build_sequences(turns)

    def __getstate__(self) -> dict[str, Any]:
        """Compiled templates cannot be pickled; another process compiles them again."""
        return {**self.__dict__, "_templates": {}}

    @property
    def chat_template(self) -> str | dict[str, str]:
        """The template in use; several by name where the tokenizer has several."""
        return self._chosen or self.tokenizer.chat_template

    def template_for(self, tools: Sequence[Mapping[str, Any]] | None) -> ChatTemplate:
        """The template that `apply_chat_template` would take (some tokenizers have another one for tools)."""
        try:
            source = self.tokenizer.get_chat_template(self._chosen, tools or None)
        except ValueError as error:
            raise MaskRefused("the tokenizer has no chat template", "render") from error
        if source not in self._templates:
            self._templates[source] = ChatTemplate(source, self._variables)
        return self._templates[source]

    def prompt_ids(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None = None
    ) -> list[int]:
        """The ids a model is asked with, from transformers itself; for checking what is made here against it."""
        encoded = self.tokenizer.apply_chat_template(
            list(messages),
            tools=list(tools) if tools else None,
            chat_template=self._chosen,
            add_generation_prompt=True,
            return_dict=True,
            **self._settings,
        )
        return list(encoded["input_ids"])

    def sequences(self, replies: Replies) -> list[MaskedSequence]:
        """Tokenize replies and lay them into sequences."""
        turns: list[Turn] = []
        for reply in replies.replies:
            ids = self.tokens.encode_reply(reply.text + reply.stop)
            stop = len(self.tokens.encode_reply(reply.stop)) if reply.stop else 0
            # The whole prompt, also where its text goes on from the reply before: a reply that begins with a newline
            # was generated apart from its header, but the next prompt may hold the two as one token.
            turns.append(Turn(reply.message, self.tokens.encode(reply.prompt), ids, stop, reply.weight))
        return build_sequences(turns, replies.findings)

    def replies(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None = None
    ) -> Replies:
        """The replies of a conversation as text.

        Raises:
            MaskRefused: Where no mask is certain.
        """
        template = self.template_for(tools)
        prepared, prepared_tools = template.prepare(messages), template.prepare_tools(tools)
        conversation = Conversation(template, prepared, prepared_tools, self.tokens, self.method)
        result = Replies()
        for index, message in enumerate(messages):
            weight = float(message.get("weight", 1.0))
            if message["role"] == "assistant" and message.get("train", True) and weight:
                reply, findings = conversation.reply(index, weight)
                result.replies.append(reply)
                result.findings.extend(findings)
        return result
