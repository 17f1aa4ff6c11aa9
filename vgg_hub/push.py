"""From a model to a Hub repo: save, check, card, one commit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub import errors as hf

from .card_merge import FOLDER, has_marks, merge_card
from .errors import HubError
from .folder import CARD_FILE, HEAD_FILE, WEIGHTS_FILE
from .hub_errors import hub_errors
from .notes import Note
from .parity import check_folder
from .transfer import LOG, REPO_ID, Say, persistently

if TYPE_CHECKING:
    import torch

    from .model import VGG

__all__ = ["push"]

FOLDERS_CARD = Note.said(
    "The repo has a README.md already, and what people wrote there stays; to have what was written in that of the folder "
    "instead, push with replace_card=True, or --replace-card on the command line."
)


def push(
    model: VGG,
    repo_id: str,
    *,
    private: bool | None,
    token: str | bool | None,
    commit_message: str,
    dtype: str | torch.dtype | None,
    delta: bool,
    replace_card: bool,
    card: str,
    check: bool,
    say: Say | None,
) -> str:
    """See `VGG.push_to_hub`."""
    if not REPO_ID.fullmatch(repo_id):
        raise HubError("{repo!r:.120} is not the name of a Hub repo; write it owner/name.", repo=repo_id)
    tell = say or LOG.info
    with tempfile.TemporaryDirectory(prefix="vgg-hub-") as scratch, hub_errors(repo_id, None):
        folder = Path(scratch) / "model"
        tell(Note.said("Saving the model."))
        model.save_pretrained(folder, dtype=dtype, delta=delta, token=token, card="")  # the card comes last
        receipt = None
        if check:
            tell(Note.said("Opening it in a fresh process through each loader, and comparing the answers."))
            receipt = check_folder(folder, model).to_dict()
        api = HfApi(token=token)
        tell(Note.said("Making {repo}, if it is not there.", repo=repo_id))
        persistently(lambda: api.create_repo(repo_id, private=private, exist_ok=True), repo_id, say)
        if private is not None:
            _check_visibility(api, repo_id, private, say)
        generated = model.card(repo_id, receipt=receipt, delta=delta)
        there = "" if replace_card else _card_there(api, repo_id, Path(scratch) / "there", say)
        card, sentences = _merged(there, card, generated)
        for sentence in sentences:
            tell(sentence)
        (folder / CARD_FILE).write_bytes(card.encode("utf-8", "surrogateescape"))
        tell(Note.said("Uploading to {repo}.", repo=repo_id))
        return persistently(
            lambda: api.upload_folder(
                repo_id=repo_id,
                folder_path=folder,
                commit_message=commit_message,
                delete_patterns=WEIGHTS_FILE if delta else HEAD_FILE,  # of an earlier push of the other kind
            ),
            repo_id,
            say,
        ).commit_url


def _merged(there: str, own: str, generated: str) -> tuple[str, list[Note]]:
    """The card to push, made of the repo's, or else of the folder's that the model comes from, and what to say of it."""
    kept, sentence = merge_card(own, generated, FOLDER) if has_marks(own) else (generated, None)
    card, sentence = merge_card(there, generated) if there else (kept, sentence)
    left = None if kept in (generated, card) else FOLDERS_CARD
    return card, [said for said in (sentence, left) if said]


def _check_visibility(api: HfApi, repo_id: str, private: bool, say: Say | None) -> None:
    """A repo that was there keeps its visibility, whatever `create_repo` is told."""
    found = persistently(lambda: api.model_info(repo_id), repo_id, say).private
    if found is not private:
        closed, open_ = Note.said("private"), Note.said("public")
        is_now, wanted = (closed, open_) if found else (open_, closed)
        raise HubError(
            "{repo} is there already and {now}, but {wanted} was asked for; make it {wanted} on its settings page at "
            "the Hub, or choose another name.",
            repo=repo_id,
            now=is_now,
            wanted=wanted,
        )


def _card_there(api: HfApi, repo_id: str, scratch: Path, say: Say | None) -> str:
    """The card that the repo has, "" if none; kept out of the cache."""
    try:
        path = persistently(
            lambda: hf_hub_download(repo_id, CARD_FILE, token=api.token, cache_dir=scratch),
            Note.said("{file} of {repo}", file=CARD_FILE, repo=repo_id),
            say,
        )
    except hf.RemoteEntryNotFoundError:
        return ""
    return Path(path).read_bytes().decode("utf-8", "surrogateescape")
