"""Reads what is written on the command line of `callsmith build`: a mix, languages, a shard, a likeness.

Comes in: texts and numbers, and the folder that is appended to. Goes out: values for `Settings`, or a `UserError` that
says how to write it.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import UserError

if TYPE_CHECKING:
    from dataset_builder.embedded_teacher.split import HoldOut
    from dataset_builder.settings import Settings

LANGUAGES = ("zh", "en")


def likeness(near: float | None) -> float | None:
    if near is not None and not 0 <= near <= 1:
        raise UserError(f"--near-duplicates {near} is no share", mend="it may be 0 (exact duplicates only) to 1")
    return near


def mix(text: str) -> dict[str, int] | None:
    shares: dict[str, int] = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        scenario, _, share = part.partition("=")
        if not (share or "1").isdigit():
            raise UserError(f"--mix {part}: {share!r} is no whole number", mend="write it as single_call=3,chat=1")
        shares[scenario] = int(share or 1)
    if text and not sum(shares.values()):
        raise UserError(f"--mix {text} leaves nothing to ask for", mend="write it as single_call=3,chat=1")
    return shares or None


def languages(text: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [lang for lang in chosen if lang not in LANGUAGES]
    if unknown or not chosen:
        raise UserError(f"unknown language {unknown[0] if unknown else text!r}", mend="choose from zh and en")
    return chosen


def shard(text: str) -> tuple[int, int]:
    """`3/8` as (2, 8); of "", the whole."""
    if not text:
        return 0, 1
    match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UserError(f"--shard {text!r} names no part", mend="write I/N, from 1/N to N/N")
    return int(match[1]) - 1, int(match[2])


def hold_out(text: str, tools: str, there: Path | None = None) -> "HoldOut":
    """What is named; of "", what the dataset `there` holds out, and else questions, so that all of somebody's own tools
    are trained on.
    """
    if text in ("families", "questions"):
        return text  # type: ignore[return-value]
    if text:
        raise UserError(f"--hold-out {text!r} names nothing", mend="choose from families and questions")
    if there is not None:
        from dataset_builder.existing import Existing
        from dataset_builder.rows import MANIFEST

        # Where there is no dataset, that is told when it is appended to.
        if (there / MANIFEST).is_file() and (known := Existing(there).holds_out):
            return known
    return "families" if tools == "embedded" else "questions"


def check(settings: "Settings", merge: bool, push: bool) -> None:
    """Raise UserError for options that exclude each other or ask of the embedded teacher what only a model can do."""
    parts = settings.shard[1] > 1
    staged = settings.stage != "publish"
    together = {
        "--merge and --shard": merge and parts,
        "--append and --shard": settings.append and parts,
        "--append and --merge": settings.append and merge,
        "--append and --overwrite": settings.append and settings.overwrite,
        "--append and --stage": settings.append and staged,
        "--merge and --stage": merge and staged,
        "--push-to-hub and --shard": push and parts,
        "--push-to-hub and --stage": push and staged,
    }
    for names, given in together.items():
        if given:
            raise UserError(f"{names} exclude each other", mend="leave one out")
    model_only = {
        "--judge": settings.judge,
        "--prompts": settings.prompts,
        "--results": settings.recordings,
        "--accept": settings.accept > 1,
    }
    for name, value in model_only.items():
        if value and settings.teacher == "embedded":
            raise UserError(f"{name} is for a teacher that is a model", mend="name one with --teacher, or leave it out")
