"""`callsmith annotate`: opens the page for people, or writes out what they accepted."""

import json
from typing import Annotated

import typer

from agent.errors import UserError
from agent.listening import check_address


def annotate(
    folder: Annotated[str, typer.Argument(help="A dataset folder, or a JSONL file of rows.")],
    model: Annotated[
        str, typer.Option(help="Who writes when you run the agent: embedded, a Hub id, http://…/v1, hf:…, or none.")
    ] = "embedded",
    adapter: Annotated[str | None, typer.Option(help="A LoRA adapter: a folder or a Hub id.")] = None,
    tools: Annotated[
        str,
        typer.Option(help="What runs then: embedded, a file or module with @tool functions, or a .json of schemas."),
    ] = "embedded",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 7861,
    export: Annotated[
        str | None, typer.Option(help="Open no page: write the accepted rows to this dataset folder, and stop.")
    ] = None,
    unreviewed: Annotated[
        bool, typer.Option(help="With --export: keep the rows that nobody has touched, too, as they are.")
    ] = False,
    overwrite: Annotated[bool, typer.Option(help="With --export: replace a dataset that is there.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --export: print the numbers as one JSON document.")
    ] = False,
) -> None:
    """Read conversations in a browser: edit them, run the agent from any point, accept or reject.

    Each action is saved at once in FOLDER.annotations.sqlite; the dataset itself is never changed.
    """
    from dataset_builder.annotate.desk import Desk

    if export is None and (as_json or overwrite or unreviewed):
        raise UserError("--json, --overwrite and --unreviewed belong to an export", mend="add --export FOLDER")
    desk = Desk(folder)
    if export is not None:
        from dataset_builder.annotate.export import export as write

        try:
            done = write(desk, export, unreviewed=unreviewed, overwrite=overwrite)
        except UserError as error:  # the other commands that write a dataset call the option so
            mend = error.mend.replace("--output", "--export")
            raise UserError(error.what, where=error.where, mend=mend) from error
        accepted = sum(done["rows"].values()) - done["unreviewed"]
        line = f"{accepted} accepted rows" + (f" and {done['unreviewed']} unreviewed ones" if unreviewed else "")
        line += f" ({done['edited']} rows edited) in {done['folder']}; {done['rejected']} left out"
        line += f", {done['undecided']} of them edited but not accepted" if done["undecided"] else ""
        typer.echo(json.dumps(done, ensure_ascii=False) if as_json else line)
        return
    check_address(host, port)
    from agent.models import load_model
    from agent.tools import load_tools
    from dataset_builder.annotate.app import build, launch
    from dataset_builder.annotate.page import Page

    known = load_tools(tools)  # first, as a mistake in them shows at once
    writer = None if model == "none" else load_model(model, adapter=adapter)
    launch(build(Page(desk, writer, known)), host=host, port=port)
