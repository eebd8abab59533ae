"""HTML of the annotation page: the head of a row, its tools, its progress, and a run while it streams.

Comes in: values. Goes out: HTML whose every text is escaped. Knows nothing of Gradio.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape

from agent.messages import Message, Problem, ToolSchema
from dataset_builder.annotate.desk import Sheet
from dataset_builder.annotate.journal import Draft
from dataset_builder.annotate.running import Progress
from dataset_builder.annotate.standing import Standing, Status
from dataset_builder.annotate.telling import place, told
from dataset_builder.annotate.words import Words


def progress_bar(counts: Mapping[Status, int], words: Words, drawing: str = "") -> str:
    """How far the work is; `drawing` is the one that the row below is to be in, or is about to be."""
    total = sum(counts.values())
    done = total - counts["open"]
    text = words.progress.format(
        done=done, total=total, percent=100 * done // max(total, 1), accepted=counts["accepted"],
        rejected=counts["rejected"], deleted=counts["deleted"],
    )  # fmt: skip
    parts = "".join(
        f'<i class="{status}" style="width:{100 * counts[status] / max(total, 1):.2f}%"></i>'
        for status in ("accepted", "rejected", "deleted")
    )
    return (
        f'<div class="progress" data-drawing="{escape(drawing)}"><p>{escape(text)}</p>'
        f'<div class="track">{parts}</div></div>'
    )


def row_head(
    number: int,
    total: int,
    sheet: Sheet,
    standing: Standing,
    held: bool,
    problems: Sequence[Problem],
    words: Words,
    drawing: str = "",
) -> str:
    """Which row it is, how it stands, and what keeps it from being accepted; `drawing` is the one it stands in."""
    row = sheet.row
    facts = " · ".join((row["id"], row["scenario"], row["lang"], sheet.split))
    status = words.status[standing.status]
    stands = words.problem.format(field=status, what=standing.reason) if standing.reason else status
    chip = f'<span class="chip {standing.status}">{escape(stands)}</span>'
    note = f'<p class="note">{escape(words.held)}</p>' if held else ""
    if problems:
        items = "".join(f"<li>{escape(told(one, words))}</li>" for one in problems)
        state = f'<div class="problems">{escape(words.problems)}<ul>{items}</ul></div>'
    else:
        state = f'<p class="fine">{escape(words.no_problems)}</p>'
    return (
        f'<div class="row-head" data-drawing="{escape(drawing)}"><b>{number + 1}</b><span>/ {total}</span>{chip}'
        f"<small>{escape(facts)}</small></div>{note}{state}"
    )


def tool_list(schemas: Sequence[ToolSchema]) -> str:
    parts = []
    for schema in schemas:
        function = schema["function"]
        parameters = escape(json.dumps(function["parameters"], ensure_ascii=False, indent=2))
        parts.append(
            f"<details><summary><code>{escape(function['name'])}</code> {escape(function['description'])}</summary>"
            f"<pre>{parameters}</pre></details>"
        )
    return f'<div class="tool-list">{"".join(parts)}</div>'


def older_drafts(drafts: Sequence[Draft], words: Words) -> str:
    """What a person typed over a version that is no longer the latest, to be copied by hand."""
    items = "".join(
        f"<dt>{escape(place(draft.field, words))}</dt><dd><pre>{escape(draft.text)}</pre></dd>" for draft in drafts
    )
    return f'<div class="older">{escape(words.older_drafts)}<dl>{items}</dl></div>'


def live(now: Progress, words: Words) -> str:
    """A run while it streams."""
    cards = [_live_card(message, words) for message in now.made]
    if not now.ended:
        thought = f'<p class="thought">{escape(now.thought)}</p>' if now.thought else ""
        cards.append(
            f'<div class="live-card"><b>{escape(words.generating)}</b>{thought}<p>{escape(now.text)}</p></div>'
        )
    return f'<div class="live">{"".join(cards)}</div>'


def _live_card(message: Message, words: Words) -> str:
    parts = [f"<b>{escape(words.roles[message['role']])}</b>"]
    if message.get("reasoning_content"):
        parts.append(f'<p class="thought">{escape(message["reasoning_content"])}</p>')
    for call in message.get("tool_calls", []):
        arguments = json.dumps(call["function"]["arguments"], ensure_ascii=False)
        parts.append(f"<pre>{escape(call['function']['name'])}({escape(arguments)})</pre>")
    if message["content"]:
        parts.append(f"<p>{escape(message['content'])}</p>")
    return f'<div class="live-card">{"".join(parts)}</div>'
