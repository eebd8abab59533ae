"""Puts a dataset folder on the Hub, in one commit.

Comes in: a finished folder and USER/NAME. Goes out: the commit's address. The folder stays as it is, whatever happens.
"""

from pathlib import Path

import httpx2
from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from agent.errors import UserError

CHANGED_MEANWHILE = 412
SHARDS = ["data/*.parquet", "preference/*.parquet", "rejected/*.parquet"]
UPLOADED = ["README.md", *SHARDS, "rejected.jsonl", "candidates.jsonl", "callsmith.json"]


def check_repository(name: str) -> None:
    """Raise UserError, before any work is done, where `name` or the login cannot serve."""
    if name.count("/") != 1 or not all(name.split("/")):
        raise UserError(f"{name!r} is no dataset repository", mend="name it USER/NAME")
    if not get_token():
        raise UserError("there is no Hugging Face token", mend="run `hf auth login`, or set HF_TOKEN")


def push(folder: Path, name: str) -> str:
    """Upload what of `folder` is not yet in the dataset repository `name`, made where it is missing, in one commit; in
    none where nothing changed. Returns the newest commit's address.

    Raises:
        UserError: no token, no network, the Hub refuses, or somebody else committed meanwhile; the folder stays.
    """
    check_repository(name)
    api = HfApi()
    kept = f"the dataset is in {folder}; push it later with `hf upload {name} {folder} --repo-type dataset`"
    try:
        api.create_repo(name, repo_type="dataset", exist_ok=True)
        before = api.repo_info(name, repo_type="dataset").sha
        commit = api.upload_folder(
            repo_id=name,
            repo_type="dataset",
            folder_path=folder,
            allow_patterns=UPLOADED,
            # What an earlier dataset had and this one has not would be loaded beside it.
            delete_patterns=[*SHARDS, "candidates.jsonl"],
            commit_message="Publish the dataset",
            parent_commit=before,
        )
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no answer"
        what = error.server_message or str(error).splitlines()[0]
        if status == CHANGED_MEANWHILE:
            what = "somebody else committed to it meanwhile"
        raise UserError(f"the Hub refused {name} ({status}): {what}", mend=kept) from error
    except (httpx2.HTTPError, OfflineModeIsEnabled, HFValidationError, OSError, ValueError, RuntimeError) as error:
        # What goes wrong with one large file comes as a RuntimeError, and its cause says what it was.
        what = f"{error} {error.__cause__}" if isinstance(error, RuntimeError) and error.__cause__ else str(error)
        raise UserError(f"{name} could not be pushed to {api.endpoint}: {what}", mend=kept) from error
    return str(commit.commit_url)
