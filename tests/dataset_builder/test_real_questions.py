"""Real questions that a model once wrote, and those that a check kept of them, through our stages."""

import asyncio
import json
from pathlib import Path

import pytest
from llm_server import LLMServer

from agent.models.endpoint import EndpointModel
from agent.tools import load_tools
from dataset_builder.duplicates import NEAR
from dataset_builder.embedded_teacher.question import Plan, PlannedCall, Question
from dataset_builder.journal import Journal
from dataset_builder.journalled import JournalledModel
from dataset_builder.llm_teacher import LLMTeacher
from dataset_builder.pipeline import harvest
from dataset_builder.replies import read_list
from dataset_builder.sieve import Sieve

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "annotated_react"
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.exists(), reason="the real data is not on this machine"),
]


def kept():
    return (DATA / "checked_questions.txt").read_text(encoding="utf-8").splitlines()


def generated():
    """The raw replies, read as the question stage reads one."""
    return read_list((DATA / "generated_questions.md").read_text(encoding="utf-8"))


class Asking(LLMTeacher):
    """Asks given questions, and nobody for more."""

    def give(self, texts):
        self.texts = list(texts)
        return self

    async def questions(self, count, needs=None):
        texts, self.texts = self.texts, []
        plan, tools = Plan(calls=(PlannedCall("search", {}),)), load_tools("embedded")[:3]
        for number, text in enumerate(texts):
            yield Question(f"real-{number}", "chat", "zh", tools, text, plan, "real", "train")


def checked(folder, texts, **options):
    """Who was asked what, and what came of the check."""
    with LLMServer() as server, Journal(folder) as journal:
        model = JournalledModel(EndpointModel(f"{server.url}#rules"), journal)
        teacher = Asking(model, load_tools("embedded"), languages=("zh",)).give(texts)
        made = asyncio.run(harvest(teacher, len(texts), provenance={}, concurrency=8, **options))
        return made, [body["messages"][-1]["content"] for body in server.asked]


def test_the_raw_reply_is_read_as_the_questions_that_are_in_it():
    found = generated()
    assert len(found) == 245  # the file has 290 lines, some of them empty
    assert all(len(text) > 3 and not text[0].isdigit() for text in found)
    assert set(kept()) < set(found)


def test_every_real_question_reaches_the_judge_or_is_dropped_by_a_rule_that_says_why(tmp_path):
    texts = generated() + kept()
    made, asked = checked(tmp_path, texts, until="check")
    ruled_out = [entry for entry in made.rejected if not entry["reason"].startswith("judge")]
    assert made.asked == len(texts)
    assert len(asked) == len(texts) - len(ruled_out)
    assert all(entry["reason"].partition(":")[0] in ("length", "language") for entry in ruled_out)
    assert len(ruled_out) <= 5, [entry["row"]["text"] for entry in ruled_out]
    assert sum(any(text in request for request in asked) for text in kept()) >= 230


def test_a_judges_no_is_kept_with_its_reason(tmp_path):
    text = kept()[0]
    made, _ = checked(tmp_path, [text, f"帮我订13号披萨，{text}"], until="check")
    assert [entry["reason"] for entry in made.rejected] == ["judge: 太不吉利"]


def test_what_was_kept_is_found_again_among_what_was_generated(tmp_path):
    """As rows: of each question that stands in both files, one is left."""
    sieve = Sieve(NEAR)
    left, dropped = [], []
    for text in generated() + kept():
        said = [{"role": "user", "content": text}, {"role": "assistant", "content": "好的。"}]
        row = {"id": str(len(left)), "messages": said, "tools": [], "scenario": "chat", "split_key": "real"}
        stage, reason = sieve.against(row)
        (dropped if stage else left).append((text, reason))
    assert {text for text, _ in dropped} >= set(kept()) & {text for text, _ in left}
    near = [(text, reason) for text, reason in dropped if reason.startswith("near")]
    assert len(dropped) >= 225
    assert len(near) <= 20, json.dumps(near, ensure_ascii=False)
