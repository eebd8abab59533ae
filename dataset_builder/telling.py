"""What `callsmith build` tells a person: of a finished build, a plan, a run's state, one row's story.

Comes in: the values that --json prints. Goes out: lines of text.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TOOLS_SHOWN = 12  # the rest is in --json
_SHORT = 400  # characters of a message


def of_summary(summary: Mapping[str, Any]) -> Iterator[str]:
    counts = ", ".join(f"{count} {split}" for split, count in summary["rows"].items())
    yield f"{summary['output']}: {counts}"
    yield from _dropped(summary["funnel"])
    for tool, count in summary.get("unanswered", {}).items():
        calls = "its only call" if count == 1 else f"each of its {count} calls"
        yield f"  warning: {tool} never answered: {calls} failed, so its rows teach nothing but errors"
    if "round_trip" in summary:
        same, total = summary["round_trip"]["identical"], summary["round_trip"]["rows"]
        yield f"  rendered back to text, {same} of {total} ({same / total:.1%}) equal the original to the character"
        for entry in summary["round_trip"]["different"]:
            yield f"    {entry['id']}: {entry['why']}"
    if "pushed" in summary:
        yield f"  pushed: {summary['pushed']}"


def of_stage(summary: Mapping[str, Any]) -> Iterator[str]:
    yield f"{summary['file']}: {summary['passed']} passed {summary['stage']}"
    yield from _dropped(summary["funnel"])


def of_plan(plan: Mapping[str, Any]) -> Iterator[str]:
    languages = sorted({lang for langs in plan["mix"].values() for lang in langs})
    yield f"{plan['rows']} rows, if no question is dropped"
    yield "  " + "scenario".ljust(20) + "".join(lang.rjust(8) for lang in languages)
    by_tool: Counter[str] = Counter()
    for scenario, langs in plan["mix"].items():
        yield "  " + scenario.ljust(20) + "".join(str(sum(langs.get(lang, {}).values())).rjust(8) for lang in languages)
        for tools in langs.values():
            by_tool.update(tools)
    shown = ", ".join(f"{tool} {count}" for tool, count in by_tool.most_common(TOOLS_SHOWN))
    more = len(by_tool) - TOOLS_SHOWN
    yield f"  by tool: {shown}{f' and {more} more' if more > 0 else ''}"
    if not plan["requests"]:
        yield "  no model is asked: it costs nothing"
        return
    parts = ", ".join(f"{count} {what}" for what, count in plan["requests"].items())
    yield f"  {plan['all_requests']} requests ({parts})"
    yield f"  about {plan['prompt_tokens']:,} tokens read and {plan['completion_tokens']:,} written"
    price = "" if plan["cost"] is None else f"{plan['cost']:.2f}"
    yield f"  about {price} at these prices" if price else "  what it costs: give --price-in and --price-out"
    yield f"  how tokens are counted: {plan['rule']}"


def of_status(state: Mapping[str, Any]) -> Iterator[str]:
    yield f"{state['output']}: {state['state']}, {state['rows']} of {state['wanted']} rows"
    for shard in state.get("shards", []):
        rows = "" if shard["state"] == "not begun" else f", {shard['rows']} of {shard['wanted']} rows"
        yield f"  {shard['shard']}: {shard['state']}{rows}"
    if state["asked"]:
        tokens = state.get("tokens", {})
        if any(tokens.values()):
            yield f"  tokens: {tokens['read']:,} read, {tokens['written']:,} written"
        yield "  written down: " + ", ".join(f"{count} × {kind}" for kind, count in sorted(state["asked"].items()))
    for stage in state["funnel"]:
        yield f"  {stage['stage'].ljust(14)} {stage['came_in']:>7} came in {stage['went_on']:>7} went on"
        for reason, count in stage["dropped"].items():
            yield f"      {count} × {reason}"


def of_stopped(state: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{state['output']}: stopped with {state['rows']} of {state['wanted']} rows, because {state['why']}; "
        "nothing is published yet, and nothing is lost: the same command with a higher limit goes on from here"
    )


def of_story(story: Mapping[str, Any]) -> Iterator[str]:
    ended = f"dropped at {story['stage']}: {story['reason']}" if story["stage"] else story["state"]
    yield f"{story['id']}: {ended}"
    if "question" not in story:
        answers = ", ".join(f"{count} at {stage}" for stage, count in story["answers"].items())
        yield f"  answers so far: {answers}"
        return
    yield f"  {story['scenario']}, {story['lang']}, tools: {', '.join(story['tools'])}"
    yield f"  question: {story['question']}"
    if story["verdict"]:
        yield f"  verdict: {story['verdict']}"
    yield from _conversation(story["messages"] or [])


def _conversation(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        for call in message.get("tool_calls", []):
            arguments = json.dumps(call["function"]["arguments"], ensure_ascii=False)
            yield f"  call: {call['function']['name']} {arguments}"
        if message["content"]:
            text = " ".join(message["content"].split())
            shown = text if len(text) <= _SHORT else f"{text[:_SHORT]} … ({len(text)} characters)"
            yield f"  {'result' if message['role'] == 'tool' else message['role']}: {shown}"


def _dropped(funnel: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for stage in funnel:
        for reason, count in stage["dropped"].items():
            yield f"  dropped at {stage['stage']}: {count} × {reason}"
