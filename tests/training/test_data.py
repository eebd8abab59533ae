"""Laws of reading rows: every format gives the same conversations, and what is wrong is named by row and field."""

import json
import shutil
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict, Features, Json, List, Value

from agent.errors import UserError
from training.data import fingerprint, load_rows, splits, tool_names


def as_features(rows):
    features = Features(
        {"messages": List(Json()), "tools": List(Json()), **dict.fromkeys(["id", "lang", "scenario"], Value("string"))}
    )
    encoded = [
        {
            **{key: row[key] for key in features},
            **{key: [json.dumps(one) for one in row[key]] for key in ("messages", "tools")},
        }
        for row in rows
    ]
    return Dataset.from_list(encoded, features=features)


def test_every_format_gives_the_same_conversations(rows, rows_file, tmp_path):
    dataset = as_features(rows)
    (tmp_path / "hub" / "data").mkdir(parents=True)
    dataset.to_parquet(str(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet"))
    DatasetDict({"train": dataset}).save_to_disk(str(tmp_path / "saved"))
    prints = {
        fingerprint(load_rows(name, "train")) for name in (rows_file, str(tmp_path / "hub"), str(tmp_path / "saved"))
    }
    assert prints == {fingerprint(rows)}


def test_a_folder_that_was_built_anew_is_read_anew(rows, tmp_path):
    folder = tmp_path / "hub"
    for kept in (rows, rows[:1]):
        (folder / "data").mkdir(parents=True)
        (folder / "README.md").write_text(
            "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n---\n"
        )
        as_features(kept).to_parquet(str(folder / "data" / "train-00000-of-00001.parquet"))
        assert fingerprint(load_rows(str(folder), "train")) == fingerprint(kept)
        shutil.rmtree(folder)


def test_an_argument_of_one_tool_never_appears_in_another_tools_call(rows, rows_file):
    found = load_rows(rows_file, "train")
    assert [row["messages"] for row in found] == [row["messages"] for row in rows]


def test_what_arrow_fills_in_is_neither_an_argument_nor_a_property(rows, tmp_path):
    """Without `Json` columns, as `push_to_hub` of plain rows makes them, each object gets the keys of all others."""
    text = json.dumps(rows[0]).replace('"add"', '"weather"')
    other = json.loads(text.replace('"a"', '"city"').replace('"b"', '"days"'))
    rows = [{key: row[key] for key in ("messages", "tools")} for row in (rows[0], other)]
    (tmp_path / "data").mkdir()
    filled = Dataset.from_list(rows)
    assert "city" in filled[0]["messages"][1]["tool_calls"][0]["function"]["arguments"]
    filled.to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    found = load_rows(str(tmp_path), "train")
    assert [row["messages"] for row in found] == [row["messages"] for row in rows]
    assert [row["tools"] for row in found] == [row["tools"] for row in rows]


def test_the_fingerprint_changes_with_one_character(rows):
    before = fingerprint(rows)
    rows[-1]["messages"][-1]["content"] += "!"
    assert fingerprint(rows) != before


def test_tools_as_a_json_string_are_read(rows, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({**row, "tools": json.dumps(row["tools"])}) + "\n" for row in rows))
    assert fingerprint(load_rows(str(file), "train")) == fingerprint(rows)


def test_a_byte_order_mark_is_no_part_of_the_first_row(rows, rows_file):
    marked = Path(rows_file).with_name("marked.jsonl")
    marked.write_bytes(b"\xef\xbb\xbf" + Path(rows_file).read_bytes())
    assert fingerprint(load_rows(str(marked), "train")) == fingerprint(rows)


def test_a_row_without_tools_offers_none(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(
        json.dumps({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]})
    )
    assert load_rows(str(file), "train")[0]["tools"] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no rows"),
        ("not json\n", "row 0: is no JSON"),
        ("[1]\n", "row 0: must be an object"),
        ('{"tools": []}\n', "row 0, messages: must be a list"),
        ('{"messages": [], "tools": []}\n', "row 0, messages: must be a non-empty list"),
        (
            '{"messages": [{"role": "user", "content": 3}], "tools": []}\n',
            "row 0, messages[0].content: must be a string",
        ),
        ('{"messages": [{"role": "user", "content": "x"}], "tools": "{"}\n', "row 0, tools: is no JSON"),
        (
            '{"messages": [{"role": "user", "content": "half \\ud83d"}], "tools": []}\n',
            "row 0: holds a value that is no",
        ),
    ],
)
def test_a_broken_row_is_named_with_its_field(text, says, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(text)
    with pytest.raises(UserError, match=str(file).replace(".", r"\.")) as caught:
        load_rows(str(file), "train")
    assert says in str(caught.value)


def test_the_broken_row_is_found_among_good_ones(rows, tmp_path):
    rows[7]["messages"][1]["tool_calls"][0]["function"]["arguments"] = '{"a": 1}'
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(
        UserError, match=r"row 7, messages\[1\]\.tool_calls\[0\]\.function\.arguments: must be an object"
    ):
        load_rows(str(file), "train")


def test_a_missing_file_is_said_without_asking_the_hub(tmp_path):
    with pytest.raises(UserError, match="no such file or folder"):
        load_rows(str(tmp_path / "nothing.jsonl"), "train")


def test_a_folder_without_the_split_says_so(rows, tmp_path):
    (tmp_path / "data").mkdir()
    as_features(rows).to_parquet(str(tmp_path / "data" / "train-00000-of-00001.parquet"))
    with pytest.raises(UserError, match="test"):
        load_rows(str(tmp_path), "test")
    assert splits(str(tmp_path)) == ["train"]


def test_tool_names_are_those_offered(rows):
    assert tool_names(rows) == {"add"}
