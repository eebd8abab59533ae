"""The many ways a list of forms is shown, and the many ways an answer is to be written.

Comes in: `Form`s. Goes out: text for a prompt, and text for the reply. Each prompt states its own way of writing, with
invented tags and keys, so a model learns to read the instruction instead of one format. Never the tool-call format.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from training.base.corpus import values, words
from training.base.corpus.forms import Field, Form


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def property_schema(item: Field, lang: str, keys: tuple[str, ...] = ("type", "description")) -> dict[str, Any]:
    description = {"description": item.about[lang]} if item.about[lang] else {}
    return {**item.schema, **description} if keys[0] == "type" else {**description, **item.schema}


def _schema(rng: random.Random, form: Form, lang: str) -> dict[str, Any]:
    keys = rng.choice((("type", "description"), ("type", "description"), ("description", "type")))
    properties = {item.name: property_schema(item, lang, keys) for item in form.fields}
    required = [item.name for item in form.fields if item.required]
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required or rng.random() < 0.5:
        schema["required"] = required
    return schema


def _titled(rng: random.Random, forms: list[Form], lang: str) -> str:
    return "\n".join(
        to_json({"title": form.name, "description": form.about[lang], **_schema(rng, form, lang)}) for form in forms
    )


def _nested(rng: random.Random, forms: list[Form], lang: str) -> str:
    outer = rng.choice(("form", "service", "action", "skill", "record"))
    inner = rng.choice(("input", "schema", "fields", "inputs", "parameters"))
    first = rng.choice(("name", "name", "id", "title"))
    lines = [
        to_json(
            {"type": outer, outer: {first: form.name, "description": form.about[lang], inner: _schema(rng, form, lang)}}
        )
        for form in forms
    ]
    return "\n".join(lines)


def _flat(rng: random.Random, forms: list[Form], lang: str) -> str:
    first, about = rng.choice(("form", "name", "service", "id")), rng.choice(("about", "description", "does", "help"))
    inner = rng.choice(("fields", "inputs", "parameters", "schema"))
    items = [{first: form.name, about: form.about[lang], inner: _schema(rng, form, lang)} for form in forms]
    if rng.random() < 0.2:
        return to_json(items)
    return "\n".join(map(to_json, items))


def _list(rng: random.Random, forms: list[Form], lang: str) -> str:
    head, bullet = rng.choice(("## ", "# ", "* ", "")), rng.choice(("- ", "  - ", "  "))
    lines = []
    for form in forms:
        lines.append(f"{head}{form.name}{'：' if lang == 'zh' else ': '}{form.about[lang]}")
        lines += [
            f"{bullet}{item.name} ({_type_note(item, lang)}): {item.about[lang]}".rstrip(": ") for item in form.fields
        ]
    return "\n".join(lines)


def _signature(rng: random.Random, forms: list[Form], lang: str) -> str:
    mark = rng.choice((" - ", ": ", " // ", " # "))
    lines = []
    for form in forms:
        fields = ", ".join(f"{item.name}{'' if item.required else '?'}: {_type_name(item)}" for item in form.fields)
        lines.append(f"{form.name}({fields}){mark}{form.about[lang]}")
    return "\n".join(lines)


def _type_name(item: Field) -> str:
    return "|".join(map(str, item.schema["enum"])) if "enum" in item.schema else str(item.schema.get("type", "any"))


def _type_note(item: Field, lang: str) -> str:
    need = (("必填", "可选") if lang == "zh" else ("required", "optional"))[not item.required]
    return f"{_type_name(item)}, {need}"


_LAYOUTS: list[tuple[Callable[[random.Random, list[Form], str], str], float]] = [
    (_titled, 2),
    (_nested, 6),
    (_flat, 2),
    (_list, 1),
    (_signature, 0.3),  # says least
]


def show_forms(rng: random.Random, forms: list[Form], lang: str) -> str:
    layout = rng.choices(*zip(*_LAYOUTS, strict=True))[0]
    text = layout(rng, forms, lang)
    if rng.random() < 0.35:
        tag = invented_tag(rng)
        text = f"<{tag}>\n{text}\n</{tag}>"
    return text


_TAG_WORDS = words.listed(
    "fill form act do use pick task order entry item req run go job step note rec card slip out ans do_it use_form put"
)


def invented_tag(rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.45:
        return rng.choice(_TAG_WORDS)
    if roll < 0.65:
        return f"{rng.choice(_TAG_WORDS)}_{rng.choice(_TAG_WORDS)}"
    return values.letters(rng, 2, 6) if roll < 0.85 else f"{values.letters(rng, 2, 4)}_{values.letters(rng, 2, 4)}"


@dataclass(frozen=True)
class Writing:
    """How a filled form is written: `opening`, an object with its name and its values under two keys, `closing`."""

    opening: str
    closing: str
    name_key: str
    values_key: str

    def one(self, name: str, filled: dict[str, Any]) -> str:
        return self.opening + to_json({self.name_key: name, self.values_key: filled}) + self.closing

    def example(self) -> str:
        return f'{self.opening}{{"{self.name_key}": …, "{self.values_key}": {{…}}}}{self.closing}'


_NAME_KEYS = words.listed("form use pick service action do task id what name kind choose op cmd")
_VALUE_KEYS = words.listed("values fields with input data fill entries given inputs body details record content")


def make_writing(rng: random.Random) -> Writing:
    roll = rng.random()
    if roll < 0.1:
        opening, closing = "", ""
    elif roll < 0.85:
        tag = invented_tag(rng)
        opening, closing = f"<{tag}>\n", f"\n</{tag}>"
    else:
        tag = invented_tag(rng)
        opening, closing = rng.choice(
            ((f"[{tag}] ", ""), (f"```{tag}\n", "\n```"), (f"{tag}: ", ""), (f"@{tag} ", " @end"))
        )
    return Writing(opening, closing, rng.choice(_NAME_KEYS), rng.choice(_VALUE_KEYS))
