"""`callsmith serve`: opens the demo's page on this machine."""

from typing import Annotated

import typer

from agent.listening import check_address


def serve(
    model: Annotated[
        str, typer.Option(help="embedded, a Hub id or folder, http://…/v1[#MODEL], or hf:PROVIDER/MODEL.")
    ] = "embedded",
    adapter: Annotated[str | None, typer.Option(help="A LoRA adapter: a folder or a Hub id.")] = None,
    tools: Annotated[
        str, typer.Option(help="embedded, a file or module with @tool functions, or a .json of schemas.")
    ] = "embedded",
    examples: Annotated[str | None, typer.Option(help="A text file of example questions, one a line.")] = None,
    feedback_dir: Annotated[
        str | None, typer.Option(help="Save visitors' ratings here, as JSON lines; without it none are asked for.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, help="Questions answered at once (by default 1 for a local model, 16 for an endpoint)."),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 7860,
    share: Annotated[bool, typer.Option(help="Make a public link through Gradio's servers.")] = False,
) -> None:
    """Open the demo: chat with the model in a browser, its tool calls folded into view, in Chinese and English."""
    check_address(host, port)
    from space.app import build, launch, open_page, read_questions

    questions = read_questions(examples) if examples else ()
    page = open_page(model, adapter, tools, feedback_dir, questions)
    remote = model.startswith(("http://", "https://", "hf:"))
    launch(build(page, concurrency=concurrency or (16 if remote else 1)), host=host, port=port, share=share)
