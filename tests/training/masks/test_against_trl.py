"""Our masks against TRL's own, on every template that TRL ships with a training variant.

Everything that differs is in `trl_deviations.json`, by template and kind, with the reason for each kind. Nothing else
may differ, and nothing there may have gone. To write the file anew after a new TRL: `python test_against_trl.py`'s
failure shows what changed.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import trl
from jinja2 import TemplateError

from training.masks import Masker, MaskRefused

DEVIATIONS = json.loads((Path(__file__).parent / "trl_deviations.json").read_text("utf-8"))
NAMES = sorted(path.stem for path in (Path(trl.__file__).parent / "chat_templates").glob("*_training.jinja"))


def runs_of(encoded: Any, tokenizer: Any) -> list[str]:
    """TRL's mask as the texts of its runs."""
    runs: list[list[int]] = []
    before = 0
    for token, trained in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True):
        if trained and not before:
            runs.append([])
        if trained:
            runs[-1].append(token)
        before = trained
    return [tokenizer.decode(run) for run in runs]


def compare(ours: list[str] | MaskRefused, theirs: list[str] | None) -> list[str]:
    """How our replies differ from TRL's runs."""
    if isinstance(ours, MaskRefused):
        return [f"refused: {ours.kind}"] if theirs is not None else []
    if theirs is None:
        return ["only ours answers"]
    if len(ours) != len(theirs):
        return ["runs joined or broken"]
    found = []
    for reply, run in zip(ours, theirs, strict=True):
        place = run.find(reply)
        if place < 0:
            found.append("history rewritten")
            continue
        if place:
            found.append(f"supplied: {run[:place]!r}")
        if place + len(reply) < len(run):
            found.append(f"after stop: {run[place + len(reply) :]!r}")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_only_the_listed_deviations_from_trl(name, trl_template, make_tokenizer, conversations, learned):
    family = name.removesuffix("_training")
    reference = make_tokenizer(trl_template(name), family)
    for variant in (name, family):
        tokenizer = make_tokenizer(trl_template(variant), family)
        masker = Masker(tokenizer)
        found: dict[str, list[str]] = {}
        for case, (messages, tools) in conversations.items():
            if case == "not learned":
                continue  # TRL has nothing like it
            ours: list[str] | MaskRefused
            try:
                replies = learned(masker(messages, tools), tokenizer)
                ours = [text for _, text in sorted(replies.items())]
            except MaskRefused as refusal:
                ours = refusal
            try:
                encoded = reference.apply_chat_template(
                    messages, tools=tools or None, return_dict=True, return_assistant_tokens_mask=True
                )
                theirs = runs_of(encoded, reference)
            except (TemplateError, TypeError):
                theirs = None
            for deviation in compare(ours, theirs):
                found.setdefault(deviation, [])
                if case not in found[deviation]:
                    found[deviation].append(case)
        assert found == DEVIATIONS["templates"].get(variant, DEVIATIONS["templates"][name]), variant


def test_every_deviation_has_a_reason():
    kinds = {kind.split(":")[0] for found in DEVIATIONS["templates"].values() for kind in found}
    assert kinds <= set(DEVIATIONS["reasons"])
