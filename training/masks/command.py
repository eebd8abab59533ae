"""`callsmith masks`: what a dataset would teach, before any training: audit it, look at it, print it, prove it.

Exit codes: 0 all is well, 1 something is wrong with what would be learned, 2 bad input. Imports nothing heavy until a
command runs.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset

    from training.masks.audit import Audit
    from training.masks.masker import Masker

app = typer.Typer(help="What a dataset would teach a model, token by token.", no_args_is_help=True)

Data = Annotated[str, typer.Argument(metavar="DATASET", help="A folder, a Hub id or a .jsonl file.")]
Model = Annotated[str, typer.Option(help="Whose tokenizer and chat template: `embedded`, a folder or a Hub id.")]
Template = Annotated[Path | None, typer.Option("--chat-template", help="A Jinja file to use instead of the model's.")]
MaskMethod = Annotated[
    str, typer.Option("--mask-method", help="`both` refuses where the two methods differ; or `owners`, or `sentinels`.")
]
Settings = Annotated[
    str, typer.Option("--template-kwargs", help="Settings the template reads, as '{\"enable_thinking\": false}'.")
]
Split = Annotated[str, typer.Option(help="Which split of the dataset.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


@app.command()
def audit(
    dataset: Data,
    model: Model = "embedded",
    split: Split = "train",
    max_length: Annotated[
        int | None, typer.Option(min=2, help="Tokens a sequence may have; longer ones are reported.")
    ] = None,
    chat_template: Template = None,
    mask_method: MaskMethod = "both",
    template_kwargs: Settings = "",
    as_json: AsJson = False,
) -> None:
    """Count what would be learned of every row, and what the chat template loses; exit 1 if anything is wrong."""
    from agent.models.templates import template_hash
    from training.masks.audit import audit as look

    masker, rows = _open(dataset, model, split, chat_template, mask_method, template_kwargs)
    found = look(masker, rows, template_hash(masker.chat_template), max_length)
    if as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        _print_audit(found, f"{dataset} ({split}) under the chat template {chat_template or f'of {model}'}")
    raise typer.Exit(0 if found.ok else 1)


@app.command()
def show(
    row: Annotated[str, typer.Argument(metavar="ROW", help="Number of the row, from 0, or its id.")],
    dataset: Annotated[str, typer.Option(help="A folder, a Hub id or a .jsonl file.")],
    model: Model = "embedded",
    split: Split = "train",
    html: Annotated[Path | None, typer.Option(help="Write a page here instead of printing.")] = None,
    chat_template: Template = None,
    mask_method: MaskMethod = "both",
    template_kwargs: Settings = "",
    as_json: AsJson = False,
) -> None:
    """Show every token of one row in colours: who wrote it, whether it is learned, and why."""
    from dataclasses import asdict

    from rich.console import Console

    from training.masks.reasons import MaskRefused
    from training.masks.show import as_html, explain, in_terminal

    masker, rows = _open(dataset, model, split, chat_template, mask_method, template_kwargs)
    found = _row(rows, row, dataset)
    try:
        sequences = explain(masker, found["messages"], found["tools"])
    except MaskRefused as refusal:
        print(f"callsmith: {dataset}, row {row}: refused: {refusal}", file=sys.stderr)
        raise typer.Exit(1) from refusal
    if html is not None:
        under = f" under {chat_template}" if chat_template else ""
        _write(html, as_html(sequences, f"{dataset}, row {row}: what {model} would learn{under}"))
        print(f"wrote {html}", file=sys.stderr)
    if as_json:
        print(json.dumps([[asdict(token) for token in tokens] for tokens in sequences], ensure_ascii=False))
    elif html is None:
        Console().print(in_terminal(sequences))


@app.command()
def tokens(
    dataset: Annotated[str, typer.Argument(metavar="ROWS.jsonl", help="Conversations; a dataset works too.")],
    model: Model = "embedded",
    split: Split = "train",
    chat_template: Template = None,
    mask_method: MaskMethod = "both",
    template_kwargs: Settings = "",
) -> None:
    """Print one JSON line a sequence: row, input_ids, labels (-100 where nothing is learned) and weights.

    Rows that are refused are named on standard error, and the exit code is then 1.
    """
    from training.masks.reasons import MaskRefused

    masker, rows = _open(dataset, model, split, chat_template, mask_method, template_kwargs)
    refused = False
    for index, row in enumerate(rows):
        try:
            sequences = masker(row["messages"], row["tools"])
        except MaskRefused as refusal:
            print(f"callsmith: {dataset}, row {index}: refused: {refusal}", file=sys.stderr)
            refused = True
            continue
        for sequence in sequences:
            for finding in sequence.findings:
                print(
                    f"callsmith: {dataset}, row {index}, messages[{finding.message}]: {finding.what}", file=sys.stderr
                )
            line = {"row": index, "input_ids": sequence.input_ids, "labels": sequence.labels}
            print(json.dumps({**line, "weights": sequence.weights}))
    raise typer.Exit(1 if refused else 0)


@app.command()
def certify(
    dataset: Data,
    model: Model = "embedded",
    split: Split = "train",
    rows: Annotated[int, typer.Option(min=1, help="How many of the first rows are compared.")] = 8,
    chat_template: Template = None,
    mask_method: MaskMethod = "both",
    template_kwargs: Settings = "",
    as_json: AsJson = False,
) -> None:
    """Prove, by gradients in float64, that one pass learns what separate samples would; exit 1 if it does not."""
    from training.masks.certify import certify as compare

    masker, found = _open(dataset, model, split, chat_template, mask_method, template_kwargs)
    certificate = compare(masker, found.select(range(min(rows, len(found)))))
    if as_json:
        print(json.dumps(certificate.as_dict()))
    else:
        compared = certificate if certificate.replies else f"nothing was compared, {certificate.refused} rows refused"
        print(f"The certificate {'holds' if certificate.holds else 'does NOT hold'}: {compared}.")
        print(f"Chat template: {certificate.template_hash}")
    raise typer.Exit(0 if certificate.holds else 1)


def _open(
    dataset: str, model: str, split: str, chat_template: Path | None, method: str, template_kwargs: str
) -> "tuple[Masker, Dataset]":
    from training.data import load_rows
    from training.masks.load import load_masker

    masker = load_masker(model, chat_template=chat_template, method=method, template_kwargs=template_kwargs)
    return masker, load_rows(dataset, split)


def _row(rows: "Dataset", wanted: str, dataset: str) -> dict[str, Any]:
    if wanted.isdigit() and int(wanted) < len(rows):
        return rows[int(wanted)]
    if "id" in rows.column_names and wanted in rows["id"]:
        return rows[rows["id"].index(wanted)]
    raise UserError(f"has no row {wanted!r}", where=dataset, mend=f"a number below {len(rows)}, or a row's id")


def _print_audit(found: "Audit", title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title=title, show_header=False)
    for name, value in found.total().items():
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    console.print(table)
    wrong = [row for row in found.rows if row.wrong]
    if wrong:
        rows = Table(title="What is wrong", show_lines=False)
        rows.add_column("times", justify="right")
        rows.add_column("what")
        rows.add_column("rows")
        for reason, times in found.reasons()[:20]:
            where = [str(row.row) for row in wrong if reason in row.reasons]
            rows.add_row(str(times), reason, ", ".join(where[:8]) + (" …" if len(where) > 8 else ""))
        console.print(rows)
    console.print("Nothing is wrong." if found.ok else f"{len(wrong)} of {len(found.rows)} rows have something wrong.")


def _write(file: Path, text: str) -> None:
    if not file.parent.is_dir():
        raise UserError("no such folder", where=str(file.parent))
    part = file.with_name(f"{file.name}.part")
    part.write_text(text, "utf-8")
    os.replace(part, file)
