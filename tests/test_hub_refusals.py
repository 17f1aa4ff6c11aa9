"""What the Hub, or what lies on it, refuses: one sentence each, and no secret in any."""

from __future__ import annotations

import re

import pytest
import torch

from tests.hub_helpers import REPO, check_secrets, folder_of, same
from tests.hubserver import Close, Reset, Status
from tests.toys import tiny_vgg
from vgg_hub import VGG
from vgg_hub.errors import CheckpointError, HubError, VGGHubError

pytestmark = pytest.mark.usefixtures("shipped")
SIGN_IN = r"\(`hf auth login`\)"


def refused(hub, message: str, *arguments: object, kind=HubError, **options: object) -> VGGHubError:
    """The error of loading; its sentence holds no token, no address, no line break."""
    with pytest.raises(kind, match=message) as caught:
        VGG.from_pretrained(*(arguments or (REPO,)), **options)
    check_secrets(hub, caught.value)
    return caught.value


def test_a_repo_that_does_not_exist(hub):
    message = (
        rf"^The Hub has no model {REPO} that you may see; check the name, or sign in if it is private {SIGN_IN}\.$"
    )
    refused(hub, message)
    hub.login(hub.reader)
    refused(hub, message)


@torch.no_grad()
def test_a_private_repo(hub, tmp_path):
    model, files = folder_of(tmp_path)
    hub.add_repo("tester/secret", files, private=True)
    refused(hub, r"^The Hub has no model tester/secret that you may see; check", "tester/secret")
    refused(
        hub, r"^The Hub has no model tester/secret", "tester/secret", token=hub.add_token("stranger", user="stranger")
    )
    assert same(model, VGG.from_pretrained("tester/secret", token=hub.reader))
    hub.login(hub.reader)
    assert same(model, VGG.from_pretrained("tester/secret", force_download=True))


@torch.no_grad()
def test_a_gated_repo(hub, tmp_path):
    model, files = folder_of(tmp_path)
    repo = hub.add_repo(REPO, files, gated="manual")
    message = rf"^{REPO} is gated: ask for access on its page at the Hub, then sign in {SIGN_IN}\.$"
    refused(hub, message)
    refused(hub, message, token=hub.reader)
    repo.granted.add("tester")
    assert same(model, VGG.from_pretrained(REPO, token=hub.reader))


def test_a_revision_that_does_not_exist(hub, tmp_path):
    hub.add_repo(REPO, folder_of(tmp_path)[1])
    refused(hub, rf"^{REPO} has no revision 'v9'; give a branch, tag or commit that it has\.$", revision="v9")


def test_the_hub_cannot_be_reached(hub):
    with hub.offline():
        refused(
            hub,
            rf"^{REPO} is not on this machine and the Hub cannot be reached; connect to the internet, or use a checkpoint "
            r"that ships \(vgg11-bn\)\.$",
        )


def test_the_cache_cannot_be_written(hub, tmp_path):
    hub.add_repo(REPO, folder_of(tmp_path)[1])
    (tmp_path / "file").write_text("")
    with pytest.raises(HubError) as raised:
        VGG.from_pretrained(REPO, cache_dir=tmp_path / "file")
    assert re.fullmatch(
        rf"What the Hub sends of {REPO} cannot be kept in {re.escape(str(tmp_path))}/file\S* \(Not a directory\); "
        r"set HF_HOME to a folder that can be written to\.",
        str(raised.value),
    )


@pytest.mark.parametrize(
    "action",
    [
        lambda token: VGG.from_pretrained(REPO, token=token),
        lambda token: tiny_vgg().push_to_hub(REPO, token=token, check=False),
    ],
)
def test_a_token_that_no_header_takes(hub, action):
    with pytest.raises(HubError) as raised:
        action("hf_abc…")
    assert str(raised.value) == (
        "The Hub's token cannot be right: it holds the character '…'; copy it again, or sign in again (`hf auth login`)."
    )
    assert raised.value.__cause__ is None, "the client's error holds the token"


@pytest.mark.parametrize("token", ["", "hf_abc\n", " "])
def test_a_token_that_ends_the_header(hub, token):
    sentence = (
        "The Hub's token cannot be right: it is empty, or holds a line break or an outer space; copy it again, or sign in "
        "again (`hf auth login`)."
    )
    said = []
    for action in (
        lambda: VGG.from_pretrained(REPO, token=token),
        lambda: VGG.from_pretrained(REPO, token=token, force_download=True),
        lambda: tiny_vgg().push_to_hub(REPO, token=token, check=False, say=said.append),
    ):
        with pytest.raises(HubError) as raised:
            action()
        assert (str(raised.value), raised.value.__cause__) == (sentence, None)
    assert len(said) == 2, "it is not tried again"


def test_only_local_files_and_none_there(hub):
    refused(hub, rf"^{REPO} is not on this machine and the Hub cannot be reached; ", local_files_only=True)
    assert hub.log == []


def test_nothing_ships(hub, shipped):
    (shipped / "vgg11-bn" / "config.json").unlink()
    with hub.offline():
        refused(hub, r"or use a checkpoint that ships \(none\)\.$")


@pytest.mark.parametrize("left_out", ["config.json", "model.safetensors"])
def test_a_repo_without_our_files(hub, tmp_path, left_out):
    _, files = folder_of(tmp_path)
    del files[left_out]
    hub.add_repo(REPO, files | {"pytorch_model.bin": b"\x80\x04."})
    refused(
        hub,
        rf"^{REPO} lacks config\.json or model\.safetensors; it is not a VGG folder that can be opened without pickle",
    )
    assert hub.requests(path="*.bin") == []


def test_another_model_is_refused_before_its_weights_are_fetched(hub):
    hub.add_repo(REPO, {"config.json": '{"architecture": "resnet50"}', "model.safetensors": b"x" * 1000})
    refused(
        hub,
        rf"^config\.json of {REPO} cannot be used: it describes the architecture 'resnet50'; expected a VGG",
        kind=CheckpointError,
    )
    assert hub.requests(path="*model.safetensors") == []


def test_weights_that_do_not_fit_name_the_repo(hub, tmp_path):
    _, files = folder_of(tmp_path)
    tiny_vgg(layers=[4, "M", 16, "M"]).save_pretrained(tmp_path / "other")
    hub.add_repo(REPO, files | {"model.safetensors": tmp_path / "other" / "model.safetensors"})
    refused(hub, rf"^model\.safetensors of {REPO}@[0-9a-f]{{12}} does not hold the tensors", kind=CheckpointError)


def test_a_token_that_is_not_valid(hub, tmp_path):
    hub.add_repo(REPO, folder_of(tmp_path)[1])
    with pytest.raises(
        HubError, match=rf"^The Hub refused {REPO}: the token is not valid; sign in again {SIGN_IN}\.$"
    ) as no:
        VGG.from_pretrained(REPO, token="hf_" + "x" * 34)
    check_secrets(hub, no.value)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (429, rf"^The Hub refused {REPO}: too many requests; wait a minute and try again\.$"),
        (500, rf"^The Hub refused {REPO}: it answered 500; try again in a minute\.$"),
    ],
)
def test_the_hub_fails_on_the_weights(hub, tmp_path, status, message):
    hub.add_repo(REPO, folder_of(tmp_path)[1])
    hub.fault(Status(status), "/cdn/*", method="GET", count=None)
    refused(hub, message)


@pytest.mark.parametrize("fault", [Reset(), Reset(after=100), Close(after=100)])
@torch.no_grad()
def test_a_lost_connection_is_an_error_of_ours_or_none_and_the_next_try_works(hub, tmp_path, fault):
    model, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    hub.fault(fault, "/cdn/*", method="GET")
    try:
        found = VGG.from_pretrained(REPO)
    except HubError as error:
        found = error
    if isinstance(found, VGG):
        assert same(model, found), "the client tried again by itself"
    else:
        assert str(found).startswith(f"The Hub cannot be reached for {REPO} (")
        check_secrets(hub, found)
    assert same(model, VGG.from_pretrained(REPO))


def test_no_token_is_in_anything_an_error_carries(hub, tmp_path):
    """The chain of causes too, as a traceback would print it."""
    hub.login(hub.writer)
    error: BaseException | None = refused(hub, "^The Hub has no model")
    while error is not None:
        assert hub.writer not in repr(error) + str(error)
        error = error.__cause__ or error.__context__


def test_a_name_that_only_looks_like_a_repo(hub):
    refused(hub, r"^'a\.\.b/c' is not the name of a Hub repo; write it owner/name\.$", "a..b/c")
    assert hub.log == []
