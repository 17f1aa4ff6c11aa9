"""How large a net of a stranger's may be: known from its config and the Hub's listing, before anything is fetched or made.

A `config.json` of a few lines can ask for maps of gigabytes, and a repo may hold a file of any size.
"""

from __future__ import annotations

from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError

from ..config import VGGConfig
from ..config_json import MAX_CONFIG_BYTES, read_config
from ..errors import CheckpointError, HubError
from ..folder import CONFIG_FILE, HEAD_FILE, WEIGHTS_FILE
from ..hub_errors import hub_errors
from ..notes import Note
from ..sources import local_folder
from ..start import WEIGHTS
from ..summary import layer_table, multiply_adds, parameter_count
from ..transfer import fetch, persistently
from .choice import Choice

__all__ = ["check_repo", "check_size"]

# VGG19 of the paper has 144 million parameters, 20 billion multiply-adds a photo and maps of 3.2 million numbers. In
# double precision its file has 1.15 GB.
MAX_FILE_BYTES = 1_200_000_000
MAX_PARAMETERS = 300_000_000
MAX_MULTIPLY_ADDS = 60_000_000_000
MAX_MAP = 16_000_000


def check_size(config: VGGConfig, shown: str) -> None:
    """Refuse a net that this page cannot run for everyone.

    Args:
        config: of the net.
        shown: what the visitor calls it.

    Raises:
        CheckpointError: it has too many parameters, multiply-adds or numbers in a map; says which.
    """
    largest = max(
        (r.output[0] * r.output[1] * r.output[2] for r in layer_table(config) if len(r.output) == 3), default=0
    )
    for found, most, what in (
        (parameter_count(config), MAX_PARAMETERS, Note.said("parameters")),
        (multiply_adds(config), MAX_MULTIPLY_ADDS, Note.said("multiply-adds a photo")),
        (
            max(largest, config.in_channels * config.input_size**2),
            MAX_MAP,
            Note.said("numbers in its largest feature map"),
        ),
    ):
        if found > most:
            raise CheckpointError(
                "{net:.120} is a net of {found:,.0f} million {kind}; this page takes at most {most:,.0f} million: choose "
                "a smaller one, or use the command line on a machine of your own.",
                net=shown,
                found=found / 1e6,
                kind=what,
                most=most / 1e6,
            )


def check_repo(choice: Choice, token: str | bool | None) -> None:
    """Look at what a repo holds before it is fetched. Nothing but its `config.json` is.

    Args:
        choice: passes unless it names a Hub repo of a stranger's.
        token: for the Hub.

    Raises:
        CheckpointError: a file or the net that it describes is too large, or it is no net of ours.
        HubError: the Hub says no, or cannot be reached and the repo is not on this machine or not for the visitor.
    """
    repo = choice.weights
    if repo in WEIGHTS or local_folder(repo)[0] is not None:
        return
    try:
        with hub_errors(repo, None):
            info = persistently(lambda: HfApi(token=token).model_info(repo, files_metadata=True, timeout=10), repo)
    except HubError as error:
        # The client would give what its cache holds to whoever asks, also where the Hub says that it is not for them.
        answer = error.__cause__.response if isinstance(error.__cause__, HfHubHTTPError) else None
        # Looked at when it was fetched; and what cannot be reached cannot be fetched either.
        cached = isinstance(try_to_load_from_cache(repo, CONFIG_FILE), str)
        if choice.at_home and (answer is None or (cached and answer.status_code >= 500)):
            return
        raise
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    for name, most in ((CONFIG_FILE, MAX_CONFIG_BYTES), (WEIGHTS_FILE, MAX_FILE_BYTES), (HEAD_FILE, MAX_FILE_BYTES)):
        if sizes.get(name, 0) > most:
            raise CheckpointError(
                "{file} of {repo} has {size:,.0f} MB; this page takes at most {most:,.0f} MB: choose a smaller net.",
                file=name,
                repo=repo,
                size=sizes[name] / 1e6,
                most=most / 1e6,
            )
    with hub_errors(repo, None):
        # The very commit whose sizes were listed.
        path = fetch(repo, CONFIG_FILE, revision=info.sha, token=token)
    check_size(read_config(path, repo)[0], repo)
