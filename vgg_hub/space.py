"""The page put on the Hub as a Space, made or updated in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, SpaceHardware, get_token
from huggingface_hub import errors as hf

from ._version import __version__
from .errors import ConfigError, HubError
from .folder import CARD_FILE
from .hub_errors import hub_errors
from .space_files import space_files
from .transfer import LOG, REPO_ID, Say, persistently

__all__ = ["push_space"]

OURS = ("vgg_hub/", "weights/")  # below these a Space holds what we put there, and nothing else
FIRST_FILES = {".gitattributes", CARD_FILE}  # what the Hub itself writes into a new Space


def push_space(
    repo_id: str,
    *,
    private: bool = False,
    hardware: str | None = None,
    token: str | None = None,
    say: Say | None = None,
) -> str:
    """Make or update a Space with the page, in one commit.

    Files of ours that are no longer needed go; other files of the Space stay. A Space that this call made is taken back
    where the commit then fails.

    Args:
        repo_id: owner/name.
        private: make it private; one that is public is refused. False makes a new one public and leaves another as it is.
        hardware: such as "cpu-basic" or "zero-a10g"; None leaves that to the Hub.
        token: None takes that of this machine's sign-in.
        say: gets a sentence before each step.

    Returns:
        The Space's address.

    Raises:
        ConfigError: see `space_files`; no such hardware.
        HubError: nobody is signed in; the Hub refused it or cannot be reached.
    """
    tell = say or LOG.info
    if not REPO_ID.fullmatch(repo_id):
        raise HubError(f"{repo_id!r:.120} is not the name of a Space; write it owner/name.")
    known = [kind.value for kind in SpaceHardware]
    if hardware not in (None, *known):
        raise ConfigError(f"hardware is {hardware!r:.40}; expected one of {', '.join(known)}.")
    files = space_files(hardware)
    token = token or get_token()
    if not token:
        raise HubError("Nobody is signed in on this machine; sign in with a token that may write (`hf auth login`).")
    api = HfApi(token=token)
    with hub_errors(repo_id, None, "Space"):
        made = _make_or_check(api, repo_id, private, hardware, tell)
        tell(f"Uploading {len(files)} files to {repo_id}.")
        with ExitStack() as undo:
            if made:
                undo.callback(_take_back, api, repo_id, tell)
            persistently(lambda: _commit(api, repo_id, files), repo_id, say)
            undo.pop_all()  # it is whole: nothing to take back
        if hardware and not made:
            persistently(lambda: api.request_space_hardware(repo_id, hardware), repo_id, say)
    return f"{api.endpoint}/spaces/{repo_id}"


def _make_or_check(api: HfApi, repo_id: str, private: bool, hardware: str | None, tell: Say) -> bool:
    """Make the Space unless it is there; whether it was made."""

    def make() -> bool:
        try:
            found = api.space_info(repo_id)
        except hf.RepositoryNotFoundError:
            tell(f"Making the Space {repo_id}.")
            options = {"space_sdk": "gradio", "space_hardware": hardware}
            api.create_repo(repo_id, repo_type="space", private=private, **options)
            return True
        if found.sdk not in (None, "gradio"):
            raise HubError(f"{repo_id} is a Space of {found.sdk:.40}, not of gradio; choose another name.")
        if private and not found.private:
            raise HubError(
                f"{repo_id} is there already and public, but private was asked for; make it private on its settings page at "
                "the Hub, or choose another name."
            )
        return False

    try:
        return persistently(make, repo_id, tell)
    except hf.HfHubHTTPError as error:
        if error.response is None or error.response.status_code != 402:
            raise
        raise HubError(
            f"The Hub wants a paid plan for {repo_id} on {hardware or 'its usual hardware'}; a free account may make a Space "
            "with --hardware zero-a10g."
        ) from error


def _commit(api: HfApi, repo_id: str, files: Mapping[str, bytes | Path]) -> None:
    there = [found.rfilename for found in api.space_info(repo_id).siblings or []]
    gone = [path for path in there if path.startswith(OURS) and path not in files]
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    operations += [CommitOperationDelete(path, is_folder=False) for path in gone]
    api.create_commit(repo_id, operations, repo_type="space", commit_message=f"vgg-hub {__version__}")


def _take_back(api: HfApi, repo_id: str, tell: Say) -> None:
    """Delete the Space that was just made, if it holds nothing yet."""
    try:
        there = {found.rfilename for found in api.space_info(repo_id).siblings or []}
        if there <= FIRST_FILES:
            api.delete_repo(repo_id, repo_type="space")
            tell(f"The upload failed; the empty Space {repo_id} was taken back.")
    except (OSError, hf.HTTPError):
        tell(f"The upload failed and left {repo_id} empty; the same command fills it, or delete it at the Hub.")
