"""Rows: what is stored comes back exactly, or is refused with the field that would change."""

import json
import math
import os
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from datasets import load_dataset
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import UserError
from dataset_builder.annotate.desk import Desk
from dataset_builder.rows import check_row, read_jsonl, read_rows, sift, write_dataset
from dataset_builder.settings import named, shards_folder, work_folder
from dataset_builder.storage import loss

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "天气",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CARD = (
    "---\nconfigs:\n- config_name: sft\n  default: true\n  data_files:\n  - split: train\n    path: data/train-*\n---\n"
)


def row(row_number, /, **arguments):
    call = {"id": "abcdef123", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    return {
        "id": f"row-{row_number}",
        "messages": [
            {"role": "user", "content": "北京天气怎么样？"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": "晴，24.9 度", "name": "weather", "tool_call_id": "abcdef123"},
            {"role": "assistant", "content": "北京晴。"},
        ],
        "tools": [WEATHER],
        "scenario": "single_call",
        "lang": "zh",
        "split_key": "weather",
        "quality": {},
        "provenance": {"teacher": "test"},
        "schema_version": 1,
    }


def test_rows_come_back_as_they_were_written(tmp_path):
    rows = [row(0, city="北京"), row(1, days=3, exact=1.5, none=None, deep={"list": [1, "二", True]})]
    write_dataset(tmp_path / "set", {"train": rows, "test": []}, card=CARD)
    assert read_rows(tmp_path / "set") == rows
    opened = load_dataset(str(tmp_path / "set"), split="train", cache_dir=str(tmp_path / "cache"))
    assert [opened[index]["messages"] for index in range(2)] == [each["messages"] for each in rows]
    assert opened[0]["tools"] == [WEATHER]
    assert opened[0]["provenance"] == {"teacher": "test"}


def test_two_folders_of_one_name_and_one_built_anew_each_open_as_they_are(tmp_path):
    folders = [tmp_path / side / "set" for side in ("one", "other")]
    sent = ["one", "quite another", "a third of its own"]

    def opened(folder):
        rows = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
        return [row["id"] for row in rows], rows[0]["messages"][0]["content"]

    for folder, text in [(folders[0], sent[0]), (folders[1], sent[1]), (folders[0], sent[2])]:
        written = row(0)
        written["messages"][0]["content"] = text
        write_dataset(folder, {"train": [written]}, card=CARD, overwrite=True)
        assert opened(folder) == ([written["id"]], text)
    assert opened(folders[1])[1] == sent[1]


def test_the_card_tells_features_rows_and_bytes(tmp_path):
    rows = [row(number) for number in range(3)]
    write_dataset(tmp_path / "set", {"train": rows[:2], "test": rows[2:]}, card="---\nlicense: mit\n---\n# set\n\ntext")
    card = DatasetCard.load(tmp_path / "set" / "README.md")
    told = card.data["dataset_info"]
    assert {split["name"]: split["num_examples"] for split in told["splits"]} == {"train": 2, "test": 1}
    assert {feature["name"] for feature in told["features"]} == set(rows[0])
    files = sum(file.stat().st_size for file in (tmp_path / "set" / "data").iterdir())
    assert told["download_size"] == files
    assert told["dataset_size"] > 0
    assert (card.data.license, card.text.strip()) == ("mit", "# set\n\ntext")


def test_no_call_gains_the_arguments_of_another(tmp_path):
    write_dataset(tmp_path / "set", {"train": [row(0, city="北京"), row(1, days=3)]}, card=CARD)
    opened = load_dataset(str(tmp_path / "set"), split="train", cache_dir=str(tmp_path / "cache"))
    assert opened[1]["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"days": 3}


@pytest.mark.parametrize("value", [24.913112, 1e-12, 2**64, 37.77492950001234, -0.0, math.nan, math.inf])
def test_what_json_cannot_hold_is_rejected_and_named(value):
    good, bad = sift([row(0, number=value), row(1, number=24.9)])
    assert [each["id"] for each in good] == ["row-1"]
    assert bad[0]["stage"] == "format"
    assert "messages[1]" in bad[0]["reason"]


def test_the_lost_number_is_shown():
    assert "number: 24.913112 comes back as 24.913111999999998" in loss({"number": 24.913112})


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(values)
def test_the_gate_lets_through_only_what_datasets_returns(tmp_path_factory, value):
    if loss({"value": value}) is not None:
        return
    folder = tmp_path_factory.mktemp("gate")
    write_dataset(folder / "set", {"train": [row(0, value=value)]}, card=CARD)
    opened = load_dataset(str(folder / "set"), split="train", cache_dir=str(folder / "cache"))
    back = opened[0]["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.dumps(back) == json.dumps({"value": value})
    again = opened.map(lambda each: {"messages": each["messages"]}, load_from_cache_file=False)
    assert again[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"value": value}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"tools": None}, "tools"),
        ({"lang": ""}, "lang"),
        ({"quality": []}, "quality"),
        ({"schema_version": 7}, "schema_version"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_broken_row_is_named_by_file_row_and_field(tmp_path, change, field):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in (row(0), row(1) | change)), encoding="utf-8")
    assert check_row(row(0)) == []
    with pytest.raises(UserError) as caught:
        read_rows(file)
    assert str(caught.value).startswith(f"{file}, row 2, {field}: ")


def test_a_missing_field_is_named():
    broken = row(0)
    del broken["tools"]
    assert check_row(broken) == [{"field": "tools", "what": "is missing"}]


@pytest.mark.parametrize(
    ("content", "said"),
    [(json.dumps(row(0)) + '\n{"a":', "row 2: is not JSON"), ("", "holds no rows"), (b"\xff\xfe", "UTF-8")],
)
def test_an_unreadable_file_says_what_is_wrong(tmp_path, content, said):
    file = tmp_path / "rows.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=said):
        read_rows(file)


def test_a_missing_file_or_split_says_so(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_rows(tmp_path / "nothing.jsonl")
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserError, match="not a parquet file"):
        read_rows(tmp_path / "broken.parquet")
    write_dataset(tmp_path / "set", {"train": [row(0)]}, card=CARD)
    with pytest.raises(UserError, match="no rows of split 'test'"):
        read_rows(tmp_path / "set", "test")


def test_only_our_own_folder_is_replaced_and_only_when_told(tmp_path):
    folder = tmp_path / "set"
    write_dataset(folder, {"train": [row(0)]}, card=CARD)
    with pytest.raises(UserError, match="--overwrite"):
        write_dataset(folder, {"train": [row(1)]}, card=CARD)
    assert [each["id"] for each in read_rows(folder)] == ["row-0"]
    write_dataset(folder, {"train": [row(1)]}, card=CARD, overwrite=True)
    assert [each["id"] for each in read_rows(folder)] == ["row-1"]
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="not made by callsmith"):
        write_dataset(foreign, {"train": [row(1)]}, card=CARD, overwrite=True)
    assert (foreign / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(("fails_at", "stays_broken"), [(1, False), (2, False), (1, True), (2, True)])
def test_a_failure_while_replacing_keeps_the_old_dataset(tmp_path, monkeypatch, fails_at, stays_broken):
    folder = tmp_path / "set"
    write_dataset(folder, {"train": [row(0)]}, card=CARD)
    real, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == fails_at or (stays_broken and len(calls) > fails_at):
            raise OSError(28, "No space left on device", str(target))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(UserError, match="No space"):
        write_dataset(folder, {"train": [row(1)]}, card=CARD, overwrite=True)
    monkeypatch.undo()
    (left,) = tmp_path.iterdir()
    assert left.name == ("set.replaced" if stays_broken and fails_at == 2 else "set")
    assert [each["id"] for each in read_rows(left)] == ["row-0"]
    if left != folder:  # nothing is written over it either
        with pytest.raises(UserError, match=r"set\.replaced: is left from a write that failed"):
            write_dataset(folder, {"train": [row(1)]}, card=CARD)
        assert [each["id"] for each in read_rows(left)] == ["row-0"]


def test_zero_rows_write_nothing(tmp_path):
    with pytest.raises(UserError, match="not one row"):
        write_dataset(tmp_path / "set", {"train": [], "test": []}, card=CARD)
    assert list(tmp_path.iterdir()) == []


def test_half_a_character_costs_its_row_and_no_other(tmp_path):
    cut = row(2, city="北京")
    cut["messages"][0]["content"] = "cut \ud83d"
    good, bad = sift([row(1), cut], stage="import")
    assert [one["id"] for one in good] == ["row-1"]
    write_dataset(tmp_path / "set", {"train": good}, card=CARD, rejected=bad)
    ((_, told),) = read_jsonl(tmp_path / "set" / "rejected.jsonl")
    assert told["row"]["messages"][0]["content"] == "cut \ud83d"
    (file,) = (tmp_path / "set" / "rejected").glob("*.parquet")
    assert json.loads(pyarrow.parquet.read_table(file).to_pylist()[0]["row"]) == told["row"]


def test_what_no_dataset_of_ours_writes_stays_when_it_is_replaced(tmp_path):
    folder = tmp_path / "set"
    write_dataset(folder, {"train": [row(1)]}, card=CARD, extra={"candidates.jsonl": [1]})
    (folder / ".git" / "objects").mkdir(parents=True)
    (folder / ".git" / "objects" / "one").write_text("unpushed")
    (folder / "edits.jsonl").write_text("{}\n")
    (folder / "link").symlink_to("nowhere")
    write_dataset(folder, {"train": [row(2)]}, card=CARD, overwrite=True)
    assert [one["id"] for one in read_rows(folder)] == ["row-2"]
    assert (folder / ".git" / "objects" / "one").read_text() == "unpushed"
    assert (folder / "edits.jsonl").read_text() == "{}\n"
    assert (folder / "link").is_symlink()
    assert not (folder / "candidates.jsonl").exists()


def test_a_damaged_or_foreign_parquet_file_is_one_line(tmp_path):
    folder = tmp_path / "set"
    write_dataset(folder, {"train": [row(number) for number in range(50)]}, card=CARD)
    (file,) = (folder / "data").glob("*.parquet")
    whole = bytearray(file.read_bytes())
    for place in range(8, 400):
        whole[place] ^= 0xFF
    file.write_bytes(whole)
    with pytest.raises(UserError, match=r"train-.*parquet"):
        read_rows(folder)
    table = pyarrow.table({"quality": ["high"], "messages": [["no json"]]})
    pyarrow.parquet.write_table(table, tmp_path / "other.parquet")
    with pytest.raises(UserError, match=r"other\.parquet, row 1"):
        read_rows(tmp_path / "other.parquet")


def test_the_current_folder_has_a_name(tmp_path, monkeypatch):
    (tmp_path / "set").mkdir()
    monkeypatch.chdir(tmp_path / "set")
    write_dataset(".", {"train": [row(1)]}, card=CARD)
    assert [one["id"] for one in read_rows(tmp_path / "set")] == ["row-1"]
    monkeypatch.chdir(tmp_path / "set")
    assert work_folder(Path(".")) == tmp_path / "set.work"
    assert shards_folder(Path(".")) == tmp_path / "set.shards"
    assert Desk(".").journal.path.parent == tmp_path
    assert named(Path("set")) == Path("set")
    with pytest.raises(UserError, match="has nothing beside it"):
        named(Path("/"))
