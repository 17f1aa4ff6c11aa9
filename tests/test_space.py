"""`vgg-hub space` against the local Hub: what is uploaded, what starts from it, and what a bad Hub leaves behind."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tests.cli_helpers import error_of, run
from tests.hub_helpers import check_secrets
from tests.hubserver import LostReply, Reset, Status
from vgg_hub import space_files as module
from vgg_hub.errors import ConfigError, HubError
from vgg_hub.space import push_space
from vgg_hub.space_files import APP, check_front_matter, space_files

__all__ = ["run"]

ROOT = Path(__file__).parents[1]
SPACE = "tester/teach-a-vgg"
KEPT = f"spaces/{SPACE}"


def front_of(readme: bytes) -> dict[str, object]:
    return yaml.safe_load(readme.decode().split("---\n")[1])


def content(files: dict[str, bytes | Path]) -> dict[str, bytes]:
    return {path: found.read_bytes() if isinstance(found, Path) else found for path, found in files.items()}


def tracked(pattern: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(listed.stdout.split())


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git says what belongs to the project")
def test_exactly_the_files_of_a_space(shipped):
    files = space_files()
    expected = tracked("vgg_hub") | {"README.md", "app.py", "requirements.txt", "LICENSE"}
    expected |= {f"weights/vgg11-bn/{name}" for name in ("config.json", "model.safetensors", "README.md")}
    assert files.keys() - expected == set()
    assert {path for path in expected - files.keys() if (ROOT / path).exists()} == set()
    assert content(files)["app.py"] == (ROOT / "app.py").read_bytes()


def test_an_installation_gives_the_same_space(shipped, monkeypatch):
    """Where there is no clone around the package: from what pip keeps of it."""
    from_clone = content(space_files())
    described = Message()
    described.set_payload((ROOT / "README.md").read_text())
    requires = [*(ROOT / "requirements.txt").read_text().split(), 'timm>=1; extra == "timm"']
    licence = SimpleNamespace(name="LICENSE", read_binary=(ROOT / "LICENSE").read_bytes)
    installed = SimpleNamespace(metadata=described, requires=requires, files=[licence])
    monkeypatch.setattr(module, "_from_clone", lambda: None)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: installed)
    assert content(space_files()) == from_clone
    assert (ROOT / "app.py").read_text() == APP

    def missing(name: str):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(
        ConfigError, match="vgg-hub is neither a whole clone nor installed here; clone it anew or install"
    ):
        space_files()


def test_the_front_matter_is_complete_and_fits_the_requirements(shipped):
    front = front_of(content(space_files())["README.md"])
    assert front == yaml.safe_load((ROOT / "README.md").read_text().split("---\n")[1])
    (low,) = re.findall(r"^gradio>=([\d.]+),", (ROOT / "requirements.txt").read_text(), re.M)
    assert front["sdk_version"] == f"{low}.0" == importlib.metadata.version("gradio")
    assert front_of(content(space_files("zero-a10g"))["README.md"]) == front | {"python_version": "3.12.12"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": ""}, "README.md names no title in its front matter"),
        ({"sdk": "docker"}, "sdk in README.md is 'docker'; expected gradio."),
        ({"colorTo": "teal"}, "colorTo in README.md is 'teal'; expected one of red, yellow"),
        ({"short_description": "x" * 61}, "short_description in README.md has over 60 characters; shorten it."),
        ({"app_file": "main.py"}, "app_file in README.md is 'main.py', which is not among the Space's files."),
        ({"sdk_version": "5.49.1"}, "sdk_version in README.md is '5.49.1'; gradio in requirements.txt needs "),
        ({"sdk_version": "new"}, "sdk_version in README.md is 'new'; gradio"),
        ({"python_version": 3.1}, "python_version in README.md is 3.1; this package needs >=3.11, written in quotes."),
    ],
)
def test_what_is_wrong_in_the_front_matter_is_said(change, sentence):
    front = yaml.safe_load((ROOT / "README.md").read_text().split("---\n")[1]) | change
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        check_front_matter(front, "# gradio here\ngradio>=6.31,<7\n", {"app.py": b""})


def test_a_readme_without_front_matter_or_requirements_without_gradio(monkeypatch):
    for readme in ("# Title\n", "---\n[\n---\n", "---\njust text\n---\n"):
        monkeypatch.setattr(module, "_from_clone", lambda readme=readme: (readme, b"", "", b""))
        with pytest.raises(ConfigError, match=r"README\.md does not begin with the front matter"):
            space_files()
    front = yaml.safe_load((ROOT / "README.md").read_text().split("---\n")[1])
    with pytest.raises(ConfigError, match=r"requirements.txt does not name gradio; restore it"):
        check_front_matter(front, "torch\n", {"app.py": b""})


def test_the_space_is_made_in_one_commit_and_updated_in_another(run, hub, shipped):
    hub.login(hub.writer)
    status, out, err = run("space", SPACE, "--hardware", "zero-a10g", "--private")
    assert (status, out) == (0, f"{hub.url}/spaces/{SPACE}\n")
    assert err.splitlines()[0] == f"vgg-hub: Making the Space {SPACE}."
    assert re.fullmatch(rf"vgg-hub: Uploading \d+ files to {SPACE}\.", err.splitlines()[1])
    repo = hub.repos[KEPT]
    assert (repo.private, repo.hardware, len(repo.commits)) == (True, "zero-a10g", 2)
    expected = content(space_files("zero-a10g"))
    assert {path: data for path, data in repo.files().items() if path != ".gitattributes"} == expected
    assert all(hub.writer not in f"{entry.path}{entry.query}{err}" for entry in hub.log)

    hub.commit(KEPT, {"vgg_hub/gone.py": "old", "weights/old/config.json": "{}", "notes.md": "mine", "app.py": "old"})
    assert run("space", SPACE, "--hardware", "cpu-basic")[0] == 0
    files = repo.files()
    assert files.pop("notes.md") == b"mine"  # what is not ours stays
    assert files.pop(".gitattributes")
    assert files == content(space_files("cpu-basic"))
    assert (repo.private, repo.hardware, len(repo.commits)) == (True, "cpu-basic", 4)
    assert run("space", SPACE)[0] == 0
    assert len(repo.commits) == 4  # nothing changed, no commit


@pytest.mark.slow
def test_the_page_starts_from_what_was_uploaded(hub, tmp_path):
    push_space(SPACE, token=hub.writer)
    for path, data in hub.repos[KEPT].files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    code = (
        "import vgg_hub, app; from pathlib import Path; from vgg_hub import VGG\n"
        "print(Path(vgg_hub.__file__).parent.parent, app.demo.title, VGG.from_pretrained('vgg11-bn').config.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=hub.env | {"PYTHONPATH": ""}, capture_output=True, text=True
    )
    assert done.stdout == f"{tmp_path} Teach a VGG vgg11-bn\n", done.stderr


@pytest.mark.parametrize(
    ("fault", "path", "method"),
    [
        (Status(503), "/api/repos/create", "POST"),
        (LostReply(), "/api/repos/create", "POST"),
        (Status(503), "/api/spaces/*/commit/*", "POST"),
        (LostReply(), "/api/spaces/*/commit/*", "POST"),
        (Reset(after=1000), "/lfs-upload/*", "PUT"),
        (Status(502), "/api/spaces/*", "GET"),
    ],
    ids=repr,
)
def test_a_bad_minute_is_survived(hub, shipped, fault, path, method):
    rule = hub.fault(fault, path, method=method, count=2)
    push_space(SPACE, token=hub.writer, say=lambda _: None)
    assert rule.hits >= 1
    assert set(hub.repos[KEPT].files()) == {".gitattributes", *space_files()}


def test_what_fails_leaves_no_half_made_space(hub, shipped):
    hub.fault(Status(403), "/api/spaces/*/commit/*", count=None)
    said: list[str] = []
    with pytest.raises(HubError, match=rf"^The Hub refused {SPACE}: you have no right to do that") as no:
        push_space(SPACE, token=hub.writer, say=said.append)
    check_secrets(hub, no.value)
    assert said[-1] == f"The upload failed; the empty Space {SPACE} was taken back."
    assert KEPT not in hub.repos


def test_a_space_that_was_there_is_never_deleted(hub, shipped):
    hub.add_repo(KEPT, {"README.md": "mine"})
    hub.fault(Status(403), "/api/spaces/*/commit/*", count=None)
    with pytest.raises(HubError, match="you have no right"):
        push_space(SPACE, token=hub.writer, say=lambda _: None)
    assert hub.repos[KEPT].files() == {"README.md": b"mine"}
    assert hub.requests("DELETE") == []


def test_where_it_cannot_be_taken_back_it_is_said(hub, shipped):
    hub.fault(Status(403), "/api/spaces/*/commit/*", count=None)
    hub.fault(Status(403), "/api/repos/delete", count=None)
    said: list[str] = []
    with pytest.raises(HubError, match="you have no right"):
        push_space(SPACE, token=hub.writer, say=said.append)
    assert said[-1].startswith(f"The upload failed and left {SPACE} empty; the same command fills it")
    assert set(hub.repos[KEPT].files()) == {".gitattributes"}


def test_refusals_are_one_sentence(run, hub, shipped):
    assert error_of(run("space", SPACE)) == (
        "Nobody is signed in on this machine; sign in with a token that may write (`hf auth login`)."
    )
    hub.login(hub.writer)
    assert error_of(run("space", "no name")) == "'no name' is not the name of a Space; write it owner/name."
    assert error_of(run("space", SPACE, "--hardware", "gpu")).startswith(
        "hardware is 'gpu'; expected one of cpu-basic, "
    )
    assert hub.log == []
    hub.add_repo(KEPT, {"README.md": "mine"})
    assert error_of(run("space", SPACE, "--private")).startswith(
        f"{SPACE} is there already and public, but private was"
    )
    hub.login(hub.reader)
    sentence = f"The Hub refused {SPACE}: you have no right to do that; use a token that may write to it."
    assert run("space", SPACE)[2].splitlines()[-1] == f"vgg-hub: {sentence}"
    hub.login("hf_nobody")
    assert "the token is not valid; sign in again" in run("space", SPACE)[2]
    with hub.offline():
        assert f"The Hub cannot be reached for {SPACE}" in run("space", SPACE)[2]
    assert hub.repos[KEPT].files() == {"README.md": b"mine"}


def test_a_paid_plan_is_explained(hub, shipped):
    hub.fault(Status(402), "/api/repos/create", count=None)
    with pytest.raises(
        HubError, match=rf"^The Hub wants a paid plan for {SPACE} on cpu-basic; a free account may make"
    ):
        push_space(SPACE, token=hub.writer, hardware="cpu-basic", say=lambda _: None)
    assert hub.repos == {}
