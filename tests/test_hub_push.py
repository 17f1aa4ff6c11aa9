"""Pushing to the Hub."""

from __future__ import annotations

import json
import os

import pytest
import torch
from huggingface_hub import ModelCard

from tests.hub_helpers import check_secrets, same
from tests.toys import tiny_vgg
from vgg_hub import VGG
from vgg_hub.errors import CheckpointError, VGGHubError


@torch.no_grad()
def test_push_and_load_again(hub, tmp_path):
    model = tiny_vgg().replace_head(["cat", "dog"])
    model.provenance = {"counts": {"cat": 3, "dog": 4}, "seed": 1}
    url = model.push_to_hub("tester/pushed", token=hub.writer, private=True, commit_message="First")
    repo = hub.repos["tester/pushed"]
    assert url.endswith(repo.head.oid)
    assert (repo.private, repo.head.message) == (True, "First")
    files = repo.files()
    assert set(files) == {".gitattributes", "config.json", "model.safetensors", "README.md"}
    model.save_pretrained(tmp_path / "m")
    for name in ("config.json", "model.safetensors"):
        assert files[name] == (tmp_path / "m" / name).read_bytes()
    card = files["README.md"].decode()
    assert 'VGG.from_pretrained("tester/pushed")' in card
    assert ModelCard(card).data.library_name == "vgg-hub"
    again = VGG.from_pretrained("tester/pushed", token=hub.reader)
    assert same(model, again)
    assert again.provenance == model.provenance


@torch.no_grad()
def test_push_twice_and_smaller(hub):
    model = tiny_vgg()
    hub.login(hub.writer)
    model.push_to_hub("tester/pushed", dtype="bfloat16")
    hub.commit("tester/pushed", {"notes.txt": "mine"})
    model.head.weight.data.mul_(2)
    model.push_to_hub("tester/pushed")
    files = hub.repos["tester/pushed"].files()
    assert files["notes.txt"] == b"mine"
    assert same(model, VGG.from_pretrained("tester/pushed"))
    assert json.loads(files["config.json"])["num_classes"] == 2


def push_refused(hub, message: str, repo: str = "tester/pushed", **options: object) -> None:
    """Without the check of what was saved, which takes seconds and is not asked about here."""
    model = tiny_vgg()
    with pytest.raises(VGGHubError, match=message) as caught:
        model.push_to_hub(repo, check=False, **options)
    check_secrets(hub, caught.value)
    assert repo not in hub.repos or set(hub.repos[repo].files()) <= {".gitattributes"}


def test_pushes_that_are_refused(hub):
    may_not = r"^The Hub refused .*: you have no right to do that; use a token that may write to it\.$"
    push_refused(hub, r"^The Hub refused tester/pushed: the token is not valid; sign in again", token=False)
    push_refused(hub, may_not, token=hub.reader)
    push_refused(hub, may_not, repo="someone/else", token=hub.writer)
    for name in ("pushed", "a/b/c", "", "tester/<x>", "../x"):
        push_refused(hub, r"is not the name of a Hub repo; write it owner/name\.$", repo=name, token=hub.writer)
    push_refused(hub, r"^'a\.\.b/c' is not the name of a Hub repo", repo="a..b/c", token=hub.writer)
    push_refused(hub, r"^dtype is 'int8'; expected one of float32", dtype="int8", token=hub.writer)
    with hub.offline():
        push_refused(
            hub,
            r"^The Hub cannot be reached for tester/pushed \(\w+\); check the connection and try again\.$",
            token=hub.writer,
        )
    hub.yaml_errors.append("bad licence")
    push_refused(hub, r"^The Hub refused the card of tester/pushed: its metadata is not valid\.$", token=hub.writer)
    assert os.listdir(hub.folder) == []


def test_a_push_of_a_model_that_cannot_be_written_makes_no_repo(hub):
    model = tiny_vgg()
    model.features[1].running_var[0] = 1e9
    with pytest.raises(CheckpointError, match=r"too large for float16"):
        model.push_to_hub("tester/pushed", token=hub.writer, dtype="float16")
    assert hub.repos == {}
