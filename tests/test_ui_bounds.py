"""What a stranger's net may be: too large a one is refused before its weights are fetched or a map is made."""

from __future__ import annotations

import json

import pytest

from tests.toys import tiny_vgg
from vgg_hub import VGGConfig
from vgg_hub.config import LAYERS
from vgg_hub.errors import CheckpointError, HubError
from vgg_hub.ui import bounds
from vgg_hub.ui.backbones import Backbones
from vgg_hub.ui.bounds import check_size
from vgg_hub.ui.choice import Choice

REPO = "someone/large"


@pytest.fixture
def files(tmp_path):
    tiny_vgg().save_pretrained(tmp_path / "m")
    return {path.name: path for path in (tmp_path / "m").iterdir()}


def changed(path, **fields):
    document = json.loads(path.read_text(encoding="utf-8"))
    side = fields.pop("side", None)
    if side:
        document["pretrained_cfg"]["input_size"] = [3, side, side]
    document["vgg_hub"] |= fields
    path.write_text(json.dumps(document), encoding="utf-8")


def test_every_net_of_the_paper_may_come():
    for depth in LAYERS:
        for batch_norm in (True, False):
            check_size(VGGConfig(depth=depth, batch_norm=batch_norm, num_classes=21_000), "it")
            check_size(VGGConfig(depth=depth, batch_norm=batch_norm, input_size=320), "it")


TOO_LARGE = {
    "a map of four gigabytes": ({"layers": [64, "M", 8], "side": 4096}, r"1,074 million numbers in its largest feature map"),
    "a picture of gigabytes": ({"layers": ["M"] * 5 + [8], "side": 4096}, r"50 million numbers in its largest feature map"),
    "a thousand wide layers": ({"layers": [65_536] * 1000}, r"million parameters; this page takes at most 300 million"),
    "billions of hidden weights": ({"hidden_features": 65_536, "pool_size": 64}, r"million parameters"),
    "a trillion multiply-adds": ({"layers": [512] * 40, "side": 128}, r"million multiply-adds a photo"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "message"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_config_that_asks_for_too_much_costs_its_own_bytes_alone(hub, files, fields, message):
    changed(files["config.json"], **fields)
    hub.add_repo(REPO, files)
    with pytest.raises(CheckpointError, match=message) as caught:
        Backbones().get(Choice(weights=REPO))
    assert str(caught.value).startswith(f"{REPO} is a net of ")
    assert not any("safetensors" in entry.path for entry in hub.log)


def test_a_folder_is_held_to_the_same(files):
    changed(files["config.json"], layers=[64, "M", 8], side=4096)
    with pytest.raises(CheckpointError, match=r"cannot be used|does not hold|largest feature map"):
        Backbones().get(Choice(weights=str(files["config.json"].parent)))


@pytest.mark.parametrize(
    ("name", "limit"), [("config.json", "MAX_CONFIG_BYTES"), ("model.safetensors", "MAX_FILE_BYTES")]
)
def test_a_file_that_is_too_large_is_not_fetched(hub, files, monkeypatch, name, limit):
    hub.add_repo(REPO, files)
    monkeypatch.setattr(bounds, limit, 100)
    with pytest.raises(
        CheckpointError, match=rf"{name} of {REPO} has 0 MB; this page takes at most 0 MB: choose a smaller"
    ):
        Backbones().get(Choice(weights=REPO))
    assert not any("/resolve/" in entry.path for entry in hub.log)


def test_a_net_of_the_right_size_comes_and_stays(hub, files):
    hub.add_repo(REPO, files)
    assert Backbones().get(Choice(weights=REPO)).source.startswith(f"{REPO}@")
    hub.close()
    assert Backbones().get(Choice(weights=REPO)).source.startswith(f"{REPO}@"), "from the cache"
    with pytest.raises(HubError, match="someone/none"):
        Backbones().get(Choice(weights="someone/none"))


def test_what_the_owner_may_read_is_not_for_those_from_elsewhere(hub, files):
    hub.add_repo("tester/private", files, private=True)
    hub.login(hub.reader)
    nets = Backbones()
    nets.get(Choice(weights="tester/private"))
    with pytest.raises(HubError, match=r"^The Hub has no model tester/private that you may see"):
        nets.get(Choice(weights="tester/private", at_home=False))
