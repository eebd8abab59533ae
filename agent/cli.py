"""The one entry point, `callsmith`: finds each folder's commands by name and turns failures into exit codes.

Knows nothing of what the commands do. A folder offers a command in pyproject.toml, under
`[project.entry-points."callsmith.commands"]`, as a function (one command) or a `typer.Typer` (a group of them).
Those modules import only light things at the top, so that `callsmith --help` answers at once.
"""

import os
import sys
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import typer

from agent.errors import UserError, exit_codes

# In the order in which a person meets them; what is not named here comes last.
ORDER = ("demo", "build", "annotate", "masks", "train", "evaluate", "export", "serve", "deploy", "mcp")

# Options that a command does not know itself go on to the script beneath it.
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

INTERRUPTED = 130

HELP = (
    "Give it tools: it gives back a dataset, a LoRA adapter and a demo of a model that calls those tools well, "
    "in Chinese and in English."
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"callsmith {version('callsmith')}")
        raise typer.Exit


def _commands() -> dict[str, EntryPoint]:
    found = {entry.name: entry for entry in entry_points(group="callsmith.commands")}
    rank = {name: position for position, name in enumerate(ORDER)}
    return dict(sorted(found.items(), key=lambda item: (rank.get(item[0], len(ORDER)), item[0])))


def build_app(wanted: str | None = None) -> typer.Typer:
    """The Typer application with every command, or with only `wanted` loaded where it is one."""
    app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @app.callback()
    def root(
        show_version: bool = typer.Option(
            False, "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
        ),
    ) -> None:
        pass

    commands = _commands()
    for name, entry in commands.items() if wanted not in commands else [(wanted, commands[wanted])]:
        loaded: Any = entry.load()
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=name)
        else:
            app.command(name, context_settings=PASS_ON if getattr(loaded, "passes_on", False) else None)(loaded)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; usage errors and bad input leave by exit code 2 with one line on standard error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    # Two OpenMP threads make models of this project's default size crawl; a person's own setting wins.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # What failed is told once, in the end; the Hub's client need not count its tries.
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    with exit_codes():
        app = build_app(wanted=arguments[0] if arguments else None)
        command = typer.main.get_command(app)
        try:
            code = command.main(args=arguments, prog_name="callsmith", standalone_mode=False)
        except Exception as error:
            raise _as_user_error(error) from error
        if code == INTERRUPTED:  # Typer has swallowed the Ctrl-C itself
            raise KeyboardInterrupt
    raise SystemExit(code if isinstance(code, int) else 0)


def _as_user_error(error: Exception) -> BaseException:
    """Typer's own usage errors, worded as ours; anything else unchanged."""
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        if not error.format_message():  # a group without a command: its help has been printed
            return SystemExit(2)
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "callsmith"
        return UserError(error.format_message(), mend=f"see `{path} --help`")
    if type(error).__name__ == "Abort":
        return KeyboardInterrupt()
    return error


if __name__ == "__main__":
    main()
