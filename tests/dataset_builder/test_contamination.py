"""Decontamination: what a benchmark asks or describes is found in a row, whatever the benchmark's format."""

import json
from pathlib import Path

import pytest

from agent.errors import UserError
from dataset_builder.benchmarks import read_exams
from dataset_builder.contamination import Contamination
from dataset_builder.sieve import Sieve

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
QUESTION = "Can I find the dimensions of a triangle, if I know its three sides are 5, 4 and 3 units long?"
BFCL_TOOL = {
    "name": "triangle_properties.get",
    "parameters": {"type": "dict", "properties": {"side1": {"type": "integer"}, "side2": {"type": "integer"}}},
}
SEAL_TOOL = {"api_name": "getTide", "parameters": {"beach": {"type": "str"}}, "required": ["beach"]}
FORMATS = {
    "bfcl": {
        "question": [[{"role": "system", "content": "Hi"}, {"role": "user", "content": QUESTION}]],
        "function": [],
    },
    "seal": {"query": QUESTION, "calling": [{"api": "getTide", "parameters": {}}]},
    "chat": {"messages": [{"role": "user", "content": QUESTION}], "tools": []},
    "sharegpt": {"conversations": [{"from": "human", "value": QUESTION}, {"from": "gpt", "value": "Yes."}]},
    "plain": {"question": QUESTION},
    "string": QUESTION,
}


def written(folder, *lines, name="exam.jsonl"):
    file = folder / name
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return file


def tool(name, *parameters):
    schema = {"type": "object", "properties": {parameter: {"type": "string"} for parameter in parameters}}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": schema}}


def row(*said, tools=(), name="row", scenario="chat"):
    messages = [{"role": "user", "content": text} for text in said]
    return {"id": name, "messages": messages, "tools": list(tools), "scenario": scenario, "split_key": "family"}


@pytest.mark.parametrize("name", FORMATS)
def test_a_question_is_found_in_every_format_with_file_and_line(tmp_path, name):
    theirs = Contamination([written(tmp_path, {"question": "Something else altogether"}, FORMATS[name])])
    assert theirs.against(row(QUESTION)) == "question: 13 words as in exam.jsonl, line 2"
    assert theirs.against(row("What do triangles look like from the inside?")) == ""


def test_a_list_over_many_lines_and_a_text_file_are_read(tmp_path):
    (tmp_path / "list.json").write_text(json.dumps([FORMATS["plain"]], indent=2))
    (tmp_path / "list.txt").write_text(f"\n{QUESTION}\n")
    for name, line in (("list.json", 1), ("list.txt", 2)):
        assert Contamination([tmp_path / name]).against(row(QUESTION)).endswith(f"{name}, line {line}")
    assert Contamination([tmp_path]).questions == 2, "a folder is its files"


def test_thirteen_words_in_a_row_are_enough_and_twelve_are_not(tmp_path):
    theirs = Contamination([written(tmp_path, FORMATS["plain"])])
    words = QUESTION.replace(",", "").split()
    beside = "My neighbour the carpenter asked me this morning whether"
    assert theirs.against(row(f"{beside} {' '.join(words[:13])}")).startswith("question: 13 words")
    assert theirs.against(row(f"{beside} {' '.join(words[:12])} or perhaps not")) == ""
    assert theirs.against(row(f"{beside} it rains", QUESTION)) != "", "a later turn counts as well"


def test_chinese_is_compared_by_character_and_short_questions_as_a_whole(tmp_path):
    theirs = Contamination([written(tmp_path, "请把三十公里每小时换算成英里每小时好吗", "北京今天天气怎么样")])
    assert (
        theirs.against(row("老师说，把三十公里每小时换算成英里每小时才对"))
        == "question: 13 words as in exam.jsonl, line 1"
    )
    assert theirs.against(row("北京今天天气怎么样？")) == "question: 0.83 alike with exam.jsonl, line 2"
    assert theirs.against(row("上海明天会下雨吗？")) == ""


def test_a_word_of_thanks_is_no_contamination(tmp_path):
    assert Contamination([written(tmp_path, "谢谢", "Yes.", QUESTION)]).against(row("谢谢", "Yes.")) == ""


def test_a_tool_of_the_same_name_and_parameters_is_found(tmp_path):
    theirs = Contamination([written(tmp_path, {"function": [BFCL_TOOL]}, SEAL_TOOL)])
    assert theirs.tools == 2
    found = theirs.against(row("Hello you", tools=[tool("triangle_properties_get", "side2", "side1")]))
    assert found == "tool: triangle_properties_get is the one of exam.jsonl, line 1"
    assert theirs.against(row("Hello you", tools=[tool("get_tide", "beach")])).endswith("exam.jsonl, line 2")
    assert theirs.against(row("Hello you", tools=[tool("triangle_properties_get", "side1")])) == ""
    assert theirs.against(row("Hello you", tools=[tool("get_triangle", "side1", "side2")])) == ""


def test_what_is_contaminated_is_no_row_to_be_near_to(tmp_path):
    sieve = Sieve(0.6, [written(tmp_path, FORMATS["plain"])])
    assert sieve.stages == ("duplicates", "decontaminate")
    assert sieve.facts["decontaminated against"] == "exam.jsonl (1 questions, 0 tools)"
    assert sieve.against(row(QUESTION))[0] == "decontaminate"
    assert sieve.against(row(QUESTION))[0] == "decontaminate"
    assert sieve.against(row("A question of our own"))[0] == ""
    assert sieve.against(row("A question of our own!"))[0] == "duplicates"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"ground_truth": []}', "exam.jsonl, line 1: has neither a question nor a tool"),
        ('{"question": ', "row 1: is not JSON"),
        ("[\n1,", "exam.jsonl, line 2: is not JSON"),
    ],
)
def test_a_file_that_is_no_benchmark_says_so(tmp_path, text, said):
    (tmp_path / "exam.jsonl").write_text(text)
    with pytest.raises(UserError) as error:
        list(read_exams([tmp_path / "exam.jsonl"]))
    assert said in str(error.value)


def test_a_file_or_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        Contamination([tmp_path / "nowhere.jsonl"])
    with pytest.raises(UserError, match="holds no file"):
        Contamination([tmp_path])


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.exists(), reason="the real data is not on this machine")
def test_real_benchmarks_are_read_and_found():
    bfcl = Contamination([DATA / "bfcl"])
    assert bfcl.questions == 1240
    found = "question: 13 words as in BFCL_v4_multiple.json, line 1"
    first = json.loads((DATA / "bfcl" / "BFCL_v4_multiple.json").read_text(encoding="utf-8").splitlines()[0])
    assert bfcl.against(row(first["question"][0][0]["content"])) == found
    seal = Contamination([DATA / "seal_tools", DATA / "rotbench" / "clean.json"])
    assert seal.questions >= 700
    assert seal.tools >= 2800
    assert seal.against(row("Hello you", tools=[tool("analyzeEvidence", "evidence_type", "method", "sample")])) == (
        "tool: analyzeEvidence is the one of tool.jsonl, line 1"
    )
