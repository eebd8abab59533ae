"""A build with the embedded teacher: rows that load anywhere, the same for the same seed, or one clear line."""

import asyncio
import json
import sys

import pytest
from datasets import load_dataset
from huggingface_hub import DatasetCard

from agent.cli import main
from agent.errors import UserError
from agent.tools import load_tools
from dataset_builder.build import Settings, build
from dataset_builder.embedded_teacher.question import Conversation, Plan, Question
from dataset_builder.journal import scope
from dataset_builder.pipeline import harvest, in_order
from dataset_builder.questions import Solution
from dataset_builder.rows import read_rows
from dataset_builder.sieve import Sieve
from dataset_builder.stopping import StoppedError

TOOL = '''
from agent.tools import tool

@tool
def greet(name: str) -> str:
    """Greet somebody.

    Args:
        name: Who.
    """
    return f"Hello {name}!"
'''


def settings(output, **changes):
    plain = {"tools": "embedded", "teacher": "embedded", "output": output, "rows": 60, "languages": ("zh", "en")}
    return Settings(**{**plain, "seed": 0, "license": "apache-2.0", "place": "set", **changes})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    output = tmp_path_factory.mktemp("build") / "set"
    return output, build(settings(output))


def files_of(folder):
    return {file.relative_to(folder): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_build_makes_as_many_rows_as_asked_for_in_both_languages(made):
    output, report = made
    rows = read_rows(output)
    assert len(rows) == sum(report.rows.values()) == 60
    assert {row["lang"] for row in rows} == {"zh", "en"}
    assert len({row["id"] for row in rows}) == 60
    assert report.rows["test"] > 0


def test_a_tool_family_stands_on_one_side_of_the_split(made):
    output, _ = made
    families = [{row["split_key"] for row in read_rows(output, split)} for split in ("train", "test")]
    assert families[0].isdisjoint(families[1])


def test_datasets_opens_the_folder_and_finds_the_rows_unchanged(made, tmp_path):
    output, _ = made
    opened = load_dataset(str(output), cache_dir=str(tmp_path))
    for split in ("train", "test"):
        rows = read_rows(output, split)
        assert [row["messages"] for row in opened[split]] == [row["messages"] for row in rows]
        assert [row["tools"] for row in opened[split]] == [row["tools"] for row in rows]


def test_the_card_is_one_the_hub_understands_and_tells_the_counts(made):
    output, report = made
    card = DatasetCard.load(output / "README.md")
    data = card.data.to_dict()
    assert data["language"] == ["en", "zh"]
    assert data["license"] == "apache-2.0"
    assert data["task_categories"] == ["text-generation"]
    assert {"callsmith", "tool-calling"} <= set(data["tags"])
    assert data["configs"][0]["data_files"][0] == {"split": "train", "path": "data/train-*"}
    for scenario, langs in report.mix["train"].items():
        for lang, count in langs.items():
            assert f"| {scenario} | {lang} | {count} |" in card.text
    assert "seed: 0" in card.text
    assert json.dumps(read_rows(output, "train")[0]["id"]) in card.text


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(made, tmp_path):
    output, _ = made
    build(settings(tmp_path / "again" / "set"))
    assert files_of(tmp_path / "again" / "set") == files_of(output)
    build(settings(tmp_path / "other" / "set", seed=1))
    assert files_of(tmp_path / "other" / "set") != files_of(output)


def test_a_run_is_begun_again_from_its_journal_with_the_same_bytes(made, tmp_path):
    output, _ = made
    build(settings(tmp_path / "set", rows=20))
    build(settings(tmp_path / "set", overwrite=True))
    assert files_of(tmp_path / "set") == files_of(output)


@pytest.mark.slow
def test_trls_own_trainer_takes_the_dataset_as_it_is(made, tmp_path):
    import transformers
    import trl

    from agent.models import resolve

    output, _ = made
    rows = load_dataset(str(output), split="train", cache_dir=str(tmp_path / "cache"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(resolve("embedded"))
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Qwen3Config(
        vocab_size=len(tokenizer), **sizes, num_key_value_heads=2, head_dim=8, tie_word_embeddings=True
    )
    arguments = trl.SFTConfig(
        output_dir=str(tmp_path / "out"), max_steps=1, use_cpu=True, bf16=False, report_to="none", max_length=256
    )
    trainer = trl.SFTTrainer(
        transformers.Qwen3ForCausalLM(config), args=arguments, train_dataset=rows, processing_class=tokenizer
    )
    assert trainer.train().training_loss > 0
    # The tools' names reach the prompt, so the trainer took `tools` too.
    text = tokenizer.decode(trainer.train_dataset[0]["input_ids"])
    assert rows[0]["tools"][0]["function"]["name"] in text


# --- the pipeline with a teacher made for the test ---------------------------------------------------------------


class Teacher:
    """Asks `texts` in order; what is a duplicate, unsolvable or wrong is in the text."""

    name = "test"
    shares = {}  # noqa: RUF012

    def __init__(self, texts):
        self.texts = list(texts)
        self.tools = load_tools("embedded")[:1]

    async def questions(self, count, needs=None):
        for _ in range(min(count, len(self.texts))):
            text = self.texts.pop(0)
            scenario = "no_suitable_tool" if text == "invented" else "chat"
            yield Question(f"q{len(self.texts)}", scenario, "en", self.tools, text, Plan(), "chat", "train")

    async def check(self, question):
        return question.user != "bad", "judge: unclear"

    async def solve(self, question, attempt=0):
        await asyncio.sleep(0.001 * (len(question.user) % 3))
        messages = [{"role": "user", "content": question.user}, {"role": "assistant", "content": "Hello!"}]
        if question.user == "invented":
            messages[1]["content"] = "It is 42."
        tools = [tool.schema for tool in question.tools]
        made = Conversation(question.id, question.scenario, "en", messages, tools, "chat", "train")
        return Solution(made, "steps: too many" if question.user == "endless" else "")

    async def judge(self, question, conversation):
        return question.user != "evasive", "judge: evasive"


def harvested(texts, wanted, **options):
    with scope("test"):
        return asyncio.run(harvest(Teacher(texts), wanted, provenance={}, concurrency=4, **options))


def test_every_dropped_row_has_its_stage_and_reason_in_the_order_of_the_questions():
    made = harvested(["a", "bad", "A ", "invented", "endless", "b", "c", "d", "e"], 2)
    assert [row["messages"][0]["content"] for row in made.rows] == ["a", "b"]
    assert [(entry["stage"], entry["reason"].partition(":")[0]) for entry in made.rejected] == [
        ("check", "judge"),
        ("duplicates", "exact"),
        ("verify", "grounding"),
        ("solve", "steps"),
        ("publish", "surplus"),
        ("publish", "surplus"),
    ]


def test_a_near_duplicate_is_dropped_and_made_up_for():
    said = "Tell me about the old bridge over the river"
    texts = [said, f"{said}.", "Something else altogether"]
    made = harvested(texts, 2, sieve=Sieve(0.7))
    assert [row["messages"][0]["content"] for row in made.rows] == [texts[0], texts[2]]
    assert made.rejected[0]["reason"].endswith(f"alike with {made.rows[0]['id']}")


def test_what_the_checks_thinned_out_is_topped_up():
    texts = [text for number in range(30) for text in ("bad", f"question {chr(97 + number % 26)}{number}")]
    made = harvested(texts, 20)
    assert len(made.rows) == 20
    assert made.asked <= 60


def test_a_teacher_with_nothing_more_to_give_ends_the_build():
    assert len(harvested(["a", "b"], 10).rows) == 2
    assert harvested(["bad"] * 1000, 10).rows == []


@pytest.mark.parametrize(
    ("failing", "seen"), [("down", UserError), ("stopped", UserError), ("broken", ZeroDivisionError)]
)
def test_replies_under_way_are_waited_for_where_an_endpoint_fails(failing, seen):
    """They are paid for. A later failure that stopped the run is told as such; a fault of ours waits for none."""
    arrived = []

    async def items():
        for number in range(6):
            yield number

    async def work(number):
        if number == 0 and failing == "stopped":
            raise StoppedError("the endpoint is down")
        if number == (1 if failing == "stopped" else 0):
            raise UserError("the endpoint is down") if seen is UserError else ZeroDivisionError
        await asyncio.sleep(0.1)
        arrived.append(number)

    async def run():
        return [item async for item in in_order(items(), work, 6)]

    with pytest.raises(seen):
        asyncio.run(run())
    assert arrived == {"down": [1, 2, 3, 4, 5], "stopped": [2, 3, 4, 5], "broken": []}[failing]


def test_work_is_done_side_by_side_and_comes_back_in_order():
    running, most = 0, 0

    async def work(item):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001 * (item * 7 % 5))
        running -= 1
        return item

    async def items():
        for item in range(50):
            yield item

    async def every():
        return [item async for item in in_order(items(), work, 6)]

    assert asyncio.run(every()) == list(range(50))
    assert most == 6


# --- the command -------------------------------------------------------------------------------------------------


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["build", *map(str, arguments)])
    return stopped.value.code, capsys.readouterr()


def test_json_is_one_document_and_nothing_else(tmp_path, capsys):
    code, printed = run(capsys, "--rows", 8, "--output", tmp_path / "set", "--json")
    assert code == 0
    summary = json.loads(printed.out)
    assert sum(summary["rows"].values()) == 8
    assert summary["funnel"][0]["stage"] == "check"


def test_a_persons_own_tools_are_built_for_and_really_run(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(TOOL)
    code, printed = run(capsys, "--tools", tmp_path / "mine.py", "--rows", 8, "--output", tmp_path / "set")
    assert code == 0, printed.err
    results = [
        turn["content"] for row in read_rows(tmp_path / "set") for turn in row["messages"] if turn["role"] == "tool"
    ]
    assert results
    assert all(result.startswith("Hello ") for result in results)


def test_tools_of_an_mcp_server_are_built_for_and_the_card_tells_no_command_line(tmp_path, capsys):
    pytest.importorskip("mcp")
    (tmp_path / "mine.py").write_text(TOOL)
    server = f"mcp:{sys.executable} -m agent.cli mcp --tools {tmp_path / 'mine.py'}"
    code, printed = run(capsys, "--tools", server, "--rows", 6, "--output", tmp_path / "set")
    assert code == 0, printed.err
    assert any(turn["content"].startswith("Hello ") for row in read_rows(tmp_path / "set") for turn in row["messages"])
    card = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    assert "- tools: an MCP server" in card
    assert str(tmp_path) not in card


def test_a_build_keeps_away_from_a_benchmark_and_the_card_says_so(made, tmp_path, capsys):
    rows = read_rows(made[0])
    asked = next(row["messages"][0]["content"] for row in rows if row["messages"][0]["role"] == "user")
    exam = tmp_path / "exam.jsonl"
    exam.write_text(json.dumps({"question": asked}) + "\n")
    code, printed = run(capsys, "--rows", 60, "--output", tmp_path / "set", "--decontaminate", exam, "--json")
    assert code == 0, printed.err
    stages = {stage["stage"]: stage for stage in json.loads(printed.out)["funnel"]}
    assert stages["decontaminate"]["dropped"] == {"question": 1}
    assert asked not in [row["messages"][0]["content"] for row in read_rows(tmp_path / "set")]
    entries = map(json.loads, (tmp_path / "set" / "rejected.jsonl").read_text().splitlines())
    (entry,) = [entry for entry in entries if entry["stage"] == "decontaminate"]
    assert entry["reason"].endswith("exam.jsonl, line 1")
    assert "decontaminated against: exam.jsonl (1 questions, 0 tools)" in (tmp_path / "set" / "README.md").read_text()


BAD = [
    (["--languages", "fr"], "unknown language 'fr'"),
    (["--languages", ""], "unknown language"),
    (["--tools", "nowhere.py"], "no such file: nowhere.py"),
    (["--tools", "{broken}"], "line 1"),
    (["--tools", "{raises}"], "ZeroDivisionError"),
    (["--teacher", "nobody/has-this-model", "--tools", "embedded"], "nobody/has-this-model"),
    (["--tools", "{schemas}"], "only described and cannot be run: look_up"),
    (["--teacher", "hf:nonsense"], "hf:nonsense"),
    (["--teacher", "ftp://x"], "ftp://x"),
    (["--teacher", "http://127.0.0.1:9/v1", "--tools", "embedded", "--mix", "singing"], "'singing'"),
    (["--teacher", "http://127.0.0.1:9/v1", "--prompts", "nowhere"], "nowhere"),
    (["--rows", "0"], "--rows"),
    (["--import", "sharegpt", "x.jsonl"], "no import format 'sharegpt'"),
    (["--import", "react"], "no file is given"),
    (["--import", "react", "nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
    (["--import", "react", "{broken}"], "row 1"),
    (["--near-duplicates", "1.5"], "--near-duplicates 1.5 is no share"),
    (["--mix", "single_call=lots"], "'lots' is no whole number"),
    (["--mix", "chat=0"], "leaves nothing to ask for"),
    (["--mix", "singing"], "unknown scenario 'singing'"),
    (["--decontaminate", "nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
    (["stray.jsonl"], "add --import react"),
    (["--push-to-hub", "nouser"], "'nouser' is no dataset repository"),
    (["--push-to-hub", "user/name"], "no Hugging Face token"),
    (["--nonsense"], "--nonsense"),
]


@pytest.mark.parametrize(("options", "said"), BAD, ids=[said for _, said in BAD])
def test_bad_input_is_one_line_exit_code_2_and_nothing_written(tmp_path, capsys, monkeypatch, options, said):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no token"))
    (tmp_path / "broken.py").write_text("def f(:")
    (tmp_path / "raises.py").write_text("1 / 0")
    schema = {"name": "look_up", "description": "Look up.", "parameters": {"type": "object", "properties": {}}}
    (tmp_path / "schemas.json").write_text(json.dumps([schema]))
    names = {"schemas": tmp_path / "schemas.json", "broken": tmp_path / "broken.py", "raises": tmp_path / "raises.py"}
    code, printed = run(capsys, *[option.format(**names) for option in options], "--output", tmp_path / "set")
    assert code == 2
    assert printed.out == ""
    lines = [line for line in printed.err.splitlines() if line.startswith("callsmith: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in printed.err
    assert not list(tmp_path.glob("set*")), "neither a dataset nor the beginning of one"


def test_an_existing_dataset_is_not_replaced_unless_told(tmp_path, capsys):
    assert run(capsys, "--rows", 4, "--output", tmp_path / "set")[0] == 0
    before = files_of(tmp_path / "set")
    code, printed = run(capsys, "--rows", 6, "--output", tmp_path / "set")
    assert code == 2
    assert "add --overwrite" in printed.err
    assert files_of(tmp_path / "set") == before
    assert run(capsys, "--rows", 6, "--output", tmp_path / "set", "--overwrite")[0] == 0
    assert len(read_rows(tmp_path / "set")) == 6


@pytest.mark.parametrize("place", ["file/set", "/proc/set", "/dev/full/set"])
def test_a_place_where_nothing_can_be_written_is_one_line(tmp_path, capsys, place):
    (tmp_path / "file").write_text("in the way")
    code, printed = run(capsys, "--rows", 4, "--output", tmp_path / place)
    assert code == 2
    assert "cannot be written" in printed.err
    assert "Traceback" not in printed.err


def test_a_disk_that_is_full_at_the_end_is_one_line_and_loses_no_work(tmp_path, capsys, monkeypatch):
    import pyarrow.parquet

    real = pyarrow.parquet.ParquetWriter.write_table

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyarrow.parquet.ParquetWriter, "write_table", full)
    code, printed = run(capsys, "--rows", 4, "--output", tmp_path / "set")
    assert code == 2
    assert "No space left on device" in printed.err
    assert [each.name for each in tmp_path.iterdir()] == ["set.work"]
    monkeypatch.setattr(pyarrow.parquet.ParquetWriter, "write_table", real)
    assert run(capsys, "--rows", 4, "--output", tmp_path / "set")[0] == 0
