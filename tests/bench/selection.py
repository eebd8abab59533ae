"""How often the tools that a question needs are among the k nearest: recall@4, @5, @10, @20 of `agent.selection`.

    python tests/bench/selection.py [--dataset runs/demo/dataset] [--json]

Catalogues and questions are Seal-Tools (2,844 tools, one or more calls a question) and BFCL (the functions of its
categories thrown together), both in English, from ../shared/data; and, in both languages, questions of the embedded
teacher on the embedded tools, alone and (`among Seal-Tools`) with all of Seal-Tools around them. `dataset` are the
first questions of the demo's rows that calls answer; a tool that a row shows under another name is the one that it
stands for. A question that needs two tools of which one is found counts half.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.selection import Selector
from agent.toolbox import all_tools
from agent.tools import Tool
from dataset_builder.embedded_teacher import EmbeddedTeacher
from training.data import load_rows, splits

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
DEMO = ROOT / "runs" / "demo" / "dataset"
KS = (4, 5, 10, 20)  # the Space ticks four
CATEGORIES = ("simple_python", "multiple", "parallel", "parallel_multiple")
QUESTIONS = 1000  # of the embedded teacher


@dataclass(frozen=True)
class Benchmark:
    """Tools, and questions with the names of the tools that each needs."""

    name: str
    tools: list[Tool]
    questions: list[tuple[str, set[str]]]


def lines(path: Path) -> Iterable[Any]:
    return map(json.loads, path.read_text(encoding="utf-8").splitlines())


def as_tool(name: str, description: str, properties: dict[str, Any]) -> Tool:
    parameters = {"type": "object", "properties": properties}
    return Tool(
        schema={"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}
    )


def seal_tools() -> Benchmark:
    tools = {
        entry["api_name"]: as_tool(entry["api_name"], entry["api_description"], entry["parameters"])
        for entry in lines(DATA / "seal_tools" / "tool.jsonl")
    }
    cases = lines(DATA / "seal_tools" / "dev.jsonl")
    questions = [(case["query"], {call["api"] for call in case["calling"]}) for case in cases]
    return Benchmark("Seal-Tools, en", list(tools.values()), questions)


def bfcl() -> Benchmark:
    """Functions of one name in several questions differ in detail; the first one stands for all."""
    tools: dict[str, Tool] = {}
    questions = []
    for category in CATEGORIES:
        answers = lines(DATA / "bfcl" / "possible_answer" / f"BFCL_v4_{category}.json")
        for case, answer in zip(lines(DATA / "bfcl" / f"BFCL_v4_{category}.json"), answers, strict=True):
            for function in case["function"]:
                properties = function["parameters"].get("properties", {})
                tools.setdefault(function["name"], as_tool(function["name"], function["description"], properties))
            text = "\n".join(message["content"] for turn in case["question"] for message in turn)
            questions.append((text, {name for call in answer["ground_truth"] for name in call}))
    return Benchmark("BFCL, en", list(tools.values()), questions)


def embedded(lang: str) -> Benchmark:
    tools = all_tools()
    teacher = EmbeddedTeacher(tools, seed=20, languages=(lang,))
    names = {tool.name for tool in tools}
    questions = []
    for question in teacher.questions(QUESTIONS):
        called = {call.name for call in question.plan.calls}
        if called and called <= names:  # a row may show a tool under another name, which no catalogue here knows
            questions.append((question.user, called))
    return Benchmark(f"embedded, {lang}", tools, questions)


def of_dataset(folder: str) -> list[Benchmark]:
    """One for each language, of the rows of all splits."""
    tools = all_tools()
    names = {tool.name for tool in tools}
    questions: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
    for split in splits(folder):
        for row in load_rows(folder, split):
            text, called = first_question(row)
            if called and called <= names:
                questions[row["lang"]].append((text, called))
    return [Benchmark(f"dataset, {lang}", tools, found) for lang, found in sorted(questions.items())]


def first_question(row: Mapping[str, Any]) -> tuple[str, set[str]]:
    """What a row's person asks first, and the tools called in the reply to it, by their own names."""
    messages, renamed = row["messages"], row["provenance"].get("stands_for", {})
    asked = next(index for index, message in enumerate(messages) if message["role"] == "user")
    names = [call["function"]["name"] for reply in messages[asked + 1 :][:1] for call in reply.get("tool_calls", [])]
    return messages[asked]["content"], {renamed[name]["tool"] if name in renamed else name for name in names}


def among(benchmark: Benchmark, others: list[Tool]) -> Benchmark:
    """The same questions, with other tools in the catalogue; those of the same name make room."""
    names = {tool.name for tool in benchmark.tools}
    tools = [*benchmark.tools, *(tool for tool in others if tool.name not in names)]
    return Benchmark(f"{benchmark.name}, among Seal-Tools", tools, benchmark.questions)


def measured(benchmark: Benchmark) -> dict[str, Any]:
    selector = Selector(benchmark.tools)
    started = time.process_time()
    ranked = [[tool.name for tool in selector.nearest(text, max(KS))] for text, _ in benchmark.questions]
    seconds = time.process_time() - started
    found = list(zip(ranked, (wanted for _, wanted in benchmark.questions), strict=True))
    recall = {k: sum(len(wanted & set(names[:k])) / len(wanted) for names, wanted in found) / len(found) for k in KS}
    return {
        "benchmark": benchmark.name,
        "tools": len(benchmark.tools),
        "questions": len(found),
        **{f"recall@{k}": round(value, 4) for k, value in recall.items()},
        "ms_per_question": round(1000 * seconds / len(found), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", type=Path, default=DEMO, help="a folder that `callsmith demo` or `build` made")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    benchmarks = [embedded("zh"), embedded("en")]
    if DATA.is_dir():
        seal = seal_tools()
        benchmarks = [seal, bfcl(), *benchmarks, *(among(one, seal.tools) for one in benchmarks)]
    if given.dataset.is_dir():
        benchmarks += of_dataset(str(given.dataset))
    else:
        print(f"skipped: no dataset in {given.dataset} (`callsmith demo` makes one)", file=sys.stderr)
    results = [measured(benchmark) for benchmark in benchmarks]
    if given.json:
        print(json.dumps(results))
        return
    for result in results:
        print("  ".join(f"{name} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
