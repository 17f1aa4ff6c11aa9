"""Where a model comes from: a checkpoint that ships, a folder here, or a Hub repo; and the net that a head stands on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ._version import __version__
from .bundled import bundled_folder, shipped_names
from .config_json import read_base, read_config
from .delta import Base
from .errors import CheckpointError, HubError
from .folder import CONFIG_FILE, HEAD_FILE, WEIGHTS_FILE
from .hub_errors import hub_errors
from .notes import Note
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
        raise CheckpointError("{name!r:.120} is on this machine and has no revisions; leave revision out.", name=name)
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
            if found:
                raise CheckpointError(
                    "{place} holds a head alone, trained on {base} as vgg-hub {version} ships it; other weights of that name "
                    "ship with this version, {here}: install vgg-hub {version}, or ask for the whole model.",
                    place=shown,
                    base=base.name,
                    version=base.version,
                    here=__version__,
                )
            raise CheckpointError(
                "{place} holds a head alone, trained on {base} as vgg-hub {version} ships it; it does not ship with this "
                "version, {here}: install vgg-hub {version}, or ask for the whole model.",
                place=shown,
                base=base.name,
                version=base.version,
                here=__version__,
            )
        return Place(folder, base.name, base)
    try:
        place = _fetched(base.name, base.commit, options)
    except HubError as error:
        raise HubError(
            "{place} holds a head alone and stands on {base}, which is not to be had: {problem}",
            place=shown,
            base=base.name,
            problem=error.note,
        ) from error
    if place.delta or place.base.sha256 != base.sha256:
        found = (
            Note.said("a head alone")
            if place.delta
            else Note.said("weights with sha256 {sha256}", sha256=place.base.sha256)
        )
        raise CheckpointError(
            "{place} holds a head alone, and what it stands on has changed: {other} holds {found}, expected sha256 "
            "{sha256}; ask for the whole model.",
            place=shown,
            other=place.shown,
            found=found,
            sha256=base.sha256,
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
                "{name} is a checkpoint that ships and also a folder here; write ./{name} for the folder, or rename the "
                "folder to use the checkpoint.",
                name=name,
            )
        return shipped, name
    if name and os.path.isdir(path):
        return path, path.resolve().name or str(path)
    if os.path.isfile(path):
        raise CheckpointError(
            "{file} is a file; give the folder that holds config.json and model.safetensors.", file=path.name
        )
    if not REPO_ID.fullmatch(name):
        raise CheckpointError(
            "{name!r:.120} is not a folder here, nor a checkpoint that ships ({shipped}); a Hub repo is written "
            "owner/name.",
            name=name,
            shipped=shipped_names(),
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
