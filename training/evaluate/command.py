"""`callsmith evaluate`: does the adapter call tools better than its base, on tools that training never saw?

Comes in: model, adapter and dataset by name. Goes out: a table or one JSON document. Imports nothing heavy at the top.
"""

from pathlib import Path
from typing import Annotated

import typer

from agent.errors import UserError

MOST_SEED = 2**32 - 1  # what NumPy takes


def evaluate(
    model: Annotated[str, typer.Option(help="The base: `embedded`, a Hub id, a folder or an endpoint.")] = "embedded",
    adapter: Annotated[
        str | None, typer.Option(help="An adapter's folder or Hub id, to compare with its base.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="A folder, a Hub id or a .jsonl file.")] = None,
    split: Annotated[str, typer.Option(help="The held-out split.")] = "test",
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a dataset on the Hub.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="This many rows, drawn by --seed, instead of all.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest reply.")] = 192,
    constrained: Annotated[
        bool, typer.Option(help="Hold calls to the tools' names and schemas while they are written, as the Space does.")
    ] = False,
    call_threshold: Annotated[
        float,
        typer.Option(min=0, max=1, help="Call only where a call is at least this likely; 0 takes the likeliest token."),
    ] = 0.5,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Draws the rows of --limit; replies are greedy.")] = 0,
    processes: Annotated[int, typer.Option(min=1, help="Processes on this machine, one a GPU.")] = 1,
    output: Annotated[Path | None, typer.Option(help="Write the JSON document to this file too.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write every reply beside the right one, as JSON lines.")] = None,
    show: Annotated[Path | None, typer.Option(help="Print the table of such a document, and do nothing else.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """Compare a base with its adapter on held-out rows: valid call, right tool, right arguments, right abstention.

    At every user turn of every row, and after its true tool results, both models write the next message; it is judged
    exactly. With --save replies are kept as they come, and the same command goes on with them after a stop. Shares come
    with their number and a 95 % Wilson interval, per language and in total.
    """
    from training.evaluate import run

    if show is not None:
        run.show_file(show, as_json=as_json)
        return
    if dataset is None:
        raise UserError("no dataset is named", mend="--dataset with a folder, a Hub id or a .jsonl file")
    from agent.models import Sampling

    source = run.Source(dataset, split, revision, limit, seed)
    sampling = Sampling(max_new_tokens=max_new_tokens, constrained=constrained, call_threshold=call_threshold)
    try:
        run.evaluate(
            model, adapter, source, sampling=sampling, output=output, save=save, as_json=as_json, processes=processes
        )
    except KeyboardInterrupt:
        kept = f"the replies so far are in {save}.part" if save else "nothing is kept without --save"
        typer.echo(f"interrupted; {kept}", err=True)
        raise typer.Exit(130) from None
