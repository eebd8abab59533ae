"""One pass over a conversation gives the gradient of its replies learned one by one, on every template."""

from pathlib import Path

import pytest
import trl

from training.masks import Masker, template_hash
from training.masks.certify import TOLERANCE, certify, telling_first
from training.masks.sequences import MaskedSequence

NAMES = sorted(
    path.stem
    for path in (Path(trl.__file__).parent / "chat_templates").glob("*.jinja")
    if not path.stem.endswith("_training")
)
TELLING = ("thoughts", "thought and call", "tool error", "leading newlines", "not learned")
LISTS_ONLY = ("idefics3", "llava_next", "smolvlm")  # render contents only as lists of parts: all rows are refused


def rows_of(conversations, cases=TELLING):
    return [{"messages": conversations[case][0], "tools": conversations[case][1]} for case in cases]


@pytest.mark.parametrize("name", NAMES)
def test_one_pass_gradient_equals_separate_samples(name, trl_template, make_tokenizer, conversations):
    certificate = certify(Masker(make_tokenizer(trl_template(name), name)), rows_of(conversations))
    assert certificate.rows + certificate.refused == len(TELLING)
    assert certificate.template_hash == template_hash(trl_template(name))
    if not name.startswith(LISTS_ONLY):
        assert certificate.error <= TOLERANCE
        assert certificate.holds == (certificate.replies > 0)


def test_a_wrong_mask_gets_no_certificate(trl_template, make_tokenizer, conversations, monkeypatch):
    masker = Masker(make_tokenizer(trl_template("qwen3"), "qwen3"))
    right = masker.sequences

    def as_one(replies):
        """Replies under a template that rewrites history, laid into one sequence all the same."""
        sequences = right(replies)
        ids = [i for s in sequences for i in s.input_ids]
        return [
            MaskedSequence(ids, [i for s in sequences for i in s.labels], [w for s in sequences for w in s.weights])
        ]

    monkeypatch.setattr(masker, "sequences", as_one)
    certificate = certify(masker, rows_of(conversations, ["one call"]))
    assert certificate.error > 0.01
    assert not certificate.holds


def test_a_few_telling_rows_are_enough(trl_template, make_tokenizer, conversations):
    """Those of most replies come first, one that cannot be masked is passed over, and a silent one proves nothing."""
    silent = {"messages": conversations["no tools"][0][:1], "tools": []}
    rows = telling_first([silent, *rows_of(conversations, ["no tools", "tool error", "one call", "two user turns"])])
    assert [row["messages"] for row in rows[:1]] == [conversations["tool error"][0]]
    certificate = certify(Masker(make_tokenizer(trl_template("qwen3"), "qwen3")), rows, enough=2)
    assert certificate.holds
    assert (certificate.rows, certificate.replies) == (2, 5)
    assert not certify(Masker(make_tokenizer(trl_template("qwen3"), "qwen3")), [silent]).holds
