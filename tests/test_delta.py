"""The head alone: what is written, that it comes together again bit for bit, and each way that it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.hub_helpers import REPO, check_secrets, folder_of, same
from tests.toys import saved, smooth_batch, stripes_net, textures, tiny_vgg, tuned
from vgg_hub import VGG, VGGConfig
from vgg_hub.config_json import OURS_ALONE, config_to_json
from vgg_hub.delta import Base, base_of
from vgg_hub.errors import CheckpointError, ConfigError, HubError, VGGHubError

LABELS = ["cat", "dog"]


def on_repo(hub, tmp_path: Path, **fields: object) -> VGG:
    """A net from a Hub repo with a new head."""
    hub.add_repo(REPO, folder_of(tmp_path, **fields)[1])
    return VGG.from_pretrained(REPO).replace_head(LABELS)


def edit(folder: Path, change) -> None:
    """Change the `vgg_hub` of a folder's config.json."""
    path = folder / "config.json"
    document = json.loads(path.read_text())
    change(document["vgg_hub"])
    path.write_text(json.dumps(document))


@torch.no_grad()
def test_the_head_alone_and_together_again(hub, tmp_path):
    model = on_repo(hub, tmp_path, layers=[64, "M", 128, "M"])
    model.save_pretrained(tmp_path / "delta", delta=True)
    model.save_pretrained(tmp_path / "whole")
    assert {path.name for path in (tmp_path / "delta").iterdir()} == {"config.json", "head.safetensors", "README.md"}
    assert set(load_file(tmp_path / "delta" / "head.safetensors")) == {"head.fc.weight", "head.fc.bias"}
    again = VGG.from_pretrained(tmp_path / "delta")
    assert same(model, again)
    for key, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[key]), key
    assert again.config.label_names == tuple(LABELS)
    assert again.base == model.base
    document = json.loads((tmp_path / "delta" / "config.json").read_text())
    assert document["vgg_hub"]["base"] == {
        "name": REPO,
        "commit": hub.repos[REPO].head.oid,
        "sha256": hub.repos[REPO].head.files["model.safetensors"].blob.sha256,
    }
    assert document["vgg_hub"]["delta"] is True
    assert document["architecture"] == OURS_ALONE
    again.save_pretrained(tmp_path / "whole again")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "whole again" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@torch.no_grad()
def test_a_fine_tuned_folder_can_still_be_shared_as_a_head(shipped, tmp_path):
    """Saved whole by one process, pushed as a head by the next."""
    stripes_net().save_pretrained(shipped / "vgg11-bn")
    finished = tuned(textures(6), VGG.from_pretrained("vgg11-bn"))
    finished.model.save_pretrained(tmp_path / "whole")
    again = VGG.from_pretrained(tmp_path / "whole")
    assert again.base == finished.model.base
    again.save_pretrained(tmp_path / "delta", delta=True)
    assert same(finished.model, VGG.from_pretrained(tmp_path / "delta"))
    assert VGG.from_pretrained(tmp_path / "delta").provenance == finished.model.provenance
    for kept in (again, VGG.from_pretrained(tmp_path / "delta")):
        assert kept.unlike.to_json() == finished.model.unlike.to_json()


@torch.no_grad()
@pytest.mark.parametrize("on_disk", [None, "float16", "bfloat16"])
@pytest.mark.parametrize("in_memory", [torch.float32, torch.bfloat16, None])
def test_dtypes(shipped, tmp_path, on_disk, in_memory):
    """The base is on disk in half precision, as the checkpoints that ship are."""
    tiny_vgg(seed=9).save_pretrained(shipped / "vgg11-bn", dtype="float16")
    model = VGG.from_pretrained("vgg11-bn", dtype=in_memory).replace_head(LABELS)
    model.save_pretrained(tmp_path / "delta", delta=True, dtype=on_disk)
    again = VGG.from_pretrained(tmp_path / "delta", dtype=None)
    kept = {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(on_disk, model.head.weight.dtype)
    of_base = VGG.from_pretrained("vgg11-bn", dtype=kept).state_dict()
    for key, tensor in again.state_dict().items():
        expected = model.state_dict()[key].to(kept) if key.startswith("classifier") else of_base[key]
        assert torch.equal(tensor, expected), key


@torch.no_grad()
def test_a_head_over_a_whole_folder_and_back(hub, tmp_path):
    model = on_repo(hub, tmp_path)
    place = tmp_path / "model"
    for delta, weights in ((False, "model"), (True, "head"), (False, "model")):
        model.save_pretrained(place, delta=delta)
        assert {path.name for path in place.iterdir()} == {"config.json", f"{weights}.safetensors", "README.md"}
        assert same(model, VGG.from_pretrained(place))


@torch.no_grad()
def test_push_and_load(hub, tmp_path):
    model = on_repo(hub, tmp_path)
    model.push_to_hub("tester/head", token=hub.writer, check=False)
    model.push_to_hub("tester/head", token=hub.writer, delta=True, check=False)
    assert set(hub.repos["tester/head"].files()) == {".gitattributes", "config.json", "head.safetensors", "README.md"}
    again = VGG.from_pretrained("tester/head")
    assert same(model, again)
    assert again.source == f"tester/head@{hub.repos['tester/head'].head.oid[:12]}"
    assert again.base == model.base, "a further head stands on the same net"
    with hub.offline():
        assert same(model, VGG.from_pretrained("tester/head", local_files_only=True))
    model.push_to_hub("tester/head", token=hub.writer, check=False)
    assert "head.safetensors" not in hub.repos["tester/head"].files()
    assert same(model, VGG.from_pretrained("tester/head"))


@torch.no_grad()
def test_the_base_is_taken_at_its_commit(hub, tmp_path):
    model = on_repo(hub, tmp_path)
    model.save_pretrained(tmp_path / "delta", delta=True)
    saved(tmp_path / "other", seed=4)
    hub.commit(REPO, {path.name: path for path in (tmp_path / "other").iterdir()})
    assert same(model, VGG.from_pretrained(tmp_path / "delta"))


def refused(folder: Path, message: str, kind: type[VGGHubError] = CheckpointError) -> VGGHubError:
    with pytest.raises(kind, match=message) as caught:
        VGG.from_pretrained(folder)
    return caught.value


def test_a_base_that_is_not_to_be_had(hub, tmp_path):
    on_repo(hub, tmp_path).save_pretrained(tmp_path / "delta", delta=True)
    start = rf"^delta holds a head alone and stands on {REPO}, which is not to be had: "
    commit, sha256 = hub.repos[REPO].head.oid, hub.repos[REPO].head.files["model.safetensors"].blob.sha256
    with hub.offline():
        VGG.from_pretrained(tmp_path / "delta")  # the cache has it
        edit(tmp_path / "delta", lambda ours: ours["base"].update(name="someone/else"))
        refused(tmp_path / "delta", r"someone/else is not on this machine and the Hub cannot be reached", HubError)
    edit(tmp_path / "delta", lambda ours: ours["base"].update(name=REPO, commit="0" * 40))
    refused(tmp_path / "delta", start + rf"{REPO} has no revision '0{{40}}'", HubError)
    edit(tmp_path / "delta", lambda ours: ours["base"].update(commit=commit, sha256="1" * 64))
    refused(
        tmp_path / "delta",
        rf"what it stands on has changed: {REPO}@{commit[:12]} holds weights with sha256 {sha256}, expected sha256 1{{64}}; "
        r"ask for the whole model\.$",
    )
    del hub.repos[REPO]
    edit(tmp_path / "delta", lambda ours: ours["base"].update(name="someone/gone", sha256=sha256))
    check_secrets(
        hub,
        refused(
            tmp_path / "delta", r"someone/gone, which is not to be had: The Hub has no model someone/gone", HubError
        ),
    )


def test_a_shipped_base_that_is_another(shipped, tmp_path):
    model = VGG.from_pretrained("vgg11-bn").replace_head(LABELS)
    model.save_pretrained(tmp_path / "delta", delta=True)
    edit(tmp_path / "delta", lambda ours: ours["base"].update(version="0.0.9"))
    VGG.from_pretrained(tmp_path / "delta")  # the same weights, whatever the version
    tiny_vgg(seed=10).save_pretrained(shipped / "vgg11-bn")
    refused(
        tmp_path / "delta",
        r"^delta holds a head alone, trained on vgg11-bn as vgg-hub 0\.0\.9 ships it; other weights of that name ship with "
        r"this version, [\d.a-z]+: install vgg-hub 0\.0\.9, or ask for the whole model\.$",
    )
    edit(tmp_path / "delta", lambda ours: ours["base"].update(name="vgg99"))
    refused(tmp_path / "delta", r"trained on vgg99 as .* ships it; it does not ship with this version")


def test_a_base_that_is_a_head_itself(hub, tmp_path):
    model = on_repo(hub, tmp_path)
    model.push_to_hub("tester/head", token=hub.writer, delta=True, check=False)
    model.save_pretrained(tmp_path / "delta", delta=True)
    commit = hub.repos["tester/head"].head.oid
    edit(tmp_path / "delta", lambda ours: ours["base"].update(name="tester/head", commit=commit))
    refused(
        tmp_path / "delta", rf"what it stands on has changed: tester/head@{commit[:12]} holds a head alone, expected"
    )


def test_a_head_of_another_net(hub, tmp_path):
    on_repo(hub, tmp_path).save_pretrained(tmp_path / "delta", delta=True)
    edit(tmp_path / "delta", lambda ours: ours.update(layers=[8, "M", 8, 16, "M"]))
    refused(
        tmp_path / "delta",
        rf"^delta holds a head alone, of a net with layers \(8, 'M', 8, 16, 'M'\); {REPO} has \(8, 'M', 16, 'M'\): ask",
    )
    (tmp_path / "delta" / "head.safetensors").unlink()
    refused(tmp_path / "delta", r"^delta has no head\.safetensors; ask its owner")


def test_a_head_is_not_saved_where_its_base_is_gone(hub, tmp_path):
    hub.add_repo(REPO, folder_of(tmp_path)[1])
    model = VGG.from_pretrained(REPO, cache_dir=tmp_path / "elsewhere").replace_head(LABELS)
    del hub.repos[REPO]
    with pytest.raises(
        HubError, match=rf"^What is to be saved holds a head alone and stands on {REPO}, which is not to be"
    ):
        model.save_pretrained(tmp_path / "delta", delta=True)
    assert not (tmp_path / "delta").exists()


def test_models_that_no_head_can_stand_for(hub, tmp_path):
    with pytest.raises(CheckpointError, match=r"^This model does not stand on a net that others can get, so its head"):
        tiny_vgg().save_pretrained(tmp_path / "delta", delta=True)
    saved(tmp_path / "folder")
    with pytest.raises(CheckpointError, match="does not stand on a net that others can get"):
        VGG.from_pretrained(tmp_path / "folder").save_pretrained(tmp_path / "delta", delta=True)
    model = on_repo(hub, tmp_path)
    with torch.no_grad():
        model.features[1].running_mean[3] += 1e-6
    with pytest.raises(
        CheckpointError,
        match=rf"^More than the head differs from {REPO}: features\.1\.running_mean is not the same; "
        r"save the whole model \(delta=False\)\.$",
    ):
        model.save_pretrained(tmp_path / "delta", delta=True)
    assert not (tmp_path / "delta").exists()


BAD_BASES = [
    ("vgg11-bn", r"^vgg_hub\.base is 'vgg11-bn'; expected an object of texts: commit, name, sha256, version\.$"),
    ({"name": "a/b"}, r"^vgg_hub\.base\.sha256 is ''; expected 64 hex digits\.$"),
    ({"name": "a/b", "sha256": "1" * 64}, r"^vgg_hub\.base\.commit is ''; expected 40 hex digits\.$"),
    ({"name": "a/b", "sha256": "1" * 64, "commit": "main"}, r"^vgg_hub\.base\.commit is 'main'; expected 40"),
    (
        {"name": "../weights", "sha256": "1" * 64, "version": "1"},
        r"^vgg_hub\.base is '\.\./weights', version '1'; expected",
    ),
    ({"name": "/tmp", "sha256": "1" * 64, "version": "1"}, r"^vgg_hub\.base is '/tmp'"),  # noqa: S108
    (
        {"name": "vgg11-bn", "sha256": "1" * 64},
        r"^vgg_hub\.base is 'vgg11-bn', version ''; expected a Hub repo with its",
    ),
    ({"name": 3, "sha256": "1" * 64}, r"^vgg_hub\.base is \{'name': 3"),
    ({"name": "a/b", "path": "x"}, r"^vgg_hub\.base is \{'name': 'a/b', 'path': 'x'\}; expected"),
]


@pytest.mark.parametrize(("facts", "message"), BAD_BASES, ids=lambda value: repr(value)[:40])
def test_a_base_that_is_none(tmp_path, facts, message):
    with pytest.raises(ConfigError, match=message):
        base_of({"base": facts})
    saved(tmp_path / "m")
    edit(tmp_path / "m", lambda ours: ours.update(base=facts))
    refused(tmp_path / "m", r"^config\.json of m cannot be used: " + message[1:])


@pytest.mark.parametrize("delta", [True, 1, "yes", None])
def test_a_delta_without_a_base(tmp_path, delta):
    saved(tmp_path / "m")
    edit(tmp_path / "m", lambda ours: ours.update(delta=delta))
    refused(tmp_path / "m", r"^config\.json of m cannot be used: vgg_hub\.delta is .*; expected true, beside a base")


def test_what_is_written_is_read():
    base = Base("a/b", "1" * 64, commit="2" * 40)
    section = json.loads(config_to_json(VGGConfig(), base=base))["vgg_hub"]
    assert base_of(section) == base
    assert base_of({}) is None


@torch.no_grad()
def test_logits_of_the_parts(hub, tmp_path):
    """The head is what changes the answer: the rebuilt net answers as the tuned one, not as its base."""
    model = on_repo(hub, tmp_path)
    model.save_pretrained(tmp_path / "delta", delta=True)
    x = smooth_batch(4, 32)
    assert torch.equal(VGG.from_pretrained(tmp_path / "delta")(x), model(x))
    assert not torch.allclose(VGG.from_pretrained(REPO)(x), model(x))
