"""The Hub client's errors as one sentence each, with the repo's name and the next step; never a token or a URL."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import errors as hf

from .bundled import shipped_names
from .errors import HubError, VGGHubError
from .folder import CONFIG_FILE, WEIGHTS_FILE
from .notes import Note
from .transfer import is_illegal_header

__all__ = ["hub_errors"]

MODEL = Note.said("model")


@contextmanager
def hub_errors(repo: str, revision: str | None, kind: str = MODEL) -> Iterator[None]:
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
        raise _said(error.__cause__, repo, revision, kind) from error
    except hf.HFValidationError as error:
        raise HubError("{repo!r:.120} is not the name of a Hub repo; write it owner/name.", repo=repo) from error
    except UnicodeEncodeError as error:  # of a header, which is ASCII; of those only the token comes from people
        raise HubError(
            "The Hub's token cannot be right: it holds the character {character!r}; copy it again, or sign in again "
            "(`hf auth login`).",
            character=error.object[error.start],
        ) from None  # the error holds the token
    except ValueError as error:
        if "README.md" in str(error):
            raise HubError("The Hub refused the card of {repo}: its metadata is not valid.", repo=repo) from error
        if not isinstance(error.__cause__, (OSError, hf.HTTPError)):
            raise
        # How the client reports that the Hub cannot be reached when a download is forced.
        raise _said(error.__cause__, repo, revision, kind) from error
    except (OSError, hf.HTTPError, hf.EntryNotFoundError) as error:
        if is_illegal_header(error):
            raise HubError(
                "The Hub's token cannot be right: it is empty, or holds a line break or an outer space; copy it again, or "
                "sign in again (`hf auth login`)."
            ) from None  # the error holds the token
        raise _said(error, repo, revision, kind) from error


def _said(error: Exception, repo: str, revision: str | None, kind: str) -> HubError:
    # The first that fits: a gated repo is also one that is not found.
    if isinstance(error, hf.GatedRepoError):
        return HubError(
            "{repo} is gated: ask for access on its page at the Hub, then sign in (`hf auth login`).", repo=repo
        )
    if isinstance(error, hf.RepositoryNotFoundError):
        return HubError(
            "The Hub has no {kind} {repo} that you may see; check the name, or sign in if it is private (`hf auth login`).",
            kind=kind,
            repo=repo,
        )
    if isinstance(error, hf.RevisionNotFoundError):
        return HubError(
            "{repo} has no revision {revision!r:.60}; give a branch, tag or commit that it has.",
            repo=repo,
            revision=revision,
        )
    if isinstance(error, hf.LocalEntryNotFoundError):
        return HubError(
            "{repo} is not on this machine and the Hub cannot be reached; connect to the internet, or use a checkpoint that "
            "ships ({shipped}).",
            repo=repo,
            shipped=shipped_names(),
        )
    if isinstance(error, hf.EntryNotFoundError):
        return HubError(
            "{repo} lacks {config} or {weights}; it is not a VGG folder that can be opened without pickle.",
            repo=repo,
            config=CONFIG_FILE,
            weights=WEIGHTS_FILE,
        )
    if isinstance(error, hf.HfHubHTTPError):
        return HubError("The Hub refused {repo}: {why}", repo=repo, why=_why(error))
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return HubError("The disk is full: {repo} was not fetched; free some space and try again.", repo=repo)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return HubError(
            "What the Hub sends of {repo} cannot be kept in {place} ({reason}); set HF_HOME to a folder that can be written to.",
            repo=repo,
            place=str(error.filename),
            reason=error.strerror,
        )
    return HubError(
        "The Hub cannot be reached for {repo} ({kind}); check the connection and try again.",
        repo=repo,
        kind=type(error).__name__,
    )


REASONS = {
    401: Note.said("the token is not valid; sign in again (`hf auth login`)."),
    403: Note.said("you have no right to do that; use a token that may write to it."),
    409: Note.said("the repo was changed at the same time; try again."),
    412: Note.said("the repo was changed at the same time; try again."),
    429: Note.said("too many requests; wait a minute and try again."),
    507: Note.said("its storage for you is full; free some there, or make the model smaller with dtype float16."),
}


def _why(error: hf.HfHubHTTPError) -> Note:
    status = error.response.status_code if error.response is not None else None
    if not status:
        return Note.said("it answered nothing; try again in a minute.")
    return REASONS.get(status) or Note.said("it answered {status}; try again in a minute.", status=status)
