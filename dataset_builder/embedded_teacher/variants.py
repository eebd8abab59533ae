"""The same tool under other names, other words, another order: so that a model learns to read the list of tools.

Comes in: a tool, the language to show it in, and a random generator. Goes out: a `ShownTool`, which carries the schema
the conversation shows and runs the tool behind it. The names of the original never reach the conversation.
"""

import random
import re
from collections.abc import Collection
from typing import Any

from agent.messages import ToolSchema
from agent.tools import Tool, ToolResult
from dataset_builder.embedded_teacher.reading import has_chinese, lexicon, name_words, parameters_of, schema_in

# How a description may be put; the first is as it stands.
_REWORDED = {
    "en": (
        "{0}.",
        "{0}",
        "Use this to {1}.",
        "Tool to {1}",
        "{1}",
        "Lets you {1}.",
        "Function: {1}",
        "Call this to {1}",
    ),
    "zh": ("{0}。", "{0}", "用于{0}", "可以{0}。", "用来{0}的工具", "功能：{0}", "调用后{0}", "帮用户{0}。"),
}
_AROUND_NAME = ("{}", "{}", "{}", "{}", "{}", "do_{}", "{}_tool", "{}_v2", "my_{}", "run_{}", "{}_api")
_AROUND_PARAMETER = ("{}", "{}", "{}", "{}", "the_{}", "{}_value", "{}_in", "given_{}", "{}_arg", "p_{}")
_OPAQUE = "bcdfghjklmnpqrstvwxz"


class ShownTool(Tool):
    """A tool as one conversation shows it; called, it runs the original with the original's parameter names.

    Args:
        original: The tool that runs.
        schema: The schema that is shown.
        names: Shown parameter name → the original's.
    """

    def __init__(self, original: Tool, schema: ToolSchema, names: dict[str, str]):
        super().__init__(original.function, schema=schema, **original.traits)
        self.original, self.names = original, names

    @property
    def stands_for(self) -> dict[str, Any] | None:
        """What a row must keep so that its calls can be made again: the original's name, and its parameters' by shown
        name; None where nothing was renamed.
        """
        if self.name == self.original.name and all(shown == name for shown, name in self.names.items()):
            return None
        return {"tool": self.original.name, "arguments": self.names}

    def label(self, name: str, lang: str) -> str:
        """What a person calls the parameter shown as `name`: as its description has it, or else the original's, since
        a changed name (`p_diner`, `numbers_arg`) is not for people.
        """
        shown = next(one for one in parameters_of(self.schema) if one.name == name)
        own = next(one for one in parameters_of(schema_in(self.original, lang)) if one.name == self.names[name])
        return shown.described(lang) or own.label(lang)

    async def call(self, arguments: Any) -> ToolResult:
        if isinstance(arguments, dict):
            arguments = {self.names.get(name, name): value for name, value in arguments.items()}
        return await self.original.call(arguments)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.original(*args, **{self.names.get(name, name): value for name, value in kwargs.items()})


def as_it_is(tool: Tool, lang: str) -> ShownTool:
    """The tool under its own names, described in `lang` where it can be."""
    schema = schema_in(tool, lang)
    return ShownTool(tool, schema, {name: name for name in schema["function"]["parameters"].get("properties", {})})


def variant(
    tool: Tool, lang: str, rng: random.Random, *, used: Collection[str] = (), taken: Collection[str] = ()
) -> ShownTool:
    """The tool under other names and words.

    Args:
        tool: The original.
        lang: Language of the descriptions, where the tool has them.
        rng: Decides everything.
        used: The original's parameters that must stay: the ones that a call will give.
        taken: Function names that are in use already in this conversation.
    """
    shown = schema_in(tool, lang)["function"]
    renamed = rng.random() < 0.75
    name = shown["name"]
    if renamed:
        name = next((new for new in (_renamed(name, rng) for _ in range(5)) if new not in taken), name)
    parameters = shown["parameters"]
    required = list(parameters.get("required", []))
    properties = list(parameters.get("properties", {}).items())
    properties = [item for item in properties if item[0] in required or item[0] in used or rng.random() < 0.6]
    if rng.random() < 0.35:
        rng.shuffle(properties)
    style = rng.choice(("snake", "snake", "camel"))
    names: dict[str, str] = {}
    made: dict[str, Any] = {}
    for old, schema in properties:
        new = _parameter_name(old, style, rng) if renamed and rng.random() < 0.7 else old
        new = new if new not in names and new not in parameters["properties"] else old
        names[new] = old
        made[new] = _described(schema, rng)
    back = {old: new for new, old in names.items()}
    described: dict[str, Any] = {**parameters, "properties": made}
    if required:
        described["required"] = [back[old] for old in sorted(required, key=lambda old: list(made).index(back[old]))]
    schema_shown: ToolSchema = {
        "type": "function",
        "function": {"name": name, "description": _reworded(shown["description"], rng), "parameters": described},
    }
    return ShownTool(tool, schema_shown, names)


def _renamed(name: str, rng: random.Random) -> str:
    if rng.random() < 0.06:  # a name that says nothing: the description must be read
        return "".join(rng.choices(_OPAQUE, k=rng.randint(2, 4))) + str(rng.randrange(10, 1000))
    words = _synonyms(name, rng)
    if len(words) == 2 and rng.random() < 0.12:  # parcel_send; of longer ones it would leave in_book_hand
        words = words[1:] + words[:1]
    text = rng.choice(_AROUND_NAME).format("_".join(words))
    style = rng.choice(("snake", "snake", "snake", "camel", "camel", "dotted", "pascal"))
    return _styled(text, style)


def _parameter_name(name: str, style: str, rng: random.Random) -> str:
    return _styled(rng.choice(_AROUND_PARAMETER).format("_".join(_synonyms(name, rng))), style)


def _synonyms(name: str, rng: random.Random) -> list[str]:
    parts = name_words(name)
    whole = lexicon().get("_".join(parts), [])[1:]
    if len(parts) > 1 and whole:  # word by word, `body_mass_index` and `borrow_book` would become nonsense
        return rng.choice(whole).split("_") if rng.random() < 0.6 else parts
    words: list[str] = []
    for word in parts:
        others = lexicon().get(word, [])[1:] or [word]
        words.extend((rng.choice(others) if rng.random() < 0.6 else word).split("_"))
    return words


def _styled(text: str, style: str) -> str:
    words = text.split("_")
    if style == "camel":
        return words[0] + "".join(word.capitalize() for word in words[1:])
    if style == "pascal":
        return "".join(word.capitalize() for word in words)
    if style == "dotted" and len(words) > 1:
        return f"{words[-1]}.{'_'.join(words[:-1])}"
    return text


def _described(schema: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The parameter's schema, now and then without its description; never without a table of words."""
    text = schema.get("description", "")
    if text and "=" not in text and not has_chinese(text) and rng.random() < 0.15:
        return {key: value for key, value in schema.items() if key != "description"}
    if text and rng.random() < 0.3 and not has_chinese(text):
        return {**schema, "description": rng.choice(("The {}.", "{}.", "the {}")).format(text)}
    if text and rng.random() < 0.3 and has_chinese(text) and "=" not in text:
        return {**schema, "description": rng.choice(("{}。", "{}（用户说的）")).format(text)}
    return dict(schema)


def _reworded(description: str, rng: random.Random) -> str:
    text = re.split(r"[.。\n]", description.strip(), maxsplit=1)[0].strip()
    if not text:
        return description
    lowered = text[:1].lower() + text[1:]
    return rng.choice(_REWORDED["zh" if has_chinese(text) else "en"]).format(text, lowered)
