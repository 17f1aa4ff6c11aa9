"""The local Hub is what the unmodified client takes it for, and fails as it is told to."""

from __future__ import annotations

import hashlib
import http.client
import random
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub as hf
import pytest
from huggingface_hub import constants, file_download, hf_api
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import _http

from tests.hub_fixtures import LocalHub, local_hub
from tests.hubserver import HubServer

MODEL = "tester/small-net"
CARD = "---\nlicense: mit\n---\n# A net\n"
WEIGHTS = random.Random(0).randbytes(300_000)
FILES = {"README.md": CARD, "config.json": "{}", "model.safetensors": WEIGHTS}
CONTENT = {"README.md": CARD.encode(), "config.json": b"{}", "model.safetensors": WEIGHTS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same files as a folder to upload."""
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def read_folder(path: str | Path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in Path(path).rglob("*") if p.is_file()}


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return error.value.response.status_code


class TestPush:
    def test_create(self, hub: LocalHub) -> None:
        hub.login(hub.writer)
        url = hf.create_repo(MODEL, private=True)
        assert (str(url), url.repo_id) == (f"{hub.url}/{MODEL}", MODEL)
        assert hub.repos[MODEL].private
        assert list(hub.repos[MODEL].files()) == [".gitattributes"]
        assert hf.create_repo(MODEL, exist_ok=True) == url
        with pytest.raises(HfHubHTTPError, match="already created") as error:
            hf.create_repo(MODEL)
        assert status_of(error) == 409
        assert hf.create_repo("no-owner").repo_id == "tester/no-owner"

    def test_upload(self, hub: LocalHub, folder: Path) -> None:
        hub.login(hub.writer)
        hf.create_repo(MODEL)
        done = hf.upload_folder(repo_id=MODEL, folder_path=folder, commit_message="First")
        repo = hub.repos[MODEL]
        assert done.oid == repo.head.oid
        assert done.commit_url == f"{hub.url}/{MODEL}/commit/{repo.head.oid}"
        assert (repo.head.message, repo.head.user) == ("First", "tester")
        files = repo.files()
        del files[".gitattributes"]
        assert files == CONTENT
        assert [path for path, file in repo.head.files.items() if file.lfs] == ["model.safetensors"]
        put = hub.requests("PUT")
        assert [(entry.path, entry.origin, entry.token) for entry in put] == [
            (f"/lfs-upload/{hashlib.sha256(WEIGHTS).hexdigest()}", "cdn", None)
        ]
        assert hub.requests("POST", "*/verify")[0].status == 200

    def test_repeat_changes_nothing(self, hub: LocalHub, folder: Path) -> None:
        hub.login(hub.writer)
        hub.add_repo(MODEL, FILES)
        head = hub.repos[MODEL].head
        assert hf.upload_folder(repo_id=MODEL, folder_path=folder).oid == head.oid
        assert hub.repos[MODEL].head is head
        assert hub.requests("PUT") == hub.requests(path="*/commit/*") == []

    def test_delete_and_parent(self, hub: LocalHub, folder: Path) -> None:
        hub.login(hub.writer)
        first = hub.add_repo(MODEL, FILES | {"old/a.txt": "a", "old/b.txt": "b", "c.txt": "c"}).head.oid
        hf.upload_folder(repo_id=MODEL, folder_path=folder, delete_patterns=["c.txt"], parent_commit=first)
        hf.delete_folder("old", MODEL)
        assert hub.repos[MODEL].files() == CONTENT
        assert hub.repos[MODEL].files(first).keys() == CONTENT.keys() | {"old/a.txt", "old/b.txt", "c.txt"}
        with pytest.raises(HfHubHTTPError, match="refresh and try again") as error:
            hf.upload_file(repo_id=MODEL, path_or_fileobj=b"x", path_in_repo="x.txt", parent_commit=first)
        assert status_of(error) == 412
        assert hub.repos[MODEL].files() == CONTENT

    def test_bad_card(self, hub: LocalHub, folder: Path) -> None:
        hub.login(hub.writer)
        hub.add_repo(MODEL)
        hub.yaml_errors.append("license is not a licence")
        with pytest.raises(ValueError, match="license is not a licence"):
            hf.upload_folder(repo_id=MODEL, folder_path=folder)
        assert hub.repos[MODEL].files() == {}

    def test_rights(self, hub: LocalHub, folder: Path) -> None:
        hub.add_repo(MODEL, {"a.txt": "a"})
        stranger = hub.add_token("stranger", user="somebody")
        for token in (hub.reader, stranger):
            with pytest.raises(HfHubHTTPError, match="403 Forbidden") as error:
                hf.upload_folder(repo_id=MODEL, folder_path=folder, token=token)
            assert status_of(error) == 403
        with pytest.raises(HfHubHTTPError, match="no right to write in the namespace team"):
            hf.create_repo("team/net", token=hub.writer)
        member = hub.add_token("member", orgs=["team"])
        assert hf.create_repo("team/net", token=member).repo_id == "team/net"
        assert hub.repos[MODEL].files() == {"a.txt": b"a"}


class TestPull:
    def test_one_file(self, hub: LocalHub) -> None:
        commit = hub.add_repo(MODEL, FILES, private=True).head
        hub.login(hub.reader)
        for name, content in CONTENT.items():
            path = Path(hf.hf_hub_download(MODEL, name))
            assert path.parent.name == commit.oid
            assert path.read_bytes() == content
            assert path.resolve().name == commit.files[name].etag
        assert path.is_relative_to(hub.cache)
        assert commit.files["model.safetensors"].etag == hashlib.sha256(WEIGHTS).hexdigest()
        assert {entry.token for entry in hub.requests(path="/tester/*")} == {"reader"}
        assert [entry.token for entry in hub.log if entry.origin == "cdn"] == [None]

    def test_small_files_may_move_within_the_hub(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, FILES, private=True)
        hub.small_redirect = True
        assert Path(hf.hf_hub_download(MODEL, "README.md", token=hub.reader)).read_text() == CARD
        assert [entry.status for entry in hub.requests(path="*/resolve/*")] == [307]
        assert [entry.token for entry in hub.requests(path="/api/resolve-cache/*")] == ["reader"] * 2

    def test_snapshot(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, FILES | {"sub/deep/x.txt": "x"})
        hub.page_size = 2
        expected = CONTENT | {"sub/deep/x.txt": b"x"}
        path = hf.snapshot_download(MODEL)
        assert read_folder(path) == expected
        assert len(hub.requests(path="*/tree/*")) == 3
        hub.clear_log()
        assert hf.snapshot_download(MODEL) == path
        assert [str(entry) for entry in hub.log] == [f"GET /api/models/{MODEL}/revision/main 200"]
        hub.clear_log()
        assert hf.snapshot_download(MODEL, revision=hub.repos[MODEL].head.oid) == path
        assert hub.log == []

    def test_revisions(self, hub: LocalHub) -> None:
        repo = hub.add_repo(MODEL, FILES)
        repo.tags["v1"] = first = repo.head.oid
        second = hub.commit(MODEL, {"config.json": "{2}"}, message="Second", user="ann")
        for revision, content in {None: "{2}", second: "{2}", "v1": "{}", first: "{}"}.items():
            assert Path(hf.hf_hub_download(MODEL, "config.json", revision=revision)).read_text() == content
        listed = hf.list_repo_commits(MODEL)
        assert [(c.commit_id, c.title, c.authors) for c in listed] == [
            (second, "Second", ["ann"]),
            (first, "Initial commit", ["tester"]),
        ]
        assert hf.list_repo_refs(MODEL).tags[0].target_commit == first

    def test_infos(self, hub: LocalHub) -> None:
        repo = hub.add_repo(MODEL, FILES, gated="manual")
        info = hf.model_info(MODEL, files_metadata=True)
        assert (info.id, info.sha, info.private, info.gated) == (MODEL, repo.head.oid, False, "manual")
        sizes = {sibling.rfilename: (sibling.size, sibling.lfs and sibling.lfs.sha256) for sibling in info.siblings}
        sha256 = hashlib.sha256(WEIGHTS).hexdigest()
        assert sizes == {
            "README.md": (len(CARD), None),
            "config.json": (2, None),
            "model.safetensors": (300_000, sha256),
        }
        (entry,) = hf.get_paths_info(MODEL, ["model.safetensors", "none.txt"])
        assert (entry.size, entry.lfs.sha256) == (300_000, sha256)
        assert hf.list_repo_files(MODEL) == list(FILES)

    def test_who(self, hub: LocalHub) -> None:
        me = hf.whoami(token=hub.reader)
        assert (me["name"], me["auth"]["accessToken"]) == ("tester", {"displayName": "reader", "role": "read"})
        hub.add_repo(MODEL, FILES)
        unknown = hub.reader[::-1]
        with pytest.raises(HfHubHTTPError, match="Invalid credentials in Authorization header") as error:
            hf.model_info(MODEL, token=unknown)
        assert (type(error.value), status_of(error)) == (HfHubHTTPError, 401)
        assert [entry.token for entry in hub.log] == ["reader", "?"]
        assert hub.log[0].headers["authorization"] == "<token reader>"
        assert hub.reader not in repr(hub.log)
        assert unknown not in repr(hub.log)


class TestNo:
    def test_private(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, FILES, private=True)
        stranger = hub.add_token("stranger", user="somebody")
        for token, status in ((False, 401), (stranger, 404)):
            with pytest.raises(RepositoryNotFoundError) as error:
                hf.hf_hub_download(MODEL, "config.json", token=token)
            assert type(error.value) is RepositoryNotFoundError
            assert status_of(error) == status
        assert Path(hf.hf_hub_download(MODEL, "config.json", token=hub.reader)).read_bytes() == b"{}"

    def test_gated(self, hub: LocalHub) -> None:
        repo = hub.add_repo(MODEL, FILES, gated=True)
        stranger = hub.add_token("stranger", user="somebody")
        for token, status in ((False, 401), (stranger, 403)):
            with pytest.raises(GatedRepoError, match="is restricted") as error:
                hf.snapshot_download(MODEL, token=token)
            assert status_of(error) == status
        repo.granted.add("somebody")
        assert read_folder(hf.snapshot_download(MODEL, token=stranger)) == CONTENT

    def test_nothing_there(self, hub: LocalHub) -> None:
        commit = hub.add_repo(MODEL, FILES).head
        with pytest.raises(RepositoryNotFoundError):
            hf.model_info("tester/none")
        for call in (hf.model_info, hf.snapshot_download, hf.list_repo_files):
            with pytest.raises(RevisionNotFoundError, match="Invalid rev id: v9"):
                call(MODEL, revision="v9")
        with pytest.raises(RemoteEntryNotFoundError):
            hf.hf_hub_download(MODEL, "none.txt")
        assert [path.name for path in hub.cache.glob(f"*/.no_exist/{commit.oid}/*")] == ["none.txt"]


class TestItself:
    def test_fresh_process(self, hub: LocalHub) -> None:
        hub.add_repo(MODEL, FILES, private=True)
        hub.login(hub.reader)
        code = f"import huggingface_hub as hf; print(hf.snapshot_download({MODEL!r}))"
        done = subprocess.run([sys.executable, "-c", code], env=hub.env, capture_output=True, text=True, check=True)
        path = Path(done.stdout.strip())
        assert path.is_relative_to(hub.cache)
        assert read_folder(path) == CONTENT
        assert hub.requests(path="/api/agent-harnesses") == hub.requests(path="/api/telemetry/*") == []

    def test_all_is_put_back(self, tmp_path: Path) -> None:
        def state() -> dict[str, object]:
            return {
                **{name: value for name, value in vars(constants).items() if name.isupper()},
                "api": hf_api.api.endpoint,
                "origins": _http._HUB_ORIGINS,
                "clocks": (_http.time, file_download.time),
            }

        before = state()
        with local_hub(tmp_path) as hub:
            assert constants.ENDPOINT == hf_api.api.endpoint == hf.HfApi().endpoint == hub.url
            assert hf.hf_hub_url("a/b", "c") == f"{hub.url}/a/b/resolve/main/c"
            assert Path(constants.HF_TOKEN_PATH).is_relative_to(tmp_path)
            assert hf.get_token() is None
            assert constants.HF_HUB_DISABLE_XET
        assert state() == before
        assert before["clocks"] == (time, time)

    def test_its_own_errors_do_not_pass_unseen(self, tmp_path: Path) -> None:
        hub = HubServer(tmp_path)
        connection = http.client.HTTPConnection(urlsplit(hub.url).netloc)
        connection.request("POST", "/api/validate-yaml", b"no json")
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
        connection.close()
        hub.close()
        assert "JSONDecodeError" in hub.bugs.pop()
        assert hub.bugs == []
