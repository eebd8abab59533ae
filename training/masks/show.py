"""A conversation as a model would learn it, token by token, for eyes: in the terminal and as one HTML file.

Comes in: a masker and a conversation. Goes out: tokens with their owner and rule, and the two renderings of them. The
HTML holds its own style and loads nothing.
"""

import html
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from training.masks.masker import Masker
from training.masks.owners import Rendering
from training.masks.sequences import IGNORED, MaskedSequence, Segment

RULES = {
    "reply": "learned: the model must emit it",
    "stop": "learned: the stop token",
    "elsewhere": "not learned here: a reply that is not to be learned, or is learned in another sequence",
    "system": "not learned: system message",
    "user": "not learned: user message",
    "tool": "not learned: tool result",
    "template": "not learned: supplied by the template or the generation prompt",
}
_STYLES = {
    "reply": "bold green",
    "stop": "bold black on green",
    "elsewhere": "dim green",
    "system": "magenta",
    "user": "blue",
    "tool": "yellow",
    "template": "dim",
}
BYTES = 4  # of the longest character in UTF-8
_VISIBLE = str.maketrans({"\n": "↵\n", "\t": "⇥", " ": "·", "\r": "␍", "\u00a0": "⍽", "\u200d": "‹zwj›", "\u3000": "□"})


@dataclass(frozen=True)
class ShownToken:
    """One token: its id, its text, the message it belongs to (None for the template's own), its rule and weight."""

    id: int
    text: str
    message: int | None
    rule: str
    weight: float


def explain(
    masker: Masker, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None
) -> list[list[ShownToken]]:
    """Every token of every sequence of a conversation; the whole of it where nothing is learned.

    Raises:
        MaskRefused: Where no mask is certain.
    """
    template = masker.template_for(tools)
    prepared, prepared_tools = template.prepare(messages), template.prepare_tools(tools)
    sequences = masker(messages, tools)
    if not sequences:
        whole = template.render(prepared, prepared_tools, generation_prompt=False)
        ids = masker.tokens.encode(whole.text)
        nothing = MaskedSequence(ids, [IGNORED] * len(ids), [0.0] * len(ids), [Segment(0, len(ids), "prompt")])
        return [_tokens(masker, messages, nothing, _owners(masker, whole, nothing, messages[0]))]
    shown = []
    for sequence in sequences:
        last = max(segment.message for segment in sequence.segments if segment.message is not None)
        prompt = template.render(prepared[:last], prepared_tools, generation_prompt=True)
        owners = _owners(masker, prompt, sequence, messages[0])
        shown.append(_tokens(masker, messages, sequence, owners))
    return shown


def _owners(masker: Masker, prompt: Rendering, sequence: MaskedSequence, first: Mapping[str, Any]) -> list[int | None]:
    """The message each token of the longest prompt belongs to; shorter than the sequence by its last reply.

    A system message is often written before the loop over messages: then it is found by its text.
    """
    encoded = masker.tokenizer(prompt.text, add_special_tokens=False, return_offsets_mapping=True)
    if encoded["input_ids"] != sequence.input_ids[: len(encoded["input_ids"])]:
        return []  # a method chosen alone may have a prompt of its own
    starts = [span.start for span in prompt.spans]
    found = [prompt.spans[bisect_right(starts, start) - 1].owner for start, _ in encoded["offset_mapping"]]
    system = first["content"].strip() if first["role"] == "system" else ""
    place = prompt.text.find(system) if system else -1
    if place >= 0 and 0 not in found:
        found = [
            0 if owner is None and place <= start < place + len(system) else owner
            for owner, (start, _) in zip(found, encoded["offset_mapping"], strict=True)
        ]
    return found


def _tokens(
    masker: Masker, messages: Sequence[Mapping[str, Any]], sequence: MaskedSequence, owners: list[int | None]
) -> list[ShownToken]:
    shown = []
    texts = _texts(masker, sequence.input_ids)
    learned = {segment.message for segment in sequence.segments}
    for segment in sequence.segments:
        for position in range(segment.start, segment.end):
            owner, rule = segment.message, str(segment.rule)
            if rule == "prompt":
                owner = owners[position] if position < len(owners) else None
                role = "template" if owner is None else messages[owner]["role"]
                rule = ("template" if owner in learned else "elsewhere") if role == "assistant" else role
            token = sequence.input_ids[position]
            shown.append(ShownToken(token, texts[position], owner, rule, sequence.weights[position]))
    return shown


def _texts(masker: Masker, ids: Sequence[int]) -> list[str]:
    """The text of each token; a character that takes several stands at the last of them, after a `‥` for each other."""
    decode = masker.tokenizer.decode
    texts: list[str] = []
    parts: list[int] = []
    for token in ids:
        parts.append(token)
        text = decode([token]) if len(parts) == 1 else decode(parts)
        if "\ufffd" not in text:
            texts += ["‥"] * (len(parts) - 1) + [text]
            parts = []
        elif len(parts) == BYTES:  # no character takes more: these are bytes that belong to none
            texts += [f"‹{part}›" for part in masker.tokenizer.convert_ids_to_tokens(parts)]
            parts = []
    return texts + [f"‹{part}›" for part in masker.tokenizer.convert_ids_to_tokens(parts)]


def in_terminal(sequences: Iterable[Sequence[ShownToken]]) -> Text:
    """The sequences in colours, blanks visible, with a legend."""
    text = Text()
    for rule, meaning in RULES.items():
        text.append(f" {rule} ", style=_STYLES[rule])
        text.append(f" {meaning}\n", style="default")
    for number, tokens in enumerate(sequences):
        learned = sum(token.rule in ("reply", "stop") for token in tokens)
        text.append(f"\nsequence {number}: {len(tokens)} tokens, {learned} learned\n", style="bold underline")
        for token in tokens:
            text.append(token.text.translate(_VISIBLE), style=_STYLES[token.rule])
        text.append("\n")
    return text


def as_html(sequences: Sequence[Sequence[ShownToken]], title: str) -> str:
    """One self-contained page; hovering a token tells its id, message, rule and weight."""
    legend = "".join(f'<li><span class="t {rule}">{rule}</span> {meaning}</li>' for rule, meaning in RULES.items())
    body = "".join(_sequence(number, tokens) for number, tokens in enumerate(sequences))
    return _PAGE.format(title=html.escape(title), legend=legend, body=body)


def _sequence(number: int, tokens: Sequence[ShownToken]) -> str:
    learned = sum(token.rule in ("reply", "stop") for token in tokens)
    spans = "<wbr>".join(_span(token) for token in tokens)  # visible blanks are no places to break a line
    return f"<h2>sequence {number}: {len(tokens)} tokens, {learned} learned</h2><pre>{spans}</pre>"


def _span(token: ShownToken) -> str:
    owner = "template" if token.message is None else f"messages[{token.message}]"
    about = f"id {token.id} · {owner} · {RULES[token.rule]} · weight {token.weight:g}"
    text = html.escape(token.text.translate(_VISIBLE)) or "∅"
    return f'<span class="t {token.rule}" title="{html.escape(about)}">{text}</span>'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem; }}
h1 {{ font-size: 1.3rem; }} h2 {{ font-size: 1rem; margin-top: 2rem; }}
ul {{ list-style: none; padding: 0; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.9 ui-monospace, "Noto Sans Mono CJK SC",
  monospace; }}
.t {{ border-radius: 3px; padding: 1px 0; box-shadow: inset 0 0 0 1px rgb(128 128 128 / .25); cursor: help; }}
.t:hover {{ outline: 2px solid; }}
.reply {{ background: #b7e4c7; color: #081c15; }} .stop {{ background: #2d6a4f; color: #fff; }}
.elsewhere {{ background: #e9f5ec; color: #557; }} .system {{ background: #e7d8f5; color: #2b1540; }}
.user {{ background: #d0e3fb; color: #0b2545; }} .tool {{ background: #fde8b5; color: #4a3200; }}
.template {{ background: #eceff1; color: #607d8b; }}
</style></head><body><h1>{title}</h1><ul>{legend}</ul>{body}</body></html>
"""
