"""Saving, loading and pushing: what `VGG` inherits. Strict both ways; see `folder` and `config_json` for the format."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from huggingface_hub import HfApi, PyTorchModelHubMixin, hf_hub_download

from .bundled import bundled_folder, bundled_names
from .card import render_card
from .config_json import config_to_json, read_config
from .errors import CheckpointError, HubError
from .folder import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, read_weights, replaced_folder, write_weights
from .hub_errors import hub_errors
from .layouts import to_disk

if TYPE_CHECKING:
    from .config import VGGConfig

__all__ = ["DTYPES", "HubMixin"]

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
REPO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


class HubMixin(PyTorchModelHubMixin, library_name="vgg-hub"):
    """`from_pretrained`, `save_pretrained` and `push_to_hub` over the strict folder format.

    Attributes:
        provenance: what is known of how the weights came to be: the report of the fine-tuning, or, for checkpoints
            that ship, data and scores (see `card`). Kept in `config.json`, shown in the card. None: nothing is known.
        source: where the weights were loaded from (a shipped name, `owner/name@commit`, a folder's name), or None.
    """

    config: VGGConfig
    provenance: dict[str, object] | None = None
    source: str | None = None

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        dtype: torch.dtype | None = torch.float32,
    ) -> Self:
        """Load a trained net, in eval mode, on the CPU.

        Args:
            pretrained_model_name_or_path: the name of a checkpoint that ships (`vgg11-bn`), a folder, or a Hub repo
                (`owner/name`); timm's VGG repos (`timm/vgg11_bn.tv_in1k`) are read as they are.
            revision: branch, tag or commit of the repo.
            token: a Hub token, True for the saved one, False for none.
            cache_dir: where the Hub's files are kept.
            local_files_only: use only what was downloaded before.
            force_download: fetch again even if it was.
            dtype: what the weights are converted to; None keeps what the file holds.

        Raises:
            CheckpointError: the name is none of these, or the folder does not hold what it should.
            HubError: the repo is not there, not open to you, or cannot be reached.
        """
        name = os.fspath(pretrained_model_name_or_path)
        folder, source = _local_folder(name)
        if folder is not None and revision is not None:
            raise CheckpointError(f"{name!r:.120} is on this machine and has no revisions; leave revision out.")
        if folder is None:
            folder, source = _download(
                name,
                revision=revision,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                force_download=force_download,
            )
        return cls._from_folder(folder, source, dtype)

    @classmethod
    def _from_folder(cls, folder: Path, source: str, dtype: torch.dtype | None) -> Self:
        config, provenance = read_config(folder / CONFIG_FILE, source)
        with torch.device("meta"):  # nothing is allocated or drawn: the file's tensors take the place of these
            model = cls(config, init_weights=False)
        tensors = read_weights(folder / WEIGHTS_FILE, model.state_dict(), config, source)
        if dtype is not None:
            tensors = {key: t.to(dtype) if t.is_floating_point() else t for key, t in tensors.items()}
        model.load_state_dict(tensors, strict=True, assign=True)
        model.provenance = provenance
        model.source = source
        return model.eval()

    def save_pretrained(
        self, save_directory: str | os.PathLike[str], *, dtype: str | None = None, card: str | None = None
    ) -> None:
        """Write `config.json`, `model.safetensors` and `README.md`, all or nothing.

        Args:
            save_directory: the folder; one that is there is replaced, other files in it are kept.
            dtype: "float16" or "bfloat16" halve the size of the weights; None keeps the model's own.
            card: the text of README.md; None writes one from what is known.

        Raises:
            CheckpointError: it cannot be written; the folder is then as it was.
        """
        if dtype is not None and dtype not in DTYPES:
            raise CheckpointError(f"dtype is {dtype!r:.40}; expected one of {', '.join(DTYPES)}.")
        with replaced_folder(Path(save_directory)) as folder:
            text = config_to_json(self.config, self.provenance)
            (folder / CONFIG_FILE).write_text(text, encoding="utf-8")
            write_weights(folder / WEIGHTS_FILE, to_disk(self.state_dict(), self.config), DTYPES.get(dtype))
            card = render_card(self.config, self.provenance) if card is None else card
            (folder / CARD_FILE).write_text(card, encoding="utf-8")

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | None = None,
        commit_message: str = "Upload with vgg-hub",
        dtype: str | None = None,
    ) -> str:
        """Save and upload in one commit, making the repo if it is not there.

        Returns:
            The commit's URL.

        Raises:
            HubError: the Hub said no or could not be reached; the message names the repo.
        """
        if not REPO_ID.fullmatch(repo_id):
            raise HubError(f"{repo_id!r:.120} is not the name of a Hub repo; write it owner/name.")
        with tempfile.TemporaryDirectory() as scratch, hub_errors(repo_id, None):
            folder = Path(scratch) / "model"
            self.save_pretrained(folder, dtype=dtype, card=render_card(self.config, self.provenance, repo_id))
            api = HfApi(token=token)
            api.create_repo(repo_id, private=private, exist_ok=True)
            return api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=commit_message).commit_url


def _local_folder(name: str) -> tuple[Path | None, str]:
    """The folder that a name means, and how to call it; (None, "") where it can only be a Hub repo."""
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


def _download(name: str, *, revision: str | None, **options: object) -> tuple[Path, str]:
    with hub_errors(name, revision):
        config = hf_hub_download(name, CONFIG_FILE, revision=revision, **options)
        # The cache keeps a folder a commit: take the weights of the same commit, whatever happens meanwhile.
        commit = Path(config).parent.name
        read_config(Path(config), name)  # refuses what is not a VGG before its weights are fetched
        hf_hub_download(name, WEIGHTS_FILE, revision=commit, **options)
    return Path(config).parent, f"{name}@{commit[:12]}"
