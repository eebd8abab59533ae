"""The laws of the hand-written services: sound files, sentences that hold their values, none of them tested on."""

import json
import random
import re
from pathlib import Path

import pytest

from agent.toolbox import all_tools
from dataset_builder.embedded_teacher.phrases import phrases_for, shared_sentences
from dataset_builder.embedded_teacher.sequences import all_pairs
from training.base import unseen
from training.base.corpus import frames, words
from training.base.corpus.forms import spoken_form, spoken_forms
from training.base.corpus.speaking import asked, result
from training.base.corpus.values import Value

PATTERNS = [frame for pattern in frames.domains(frames.PATTERNS).values() for frame in pattern]
LAMPS = [frames.about_thing(frame, ("lamp", "灯")) for frame in PATTERNS]
FRAMES = [frame for domain in frames.domains().values() for frame in domain] + LAMPS
HELD_OUT = [frame for domain in frames.domains(unseen.HELD_OUT).values() for frame in domain]
GOOD = """
values:
  vine: {en: [merlot, riesling], zh: [赤霞珠, 雷司令]}
forms:
  water:
    names: [water_row]
    about: {en: [Water one row], zh: [给一行浇水]}
    fields:
      row: {kind: integer, low: 1, high: 9, required: true, names: [row], en: [row], zh: [行号]}
      vine: {kind: vine, names: [vine], en: [vine], zh: [品种]}
      soft: {kind: switch, yes: [gently, 轻轻地], no: [hard, 猛], names: [soft], en: [soft], zh: [轻]}
      mode: {options: {on: [at once, 马上], off: [later, 稍后]}, names: [mode], en: [mode], zh: [方式]}
    en: |
      (Water|Irrigate) row {row}[ of {vine}][ {soft}][ {mode}]
      The {vine} is thirsty
    zh: |
      给第{row}行[{vine}]浇水[，{soft}][，{mode}]
    result: {row: row, litres: number}
    tells: {en: "Row {row}: {litres} l.", zh: "第{row}行：{litres}升。"}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "vineyard.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    (frame,) = frames.read_domain(written(tmp_path, GOOD))
    assert frame.fields["mode"].schema == {"type": "string", "enum": ["on", "off"]}  # words, not YAML's booleans
    assert frame.fields["soft"].schema == {"type": "boolean"}
    assert [name for name, field in frame.fields.items() if field.required] == ["row"]
    assert frame.result["row"] == "row"


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("{row}[ of", "{rows}[ of", "rows"),
        ("(Water|Irrigate) row", "(Water|Irrigate row", "brackets"),
        ("kind: vine,", "kind: wine,", "wine"),
        ("zh: [给一行浇水]", "de: [Wasser]", "zh"),
        ("yes: [gently, 轻轻地], ", "", "yes"),
        ("{litres} l.", "{liters} l.", "liters"),
        ("en: [Water one row]", "en: [Water one row: slowly]", "put it into quotes"),
    ],
)
def test_a_file_that_breaks_the_rules_is_told_where(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    assert wrong in GOOD
    with pytest.raises(ValueError, match=rf"vineyard\.yaml: water: .*{told}"):
        frames.read_domain(written(tmp_path, GOOD.replace(wrong, right)))


def test_a_list_of_words_that_breaks_the_rules_is_told_too(tmp_path: Path) -> None:
    for wrong in ("en: [merlot: red, riesling]", "fr: [merlot, riesling]"):
        with pytest.raises(ValueError, match=r"vineyard\.yaml: values: "):
            frames.read_domain(written(tmp_path, GOOD.replace("en: [merlot, riesling]", wrong)))


def test_every_file_is_sound_and_bilingual() -> None:
    assert len(frames.domains()) >= 250
    assert len(FRAMES) >= 1200
    assert len(HELD_OUT) >= 40
    for frame in FRAMES + HELD_OUT:
        for lang in frames.LANGUAGES:
            required = {f"{{{slot}}}" for slot, field in frame.fields.items() if field.required}
            whole = [line for line in frame.asks[lang] if all(slot in line for slot in required)]
            assert len(whole) >= 3, (frame.names[0], lang)
            chinese = sum(bool(re.search(r"[\u4e00-\u9fff]", line)) for line in frame.asks[lang])
            assert chinese >= len(frame.asks[lang]) - 1 if lang == "zh" else chinese == 0, (frame.names[0], lang)


def test_a_pattern_is_about_whatever_thing_it_is_given() -> None:
    assert len(PATTERNS) >= 200
    assert all(frames.THING in " ".join(frame.names) for frame in PATTERNS)
    for frame, lamp in zip(PATTERNS, LAMPS, strict=True):
        about = [lamp.names, *lamp.about.values(), *lamp.asks.values(), *lamp.tells.values()]
        about += [text for field in lamp.fields.values() for text in (field.names, *field.about.values())]
        options = [list((field.options or {}).values()) for field in lamp.fields.values()]
        assert frames.THING not in json.dumps([about, options], ensure_ascii=False)
        assert [frames.slots(line) for line in lamp.asks["zh"]] == [frames.slots(line) for line in frame.asks["zh"]]
        assert [other.names for other in frames.siblings(lamp)].count(lamp.names) == 1


@pytest.mark.parametrize("lang", frames.LANGUAGES)
def test_lists_have_services_that_only_what_they_do_tells_apart(lang: str) -> None:
    lists = [spoken_forms(random.Random(index), 5, set(), "snake", lang) for index in range(100)]
    things = [[form.spoken.frame.thing for form in forms if form.spoken and form.spoken.frame.thing] for forms in lists]
    assert 25 < sum(len(thing) > 1 for thing in things) < 60
    assert all(len(set(thing)) <= 1 for thing in things)
    strange = [thing[0] for thing in things if thing and thing[0] not in words.THINGS]
    assert len(strange) > 10
    known = [spoken_forms(random.Random(index), 5, set(), "snake", None) for index in range(50)]
    seen = {form.spoken.frame.thing for forms in known for form in forms if form.spoken}
    assert seen <= {None, *words.THINGS}


@pytest.mark.parametrize("lang", frames.LANGUAGES)
def test_what_is_asked_holds_every_value_and_lacks_what_is_missing(lang: str) -> None:
    rng = random.Random(0)
    for frame in FRAMES:
        form = spoken_form(rng, frame, set(), "snake")
        names = [field.name for field in form.fields]
        assert len(set(names)) == len(names)
        for leave_out in (False, True):
            said = asked(rng, form, lang, leave_out)
            if said is None:
                continue
            required = {field.name for field in form.fields if field.required}
            assert (said.missing is not None) == leave_out
            lacking = {said.missing.name} if said.missing else set()
            assert required - said.filled.keys() == lacking
            assert [name for name in names if name in said.filled] == list(said.filled)
            for name, value in said.filled.items():
                field = next(field for field in form.fields if field.name == name)
                if isinstance(value, str) and "enum" not in field.schema:
                    assert value in said.text


def test_a_value_that_is_told_is_the_one_that_is_said() -> None:
    rng = random.Random(1)
    frame = next(frame for frame in FRAMES if frame.fields)
    form = spoken_form(rng, frame, set(), "camel")
    field = form.fields[0]
    for _ in range(20):
        said = asked(rng, form, "en", False, {field.name: Value(None, "one of them, and another")})
        assert said is None or "one of them, and another" in said.text


@pytest.mark.parametrize("lang", frames.LANGUAGES)
def test_an_option_that_nobody_would_expect_is_said_by_a_word_of_its_description(lang: str) -> None:
    rng, others = random.Random(8), 0
    for frame in FRAMES:
        own = [item.schema.get("enum") for item in frame.fields.values()]
        for field in spoken_form(rng, frame, set(), "snake").fields:
            if "enum" in field.schema:
                value = field.make(rng, lang)
                assert value.json in field.schema["enum"]
                if field.schema["enum"] not in own:
                    others += 1
                    assert value.said in field.about[lang]
    assert others > 50


@pytest.mark.parametrize("lang", frames.LANGUAGES)
def test_a_result_is_told_with_its_own_values(lang: str) -> None:
    rng, told = random.Random(2), 0
    for frame in FRAMES:
        form = spoken_form(rng, frame, set(), "snake")
        said = asked(rng, form, lang, False)
        if said and (found := result(rng, form, said.filled, lang)):
            record, text = found
            assert record.keys() <= frame.result.keys()
            assert "{" not in text
            told += any(str(value) in text for value in record.values())
    assert told > 0.8 * len(FRAMES)


def _tested_on(lang: str) -> list[str]:
    lines = [line for purpose in shared_sentences(lang).values() for line in purpose]
    for tool in all_tools():
        phrases = phrases_for(tool)
        assert phrases is not None
        for part in (phrases.requests, phrases.both, phrases.answers, phrases.failures):
            lines += part.get(lang, [])
    for pair in all_pairs():
        lines += pair.requests[lang]
    return lines


def _sequences(lines: list[str], lang: str) -> dict[tuple[str, ...], str]:
    """Runs of six words (eight characters in Chinese) with at most one value among them, and where they stand."""
    unit, length = (r"[a-z']+|#", 6) if lang == "en" else (r"[\u4e00-\u9fff]|#", 8)
    found: dict[tuple[str, ...], str] = {}
    for line in lines:
        words = re.findall(unit, re.sub(r"\{[^{}]*\}", " # ", line.casefold()))
        for at in range(len(words) - length + 1):
            run = tuple(words[at : at + length])
            if run.count("#") <= 1:
                found[run] = line
    return found


def _runs_of(chosen: list[frames.Frame], lang: str) -> dict[tuple[str, ...], str]:
    lines = [line for frame in chosen for line in (*frame.asks[lang], *frame.tells[lang])]
    return _sequences([line.replace(frames.THING, "{thing}") for line in lines], lang)


@pytest.mark.parametrize("lang", frames.LANGUAGES)
def test_no_sentence_is_one_that_the_teacher_knows(lang: str) -> None:
    ours, theirs = _runs_of(FRAMES + PATTERNS + HELD_OUT, lang), _sequences(_tested_on(lang), lang)
    assert len(theirs) > 500
    assert not [(line, theirs[run]) for run, line in ours.items() if run in theirs]


@pytest.mark.parametrize("lang", frames.LANGUAGES)
def test_what_is_held_out_shares_no_sentence_service_or_domain_with_the_corpus(lang: str) -> None:
    ours, theirs = _runs_of(HELD_OUT, lang), _runs_of(FRAMES + PATTERNS, lang)
    assert len(ours) > 500
    assert not [(line, theirs[run]) for run, line in ours.items() if run in theirs]
    assert not {name for frame in HELD_OUT for name in frame.names} & {name for frame in FRAMES for name in frame.names}
    assert not {frame.domain for frame in HELD_OUT} & {frame.domain for frame in FRAMES + PATTERNS}


def test_no_service_is_one_of_the_embedded_tools() -> None:
    tools = all_tools()
    assert not {tool.name for tool in tools} & {name for frame in FRAMES + HELD_OUT for name in frame.names}
    assert not {tool.family for tool in tools} & {frame.domain for frame in FRAMES + HELD_OUT}


def test_two_values_in_a_row_do_not_run_into_one() -> None:
    said = {"day": "2031-05-02", "hour": "07:45", "who": "孙宁"}
    assert frames.fill("{day}{hour}{who}来", said) == "2031-05-02 07:45孙宁来"
