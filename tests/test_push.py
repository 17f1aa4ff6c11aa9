"""Pushes through a bad Hub: what is retried, what a person is told, what the repo holds then."""

from __future__ import annotations

import shutil

import pytest
import torch
from huggingface_hub import ModelCard

from tests.hub_helpers import check_secrets, same
from tests.hubserver import LostReply, Reset, Status
from tests.toys import saved, tiny_vgg
from vgg_hub import VGG
from vgg_hub.errors import HubError
from vgg_hub.push import FOLDERS_CARD

PUSH_FAULTS = [
    (Status(503), "/api/repos/create", "POST"),
    (Status(503), "/api/models/*/commit/*", "POST"),
    (LostReply(), "/api/models/*/commit/*", "POST"),
    (LostReply(), "/api/repos/create", "POST"),
    (Status(503), "/lfs-upload/*", "PUT"),
    (Reset(after=1000), "/lfs-upload/*", "PUT"),
    (LostReply(), "/lfs-upload/*", "PUT"),
    (Status(502), "*/info/lfs/objects/batch", "POST"),
    (Status(503), "/api/models/*/preupload/*", "POST"),
    (Status(500), "/api/validate-yaml", "POST"),
    (Reset(), "/api/models/*/commit/*", "POST"),
    (Status(503), "*/README.md", "HEAD"),
]


@pytest.mark.parametrize(("fault", "path", "method"), PUSH_FAULTS, ids=repr)
@torch.no_grad()
def test_a_push_survives(hub, fault, path, method):
    model = tiny_vgg()
    rule = hub.fault(fault, path, method=method, count=2)
    said: list[str] = []
    url = model.push_to_hub("tester/pushed", token=hub.writer, check=False, say=said.append)
    assert rule.hits >= 1
    repo = hub.repos["tester/pushed"]
    assert url.endswith(repo.head.oid)
    assert set(repo.files()) == {".gitattributes", "README.md", "config.json", "model.safetensors"}
    assert same(model, VGG.from_pretrained("tester/pushed"))
    assert all(hub.writer not in sentence for sentence in said)


@pytest.mark.parametrize("path", ["*/info/lfs/objects/batch", "/api/models/*/commit/*"])
def test_no_storage_left(hub, path):
    hub.fault(Status(507), path, count=None)
    with pytest.raises(
        HubError,
        match=r"^The Hub refused tester/pushed: its storage for you is full; free some there, or make the model smaller "
        r"with dtype float16\.$",
    ):
        tiny_vgg().push_to_hub("tester/pushed", token=hub.writer, check=False)
    assert set(hub.repos["tester/pushed"].files()) == {".gitattributes"}


@pytest.mark.parametrize("status", [409, 412])
def test_somebody_pushes_meanwhile(hub, status):
    hub.fault(Status(status), "/api/models/*/commit/*", count=None)
    with pytest.raises(
        HubError, match=r"^The Hub refused tester/pushed: the repo was changed at the same time; try again\.$"
    ):
        tiny_vgg().push_to_hub("tester/pushed", token=hub.writer, check=False)


@pytest.mark.parametrize("private", [True, False])
def test_a_repo_keeps_its_visibility(hub, private):
    """What was to be private must not land in the open, nor the other way round."""
    hub.add_repo("tester/pushed", {"notes.txt": "mine"}, private=not private)
    there, wanted = ("public", "private") if private else ("private", "public")
    with pytest.raises(
        HubError, match=rf"^tester/pushed is there already and {there}, but {wanted} was asked for; make it {wanted} on"
    ):
        tiny_vgg().push_to_hub("tester/pushed", token=hub.writer, private=private, check=False)
    assert set(hub.repos["tester/pushed"].files()) == {"notes.txt"}
    for asked in (None, not private):
        tiny_vgg().push_to_hub("tester/pushed", token=hub.writer, private=asked, check=False)
    assert "model.safetensors" in hub.repos["tester/pushed"].files()


def test_the_base_of_a_head_is_read_with_the_token_of_the_push(hub, tmp_path):
    """On a public page the token of the machine is somebody else's."""
    saved(tmp_path / "base")
    hub.add_repo("tester/base", {p.name: p for p in (tmp_path / "base").iterdir()}, private=True)
    model = VGG.from_pretrained("tester/base", token=hub.reader).replace_head(["cat", "dog"])
    shutil.rmtree(hub.cache)
    hub.clear_log()
    model.push_to_hub("tester/pushed", token=hub.writer, delta=True, check=False)
    assert {entry.token for entry in hub.requests(path="*tester/base*")} == {"writer"}


def test_a_card_that_somebody_edited_is_kept(hub):
    model = tiny_vgg()
    model.push_to_hub("tester/pushed", token=hub.writer, check=False)
    repo = hub.repos["tester/pushed"]
    hub.commit("tester/pushed", {"README.md": repo.files()["README.md"].decode() + "\n## Mine\n\nMy cat.\n"})
    model.provenance = {"counts": {"cat": 3, "dog": 4}, "seed": 1}
    model.push_to_hub("tester/pushed", token=hub.writer, check=False)
    card = repo.files()["README.md"].decode()
    assert card.endswith("\n## Mine\n\nMy cat.\n")
    assert "| cat | 3 |" in card
    model.push_to_hub("tester/pushed", token=hub.writer, check=False, replace_card=True)
    assert "My cat" not in repo.files()["README.md"].decode()


def test_what_was_written_into_the_folders_card_is_pushed(hub):
    """Where the repo has none; one that it has stays, and what is left behind is said."""
    model, said = tiny_vgg(label_names=("cat", "dog")), []
    model.provenance = {"counts": {"cat": 3, "dog": 4}, "seed": 0}
    own = model.card("pets").replace("---\n", "---\nlicense: mit\n", 1) + "\n## Mine\n\nMy cat.\n"
    push = {"token": hub.writer, "check": False, "say": lambda sentence: said.append(str(sentence))}
    for _ in range(2):
        model.push_to_hub("tester/m", card=own, **push)
    there = hub.repos["tester/m"].files()["README.md"].decode()
    assert there.endswith("\n## Mine\n\nMy cat.\n")
    assert ModelCard(there).data.license == "mit"
    assert 'from_pretrained("tester/m")' in there
    assert FOLDERS_CARD not in said
    model.push_to_hub("tester/m", card=own.replace("My cat", "Her dog"), **push)
    assert hub.repos["tester/m"].files()["README.md"].decode() == there
    assert said.count(FOLDERS_CARD) == 1
    model.push_to_hub("tester/m", card=own.replace("My cat", "Her dog"), replace_card=True, **push)
    assert hub.repos["tester/m"].files()["README.md"].decode() == there.replace("My cat", "Her dog")
    model.push_to_hub("tester/new", card=own.replace("| cat |", "| my cat |"), **push)
    assert "| my cat |" in hub.repos["tester/new"].files()["README.md"].decode()
    assert (
        "The folder's README.md was edited between vgg-hub's marks: its text is kept as it is; its metadata was refreshed; "
        "to have a new one, remove it from the folder."
    ) in said
    model.push_to_hub("tester/other", card="# Of another model\n", **push)
    assert "Of another model" not in hub.repos["tester/other"].files()["README.md"].decode()


def test_repeating_a_push_changes_nothing(hub):
    model = tiny_vgg()
    first = model.push_to_hub("tester/pushed", token=hub.writer, check=False)
    commits = len(hub.repos["tester/pushed"].commits)
    assert model.push_to_hub("tester/pushed", token=hub.writer, check=False) == first
    assert len(hub.repos["tester/pushed"].commits) == commits


def test_a_push_gives_up_in_the_end(hub):
    rule = hub.fault(Status(503), "/api/models/*/commit/*", method="POST", count=None)
    said: list[str] = []
    with pytest.raises(
        HubError, match=r"^The Hub refused tester/pushed: it answered 503; try again in a minute\.$"
    ) as no:
        tiny_vgg().push_to_hub("tester/pushed", token=hub.writer, check=False, say=said.append)
    check_secrets(hub, no.value)
    assert rule.hits == 6
    assert [s for s in said if "503" in s][-1] == "The Hub answered 503 (tester/pushed); trying again in 8 s."
    assert set(hub.repos["tester/pushed"].files()) == {".gitattributes"}
