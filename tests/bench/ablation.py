"""What each switch around the loop changes, on the evaluation's decisions: planning, selection, distilling, restating.

    OMP_NUM_THREADS=1 python tests/bench/ablation.py [--model embedded] [--adapter DIR] [--dataset DIR] [--limit 40]

Each reply that `callsmith evaluate` would ask for is asked of an agent instead, once for each variant, and judged by
the same measures. `many tools` shows each row's tools among others, `select 4 of many` chooses from the same ones;
`long results` has each true result within other text, `distill long` has it distilled. The default dataset and adapter
are those of `make demo`; where there are none, rows are made and the base is asked.
"""

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.events import Done, Failed, Repaired, Replied, Used
from agent.loop import Agent
from agent.messages import Message
from agent.models import ChatModel, Sampling, Usage, load_model
from agent.toolbox import all_tools
from agent.tools import Tool
from training.data import load_rows
from training.evaluate.counting import Share, count
from training.evaluate.decisions import Decision, decisions_of
from training.evaluate.judge import MEASURES, Written, judge

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "runs" / "demo"
MANY = 12  # tools, where a row's own ones stand among others
AROUND = 400  # characters before a long result, and as many after it
LONG = 300  # characters of a result that is distilled
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "plan": {"plan": True},
    "rewrite": {"rewrite": True},
    "many tools": {},
    "select 4 of many": {"select": 4},
    "long results": {},
    "distill long": {"distill": LONG},
}


def offered(decision: Decision, many: bool) -> list[Tool]:
    """The row's tools, as schemas that nothing executes; with others among them, in an order that tells nothing."""
    own = [Tool(schema=schema) for schema in decision.tools]
    names = {tool.name for tool in own}
    others = (Tool(schema=tool.localized(decision.lang)) for tool in all_tools() if tool.name not in names)
    added = itertools.islice(others, max(0, MANY - len(own))) if many else []
    return sorted([*own, *added], key=lambda tool: tool.name) if many else own


def with_long_results(decision: Decision) -> list[Message]:
    """The prompt with each result in the middle of text that has nothing to do with it."""
    other = " ".join(tool.localized(decision.lang)["function"]["description"] for tool in all_tools())
    before, after = other[:AROUND], other[-AROUND:]
    return [
        {**message, "content": f"{before}\n{message['content']}\n{after}"} if message["role"] == "tool" else message
        for message in decision.prompt
    ]


async def written(agent: Agent, prompt: Sequence[Message]) -> tuple[Written, Usage]:
    """What the agent says next, judged as a reply is; and all that it read and wrote for it.

    What is mended after the reply are arguments, where they are fitted to run; the judge sees them as they were read.
    """
    content, calls, used, reason = "", list[dict[str, Any]](), Usage(0, 0), ""
    problems, repairs, replied = list[str](), list[str](), False
    async for event in agent.stream(prompt, steps=1):
        if isinstance(event, Replied):
            replied = True
            content = event.message["content"]
            calls = [dict(call["function"]) for call in event.message.get("tool_calls", [])]
        elif isinstance(event, Repaired) and not replied:
            repairs.append(event.what)
        elif isinstance(event, Failed):
            problems.append(event.reason)
        elif isinstance(event, Used):
            read, wrote = event.usage.prompt_tokens, event.usage.completion_tokens
            used = Usage(used.prompt_tokens + read, used.completion_tokens + wrote)
        elif isinstance(event, Done):
            reason = event.reason
    return Written(content, calls, problems, ended=reason != "length", repairs=repairs), used


def measure(model: ChatModel, decisions: Sequence[Decision], max_new_tokens: int) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for variant, options in VARIANTS.items():
        many = "many" in variant
        verdicts, read, wrote = [], 0, 0
        for number, decision in enumerate(decisions, start=1):
            sampling = Sampling(max_new_tokens=max_new_tokens)
            agent = Agent(model, offered(decision, many), lang=decision.lang, sampling=sampling, **options)
            prompt = with_long_results(decision) if "long" in variant else decision.prompt
            said, used = asyncio.run(written(agent, prompt))
            verdicts.append(judge(decision, said))
            read, wrote = read + used.prompt_tokens, wrote + used.completion_tokens
            print(f"\r{variant}: {number} of {len(decisions)}", end="\r", file=sys.stderr)
        found[variant] = {
            "measures": count(verdicts, list(MEASURES)),
            "tokens read": read // len(decisions),
            "tokens written": wrote // len(decisions),
        }
    return found


def rows(dataset: Path | None, limit: int) -> list[dict[str, Any]]:
    if dataset is not None:
        return drawn(str(dataset), limit)
    with tempfile.TemporaryDirectory() as folder:
        made = str(Path(folder) / "rows")
        build = ["build", "--tools", "embedded", "--teacher", "embedded", "--rows", str(12 * limit), "--output", made]
        subprocess.run([sys.executable, "-m", "agent.cli", *build], cwd=ROOT, check=True, capture_output=True)
        return drawn(made, limit)


def drawn(dataset: str, limit: int) -> list[dict[str, Any]]:
    """Test rows in an order by chance, the same one every time; all of them where there are fewer than `limit`."""
    found = load_rows(dataset, "test").shuffle(seed=0)
    return list(found.select(range(min(limit, len(found)))))


def table(found: dict[str, dict[str, Any]]) -> str:
    lines = [f"{'':22}" + "".join(f"{name:>18}" for name in found)]
    for measure, title in MEASURES.items():
        shares: list[Share] = [one["measures"][measure] for one in found.values()]
        if shares[0]["n"]:
            cells = "".join(f"{share['rate']:>17.1f}%" for share in shares)
            lines.append(f"{title[:20]:22}{cells}   n={shares[0]['n']}")
    costs = ("tokens read", "tokens written")
    lines += [f"{key:22}" + "".join(f"{one[key]:>18}" for one in found.values()) for key in costs]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--adapter")
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--limit", type=int, default=40, help="decisions")
    parser.add_argument("--max-new-tokens", type=int, default=128)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.model == "embedded" and given.adapter is None and (DEMO / "adapter" / "adapter_config.json").is_file():
        given.adapter = str(DEMO / "adapter")
    if given.dataset is None and (DEMO / "dataset" / "data").is_dir():
        given.dataset = DEMO / "dataset"
    decisions = decisions_of(rows(given.dataset, given.limit))[: given.limit]
    found = measure(load_model(given.model, adapter=given.adapter), decisions, given.max_new_tokens)
    print(json.dumps(found) if given.json else f"{given.model} {given.adapter or ''}\n{table(found)}")


if __name__ == "__main__":
    main()
