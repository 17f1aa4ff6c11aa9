"""Where a model comes from: a checkpoint that ships, a folder here, or a Hub repo; and the net that a head stands on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ._version import __version__
from .bundled import bundled_folder, bundled_names
from .config_json import read_base, read_config
from .delta import Base
from .errors import CheckpointError, HubError
from .folder import CONFIG_FILE, HEAD_FILE, WEIGHTS_FILE
from .hub_errors import hub_errors
from .transfer import REPO_ID, blob_of, fetch, sha256_of

__all__ = ["Place", "find", "find_base", "local_folder"]


@dataclass(frozen=True)
class Place:
    """A model's folder, not yet opened.

    Attributes:
        folder: with `config.json` and the weights.
        shown: what to call it: a shipped name, `owner/name@commit`, or the folder's name.
        base: what a head that is trained on it stands on; None: nothing that others can get.
        delta: it holds the head alone, and `base` is needed to open it.
    """

    folder: Path
    shown: str
    base: Base | None
    delta: bool = False


def find(name: str, *, revision: str | None = None, **options: object) -> Place:
    """Find a model by name; a Hub repo is fetched.

    Args:
        name: as `VGG.from_pretrained` takes it.
        revision: of a Hub repo.
        options: `token`, `cache_dir`, `local_files_only`, `force_download`.

    Raises:
        CheckpointError, HubError: see `VGG.from_pretrained`.
    """
    folder, shown = local_folder(name)
    if folder is None:
        return _fetched(name, revision, options)
    if revision is not None:
        raise CheckpointError(f"{name!r:.120} is on this machine and has no revisions; leave revision out.")
    if bundled_folder(name) is not None:
        return Place(folder, shown, _shipped_base(name, folder))
    if not (folder / CONFIG_FILE).is_file():
        return Place(folder, shown, None)  # reading it says what is missing
    return Place(folder, shown, *read_base(folder / CONFIG_FILE, shown))


def find_base(base: Base, shown: str, **options: object) -> Place:
    """The net that the head in `shown` stands on, exactly as it was.

    Raises:
        CheckpointError: it is not what it was.
        HubError: it is not to be had.
    """
    if not base.commit:
        folder = bundled_folder(base.name)
        found = _shipped_base(base.name, folder) if folder else None
        if found is None or found.sha256 != base.sha256:
            raise CheckpointError(
                f"{shown} holds a head alone, trained on {base.name} as vgg-hub {base.version} ships it; "
                f"{'other weights of that name ship' if found else 'it does not ship'} with this version, {__version__}: "
                f"install vgg-hub {base.version}, or ask for the whole model."
            )
        return Place(folder, base.name, base)
    try:
        place = _fetched(base.name, base.commit, options)
    except HubError as error:
        raise HubError(
            f"{shown} holds a head alone and stands on {base.name}, which is not to be had: {error}"
        ) from error
    if place.delta or place.base.sha256 != base.sha256:
        found = "a head alone" if place.delta else f"weights with sha256 {place.base.sha256}"
        raise CheckpointError(
            f"{shown} holds a head alone, and what it stands on has changed: {place.shown} holds {found}, "
            f"expected sha256 {base.sha256}; ask for the whole model."
        )
    return place


def local_folder(name: str) -> tuple[Path | None, str]:
    """The folder that a name means, and how to call it; (None, "") where it can only be a Hub repo.

    Raises:
        CheckpointError: the name can be none of these, or two of them.
    """
    path = Path(os.path.expanduser(name))
    shipped = bundled_folder(name)
    if shipped is not None:
        if os.path.isdir(path) and not path.samefile(shipped):
            raise CheckpointError(
                f"{name} is a checkpoint that ships and also a folder here; write ./{name} for the folder, "
                "or rename the folder to use the checkpoint."
            )
        return shipped, name
    if name and os.path.isdir(path):
        return path, path.resolve().name
    if os.path.isfile(path):
        raise CheckpointError(f"{path.name} is a file; give the folder that holds config.json and model.safetensors.")
    if not REPO_ID.fullmatch(name):
        raise CheckpointError(
            f"{name!r:.120} is not a folder here, nor a checkpoint that ships ({', '.join(bundled_names()) or 'none'}); "
            "a Hub repo is written owner/name."
        )
    return None, ""


def _shipped_base(name: str, folder: Path) -> Base | None:
    weights = folder / WEIGHTS_FILE
    return Base(name, sha256_of(weights), version=__version__) if weights.is_file() else None


def _fetched(repo: str, revision: str | None, options: dict[str, object]) -> Place:
    with hub_errors(repo, revision):
        config = fetch(repo, CONFIG_FILE, revision=revision, **options)
        # The cache keeps a folder a commit: take the weights of the same commit, whatever happens meanwhile.
        commit = config.parent.name
        read_config(config, repo)  # refuses what is not a VGG before its weights are fetched
        base, delta = read_base(config, repo)
        weights = fetch(repo, HEAD_FILE if delta else WEIGHTS_FILE, revision=commit, **options)
        if not delta:
            digest = blob_of(weights) or ""
            base = Base(repo, digest if len(digest) == 64 else sha256_of(weights), commit)
    return Place(config.parent, f"{repo}@{commit[:12]}", base, delta)
