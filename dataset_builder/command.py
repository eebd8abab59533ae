"""`callsmith build`: reads the options, runs a build or an import, prints what came of it.

Comes in: a command line. Goes out: a dataset folder, and a summary for a person or, with --json, for a program.
"""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.errors import UserError
from dataset_builder import options
from dataset_builder.run_file import read_run_file
from dataset_builder.stopping import Stop, StoppedError
from dataset_builder.telling import of_plan, of_stage, of_status, of_stopped, of_story, of_summary

if TYPE_CHECKING:
    from dataset_builder.build import Settings

FORMATS = ("react",)


def build(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files to import, with --import.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN.yaml",
            help="A run file: any of these options by name, as `rows: 5000`; what is on the command line goes first.",
            is_eager=True,
            callback=read_run_file,
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="The dataset folder to make.")] = Path("dataset"),
    tools: Annotated[
        str, typer.Option(help="`embedded`, a Python file or module with @tool functions, or a JSON file of schemas.")
    ] = "embedded",
    teacher: Annotated[
        str,
        typer.Option(
            help="Who makes the conversations: `embedded` (a seeded grammar, no model), an endpoint `http://…/v1` or "
            "`http://…/v1#MODEL`, `hf:PROVIDER/MODEL`, or a Hub id or folder. Several endpoints, by commas, share it."
        ),
    ] = "embedded",
    judge: Annotated[str, typer.Option(help="Another model, to judge questions and answers.")] = "",
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Your own zh.yaml and en.yaml, in place of those in dataset_builder/prompts.",
            show_default=False,
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Recorded results of tools that cannot be run: lines of {"tool", "arguments", "result"}. What is not '
            "recorded is simulated by the teacher; rows say which it was.",
            show_default=False,
        ),
    ] = None,
    accept: Annotated[
        int,
        typer.Option(
            min=1,
            max=16,
            help="How many solutions of each question a model makes: one that agrees with most is kept, all are in "
            "candidates.jsonl, and those that a check dropped become preference pairs.",
        ),
    ] = 1,
    rows: Annotated[int, typer.Option(min=1, help="How many rows are wanted.")] = 1000,
    languages: Annotated[str, typer.Option(help="zh, en or both, by commas.")] = "zh,en",
    mix: Annotated[
        str,
        typer.Option(
            help="How often each scenario comes, as single_call=3,chat=1; by default what the teacher thinks."
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="The same seed makes the same questions and the same split.")] = 0,
    hold_out: Annotated[
        str,
        typer.Option(
            metavar="families|questions",
            help="What `test` is made of: families of tools that are in no row of `train`, or questions about any "
            "tool, each of which is trained on then. By default questions; with --tools embedded families; with "
            "--append as in the dataset that is there.",
            show_default=False,
        ),
    ] = "",
    import_format: Annotated[
        str, typer.Option("--import", help="Import FILES instead of making rows; the format: react.")
    ] = "",
    license_name: Annotated[
        str, typer.Option("--license", help="As the Hub names it; by default apache-2.0 for what is all embedded.")
    ] = "",
    concurrency: Annotated[
        int,
        typer.Option(
            min=1, max=1024, help="How many questions at once, at most: an endpoint gets as many as it answers quickly."
        ),
    ] = 16,
    near_duplicates: Annotated[
        float | None,
        typer.Option(
            help="Drop a row whose question has at least this share (0 to 1) of its character 5-grams in common with "
            "an earlier one of the same scenario and tools; 0 drops exact duplicates only. By default 0.6; with the "
            "embedded teacher 0, because its grammar says different things in nearly the same words.",
            show_default=False,
        ),
    ] = None,
    decontaminate: Annotated[
        list[Path] | None,
        typer.Option(
            help="Drop rows with a question or a tool of this benchmark: BFCL, Seal-Tools, rows, JSONL with a "
            "question, a text file, or a folder of them. May be given several times.",
            show_default=False,
        ),
    ] = None,
    stage: Annotated[
        str,
        typer.Option(
            help="Go only as far as this stage: questions, check, solve, verify, duplicates, decontaminate. What "
            "passed it is in OUTPUT.work/STAGE.jsonl; what earlier stages asked is not asked again."
        ),
    ] = "publish",
    append: Annotated[bool, typer.Option(help="Add the rows to the dataset that is there.")] = False,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Make only part I of N, in OUTPUT.shards; any machine may make any part.")
    ] = "",
    merge: Annotated[bool, typer.Option("--merge", help="Make OUTPUT of its shards; nobody is asked.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace a dataset that callsmith made in this folder.")] = False,
    push_to_hub: Annotated[str, typer.Option(metavar="USER/NAME", help="Upload it to this dataset repository.")] = "",
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would be made and what it would cost; nobody is asked.")
    ] = False,
    price_in: Annotated[float, typer.Option(min=0, help="Price of a million tokens that the model reads.")] = 0.0,
    price_out: Annotated[float, typer.Option(min=0, help="Price of a million tokens that the model writes.")] = 0.0,
    max_requests: Annotated[
        int | None,
        typer.Option(
            min=1, help="Stop when so many requests were made, by all starts of the run together.", show_default=False
        ),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Stop when so much is spent, by those prices.", show_default=False)
    ] = None,
    status: Annotated[
        Path | None,
        typer.Option(metavar="OUTPUT", help="Only say how the run of this folder stands.", show_default=False),
    ] = None,
    why: Annotated[str, typer.Option(metavar="ROW", help="Only tell the story of this row (its id) of --output.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    r"""Make a dataset: questions, checks, conversations whose tools really ran, verified, split, with a card.

    A run that was stopped goes on where it stood when the same command is given again: what was asked and answered is
    in OUTPUT.work/journal.sqlite. Ctrl-C finishes what is under way and stops, a second one stops at once. Every
    dropped row is in OUTPUT/rejected.jsonl, with the reason.

    \b
    callsmith build --tools embedded --rows 3000 --output runs/dataset
    callsmith build --tools my_tools.py --teacher http://127.0.0.1:8000/v1#Qwen3-8B --output runs/mine
    callsmith build --config run.yaml --rows 200
    callsmith build --import react train.jsonl test.jsonl --output runs/imported
    callsmith build --status runs/mine
    """
    if status or why:
        return _look(status, why, output, as_json)
    if push_to_hub:
        from dataset_builder.publish import check_repository

        check_repository(push_to_hub)
    place = push_to_hub or output.resolve().name
    near = options.likeness(near_duplicates)
    if hold_out and (import_format or merge):
        raise UserError("what is there already is told apart already", mend="leave out --hold-out")
    if plan and import_format:
        raise UserError("an import asks nobody anything, so there is nothing to plan", mend="leave out --plan")
    if import_format:
        benchmarks = decontaminate or []
        license_name = license_name or "unknown"
        summary = _import(import_format, files or [], output, license_name, place, near, benchmarks, overwrite)
    else:
        if files:
            raise UserError(f"{files[0]} is given, and nothing says what to do with it", mend="add --import react")
        from dataset_builder.build import Settings, build_stage
        from dataset_builder.build import build as build_rows

        settings = Settings(
            tools=tools,
            teacher=teacher,
            output=output,
            rows=rows,
            languages=options.languages(languages),
            seed=seed,
            license=license_name or ("apache-2.0" if tools == teacher == "embedded" and not append else "unknown"),
            place=place,
            concurrency=concurrency,
            overwrite=overwrite,
            near=near,
            decontaminate=tuple(decontaminate or ()),
            mix=options.mix(mix),
            judge=judge,
            prompts=prompts,
            recordings=results,
            accept=accept,
            stage=stage,
            append=append,
            shard=options.shard(shard),
            hold_out=options.hold_out(hold_out, tools, output if append else None),
            prices=(price_in, price_out),
        )
        options.check(settings, merge, bool(push_to_hub))
        if plan:
            return _plan(settings, (price_in, price_out) if price_in or price_out else None, as_json)
        if merge:
            from dataset_builder.merge import merge as merge_shards

            made = merge_shards(settings)
        else:
            stop = _stop(teacher, max_requests, max_cost, (price_in, price_out))
            try:
                if stage != "publish":
                    return _print({"output": str(output), **build_stage(settings, stop)}, of_stage, as_json)
                made = build_rows(settings, stop)
            except StoppedError as stopped:
                from dataset_builder.status import status as state_of

                document = {"output": str(settings.folder), **state_of(settings.folder), "why": str(stopped)}
                return _print(document, of_stopped, as_json)
        summary = {"output": str(settings.folder), **made.as_json()}
    if push_to_hub:
        from dataset_builder.publish import push

        summary["pushed"] = push(output, push_to_hub)
    _print(summary, of_summary, as_json)
    return None


def _look(status: Path | None, why: str, output: Path, as_json: bool) -> None:
    """--status and --why: only reading."""
    from dataset_builder import status as looking

    if status and why:
        raise UserError("--status and --why are two questions", mend="ask --why with --output FOLDER")
    if status:
        _print({"output": str(status), **looking.status(status)}, of_status, as_json)
    else:
        _print(looking.story(output, why), of_story, as_json)


def _stop(teacher: str, requests: int | None, cost: float | None, prices: tuple[float, float]) -> Stop:
    if teacher == "embedded" and (requests is not None or cost is not None):
        raise UserError("the embedded teacher makes no requests", mend="leave out --max-requests and --max-cost")
    if cost is not None and not any(prices):
        raise UserError("--max-cost needs to know what tokens cost", mend="give --price-in and --price-out")
    return Stop(requests=requests, cost=cost, prices=prices)


def _plan(settings: "Settings", prices: tuple[float, float] | None, as_json: bool) -> None:
    from agent.tools import load_tools
    from dataset_builder.plan import plan_embedded, plan_llm
    from dataset_builder.prompting import PROMPTS

    tools = load_tools(settings.tools)
    told = (tools, settings.rows, settings.languages, settings.seed, settings.mix)
    if settings.teacher == "embedded":
        made = plan_embedded(*told, hold_out=settings.hold_out)
    else:
        folder = settings.prompts or PROMPTS
        made = plan_llm(*told, prices, accept=settings.accept, folder=folder, hold_out=settings.hold_out)
    _print(made.as_json(), of_plan, as_json)


def _import(
    format_name: str,
    files: list[Path],
    output: Path,
    license_name: str,
    place: str,
    near: float | None,
    benchmarks: list[Path],
    overwrite: bool,
) -> dict[str, Any]:
    if format_name not in FORMATS:
        raise UserError(f"there is no import format {format_name!r}", mend=f"it may be {', '.join(FORMATS)}")
    if not files:
        raise UserError(
            "no file is given to import", mend="callsmith build --import react FILE [FILE…] --output FOLDER"
        )
    from dataset_builder.duplicates import NEAR
    from dataset_builder.import_react import import_react
    from dataset_builder.sieve import Sieve

    sieve = Sieve(NEAR if near is None else near, benchmarks)
    made = import_react(files, output, license_name, place=place, sieve=sieve, overwrite=overwrite)
    return {"output": str(output), **made}


def _print(document: dict[str, Any], told: Callable[[dict[str, Any]], Iterable[str]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        print("\n".join(told(document)))
    sys.stdout.flush()
