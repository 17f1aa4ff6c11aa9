"""Loading, saving and pushing: names, the Hub's answers, and each way they fail, in one sentence without a secret."""

from __future__ import annotations

import pytest
import torch

from tests.hub_helpers import REPO, folder_of, same
from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG, bundled
from vgg_hub.errors import CheckpointError

pytestmark = pytest.mark.usefixtures("shipped")


@torch.no_grad()
def test_a_repo_is_loaded_and_names_its_commit(hub, tmp_path):
    model, files = folder_of(tmp_path)
    commit = hub.add_repo(REPO, files).head.oid
    again = VGG.from_pretrained(REPO)
    assert same(model, again)
    assert again.source == f"{REPO}@{commit[:12]}"
    assert not again.training
    assert hub.requests(path="*README.md") == []


def test_nothing_is_drawn_while_loading(tmp_path):
    folder_of(tmp_path)
    state = torch.random.get_rng_state()
    VGG.from_pretrained(tmp_path / "saved")
    assert torch.equal(torch.random.get_rng_state(), state)


def test_config_and_weights_are_of_one_commit(hub, tmp_path, monkeypatch):
    """Somebody pushes another net between the two downloads."""
    model, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    other = tiny_vgg(seed=4, layers=[4, "M", 4, "M"])
    other.save_pretrained(tmp_path / "other")
    from vgg_hub import hub as module

    real = module.read_config

    def push_meanwhile(*arguments: object) -> object:
        hub.commit(REPO, {path.name: path for path in (tmp_path / "other").iterdir()})
        return real(*arguments)

    monkeypatch.setattr(module, "read_config", push_meanwhile)
    with torch.no_grad():
        assert same(model, VGG.from_pretrained(REPO))


@torch.no_grad()
def test_a_revision_is_loaded(hub, tmp_path):
    model, files = folder_of(tmp_path)
    first = hub.add_repo(REPO, files).head.oid
    tiny_vgg(seed=4).save_pretrained(tmp_path / "other")
    hub.commit(REPO, {path.name: path for path in (tmp_path / "other").iterdir()})
    hub.repos[REPO].tags["v1"] = first
    assert same(model, VGG.from_pretrained(REPO, revision="v1"))
    assert same(model, VGG.from_pretrained(REPO, revision=first))
    assert not same(model, VGG.from_pretrained(REPO))


@torch.no_grad()
def test_what_was_loaded_before_is_there_offline(hub, tmp_path):
    model, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    VGG.from_pretrained(REPO)
    with hub.offline():
        assert same(model, VGG.from_pretrained(REPO))
        assert same(model, VGG.from_pretrained(REPO, local_files_only=True))
    hub.clear_log()
    assert same(model, VGG.from_pretrained(REPO, local_files_only=True))
    assert hub.log == []


def test_a_cache_of_ones_own_and_a_forced_download(hub, tmp_path):
    _, files = folder_of(tmp_path)
    hub.add_repo(REPO, files)
    VGG.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert list((tmp_path / "cache").glob("models--*"))
    assert not hub.cache.exists() or not list(hub.cache.glob("models--*"))
    hub.clear_log()
    VGG.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert hub.requests("GET", "/cdn/*") == []
    VGG.from_pretrained(REPO, cache_dir=tmp_path / "cache", force_download=True)
    assert len(hub.requests("GET", "/cdn/*")) == 1


NAMES = [
    (
        "no such/thing/here",
        r"^'no such/thing/here' is not a folder here, nor a checkpoint that ships \(vgg11-bn\); a Hub re",
    ),
    ("vgg12-bn", r"^'vgg12-bn' is not a folder here, nor a checkpoint that ships \(vgg11-bn\); a Hub repo is written"),
    ("", r"^'' is not a folder here"),
    ("../x", r"^'\.\./x' is not a folder here"),
    ("~nobody-of-that-name/x", r"^'~nobody-of-that-name/x' is not a folder here"),
    ("a\0b", r"^'a\\x00b' is not a folder here"),
    ("x" * 5000, r"^'x{119} is not a folder here"),
    ("https://huggingface.co/a/b", r"^'https://huggingface\.co/a/b' is not a folder here"),
]


@pytest.mark.parametrize(("name", "message"), NAMES)
def test_a_name_that_is_nothing(hub, name, message):
    with pytest.raises(CheckpointError, match=message):
        VGG.from_pretrained(name)
    assert hub.log == []


def test_folders(tmp_path, monkeypatch):
    model, _ = folder_of(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in (tmp_path / "saved", str(tmp_path / "saved"), "saved", "./saved/", "~/saved"):
        again = VGG.from_pretrained(name)
        assert again.source == "saved"
        assert torch.equal(again.head.weight, model.head.weight)
    with pytest.raises(
        CheckpointError, match=r"^config\.json is a file; give the folder that holds config\.json and model"
    ):
        VGG.from_pretrained(tmp_path / "saved" / "config.json")
    with pytest.raises(
        CheckpointError, match=r"^'saved' is on this machine and has no revisions; leave revision out\.$"
    ):
        VGG.from_pretrained("saved", revision="v1")


def test_checkpoints_that_ship(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = VGG.from_pretrained("vgg11-bn")
    assert model.source == "vgg11-bn"
    assert torch.equal(model.head.weight, tiny_vgg(seed=9).head.weight)
    assert bundled.bundled_names() == ("vgg11-bn",)
    assert hub.log == []
    tiny_vgg(seed=1).save_pretrained(tmp_path / "vgg11-bn")
    message = (
        r"^vgg11-bn is a checkpoint that ships and also a folder here; write \./vgg11-bn for the folder, or rename"
    )
    with pytest.raises(CheckpointError, match=message):
        VGG.from_pretrained("vgg11-bn")
    assert torch.equal(VGG.from_pretrained("./vgg11-bn").head.weight, tiny_vgg(seed=1).head.weight)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@torch.no_grad()
def test_timms_own_repo_is_loaded_as_it_is(hub, tmp_path):
    import timm
    from timm.models._hub import save_for_hf

    theirs = timm.create_model("vgg11", pretrained=False).half().eval()
    save_for_hf(theirs, tmp_path, safe_serialization=True)
    files = {path.name: path for path in tmp_path.iterdir()}
    hub.add_repo("timm/vgg11.tv_in1k", files)
    model = VGG.from_pretrained("timm/vgg11.tv_in1k")
    for path in files.values():
        path.unlink()
    assert (len(model.config.label_names), model.config.label_names[0]) == (1000, "tench")
    assert model.provenance == {"licence": "bsd-3-clause"}
    x = smooth_batch(1, 224)
    expected = theirs.float()(x)
    assert (model(x) - expected).abs().max() < 1e-5
