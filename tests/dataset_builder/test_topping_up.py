"""What the checks thin out is topped up where it is lacking; what never works is given up, and its share goes on."""

import asyncio
import zlib
from collections import Counter

from forked_builds import TOOLS
from llm_server import LLMServer
from test_llm_teacher import harvested

from agent.models.endpoint import EndpointModel
from agent.tools import load_tools
from dataset_builder.grid import SCENARIOS, Grid
from dataset_builder.llm_teacher import LLMTeacher
from dataset_builder.pipeline import Harvest, _needs, harvest
from dataset_builder.sieve import Sieve
from dataset_builder.teachers import Embedded


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


class Dropping(Sieve):
    """A sieve that drops the rows for which `drops(row)` holds."""

    def __init__(self, drops):
        super().__init__()
        self._drops = drops

    def against(self, row):
        return ("duplicates", "too like another") if self._drops(row) else super().against(row)


def of_embedded(wanted, mix, drops, languages=("zh", "en"), source="embedded"):
    """A harvest from the embedded teacher."""
    teacher = Embedded(load_tools(source), languages, 0, mix)
    return asyncio.run(harvest(teacher, wanted, provenance={}, sieve=Dropping(drops)))


def test_the_embedded_teacher_tops_up_each_scenario_and_language():
    def drops(row):
        """Five of six Chinese rows of one scenario, as near duplicates thin out what is said in few words."""
        return (row["scenario"], row["lang"]) == ("missing_parameter", "zh") and zlib.crc32(row["id"].encode()) % 6

    mix = {"single_call": 1, "missing_parameter": 1, "multi_turn": 1}
    made = of_embedded(150, mix, drops)
    counts = Counter((row["scenario"], row["lang"]) for row in made.rows)
    assert sum(counts.values()) == 150
    assert len(made.rejected) > 20
    assert counts["missing_parameter", "zh"] >= 14, "of the total alone it would have got about 5"
    assert max(counts.values()) <= 35


def test_what_the_embedded_teacher_cannot_say_more_of_is_made_up_for_by_the_rest():
    chats = []

    def drops(row):
        """All small talk but for the first ten."""
        chats.extend([row] * (row["scenario"] == "chat"))
        return row["scenario"] == "chat" and len(chats) > 10

    made = of_embedded(160, {"chat": 1, "single_call": 1}, drops)
    assert Counter(row["scenario"] for row in made.rows) == {"chat": 10, "single_call": 150}
    assert made.asked < 160 * 20, "and it ends"


def test_the_embedded_teacher_is_asked_for_needs_exactly_and_no_question_comes_twice():
    async def questions(teacher, *asked):
        return [question for each in asked async for question in teacher.questions(*each)]

    needs = {("chat", "zh"): 5, ("single_call", "en"): 7, ("tool_error", "en"): 3}
    teacher = Embedded(load_tools("embedded"), ("zh", "en"), 0, None)
    made = asyncio.run(questions(teacher, (4,), (0, needs), (4, None)))
    assert Counter((each.scenario, each.lang) for each in made[4:-4]) == needs
    assert len({each.id for each in made}) == 23
    assert len({each.user for each in made}) == 23


def test_shards_of_the_embedded_teacher_top_up_with_questions_of_their_own():
    async def questions(teacher):
        first = [question.id async for question in teacher.questions(3)]
        return first + [question.id async for question in teacher.questions(0, {("chat", "en"): 4})]

    tools = load_tools("embedded")
    ids = [asyncio.run(questions(Embedded(tools, ("zh", "en"), 0, None, (which, 2)))) for which in (0, 1)]
    assert not set(ids[0]) & set(ids[1])
    assert [int(each.rpartition("-")[2]) % 2 for each in ids[0] + ids[1]] == [0] * 7 + [1] * 7


def test_a_scenario_that_the_tools_do_not_allow_is_left_to_the_others():
    made = of_embedded(30, {"tool_error": 3, "single_call": 1}, lambda row: "1" in row["id"], source=str(TOOLS))
    assert {row["scenario"] for row in made.rows} == {"single_call"}


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
