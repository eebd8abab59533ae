"""What an evaluation says: one JSON document, and a table of it that fits a terminal of 100 columns.

Comes in: judged decisions and where everything came from. Goes out: a document, and text. Knows nothing of models.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from training.evaluate.counting import Share, count
from training.evaluate.decisions import Decision
from training.evaluate.judge import MEANING, MEASURES

LANGUAGES = {"all": "All rows", "zh": "中文", "en": "English"}
Verdicts = Mapping[str, Sequence[Mapping[str, bool]]]  # by contender, one per decision


def numbers(decisions: Sequence[Decision], verdicts: Verdicts) -> dict[str, Any]:
    """Shares by language and measure, and by scenario: `{"all": {"valid_call": {"base": …, "adapter": …}}}`."""
    languages = sorted({decision.lang for decision in decisions} - {""}, reverse=True)
    scenarios = sorted({decision.scenario for decision in decisions} - {""})
    return {
        "measures": {
            lang: _by_measure(decisions, verdicts, lambda one, lang=lang: lang in ("all", one.lang))
            for lang in ["all", *languages]
        },
        "scenarios": {
            name: _by_measure(decisions, verdicts, lambda one, name=name: one.scenario == name) for name in scenarios
        },
    }


def show(document: Mapping[str, Any], console: Console) -> None:
    """Print the tables and the lines that say what was compared."""
    names = list(document["models"])
    tables = [_table(document["measures"], names, LANGUAGES, tuple(MEASURES), "measure")]
    if document["scenarios"]:
        tables.append(_table(document["scenarios"], names, {}, ("decision", "right_answer"), "scenario"))
    for table in tables:
        console.print(table)
    console.print(_provenance(document), highlight=False, soft_wrap=True)


def _by_measure(decisions: Sequence[Decision], verdicts: Verdicts, chosen: Any) -> dict[str, dict[str, Share]]:
    kept = [index for index, decision in enumerate(decisions) if chosen(decision)]
    counts = {name: count([found[index] for index in kept], list(MEASURES)) for name, found in verdicts.items()}
    return {
        measure: {name: counts[name][measure] for name in counts}
        for measure in MEASURES
        if any(counts[name][measure]["n"] for name in counts)
    }


def _table(
    groups: Mapping[str, Any], names: Sequence[str], titles: Mapping[str, str], measures: Sequence[str], first: str
) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    table.add_column(first, no_wrap=True)
    table.add_column("n", justify="right")
    for name in names:
        table.add_column(f"{name} % (95 % interval)", justify="right", no_wrap=True)
    for group, found in groups.items():
        table.add_row(f"[bold]{titles.get(group, group)}[/bold]")
        for measure in measures:
            if measure in found:
                shares = [found[measure][name] for name in names]
                table.add_row(f"  {MEASURES[measure]}", str(shares[0]["n"]), *map(_shown, shares))
        table.add_section()
    return table


def _shown(found: Share) -> str:
    if found["rate"] is None:
        return "–"
    return f"[bold]{found['rate']:5.1f}[/bold] ({found['low']:5.1f}–{found['high']:5.1f})"


def _provenance(document: Mapping[str, Any]) -> str:
    data, seen = document["dataset"], document["dataset"]["tools_seen_in_training"]
    revision = f" at {data['revision']}" if data["revision"] else ""
    known = "unknown, there is no train split" if seen is None else f"{len(seen)} of {data['tools']}"
    held = ", calls held to their schemas" if document["sampling"].get("constrained") else ""
    threshold = document["sampling"].get("call_threshold")
    held += f", calls from a chance of {threshold:g} on" if threshold else ""
    asked = document.get("decisions", 0)
    left_out = document.get("left_out_too_long", 0)
    if left_out:
        held += f"; {left_out} of {asked + left_out} turns left out, their prompts being too long"
    lines = [
        f"{data['rows']} rows of {data['name']} ({data['split']}{revision}), fingerprint {data['fingerprint']}; "
        f"tools also in the train split: {known}",
        *(f"{role}: {name}" for role, name in document["models"].items()),
        f"greedy, at most {document['sampling']['max_new_tokens']} tokens{held}; {document['seconds']:.0f} s",
        *document["warnings"],
    ]
    return "\n".join(lines)


def explain() -> str:
    """What each measure means, one line each."""
    return "\n".join(f"{title}: {MEANING[measure]}" for measure, title in MEASURES.items())
