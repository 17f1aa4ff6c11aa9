"""The Hub client's errors as one sentence each, with the repo's name and the next step; never a token or a URL."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import errors as hf

from .bundled import bundled_names
from .errors import HubError, VGGHubError
from .folder import CONFIG_FILE, WEIGHTS_FILE

__all__ = ["hub_errors"]


@contextmanager
def hub_errors(repo: str, revision: str | None, kind: str = "model") -> Iterator[None]:
    """Raise HubError in place of whatever the client raises inside.

    Args:
        repo: `owner/name`, for the messages.
        revision: what was asked for, for the messages.
        kind: what the repo is, for the messages.
    """
    try:
        yield
    except VGGHubError:
        raise  # ours already
    except RuntimeError as error:
        # The client reports a failed upload of a large file as a RuntimeError and keeps the Hub's answer as its cause.
        if not isinstance(error.__cause__, (OSError, hf.HTTPError)):
            raise
        raise HubError(_sentence(error.__cause__, repo, revision, kind)) from error
    except hf.HFValidationError as error:
        raise HubError(f"{repo!r:.120} is not the name of a Hub repo; write it owner/name.") from error
    except ValueError as error:
        if "README.md" in str(error):
            raise HubError(f"The Hub refused the card of {repo}: its metadata is not valid.") from error
        if not isinstance(error.__cause__, (OSError, hf.HTTPError)):
            raise
        # How the client reports that the Hub cannot be reached when a download is forced.
        raise HubError(_sentence(error.__cause__, repo, revision, kind)) from error
    except (OSError, hf.HTTPError, hf.EntryNotFoundError) as error:
        raise HubError(_sentence(error, repo, revision, kind)) from error


def _sentence(error: Exception, repo: str, revision: str | None, kind: str) -> str:
    shipped = ", ".join(bundled_names()) or "none"
    sentences = (  # the first that fits: a gated repo is also one that is not found
        (hf.GatedRepoError, f"{repo} is gated: ask for access on its page at the Hub, then sign in (`hf auth login`)."),
        (
            hf.RepositoryNotFoundError,
            f"The Hub has no {kind} {repo} that you may see; check the name, or sign in if it is private (`hf auth login`).",
        ),
        (
            hf.RevisionNotFoundError,
            f"{repo} has no revision {revision!r:.60}; give a branch, tag or commit that it has.",
        ),
        (
            hf.LocalEntryNotFoundError,
            f"{repo} is not on this machine and the Hub cannot be reached; connect to the internet, "
            f"or use a checkpoint that ships ({shipped}).",
        ),
        (
            hf.EntryNotFoundError,
            f"{repo} lacks {CONFIG_FILE} or {WEIGHTS_FILE}; it is not a VGG folder that can be opened without pickle.",
        ),
    )
    found = next((text for kind, text in sentences if isinstance(error, kind)), None)
    if found:
        return found
    if isinstance(error, hf.HfHubHTTPError):
        return f"The Hub refused {repo}: {_reason(error)}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The disk is full: {repo} was not fetched; free some space and try again."
    return (
        f"The Hub cannot be reached for {repo} ({type(error).__name__}); check the connection and try again, "
        f"or use a checkpoint that ships ({shipped})."
    )


def _reason(error: hf.HfHubHTTPError) -> str:
    status = error.response.status_code if error.response is not None else None
    reasons = {
        401: "the token is not valid; sign in again (`hf auth login`).",
        403: "you have no right to do that; use a token that may write to it.",
        409: "the repo was changed at the same time; try again.",
        412: "the repo was changed at the same time; try again.",
        429: "too many requests; wait a minute and try again.",
        507: "its storage for you is full; free some there, or make the model smaller with dtype float16.",
    }
    return reasons.get(status, f"it answered {status or 'nothing'}; try again in a minute.")
