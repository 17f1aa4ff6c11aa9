"""The Hub client's errors as one sentence each, with the repo's name and the next step; never a token or a URL."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import errors as hf

from .bundled import bundled_names
from .errors import HubError
from .folder import CONFIG_FILE, WEIGHTS_FILE

__all__ = ["hub_errors"]


@contextmanager
def hub_errors(repo: str, revision: str | None) -> Iterator[None]:
    """Raise HubError in place of whatever the client raises inside.

    Args:
        repo: `owner/name`, for the messages.
        revision: what was asked for, for the messages.
    """
    try:
        yield
    except hf.GatedRepoError as error:
        raise HubError(f"{repo} is gated: ask for access on its page at the Hub, then sign in (`hf auth login`).") from error
    except hf.RepositoryNotFoundError as error:
        raise HubError(
            f"The Hub has no model {repo} that you may see; check the name, or sign in (`hf auth login`) if it is private."
        ) from error
    except hf.RevisionNotFoundError as error:
        raise HubError(f"{repo} has no revision {revision!r:.60}; give a branch, tag or commit that it has.") from error
    except hf.LocalEntryNotFoundError as error:
        raise HubError(
            f"{repo} is not on this machine and the Hub cannot be reached; connect to the internet, "
            f"or use a checkpoint that ships ({', '.join(bundled_names())})."
        ) from error
    except hf.EntryNotFoundError as error:
        raise HubError(
            f"{repo} lacks {CONFIG_FILE} or {WEIGHTS_FILE}; it is not a VGG folder that can be opened without pickle."
        ) from error
    except hf.HfHubHTTPError as error:
        raise HubError(f"The Hub refused {repo}: {_reason(error)}") from error
    except (OSError, hf.HTTPError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise HubError(f"The disk is full: {repo} was not fetched; free some space and try again.") from error
        raise HubError(
            f"The Hub cannot be reached for {repo} ({type(error).__name__}); check the connection and try again, "
            f"or use a checkpoint that ships ({', '.join(bundled_names())})."
        ) from error


def _reason(error: hf.HfHubHTTPError) -> str:
    status = error.response.status_code if error.response is not None else None
    reasons = {
        401: "the token is not valid; sign in again (`hf auth login`).",
        403: "you have no right to do that; use a token that may write to it.",
        409: "the repo was changed at the same time; try again.",
        429: "too many requests; wait a minute and try again.",
    }
    return reasons.get(status, f"it answered {status or 'nothing'}; try again in a minute.")
