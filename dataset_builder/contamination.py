"""Contamination: does a row hold a benchmark's question or one of its tools, so that learning it is cheating?

Comes in: benchmark files, then rows. Goes out: for each row the reason against it, with the file and line, or nothing.

A question is in it when 13 words in a row are the same (Brown et al. 2020; of Chinese, 13 characters), or when it is
the same or a near duplicate as a whole, for those that are shorter. A tool is in it when one of that name (punctuation
aside: `math.sum` and `math_sum`) with parameters of the same names is offered.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from dataset_builder.benchmarks import described, read_exams
from dataset_builder.duplicates import NEAR, NearTexts, folded
from dataset_builder.rows import Row

RUN = 13  # words, or Chinese characters
SHORTEST = 6  # characters: less is "yes" or "谢谢", which is in every benchmark
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")


class Contamination:
    """What the benchmarks in `files` ask and describe.

    Args:
        files: Benchmarks, as `read_exams` takes them.
        near: From which likeness (see `NearTexts`) a question is theirs.

    Attributes:
        questions, tools: How many they hold.
    """

    def __init__(self, files: Sequence[Path], near: float = NEAR):
        self.questions = 0
        self._runs: dict[str, str] = {}
        self._near = NearTexts(near)
        self._tools: dict[tuple[str, frozenset[str]], str] = {}
        for exam in read_exams(files):
            for tool in exam.tools:
                self._tools.setdefault(tool, exam.place)
            for question in filter(_is_long_enough, exam.questions):
                self.questions += 1
                self._near.add(exam.place, question)
                for run in _runs(question):
                    self._runs.setdefault(run, exam.place)
        self.tools = len(self._tools)

    def against(self, row: Row) -> str:
        """`question: …` or `tool: …`, naming file and line; "" for a row that has nothing of theirs."""
        said = [turn["content"] for turn in row["messages"] if turn["role"] == "user"]
        return next(filter(None, map(self._asked, filter(_is_long_enough, said))), "") or self._described(row)

    def _asked(self, text: str) -> str:
        for run in _runs(text):
            if run in self._runs:
                return f"question: {RUN} words as in {self._runs[run]}"
        found = self._near.nearest(text)
        return f"question: {found[1]:.2f} alike with {found[0]}" if found else ""

    def _described(self, row: Row) -> str:
        for tool in row["tools"]:
            found = described(tool)
            if found in self._tools:
                return f"tool: {tool['function']['name']} is the one of {self._tools[found]}"
        return ""


def _is_long_enough(text: str) -> bool:
    return len(folded(text)) >= SHORTEST


def _runs(text: str) -> Iterator[str]:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    for at in range(len(words) - RUN + 1):
        yield " ".join(words[at : at + RUN])
