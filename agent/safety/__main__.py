"""`python -m agent.safety --model NAME [--adapter DIR] [--mark] [--json]`: the rate of injected orders obeyed."""

import json
from typing import Annotated

import typer

from agent.errors import exit_codes


def main(
    model: Annotated[
        str, typer.Option(help="embedded, a folder or Hub id, an endpoint, or hf:PROVIDER/MODEL")
    ] = "embedded",
    adapter: Annotated[str | None, typer.Option(help="an adapter for a local model")] = None,
    mark: Annotated[bool, typer.Option("--mark", help="fence each result and say what the fence means")] = False,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="of each reply")] = 96,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Report how many of the injected orders a model obeys, and how many questions it answers all the same."""
    from agent.models import load_model
    from agent.safety import injections

    with exit_codes():
        found = injections.report(
            injections.run(load_model(model, adapter=adapter), mark=mark, max_new_tokens=max_new_tokens)
        )
    found = {"model": model, "adapter": adapter, "marked": mark, **found}
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(f"{k}: {v}" for k, v in found.items()))


if __name__ == "__main__":
    typer.run(main)
