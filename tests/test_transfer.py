"""Downloads through a bad Hub: what is retried, what is compared, what a person is told, what is left on disk."""

from __future__ import annotations

import errno
import hashlib
import logging
from pathlib import Path

import pytest
import torch

from tests.hub_helpers import REPO, check_secrets, folder_of, same
from tests.hubserver import Close, Flip, Reset, Status
from vgg_hub import VGG, transfer
from vgg_hub.errors import HubError
from vgg_hub.transfer import WAITS, fetch, persistently

pytestmark = pytest.mark.usefixtures("shipped")
WEIGHTS = "/cdn/*model.safetensors"


def blobs(hub) -> list[Path]:
    """Every file with content in the client's cache, whole or partial."""
    return [p for p in hub.cache.rglob("*") if p.is_file() and "blobs" in p.parts]


def large_folder(tmp_path: Path) -> tuple[VGG, dict[str, Path]]:
    """Weights of 2.4 MB, so that a connection can be lost in the middle of them."""
    return folder_of(tmp_path, layers=[64, "M", 256, 256, "M"])


@pytest.mark.parametrize(
    "fault", [Status(503), Status(500), Status(408), Reset(), Reset(after=300_000), Close(after=300_000)], ids=repr
)
@torch.no_grad()
def test_a_download_survives(hub, tmp_path, fault):
    model, files = large_folder(tmp_path)
    hub.add_repo(REPO, files)
    rule = hub.fault(fault, WEIGHTS, method="GET", count=2)
    assert same(model, VGG.from_pretrained(REPO))
    assert rule.hits == 2


@torch.no_grad()
def test_the_configuration_survives_too(hub, tmp_path):
    model, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    hub.fault(Status(503), "*config.json", method="GET", count=3)
    assert same(model, VGG.from_pretrained(REPO))


def test_waiting_is_bounded_and_said(hub, tmp_path):
    _, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    rule = hub.fault(Status(503), WEIGHTS, method="GET", count=None)
    said: list[str] = []
    with pytest.raises(Exception, match="503"):
        fetch(REPO, "model.safetensors", revision=None, say=said.append)
    assert said == [
        f"The Hub answered 503 (model.safetensors of {REPO}); trying again in {wait} s." for wait in (1, 2, 4, 8, 8)
    ]
    assert rule.hits == 6
    assert sum(WAITS) == 23


def test_where_nobody_listens_the_log_has_it(hub, tmp_path, caplog):
    _, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    hub.fault(Reset(), WEIGHTS, method="GET")
    VGG.from_pretrained(REPO)
    (record,) = [record for record in caplog.records if record.name == "vgg_hub"]
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        f"The connection to the Hub failed, ReadError (model.safetensors of {REPO}); trying again in 1 s."
    )


def test_what_will_not_pass_is_not_repeated():
    calls = []

    def full():
        calls.append(1)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        persistently(full, "x")

    def bug():
        calls.append(1)
        raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        persistently(bug, "x")
    assert len(calls) == 2


@torch.no_grad()
def test_a_damaged_file_is_fetched_once_more(hub, tmp_path, caplog):
    model, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    hub.fault(Flip(), WEIGHTS, method="GET")
    assert same(model, VGG.from_pretrained(REPO))
    expected = hashlib.sha256(files["model.safetensors"].read_bytes()).hexdigest()
    said = [r.getMessage() for r in caplog.records if r.name == "vgg_hub"]
    assert len(said) == 1
    assert said[0].startswith(f"model.safetensors of {REPO} is damaged: its sha256 is ")
    assert said[0].endswith(f", the Hub says {expected}; fetching it again.")


def test_a_file_that_stays_damaged_is_an_error_and_leaves_nothing(hub, tmp_path):
    _, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    good = files["model.safetensors"].read_bytes()
    middle = len(good) // 2
    bad = good[:middle] + bytes([good[middle] ^ 0xFF]) + good[middle + 1 :]
    rule = hub.fault(Flip(), WEIGHTS, method="GET", count=None)
    with pytest.raises(HubError) as caught:
        VGG.from_pretrained(REPO)
    assert str(caught.value) == (
        f"model.safetensors of {REPO} is damaged: its sha256 is {hashlib.sha256(bad).hexdigest()}, "
        f"the Hub says {hashlib.sha256(good).hexdigest()}; "
        "it was removed from the cache: fetch it again, and if it stays so, tell its owner."
    )
    assert rule.hits == 2
    check_secrets(hub, caught.value)
    assert bad not in [path.read_bytes() for path in blobs(hub)]
    assert len(blobs(hub)) == 1, "config.json alone"


@torch.no_grad()
def test_a_cache_that_went_bad_is_noticed(hub, tmp_path):
    """The client would serve it for ever: it looks at names only."""
    model, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    VGG.from_pretrained(REPO)
    weights = next(path for path in blobs(hub) if path.stat().st_size == files["model.safetensors"].stat().st_size)
    rotten = bytearray(weights.read_bytes())
    rotten[-1] ^= 1
    weights.write_bytes(rotten)
    assert same(model, VGG.from_pretrained(REPO)), "mended from the Hub"
    assert weights.read_bytes() == files["model.safetensors"].read_bytes()
    for options in ({}, {"local_files_only": True}):
        weights.write_bytes(rotten)
        with (
            hub.offline(),
            pytest.raises(HubError, match=r"is damaged: its sha256 is .*, the Hub says .*it was removed"),
        ):
            VGG.from_pretrained(REPO, **options)
        assert not weights.exists()
        assert same(model, VGG.from_pretrained(REPO))


@torch.no_grad()
def test_a_damaged_configuration(hub, tmp_path):
    model, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    hub.fault(Flip(), "*config.json", method="GET")
    assert same(model, VGG.from_pretrained(REPO))
    hub.fault(Flip(), "*config.json", method="GET", count=None)
    with pytest.raises(HubError, match=r"^config\.json of .* is damaged: its git sha1 is [0-9a-f]{40}, the Hub says"):
        VGG.from_pretrained(REPO, force_download=True)


@torch.no_grad()
def test_a_cache_without_links(hub, tmp_path, monkeypatch):
    """As on Windows without the right to make links: the Hub is asked for the digest."""
    from huggingface_hub import file_download

    monkeypatch.setattr(file_download, "are_symlinks_supported", lambda *_: False)
    model, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    hub.fault(Flip(), WEIGHTS, method="GET", count=None)
    with pytest.raises(HubError, match=r"^model\.safetensors of .* is damaged: its sha256 is"):
        VGG.from_pretrained(REPO)
    assert [path.name for path in hub.cache.rglob("*.safetensors")] == []
    hub.rules.clear()
    hub.clear_log()
    assert same(model, VGG.from_pretrained(REPO))
    assert len(hub.requests("POST", "*/paths-info/*")) == 2
    hub.clear_log()
    with hub.offline():
        assert same(model, VGG.from_pretrained(REPO)), "nobody to ask: what is there is used"


def test_a_forced_download_with_nobody_there(hub, tmp_path):
    hub.add_repo(REPO, folder_of(tmp_path)[1])
    VGG.from_pretrained(REPO)
    with hub.offline(), pytest.raises(HubError, match=rf"^The Hub cannot be reached for {REPO} \(ConnectError\)"):
        VGG.from_pretrained(REPO, force_download=True)


def test_a_full_disk_while_fetching(hub, tmp_path, monkeypatch):
    from huggingface_hub import file_download

    _, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    fetched = file_download.http_get

    def full(url, temp_file, **options):
        if "safetensors" in url:
            temp_file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        fetched(url, temp_file, **options)

    with monkeypatch.context() as patch:
        patch.setattr(file_download, "http_get", full)
        with pytest.raises(
            HubError, match=rf"^The disk is full: {REPO} was not fetched; free some space and try again\.$"
        ):
            VGG.from_pretrained(REPO)
    assert [path.name for path in blobs(hub) if path.read_bytes() != files["config.json"].read_bytes()] == []
    VGG.from_pretrained(REPO)


def test_a_blob_that_is_a_link_itself_goes_with_its_links(tmp_path):
    """Xet's cache keeps the content once and links to it from `blobs`."""
    content, blob, name = tmp_path / "xet" / "ab", tmp_path / "blobs" / ("0" * 64), tmp_path / "snapshots" / "w"
    for path in (content, blob, name):
        path.parent.mkdir()
    content.write_bytes(b"x")
    blob.symlink_to("../xet/ab")
    name.symlink_to("../blobs/" + "0" * 64)
    assert transfer.blob_of(name) == "0" * 64
    transfer._remove(name)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []
