"""Time to the first token of a long conversation's second turn, with kept keys and values and from a cold start.

    OMP_NUM_THREADS=1 python tests/bench/turns.py [--model embedded] [--tokens 2000] [--rounds 7] [--json]

The two take turns; medians of the process's own time are compared, so that a busy machine says the same as a quiet one.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.messages import Message, ToolSchema
from agent.models import Sampling, load_model
from agent.models.kept_turns import KeptTurns
from agent.toolbox import all_tools

ASK: Message = {"role": "user", "content": "上海的天气怎么样？ And in Paris?"}


def first_token(model: Any, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> float:
    """Seconds of processor time until a reply of one token is there."""

    async def one() -> None:
        async for _ in model.stream(messages, tools, Sampling(max_new_tokens=1)):
            pass

    started = time.process_time()
    asyncio.run(one())
    return time.process_time() - started


def measure(name: str, tokens: int, rounds: int) -> dict[str, float]:
    model: Any = load_model(name)
    tools = [tool.schema for tool in all_tools()[:8]]
    history: list[Message] = [{"role": "user", "content": "你好"}]
    while len(model.tokenizer(model.prompt(history, tools))["input_ids"]) < tokens:
        history += [
            {"role": "assistant", "content": f"第 {len(history)} 个回答。"},
            {"role": "user", "content": "还有呢？"},
        ]
    second: list[Message] = [*history, {"role": "assistant", "content": "就这些。"}, ASK]
    first_token(model, second, tools)
    cold, warm = [], []
    for _ in range(rounds):
        model._kept = KeptTurns()
        first_token(model, history, tools)
        warm.append(first_token(model, second, tools))
        model._kept = KeptTurns()
        cold.append(first_token(model, second, tools))
    return {
        "tokens of the first turn": len(model.tokenizer(model.prompt(history, tools))["input_ids"]),
        "cold start, ms": 1000 * statistics.median(cold),
        "second turn, ms": 1000 * statistics.median(warm),
        "second turn / cold start": statistics.median(warm) / statistics.median(cold),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.model, given.tokens, given.rounds)
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for name, value in found.items():
        sys.stdout.write(f"{name:28}{value:10.3g}\n")


if __name__ == "__main__":
    main()
