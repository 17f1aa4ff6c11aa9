"""Saving, loading and pushing: what `VGG` inherits. Strict both ways; see `folder`, `config_json` and `delta`."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor

from .as_usual import as_usual
from .config_json import SHAPE_FIELDS, config_to_json, read_config, read_unlike
from .delta import Base, check_only_head_differs, head_of
from .errors import CheckpointError
from .folder import (
    CARD_FILE,
    CONFIG_FILE,
    FLOATS,
    HEAD_FILE,
    WEIGHTS_FILE,
    read_weights,
    replaced_folder,
    write_weights,
)
from .layouts import to_disk
from .notes import Note
from .sources import Place, find, find_base
from .transfer import Say

if TYPE_CHECKING:
    from .config import VGGConfig
    from .unlike import UnlikeRule

__all__ = ["DTYPES", "HubMixin"]

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def _checked(dtype: str | torch.dtype | None, known: Collection[torch.dtype]) -> torch.dtype | None:
    found = DTYPES.get(dtype, dtype) if isinstance(dtype, str) else dtype
    if found is not None and not (isinstance(found, torch.dtype) and found in known):
        raise CheckpointError("dtype is {dtype!r:.40}; expected one of {names}.", dtype=dtype, names=", ".join(DTYPES))
    return found


def _rounded(place: Place, tensors: Mapping[str, Tensor]) -> bool:
    """Whether what is frozen may have been rounded when it was saved: then it is its base's no more.

    The nets that ship are in float16 themselves, and lose nothing in it.
    """
    if place.base is None or place.shown in (place.base.name, f"{place.base.name}@{place.base.commit[:12]}"):
        return False  # it is the base
    kinds = {tensor.dtype for tensor in tensors.values()}
    return torch.bfloat16 in kinds or (torch.float16 in kinds and bool(place.base.commit))


class HubMixin(PyTorchModelHubMixin, library_name="vgg-hub"):
    """`from_pretrained`, `save_pretrained` and `push_to_hub` over the strict folder format.

    Attributes:
        provenance: what is known of how the weights came to be: the report of the fine-tuning, or, for checkpoints
            that ship, data and scores (see `card`). Kept in `config.json`, shown in the card. None: nothing is known.
        source: where the weights were loaded from (a shipped name, `owner/name@commit`, a folder's name), or None.
        base: the net that others can get and whose weights, but for the head, these are, or None (see `delta`).
        unlike: when a picture is none of the classes, or None: it is always taken for one of them (see `unlike`).
    """

    config: VGGConfig
    provenance: dict[str, object] | None = None
    source: str | None = None
    base: Base | None = None
    unlike: UnlikeRule | None = None

    @classmethod
    @as_usual()
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        dtype: str | torch.dtype | None = torch.float32,
    ) -> Self:
        """Load a trained net, in eval mode, on the CPU.

        What comes from the Hub is compared with the digests that it states. A folder with the head alone is put on
        the net that it names, which is fetched too.

        Args:
            pretrained_model_name_or_path: the name of a checkpoint that ships (`vgg11-bn`), a folder, or a Hub repo
                (`owner/name`); timm's VGG repos (`timm/vgg11_bn.tv_in1k`) are read as they are.
            revision: branch, tag or commit of the repo.
            token: a Hub token, True for the saved one, False for none.
            cache_dir: where the Hub's files are kept.
            local_files_only: use only what was downloaded before.
            force_download: fetch again even if it was.
            dtype: what the weights are converted to, a float type or its name; None keeps what the file holds.

        Raises:
            CheckpointError: the name or the dtype is none of these, or the folder does not hold what it should.
            HubError: the repo is not there, not open to you, or cannot be reached.
        """
        dtype = _checked(dtype, FLOATS)
        options = {
            "token": token,
            "cache_dir": cache_dir,
            "local_files_only": local_files_only,
            "force_download": force_download,
        }
        place = find(os.fspath(pretrained_model_name_or_path), revision=revision, **options)
        config, provenance = read_config(place.folder / CONFIG_FILE, place.shown)
        unlike = read_unlike(place.folder / CONFIG_FILE, place.shown, config)
        model = cls.on_meta(config)
        if place.delta:
            tensors = cls._on_base(place, model.state_dict(), config, options)
        else:
            tensors = read_weights(place.folder / WEIGHTS_FILE, model.state_dict(), config, place.shown)
        base = None if dtype is not None and _rounded(place, tensors) else place.base
        if dtype is not None:
            tensors = {key: t.to(dtype) if t.is_floating_point() else t for key, t in tensors.items()}
        model.load_state_dict(tensors, strict=True, assign=True)
        model.provenance, model.source, model.base, model.unlike = provenance, place.shown, base, unlike
        return model.eval()

    @classmethod
    def on_meta(cls, config: VGGConfig) -> Self:
        """The net with nothing allocated or drawn: the tensors of a file take the place of these."""
        with torch.device("meta"):
            return cls(config, init_weights=False)

    @classmethod
    def _base_tensors(
        cls, base: Base, shown: str, options: Mapping[str, object]
    ) -> tuple[VGGConfig, dict[str, Tensor]]:
        place = find_base(base, shown, **options)
        config, _ = read_config(place.folder / CONFIG_FILE, place.shown)
        expected = cls.on_meta(config).state_dict()
        return config, read_weights(place.folder / WEIGHTS_FILE, expected, config, place.shown)

    @classmethod
    def _on_base(
        cls, place: Place, expected: Mapping[str, Tensor], config: VGGConfig, options: Mapping[str, object]
    ) -> dict[str, Tensor]:
        """The tensors of a folder with the head alone, all in the dtype of the head."""
        head = read_weights(place.folder / HEAD_FILE, head_of(expected), config, place.shown)
        base_config, rest = cls._base_tensors(place.base, place.shown, options)
        other = [name for name in SHAPE_FIELDS if getattr(config, name) != getattr(base_config, name)]
        if other:
            raise CheckpointError(
                "{place} holds a head alone, of a net with {field} {value!r:.60}; {base} has {other!r:.60}: ask for the "
                "whole model.",
                place=place.shown,
                field=other[0],
                value=getattr(config, other[0]),
                base=place.base.name,
                other=getattr(base_config, other[0]),
            )
        dtype = next(iter(head.values())).dtype
        return {key: t.to(dtype) if t.is_floating_point() else t for key, t in rest.items()} | head

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        dtype: str | torch.dtype | None = None,
        card: str | None = None,
        delta: bool = False,
        token: str | bool | None = None,
    ) -> None:
        """Write `config.json`, `model.safetensors` and `README.md`, all or nothing.

        Args:
            save_directory: the folder; one that is there is replaced, other files in it are kept.
            dtype: "float16" or "bfloat16", or torch's own, halve the size of the weights; None keeps the model's own.
            card: the text of README.md; None writes one from what is known.
            delta: write the head alone (`head.safetensors`, some kilobytes) and what it stands on, where only the head
                differs from `base`; `from_pretrained` puts them together again, bit for bit. Only this package
                opens such a folder.
            token: for the Hub, where `delta` has to fetch the base to compare with it.

        Raises:
            ConfigError: layers or tensors are not those of the configuration, so that nobody could open the folder.
            CheckpointError: it cannot be written (the folder is then as it was), or, with `delta`, more than the
                head differs, or the base is not one that others can get.
        """
        kind = _checked(dtype, DTYPES.values())
        self.check_as_built()
        tensors = self._head_alone(token) if delta else self.state_dict()
        with replaced_folder(Path(save_directory)) as folder:
            text = config_to_json(self.config, self.provenance, self.base, delta, self.unlike)
            (folder / CONFIG_FILE).write_text(text, encoding="utf-8")
            weights = folder / (HEAD_FILE if delta else WEIGHTS_FILE)
            write_weights(weights, to_disk(tensors, self.config), kind)
            card = self.card(delta=delta) if card is None else card
            (folder / CARD_FILE).write_text(card, encoding="utf-8")

    def _head_alone(self, token: str | bool | None) -> dict[str, Tensor]:
        if self.base is None:
            raise CheckpointError(
                "This model does not stand on a net that others can get, so its head alone is of no use to them; "
                "save the whole model, or start from a checkpoint that ships or from a Hub repo."
            )
        tensors = self.state_dict()
        _, of_base = self._base_tensors(self.base, Note.said("What is to be saved"), {"token": token})
        check_only_head_differs(tensors, of_base, self.base)
        return head_of(tensors)

    def card(self, where: str = "FOLDER", *, receipt: Mapping[str, object] | None = None, delta: bool = False) -> str:
        """The text of README.md; see `card.render_card`."""
        from .card import render_card  # here, as in `push_to_hub`: templates and YAML, which answering needs not

        stands_on = self.base.to_json() if delta and self.base else None
        return render_card(self.config, self.provenance, where, receipt=receipt, delta=stands_on)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | bool | None = None,
        commit_message: str = "Upload with vgg-hub",
        dtype: str | torch.dtype | None = None,
        delta: bool = False,
        replace_card: bool = False,
        card: str = "",
        check: bool = True,
        say: Say | None = None,
    ) -> str:
        """Save and upload in one commit, making the repo if it is not there. Repeating it changes nothing.

        Args:
            repo_id: `owner/name`.
            private: make the repo private, or public; one that is there and is not so is refused. None: as it is, or as the
                owner's settings say.
            token: a Hub token; None or True for the saved one.
            commit_message: of the commit.
            dtype, delta: see `save_pretrained`.
            replace_card: write a new card over one that somebody edited; otherwise only the generated part is renewed.
            card: the README.md of the folder that the model is from: where the repo has none, or it is to be replaced, what
                people wrote there before and after the generated part is pushed too.
            check: before anything is sent, open what was saved in a fresh process through each loader that is
                installed and compare the answers (see `parity`); what was compared stands in the card.
            say: gets a sentence a step, and one before each wait for the Hub; None: the log `vgg_hub`.

        Returns:
            The commit's URL.

        Raises:
            CheckpointError: the model cannot be saved, or a loader answers differently (`ParityError`).
            HubError: the Hub said no or could not be reached; the message names the repo.
        """
        from .push import push

        return push(
            self,
            repo_id,
            private=private,
            token=token,
            commit_message=commit_message,
            dtype=dtype,
            delta=delta,
            replace_card=replace_card,
            card=card,
            check=check,
            say=say,
        )
