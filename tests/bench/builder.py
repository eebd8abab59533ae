"""Rows a second and memory through verify, duplicates, decontamination and publishing, at 10,000 and at 100,000 rows.

    OMP_NUM_THREADS=1 python tests/bench/builder.py [--rows 10000 100000] [--json]

The rows are made up by rules, every one another and most with a call that must be traced; every thirtieth repeats an
earlier one, every fiftieth repeats it nearly, every hundredth asks a question of the benchmark. They go the way that a
build's rows go: its pipeline, sieve, spools and folder. Each number of rows is a process of its own, so that its peak
memory is its own; another process holds nothing but the index of duplicates over the same rows, which is the one thing
that may grow. Told are milliseconds of processor time a row, and megabytes.
"""

import argparse
import asyncio
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from agent.tools import tool
from dataset_builder.assembly import Told, assemble
from dataset_builder.duplicates import NEAR
from dataset_builder.embedded_teacher.question import Conversation, Plan, Question
from dataset_builder.outcomes import PUBLISH, STAGES
from dataset_builder.pipeline import harvest, spooled
from dataset_builder.questions import Solution
from dataset_builder.sieve import Sieve

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("an", "el", "ir", "on", "ut") for c in ("ka", "lo", "mi", "ne")]
CHARACTERS = "天地人山水火风云花草树木鸟鱼虫马牛羊车船路桥门窗书纸笔墨琴棋诗画茶酒米面盐油春夏秋冬东西南北"
TOOLS = 40


def made_up(number: int) -> tuple[str, str, int]:
    """A question, the value that a call takes from it, and which tool it is about."""
    source = number
    if number % 30 == 29:
        source = number - 7  # the same again
    rng = random.Random(source)
    which = rng.randrange(TOOLS)
    if source % 2:
        value = "".join(rng.choices(CHARACTERS, k=4))
        text = f"请帮我查一下{value}的记录，{''.join(rng.choices(CHARACTERS, k=24))}，谢谢"
    else:
        value = " ".join(rng.sample(WORDS, 2))
        text = f"Please look up the record of {value}, {' '.join(rng.sample(WORDS, 8))}"
    if number % 50 == 49:
        text += "!"
    return text, value, which


@tool
def look_up(name: str) -> str:
    """Look a record up.

    Args:
        name: Whose.
    """
    return f"{name}: found"


class Teacher:
    """Gives as many rows as it is asked for, at no cost of its own but that of making them up."""

    name, shares, fixed = "made up", {("single_call", "en"): 1.0}, True

    def __init__(self, count: int):
        self.left = range(count)
        schemas = [json.loads(json.dumps(look_up.schema)) for _ in range(TOOLS)]
        for number, schema in enumerate(schemas):
            schema["function"]["name"] = f"look_up_{number}"
        self.schemas = schemas

    async def questions(self, count: int, needs: Any = None) -> AsyncIterator[Question]:
        numbers, self.left = self.left, range(0)
        for number in numbers:
            text, _, which = made_up(number)
            side = "test" if which < TOOLS // 5 else "train"
            yield Question(f"row-{number}", "single_call", "en", [], text, Plan(), f"family-{which}", side)  # type: ignore[arg-type]

    async def check(self, question: Question) -> tuple[bool, str]:
        return True, ""

    async def judge(self, question: Question, conversation: Conversation) -> tuple[bool, str]:
        return True, ""

    async def solve(self, question: Question, attempt: int = 0) -> Solution:
        number = int(question.id.partition("-")[2])
        text, value, which = made_up(number)
        schema = self.schemas[which]
        name = schema["function"]["name"]
        call = {"id": "abcdef123", "type": "function", "function": {"name": name, "arguments": {"name": value}}}
        messages: Any = [
            {"role": "user", "content": text},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": f"{value}: found", "name": name, "tool_call_id": "abcdef123"},
            {"role": "assistant", "content": f"{value}: found."},
        ]
        others = [self.schemas[(which + step) % TOOLS] for step in range(3)]
        made = Conversation(question.id, "single_call", "en", messages, others, question.family, question.split)
        return Solution(made)


def benchmark(file: Path, rows: int) -> Path:
    """A file of questions: one of a hundred of those that will be made up."""
    numbers = range(0, min(rows, 10_000), 100)
    file.write_text("".join(json.dumps({"question": made_up(number)[0]}) + "\n" for number in numbers))
    return file


def whole_way(rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sieve = Sieve(NEAR, [benchmark(place / "exam.jsonl", rows)])
        began, cpu = time.monotonic(), time.process_time()
        made = asyncio.run(
            harvest(Teacher(rows), rows, provenance={"teacher": "made up"}, sieve=sieve, made=spooled(place))
        )
        stages = (*STAGES, *sieve.stages, PUBLISH)
        told = Told("bench", "unknown", "Made up.", {}, stages, [0])
        report = assemble(place / "set", made, [], told, overwrite=False)
        cpu, took = time.process_time() - cpu, time.monotonic() - began
        size = sum(file.stat().st_size for file in (place / "set").rglob("*") if file.is_file())
        dropped = {stage.stage: stage.dropped for stage in report.funnel if stage.dropped}
    return {
        "kept": sum(report.rows.values()),
        "dropped": dropped,
        "rows_per_second": round(rows / took),
        "cpu_ms_per_row": round(1000 * cpu / rows, 3),
        "dataset_mb": round(size / 1e6, 1),
    }


def index_only(rows: int) -> dict[str, Any]:
    sieve = Sieve(NEAR)
    schema = {"function": {"name": "none"}}
    for number in range(rows):
        text, value, which = made_up(number)
        call = {"function": {"name": f"look_up_{which}", "arguments": {"name": value}}}
        messages = [{"role": "user", "content": text}, {"role": "assistant", "content": "", "tool_calls": [call]}]
        row: Any = {"id": f"row-{number}", "messages": messages, "scenario": "single_call", "tools": [schema]}
        if not sieve.against(row)[0]:
            pass
    return {}


def measured(what: str, rows: int) -> dict[str, Any]:
    """What a process of its own says, and its peak memory."""
    done = subprocess.run([sys.executable, __file__, "--one", what, str(rows)], check=True, stdout=subprocess.PIPE)
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        what, rows = options.one
        found = {"way": whole_way, "index": index_only}[what](int(rows))
        print(json.dumps({**found, "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}))
        return
    figures = []
    for rows in options.rows:
        way, index = measured("way", rows), measured("index", rows)
        figures.append({"rows": rows, **way, "index_alone_peak_mb": index["peak_mb"]})
        if not options.json:
            print(", ".join(f"{name} {value}" for name, value in figures[-1].items()), flush=True)
    first, last = figures[0], figures[-1]
    growth = {
        "cost_ratio": round(last["cpu_ms_per_row"] / first["cpu_ms_per_row"], 2),
        "memory_grew_mb": last["peak_mb"] - first["peak_mb"],
        "index_grew_mb": last["index_alone_peak_mb"] - first["index_alone_peak_mb"],
    }
    if options.json:
        print(json.dumps({"figures": figures, "growth": growth}))
    else:
        print(", ".join(f"{name} {value}" for name, value in growth.items()))


if __name__ == "__main__":
    main()
