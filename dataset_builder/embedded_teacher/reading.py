"""Reads what a tool schema says to people: labels of its parameters, the words for its enum values, its task.

Comes in: a tool schema as shown to the model. Goes out: phrases in the wanted language. A description such as
`unit: km=kilometers, mi=miles` (`单位：km=公里，mi=英里`) declares the words a user may say for a value.
"""

import functools
import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from agent.messages import ToolSchema
from agent.tools import Tool

_LEXICON = Path(__file__).parent / "lexicon.yaml"
_PAIR = re.compile(r"([\w.+#-]+(?: [\w.+#-]+)*)\s*=\s*([^,，;；、。()（）]+)")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9\u3400-\u9fff]+")
_ARTICLE = re.compile(r"^(?:the|a|an|this|your|optional)\s+", re.IGNORECASE)
# A description that begins so is no name for the thing; a task that begins so is asked for with "find out".
_QUESTION = re.compile(
    r"^(?:how|where|when|who|which|what|why|whether|if|true|for|in|on|at|by|to|with|是否|要不要)\b|^(?:是否|要不要|如果)",
    re.IGNORECASE,
)
_PLURAL = re.compile(r"(?:people|children|s(?<!ss)(?<!us)(?<!is)(?<!'s))$")
_LABEL_END = re.compile(r"[:：;；,，.。(（\n!！?？]|\s[-–—]\s|\be\.g\b|\bsuch as\b|\bin the form\b|\bfor example\b")
_SMALL_WORDS = {"a", "an", "arg", "at", "by", "for", "from", "given", "in", "is", "of", "on", "p", "the", "to", "with"}
MAX_LABEL = {"en": 42, "zh": 16}  # characters; a longer description is no label


@functools.cache
def lexicon() -> dict[str, list[str]]:
    """For each English word: the Chinese word, then words that may stand in its place in a name."""
    entries: dict[str, list[str]] = yaml.load(_LEXICON.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return entries


def has_chinese(text: str) -> bool:
    return bool(_CHINESE.search(text))


def name_words(name: str) -> list[str]:
    """`sendParcel`, `send_parcel`, `parcel.send` as lower-case words."""
    return [word.lower() for word in _CAMEL.split(name) if word]


def name_in(name: str, lang: str) -> str:
    """The words of an identifier as text; in Chinese as far as the lexicon has them, or has all in one."""
    words = name_words(name)
    if lang == "en" or not words:
        return " ".join(words) or name
    if whole := lexicon().get("_".join(words)):
        return whole[0]
    chinese = [_chinese(word) for word in words]
    if not any(map(has_chinese, chinese)):
        return " ".join(words)
    chinese = [word for word in chinese if word not in _SMALL_WORDS]
    text = chinese[0]
    for before, word in pairwise(chinese):
        text += word if has_chinese(before) or has_chinese(word) else f" {word}"
    return text


def label_in(name: str, lang: str) -> str:
    """What a value of a result is called: as `name_in`, but in one language, since 停止left says nothing to anybody."""
    text = name_in(name, lang)
    return name_in(name, "en") if has_chinese(text) and _LATIN.search(text) else text


def be(label: str) -> str:
    """What stands between an English label and its value: the hours are, the radius is, the number of guests is."""
    return "are" if _PLURAL.search(re.split(r" (?:of|per|left)\b", label, maxsplit=1)[0]) else "is"


def _chinese(word: str) -> str:
    known = lexicon().get(word) or lexicon().get(word.removesuffix("s")) or [word]
    return known[0]


@dataclass(frozen=True)
class Parameter:
    """One parameter as it is shown."""

    name: str
    schema: dict[str, Any]
    required: bool

    def label(self, lang: str) -> str:
        """What a person calls it in `lang`: the beginning of its description, or the words of its name."""
        return self.described(lang) or name_in(self.name, lang)

    def described(self, lang: str) -> str:
        """The beginning of its description where that names the thing in `lang`, else ""."""
        text = _ARTICLE.sub(
            "", _LABEL_END.split(str(self.schema.get("description", "")).strip(), maxsplit=1)[0].strip()
        )
        text = re.sub(r"^(?:是否|要不要)(?:需要|要)?", "", text) if lang == "zh" else text
        fits = bool(text) and len(text) <= MAX_LABEL[lang] and has_chinese(text) == (lang == "zh")
        fits = fits and not _QUESTION.match(text)
        if not fits:
            return ""
        return text if lang == "zh" or text.isupper() or text[1:2].isupper() else text[:1].lower() + text[1:]

    def words(self) -> dict[str, list[str]]:
        """For each enum or boolean value (as JSON), the words the description declares for it, the value first
        unless it is a boolean, which nobody says as `true`.
        """
        return {json.dumps(value): self._words_of(value) for value in self.choices()}

    def choices(self) -> list[Any]:
        """The values allowed, where there are only a few."""
        if "enum" in self.schema:
            return [value for value in self.schema["enum"] if value is not None]
        if "const" in self.schema:
            return [self.schema["const"]]
        return [True, False] if self.schema.get("type") == "boolean" else []

    def _words_of(self, value: Any) -> list[str]:
        key = json.dumps(value) if not isinstance(value, str) else value
        declared = [word.strip() for name, word in _pairs(str(self.schema.get("description", ""))) if name == key]
        return declared if isinstance(value, bool) else [key, *declared]


@functools.lru_cache(maxsize=4096)
def _pairs(description: str) -> list[tuple[str, str]]:
    rest = re.split(r"[:：]", description, maxsplit=1)[-1]
    # The stop that ends a description belongs to no word: nobody asks for 5 cups. of milk.
    return [(match[1].strip(), match[2].strip().removesuffix(".")) for match in _PAIR.finditer(rest)]


@functools.lru_cache(maxsize=4096)
def schema_in(tool: Tool, lang: str) -> ToolSchema:
    """`tool.localized(lang)`, made once; not to be changed."""
    return tool.localized(lang)


def plain_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """One alternative of a schema that allows several: the first that is not null."""
    for key in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(key, []):
            if option.get("type") != "null":
                return plain_schema({**{k: v for k, v in schema.items() if k != key}, **option})
    if isinstance(schema.get("type"), list):
        types = [name for name in schema["type"] if name != "null"]
        return {**schema, "type": types[0] if types else "string"}
    return schema


def parameters_of(schema: ToolSchema) -> list[Parameter]:
    """The parameters in the order of the schema."""
    described = schema["function"]["parameters"]
    required = set(described.get("required", []))
    return [
        Parameter(name, plain_schema(value), name in required)
        for name, value in described.get("properties", {}).items()
    ]


@functools.lru_cache(maxsize=4096)
def parameters_in_both(tool: Tool) -> dict[str, Parameter]:
    """The tool's own parameters by name, described in both languages: what kind of value each wants is read there."""
    chinese = {one.name: str(one.schema.get("description", "")) for one in parameters_of(schema_in(tool, "zh"))}
    return {
        one.name: Parameter(
            one.name,
            {**one.schema, "description": f"{one.schema.get('description', '')} {chinese[one.name]}"},
            one.required,
        )
        for one in parameters_of(tool.schema)
    }


def task_of(schema: ToolSchema, lang: str) -> str:
    """What the tool does, as it follows "please" or "请帮我": from its description, or else from its name."""
    text = re.split(r"[.。\n;；!！（(]", schema["function"]["description"].strip(), maxsplit=1)[0].strip()
    if has_chinese(text) != (lang == "zh") or not text:
        return _task_from_name(schema["function"]["name"], text, lang)
    if lang == "zh":
        return re.sub(r"^(?:该工具|本工具|这个函数|此函数|本函数)?(?:用于|用来|可以|负责)?", "", text) or text
    first, _, rest = text.partition(" ")
    if _QUESTION.match(first):
        return f"find out {first.lower()} {rest}"
    if first.lower() in ("the", "a", "an") or not rest:
        return f"get {text[:1].lower()}{text[1:]}"
    return f"{'get' if _gives_back(first.lower(), rest) else _imperative(first.lower())} {rest}"


def _gives_back(verb: str, rest: str) -> bool:
    """Whether `Returns a list` or `Return the price` tells what comes out; `Return a book` is a task."""
    articles = {"returns": ("the ", "a ", "an "), "return": ("the ",)}
    return rest.startswith(articles.get(verb, ()))


def _task_from_name(name: str, description: str, lang: str) -> str:
    """`rent_bicycle` as "rent bicycle" or 租自行车; in Chinese only where the first word is sure to be the verb."""
    if lang == "en":
        return name_in(name, lang)
    first = description.partition(" ")[0]
    if name_words(name)[:1] == [_imperative(first.lower())] and has_chinese(name_in(name, lang)[:1]):
        return name_in(name, lang)
    if _QUESTION.match(first) and has_chinese(name_in(name, lang)):
        return f"查询{name_in(name, lang)}"
    return f"执行“{name_in(name, 'en')}”"


def _imperative(verb: str) -> str:
    """`sends` → `send`, `fetches` → `fetch`; other words as they are."""
    if verb.endswith(("ches", "shes", "sses", "xes", "zes")) and verb not in ("caches", "freezes", "sizes", "analyzes"):
        return verb[:-2]
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") and len(verb) > 3 else verb
