"""The nets that all visitors share: loaded once, bounded, and no more than each may read."""

import os
import threading

import pytest

from tests.page_helpers import tiny_checkpoint
from tests.toys import tiny_vgg
from vgg_hub import bundled
from vgg_hub.errors import CheckpointError, HubError
from vgg_hub.ui import backbones as module
from vgg_hub.ui.backbones import Backbones
from vgg_hub.ui.choice import Choice


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    root = tiny_checkpoint(tmp_path / "weights")  # once: threads will ask for it
    monkeypatch.setattr(bundled, "_root", lambda: root)
    return tmp_path


def test_a_net_is_loaded_once_for_all(shipped, monkeypatch):
    loads = []
    original = module.starting_model
    monkeypatch.setattr(module, "starting_model", lambda *a: (loads.append(a), original(*a))[1])
    shared = Backbones()
    found = []
    threads = [threading.Thread(target=lambda: found.append(shared.get(Choice()))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert all(model is found[0] for model in found)


def test_only_the_last_nets_are_kept_and_a_folder_written_anew_is_read_anew(tmp_path):
    folders = [tmp_path / name for name in "abc"]
    for seed, folder in enumerate(folders):
        tiny_vgg(seed).save_pretrained(folder)
    shared = Backbones(limit=2)
    first, second, third = (shared.get(Choice(weights=str(folder))) for folder in folders)
    assert shared.get(Choice(weights=str(folders[2]))) is third
    assert shared.get(Choice(weights=str(folders[1]))) is second
    assert shared.get(Choice(weights=str(folders[0]))) is not first
    weights = folders[0] / "model.safetensors"
    os.utime(weights, ns=(1, 1))
    again = shared.get(Choice(weights=str(folders[0])))
    assert again is shared.get(Choice(weights=str(folders[0])))


def test_a_failed_load_is_tried_again(tmp_path):
    shared = Backbones()
    choice = Choice(weights=str(tmp_path / "later"))
    with pytest.raises(CheckpointError):
        shared.get(choice)
    tiny_vgg().save_pretrained(tmp_path / "later")
    assert shared.get(choice).config.num_classes == 2


def test_random_nets_are_drawn_and_shared():
    shared = Backbones()
    choice = Choice(weights="random", depth=11)
    assert shared.get(choice) is shared.get(choice)
    assert shared.get(choice).config.depth == 11


def test_what_the_owner_of_a_space_may_read_is_not_for_its_visitors(hub, tmp_path, monkeypatch):
    tiny_vgg().save_pretrained(tmp_path / "m")
    hub.add_repo("tester/private", {path.name: path for path in (tmp_path / "m").iterdir()}, private=True)
    hub.login(hub.reader)
    monkeypatch.setenv("SPACE_ID", "tester/space")
    with pytest.raises(HubError, match=r"^The Hub has no model tester/private that you may see"):
        Backbones().get(Choice(weights="tester/private"))
    assert {entry.token for entry in hub.log} == {None}
    monkeypatch.delenv("SPACE_ID")
    assert Backbones().get(Choice(weights="tester/private")).source.startswith("tester/private@")
