"""Laws of what is learned: nothing dropped in silence, no half reply, the same for every process."""

import json
import os
import socket

import pytest
from datasets import Dataset
from transformers import AutoTokenizer

from agent.errors import UserError
from agent.models.names import resolve
from training.data import load_rows
from training.masks import Masker
from training.sequences import SEQUENCES, Dropped, learned, made_once, make_sequences, summary, write_dropped


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(resolve("embedded"))


def masked(file, tokenizer, **options):
    rows = load_rows(file, "train")
    return learned(make_sequences(rows, Masker(tokenizer), **{"max_length": None, **options}), rows)


def test_what_is_learned_is_the_assistants_words_and_stop_tokens(rows_file, tokenizer):
    found = masked(rows_file, tokenizer)
    labels = [label for label in found.dataset[0]["labels"] if label != -100]
    assert tokenizer.decode(labels) == (
        '<tool_call>\n{"name": "add", "arguments": {"a": 0, "b": 2}}\n</tool_call><|im_end|>It is 2.<|im_end|>'
    )
    assert found.rows == 20
    assert found.trained_tokens == sum(label != -100 for one in found.dataset["labels"] for label in one)


def test_a_sequence_is_cut_after_a_whole_reply_and_the_rest_is_told(rows_file, tokenizer):
    whole = masked(rows_file, tokenizer)
    longest = max(len(one) for one in whole.dataset["input_ids"])
    found = masked(rows_file, tokenizer, max_length=longest - 1)
    stop = tokenizer.eos_token_id
    assert all(labels[-1] == stop for labels in found.dataset["labels"])
    assert found.dropped
    assert all(one.reason.startswith("too long: ") and one.id for one in found.dropped)
    assert (found.dropped_rows, found.cut_rows) == (0, len(found.dropped))
    assert f"of {found.cut_rows} of these rows a part is learned" in summary(found, "train")


def test_a_row_of_which_several_sequences_are_lost_is_one_row(rows):
    nothing = {"input_ids": [], "labels": [], "weights": [], "findings": []}
    lines = [{**nothing, "row": 0, "reason": f"too long: no whole reply of {9 + n} tokens"} for n in range(3)]
    lines += [{**nothing, "row": 1, "reason": "refused: x"}]
    with pytest.raises(UserError, match="none of the 20 rows can be learned from; 1 of them: too long: no whole reply"):
        learned(Dataset.from_list(lines, features=SEQUENCES), Dataset.from_list([{"id": "a"}] * 20))
    whole = {**nothing, "input_ids": [1, 2], "labels": [-100, 2], "weights": [0.0, 1.0], "row": 1, "reason": ""}
    found = learned(Dataset.from_list([*lines, whole], features=SEQUENCES), Dataset.from_list([{"id": "a"}] * 20))
    assert (found.dropped_rows, found.cut_rows, len(found.dropped)) == (1, 1, 4)


def test_where_nothing_is_left_the_reason_is_the_error(rows_file, tokenizer):
    with pytest.raises(UserError, match=r"none of the 20 rows can be learned from; 20 of them: .* no whole reply"):
        masked(rows_file, tokenizer, max_length=8)


def test_rows_that_cannot_be_masked_are_listed_with_id_and_reason(rows, tmp_path, tokenizer):
    rows[3]["messages"][1]["train"] = rows[3]["messages"][3]["train"] = False
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = masked(str(file), tokenizer)
    assert [(one.row, one.id) for one in found.dropped] == [(3, rows[3]["id"])]
    assert "dropped 1: nothing to learn" in summary(found, "train")


def test_dropped_rows_are_written_and_no_file_means_none(tmp_path):
    file = tmp_path / "dropped.jsonl"
    write_dropped([Dropped(3, "行-3", "太长")], file)
    assert json.loads(file.read_text("utf-8")) == {"row": 3, "id": "行-3", "reason": "太长"}
    write_dropped([], file)
    assert not file.exists()


def test_weights_reach_the_sequences(rows, tmp_path, tokenizer):
    rows[0]["messages"][1]["weight"] = 0.5
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(rows[0]))
    line = masked(str(file), tokenizer).dataset[0]
    assert {weight for weight, label in zip(line["weights"], line["labels"], strict=True) if label != -100} == {0.5, 1}


def test_one_process_makes_the_sequences_and_the_others_find_them(rows_file, tokenizer, tmp_path):
    made = []

    def make():
        made.append(1)
        return make_sequences(load_rows(rows_file, "train"), Masker(tokenizer), max_length=None)

    first = made_once(tmp_path / "deep" / "train", make, here=True)
    again = made_once(tmp_path / "deep" / "train", make, here=True)
    other = made_once(tmp_path / "deep" / "train", make, here=False)
    assert len(made) == 1
    assert first["input_ids"] == again["input_ids"] == other["input_ids"]


def test_of_two_machines_on_one_disk_the_first_ones_sequences_stay(rows_file, tokenizer, tmp_path, monkeypatch):
    folder, parts, replace = tmp_path / "train", [], os.replace
    monkeypatch.setattr(os, "replace", lambda part, to: (parts.append(part.name), replace(part, to)))

    def make():
        return make_sequences(load_rows(rows_file, "train"), Masker(tokenizer), max_length=None)

    def make_slowly():
        monkeypatch.setattr(socket, "gethostname", lambda: "faster")
        made_once(folder, make, here=True)
        monkeypatch.setattr(socket, "gethostname", lambda: "slower")
        return make()

    monkeypatch.setattr(socket, "gethostname", lambda: "slower")
    assert len(made_once(folder, make_slowly, here=True)) == 20
    assert ["faster" in parts[0], "slower" in parts[1]] == [True, True]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["train"]


@pytest.mark.slow
def test_sharing_the_work_changes_nothing(rows, tmp_path, tokenizer):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({**row, "id": str(n)}) + "\n" for n in range(10) for row in rows))
    alone, shared = masked(str(file), tokenizer), masked(str(file), tokenizer, num_proc=2)
    assert alone.dataset["input_ids"] == shared.dataset["input_ids"]
    assert alone.dataset["labels"] == shared.dataset["labels"]
