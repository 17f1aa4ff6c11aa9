"""The eight nets that ship: small enough, as their logs say, and each teachable, downloadable and loaded again, offline."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from safetensors import safe_open

from tests.page_helpers import draw_photos
from vgg_hub import VGG, Classifier
from vgg_hub.bundled import bundled_folder, bundled_names

NAMES = sorted(f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "-bn"))
LOGS = Path(__file__).parents[1] / "training" / "logs"


def test_all_depths_ship_with_and_without_batch_norm_in_48_mb():
    assert list(bundled_names()) == NAMES
    files = [path for name in NAMES for path in bundled_folder(name).iterdir()]
    sizes = {path: path.stat().st_size for path in files}
    assert max(sizes.values()) <= 10_000_000
    assert sum(sizes.values()) <= 48_000_000
    assert {path.name for path in files} == {"README.md", "config.json", "model.safetensors"}


@pytest.mark.parametrize("name", NAMES)
def test_a_net_is_of_its_name_and_says_what_its_log_says(name):
    model = VGG.from_pretrained(name)
    config, log = model.config, json.loads((LOGS / f"{name}.json").read_text(encoding="utf-8"))
    assert config.name == name
    assert (config.depth, config.batch_norm) == (int(name[3:5]), name.endswith("-bn"))
    assert (config.width, config.input_size, config.num_classes) == (0.4375, log["evaluation"]["input_size"], 200)
    assert model.provenance["scores"] == log["facts"]["scores"]
    by_name = {score["dataset"]: score["accuracy"] for score in model.provenance["scores"]}
    assert by_name["Tiny ImageNet"] == log["as_shipped"]["scores"]["tiny"]
    card = (bundled_folder(name) / "README.md").read_text(encoding="utf-8")
    assert "model-index:" in card
    assert f"value: {by_name['CIFAR-10']}" in card
    assert re.search(r"""["' (]/\w+/""", card + json.dumps(log)) is None, "a path of the machine that trained"
    with safe_open(bundled_folder(name) / "model.safetensors", framework="pt") as file:
        kinds = {file.get_slice(key).get_dtype() for key in file.keys() if "num_batches" not in key}  # noqa: SIM118
    assert kinds == {"F16"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return draw_photos(tmp_path_factory.mktemp("photos"), count=8)


@pytest.fixture(scope="module")
def client(address):
    client = Client(address, verbose=False)
    yield client
    client.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_page_teaches_each_and_gives_it_away(client, photos, name, tmp_path):
    client.reset_session()
    sent = [[handle_file(path) for path in paths] for paths in photos.values()]
    names = {"label_a": "stripes", "label_b": "dots", "depth": int(name[3:5]), "batch_norm": name.endswith("-bn")}
    report = client.predict(*sent, **names, device="cpu", api_name="/finetune")
    assert (report["base"], report["validation"]["n"]) == (name, 16)
    assert report["validation"]["accuracy"] >= 0.8
    path = photos["dots"][0]
    answer = client.predict(handle_file(path), 2, api_name="/classify")
    with zipfile.ZipFile(client.predict(api_name="/download")) as archive:
        archive.extractall(tmp_path)
    [folder] = tmp_path.iterdir()
    [again] = Classifier(VGG.from_pretrained(folder), device="cpu")([path])
    assert again.label == answer["label"]
    assert {c["label"]: c["confidence"] for c in answer["confidences"]} == pytest.approx(again.scores, abs=1e-5)
