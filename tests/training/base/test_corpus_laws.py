"""The laws of the pretraining corpus: seeded, bilingual, learnable, and free of tool calls."""

import json
import random
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise, product

import pytest

from agent.errors import UserError
from dataset_builder.embedded_teacher.phrases import sentences_of
from dataset_builder.embedded_teacher.templates import choose
from training.base.batches import IGNORED, encode, make_batch
from training.base.corpus import filling, matching, services, values, words
from training.base.corpus.asking import make_request
from training.base.corpus.document import FREE, HEARD, Document, Turn, chat, plain
from training.base.corpus.forms import choice_field, make_form, spoken_form
from training.base.corpus.frames import LANGUAGES, domains
from training.base.corpus.kinds import GENERIC, ways_to_mention
from training.base.corpus.mixture import Corpus, document
from training.base.tokenizer import corpus_tokenizer

SAMPLE = 3000
_CODES = {code for code, _ in words.CURRENCIES}  # said by their names now and then
NOTHING = ("none", "-", "nothing", "无", "没有")  # what the matching tasks reply where no line fits
TOKENIZER = corpus_tokenizer()


@pytest.fixture(scope="module")
def documents() -> list:
    return [document(11, index, stage=index / SAMPLE) for index in range(SAMPLE)]


def test_a_document_depends_on_its_seed_and_index_alone(documents: list) -> None:
    for index in random.Random(0).sample(range(SAMPLE), 50):
        assert document(11, index, stage=index / SAMPLE) == documents[index]
    assert document(12, 0) != document(11, 0)


def test_no_document_shows_a_tool_call(documents: list) -> None:
    banned = re.compile(
        r"tool_call|tool_response|<tools?>|</tools?>|\"arguments\"|\"type\": \"function\"|<think>|im_start\|>tool"
    )
    for one in documents:
        assert not banned.search(one.text), one.text


def test_no_object_holds_a_name_beside_its_arguments(documents: list) -> None:
    for one in documents:
        for line in one.text.splitlines():
            if line.startswith("{"):
                try:
                    found = json.loads(line.removesuffix("<|im_end|>"))
                except ValueError:
                    continue
                assert not ({"name", "arguments"} <= set(found)), line


def test_both_languages_have_about_half(documents: list) -> None:
    chinese = sum(bool(re.search(r"[\u4e00-\u9fff]", one.text)) for one in documents) / SAMPLE
    assert 0.4 < chinese < 0.85  # English chats show Chinese descriptions now and then


def test_documents_hardly_ever_come_twice(documents: list) -> None:
    longer = [one.text for one in documents if len(one.text) > 120]
    assert len(set(longer)) > 0.999 * len(longer)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_request_says_every_value_that_its_record_holds(lang: str) -> None:
    for seed in range(300):
        rng = random.Random(seed)
        form = make_form(rng, set(), "snake")
        request = make_request(rng, form, lang, leave_out=seed % 3 == 0)
        order = [item.name for item in form.fields]
        assert sorted(request.filled, key=order.index) == list(request.filled) or len(request.filled) < 2
        for item in form.fields:
            if item.required and item is not request.missing:
                assert item.name in request.filled
            if item is request.missing:
                assert item.name not in request.filled
            value = request.filled.get(item.name)
            if isinstance(value, str) and "enum" not in item.schema and value.isalpha() and value not in _CODES:
                assert value in request.text


def _exchanges(one: Document) -> Iterator[tuple[str, str]]:
    """Every message of a chat with the reply to it."""
    turns = re.findall(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", one.text, re.DOTALL)
    for (asking, message), (answering, reply) in pairwise(turns):
        if (asking, answering) == ("user", "assistant"):
            yield message, reply


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_message_holds_words_of_the_line_it_is_about(lang: str) -> None:
    for seed in range(150):
        one = matching.nearest(random.Random(seed), lang)
        listed = one.pieces[0][0]
        for message, reply in _exchanges(one):
            for name in reply.split("\n"):
                if name in NOTHING:
                    continue
                assert name in listed
                said = listed[listed.index(name) + len(name) :].casefold()
                words_ = re.findall(r"[\u4e00-\u9fff]|[a-z]{2,}" if lang == "zh" else r"\w+", message.casefold())
                assert sum(word in said for word in words_) >= 1, (message, reply, listed)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_word_of_a_message_stands_behind_the_name_that_answers_it(lang: str) -> None:
    best: list[bool] = []
    for seed in range(150):
        one = matching.name_of(random.Random(seed), lang)
        listed = one.pieces[0][0]
        single = [(message, reply) for message, reply in _exchanges(one) if not {"\n", "{"} & set(reply)]
        found = {reply: re.search(rf"(?<![a-zA-Z_]){re.escape(reply)}(?![a-zA-Z_])", listed) for _, reply in single}
        places = sorted((match.end(), name) for name, match in found.items() if match and name not in NOTHING)
        behind = {name: listed[at:end] for (at, name), (end, _) in pairwise([*places, (len(listed), "")])}
        for message, reply in single:
            shared = {name: _longest_shared(message, text) for name, text in behind.items()}
            if reply in shared:
                best.append(shared[reply] == max(shared.values()))
    assert len(best) > 300
    assert sum(best) > 0.97 * len(best)  # what else a message says may have more letters of another by chance


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_word_beside_a_name_is_asked_for_twice(lang: str) -> None:
    for seed in range(150):
        one = matching.name_of(random.Random(seed), lang, most=40)
        replies = Counter(name for _, reply in _exchanges(one) for name in reply.split("\n"))
        assert max(replies.values()) <= 3, one.text  # a name has three words at most


def test_words_need_not_end_with_what_holds_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_SHARED_SHARE", 1.0)
    monkeypatch.setattr(matching, "invented_word", lambda rng: "train")
    for seed in range(20):
        drawn = iter(["night train", *map("".join, product(string.ascii_lowercase, string.digits))])
        monkeypatch.setattr(values, "term", lambda rng, lang, drawn=drawn: values.same(next(drawn)))
        beside = matching._words_beside_names(random.Random(seed), "en")
        assert beside  # it came to an end
        assert all(
            word.endswith(" night train") == ("train" not in beside) for told in beside.values() for word in told
        )


def _longest_shared(one: str, other: str) -> int:
    return SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False).find_longest_match().size


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_bound_value_stands_in_its_message_beside_the_label_of_its_field(lang: str) -> None:
    checked = 0
    for seed in range(150):
        one = matching.bound(random.Random(seed), lang)
        listed = one.pieces[0][0]
        for message, reply in _exchanges(one):
            for name, value in json.loads(reply).items():
                label = re.search(rf'"{re.escape(name)}": {{[^{{}}]*"description": "([^"]*)"', listed)
                if label:
                    assert _label(label[1]) in message.casefold()
                    checked += 1
                if isinstance(value, str):
                    option = re.search(rf'"{re.escape(value)}"|[(|]{re.escape(value)}[|,)]', listed)
                    said_otherwise = option or re.fullmatch(r"\d{4}-\d\d-\d\d|\d\d:\d\d", value)
                    assert value in message or said_otherwise, (value, message, listed)
    assert checked > 500


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_code_is_filled_in_for_the_word_that_its_description_declares(lang: str) -> None:
    beginnings_alike = checked = 0
    for seed in range(400):
        field = choice_field(random.Random(seed), "snake", True, declared=True)
        declared = dict(
            pair.split("=")
            for pair in re.split("[:：]", field.about[lang])[1].strip().split("，" if lang == "zh" else ", ")
        )
        assert list(declared) == field.schema["enum"]
        value = field.make(random.Random(seed), lang)
        assert declared[value.json] == value.said
        checked += value.json != value.said
        said = list(declared.values())
        beginnings_alike += all(word[-1] == said[0][-1] for word in said)
    assert checked > 300
    assert beginnings_alike > 80  # only one word of several tells them apart


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_lists_of_brief_values_let_any_token_begin_one(lang: str) -> None:
    vocabulary = {TOKENIZER.decode([one]) for one in TOKENIZER.get_vocab().values()}
    letters = {text for text in vocabulary if text.isalpha() and text.isascii() == (lang == "en")}
    begun = Counter(
        TOKENIZER.decode(TOKENIZER(values.brief(random.Random(seed), lang).said)["input_ids"][:1])
        for seed in range(60_000)
    )
    assert sum(begun[text] > 1 for text in letters) > 0.8 * len(letters)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_value_is_woven_in_as_held_out_requests_do_it(lang: str) -> None:
    held_out = {
        _without_slots(choose(line, random.Random(seed)))
        for line in sentences_of(lang, "test")["clause"]
        for seed in range(60)
    }
    ours = {_without_slots(pair[lang == "zh"]) for pair in GENERIC}
    assert not {pattern for pattern in held_out & ours if re.search(r"\w", pattern)}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_form_that_is_asked_for_in_few_ways_has_few_messages(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = domains()["recycling"][0]
    few = replace(frame, asks={lang: lines[:2] for lang, lines in frame.asks.items()})
    monkeypatch.setattr(filling, "make_forms", lambda rng, *_, **__: [spoken_form(rng, few, set(), "snake")])
    asked = {filling.fill(random.Random(index), lang).text.count("<|im_start|>user") for index in range(60)}
    assert asked == {1, 2}


def test_half_of_the_messages_say_all_their_values_in_one_way() -> None:
    own = (("at {v}", "在{v}"),)
    drawn = [ways_to_mention(random.Random(seed), [GENERIC, own, GENERIC, GENERIC]) for seed in range(400)]
    alike = sum(first == third == fourth for first, _, third, fourth in drawn)
    assert 160 < alike < 240
    assert all(ways[1] == own[0] for ways in drawn)
    unheard = [first for first, _, third, _ in drawn if first == third and first not in GENERIC]
    assert 40 < len(unheard) < 110
    assert all(text.count("{l}") == text.count("{v}") == 1 for pair in unheard for text in pair)
    single = [ways_to_mention(random.Random(seed), [GENERIC, own]) for seed in range(200)]
    assert all(first in GENERIC for first, _ in single)


def _without_slots(pattern: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", pattern).strip().casefold()


def _label(description: str) -> str:
    """What people call a field that is described so: `The length (cm)` is the length."""
    return re.split("[:：（(]", description)[0].removeprefix("The ").strip().casefold()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_missing_label_stands_in_the_list_and_not_in_the_message(lang: str) -> None:
    whole = lacking = 0
    for seed in range(600):
        one = matching.missing(random.Random(seed), lang)
        listed = one.pieces[0][0].casefold()
        for message, reply in _exchanges(one):
            if reply in NOTHING:
                whole += 1
                continue
            for label in reply.split("、" if lang == "zh" else ", "):
                assert label.casefold() in listed
                part_of_another = listed.count(label.casefold()) > 1  # `domain` beside `first domain`
                assert part_of_another or lang == "zh" or not re.search(rf"\b{re.escape(label)}\b", message)
                lacking += 1
    assert whole > 100
    assert lacking > 300


def test_only_what_the_assistant_says_is_learned_unless_all_is(documents: list) -> None:
    chosen = next(one for one in documents if one.task.startswith("choose"))
    ids, weights = encode(TOKENIZER, chosen, learn_all=False)
    learned = TOKENIZER.decode([one for one, weight in zip(ids, weights, strict=True) if weight > HEARD])
    assert learned == "".join(text for text, weight in chosen.pieces if weight > HEARD)
    _, everything = encode(TOKENIZER, chosen, learn_all=True)
    assert min(everything[:-1]) > 0
    assert everything[-1] == 0


def test_tokens_that_decide_weigh_more_and_free_words_less() -> None:
    record = chat(
        [
            Turn("user", "x"),
            Turn("assistant", '{"form": "send_crew", "given": {"road": "Mill Lane", "count": 12}}'),
            Turn("user", "y"),
            Turn("assistant", "Which road is it?", FREE),
            Turn("user", "z"),
            Turn("assistant", "send_crew\nmend_road"),
        ],
        "made_up",
    )
    ids, weights = encode(TOKENIZER, record, learn_all=False, decision_weight=4.0)
    by_weight: dict[float, list[str]] = {}
    for token, weight in zip(ids, weights, strict=True):
        by_weight.setdefault(weight, []).append(TOKENIZER.decode([token]))
    assert set(by_weight) == {0.0, FREE, 1.0, 2.0, 4.0}
    assert [one for one in by_weight[2.0] if one != "<|im_end|>"] == ['{"', '", "', '", "', "}", "}", "Which"]
    deciding = by_weight[4.0]
    for begins in ("form", "send", "road", "Mill", "1", "mend"):
        assert begins in deciding
    assert "road" in by_weight[FREE]
    for follows in ("_", "Lane", "2", '": "'):
        assert follows in by_weight[1.0]
        assert follows not in deciding


def test_what_is_heard_weighs_next_to_nothing_and_decides_nothing() -> None:
    heard = Turn("user", '"Mill Lane"\nneeds "two" crews', heard=True)
    turns = [Turn("system", "x"), heard, Turn("assistant", '{"form": "a"}'), Turn("user", "thanks"), heard]
    document = chat(turns, "made_up")
    assert document.text == chat([replace(turn, heard=False) for turn in turns], "made_up").text
    ids, weights = encode(TOKENIZER, document, learn_all=False, decision_weight=4.0)
    words = [TOKENIZER.decode([one]) for one, weight in zip(ids, weights, strict=True) if weight == HEARD]
    assert "".join(words) == 2 * f"{heard.text}<|im_end|>"


@pytest.mark.parametrize("task", [services.choose, filling.fill, filling.which])
def test_what_people_ask_is_heard_where_it_is_chosen_and_filled(task: Callable[..., Document]) -> None:
    for lang in LANGUAGES:
        weights = [weight for index in range(30) for _, weight in task(random.Random(index), lang).pieces]
        heard, replies = sum(weight == HEARD for weight in weights), sum(weight > HEARD for weight in weights)
        assert 0.4 * replies < heard <= replies


def test_whether_a_value_a_record_or_a_reply_ends_weighs_half_as_much_as_what_it_begins_with() -> None:
    one, other = '{"form": "a", "given": {"x": 1, "y": "b"}}', '{"form": "c", "given": {"z": 2}}'
    reply = f"<slip>\n{one}\n</slip>\n<slip>\n{other}\n</slip>"
    ids, weights = encode(
        TOKENIZER, chat([Turn("user", "x"), Turn("assistant", reply)], "made_up"), False, decision_weight=4.0
    )
    ends = {TOKENIZER.decode([one]) for one, weight in zip(ids, weights, strict=True) if weight == 2.0}
    assert ends == {"<", "\n", '", "', ",", '"', '"}', "}", "<|im_end|>"}


def test_a_text_that_answers_nobody_decides_nothing() -> None:
    _, weights = encode(TOKENIZER, plain([("Once upon a time\n", FREE)], "story"), False, decision_weight=4.0)
    assert set(weights) == {FREE, 0.0}


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    shape = {"rows": 4, "length": 256, "stage": 0.5, "learn_all": 0.3}
    first, again = (make_batch(TOKENIZER, corpus=Corpus(1), step=5, **shape) for _ in range(2))
    other = make_batch(TOKENIZER, corpus=Corpus(1), step=6, **shape)
    assert first.inputs.equal(again.inputs)
    assert first.targets.equal(again.targets)
    assert first.weights.equal(again.weights)
    assert not first.inputs.equal(other.inputs)


def test_every_batch_has_something_to_learn_from_or_says_why_not() -> None:
    shape = {"rows": 1, "stage": 1.0, "learn_all": 0.0}
    for step in range(60):
        assert make_batch(TOKENIZER, corpus=Corpus(3), step=step, length=64, **shape).weights.sum() > 0
    with pytest.raises(UserError, match="no document fits into rows of 4 tokens"):
        make_batch(TOKENIZER, corpus=Corpus(3), step=0, length=4, **shape)


def test_targets_are_the_next_tokens() -> None:
    batch = make_batch(TOKENIZER, corpus=Corpus(1), step=0, rows=4, length=256, stage=1.0, learn_all=0.5)
    learned = batch.targets[:, :-1] != IGNORED
    assert batch.targets[:, :-1][learned].equal(batch.inputs[:, 1:][learned])
    assert learned.any()
    assert batch.weights[:, :-1].gt(0).equal(learned)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "零"),
        (10, "十"),
        (15, "十五"),
        (20, "二十"),
        (35, "三十五"),
        (107, "一百零七"),
        (110, "一百一十"),
        (1005, "一千零五"),
        (4230, "四千二百三十"),
    ],
)
def test_chinese_numbers_are_said_as_people_say_them(number: int, said: str) -> None:
    assert values.chinese_number(number) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "zero"), (12, "twelve"), (19, "nineteen"), (30, "thirty"), (47, "forty-seven")]
)
def test_english_numbers_are_said_as_people_say_them(number: int, said: str) -> None:
    assert values.english_number(number) == said
