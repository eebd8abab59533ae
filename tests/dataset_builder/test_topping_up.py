"""What the checks thin out is topped up where it is lacking; what never works is given up, and its share goes on."""

import asyncio
from collections import Counter

from forked_builds import TOOLS
from llm_server import LLMServer
from test_llm_teacher import harvested

from agent.models.endpoint import EndpointModel
from agent.tools import load_tools
from dataset_builder.grid import SCENARIOS, Grid
from dataset_builder.llm_teacher import LLMTeacher
from dataset_builder.pipeline import Harvest, _needs


def test_each_scenario_comes_as_often_as_its_share_says_however_many_tools_it_is_possible_with():
    tools = load_tools("embedded")
    grid = Grid(tools, ("zh", "en"), 0)
    found = Counter(grid.cell(number).scenario for number in range(4500))
    assert found.keys() == set(SCENARIOS)
    assert all(450 <= count <= 550 for count in found.values())
    assert sum(grid.declared.values()) == 1 or abs(sum(grid.declared.values()) - 1) < 1e-9


def test_what_lacks_most_is_asked_for_most():
    shares = {("a", "en"): 0.5, ("b", "en"): 0.5}
    made = Harvest(rows=[None] * 50, mix=Counter({("a", "en"): 40, ("b", "en"): 10}))
    made.tried.update({("a", "en"): 40, ("b", "en"): 40})
    needs = _needs(shares, made, 100)
    assert needs[("a", "en")] == 10
    assert needs[("b", "en")] == 160, "of those a quarter became rows"


def test_what_never_became_a_row_is_given_up():
    shares = {("a", "en"): 0.5, ("b", "en"): 0.5}
    made = Harvest(rows=[None] * 20, mix=Counter({("a", "en"): 20}), tried=Counter({("a", "en"): 20, ("b", "en"): 20}))
    assert _needs(shares, made, 100) == {("a", "en"): 80}


def test_a_model_is_asked_again_for_the_scenario_that_was_thinned_out(tmp_path):
    """Half of the sequential questions are dropped by this server's tools, none of the chats."""
    with LLMServer() as server:
        made, _ = harvested(tmp_path, server.url, wanted=80, mix={"sequential_calls": 1, "chat": 1})
    counts = Counter(row["scenario"] for row in made.rows)
    dropped = Counter(entry["row"]["scenario"] for entry in made.rejected)
    assert len(made.rows) == 80
    assert dropped["sequential_calls"] > 10
    assert abs(counts["sequential_calls"] - 40) <= 8


def test_a_scenario_that_never_works_does_not_keep_the_others_from_being_enough(tmp_path):
    with LLMServer() as server:
        reply = server.reply
        server.reply = lambda body: {"content": "No. Never."} if "Only the" in str(body["messages"]) else reply(body)
        made, _ = harvested(tmp_path, server.url, wanted=30, languages=("en",), mix={"distractors": 1, "chat": 1})
    assert Counter(row["scenario"] for row in made.rows) == {"chat": 30}


def test_needs_are_asked_for_exactly():
    async def questions(teacher, needs):
        return [question async for question in teacher.questions(0, needs)]

    with LLMServer() as server:
        model = EndpointModel(f"{server.url}#rules")
        teacher = LLMTeacher(model, load_tools(str(TOOLS)), languages=("zh", "en"), seed=0)
        from dataset_builder.journal import scope

        with scope("test"):
            made = asyncio.run(questions(teacher, {("chat", "zh"): 5, ("single_call", "en"): 2}))
    assert Counter((each.scenario, each.lang) for each in made) == {("chat", "zh"): 5, ("single_call", "en"): 2}
