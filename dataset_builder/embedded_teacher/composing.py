"""Makes the sentence in which a user asks for one tool, and the arguments that the sentence holds.

Comes in: a tool, a language, a side of the split, a random generator. Goes out: a `Request`: the text, and arguments of
which every one stands in the text. An embedded tool has phrases of its own; for any other tool the sentence is put
together from its description and its parameters' descriptions.
"""

import json
import random
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from agent.messages import ToolSchema
from agent.tools import Tool, validate_arguments
from dataset_builder.embedded_teacher.kinds import kind_of
from dataset_builder.embedded_teacher.phrases import ToolPhrases, phrases_for, sentences_of
from dataset_builder.embedded_teacher.reading import (
    Parameter,
    be,
    has_chinese,
    parameters_in_both,
    parameters_of,
    plain_schema,
    schema_in,
    task_of,
)
from dataset_builder.embedded_teacher.split import Side, keep
from dataset_builder.embedded_teacher.templates import choose, fill, may_lack
from dataset_builder.embedded_teacher.values import Said, Values, article, join_words, one_of
from dataset_builder.embedded_teacher.wording import Wording, question_of, shapes_of

GENERIC_SHARE = 0.2  # of the requests for a tool that has phrases of its own
SHAPED_SHARE = 0.65  # of the values given to a tool without phrases are said as their kind is: on Friday, 6 bags
OWN_SHARE = 0.5  # of the other requests to such a tool are worded as none to an embedded one is
QUESTION_SHARE = 0.5  # of the requests to one that only tells something are questions
TRIES = 12
OR_CODE = "or_code"  # the kind of an option that people also call by its code: 42 km
CODE_SHARE = 0.25  # of these say the code
_ARTICLE = re.compile(r"\b([Aa]) \{([^{}]+)\}")
_COUNTED = re.compile(  # a noun behind a value, and no `is`, `as` or `plus`
    r"\{([^{}]+)\} (?!(?:is|as|was|has|does|this|its|plus|minus|times|always|us|series|less)\b)"
    r"(?:[a-z]+s\b(?<!ss)|people\b|children\b|feet\b)"
)
_TOUCHING = re.compile(r"\{([^{}]+)\}(?=\{([^{}]+)\})")
_ON = re.compile(r"\b[Oo]n (?=\{([^{}]+)\})")
_WITHOUT_ON = re.compile(r"today|tomorrow|(?:next|this) [A-Z][a-z]+day")
YES_NO = {"en": {True: ["yes"], False: ["no"]}, "zh": {True: ["是"], False: ["否"]}}


class CannotSayError(Exception):
    """No valid request for this tool could be made; the message names the tool and what is in the way."""


@dataclass(frozen=True)
class Request:
    """What the user says, and the arguments (by the original parameter names) that follow from it."""

    text: str
    arguments: dict[str, Any]
    said: dict[str, str]  # the words for each value
    movable: bool = True  # whether its first letter may become a small one: no value stands there


class Composer:
    """Sentences and values of one language and one side of the split.

    Args:
        divided: A tool's own sentences are divided too: it is asked about on both sides.
    """

    def __init__(self, lang: str, side: Side, seed: int = 0, divided: bool = False):
        self.lang, self.side, self._seed, self._divided = lang, side, seed, divided
        self.values = Values(lang, side, seed)
        self.sentences = sentences_of(lang, side, seed)

    def pick(self, purpose: str, rng: random.Random, **parts: str) -> str:
        """A shared sentence for `purpose`, filled; `{Part}` is `part` with a capital."""
        text = choose(rng.choice(self.sentences[purpose]), rng)
        parts.update({name.capitalize(): capitalized(part) for name, part in parts.items()})
        return fill(text, lambda name: parts[name])

    def pattern(self, tool: Tool, rng: random.Random, lacking: str = "") -> str:
        """What to say for `tool`, with `{parameter}` for each value, all required ones but `lacking` among them."""
        phrases = phrases_for(tool)
        needed = {one.name for one in parameters_of(tool.schema) if one.required} - {lacking}
        if phrases and rng.random() >= GENERIC_SHARE:
            patterns = self.own(phrases.requests.get(self.lang, []))
            fitting = [one for one in patterns if not lacking or may_lack(one, lacking)]
            if fitting:
                return choose(rng.choice(fitting), rng, needed, {lacking} if lacking else ())
        return self._generic(tool, rng, needed, lacking)

    def own(self, patterns: list[str]) -> list[str]:
        """Those of a tool's own sentences that are for this side."""
        return keep(patterns, self.side, self._seed) if self._divided and len(patterns) > 1 else patterns

    def _generic(self, tool: Tool, rng: random.Random, needed: set[str], lacking: str) -> str:
        schema = schema_in(tool, self.lang)
        task = _unbraced(task_of(schema, self.lang))
        said = [one for one in parameters_of(schema) if one.name in needed]
        optional = [one for one in parameters_of(schema) if not one.required and one.name != lacking]
        said += [one for one in optional if rng.random() < 0.4][:2]
        plain = phrases_for(tool) is not None  # its own sentences say it naturally
        purpose, words = ("task", {"task": task}) if plain else self._asking(tool, task, rng)
        if not said:
            return self.pick(purpose, rng, **words)
        if rng.random() < 0.3:
            rng.shuffle(said)
        how = choose(rng.choice(self.sentences["clause"]), rng)
        parts = [self._clause(how, one) for one in said] if plain else self._clauses(tool, said, how, rng)
        if self.lang == "en" and len(parts) < 3:
            clauses = " and ".join(parts)
        else:
            clauses = (", " if self.lang == "en" else "，").join(parts)
        if not plain and purpose == "task" and rng.random() < OWN_SHARE:
            purpose = "own_task"
        return self.pick(f"{purpose}_with", rng, **words, clauses=clauses)

    def _asking(self, tool: Tool, task: str, rng: random.Random) -> Wording:
        """The task, or where the tool only tells something, now and then the question that it answers."""
        asked = None if tool.side_effects else question_of(schema_in(tool, self.lang), self.lang)
        if asked is None or rng.random() >= QUESTION_SHARE:
            return "task", {"task": task}
        return asked[0], {name: _unbraced(text) for name, text in asked[1].items()}

    def _clauses(self, tool: Tool, said: list[Parameter], how: str, rng: random.Random) -> list[str]:
        """Each value as people say one of its kind, or by its label."""
        shapes = shapes_of(tool, self.lang)
        parts = []
        for one in said:
            if one.name not in shapes or rng.random() >= SHAPED_SHARE:
                parts.append(self._clause(how, one))
                continue
            purpose, told = shapes[one.name]
            words = {name: _unbraced(text) for name, text in told.items()} | {"value": f"{{{one.name}}}"}
            parts.append(fill(choose(rng.choice(self.sentences[purpose]), rng), words.__getitem__))
        return parts

    def _clause(self, how: str, parameter: Parameter) -> str:
        """`the weight is {weight}`; what is yes or no is always said as `label: yes`."""
        label = _unbraced(parameter.label(self.lang))
        if parameter.schema.get("type") == "boolean":
            how = "{label}: {value}" if self.lang == "en" else "{label}：{value}"
        return fill(how, {"label": label, "value": f"{{{parameter.name}}}", "be": be(label)}.__getitem__)

    def request(
        self,
        tool: Tool,
        shown: ToolSchema,
        names: dict[str, str],
        pattern: str,
        rng: random.Random,
        kinds: dict[str, str] | None = None,
    ) -> Request:
        """Fill `pattern`. Raises CannotSayError where no drawn value satisfies the tool's schema.

        Args:
            tool: The original.
            shown: Its schema as the conversation shows it: the words for enum values are read there.
            names: Shown parameter name → the original's.
            pattern: From `pattern` above.
            rng: Decides the values.
            kinds: Kinds of values in place of the tool's own, by parameter.
        """
        parameters = {names[one.name]: one for one in parameters_of(shown)}
        used = [name for name in _in_order(pattern) if name in parameters]
        for _ in range(TRIES):
            said = self.said(tool, {name: parameters[name] for name in used}, rng, kinds or {})
            arguments = {name: said[name].value for name in parameters if name in said}
            checked = dict(arguments)
            fits = not validate_arguments(_only(tool.schema, checked), checked)[2]
            if fits and _together(phrases_for(tool), arguments):
                words = {name: one.text for name, one in said.items()}
                text = self.finished(fill(self.fitted(pattern, words), words.__getitem__), pattern)
                return Request(text, arguments, words, movable=not pattern.startswith("{"))
        raise CannotSayError(f"{tool.name}: no value that the text could give fits its parameters {', '.join(used)}")

    def told(self, parameter: Parameter, label: str, value: str, rng: random.Random) -> str:
        """What the user answers when asked for one value, which is called `label`."""
        if parameter.schema.get("type") == "boolean":
            return f"{value[:1].upper()}{value[1:]}{'.' if self.lang == 'en' else '。'}"
        return self.pick("tell", rng, value=value, label=label, be=be(label))

    def fitted(self, pattern: str, words: Mapping[str, str]) -> str:
        """`pattern` as its values want it: `an 8`, `1 bag`, no `on tomorrow`; a space where two numbers would touch."""
        if self.lang == "en":
            pattern = _ARTICLE.sub(lambda match: article(match[1], words[match[2]]) + f" {{{match[2]}}}", pattern)
            pattern = _ON.sub(lambda match: "" if _WITHOUT_ON.fullmatch(words[match[1]]) else match[0], pattern)
            return _COUNTED.sub(lambda match: one_of(match[0]) if words[match[1]] == "1" else match[0], pattern)
        return _TOUCHING.sub(lambda match: match[0] + _between(words[match[1]], words[match[2]]), pattern)

    def finished(self, text: str, pattern: str) -> str:
        """The filled pattern with a mark at its end; a value at the end is not mistaken for one."""
        text = text.strip()
        ends = not pattern.endswith("}")
        if self.lang == "zh":
            return text if ends and text[-1:] in "。？！" else f"{text}。"
        return text if ends and text[-1:] in ".?!" else f"{text}."

    def said(
        self, tool: Tool, parameters: dict[str, Parameter], rng: random.Random, others: dict[str, str]
    ) -> dict[str, Said]:
        """A value for each of the parameters (by original name), no two of a kind alike."""
        phrases = phrases_for(tool)
        kinds = {**(phrases.values if phrases else {}), **others}
        own = parameters_in_both(tool)
        said: dict[str, Said] = {}
        for name, parameter in sorted(
            parameters.items(), key=lambda item: kinds.get(item[0], "").startswith("word_of")
        ):
            kind = kinds.get(name, "")
            _, _, other = kind.partition("word_of:")
            for _ in range(TRIES):
                if other in said:
                    drawn = self.values.word_of(said[other].text, rng)
                else:
                    drawn = self._value(own[name], "word" if other else kind, rng, parameter)
                taken = [json.dumps(one.value) for one in said.values()]
                if json.dumps(drawn.value) not in taken and drawn.value != parameter.schema.get("default", drawn):
                    break
            said[name] = drawn
        return said

    def _value(self, parameter: Parameter, kind: str, rng: random.Random, shown: Parameter | None = None) -> Said:
        """A value for `parameter`; the words for one of a few are those that `shown` declares."""
        schema = plain_schema(parameter.schema)
        parameter = Parameter(parameter.name, schema, parameter.required)
        if parameter.choices():
            value = rng.choice(parameter.choices())
            if kind == OR_CODE and rng.random() < CODE_SHARE:
                return Said(str(value), value)
            return Said(rng.choice(words_for(shown or parameter, value, self.lang)), value)
        if kind:
            return self.values.draw(kind, rng)
        if schema.get("type") == "array":
            return self._several(parameter, schema.get("items", {}), rng)
        if schema.get("type") == "object":
            return self._object(schema, rng)
        return self.values.draw(kind_of(parameter), rng)

    def _several(self, parameter: Parameter, items: dict[str, Any], rng: random.Random) -> Said:
        schema = plain_schema(items)
        one = Parameter(parameter.name, {"description": parameter.schema.get("description", ""), **schema}, True)
        least = max(parameter.schema.get("minItems", 1), 1)
        if not one.choices() and schema.get("type") not in ("object", "array") and least <= 2:
            return self.values.draw(f"list:{kind_of(one)}", rng)
        drawn: dict[str, Said] = {}
        for _ in range(TRIES):
            said = self._value(one, "", rng)
            drawn[said.text] = said
            if len(drawn) >= max(least, 2):
                break
        return Said(join_words(list(drawn), self.lang), [said.value for said in drawn.values()])

    def _object(self, schema: dict[str, Any], rng: random.Random) -> Said:
        required = set(schema.get("required", schema.get("properties", {})))
        parts = [Parameter(name, part, True) for name, part in schema.get("properties", {}).items() if name in required]
        said = {part.name: self._value(part, "", rng) for part in parts}
        between = " " if self.lang == "en" else ""
        texts = [f"{part.label(self.lang)}{between}{said[part.name].text}" for part in parts]
        return Said(join_words(texts, self.lang), {name: one.value for name, one in said.items()})

    def framed(self, text: str, rng: random.Random, movable: bool, share: float = 0.3) -> str:
        """`text` with a greeting or thanks around it, in a `share` of the cases."""
        if rng.random() >= share:
            return text
        frame = choose(rng.choice(self.sentences["frame"]), rng)
        before, _, after = frame.partition("{request}")
        if before.endswith(", ") and movable:
            text = decapitalized(text)
        return f"{before}{text}{after}"


def words_for(parameter: Parameter, value: Any, lang: str) -> list[str]:
    """What a user may say in `lang` for one value of an enum or boolean: the declared words, or the value itself."""
    words = parameter.words().get(json.dumps(value), [str(value)])
    declared = [word for word in words if has_chinese(word) == (lang == "zh") and word != str(value)]
    if isinstance(value, bool):
        return declared or YES_NO[lang][value]
    return declared or words[:1]


def declares_words(tool: Tool, lang: str, used: Collection[str]) -> bool:
    """Whether a request that gives the parameters `used` needs the words their descriptions declare."""
    given = [one for one in parameters_of(schema_in(tool, lang)) if one.name in used and one.choices()]
    return any(
        one.schema.get("type") == "boolean" or any(len(words) > 1 for words in one.words().values()) for one in given
    )


def _together(phrases: ToolPhrases | None, arguments: dict[str, Any]) -> bool:
    """Whether the values make sense beside one another: a light that is switched off is given no brightness."""
    needed = [others for name, others in (phrases.only_with if phrases else {}).items() if name in arguments]
    return all(arguments.get(name) == value for others in needed for name, value in others.items())


def capitalized(text: str) -> str:
    """A capital at the start, unless a value stands there, which is never changed."""
    return text if text.startswith("{") else text[:1].upper() + text[1:]


def decapitalized(text: str) -> str:
    """A small letter at the start, for the middle of a sentence; names and "I" keep theirs."""
    first = text.partition(" ")[0]
    plain = first[1:].islower() or len(first) == 1
    return text[:1].lower() + text[1:] if plain and first not in ("I", "I'm", "I'd", "I'll", "I've") else text


def _between(first: str, second: str) -> str:
    """What keeps two values apart that nothing stands between."""
    return " " if first[-1:].isdigit() and second[:1].isdigit() else ""


def _in_order(pattern: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\{([^{}]+)\}", pattern)))


def _unbraced(text: str) -> str:
    return text.replace("{", "").replace("}", "")


def _only(schema: ToolSchema, arguments: dict[str, Any]) -> ToolSchema:
    """The schema with only the given arguments required: a request may leave one out on purpose."""
    function = schema["function"]
    required = [name for name in function["parameters"].get("required", []) if name in arguments]
    return {
        "type": "function",
        "function": {**function, "parameters": {**function["parameters"], "required": required}},
    }
