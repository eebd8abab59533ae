"""How a ReAct conversation was laid out: the whitespace, JSON spacing and roles that its content does not tell.

A layout holds no text of the conversation: whitespace, the name of a JSON style, a role and a language, and of these
only what differs from the plain layout. `Layout.from_json` refuses anything else.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# How arguments are written as JSON; the first style that gives a text back is that text's.
JSON_STYLES: dict[str, Callable[[Any], str]] = {
    "spaced": lambda value: json.dumps(value, ensure_ascii=False),
    "compact": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    "ascii": lambda value: json.dumps(value),
    "ascii compact": lambda value: json.dumps(value, separators=(",", ":")),
    "spaced commas": lambda value: json.dumps(value, ensure_ascii=False, separators=(", ", ":")),
    "spaced colons": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ": ")),
    "inside blanks": lambda value: "{ " + json.dumps(value, ensure_ascii=False)[1:-1] + " }",
    "indent 2": lambda value: json.dumps(value, ensure_ascii=False, indent=2),
    "indent 4": lambda value: json.dumps(value, ensure_ascii=False, indent=4),
    "raw newlines": lambda value: json.dumps(value, ensure_ascii=False).replace("\\n", "\n"),
    "raw newlines compact": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace(
        "\\n", "\n"
    ),
}
OBSERVATION_ROLES = ("assistant", "user", "tool")


@dataclass(frozen=True)
class Turn:
    """One message's layout: the whitespace between its parts, in order, and how each call's JSON is written."""

    gaps: tuple[str, ...] = ()
    json: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A conversation's layout.

    Args:
        lang: "en" or "zh": the language of the keywords.
        observation_role: The role of the turns that hold results.
        turns: By the number of the rendered message, those laid out otherwise than plainly.
    """

    lang: str = "en"
    observation_role: str = "assistant"
    turns: dict[int, Turn] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The layout as a JSON object."""
        turns = {str(number): {"gaps": list(turn.gaps), "json": list(turn.json)} for number, turn in self.turns.items()}
        return {"lang": self.lang, "observation_role": self.observation_role, "turns": turns}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Layout":
        """The layout that `as_json` gave; raises `ValueError` for one that holds anything but layout."""
        turns: dict[int, Turn] = {}
        for number, turn in value.get("turns", {}).items():
            gaps, styles = tuple(turn.get("gaps", ())), tuple(turn.get("json", ()))
            if any(gap.strip() for gap in gaps) or not set(styles) <= set(JSON_STYLES):
                raise ValueError(f"turn {number} of the layout holds more than whitespace and JSON styles")
            turns[int(number)] = Turn(gaps, styles)
        lang, role = value.get("lang", "en"), value.get("observation_role", "assistant")
        if lang not in ("en", "zh") or role not in OBSERVATION_ROLES:
            raise ValueError(f"unknown layout: lang {lang!r}, observation_role {role!r}")
        return cls(lang, role, turns)


def json_style(text: str, value: Any) -> str | None:
    """The style that writes `value` as `text`; None if no style does."""
    return next((name for name, style in JSON_STYLES.items() if style(value) == text), None)
