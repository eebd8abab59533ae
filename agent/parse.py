"""Reads what a model wrote: content, thought and tool calls, whatever the format and however bent.

    echo '<tool_call>{"name": "now"}</tool_call>' | python -m agent.parse --tools TOOLS.json

Comes in: one reply and the tools it was offered. Goes out: a `ParsedReply`, always: what was mended is named by kind,
what could not be understood is a problem with its reason and stays in the content. Well-formed text is read exactly.
"""

import json
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from agent.errors import UserError, exit_codes
from agent.formats import hermes, react_spelling, react_text, tags
from agent.formats.calls import ReadCall, Reading
from agent.formats.dialects import plain_markers
from agent.formats.hermes import Parts
from agent.formats.json_blocks import read_json_blocks
from agent.formats.mending import UnreadableError, read_json
from agent.formats.pythonic import read_pythonic_text
from agent.formats.remnants import read_remnants
from agent.formats.tags import with_plain_tags
from agent.formats.thoughts import Split, split_thoughts
from agent.messages import Message, ToolSchema, new_call_id, tool_call

Format = Literal["auto", "native", "hermes", "react", "react_zh", "json", "pythonic"]
FORMATS: tuple[str, ...] = get_args(Format)

MAX_CHARS = 400_000  # of one reply; nothing a model writes in one turn is longer
MAX_BLANKS = 2_000  # on end: weak models write nothing else until they are stopped
_ENDLESS = re.compile(rf"\s{{{MAX_BLANKS},}}")
# Markup of a call that is left over in what was read as content.
_FRAGMENT = re.compile(r"tool_?call\s*[>＞]|[<＜]\s*/?\s*tool_?call", re.IGNORECASE)
_NAME_LINE = re.compile(r"\s*([^\W\d][\w.\-]*)[ \t]*\n\s*(?=[{｛])")
_CUT_TAG = re.compile(r"[<＜]\s*tool_?call\s*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class ParsedReply:
    """A reply, understood as far as it can be.

    Args:
        content: What the reader sees; what looked like a call and could not be understood stays in it.
        thought: The model's reasoning.
        tool_calls: The calls in their order, as `{"name", "arguments"}`.
        repairs: What was mended, each kind once, in the order of its first appearance.
        problems: What could not be understood, and why. A call to a tool that is not there is kept, and a problem.
    """

    content: str = ""
    thought: str = ""
    tool_calls: list[ReadCall] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def message(self) -> Message:
        """The reply as an assistant message; call ids depend on the reply alone."""
        made: Message = {"role": "assistant", "content": self.content}
        if self.thought:
            made["reasoning_content"] = self.thought
        if self.tool_calls:
            rng = random.Random(json.dumps(self.tool_calls, ensure_ascii=False))
            made["tool_calls"] = [
                tool_call(call["name"], call["arguments"], new_call_id(rng)) for call in self.tool_calls
            ]
        return made


def parse_reply(text: str, tools: Sequence[ToolSchema], format: str = "auto") -> ParsedReply:  # noqa: A002, the field's word
    """Understand one reply.

    Args:
        text: What the model wrote, without special tokens.
        tools: The schemas it was offered; names and bare values are read by them.
        format: "auto" finds out, and so does "native", since a template may have any; "hermes", "react" (and
            "react_zh"), "json" or "pythonic" expect that one and read text that is none of it as plain content.
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")
    reading = Reading(list(tools))
    if len(text) > MAX_CHARS:
        reading.problem(f"the reply is longer than {MAX_CHARS} characters; the rest was not read")
        text = text[:MAX_CHARS]
    if _ENDLESS.search(text):
        reading.repaired("endless blanks")
        text = _ENDLESS.sub(lambda blanks: blanks.group()[:MAX_BLANKS], text)
    try:
        parts = _read(text, reading, "auto" if format == "native" else format)
    except RecursionError:
        reading.problem("the reply is nested too deep")
        parts = Parts(text, "")
    return ParsedReply(parts.content, parts.thought, reading.calls, reading.repairs, reading.problems)


def _read(text: str, reading: Reading, format: str) -> Parts:  # noqa: A002
    if format in ("auto", "hermes"):
        # Plain text is well-formed hermes too, but may hold calls in another format or in broken tags.
        probe, beside = Reading(reading.tools), Reading(reading.tools)
        exact = hermes.read_exact(text, probe)
        if exact is not None and format == "auto":
            read_json_blocks(exact.content, beside)
        if exact is not None and (probe.calls or format != "auto") and not (beside.calls or beside.problems):
            reading.calls = probe.calls
            return exact
    text = plain_markers(text, reading)
    split = split_thoughts(text, reading)
    said, thought = _out_of_unclosed(split, reading) if split.unclosed else (split.said, split.thought)
    parts = _read_said(with_plain_tags(said, reading), reading, format)
    left_to_look = format == "auto" and not reading.problems  # what was reported is not lost
    content = read_remnants(parts.content, reading) if left_to_look else parts.content
    content = "\n".join(filter(None, [content, *reading.said]))
    return Parts(content, "\n".join(filter(None, [thought, parts.thought])))


def _out_of_unclosed(split: Split, reading: Reading) -> tuple[str, str]:
    """What is said and thought where a thought was left open: calls in tags at its very end are made, others reported.

    Models that think forget the closing tag right before a call, and there alone.
    """
    reading.repaired("missing closing tag")
    inside = split.unclosed
    opener = re.search(r"^[ \t]*<tool_call>", inside, re.MULTILINE)
    if opener:
        probe = Reading(reading.tools)
        if not tags.read_tagged(inside[opener.start() :], probe) and probe.calls and not probe.problems:
            said = "\n".join(filter(None, [split.said, inside[opener.start() :]]))
            return said, "\n".join(filter(None, [split.thought, inside[: opener.start()].strip()]))
    probe = Reading(reading.tools)
    _read_said(inside, probe, "auto")
    if probe.calls:
        reading.problem("a call stands in a thought that is not closed, and was not made")
    return split.said, "\n".join(filter(None, [split.thought, inside]))


def _read_said(text: str, reading: Reading, format: str) -> Parts:  # noqa: A002
    """Read what is no thought, by the format or by the first that it has the marks of."""
    if format in ("auto", "hermes") and tags.has_tags(text):
        left = tags.read_tagged(text, reading)
        if left and not reading.problems:
            left = _read_leftover(left, reading)
        return Parts(left, "")
    if format in ("react", "react_zh", "auto"):
        lines = react_spelling.on_lines(text, reading)
        if format != "auto" or react_text.looks_like_react(lines, reading):
            return react_text.read_react(lines, reading)
    if format in ("auto", "json"):
        text = read_json_blocks(text, reading)
    if format == "auto" and not reading.calls:
        text = _read_name_and_json(text, reading)
    if format in ("auto", "pythonic") and not reading.calls:
        text = read_pythonic_text(text, reading)
    return Parts(text, "")


def _read_name_and_json(text: str, reading: Reading) -> str:
    """Take a reply that is a tool's name on a line and its arguments on the next ones, as GLM-4 writes."""
    match = _NAME_LINE.match(text)
    if match is None or match.group(1) not in reading.names:
        return text
    try:
        value, kinds = read_json(text[match.end() :])
    except UnreadableError as error:
        reading.problem(f"the arguments of {match.group(1)} cannot be read: {error}")
        return text
    reading.repaired("name before the arguments", *kinds)
    reading.add(match.group(1), value)
    return ""


def _read_leftover(text: str, reading: Reading) -> str:
    """Content beside calls in tags: a call whose own tags are broken is read as bare JSON, or else reported."""
    left = read_json_blocks(text, reading)
    if _FRAGMENT.search(left) and ('"name"' in left or _CUT_TAG.search(left)):
        reading.problem("a piece of a tool call tag is left in the text")
    elif left != text:
        left = _FRAGMENT.sub("", left).strip("<>/ \n")
    return left


def main(arguments: list[str] | None = None) -> None:
    """Text on standard input, one JSON document on standard output."""
    import typer

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @app.command(help="Read a model's reply from standard input; print what it says as JSON.")
    def parse(
        tools: str = typer.Option(
            ..., help="The tools: a JSON file of schemas, a Python file, a module, or `embedded`."
        ),
        format: str = typer.Option("auto", help=f"One of {', '.join(FORMATS)}."),  # noqa: A002
    ) -> None:
        from agent.tools import load_tools

        if format not in FORMATS:
            raise UserError(f"unknown format {format!r}", mend=f"one of {', '.join(FORMATS)}")
        schemas = [tool.schema for tool in load_tools(tools)]
        text = sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n")
        reply = parse_reply(text, schemas, format)
        fields = ("content", "thought", "tool_calls", "repairs", "problems")
        sys.stdout.write(json.dumps({name: getattr(reply, name) for name in fields}, ensure_ascii=False) + "\n")

    with exit_codes():
        try:
            typer.main.get_command(app).main(arguments, prog_name="python -m agent.parse", standalone_mode=False)
        except Exception as error:
            if isinstance(error, UserError) or not hasattr(error, "format_message"):
                raise
            raise UserError(error.format_message(), mend="see `python -m agent.parse --help`") from error


if __name__ == "__main__":
    main()
