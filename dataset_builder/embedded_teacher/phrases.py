"""The phrase files: what people say to a tool, and what an assistant says back, as sentence patterns.

`phrases/FAMILY.yaml` holds the embedded tools' own sentences, `sentences.yaml` those that fit any tool, `chat.yaml`
small talk. Comes in: the files. Goes out: patterns (see templates.py), the shared ones divided by side.
"""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from agent.tools import Tool
from dataset_builder.embedded_teacher.split import Side, keep
from dataset_builder.embedded_teacher.templates import slots

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Preparation:
    """A call that is made, unseen, before the question, so that there is something to find: a contact to look up.

    Args:
        tool: Name of the tool to call.
        values: For each parameter `{other}`, the same value as in the question, or a kind of value.
        times: The parameter of the question that says how often, or "" for once.
    """

    tool: str
    values: dict[str, str]
    times: str = ""


@dataclass(frozen=True)
class ToolPhrases:
    """One tool's sentences, by language, and the kinds of its values where they cannot be guessed."""

    requests: dict[str, list[str]]
    both: dict[str, list[str]]  # two calls of this tool in one sentence; the second's values are {name.2}
    answers: dict[str, list[str]]  # over the keys of the tool's result
    failures: dict[str, list[str]]  # over the arguments of a call that went wrong
    values: dict[str, str] = field(default_factory=dict)
    wrong_values: dict[str, str] = field(default_factory=dict)  # kinds that make the call fail
    before: tuple[Preparation, ...] = ()
    only_with: dict[str, dict[str, Any]] = field(default_factory=dict)  # values of others beside which it may be given
    labels: dict[str, dict[str, str]] = field(default_factory=dict)  # of the result's keys; "" for what is not told
    words: dict[str, dict[str, str]] = field(default_factory=dict)  # for texts of the result
    same_as: dict[str, str] = field(default_factory=dict)  # keys of the result that hold a parameter's codes


@functools.cache
def _all_phrases() -> dict[str, dict[str, Any]]:
    """Tool name → its entry, over all files."""
    entries: dict[str, dict[str, Any]] = {}
    for path in sorted((_FOLDER / "phrases").glob("*.yaml")):
        for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            entries[name] = {**entry, "family": path.stem}
    return entries


@functools.cache
def _phrases(name: str) -> ToolPhrases:
    entry = _all_phrases()[name]
    before = tuple(
        Preparation(step["tool"], step.get("values", {}), step.get("times", "")) for step in entry.get("before", [])
    )
    return ToolPhrases(
        requests=_by_language(entry),
        both=_by_language(entry.get("both", {})),
        answers=_by_language(entry.get("answers", {})),
        failures=_by_language(entry.get("fails", {})),
        values=entry.get("values", {}),
        wrong_values=entry.get("fails", {}).get("values", {}),
        before=before,
        only_with=entry.get("only_with", {}),
        labels=entry.get("labels", {}),
        words=entry.get("words", {}),
        same_as=entry.get("same_as", {}),
    )


def phrases_for(tool: Tool) -> ToolPhrases | None:
    """The tool's own phrases, or None where it is not one of the embedded tools, even if it has the name of one."""
    entry = _all_phrases().get(tool.name)
    if entry is None or entry["family"] != tool.family:
        return None
    phrases = _phrases(tool.name)
    described = tool.schema["function"]["parameters"]
    names, required = set(described.get("properties", {})), set(described.get("required", []))
    said = [slots(pattern) for patterns in phrases.requests.values() for pattern in patterns]
    return phrases if all(required <= found <= names for found in said) else None


def _by_language(entry: dict[str, Any]) -> dict[str, list[str]]:
    return {lang: lines(entry[lang]) for lang in ("en", "zh") if lang in entry}


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@functools.cache
def shared_sentences(lang: str) -> dict[str, list[str]]:
    """The sentences that fit every tool, undivided, by purpose."""
    purposes = yaml.safe_load((_FOLDER / "sentences.yaml").read_text(encoding="utf-8"))[lang]
    return {purpose: lines(text) for purpose, text in purposes.items()}


def sentences_of(lang: str, side: Side, seed: int = 0) -> dict[str, list[str]]:
    """Those of one side."""
    return {purpose: keep(patterns, side, seed) for purpose, patterns in shared_sentences(lang).items()}


@functools.cache
def chat_topics(lang: str) -> dict[str, list[tuple[str, str]]]:
    """For each topic of small talk, what the user says and what the assistant answers, as patterns."""
    topics = yaml.safe_load((_FOLDER / "chat.yaml").read_text(encoding="utf-8"))
    return {
        f"chat_{topic}": [tuple(part.strip() for part in line.split("=>")) for line in lines(said[lang])]  # type: ignore[misc]
        for topic, said in topics.items()
    }
