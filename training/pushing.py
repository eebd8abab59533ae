"""An adapter's way to the Hub: at the end of its training, or later, when a finished run is asked to be pushed.

Comes in: a trainer, or the folder of a finished run. Goes out: a repository; where it cannot be reached, one line, and
the adapter stays where it is. Knows nothing of training.
"""

import json
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import validate_repo_id
from trl import SFTConfig

from agent.errors import UserError
from training import card
from training.model import short
from training.run import CARD, LOG, write_json, write_whole
from training.trainer import AdapterTrainer

UNREACHABLE = (HfHubHTTPError, httpx2.HTTPError, OfflineModeIsEnabled, HFValidationError)
NOT_SENT = ("checkpoint-*", "_*", "training_args.bin")


def check_login(training: SFTConfig) -> None:
    """Raises UserError where a push is asked for and nobody is logged in, or no repository can be called so: before
    hours of training.
    """
    if not training.push_to_hub:
        return
    if not (training.hub_token or get_token()):
        raise UserError("--push_to_hub needs to know who you are", mend="`hf auth login`, or set HF_TOKEN")
    if training.hub_model_id:
        try:
            validate_repo_id(training.hub_model_id)
        except HFValidationError as error:
            raise UserError(short(error), where="--hub_model_id", mend="name it USER/NAME") from error


def push(trainer: AdapterTrainer) -> None:
    """Upload what was just trained.

    Raises:
        UserError: The Hub refuses, or cannot be reached.
    """
    try:
        trainer.push_to_hub()
    except (*UNREACHABLE, OSError) as error:
        raise _not_pushed(Path(str(trainer.args.output_dir)), error) from error


def push_folder(folder: Path, training: SFTConfig) -> str:
    """Upload a run that was finished before, its card and log under the repository's name; the repository's address.

    Raises:
        UserError: The Hub refuses, or cannot be reached.
    """
    api = HfApi(token=training.hub_token)
    try:
        made = api.create_repo(training.hub_model_id or folder.name, private=training.hub_private_repo, exist_ok=True)
        _rename(folder, made.repo_id)
        api.upload_folder(repo_id=made.repo_id, folder_path=folder, ignore_patterns=[*NOT_SENT])
    except (*UNREACHABLE, OSError) as error:
        raise _not_pushed(folder, error) from error
    return str(made)


def _rename(folder: Path, name: str) -> None:
    """Write card and log as if the run had been called so from the start."""
    log = {**json.loads((folder / LOG).read_text("utf-8")), "name": name}
    write_json(folder / LOG, log)
    write_whole(folder / CARD, card.render(log))


def _not_pushed(folder: Path, error: Exception) -> UserError:
    what = f"the adapter is trained and saved, but was not pushed: {short(error)}"
    return UserError(what, where=str(folder), mend="the same command tries again")
