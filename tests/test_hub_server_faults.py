"""Each fault of the local Hub, as the unmodified client sees it: what it survives, what it lets through."""

from __future__ import annotations

import random
import time
from pathlib import Path

import httpx2
import huggingface_hub as hf
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from tests.hub_fixtures import LocalHub
from tests.hubserver import Close, Delay, Flip, IgnoreRange, LostReply, Reset, Status

MODEL = "tester/small-net"
FILE = "*/model.safetensors"
WEIGHTS = random.Random(0).randbytes(300_000)
BIG = random.Random(1).randbytes((10 << 20) + 500_000)  # the client writes 10 MiB at a time


def fetch() -> bytes:
    return Path(hf.hf_hub_download(MODEL, "model.safetensors")).read_bytes()


def cached_files(hub: LocalHub) -> list[str]:
    """Files below the blobs: whole or half ones."""
    return sorted(path.name for path in hub.cache.glob("*/blobs/**/*") if path.is_file())


class TestDownload:
    def test_status_of_the_file_is_final(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, {"model.safetensors": WEIGHTS})
        rule = hub.fault(Status(503), FILE, method="GET")
        with pytest.raises(HfHubHTTPError, match="told to fail") as error:
            fetch()
        assert error.value.response.status_code == 503
        assert (rule.hits, hub.waits, cached_files(hub)) == (1, [], [])
        assert fetch() == WEIGHTS

    def test_too_many_requests_is_waited_for(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, {"model.safetensors": WEIGHTS})
        hub.fault(Status(429, {"Retry-After": "0"}), FILE, method="GET", count=2)
        assert fetch() == WEIGHTS
        assert hub.waits == [1.0, 1.0]

    def test_listing_is_retried(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, {"model.safetensors": WEIGHTS})
        hub.fault(Status(503), "*/tree/*", count=3)
        assert hf.list_repo_files(MODEL) == ["model.safetensors"]
        assert hub.waits == [1, 2, 4]
        hub.fault(Status(500), "/api/models/*")
        with pytest.raises(HfHubHTTPError, match="500"):
            hf.model_info(MODEL)
        assert hub.waits == [1, 2, 4]

    @pytest.mark.parametrize("after", [None, 0, 200_000])
    def test_reset_surfaces(self, hub: LocalHub, after: int | None) -> None:
        hub.add_repo(MODEL, {"model.safetensors": WEIGHTS})
        hub.fault(Reset(after), FILE, method="GET")
        with pytest.raises(httpx2.ReadError):
            fetch()
        assert (hub.waits, cached_files(hub)) == ([], [])
        hub.clear_log()
        assert fetch() == WEIGHTS
        assert "range" not in hub.requests("GET", FILE)[0].headers

    def test_early_end_starts_again(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, {"model.safetensors": WEIGHTS})
        hub.fault(Close(200_000), FILE, method="GET", count=2)
        assert fetch() == WEIGHTS
        assert ["range" in entry.headers for entry in hub.requests("GET", "/cdn/*")] == [False] * 3
        assert hub.waits == [1, 1]

    @pytest.mark.parametrize("ignore_range", [False, True])
    def test_early_end_of_a_big_file_resumes(self, hub: LocalHub, ignore_range: bool) -> None:
        hub.add_repo(MODEL, {"model.safetensors": BIG})
        hub.fault(Close((10 << 20) + 5), FILE, method="GET")
        if ignore_range:
            hub.fault(IgnoreRange(), FILE, method="GET")
        assert fetch() == BIG
        first, second = hub.requests("GET", "/cdn/*")
        assert (first.status, second.status) == (200, 200 if ignore_range else 206)
        assert (first.headers.get("range"), second.headers["range"]) == (None, "bytes=10485760-")

    def test_wrong_bytes_pass_for_the_file(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, {"model.safetensors": WEIGHTS, "b.txt": "right"})
        hub.fault(Flip(), FILE, method="GET")
        hub.fault(Flip(at=1), "*/b.txt", method="GET")
        bad = fetch()
        assert [(at, a ^ b) for at, (a, b) in enumerate(zip(bad, WEIGHTS, strict=True)) if a != b] == [(150_000, 0xFF)]
        assert Path(hf.hf_hub_download(MODEL, "b.txt")).read_bytes() == b"r\x96ght"
        wrong = hf.HfApi().verify_repo_checksums(MODEL).mismatches
        assert sorted(mismatch["path"] for mismatch in wrong) == ["b.txt", "model.safetensors"]
        hf.hf_hub_download(MODEL, "b.txt", force_download=True)
        assert hf.hf_hub_download(MODEL, "model.safetensors", force_download=True)
        assert fetch() == WEIGHTS

    def test_flip_meets_a_resumed_part_too(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, {"model.safetensors": BIG})
        hub.fault(Close((10 << 20) + 5), FILE, method="GET")
        hub.fault(Flip(at=(10 << 20) + 7), FILE, method="GET")
        bad = fetch()
        assert bad[(10 << 20) + 7] == BIG[(10 << 20) + 7] ^ 0xFF
        assert bad[: (10 << 20) + 7] + bad[(10 << 20) + 8 :] == BIG[: (10 << 20) + 7] + BIG[(10 << 20) + 8 :]

    @pytest.mark.parametrize("after", [None, 100_000])
    def test_slow_is_retried_after_the_timeout(
        self, hub: LocalHub, monkeypatch: pytest.MonkeyPatch, after: int | None
    ) -> None:
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
        hub.add_repo(MODEL, {"model.safetensors": WEIGHTS})
        rule = hub.fault(Delay(30, after), FILE, method="GET")
        assert fetch() == WEIGHTS
        assert (rule.hits, len(hub.requests("GET", "/cdn/*")), hub.waits) == (1, 2, [1])

    def test_slow_enough_to_wait_for(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, {"model.safetensors": WEIGHTS})
        hub.fault(Delay(0.2, after=100_000), FILE, method="GET")
        start = time.monotonic()
        assert fetch() == WEIGHTS
        assert 0.2 <= time.monotonic() - start < 5

    def test_offline(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, {"model.safetensors": WEIGHTS, "a.txt": "a"})
        hf.hf_hub_download(MODEL, "a.txt")
        with hub.offline():
            assert Path(hf.hf_hub_download(MODEL, "a.txt")).read_bytes() == b"a"
            assert hub.waits == []
            with pytest.raises(LocalEntryNotFoundError):
                fetch()
            assert hub.waits == [1, 2, 4, 8, 8]
            with pytest.raises(httpx2.ConnectError):
                hf.model_info(MODEL)
        assert fetch() == WEIGHTS


class TestUpload:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "model.safetensors").write_bytes(WEIGHTS)
        return tmp_path

    @pytest.fixture(autouse=True)
    def repo(self, hub: LocalHub) -> None:
        hub.login(hub.writer)
        hub.add_repo(MODEL)

    @pytest.mark.parametrize("fault", [Status(500), Status(503), Reset(), Reset(100_000), Close(100_000), LostReply()])
    def test_put_is_retried(self, hub: LocalHub, folder: Path, fault: Status | Reset | Close | LostReply) -> None:
        hub.fault(fault, method="PUT", count=2)
        hf.upload_folder(repo_id=MODEL, folder_path=folder)
        assert hub.repos[MODEL].files() == {"config.json": b"{}", "model.safetensors": WEIGHTS}
        assert (len(hub.requests("PUT")), hub.waits) == (3, [1, 2])

    @pytest.mark.parametrize("code", [403, 507])
    def test_put_is_refused(self, hub: LocalHub, folder: Path, code: int) -> None:
        hub.fault(Status(code), method="PUT")
        with pytest.raises(RuntimeError, match=r"Error while uploading 'model.safetensors'") as error:
            hf.upload_folder(repo_id=MODEL, folder_path=folder)
        assert error.value.__cause__.response.status_code == code
        assert (hub.repos[MODEL].files(), hub.waits) == ({}, [])

    def test_commit_is_not_retried(self, hub: LocalHub, folder: Path) -> None:
        hub.fault(Status(503), "*/commit/*")
        with pytest.raises(HfHubHTTPError, match="503"):
            hf.upload_folder(repo_id=MODEL, folder_path=folder)
        assert (hub.repos[MODEL].files(), hub.waits) == ({}, [])
        hub.clear_log()
        hf.upload_folder(repo_id=MODEL, folder_path=folder)
        assert hub.requests("PUT") == []  # it was there already
        assert hub.repos[MODEL].files() == {"config.json": b"{}", "model.safetensors": WEIGHTS}

    def test_lost_reply_of_the_commit(self, hub: LocalHub, folder: Path) -> None:
        hub.fault(LostReply(), "*/commit/*")
        with pytest.raises(httpx2.RemoteProtocolError):
            hf.upload_folder(repo_id=MODEL, folder_path=folder)
        head = hub.repos[MODEL].head
        assert hub.repos[MODEL].files() == {"config.json": b"{}", "model.safetensors": WEIGHTS}
        assert hf.upload_folder(repo_id=MODEL, folder_path=folder).oid == head.oid
        assert hub.repos[MODEL].head is head
        assert len(hub.requests(path="*/commit/*")) == 1

    def test_cut_request_changes_nothing(self, hub: LocalHub, folder: Path) -> None:
        hub.fault(Reset(100), "*/commit/*")
        with pytest.raises(httpx2.NetworkError):
            hf.upload_folder(repo_id=MODEL, folder_path=folder)
        assert hub.repos[MODEL].files() == {}


def test_rules_in_order(hub: LocalHub) -> None:
    hub.add_repo(MODEL, {"a.txt": "a"})
    second = hub.fault(Status(500), "/api/models/*", skip=1)
    always = hub.fault(Status(507, message="Full."), "/api/models/*", method="GET", count=None, skip=1)
    assert hf.model_info(MODEL).id == MODEL
    for status in (500, 507, 507):
        with pytest.raises(HfHubHTTPError) as error:
            hf.model_info(MODEL)
        assert error.value.response.status_code == status
    assert (second.hits, always.hits) == (1, 2)
    assert [entry.fault for entry in hub.log] == [None, second.fault, always.fault, always.fault]
    assert "Full." in str(error.value)
