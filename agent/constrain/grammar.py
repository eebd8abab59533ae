"""What a reply may be, as a grammar for llguidance: a thought, text, and calls to the given tools.

Comes in: tools, a layout, and how calls may be made. Goes out: Lark text, and the shortest call that each tool takes.
llguidance reads a text as far as it can and never goes back, so what ends a text is told by lazy rules, which end with
the first mark of a call. Knows nothing of tokens, but for the names of special ones.
"""

import re
from collections.abc import Mapping, Sequence

from agent.constrain.layout import Layout
from agent.constrain.schemas import followed, least, options
from agent.errors import UserError
from agent.json_text import as_json
from agent.messages import ToolSchema


def reply_grammar(
    tools: Sequence[ToolSchema],
    layout: Layout,
    *,
    choice: str,
    parallel: bool,
    text_tokens: int,
    thinks: bool,
    opened_thought: bool,
    special: Mapping[str, int],
) -> str:
    """The grammar of one reply.

    Args:
        tools: What may be called.
        layout: How calls are written.
        choice: "auto", "none", "required", or a tool's name.
        parallel: Whether several calls may follow each other.
        text_tokens: Bounds the text before a call that must come, and the thought before it.
        thinks: Whether a reply may begin with a thought in `<think>` tags.
        opened_thought: Whether the prompt ends within a thought, which must be closed first.
        special: Special tokens by their texts: a text holds none of them.

    Raises:
        UserError: `choice` names no tool, or a call is required and there are no tools.
    """
    chosen = _chosen(tools, choice)
    lark = _Lark(layout, special)
    thought = "thought_end " if opened_thought else "thought? " if thinks else ""
    said = ' & ~("<think>" ANY)' if thought else ""  # or a thought would be read as a text
    lines = ["ANY: /(?s:.*)/"]
    lines += [f"MARKED: ({lark.marked}){said}"] if tools else []
    lines.append(f"TEXT: ANY{said}{' & ~(MARKED ANY)' if tools else ''}")
    if thought:
        lines += lark.thought(text_tokens)
    if choice == "none" or not chosen:
        return "\n".join([f"start: {thought}TEXT", *lines]) + "\n"
    body, rules = lark.free() if choice == "auto" else lark.required(text_tokens)
    more = f"({lark.literal(layout.separator + layout.before)} named)*" if parallel and layout.several else ""
    turn_end = f"({lark.literal(layout.turn_end)})?" if layout.turn_end else ""
    lines += [
        *rules,
        _rule("calls", lark.literal(lark.rest), "named", more, lark.literal(layout.closing), turn_end),
        "named: " + " | ".join(f"named_{number}" for number in range(len(chosen))),
    ]
    for number, tool in enumerate(chosen):
        lines += lark.tool(number, tool)
    return "\n".join([f"start: {thought}({body})", *lines]) + "\n"


def shortest_call(tools: Sequence[ToolSchema], layout: Layout) -> str:
    """The longest of the tools' shortest calls: what room must be left for one that is begun."""
    calls = [
        f"{layout.before}{tool['function']['name']}{layout.between}{least(tool['function']['parameters'])}{layout.after}"
        for tool in tools
    ]
    return layout.opening + max(calls, key=len, default="") + layout.closing


def longest_option(tools: Sequence[ToolSchema]) -> str:
    """The longest of what calls may leave out, at about its least length: a property, or one more item of a list."""
    return max((option for tool in tools for option in options(tool["function"]["parameters"])), key=len, default="")


def mark_of(layout: Layout, special: Mapping[str, int]) -> str:
    """What a call is known by while it is written: its mark, or the special token that the mark begins with."""
    return _pieces(layout.mark, special)[0]


def _chosen(tools: Sequence[ToolSchema], choice: str) -> list[ToolSchema]:
    if choice in ("auto", "none", "required"):
        if choice == "required" and not tools:
            raise UserError("a call is required, and there are no tools", mend='offer tools, or tool_choice="auto"')
        return list(tools)
    chosen = [tool for tool in tools if tool["function"]["name"] == choice]
    if not chosen:
        names = ", ".join(tool["function"]["name"] for tool in tools) or "none"
        raise UserError(f"tool_choice names no tool: {choice!r}", mend=f"auto, required, none, or one of: {names}")
    return chosen


class _Lark:
    """Writes the parts of a grammar in which calls are laid out so.

    Special tokens stand outside of texts: a mark that is one ends a text by itself.
    """

    def __init__(self, layout: Layout, special: Mapping[str, int]):
        self._layout = layout
        self._special = special
        self._mark = mark_of(layout, special)
        self.rest = layout.start[len(self._mark) :]  # what of a call's beginning comes behind its mark

    @property
    def marked(self) -> str:
        """A text that ends with the mark of a call."""
        lead, mark = self._layout.lead, as_json(self._mark)
        if lead is None:
            return mark
        return f"(ANY {as_json(lead)})? {mark}" if lead else f"ANY {mark}"

    def free(self) -> tuple[str, list[str]]:
        """A reply that may call, `calls` being what comes behind the mark, and the rules that it needs."""
        if self._mark not in self._special:
            return "TEXT | said calls", ["said[lazy]: MARKED"]
        before = "" if self._layout.lead is None else "TEXT "
        return f"TEXT | {before}{self.literal(self._mark)} calls", []

    def required(self, text_tokens: int) -> tuple[str, list[str]]:
        """The same for a reply that must call: a text that finds no end by itself is cut."""
        if self._layout.lead is None:
            return f"{self.literal(self._mark)} calls", []
        bounded = f"bounded[max_tokens={text_tokens}]: TEXT"
        if self._mark in self._special:
            return f"bounded {self.literal(self._mark)} calls", [bounded]
        forced = self.literal((self._layout.content_end or "") + self._mark)
        # llguidance ends the first rule where the tokens run out: the one that brings the mark with it.
        return f"(bounded {forced} | said) calls", [bounded, f"said[lazy, max_tokens={text_tokens}]: MARKED"]

    def thought(self, text_tokens: int) -> list[str]:
        """The rules of a thought, which is cut likewise; `thought_end` is all but its opening tag."""
        begin, close = self.literal("<think>\n"), "</think>"
        end, rules = f"bounded_thought {self.literal(close)}", []
        if close not in self._special:
            end = f'(bounded_thought "\\n{close}" | ended_thought)'  # in this order, as in `required`
            rules = [f'ended_thought[lazy, max_tokens={text_tokens}]: ANY "{close}"']
        return [
            f"thought: {begin} thought_end",
            f'thought_end: {end} "\\n\\n"',
            *rules,
            f'bounded_thought[max_tokens={text_tokens}]: ANY & ~(ANY "{close}" ANY)',
        ]

    def tool(self, number: int, tool: ToolSchema) -> list[str]:
        """The rules of a call to one tool, from its name on."""
        layout, name = self._layout, tool["function"]["name"]
        written = as_json(name)[1:-1] if layout.before.endswith('"') else name
        schema = followed(tool["function"]["parameters"], layout.colon)
        return [
            _rule(
                f"named_{number}",
                self.literal(written + layout.between),
                f"arguments_{number}",
                self.literal(layout.after),
            ),
            f"arguments_{number}: %json {as_json(schema)}",
        ]

    def literal(self, text: str) -> str:
        """A text as Lark: strings, and special tokens by their ids."""
        return " ".join(
            f"<[{self._special[piece]}]>" if piece in self._special else as_json(piece)
            for piece in _pieces(text, self._special)
        )


def _pieces(text: str, special: Mapping[str, int]) -> list[str]:
    """A text cut into special tokens and what is between them."""
    found = sorted((word for word in special if word in text), key=len, reverse=True)
    pieces = re.split("(" + "|".join(map(re.escape, found)) + ")", text) if found else [text]
    return [piece for piece in pieces if piece]


def _rule(name: str, *parts: str) -> str:
    return f"{name}: {' '.join(filter(None, parts))}"
