"""To and from the Hub: bounded tries through its bad minutes, and files that are what it says they are.

The client compares sizes only, gives up at the first 503 of a file and at a TCP reset, and tries `create_repo` and
commits once (huggingface_hub 2.4).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub import errors as hf

from .errors import HubError
from .notes import Note

__all__ = ["LOG", "REPO_ID", "Say", "blob_of", "fetch", "is_illegal_header", "persistently", "sha256_of"]

LOG = logging.getLogger("vgg_hub")
Say = Callable[[str], None]
Result = TypeVar("Result")

REPO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
WAITS = (1, 2, 4, 8, 8)  # seconds between the tries
PASSING = {408, 425, 500, 502, 503, 504}  # after a 429 the client has already waited for as long as it was told to


def persistently(action: Callable[[], Result], what: str, say: Say | None = None) -> Result:
    """Do something that may be repeated, again after a failure that may pass; at most six times, 23 seconds of waiting.

    Args:
        action: what to do; a repetition must be harmless.
        what: the repo or file, for the sentence.
        say: gets a sentence before each wait; None writes it to the log `vgg_hub`.
    """
    say = say or LOG.warning
    for wait in WAITS:
        try:
            return action()
        except (OSError, RuntimeError, hf.HTTPError) as error:
            reason = _passing(error)
            if reason is None:
                raise
        say(Note.said("{reason} ({what}); trying again in {wait} s.", reason=reason, what=what, wait=wait))
        time.sleep(wait)
    return action()


def _passing(error: BaseException | None) -> Note | None:
    """What happened, if it may be over in a moment."""
    if isinstance(error, RuntimeError):  # how the client reports the failed upload of a large file
        return _passing(error.__cause__)
    if isinstance(error, hf.LocalEntryNotFoundError):  # the client has tried for long enough
        return None
    if isinstance(error, hf.HfHubHTTPError):
        status = error.response.status_code if error.response is not None else 0
        return Note.said("The Hub answered {status}", status=status) if status in PASSING else None
    if isinstance(error, hf.HTTPError) and not is_illegal_header(error):
        return Note.said("The connection to the Hub failed, {kind}", kind=type(error).__name__)
    if isinstance(error, OSError) and "consistency check failed" in str(error).lower():
        return Note.said("The Hub sent a file of the wrong size")
    return None


def is_illegal_header(error: BaseException) -> bool:
    """Whether nothing was sent because of a header, of which only the token comes from people. The error holds it."""
    return isinstance(error, hf.HTTPError) and "Illegal header value" in str(error)


def fetch(repo: str, filename: str, *, revision: str | None, say: Say | None = None, **options: object) -> Path:
    """Download a file into the Hub's cache, or find it there, and compare its digest with what the Hub says.

    A file that differs is removed and fetched once more.

    Args:
        repo: `owner/name`.
        filename: path in the repo.
        revision: branch, tag or commit; None: main.
        say: see `persistently`.
        options: `token`, `cache_dir`, `local_files_only` and `force_download` of `hf_hub_download`.

    Raises:
        HubError: it differs still; nothing of it is left in the cache.
    """

    def attempt() -> tuple[Path, Note | None]:
        path = persistently(
            lambda: Path(hf_hub_download(repo, filename, revision=revision, **options)),
            Note.said("{file} of {repo}", file=filename, repo=repo),
            say,
        )
        difference = _difference(path, repo, filename, revision, options)
        if difference:
            _remove(path)
        return path, difference

    path, difference = attempt()
    if difference and not options.get("local_files_only"):
        (say or LOG.warning)(Note.said("{difference}; fetching it again.", difference=difference))
        with contextlib.suppress(hf.LocalEntryNotFoundError):  # the Hub cannot be reached: the damage is the news
            path, difference = attempt()
    if difference:
        raise HubError(
            "{difference}; it was removed from the cache: fetch it again, and if it stays so, tell its owner.",
            difference=difference,
        )
    return path


def _difference(path: Path, repo: str, filename: str, revision: str | None, options: dict[str, object]) -> Note | None:
    expected = blob_of(path) or _asked(repo, filename, revision, options)
    digests = {64: ("sha256", sha256_of), 40: ("git sha1", _git_sha1_of)}
    if expected is None:  # no link, and nobody to ask
        return None
    name, digest = digests[len(expected)]
    found = digest(path)
    if found == expected:
        return None
    return Note.said(
        "{file} of {repo} is damaged: its {digest} is {found}, the Hub says {expected}",
        file=filename,
        repo=repo,
        digest=name,
        found=found,
        expected=expected,
    )


def blob_of(path: Path) -> str | None:
    """What the Hub calls the content of a file in its cache: sha256 of a large file, git's sha1 of a small one.

    The cache names its blobs so and links to them; on systems without links there is no telling.
    """
    return _digest(Path(os.readlink(path)).name) if path.is_symlink() else None


def _digest(name: object) -> str | None:
    good = isinstance(name, str) and len(name) in (40, 64) and set(name) <= set("0123456789abcdef")
    return name if good else None


def _asked(repo: str, filename: str, revision: str | None, options: dict[str, object]) -> str | None:
    """The digest from the Hub's listing of the repo, None if it cannot be reached."""
    if options.get("local_files_only"):
        return None
    try:
        listed = HfApi(token=options.get("token")).get_paths_info(repo, [filename], revision=revision)
    except (OSError, hf.HTTPError) as error:
        LOG.info("%s of %s was not compared with the Hub's digest (%s).", filename, repo, type(error).__name__)
        return None
    return next((_digest(entry.lfs.sha256 if entry.lfs else entry.blob_id) for entry in listed), None)


def _remove(path: Path) -> None:
    """The file and what it links to, link by link: a blob that Xet wrote is a link itself."""
    while path.is_symlink():
        target = path.parent / os.readlink(path)
        path.unlink()
        path = target
    path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git_sha1_of(path: Path) -> str:
    """What git calls a file of this content (a checksum here, not a protection)."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    digest.update(path.read_bytes())
    return digest.hexdigest()
