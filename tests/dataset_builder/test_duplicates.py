"""Duplicates: near ones are found in both languages, by scenario and tools; what differs is not taken for one."""

import random
from pathlib import Path

import pytest

from dataset_builder.duplicates import NEAR, Duplicates, NearTexts, grams

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "annotated_react"
LONG = "What will the weather be like in Paris next Monday afternoon, please?"


def row(name, text, *called, scenario="single_call", **changes):
    calls = [{"id": "abcdef123", "type": "function", "function": {"name": tool, "arguments": {}}} for tool in called]
    answer = {"role": "assistant", "content": "", **({"tool_calls": calls} if calls else {})}
    messages = [{"role": "user", "content": text}, answer]
    return {"id": name, "messages": messages, "tools": [], "scenario": scenario, "split_key": "family", **changes}


def judged(*rows, near=NEAR):
    """What is said of the last row after the others were added."""
    duplicates = Duplicates(near)
    for each in rows[:-1]:
        duplicates.add(each)
    return duplicates.against(rows[-1])


def test_a_near_duplicate_names_the_row_it_is_near_and_how_near():
    assert judged(row("a", LONG, "weather"), row("b", LONG.replace("please", "thanks"), "weather")) == (
        "near: 0.77 alike with a"
    )
    chinese = "请问下周一下午北京市朝阳区的天气怎么样，需要带伞吗？"
    assert judged(row("a", chinese, "weather"), row("b", chinese.replace("请问", "问"), "weather")).startswith(
        "near: 0.9"
    )


def test_width_case_and_spaces_make_no_difference():
    assert judged(row("a", LONG, "weather"), row("b", LONG.upper().replace(" ", "\u3000"), "weather")).startswith(
        "exact"
    )


def test_another_scenario_or_another_tool_is_never_near():
    near = LONG.replace("please", "thanks")
    assert judged(row("a", LONG, "weather"), row("b", near, "forecast")) == ""
    assert judged(row("a", LONG, "weather"), row("b", near, "weather", scenario="tool_error")) == ""
    missing = {"scenario": "missing_parameter"}
    assert judged(row("a", LONG, **missing), row("b", near, **missing, split_key="other")) == ""
    assert judged(row("a", LONG, **missing), row("b", near, **missing)).startswith("near")


def test_a_rare_tool_survives_the_many_rows_of_another():
    many = [row(f"a{number}", f"{LONG} {number}", "weather") for number in range(50)]
    assert judged(*many, row("b", LONG, "tide")) == ""


def test_without_a_likeness_only_exact_duplicates_are_found():
    assert judged(row("a", LONG, "weather"), row("b", LONG.replace("please", "thanks"), "weather"), near=0) == ""
    assert judged(row("a", LONG, "weather"), row("b", LONG, "weather"), near=0).startswith("exact")


def test_the_index_finds_what_comparing_every_pair_finds():
    rng = random.Random(0)
    letters = "abcdefgh天气北京上海杭州"
    base = ["".join(rng.choices(letters, k=40)) for _ in range(60)]
    texts = [*base, *("".join(rng.choice(letters) if rng.random() < 0.04 else c for c in text) for text in base)]
    index = NearTexts(NEAR)
    found = missed = 0
    for number, text in enumerate(texts):
        likeness = [len(grams(text) & grams(other)) / len(grams(text) | grams(other)) for other in texts[:number]]
        nearest = index.nearest(text)
        if max(likeness, default=0) >= NEAR:
            found += nearest is not None and nearest[1] == max(likeness)
            missed += nearest is None
        else:
            assert nearest is None
        index.add(str(number), text)
    assert found >= 20
    assert missed <= 1


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.exists(), reason="the real data is not on this machine")
def test_real_questions_are_not_near_to_each_other_and_their_slips_of_the_pen_are():
    texts = (DATA / "checked_questions.txt").read_text(encoding="utf-8").splitlines()
    assert len(texts) >= 233
    index = NearTexts(NEAR)
    near = []
    for number, text in enumerate(texts):
        near += [(text, index.nearest(text))] if index.nearest(text) else []
        index.add(str(number), text)
    assert near == []
    long = [(number, text) for number, text in enumerate(texts) if len(text) >= 25]
    assert len(long) >= 20
    for number, text in long:
        found = index.nearest(f"{text[:-1]}呢？")
        assert found is not None
        assert found[0] == str(number)
