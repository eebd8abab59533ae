"""The parts of the Space that need no browser: words, the tool list, feedback, examples, the Space's own files."""

import asyncio
import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import yaml
from scripted_model import TOOLS, ScriptedModel

from agent.errors import UserError
from agent.messages import check_conversation
from agent.models import Sampling, load_model
from agent.models.templates import other_template, template_hash
from agent.tools import load_tools
from space.app import build, head, read_questions
from space.examples import EXAMPLES, fitting
from space.feedback import Feedback, as_row
from space.holding import page_sampling
from space.page import Page, example_cards
from space.tool_list import OFFERED_AT_FIRST, as_html, first_choice
from space.visit import Visit, ask
from space.words import WORDS, language_of, preferred_language

SPACE = Path(__file__).resolve().parents[2] / "space"


def test_a_browser_gets_its_language() -> None:
    assert preferred_language("zh-CN,zh;q=0.9,en;q=0.8") == "zh"
    assert preferred_language("fr-FR,en-US;q=0.7,zh;q=0.3") == "en"
    assert preferred_language("") == "en"
    assert language_of("北京 weather") == "zh"
    assert language_of("42", otherwise="zh") == "zh"


def test_tool_descriptions_are_escaped_and_in_the_page_language() -> None:
    page = Page(ScriptedModel(), TOOLS)
    assert "查询一个城市的天气" in as_html(page.schemas("zh"), WORDS["zh"])
    assert "Look up the weather" in as_html(page.schemas("en"), WORDS["en"])
    evil = {"type": "function", "function": {"name": "x", "description": "<script>", "parameters": {}}}
    assert "<script>" not in as_html([evil], WORDS["en"])


def test_few_tools_are_offered_at_first_and_those_of_the_examples_before_others() -> None:
    tools = load_tools("embedded")
    wanted = tools[-1].name
    chosen = first_choice(tools, ["gone", wanted])
    assert wanted in chosen
    assert len(chosen) == min(OFFERED_AT_FIRST, len(tools))


def test_a_typed_question_ticks_the_nearest_tools_and_a_choice_of_ones_own_stands() -> None:
    page = Page(ScriptedModel(), load_tools("embedded"))
    _, visit, _, offered = page.asked("把计时器设成七分钟", Visit(), True, "zh")
    assert "set_timer" in offered.value
    assert len(offered.value) == OFFERED_AT_FIRST
    names = [name for name, _ in offered.choices]
    assert names[:OFFERED_AT_FIRST] == offered.value
    assert sorted(names) == sorted(tool.name for tool in page.tools)
    assert page.asked("and one of nine", visit, False, "en")[3] == gr.skip()
    assert page.asked("  ", Visit(), True, "en")[1:] == (Visit(), gr.skip(), gr.skip())


def test_a_tool_that_was_called_stays_ticked_when_the_talk_goes_on() -> None:
    page = Page(ScriptedModel(), load_tools("embedded"))
    _, visit, _, _ = page.asked("What is the weather in Oslo?", Visit(), True, "en")
    call = {"id": "call_0", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}
    visit = replace(visit, messages=(*visit.messages, {"role": "assistant", "content": "", "tool_calls": [call]}))
    offered = page.nearest(ask(visit, "Now convert 12 kilometres to miles"))
    assert {"get_weather", "convert_length"} <= set(offered.value)


def test_every_example_names_tools_that_exist_and_both_languages_have_some() -> None:
    known = {tool.name for tool in load_tools("embedded")}
    assert fitting(known) == list(EXAMPLES)
    assert {example.lang for example in EXAMPLES} == {"zh", "en"}
    assert all(language_of(example.text) == example.lang for example in EXAMPLES)
    assert fitting({"unknown"}) == []
    first = example_cards(EXAMPLES, "zh")[0]["text"]
    assert language_of(first) == "zh"


def test_parallel_ratings_never_mix(tmp_path: Path) -> None:
    feedback = Feedback(tmp_path / "new" / "folder")
    messages = [{"role": "user", "content": "问题" * 2000}]
    rows = [as_row(messages, [], "m", feedback="like") for _ in range(40)]
    threads = [threading.Thread(target=feedback.save, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    saved = [json.loads(line) for line in feedback.path.read_text(encoding="utf-8").splitlines()]
    assert sorted(row["id"] for row in saved) == sorted(row["id"] for row in rows)
    assert saved[0]["quality"] == {"feedback": "like"}


def test_a_feedback_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="feedback-dir"):
        Feedback(tmp_path / "file" / "folder")


def test_a_download_is_a_row_of_the_one_format() -> None:
    page = Page(ScriptedModel(), TOOLS)
    assert page.as_text(Visit(), ["add"], "zh") == ""
    row = json.loads(page.as_text(ask(Visit(), "你好"), ["add"], "zh"))
    assert check_conversation(row["messages"], row["tools"]) == []
    assert [tool["function"]["name"] for tool in row["tools"]] == ["add"]
    assert row["lang"] == "zh"


def test_a_rating_saves_the_whole_answer_with_its_calls_and_results(tmp_path: Path) -> None:
    page = Page(ScriptedModel(), TOOLS, Feedback(tmp_path))

    async def answered(visit: Visit) -> Visit:
        async for now, *_ in page.answer(visit, ["get_weather"], "zh"):
            visit = now
        return visit

    visit = Visit()
    for question in ("北京今天天气怎么样？", "上海今天天气怎么样？", "你好"):
        visit = asyncio.run(answered(ask(visit, question)))
    lines = page.draw(visit, "zh")
    asked = [index for index, line in enumerate(lines) if line["role"] == "user"]
    for question in asked:  # the chatbot marks a group of lines by its first, here a thought or a call
        page.rated(visit, ["get_weather"], "zh", gr.LikeData(None, {"index": question + 1, "value": "", "liked": True}))
    assert page.feedback is not None
    rows = [json.loads(line) for line in page.feedback.path.read_text("utf-8").splitlines()]
    answer = ["user", "assistant", "tool", "assistant"]
    assert [[message["role"] for message in row["messages"]] for row in rows] == [
        answer, [*answer, *answer], [*answer, *answer, "user", "assistant"],
    ]  # fmt: skip


def test_a_missing_examples_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.txt"):
        read_questions(str(tmp_path / "none.txt"))


def test_the_space_card_pins_what_the_package_pins() -> None:
    text = (SPACE / "README.md").read_text(encoding="utf-8")
    card = yaml.safe_load(text.split("---")[1])
    assert card["sdk"] == "gradio"
    assert (SPACE.parent / card["app_file"]).is_file()
    project = (SPACE.parent / "pyproject.toml").read_text(encoding="utf-8")
    for line in (SPACE / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            assert f'"{line}"' in project, f"requirements.txt has {line}, pyproject.toml has another range"
    lowest = re.search(r"gradio>=([\d.]+)", project)
    assert lowest is not None
    assert str(card["sdk_version"]).startswith(lowest[1])


def test_the_space_needs_only_the_ground_floor() -> None:
    for file in SPACE.glob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert not {"training", "dataset_builder", "trl", "datasets"} & set(imported), file.name


class Templated(ScriptedModel):
    """A model that runs here has a tokenizer with a template."""

    class tokenizer:  # noqa: N801
        chat_template = "{{ messages }}"


class Holding(ScriptedModel):
    """Runs here, and can follow every schema but one."""

    def check_constrained(self, tools: list) -> None:
        if tools[0]["function"]["name"] == "add":
            raise UserError("the schemas of add cannot be enforced")


def test_calls_are_held_to_the_schemas_where_the_model_can_follow_all_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    can = [tool for tool in TOOLS if tool.name != "add"]
    assert page_sampling(Holding(), can).constrained
    assert not page_sampling(ScriptedModel(), can).constrained, "an endpoint sees to it by itself"
    assert capsys.readouterr().err == ""
    assert not page_sampling(Holding(), TOOLS).constrained
    assert "not held to the tools' schemas: the schemas of add" in capsys.readouterr().err


def test_the_embedded_base_can_follow_every_embedded_tool() -> None:
    assert page_sampling(load_model("embedded"), load_tools("embedded")).constrained


def test_the_page_answers_with_the_sampling_it_was_given() -> None:
    model, given = ScriptedModel(), Sampling(constrained=True)
    seen: list[Sampling] = []

    def stream(messages: list, tools: list, sampling: Sampling) -> Any:
        seen.append(sampling)
        return ScriptedModel.stream(model, messages, tools, sampling)

    model.stream = stream  # type: ignore[method-assign]

    async def answered() -> None:
        async for _ in Page(model, TOOLS, sampling=given).answer(ask(Visit(), "hello"), [], "en"):
            pass

    asyncio.run(answered())
    assert seen == [given]


def test_an_adapter_under_another_template_than_its_own_is_told_of_in_both_languages(tmp_path: Path) -> None:
    model, log = Templated(), tmp_path / "training_log.json"
    assert not other_template(model, str(tmp_path)), "no log tells"
    log.write_text(json.dumps({"template_hash": template_hash("{{ messages }}")}))
    assert not other_template(model, str(tmp_path))
    log.write_text(json.dumps({"template_hash": template_hash("{{ messages }} ")}))
    assert other_template(model, str(tmp_path))
    assert not other_template(ScriptedModel(), str(tmp_path)), "an endpoint's template is not seen"
    for lang, words in WORDS.items():
        assert words.other_template in head(Page(model, TOOLS, warned=True), lang)
        assert words.other_template not in head(Page(model, TOOLS), lang)
    log.write_text("half a f")
    assert not other_template(model, str(tmp_path))


def test_a_space_that_serves_another_template_is_built_with_its_caution(tmp_path: Path) -> None:
    app = build(Page(ScriptedModel(), TOOLS, warned=True))
    shown = [str(part["props"].get("value")) for part in app.get_config_file()["components"]]
    assert any(WORDS["en"].other_template in text for text in shown)
